"""Counts from bits against a matrix product, on this processor and on one without vector population counts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from carwright.targets.kernel.lanes import count_tile, popcount
from carwright.targets.kernel.panels import aligned, compact, pack_dense, reorder
from carwright.targets.search.triples import _pair_counts

CHECK = """
import numpy as np
from carwright.targets.kernel.panels import pack_dense
from carwright.targets.search.triples import _pair_counts
rng = np.random.default_rng(1)
positive = rng.random((700, 70)) < rng.random(70)
table = pack_dense(positive, np.zeros(700, int))
pair = np.zeros((3, 96, 1, 32), np.float32)
_pair_counts(table.panels, np.array([0, table.words]), pair)
product = positive.T.astype(np.float32) @ positive.astype(np.float32)
assert (np.triu(pair[:, :, 0].swapaxes(0, 1).reshape(96, 96)[:70, :70]) == np.triu(product)).all()
print("vpopcntq" in next(iter(_pair_counts.inspect_asm().values())))
"""


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), cells=st.integers(1, 700), genes=st.integers(1, 70), groups=st.integers(1, 5))
def test_pair_counts_equal_a_matrix_product_in_every_group(seed: int, cells: int, genes: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random((cells, genes)) < rng.random(genes)
    of = np.concatenate([np.arange(groups), rng.integers(0, groups, cells)])[:cells]
    of = np.unique(of, return_inverse=True)[1]
    table = pack_dense(positive, of)
    panels = table.panels.shape[0]
    pair = np.zeros((panels, panels * 32, len(table.sizes), 32), np.float32)
    _pair_counts(table.panels, table.starts, pair)
    for group in range(len(table.sizes)):
        inside = positive[of == group].astype(np.float32)
        counted = pair[:, :, group].swapaxes(0, 1).reshape(panels * 32, panels * 32)[:genes, :genes]
        np.testing.assert_array_equal(np.triu(counted), np.triu(inside.T @ inside))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), cells=st.integers(1, 400), genes=st.integers(2, 140))
def test_repacking_keeps_every_bit(seed: int, cells: int, genes: int) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random((cells, genes)) < rng.random(genes)
    table = pack_dense(positive, np.zeros(cells, int))
    order = rng.permutation(genes)[: rng.integers(1, genes + 1)]
    again = reorder(table, order)
    assert all((again.row(place) == table.row(int(gene))).all() for place, gene in enumerate(order))

    chosen = np.flatnonzero(positive[:, 0])
    places = np.full(-(-max(len(chosen), 1) // 64) * 64, -1, np.int64)
    places[: len(chosen)] = chosen
    words, panels = len(places) // 64, table.panels.shape[0]
    packed = aligned((panels * words * 32,))
    compact(table.cells, places, 0, np.zeros((64, table.cells.shape[1]), np.uint64), packed, panels)
    bits = packed.reshape(panels, words, 32)
    counts = np.bitwise_count(bits).sum(axis=1).reshape(-1)[:genes]
    np.testing.assert_array_equal(counts, positive[chosen].sum(axis=0))


def test_group_counts_and_cells_left_out() -> None:
    rng = np.random.default_rng(3)
    positive = rng.random((300, 5)) < 0.4
    groups = rng.integers(-1, 3, 300)
    table = pack_dense(positive, groups)
    for gene in range(5):
        expected = [positive[groups == g, gene].sum() for g in range(3)]
        assert table.group_counts(table.row(gene)).tolist() == expected
    assert table.sizes.tolist() == [(groups == g).sum() for g in range(3)]


def test_no_words_count_nothing_and_population_counts() -> None:
    @njit
    def run(bits, counts):  # type: ignore[no-untyped-def]
        count_tile(bits, 0, 32, bits, 0, 0, counts, 0)
        return popcount(np.uint64(0xF0F0))

    counts = np.full(128, 7, np.int32)
    assert run(aligned((32,)), counts) == 8
    assert not counts.any()


def has(flag: str) -> bool:
    information = Path("/proc/cpuinfo")
    return information.exists() and flag in information.read_text(encoding="utf-8")


@pytest.mark.parametrize("processor", ["host", "generic"])
def test_the_portable_path_counts_the_same(processor: str, tmp_path: Path) -> None:
    """Without VPOPCNTDQ the same text compiles to other instructions and gives the same counts."""
    setting = {} if processor == "host" else {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    environment = {**os.environ, **setting, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if processor == "generic" or has("avx512_vpopcntdq"):
        assert done.stdout.strip() == str(processor == "host")
