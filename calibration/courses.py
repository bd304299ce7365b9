"""Solving a blood model for given patients, doses and lymphodepletion."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from carwright.construct import load_construct, parameter_medians
from carwright.engine import Dosing, Kernel, System, compile_kernel, read_sbml
from carwright.models import Model, load_model
from carwright.population import Patients, draw, with_recognition
from carwright.simulation.source import absolute_tolerances, extinctions

Floats = NDArray[np.float64]

TIMES = np.unique(np.r_[np.arange(-7.0, 60.0, 0.25), np.arange(60.0, 421.0, 3.0)])
"""Days at which courses are read."""
FOLLOW_UP = np.r_[TIMES, np.arange(426.0, 725.0, 6.0)]
"""The same and two years of follow-up."""

READ = ("car_copies_per_ug", "car_cells_per_ul", "tumour_cells", "neutrophils_per_ul")
START = -7.0


@cache
def prepared(name: str) -> tuple[Model, System, Kernel]:
    """A model with its compiled kernel."""
    model = load_model(name)
    system = read_sbml(model.sbml)
    return model, system, compile_kernel(system, READ, (), extinctions(model.table))


@cache
def patients_of(name: str, construct: str, count: int, seed: int = 1) -> Patients:
    """Draw patients of a model who meet a construct, each from a population of its own."""
    table = load_model(name).table
    product = load_construct(construct)
    drawn = draw(table, count, seed=seed, patients_per_population=1, medians=parameter_medians(product))
    return with_recognition(drawn, table, product, seed=seed)


@cache
def typical_patient(name: str, construct: str) -> dict[str, Floats]:
    """Parameters of the one patient who has the median of everything."""
    table = load_model(name).table
    product = load_construct(construct)
    values = {row.name: np.array([row.value]) for row in (*table.parameters, *table.covariates)}
    values |= {parameter: np.array([value]) for parameter, value in parameter_medians(product).items()}
    several = patients_of(name, construct, 400)
    shares = (*table.recognition, *table.edited_recognition)
    return values | {parameter: np.array([np.median(several.values[parameter])]) for parameter in shares}


def courses(
    name: str,
    values: Mapping[str, Floats],
    cells: Floats | float,
    cyclophosphamide: float,
    fludarabine: float = 30.0,
    times: Floats = TIMES,
) -> dict[str, Floats]:
    """Courses (n, k) at ``times`` after three days of lymphodepletion and one infusion of ``cells``."""
    model, system, kernel = prepared(name)
    count = len(next(iter(values.values())))
    parameters = np.column_stack([np.broadcast_to(values[parameter], count) for parameter in system.parameters])
    depletion = (("cyclophosphamide", cyclophosphamide), ("fludarabine", fludarabine))
    given = [(day, drug, amount) for day in (-5.0, -4.0, -3.0) for drug, amount in depletion]
    given += [(0.0, "infused_cells", cells)]
    amounts = np.column_stack([np.broadcast_to(amount, count) for *_, amount in given])
    dosing = Dosing(np.array([day for day, *_ in given]), tuple(state for _, state, _ in given), amounts)
    solution = kernel.solve(
        parameters, dosing, start=START, end=float(times[-1]), times=times, threads=2,
        absolute_tolerance=absolute_tolerances(model.table, system, 1e-6),
    )  # fmt: skip
    if solution.outcome.any():
        message = f"{int((solution.outcome != 0).sum())} of {count} patients could not be solved"
        raise RuntimeError(message)
    return {observable: solution.courses[:, :, i] for i, observable in enumerate(READ)}


def day_of_disease(tumour_cells: Floats, burden: Floats) -> Floats:
    """Day on which the disease is back or found not to have gone, (n,): over a tenth of the burden on day 28 or later.

    Patients leave the follow-up of a trial then; infinite for those who stay.
    """
    days = FOLLOW_UP[: tumour_cells.shape[1]]
    present = (tumour_cells > 0.1 * np.asarray(burden)[:, None]) & (days >= 28.0)
    return np.where(present.any(axis=1), days[present.argmax(axis=1)], np.inf)


def days_below(level: Floats, count: float, last_day: float = 60.0) -> Floats:
    """Days below ``count`` from day 0 to ``last_day``, (n,)."""
    days = FOLLOW_UP[: level.shape[1]]
    window = (days >= 0.0) & (last_day >= days)
    below: Floats = np.trapezoid((level[:, window] < count).astype(float), days[window], axis=1)
    return below
