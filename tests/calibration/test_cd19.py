"""The kinetics of CD19 products: how they are read, and what the models give."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from calibration.cd19 import CELLS, DOSE_RANGE, LISOCABTAGENE, TISAGENLECLEUCEL, median_phases, peaks
from calibration.courses import FOLLOW_UP, TIMES, courses, day_of_disease, days_below, patients_of
from calibration.phases import phases

AXICABTAGENE = {7: (27.5, 1.6), 14: (9.1, 1.8), 28: (2.1, 1.6), 90: (0.1, 3.2)}
"""Median of ZUMA-1 by day, and the factor within which few virtual patients have to be."""
PATIENTS = 200


def test_phases_of_the_published_model_are_read_back():
    """Typical values of Stein 2019 come back as medians of patients drawn from that model."""
    rng = np.random.default_rng(1)
    spread = np.exp(np.array([0.38, 0.65, 0.91, 0.8, 0.86]) * rng.standard_normal((300, 5)))
    tmax, cmax, alpha, share, beta = (np.array([9.3, 24000.0, 0.16, 0.0079, 0.0032]) * spread).T
    share = np.minimum(share, 0.9)
    since = FOLLOW_UP - tmax[:, None]
    fall = (1 - share[:, None]) * np.exp(-alpha[:, None] * since) + share[:, None] * np.exp(-beta[:, None] * since)
    level = cmax[:, None] * np.where(since < 0, np.exp(0.889 * np.minimum(since, 0)), np.minimum(fall, 1.0))
    read = [phases(FOLLOW_UP, course) for course in level]
    assert np.nanmedian([row.first_half_life for row in read]) == pytest.approx(4.33, rel=0.12)
    assert np.nanmedian([row.terminal_half_life for row in read]) == pytest.approx(217, rel=0.12)
    assert np.nanmedian([row.doubling for row in read]) == pytest.approx(0.78, rel=0.02)


def test_follow_up_ends_when_the_disease_is_back():
    cells = np.full((3, len(TIMES)), 1e3)
    cells[1, TIMES >= 100] = 2e9  # back
    cells[2, TIMES < 60] = 9e9  # slow to go
    assert list(day_of_disease(cells, np.full(3, 1e10))) == [np.inf, TIMES[TIMES >= 100][0], 28.0]


@pytest.mark.slow
def test_products_with_41bb_follow_the_publications():
    """Fitted: all but the terminal half-lives; that of lisocabtagene is missed, and said to be."""
    for model, product, cyclophosphamide, wanted in (
        ("b-all", "tisagenlecleucel", 500.0, TISAGENLECLEUCEL),
        ("lbcl", "lisocabtagene", 300.0, LISOCABTAGENE),
    ):
        drawn = patients_of(model, product, PATIENTS).values
        read = median_phases(courses(model, drawn, CELLS[product], cyclophosphamide, times=FOLLOW_UP), drawn)
        for phase in ("doubling", "tmax", "cmax", "first_half_life"):
            if np.isfinite(getattr(wanted, phase)):
                assert getattr(read, phase) == pytest.approx(getattr(wanted, phase), rel=0.25), (product, phase)
        assert 150 < read.terminal_half_life < 350
        low, high = (np.median(peaks(model, drawn, cells)) for cells in DOSE_RANGE)
        assert high / low < 1.5


@pytest.mark.slow
def test_levels_of_axicabtagene_responders_and_days_without_neutrophils():
    for model, product in (("b-all", "tisagenlecleucel"), ("lbcl", "axicabtagene")):
        drawn = patients_of(model, product, PATIENTS).values
        got = courses(model, drawn, CELLS[product], 500.0)
        stayed_away = day_of_disease(got["tumour_cells"], drawn["tumour_burden"]) > 90.0
        highest = got["car_cells_per_ul"].max(axis=1)
        assert np.median(highest[stayed_away]) > np.median(highest[~stayed_away])
        assert 6.0 <= np.median(days_below(got["neutrophils_per_ul"], 500.0)) <= 12.0
    for day, (published, factor) in AXICABTAGENE.items():
        found = np.median(got["car_cells_per_ul"][:, np.searchsorted(TIMES, day)])
        assert abs(np.log(found / published)) < np.log(factor), day
