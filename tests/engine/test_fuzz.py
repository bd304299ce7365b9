"""Damaged models end in a system or in a clear error, within their limits, and this process never dies."""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import mutations
import numpy as np
import pytest

from carwright.engine import System, read_sbml
from carwright.engine.evaluate import evaluate
from carwright.engine.expression import TIME
from carwright.engine.untrusted import Limits, read_untrusted
from carwright.errors import CarwrightError
from carwright.models import load_model

LIMITS = Limits(seconds=10.0, memory_bytes=1 << 30, answer_bytes=64 << 20)
GRACE = 20.0
"""Seconds that a busy machine may take to start and to end a process beyond the limit."""


def judged(seed: int) -> str:
    """How the reading of one damaged model ends."""
    text, damage = mutations.mutated(load_model("mcrpc").sbml, seed)
    began = time.monotonic()
    try:
        system = read_untrusted(text, where="damaged.xml", limits=LIMITS)
    except CarwrightError as error:
        for problem in error.problems:
            assert problem.code.startswith("ENGINE0"), (seed, damage, problem)
            assert problem.what, (seed, damage)
            assert "damaged.xml" in problem.where, (seed, damage, problem)
        ending = error.problems[0].code
    else:
        usable(system)
        ending = "system"
    assert time.monotonic() - began < LIMITS.seconds + GRACE, (seed, damage)
    return ending


def usable(system: System) -> None:
    """The system that came back can be evaluated, whatever numbers it holds."""
    assert len(system.rates) == len(system.initial) == len(system.states)
    with np.errstate(all="ignore"):
        states = system.initial_values(system.defaults[None])
        values = dict(zip(system.parameters, system.defaults[:, None], strict=True)) | {TIME: np.float64(0.0)}
        values |= {name: states[:, i] for i, name in enumerate(system.states)}
        assert len(evaluate([*system.rates, *system.observables.values()], values)) >= len(system.states)


def fuzzed(seeds: range) -> Counter[str]:
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        return Counter(pool.map(judged, seeds))


def test_damaged_models() -> None:
    endings = fuzzed(range(39))
    assert endings.total() == 39
    # Every kind of damage is in it, so several kinds of ending must be.
    assert {"ENGINE010", "ENGINE051"} < set(endings)


@pytest.mark.slow
def test_sample_of_many_damaged_models() -> None:
    assert fuzzed(range(1_000, 1_100)).total() == 100


@pytest.mark.slow
def test_two_thousand_damaged_models() -> None:
    assert fuzzed(range(2_000, 4_000)).total() == 2_000


def test_the_sound_model_is_read() -> None:
    """The damage, and nothing else, is what the errors are about."""
    text = load_model("mcrpc").sbml
    assert read_untrusted(text, limits=LIMITS).digest == read_sbml(text).digest


def test_damage_is_damage() -> None:
    text = load_model("mcrpc").sbml
    assert len({mutations.mutated(text, seed)[0] for seed in range(200)} - {text}) > 190
    assert mutations.mutated(text, 7) == mutations.mutated(text, 7)
