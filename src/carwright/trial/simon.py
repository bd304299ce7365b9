"""Two-stage designs for a response rate, for an expansion cohort with a stop for futility.

Simon 1989 (Control Clin Trials 10:1, doi 10.1016/0197-2456(89)90015-9). Stage 1 treats ``first`` patients and stops
for futility at ``first_responses`` responses or fewer; the treatment is declared promising if more than ``responses``
of all ``patients`` respond.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.errors import Problems
from carwright.trial.batch import Floats

LARGEST = 100
"""Largest number of patients that is searched by default (published: the R package clinfun, ph2simon)."""


@dataclass(frozen=True)
class TwoStage:
    """A two-stage design and its properties under a response rate.

    ``expected_patients`` and ``stops_early`` hold under the uninteresting rate, ``type_1_error`` too; ``power`` under
    the interesting one.
    """

    first_responses: int
    first: int
    responses: int
    patients: int
    expected_patients: float
    stops_early: float
    type_1_error: float
    power: float


@dataclass(frozen=True)
class SimonDesigns:
    """The design with the smallest expected, and the one with the smallest largest number of patients."""

    optimal: TwoStage
    minimax: TwoStage


def simon(
    uninteresting: float, interesting: float, type_1_error: float, type_2_error: float, largest: int = LARGEST
) -> SimonDesigns:
    """Find Simon's optimal and minimax designs.

    Parameters
    ----------
    uninteresting, interesting
        Response rates to tell apart, the first the lower one.
    type_1_error, type_2_error
        Largest errors allowed.
    largest
        Largest number of patients to consider.

    Raises
    ------
    CarwrightError
        Naming every argument that is out of range, or saying that no design is small enough.
    """
    _check(uninteresting, interesting, type_1_error, type_2_error)
    found = [
        design
        for patients in range(2, largest + 1)
        if (design := _best(patients, uninteresting, interesting, type_1_error, type_2_error)) is not None
    ]
    if not found:
        problems = Problems()
        problems.add(
            "TRIAL251",
            "no two-stage design is small enough",
            where="two-stage design",
            found=f"more than {largest} patients needed",
            fix="allow more patients or larger errors, or take rates that lie further apart",
        )
        problems.raise_if_any()
    return SimonDesigns(min(found, key=lambda design: design.expected_patients), found[0])


def two_stage(
    first_responses: int, first: int, responses: int, patients: int, uninteresting: float, interesting: float
) -> TwoStage:
    """Properties of a given two-stage design."""
    low = _declared(first_responses, first, responses, patients, uninteresting)
    high = _declared(first_responses, first, responses, patients, interesting)
    stops = float(_mass(first, uninteresting)[: first_responses + 1].sum())
    expected = first + (1.0 - stops) * (patients - first)
    return TwoStage(first_responses, first, responses, patients, expected, stops, low, high)


def _best(patients: int, low: float, high: float, type_1_error: float, type_2_error: float) -> TwoStage | None:
    """Design of this size with the smallest expected number of patients, if there is one."""
    best: tuple[float, int, int, int] | None = None
    # No stop in stage 1 can add power: too few patients even for one stage are left out at once.
    total_low, total_high = _above(patients, low), _above(patients, high)
    if not ((total_low <= type_1_error + 0.2) & (total_high >= 1.0 - type_2_error)).any():
        return None
    for first in range(1, patients):
        mass_low, mass_high = _mass(first, low), _mass(first, high)
        tail_low, tail_high = (_above(patients - first, rate) for rate in (low, high))
        needed = np.arange(patients)[None, :] - np.arange(first + 1)[:, None]
        index = np.clip(needed + 1, 0, patients - first + 1)
        # Row r1: declared promising if stage 1 has more than r1 responses; column r.
        declared_low = _reverse_sum(mass_low[:, None] * tail_low[index])
        declared_high = _reverse_sum(mass_high[:, None] * tail_high[index])
        possible = (declared_low <= type_1_error) & (declared_high >= 1.0 - type_2_error)
        rows = np.flatnonzero(possible.any(axis=1))
        if len(rows):
            row = int(rows[-1])
            expected = first + (1.0 - mass_low[: row + 1].sum()) * (patients - first)
            if best is None or expected < best[0]:
                columns = np.flatnonzero(possible[row])
                best = (expected, row, first, int(columns[0]))
    return None if best is None else two_stage(best[1], best[2], best[3], patients, low, high)


def _reverse_sum(
    table: Floats,
) -> Floats:
    """Sum over the rows after each row."""
    summed = np.cumsum(table[::-1], axis=0)[::-1]
    return np.vstack([summed[1:], np.zeros((1, table.shape[1]))])


def _declared(first_responses: int, first: int, responses: int, patients: int, rate: float) -> float:
    mass, tail = _mass(first, rate), _above(patients - first, rate)
    seen = np.arange(first_responses + 1, first + 1)
    return float((mass[seen] * tail[np.clip(responses - seen + 1, 0, patients - first + 1)]).sum())


def _mass(patients: int, rate: float) -> Floats:
    """Binomial probabilities of 0 to ``patients`` responses."""
    from scipy.special import (
        gammaln,
        xlog1py,
        xlogy,
    )

    seen = np.arange(patients + 1.0)
    choose = gammaln(patients + 1.0) - gammaln(seen + 1.0) - gammaln(patients - seen + 1.0)
    return np.asarray(np.exp(choose + xlogy(seen, rate) + xlog1py(patients - seen, -rate)))


def _above(patients: int, rate: float) -> Floats:
    """Probability of ``k`` or more responses, for ``k`` from 0 to ``patients`` + 1."""
    return np.concatenate([np.cumsum(_mass(patients, rate)[::-1])[::-1], [0.0]])


def check_rates(uninteresting: float, interesting: float) -> None:
    """Refuse response rates out of order or range.

    Raises
    ------
    CarwrightError
        If they are.
    """
    problems = Problems()
    _rates(uninteresting, interesting, problems)
    problems.raise_if_any()


def _rates(uninteresting: float, interesting: float, problems: Problems) -> None:
    if not 0.0 < uninteresting < interesting < 1.0:
        problems.add(
            "TRIAL250",
            "the response rates are out of order or range",
            where="two-stage design",
            found=f"{uninteresting:g} and {interesting:g}",
            allowed="0 < uninteresting < interesting < 1",
            fix="correct the rates",
        )


def _check(uninteresting: float, interesting: float, type_1_error: float, type_2_error: float) -> None:
    problems = Problems()
    _rates(uninteresting, interesting, problems)
    for name, error in (("type 1", type_1_error), ("type 2", type_2_error)):
        if not 0.0 < error < 0.5:
            problems.add(
                "TRIAL250",
                f"the {name} error is out of range",
                where="two-stage design",
                found=f"{error:g}",
                allowed="above 0 and below 0.5",
                fix="correct the error, for example 0.05 or 0.2",
            )
    problems.raise_if_any()
