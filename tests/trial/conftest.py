"""Dose spaces and patients that the tests of the trial room share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from carwright.population.streams import uniforms
from carwright.trial.design import Design
from carwright.trial.potential import PotentialOutcomes
from carwright.trial.registry import build_design
from carwright.trial.space import DoseNode, DoseSpace


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of published reference values, or a skip (a failure in CI)."""
    default = Path(__file__).parents[3] / "shared"
    folder = Path(os.environ.get("CARWRIGHT_SHARED", default)) / "data" / "trial-reference"
    if not folder.is_dir():
        reason = f"no reference data at {folder}; set CARWRIGHT_SHARED"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def seed_space() -> DoseSpace:
    """The four nodes of NCT03089203."""
    low, high = (1e7, 3e7), (1e8, 3e8)
    nodes = (
        DoseNode("1", low, "none"),
        DoseNode("2", high, "none"),
        DoseNode("3", high, "flu-cy-300-30x3"),
        DoseNode("-3", low, "flu-cy-300-30x3"),
    )
    return DoseSpace(nodes, ("1 < 2 < 3", "1 < -3 < 3"))


@pytest.fixture(scope="session")
def seed_design(seed_space: DoseSpace) -> Design:
    return build_design("3+3", seed_space, {"path": [1, 2, 3], "fallback": {3: -3}})


@pytest.fixture(scope="session")
def ladder() -> Callable[..., DoseSpace]:
    """Build a chain of nodes with the given labels."""

    def build(*labels: str) -> DoseSpace:
        nodes = tuple(DoseNode(label, (1e6 * 10**k, 3e6 * 10**k), "none") for k, label in enumerate(labels))
        return DoseSpace(nodes, (" < ".join(labels),))

    return build


@pytest.fixture(scope="session")
def bernoulli() -> Callable[..., PotentialOutcomes]:
    """Build patients whose outcomes are coin tosses, all infused on dose unless changed."""

    def build(
        dlt: list[float],
        *,
        patients: int = 2000,
        blocks: int = 40,
        death_share: list[float] | None = None,
        death_day: float = 20.0,
        **changed: np.ndarray,
    ) -> PotentialOutcomes:
        shape = (patients, len(dlt))
        tosses = uniforms(5, "test-dlt", 0, patients, 3 * len(dlt)).reshape(patients, 3, len(dlt))
        toxic = tosses[:, 0] < dlt
        death = toxic & (tosses[:, 1] < (death_share or [0.0] * len(dlt)))
        columns = {
            "dlt": toxic,
            "dlt_day": np.where(toxic, 7.0, np.nan),
            "death": death,
            "death_day": np.where(death, death_day, np.nan),
            "response": tosses[:, 2] < 0.3,
            "on_dose": np.ones(shape, dtype=bool),
            "failed": np.zeros(shape, dtype=bool),
            "block": np.arange(patients) * blocks // patients,
            "infused": np.ones(patients, dtype=bool),
            "not_infused_reason": np.full(patients, None, dtype=object),
            "vein_to_vein_days": 30.0 + 20.0 * uniforms(5, "test-vein", 0, patients)[:, 0],
            "dropout_days": np.full(patients, np.nan),
        }
        return PotentialOutcomes(**{**columns, **changed})

    return build
