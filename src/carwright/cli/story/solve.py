"""How one solve went: steps, the last good state, and what moved fastest there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from carwright.cli.output import columns, number
from carwright.errors import CarwrightError

if TYPE_CHECKING:
    from carwright.engine.trace import Solve, Trace

WIDTH: Final = 60
"""Characters of the picture of step sizes."""
SHOWN_STATES: Final = 8
"""States that are printed; ``--json`` has all."""
ROUNDING: Final = 1e-10
"""Part of the fastest rate below which a mode is taken for one that does not move at all."""
_BARS: Final = "▁▂▃▄▅▆▇█"


def how_it_went(given: Callable[[], Solve]) -> dict[str, Any]:
    """How a solve went, or under ``impossible`` why that cannot be told."""
    try:
        return of_solve(given())
    except CarwrightError as error:
        return {"impossible": "; ".join(f"{p.what} ({p.fix})" if p.fix else p.what for p in error.problems)}


def of_solve(solve: Solve) -> dict[str, Any]:
    """Solve again, slowly, and tell how it went; ``step_history`` has one entry per step that was tried."""
    from carwright.engine.outcome import NEGATIVE_LIMIT
    from carwright.engine.trace import trace

    found = trace(solve)
    rejected = sum(not error <= 1.0 for error in found.errors)
    return {
        "method": "solved again step by step in plain Python and double precision, by the same method and tolerances",
        "outcome_name": None if found.outcome is None else found.outcome.name.lower(),
        "steps": len(found.times),
        "rejected": rejected,
        "step_history": [
            {"time": t, "size": h, "error": _finite(e), "accepted": e <= 1.0}
            for t, h, e in zip(found.times, found.sizes, found.errors, strict=True)
        ],
        "triggers": [{"time": t, "name": name} for t, name in found.fired],
        "last_good_time": found.time,
        "last_good_state": [
            {"name": name, "value": _finite(value), "rate": _finite(rate)}
            for name, value, rate in _by_speed(solve, found)
        ],
        "below_zero": [
            {"name": name, "value": float(value)}
            for name, value, tolerance, never in zip(
                solve.system.states, found.state, solve.absolute, solve.system.non_negative, strict=True
            )
            if never and value < -NEGATIVE_LIMIT * tolerance
        ],
        "undefined_rates": [str(name) for name in found.undefined],
        "fastest": _fastest(solve, found),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _by_speed(solve: Solve, found: Trace) -> list[tuple[str, float, float]]:
    """States with values and rates, those first that change fastest for their size."""
    if not len(found.rates):
        return [(name, float(value), math.nan) for name, value in zip(solve.system.states, found.state, strict=True)]
    rows = list(zip(solve.system.states, map(float, found.state), map(float, found.rates), solve.absolute, strict=True))
    rows.sort(key=lambda row: -abs(row[2]) / (abs(row[1]) + 1e3 * row[3]) if math.isfinite(row[2]) else -math.inf)
    return [(name, value, rate) for name, value, rate, _ in rows]


def _fastest(solve: Solve, found: Trace) -> dict[str, Any] | None:
    """The fastest mode at the last good state, and the state that takes the largest part in it.

    Participation of state i in a mode is the product of its left and right eigenvectors' entries
    (Perez-Arriaga, I. J., Verghese, G. C. and Schweppe, F. C. (1982) IEEE Trans PAS-101:3117,
    doi:10.1109/TPAS.1982.317524).
    """
    import numpy as np

    if not found.slopes.size or not np.isfinite(found.slopes).all():
        return None
    values, right = np.linalg.eig(found.slopes)
    mode = int(np.argmax(np.abs(values)))
    if values[mode] == 0.0:
        return None
    part = np.abs(right[:, mode] * np.linalg.pinv(right)[mode])
    others = np.abs(values[np.abs(values) > ROUNDING * abs(values[mode])])
    return {
        "species": solve.system.states[int(np.argmax(part))],
        "part": float(part.max() / part.sum()),
        "rate": float(values[mode].real),
        "frequency": float(abs(values[mode].imag)),
        "time_scale": float(1.0 / abs(values[mode])),
        "slowest_time_scale": float(1.0 / others.min()),
    }


def solve_text(told: dict[str, Any]) -> list[str]:
    """Lines that tell how a solve went."""
    if "impossible" in told:
        return [f"how the solve went cannot be shown: {told['impossible']}"]
    steps = told["step_history"]
    lines = [f"{told['steps']:,} steps ({told['rejected']:,} rejected) when {told['method']}"]
    if told["outcome_name"] is None:
        lines[0] += f"; the first {told['steps']:,} are shown"
    if steps:
        sizes = [step["size"] for step in steps]
        lines.append(f"step sizes, log scale from {min(sizes):.1e} to {max(sizes):.1e}; x where steps were rejected:")
        lines += [f"  {line}" for line in _picture(steps)]
    lines += [f"at {number(fired['time'])}: {fired['name']}" for fired in told["triggers"][:SHOWN_STATES]]
    failed = told["outcome_name"] != "ok"
    lines.append(f"{'last good state' if failed else 'end'}, at {told['last_good_time']:.10g}:")
    states = told["last_good_state"]
    rows = [[s["name"], *("undefined" if s[k] is None else f"{s[k]:.6g}" for k in ("value", "rate"))]
            for s in states[:SHOWN_STATES]]  # fmt: skip
    lines += [f"  {line}" for line in columns(rows, ["fastest first", "value", "rate"]).splitlines()]
    if len(states) > SHOWN_STATES:
        lines.append(f"  and {len(states) - SHOWN_STATES} more (--json has them)")
    for below in told["below_zero"]:
        lines.append(f"below zero, which it cannot be: {below['name']} {below['value']:.6g}")
    if told["undefined_rates"]:
        lines.append(f"rate undefined in the next step: {', '.join(told['undefined_rates'])}")
    if told["fastest"]:
        lines.append(_fastest_text(told["fastest"]))
    return lines


def _picture(steps: list[dict[str, Any]]) -> list[str]:
    """Median step size of each stretch of steps as a bar, and a mark below stretches with rejected steps."""
    count = min(WIDTH, len(steps))
    logs = [math.log10(step["size"]) for step in steps]
    low, high = min(logs), max(logs)
    bars, marks = "", ""
    for i in range(count):
        stretch = range(i * len(steps) // count, (i + 1) * len(steps) // count)
        middle = sorted(logs[j] for j in stretch)[len(stretch) // 2]
        bars += _BARS[round((middle - low) / (high - low or 1.0) * (len(_BARS) - 1))]
        marks += "x" if any(not steps[j]["accepted"] for j in stretch) else " "
    return [bars, marks.rstrip()] if marks.strip() else [bars]


def _fastest_text(fastest: dict[str, Any]) -> str:
    way = "grows by itself" if fastest["rate"] > 0 else "returns to balance"
    if fastest["frequency"] > abs(fastest["rate"]):
        way = "swings"
    text = f"stiffest: {fastest['species']} {way} within a time of {fastest['time_scale']:.3g}"
    return f"{text}; the slowest change of the model takes {fastest['slowest_time_scale']:.3g}"
