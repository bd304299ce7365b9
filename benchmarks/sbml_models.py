"""Compares the engine with libroadrunner on a folder of SBML files: ``python -m benchmarks.sbml_models FOLDER``.

Every file is simulated by both at tight tolerances. The error of a state is its largest difference over time, divided
by the largest value that it takes; the table shows the worst state of each file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

AGREES = 1e-5
"""Largest error that counts as agreement."""
ABSOLUTE = 1e-14
"""Absolute tolerance as a part of the largest value: cells that fall by ten orders of magnitude may grow back."""


def compare(path: Path, end: float, points: int) -> dict[str, object]:
    """One row of the table."""
    import numpy as np
    import roadrunner

    from carwright.engine import EXPLAIN, Outcome, compile_kernel, read_sbml
    from carwright.errors import CarwrightError

    text = path.read_text(encoding="utf-8")
    row: dict[str, object] = {"model": path.parent.name, "file": path.name}
    times = np.linspace(0.0, end, points)
    try:
        system = read_sbml(text)
        row["states"], row["events"] = len(system.states), len(system.events)
        kernel = compile_kernel(system, system.states)
        row["path"] = kernel.path
    except CarwrightError as error:
        return row | {"verdict": "refused", "why": error.problems[0].what}
    try:
        other = roadrunner.RoadRunner(text)
        other.integrator.relative_tolerance, other.integrator.absolute_tolerance = 1e-10, 1e-14
        other.integrator.maximum_num_steps = 1_000_000
        species = {*other.model.getFloatingSpeciesIds(), *other.model.getBoundarySpeciesIds()}
        amounts = {s for s in system.states if s in species and s in _amounts(system)}
        selections = [f"[{s}]" if s in species and s not in amounts else s for s in system.states]
        selections = [s[len("amount(") : -1] if s.startswith("amount(") else s for s in selections]
        expected = np.array(other.simulate(0.0, end, points, selections=["time", *selections]))[:, 1:]
    except RuntimeError as error:
        return row | {"verdict": "libroadrunner cannot", "why": str(error).split("\n")[0][:120]}
    scale = np.nanmax(np.abs(expected), axis=0)
    tolerance = ABSOLUTE * np.where(scale > 0.0, scale, 1.0)
    solution = kernel.solve(
        system.defaults[None], start=0.0, end=end, times=times, relative_tolerance=1e-9, absolute_tolerance=tolerance,
        max_steps=1_000_000,
    )  # fmt: skip
    outcome = Outcome(int(solution.outcome[0]))
    if outcome != Outcome.OK:
        return row | {"verdict": "refused", "why": f"{outcome.name}: {EXPLAIN[outcome]}"}
    error = np.max(np.abs(solution.courses[0] - expected), axis=0) / np.where(scale > 0.0, scale, 1.0)
    worst = int(np.argmax(error))
    row |= {"error": float(error[worst]), "worst": system.states[worst]}
    return row | {"verdict": "agrees" if error[worst] <= AGREES else "differs"}


def _amounts(system: object) -> set[str]:
    """Species whose state is an amount."""
    states, quantities = system.states, system.quantities  # type: ignore[attr-defined]
    return {s for s in states if (e := quantities.get(f"amount({s})")) is not None and e.value == s}


def main(arguments: list[str] | None = None) -> int:
    """Command line; the exit status is 0 when no file differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sbml_models", description=__doc__)
    shared = os.environ.get("CARWRIGHT_SHARED", "../shared")
    parser.add_argument("folder", type=Path, nargs="?", default=Path(shared) / "data" / "sbml-models")
    parser.add_argument("--end", type=float, default=100.0, help="end of the simulation, in the time unit of the model")
    parser.add_argument("--points", type=int, default=101)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    chosen = parser.parse_args(arguments)
    files = sorted(path for path in chosen.folder.rglob("*.xml"))
    if not files:
        print(f"no SBML files in {chosen.folder}", file=sys.stderr)
        return 2
    rows = [compare(path, chosen.end, chosen.points) for path in files]
    if chosen.json:
        print(json.dumps(rows, indent=1))
    else:
        print(f"{'model':34s} {'states':>6s} {'events':>6s} {'path':>11s} {'error':>8s}  verdict")
        for row in rows:
            error = f"{row['error']:.1e}" if "error" in row else ""
            why = str(row.get("why", ""))
            print(f"{row['model']!s:34s} {row.get('states', '')!s:>6s} {row.get('events', '')!s:>6s} "
                  f"{row.get('path', '')!s:>11s} {error:>8s}  {row['verdict']} {why}".rstrip())  # fmt: skip
    return 1 if any(row["verdict"] == "differs" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
