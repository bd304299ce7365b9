"""Courses of patients to whom nothing happens, for tests to disturb."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from carwright.clinic.grade import courses_needed

HEALTHY = {
    "temperature": 36.8,
    "arterial_pressure": 90.0,
    "oxygen_saturation": 97.0,
    "encephalopathy": 0.0,
    "tocilizumab": 0.0,
    "corticosteroid": 0.0,
    "anakinra": 0.0,
    "neutrophils_per_ul": 4_000.0,
    "ferritin": 400.0,
    "psa": 100.0,
    "tumour_cells": 1e11,
    "antigen_low_cells": 1e10,
    "inhibitory_index": 0.2,
}

Courses = dict[str, NDArray[np.float64]]


@pytest.fixture
def times() -> NDArray[np.float64]:
    """Twice a day to day 28, then every other day; visits of PSA are among them."""
    return np.concatenate((np.arange(-7.0, 28.0, 0.5), np.arange(28.0, 366.0, 2.0)))


@pytest.fixture
def healthy(times: NDArray[np.float64]) -> Callable[[int], Courses]:
    """Courses of n patients without any reaction."""

    def build(patients: int) -> Courses:
        return {name: np.full((patients, times.size), HEALTHY.get(name, 1.0)) for name in courses_needed()}

    return build
