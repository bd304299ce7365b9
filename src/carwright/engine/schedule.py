"""The times at which every patient of a call must stop, and what happens there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carwright.engine.compilation import Tables, nearest
from carwright.engine.requests import Dosing
from carwright.errors import Problems

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """Stops in ascending order; doses ``dose_first[i]`` to ``dose_first[i + 1]`` are given at stop i."""

    stops: Floats
    dose_first: Integers
    dose_state: Integers
    dose_column: Integers
    amounts: Floats
    times: Floats
    functional_values: Floats
    trigger_values: Floats


def schedule(
    order: Mapping[str, int],
    scales: Mapping[str, Floats | None],
    patients: int,
    dosing: Dosing,
    start: float,
    end: float,
    times: npt.ArrayLike | None,
    tables: Tables,
    problems: Problems,
) -> Schedule:
    """Merge doses, windows and bounds.

    Parameters
    ----------
    order
        Row of each state in the kernel.
    scales
        What one unit of dose adds to each state, per patient or for all; None where it may not be dosed.
    problems
        Takes everything that is wrong.
    """
    if not (math.isfinite(start) and math.isfinite(end) and start < end):
        problems.add("ENGINE031", "the solve must start before it ends", found=f"{start} to {end}")
        start, end = 0.0, 1.0
    output = np.asarray([] if times is None else times, dtype=np.float64).reshape(-1)
    if len(output) and not (np.all(np.diff(output) > 0) and output[0] >= start and output[-1] <= end):
        problems.add(
            "ENGINE031", "output times must ascend and lie within the solve", where="times", allowed=f"{start} to {end}"
        )
    at, amounts = _doses(order, scales, patients, dosing, start, end, problems)
    functional_values = _within(tables.functional_values, start, end, "functional", problems)
    trigger_values = tables.trigger_values.copy()
    bounds = np.concatenate([[start, end], at, functional_values[:, :2].ravel(), trigger_values[:, 1:].ravel()])
    stops = np.array(sorted(set(bounds[(bounds >= start) & (bounds <= end)].tolist())))
    which = np.argsort(at, kind="stable")
    return Schedule(
        stops=stops,
        dose_first=np.searchsorted(at[which], np.append(stops, np.inf)).astype(np.int64),
        dose_state=np.array([order.get(dosing.targets[i], 0) for i in which], dtype=np.int64),
        dose_column=which.astype(np.int64),
        amounts=amounts,
        times=np.ascontiguousarray(output),
        functional_values=functional_values,
        trigger_values=trigger_values,
    )


def _doses(
    order: Mapping[str, int],
    scales: Mapping[str, Floats | None],
    patients: int,
    dosing: Dosing,
    start: float,
    end: float,
    problems: Problems,
) -> tuple[Floats, Floats]:
    at = np.asarray(dosing.times, dtype=np.float64).reshape(-1)
    amounts = np.array(dosing.amounts, dtype=np.float64, order="C")
    if amounts.shape != (patients, len(at)) or len(dosing.targets) != len(at):
        problems.add(
            "ENGINE032", "a dosing needs one target per time and one amount per patient and time", where="dosing",
            found=f"{len(at)} times, {len(dosing.targets)} targets, amounts {amounts.shape}",
            allowed=f"amounts ({patients}, {len(at)})",
        )  # fmt: skip
        return np.empty(0), np.empty((patients, 0))
    if not np.all((at >= start) & (at <= end)):
        problems.add("ENGINE032", "a dose lies outside the solve", where="dosing", allowed=f"{start} to {end}")
    for i, target in enumerate(dosing.targets):
        if target not in order:
            problems.add(
                "ENGINE032", "a dose goes to something that is no state", where=f"dose {i}", found=target,
                fix=nearest(target, order),
            )  # fmt: skip
        elif (scale := scales[target]) is None:
            problems.add(
                "ENGINE032", "a dose goes to a concentration in a changing volume", where=f"dose {i}", found=target
            )
        else:
            amounts[:, i] *= scale
    return at, amounts


def _within(values: Floats, start: float, end: float, label: str, problems: Problems) -> Floats:
    """Replace infinite bounds of windows by those of the solve; finite ones must lie inside."""
    values = values.copy()
    for i, (low, high) in enumerate(values[:, :2]):
        for bound in (low, high):
            if math.isfinite(bound) and not start <= bound <= end:
                problems.add(
                    "ENGINE031", f"the window of {label} {i} leaves the solve", found=f"{low} to {high}",
                    allowed=f"{start} to {end}", fix="solve for longer or shorten the window",
                )  # fmt: skip
                break
        values[i, :2] = max(low, start), min(high, end)
    return values
