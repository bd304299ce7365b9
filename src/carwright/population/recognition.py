"""What a construct recognises in each virtual patient.

A patient's antigen densities exist before a construct meets them: per antigen one deviate for the malignant cells, one
for the normal ones, and whether the malignant cells carry it at all, drawn from streams of the antigen's name. Every
arm that asks for an antigen therefore meets the same densities, and a gate over two antigens the same ones as its
parts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from carwright.construct import (
    MALIGNANT,
    antigen_panel,
    check_gate_fires,
    list_antigens,
    parse_gate,
    recognised_share,
)
from carwright.errors import CarwrightError, Problem
from carwright.population.normal import quantile
from carwright.population.streams import uniforms
from carwright.yamlfile import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carwright.construct import Construct, Gate, Panel
    from carwright.models import ParameterTable
    from carwright.population.draw import Patients

    Floats = NDArray[np.float64]

LOST = 0.01
"""Factor on the density of an antigen that a patient's malignant cells lack: a trace (assumed)."""


def with_recognition(
    patients: Patients,
    table: ParameterTable,
    construct: Construct,
    *,
    seed: int,
    edited: Collection[str] = (),
    selected: bool = True,
) -> Patients:
    """Set the recognised shares of the model's populations to what a construct sees in each patient.

    Parameters
    ----------
    patients
        Virtual patients of a model.
    table
        The model's table; its ``recognition`` says which parameter holds the share of which population.
    construct
        The construct: its gate and its threshold.
    seed
        Root seed of the run.
    edited
        Antigens that an edited graft lacks or hides.
    selected
        Whether a trial admits only patients whose malignant cells carry the gate's antigens; otherwise a patient's
        cells carry each antigen with the probability that the antigen's row gives.

    Returns
    -------
    Patients
        The same patients with other values of the recognition parameters.

    Raises
    ------
    CarwrightError
        If the gate is none, can never fire in this model, or an edited antigen is unknown.
    """
    if not table.recognition:
        return patients
    panel = antigen_panel(construct.antigens)
    gate = parse_gate(construct.gate, list_antigens(construct.antigens))
    _check_edited(edited, list_antigens(construct.antigens))
    malignant = [name for name in table.recognition.values() if name in MALIGNANT]
    check_gate_fires(gate, malignant, construct.threshold.molecules, table.model, panel)
    factors = density_factors(gate, patients, panel, seed=seed, selected=selected)
    values = dict(patients.values)
    for rows, without in ((table.recognition, ()), (table.edited_recognition, tuple(edited))):
        for parameter, population in rows.items():
            kind = "malignant" if population in MALIGNANT else "normal"
            values[parameter] = recognised_share(
                gate, population, construct.threshold.molecules, factors[kind], without, panel
            )
    return replace(patients, values=values)


def density_factors(
    gate: Gate, patients: Patients, panel: Panel, *, seed: int, selected: bool
) -> dict[str, dict[str, Floats]]:
    """Factors on the median densities, ``{"malignant" or "normal": {antigen: (n,)}}``."""
    factors: dict[str, dict[str, Floats]] = {"malignant": {}, "normal": {}}
    for antigen in gate.antigens:
        for kind, deviation in (("malignant", panel.malignant_sd), ("normal", panel.normal_sd)):
            own = _deviates(seed, f"patient:density of {antigen}, {kind}", patients.index)
            shared = _deviates(seed, f"population:density of {antigen}, {kind}", patients.population)
            factors[kind][antigen] = np.exp(deviation * own + panel.population_sd * shared)
        if not selected:
            share = _uniforms(seed, f"patient:carries {antigen}", patients.index)
            carried = share < panel.antigens[antigen].patients.value
            factors["malignant"][antigen] = factors["malignant"][antigen] * np.where(carried, 1.0, LOST)
    return factors


def _deviates(seed: int, purpose: str, index: NDArray[np.int64]) -> Floats:
    return np.asarray(quantile(_uniforms(seed, purpose, index)))


def _uniforms(seed: int, purpose: str, index: NDArray[np.int64]) -> Floats:
    """Uniform numbers at ascending indices."""
    if len(index) == 0:
        return np.empty(0)
    first = int(index[0])
    drawn: Floats = uniforms(seed, purpose, first, int(index[-1]) - first + 1)[:, 0][index - first]
    return drawn


def _check_edited(edited: Collection[str], known: Sequence[str]) -> None:
    unknown = [name for name in edited if name not in known]
    if unknown:
        raise CarwrightError(
            *(
                Problem(
                    "POPULATION001", f"unknown antigen {n!r}", "edited graft", n, ", ".join(known), nearest(n, known)
                )
                for n in unknown
            )
        )
