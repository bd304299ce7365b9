"""Simulated characteristics against those that papers print."""

from __future__ import annotations

import numpy as np
import pytest

from carwright.trial.patients import BernoulliPatients
from carwright.trial.posterior.sample_size import sample_size
from carwright.trial.registry import build_design
from carwright.trial.simulate import simulate
from carwright.trial.space import ladder
from carwright.trial.timeline import Timeline, simulate_timeline


def test_bf_boin_as_printed() -> None:
    """Zhao 2024, table 4: 57.6 % right, 9.7 % above it, 30.9 patients, 14.3 months.

    Target 0.25, windows of a month, three patients a month; 30 patients in the escalation or nine at the dose to be
    treated again. Printed values come from 10,000 trials of another program; the order of arrivals differs.
    """
    truth, active = (0.04, 0.12, 0.25, 0.43, 0.63), (0.10, 0.20, 0.30, 0.45, 0.58)
    options = {"target": 0.25, "stay_at_one_of_three": True}
    design = build_design("bf-boin", ladder(5), options, [{"stop_at": {"n": 30}}, {"stop_at_node": {"n": 9}}])
    found = simulate_timeline(design, BernoulliPatients(truth, active), 3000, 1, Timeline(3.0)).characteristics()
    assert found.recommended["3"] == pytest.approx(0.576, abs=0.03)
    assert found.recommended["4"] + found.recommended["5"] == pytest.approx(0.097, abs=0.025)
    assert found.expected_patients == pytest.approx(30.9, abs=0.6)
    assert found.duration == pytest.approx(14.3, abs=1.0)


@pytest.mark.parametrize("odds_ratio", [1.8, 2.2])
def test_the_number_of_patients_gives_the_selection_asked_for(odds_ratio: float) -> None:
    """Cheung 2013: averaged over curves on which each dose in turn has the target, about the share asked for."""
    levels, target, share = 5, 0.25, 0.5
    needed = sample_size(share, target, levels, odds_ratio)
    assert needed.validated
    design = build_design(
        "crm", ladder(levels), {"target": target, "cohort_size": 1, "start": "3", "recommend": "next"},
        [{"stop_at": {"n": needed.patients}}],
    )  # fmt: skip
    right = []
    for dose in range(levels):
        odds = target / (1 - target) * odds_ratio ** (np.arange(levels) - dose)
        found = simulate(design, BernoulliPatients(tuple(odds / (1 + odds))), 2000, 1)
        right.append((found.recommended == dose).mean())
    assert np.mean(right) == pytest.approx(share, abs=0.06)


def test_more_is_asked_for_than_the_benchmark_needs() -> None:
    for share in (0.4, 0.5, 0.6):
        found = sample_size(share, 0.2, 5, 2.0)
        assert found.benchmark < found.exact <= found.patients
