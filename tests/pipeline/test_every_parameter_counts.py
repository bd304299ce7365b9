"""A parameter whose effect no read-out can show has no place in the table."""

import numpy as np
import pytest

from carwright.disease import find_disease
from carwright.engine import Dosing
from carwright.pipeline.arm import Arm
from carwright.study import load_study

DRUGS = ("tocilizumab", "corticosteroid", "anakinra")
READ = [name for name in find_disease("mcrpc").observables if name not in DRUGS]


@pytest.fixture(scope="module")
def arm():
    return Arm("study", "", load_study("psma-dntgfbr2"))


SICK = {"tgf_beta_resistance": 0.5, "maximal_killing": 3.0, "il6_secretion": 1e5, "steroid_expansion_inhibition": 0.1}
"""A patient with all of it: TGF-beta heard in part, strong killing, cytokines, care that slows the cells."""


def solve(arm, patients):
    """Courses of patients who get lymphodepletion, cells and every drug."""
    doses = [(-4.0, "cyclophosphamide", 300.0), (-4.0, "fludarabine", 30.0), (0.0, "infused_cells", 4e8)]
    doses += [(4.0, "anakinra", 100.0), (6.0, "tocilizumab", 4.0), (8.0, "corticosteroid", 10.0)]
    solution = arm.kernel.solve(
        patients,
        Dosing(
            times=np.array([day for day, _, _ in doses]),
            targets=tuple(name for _, name, _ in doses),
            amounts=np.tile([amount for _, _, amount in doses], (len(patients), 1)),
        ),
        start=-7.0,
        end=120.0,
        times=np.arange(0.0, 121.0),
        relative_tolerance=1e-9,
    )
    assert (solution.outcome == 0).all()
    return solution.courses


def values(arm, base):
    rows = {row.name: row for row in arm.model.table.parameters}
    return np.array([base.get(name, rows[name].value) for name in arm.kernel.system.parameters])


def test_every_parameter_moves_a_read_out(arm):
    names, typical = arm.kernel.system.parameters, values(arm, SICK)
    rows = {row.name: row for row in arm.model.table.parameters}
    high = np.array([rows[name].high for name in names])
    patients = np.tile(typical, (len(typical) + 1, 1))
    step = np.where(typical == 0, 0.2, np.where(1.2 * typical <= high, 0.2, -0.2) * typical)
    patients[np.arange(1, len(patients)), np.arange(len(typical))] += step
    courses = solve(arm, patients)[:, :, [arm.observables.index(name) for name in READ]]
    size = np.abs(courses[0]).max(axis=0)
    change = np.abs(courses[1:] - courses[0]).max(axis=1) / np.where(size > 0, size, 1.0)
    thresholds = set(arm.model.table.extinctions.values())
    still = [name for name, moved in zip(names, change.max(axis=1), strict=True) if not moved > 1e-4]
    assert set(still) <= thresholds


@pytest.mark.parametrize("clone", ["antigen_positive_cells", "antigen_low_cells"])
def test_an_extinction_threshold_decides_whether_a_clone_dies_out(arm, clone):
    cured = {**SICK, "tumour_burden": 1e9, "bystander_killing": 1.0, "maximal_killing": 8.0, "antigen_loss_rate": 0.0}
    threshold = arm.model.table.extinctions[clone]
    patients = np.array([values(arm, {**cured, threshold: limit}) for limit in (0.0, 1.0)])
    left = solve(arm, patients)[:, -1, arm.observables.index(clone)]
    assert left[0] > 0.0
    assert left[1] == 0.0
