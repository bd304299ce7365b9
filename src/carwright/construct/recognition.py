"""From antigen densities and a gate to the share of a population that a CAR recognises.

A cell with density ``d`` is seen with the probability ``d^n / (d^n + T^n)`` of a Hill curve with threshold ``T`` and
steepness ``n``. Densities are lognormal between the cells of a population, with median ``m`` and SD ``s`` of ln(d), so
the share of cells that are seen is the mean of a logistic function of a normal variable,
``Phi(n (ln m - ln T) / sqrt(1.702^2 + n^2 s^2))`` (MacKay 1992, Neural Comput 4:720, with the probit scale of the
logistic curve, 1.702).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtr

from carwright.construct.antigens import Panel, antigen_panel
from carwright.construct.gate import Gate
from carwright.errors import CarwrightError, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEEPNESS: Final = 2.0
"""Steepness of recognition in the density (assumed: nothing is published; 2 is a moderate cooperativity)."""

BRIGHT_FOLD: Final = 8.0
"""Times the threshold at which a cell is killed on the first antigen of an IF-BETTER gate alone (assumed)."""

_PROBIT_SCALE: Final = 1.702
_LEAST: Final = 0.01


def seen_share(median: Floats, spread: float, threshold: float) -> Floats:
    """Share of the cells that are seen (n,), for a median of ``median`` molecules (n,); 0 where that is 0."""
    with np.errstate(divide="ignore"):
        distance = np.log(median) - np.log(threshold)
    return np.asarray(ndtr(STEEPNESS * distance / np.hypot(_PROBIT_SCALE, STEEPNESS * spread)))


def recognised_share(
    gate: Gate,
    population: str,
    threshold: float,
    density_factors: Mapping[str, Floats],
    without: Collection[str] = (),
    panel: Panel | None = None,
) -> Floats:
    """Share of the cells of a population that a gate recognises.

    Parameters
    ----------
    gate
        The gate.
    population
        One of `MALIGNANT` or `NORMAL` of `carwright.construct.antigens`.
    threshold
        Density at which half of the cells are seen, molecules a cell.
    density_factors
        Antigen -> factor on the population's median density, (n,) patients.
    without
        Antigens that these cells lack or hide: deleted, or their epitope edited.
    panel
        The antigens; the built-in ones by default.

    Returns
    -------
    ndarray
        (n,) shares.
    """
    panel = panel or antigen_panel()
    seen, bright = {}, {}
    for name in gate.antigens:
        factors = np.asarray(density_factors[name], dtype=np.float64)
        expression = panel.antigens[name].expression.get(population)
        if expression is None or name in without:
            seen[name] = bright[name] = np.zeros_like(factors)
            continue
        median = factors * expression.median(panel.reference)
        seen[name] = seen_share(median, expression.spread, threshold)
        bright[name] = seen_share(median, expression.spread, BRIGHT_FOLD * threshold)
    return gate.probability(bright, seen)


def check_gate_fires(
    gate: Gate, populations: Collection[str], threshold: float, model: str, panel: Panel | None = None
) -> None:
    """Refuse a gate that recognises none of the malignant populations of a model.

    Raises
    ------
    CarwrightError
        If less than one in a hundred cells of each is recognised at the median densities.
    """
    one = {name: np.ones(1) for name in gate.antigens}
    if all(float(recognised_share(gate, name, threshold, one, panel=panel)[0]) < _LEAST for name in populations):
        fix = "choose antigens that the malignant cells carry; `carwright construct antigens` lists them"
        found, allowed = str(gate), f"recognises some of {', '.join(populations)}"
        raise CarwrightError(
            Problem("CONSTRUCT005", f"this gate can never fire in the model {model}", "gate", found, allowed, fix)
        )
