"""Whether a gate spares a class of normal cells, and when that cannot be known.

Four answers, never three: *safe* and *unsafe* need evidence; *unresolved* says that the cells, the donors or the depth
do not suffice; *not represented* says that the reference holds no cell of the class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carwright.targets.positivity.ambient import SHARE as AMBIENT
from carwright.targets.positivity.intervals import design_effect, lower_bound, upper_bound

SAFE, UNSAFE, UNRESOLVED, NOT_REPRESENTED = "safe", "unsafe", "unresolved", "not represented"
VERDICTS = (SAFE, UNSAFE, UNRESOLVED, NOT_REPRESENTED)

LEVEL = 0.95
"""Level of a verdict. Its two uncertain parts, the fraction and the detection, get half of the error each."""
FEWEST_CELLS = 50
"""A class with fewer cells is never called safe (a 39-cell group of one donor has faked a liability)."""
FEWEST_DONORS = 2
"""A class of fewer donors is never called safe: one donor says nothing of how donors differ."""
MUCH = 0.5
"""Part of what is seen from which the share that ambient RNA may show is told (assumed: where it may be the half, a
reader has to know; no verdict hangs on it)."""


@dataclass(frozen=True)
class Verdict:
    """What is known of one gate in one class.

    Parameters
    ----------
    name
        The class.
    tier, limit
        How much it matters, and the largest fraction of its cells that may be killed.
    verdict
        One of `VERDICTS`.
    reason
        Why, in a sentence.
    killed, cells, donors
        Cells that the gate kills as seen, cells, donors.
    fraction
        Share seen killed.
    lower, upper
        Bounds of the share seen; donors that differ widen them.
    detection
        Lower bound of the chance that a killed cell is seen as such.
    true_upper
        Upper bound of the share that is killed in truth: `upper` over `detection`, at most 1.
    faked
        Share that doublets would fake.
    ambient
        Share that ambient RNA would show, were `positivity.ambient.SHARE` of the molecules ambient; for the reader.
    """

    name: str
    tier: str
    limit: float
    verdict: str
    reason: str
    killed: int = 0
    cells: int = 0
    donors: int = 0
    fraction: float = float("nan")
    lower: float = 0.0
    upper: float = 1.0
    detection: float = 0.0
    true_upper: float = 1.0
    faked: float = 0.0
    ambient: float = 0.0


def judge(
    name: str,
    tier: str,
    limit: float,
    killed: npt.ArrayLike,
    cells: npt.ArrayLike,
    detection: float,
    *,
    faked: float = 0.0,
    ambient: float = 0.0,
    level: float = LEVEL,
    fewest_cells: int = FEWEST_CELLS,
    fewest_donors: int = FEWEST_DONORS,
) -> Verdict:
    """Judge a gate in a class.

    Parameters
    ----------
    name, tier, limit
        The class.
    killed, cells
        By donor.
    detection
        Lower bound, at level ``1 - (1 - level) / 2``, of the chance that a killed cell is seen as such.
    faked
        Share of the cells that doublets would fake, which is no evidence against a gate.
    ambient
        Share that ambient RNA would show; it is told and changes nothing, for its amount is not known.
    level
        Level of the verdict.
    fewest_cells, fewest_donors
        Support without which nothing is called safe.
    """
    k, n = np.asarray(killed, float), np.asarray(cells, float)
    k, n = k[n > 0], n[n > 0]
    total, size, donors = float(k.sum()), float(n.sum()), len(n)
    if size == 0:
        return Verdict(name, tier, limit, NOT_REPRESENTED, "the reference holds no cell of this class")
    half = 1.0 - (1.0 - level) / 2.0
    effect = design_effect(k, n)
    upper = float(upper_bound(total / effect, size / effect, half))
    lower = float(lower_bound(total / effect, size / effect, half))
    true_upper = min(1.0, upper / detection) if detection > 0.0 else 1.0
    seen = f"{int(total)} of {int(size):,} cells of {donors} donor{'s' if donors != 1 else ''}"
    if limit >= 1.0:
        verdict, reason = SAFE, f"{seen}; the loss of this class is tolerated"
    elif lower - faked > limit:
        verdict, reason = UNSAFE, f"{seen}: at least {_percent(lower - faked)}, over the limit of {_percent(limit)}"
    elif lower > limit:
        verdict = UNRESOLVED
        reason = f"{seen}: at least {_percent(lower)}, of which doublets would fake {_percent(faked)}"
    elif size < fewest_cells:
        verdict, reason = UNRESOLVED, f"{seen}, at most {_percent(upper)}: fewer than {fewest_cells} cells"
    elif donors < fewest_donors:
        verdict, reason = UNRESOLVED, f"{seen}, at most {_percent(upper)}: fewer than {fewest_donors} donors"
    elif true_upper <= limit:
        verdict, reason = SAFE, f"{seen}: at most {_percent(true_upper)} after what depth may hide"
    elif upper <= limit:
        verdict = UNRESOLVED
        reason = f"{seen}: at most {_percent(upper)} seen, but only {_percent(detection)} of such cells would be seen"
    else:
        verdict, reason = UNRESOLVED, f"{seen}: between {_percent(lower)} and {_percent(upper)} seen"
    if verdict != SAFE and total and ambient >= MUCH * total / size:
        reason += f"; were {_percent(AMBIENT)} of molecules ambient, {_percent(ambient)} would be seen"
    return Verdict(
        name,
        tier,
        limit,
        verdict,
        reason,
        int(total),
        int(size),
        donors,
        total / size,
        lower,
        upper,
        detection,
        true_upper,
        faked,
        ambient,
    )


def worst(verdicts: list[Verdict], weights: dict[str, float]) -> Verdict | None:
    """The verdict that weighs most among the classes represented: unsafe first, then the largest weighted bound."""
    seen = [verdict for verdict in verdicts if verdict.cells]
    if not seen:
        return None
    return max(
        seen, key=lambda v: (v.verdict == UNSAFE, v.verdict == UNRESOLVED, weights.get(v.name, 1.0) * v.upper, v.name)
    )


def overall(verdicts: list[Verdict]) -> str:
    """One word for a gate: unsafe if any class is, safe if all are, unresolved where something is not known."""
    found = {verdict.verdict for verdict in verdicts}
    if UNSAFE in found:
        return UNSAFE
    return SAFE if found == {SAFE} else UNRESOLVED


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2g} %"
