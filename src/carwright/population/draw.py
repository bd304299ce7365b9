"""Drawing virtual patients from a parameter table.

Two levels are kept apart. *Between populations*: nobody knows the true median of a parameter, so each
population has its own, drawn once; a simulated trial meets the patients of one population. *Between patients*
of that population: biology differs.
Patient ``i`` belongs to population ``i // patients_per_population``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carwright.population.distribution import truncated
from carwright.population.normal import expit, logit, quantile, share_below
from carwright.population.streams import uniforms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carwright.models import Parameter, ParameterTable

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Patients:
    """Virtual patients.

    Parameters
    ----------
    index
        Number of each patient, shape (n,).
    population
        Population that each belongs to, shape (n,).
    values
        Name of every parameter and covariate -> value per patient, shape (n,), in the unit of the table.
    """

    index: NDArray[np.int64]
    population: NDArray[np.int64]
    values: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.index)


def draw(
    table: ParameterTable,
    count: int,
    *,
    seed: int,
    patients_per_population: int,
    first: int = 0,
    medians: Mapping[str, float] | None = None,
) -> Patients:
    """Draw the patients ``first`` to ``first + count - 1``.

    The same patient results whatever else is drawn with it. Values follow the table's distributions, cut off
    at each parameter's range; the correlations join the normal deviates behind them (Gaussian copula).

    Parameters
    ----------
    table
        Parameter table of the model.
    count, first
        How many patients, and the number of the first one.
    seed
        Root seed of the run.
    patients_per_population
        Patients that share one draw of the population's medians.
    medians
        Population medians that replace the table's.

    Raises
    ------
    KeyError
        If ``medians`` names an unknown parameter.
    """
    rows = rows_with(table, medians)
    index = np.arange(first, first + count, dtype=np.int64)
    population = index // patients_per_population
    deviates = _correlated_deviates(table, seed, first, count)
    values: dict[str, Floats] = {}
    for name, row in rows.items():
        if not row.varies:
            values[name] = np.full(count, row.value)
            continue
        own = deviates.get(name)
        if own is None:
            own = quantile(uniforms(seed, f"patient:{name}", first, count)[:, 0])
        values[name] = _quantiles(row, own, _population_deviates(row, seed, population))
    return Patients(index, population, values)


def rows_with(table: ParameterTable, medians: Mapping[str, float] | None = None) -> dict[str, Parameter]:
    """Parameters and covariates by name, with other medians; raises KeyError for an unknown name."""
    rows = {row.name: row for row in (*table.parameters, *table.covariates)}
    return rows | {name: rows[name].model_copy(update={"value": value}) for name, value in (medians or {}).items()}


def _correlated_deviates(table: ParameterTable, seed: int, first: int, count: int) -> dict[str, Floats]:
    """Standard normal deviates of the parameters that the table correlates."""
    names = sorted({name for pair in table.correlations for name in (pair.first, pair.second)})
    if not names:
        return {}
    matrix = np.eye(len(names))
    for pair in table.correlations:
        i, j = names.index(pair.first), names.index(pair.second)
        matrix[i, j] = matrix[j, i] = pair.value
    independent = np.column_stack([quantile(uniforms(seed, f"patient:{n}", first, count)[:, 0]) for n in names])
    # Summed term by term: a matrix product may round differently with the number of patients in it.
    factor = np.linalg.cholesky(matrix)
    return {
        name: np.sum([factor[i, j] * independent[:, j] for j in range(i + 1)], axis=0) for i, name in enumerate(names)
    }


def _population_deviates(row: Parameter, seed: int, population: NDArray[np.int64]) -> Floats:
    """Normal deviate of each patient's population; the same for all patients of one."""
    if row.population == 0 or len(population) == 0:
        return np.zeros(len(population))
    lowest = int(population[0])
    drawn = quantile(uniforms(seed, f"population:{row.name}", lowest, int(population[-1]) - lowest + 1)[:, 0])
    out: Floats = drawn[population - lowest]
    return out


def _quantiles(row: Parameter, patient: Floats, population: Floats) -> Floats:
    """Values at the given normal deviates, truncated to the parameter's range."""
    if row.distribution == "exponential":
        highest = -np.expm1(-row.high / row.value)
        return np.asarray(-row.value * np.log1p(-highest * share_below(patient)))
    with np.errstate(divide="ignore"):
        forward, backward = (np.log, np.exp) if row.distribution == "lognormal" else (logit, expit)
        low, high, typical = (float(forward(bound)) for bound in (row.low, row.high, row.value))
    median = truncated(np.full_like(patient, typical), row.population, population, low, high)
    return np.clip(backward(truncated(median, row.patients, patient, low, high)), row.low, row.high)
