"""Positivity as bits: cells sorted by group, 64 to a word, genes in panels of 32; and the same bits cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from numba import njit

from carwright.targets.kernel.lanes import LANES, WORD

Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]

ALIGNMENT = 64
"""Bytes; panels start on a cache line, and so does each of their words."""


def aligned(shape: tuple[int, ...]) -> Words:
    """Zeros, uint64, starting on a cache line."""
    size = int(np.prod(shape)) * 8
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(np.uint64).reshape(shape)


@dataclass(frozen=True)
class BitTable:
    """Which cell is positive for which gene.

    Parameters
    ----------
    panels
        uint64 (panels, words, 32): ``panels[p, w, lane]`` holds 64 cells of gene ``32 p + lane``. Places without a cell
        or a gene are zero.
    cells
        uint64 (64 x words, gene words): the same bits with 64 genes of one cell to a word.
    genes
        Number of genes.
    starts
        Word at which each group starts, and the number of words last; groups are padded to whole words.
    sizes
        Cells of each group.
    """

    panels: Words = field(repr=False)
    cells: Words = field(repr=False)
    genes: int
    starts: Integers
    sizes: Integers

    @property
    def words(self) -> int:
        """Words of a gene."""
        return int(self.starts[-1])

    def row(self, gene: int) -> Words:
        """(words,) bits of one gene."""
        return np.ascontiguousarray(self.panels[gene // LANES, :, gene % LANES])

    def group_counts(self, bits: Words) -> Integers:
        """(groups,) positive cells of each group of a row of bits."""
        return np.add.reduceat(np.bitwise_count(bits).astype(np.int64), self.starts[:-1])


def pack(indptr: Integers, indices: npt.NDArray[np.integer], genes: int, groups: npt.NDArray[np.integer]) -> BitTable:
    """Pack positive entries into bits.

    Parameters
    ----------
    indptr, indices
        Positive genes of each cell, as in a compressed sparse row matrix.
    genes
        Number of genes.
    groups
        (cells,) number of each cell's group, counted from 0 without gaps; -1 leaves the cell out.
    """
    groups = np.asarray(groups, np.int64)
    sizes = np.bincount(groups[groups >= 0])
    starts = np.concatenate([[0], np.cumsum(-(-sizes // WORD))]).astype(np.int64)
    places = np.full(len(groups), -1, np.int64)
    chosen = np.flatnonzero(groups >= 0)
    order = chosen[np.argsort(groups[chosen], kind="stable")]
    first = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    sorted_groups = groups[order]
    places[order] = starts[sorted_groups] * WORD + (np.arange(len(order)) - first[sorted_groups])
    panels = aligned((-(-genes // LANES), int(starts[-1]), LANES))
    cells = np.zeros((int(starts[-1]) * WORD, -(-genes // WORD)), np.uint64)
    _fill(np.asarray(indptr, np.int64), np.asarray(indices, np.int64), places, panels, cells)
    return BitTable(panels, cells, genes, starts, sizes.astype(np.int64))


def pack_dense(positive: npt.NDArray[np.bool_], groups: npt.NDArray[np.integer]) -> BitTable:
    """Pack a table (cells, genes) of truth values; as `pack`."""
    counts = positive.sum(axis=1)
    return pack(np.concatenate([[0], np.cumsum(counts)]), np.nonzero(positive)[1], positive.shape[1], groups)


def reorder(table: BitTable, order: Sequence[int] | Integers) -> BitTable:
    """The same cells with some genes, in another order."""
    order = np.asarray(order, np.int64)
    panels = aligned((-(-len(order) // LANES), table.words, LANES))
    for place, gene in enumerate(order):
        panels[place // LANES, :, place % LANES] = table.row(int(gene))
    cells = np.zeros((table.words * WORD, -(-len(order) // WORD)), np.uint64)
    _by_cell(panels, cells)
    return BitTable(panels, cells, len(order), table.starts, table.sizes)


@njit(cache=True, nogil=True)
def _fill(indptr, indices, places, panels, cells):  # type: ignore[no-untyped-def]
    one = np.uint64(1)
    for cell in range(len(places)):
        place = places[cell]
        if place < 0:
            continue
        word, bit = place // 64, one << np.uint64(place % 64)
        for entry in range(indptr[cell], indptr[cell + 1]):
            gene = indices[entry]
            panels[gene // 32, word, gene % 32] |= bit
            cells[place, gene // 64] |= one << np.uint64(gene % 64)


@njit(inline="always")
def _exchange(block, half, mask, first, last):  # type: ignore[no-untyped-def]
    """One step of the transposition: swap the off-diagonal squares of side `half` (Warren, Hacker's Delight, 7-3)."""
    shift = np.uint64(half)
    row = 0
    while row < 64:
        for below in range(row, row + half):
            for k in range(first, last):
                swapped = ((block[below, k] >> shift) ^ block[below + half, k]) & mask
                block[below + half, k] ^= swapped
                block[below, k] ^= swapped << shift
        row += 2 * half


@njit(inline="always")
def _transpose(block, first, last):  # type: ignore[no-untyped-def]
    """Transpose the 64 x 64 bits of ``block[:, k]`` for each k, all at once."""
    _exchange(block, 32, np.uint64(0x00000000FFFFFFFF), first, last)
    _exchange(block, 16, np.uint64(0x0000FFFF0000FFFF), first, last)
    _exchange(block, 8, np.uint64(0x00FF00FF00FF00FF), first, last)
    _exchange(block, 4, np.uint64(0x0F0F0F0F0F0F0F0F), first, last)
    _exchange(block, 2, np.uint64(0x3333333333333333), first, last)
    _exchange(block, 1, np.uint64(0x5555555555555555), first, last)


@njit(cache=True, nogil=True)
def _by_cell(panels, cells):  # type: ignore[no-untyped-def]
    gene_words = cells.shape[1]
    block = np.zeros((64, gene_words), np.uint64)
    for word in range(panels.shape[1]):
        for panel in range(panels.shape[0]):
            for lane in range(32):
                block[32 * (panel % 2) + lane, panel // 2] = panels[panel, word, lane]
        _transpose(block, 0, gene_words)
        for i in range(64):
            for k in range(gene_words):
                cells[word * 64 + i, k] = block[i, k]
        if panels.shape[0] % 2:
            for i in range(64):
                block[i, gene_words - 1] = np.uint64(0)


@njit(cache=True, nogil=True)
def compact(cells, chosen, first_gene, block, panels, count):  # type: ignore[no-untyped-def]
    """Repack some cells, so that genes are counted among these cells alone.

    Parameters
    ----------
    cells
        uint64 (places, gene words) of a `BitTable`.
    chosen
        int64, places of the cells to keep; -1 is a place without a cell.
    first_gene
        Only panels that hold this gene or later ones are written.
    block
        uint64 (64, gene words), scratch.
    panels
        uint64, flat, at least panels x words x 32 with words = len(chosen) / 64; receives panels of the chosen cells.
    count
        Number of panels in all.

    Notes
    -----
    Words of 64 genes x 64 cells are transposed for all genes at once, so the inner loop is over contiguous words.
    """
    gene_words = cells.shape[1]
    words = len(chosen) // 64
    first = first_gene // 64
    for word in range(words):
        for i in range(64):
            place = chosen[word * 64 + i]
            if place < 0:
                for k in range(first, gene_words):
                    block[i, k] = np.uint64(0)
            else:
                for k in range(first, gene_words):
                    block[i, k] = cells[place, k]
        _transpose(block, first, gene_words)
        for panel in range(2 * first, min(2 * gene_words, count)):
            k, half = panel // 2, 32 * (panel % 2)
            base = (panel * words + word) * 32
            for lane in range(32):
                panels[base + lane] = block[half + lane, k]
