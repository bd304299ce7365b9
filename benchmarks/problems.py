"""The initial value problems on which engines are timed: a model, its patients, doses, output times and scales."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from carwright.engine import Dosing, System, read_sbml
from carwright.population.streams import uniforms

Floats = npt.NDArray[np.float64]

SEED = 1
ABSOLUTE = 1e-3
"""Absolute tolerance of a state as a part of the relative tolerance and of the state's scale, for every engine."""

# Log-normal spread of the 18-state model; 0 spread for what is not named.
SPREAD = {
    "rhoE": 0.25, "KT": 0.4, "dE": 0.2, "kEM": 0.3, "kEX": 0.3, "kinf": 0.4, "dM": 0.2, "rhoI": 0.3, "L0": 0.3,
    "T0": 0.5, "rT": 0.3, "kk": 0.5, "mu": 0.8, "g1": 0.3, "kMA": 0.4, "ANC0": 0.3,
}  # fmt: skip
DOSE, DOSE_SPREAD, FRACTIONS = 50.0, 0.3, (0.1, 0.3, 0.6)
# Typical size of each state.
SCALES = {
    "CE": 50, "CM": 20, "CX": 20, "CI": 50, "L": 1000, "Tp": 80, "Tn": 5, "G": 1, "PD": 2, "MA": 0.5, "IL6": 500,
    "IFN": 50, "IL15": 5, "CRP": 50, "PSA": 20, "P1": 10, "P2": 10, "ANC": 4,
}  # fmt: skip
DEPLETION_DAYS = (-5.0, -4.0, -3.0)
CELLS = 2e8


class Segment(NamedTuple):
    """A stretch without doses inside.

    Attributes
    ----------
    doses
        (state, column of amounts) of what is given at its start.
    times
        Start, output times within, and end.
    keep
        (times) which of them are output times.
    place
        Where those stand among all output times.
    """

    start: float
    end: float
    doses: tuple[tuple[int, int], ...]
    times: Floats
    keep: npt.NDArray[np.bool_]
    place: slice


@dataclass(frozen=True)
class Problem:
    """What every engine solves.

    Attributes
    ----------
    parameters
        (n, p) in the order of ``system.parameters``.
    dose_times, dose_targets, amounts
        (m,), (m,), (n, m): added to states at times.
    times
        (k,) output times; at the time of a dose the value after it.
    scales
        Typical size of each state, for tolerances.
    resolution
        (states) size below which a state is as good as zero, for errors; 0 where every size matters.
    """

    name: str
    sbml: str = field(repr=False)
    system: System = field(repr=False)
    parameters: Floats = field(repr=False)
    start: float
    dose_times: Floats
    dose_targets: tuple[str, ...]
    amounts: Floats = field(repr=False)
    times: Floats = field(repr=False)
    scales: Floats = field(repr=False)
    resolution: Floats = field(repr=False)

    def first(self, patients: int) -> Problem:
        """The same problem with fewer patients."""
        return replace(self, parameters=self.parameters[:patients], amounts=self.amounts[:patients])

    @property
    def dosing(self) -> Dosing:
        """The doses as our engine takes them."""
        return Dosing(self.dose_times, self.dose_targets, self.amounts)

    def initial(self) -> Floats:
        """(n, states) before any dose."""
        return self.system.initial_values(self.parameters, self.start)

    def segments(self) -> list[Segment]:
        """The solve cut at the doses, for engines that must be started again there."""
        stops = np.unique(np.concatenate([[self.start], self.dose_times, [self.times[-1]]]))
        result = []
        for begin, end in itertools.pairwise(stops):
            last = end == stops[-1]
            inside = (self.times >= begin) & ((self.times <= end) if last else (self.times < end))
            doses = tuple(
                (self.system.states.index(self.dose_targets[j]), j) for j in np.flatnonzero(self.dose_times == begin)
            )
            times = np.unique(np.concatenate([[begin], self.times[inside], [end]]))
            first = int(np.searchsorted(self.times, begin))
            place = slice(first, first + int(inside.sum()))
            keep = np.isin(times, self.times[inside])
            result.append(Segment(float(begin), float(end), doses, times, keep, place))
        return result

    def starts(self, segment: Segment, states: Floats, patient: int) -> Floats:
        """States of a patient at the start of a segment, doses given."""
        states = states.copy()
        for state, column in segment.doses:
            states[state] += self.amounts[patient, column]
        return states


def problems(names: Sequence[str], patients: int) -> Iterator[Problem]:
    """The named problems with that many patients."""
    for name in names:
        yield {"cart18": cart18, "mcrpc": mcrpc}[name](patients)


def cart18(patients: int) -> Problem:
    """The 18-state model: a split dose on days 0, 1 and 2, 180 days, 62 output times."""
    import antimony

    antimony.clearPreviousLoads()
    text = (Path(__file__).parent / "models" / "cart18.ant").read_text(encoding="utf-8")
    if antimony.loadAntimonyString(text) < 0:
        raise ValueError(antimony.getLastError())
    sbml = antimony.getSBMLString("cart18")
    system = read_sbml(sbml)
    normal = ndtri(uniforms(SEED, "benchmark", 0, patients, len(SPREAD) + 1))
    parameters = np.tile(system.defaults, (patients, 1))
    for j, (name, spread) in enumerate(SPREAD.items()):
        parameters[:, system.parameters.index(name)] *= np.exp(spread * normal[:, j])
    dose = DOSE * np.exp(DOSE_SPREAD * normal[:, -1])
    return Problem(
        name="cart18",
        sbml=sbml,
        system=system,
        parameters=parameters,
        start=0.0,
        dose_times=np.arange(3.0),
        dose_targets=("CE",) * 3,
        amounts=dose[:, None] * np.array(FRACTIONS),
        times=np.unique(np.concatenate([np.arange(0, 14, 0.5), np.arange(14, 28, 1.0), np.linspace(28, 180, 20)])),
        scales=np.array([SCALES[name] for name in system.states], dtype=float),
        resolution=np.zeros(len(system.states)),
    )


def mcrpc(patients: int) -> Problem:
    """The built-in prostate model: lymphodepletion from day -5, cells on day 0, until day 180, without care."""
    from carwright.models import load_model
    from carwright.population import draw

    model = load_model("mcrpc")
    system = read_sbml(model.sbml)
    drawn = draw(model.table, patients, seed=SEED, patients_per_population=1)
    scale = {state.name: state.scale for state in model.table.states}
    cells = CELLS * np.exp(0.5 * ndtri(uniforms(SEED, "benchmark", 0, patients)[:, 0]))
    return Problem(
        name="mcrpc",
        sbml=model.sbml,
        system=system,
        parameters=np.column_stack([drawn.values[name] for name in system.parameters]),
        start=-7.0,
        dose_times=np.array([day for day in DEPLETION_DAYS for _ in range(2)] + [0.0]),
        dose_targets=("cyclophosphamide", "fludarabine") * 3 + ("infused_cells",),
        amounts=np.column_stack([np.tile([300.0, 30.0] * 3, (patients, 1)), cells]),
        times=np.unique(np.concatenate([np.arange(-7, 28, 1.0), np.linspace(28, 180, 27)])),
        scales=np.array([scale[name] for name in system.states]),
        resolution=1e-3 * np.array([scale[name] for name in system.states]),
    )
