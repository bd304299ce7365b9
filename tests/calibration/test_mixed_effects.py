"""The mixed-effects reading of the decline gets back what courses were made with."""

import numpy as np
import pytest
from calibration.mixed_effects import decline, measure, typical

DAYS = np.linspace(0.0, 725.0, 2901)
CENTRE = np.array([np.log(2e4), np.log(0.15), -4.5, np.log(0.0035)])
DRAWN = CENTRE + np.array([0.8, 0.3, 0.5, 0.5]) * np.random.default_rng(3).standard_normal((200, 4))
LEVELS = np.exp(decline(DRAWN, np.maximum(DAYS - 10.0, 0.0)[None])) * np.minimum(DAYS / 10.0, 1.0)
EVER = np.full(len(LEVELS), np.inf)


@pytest.mark.parametrize(("limit", "error", "allowed"), [(0.0, 0.1, 0.03), (50.0, 0.1, 0.05), (50.0, 0.56, 0.12)])
def test_the_typical_patient_is_found(limit, error, allowed):
    cmax, alpha, _, beta = np.exp(DRAWN.mean(axis=0))
    found = typical(measure(DAYS, LEVELS, EVER, limit, error))
    assert found.cmax == pytest.approx(cmax, rel=allowed)
    assert found.first_half_life == pytest.approx(np.log(2) / alpha, rel=allowed)
    assert found.terminal_half_life == pytest.approx(np.log(2) / beta, rel=allowed)


def test_leaving_low_values_out_makes_cells_seem_to_last():
    data = measure(DAYS, LEVELS, EVER, 100.0)
    assert 0.2 < (data.below & data.taken).sum() / data.taken.sum() < 0.7
    censored, left_out = typical(data), typical(data.without_low())
    assert left_out.terminal_half_life > 1.2 * censored.terminal_half_life
