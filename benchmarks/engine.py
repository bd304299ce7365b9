"""Speed and accuracy of the engine beside other ODE software, in one run: ``python -m benchmarks.engine``.

Every engine solves the same patients with the same doses, output times and tolerances per state, and hands back
every state. Time is CPU time of the whole process on one core, without loading and compiling, which
``prepare_seconds`` gives. What is not installed is listed as skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.peers import ENGINES, OURS, Engine, chosen
from benchmarks.problems import problems

MODELS = ("cart18", "mcrpc")
QUICK_SHARE = 4
"""The quick mode takes one patient in so many, of ours and of the peers alike."""
PACKAGES = ("carwright", "numpy", "numba", "llvmlite", "jax", *dict.fromkeys(engine.package for engine in ENGINES))


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and store on request."""
    options = _parser().parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    result = run(options)
    if options.store:
        _store(result, Path(options.store))
    print(json.dumps(result, indent=1) if options.json else _markdown(result))
    return 0


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure every chosen engine on every chosen model."""
    rows: list[measure.Row] = []
    skipped: dict[str, str] = {}
    engines = list(chosen(options.peers))
    most = options.patients or max(engine.patients for engine in engines)
    for problem in problems(options.models, most):
        exact = measure.reference(problem)
        for engine in engines:
            reason = engine.missing()
            tolerances = engine.quick_tolerances if options.quick else engine.tolerances
            if reason is not None:
                skipped[engine.name] = reason
            elif not tolerances:
                skipped[engine.name] = "not part of the quick run"
            else:
                _say(f"{engine.name} on {problem.name}")
                rows += _rows(engine, problem, exact, options, tolerances, skipped)
    by_model = measure.ratios(rows, OURS)
    first = f"{measure.ERRORS[0]:g}"
    return {
        "rows": rows,
        "ratios": {peer: values[first] for peer, values in by_model.get(MODELS[0], {}).items() if first in values},
        "ratios_by_model": by_model,
        "skipped": skipped,
        "reference": f"SciPy LSODA at a relative tolerance of {measure.REFERENCE:g}",
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "machine": _machine(),
        "quick": options.quick,
    }


def _rows(
    engine: Engine,
    problem: Any,
    exact: measure.Floats,
    options: argparse.Namespace,
    tolerances: tuple[float, ...],
    skipped: dict[str, str],
) -> list[measure.Row]:
    patients = options.patients or max(8, engine.patients // (QUICK_SHARE if options.quick else 1))
    try:
        return measure.rows_of(engine, problem, exact, patients, tolerances)
    except Exception as error:  # noqa: BLE001 a peer that fails must not cost the figures of the others
        skipped[f"{engine.name} on {problem.name}"] = f"{type(error).__name__}: {error}"
        return []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer patients and tolerances: under five minutes")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--peers", nargs="*", choices=sorted({e.peer for e in ENGINES} - {OURS}), help="only these")
    parser.add_argument("--models", nargs="*", choices=MODELS, default=list(MODELS), help="only these")
    parser.add_argument("--patients", type=int, help="number of patients for every engine")
    parser.add_argument(
        "--store", metavar="NAME", help="write NAME.json and NAME.md, such as benchmarks/results/engine"
    )
    return parser


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _machine() -> dict[str, Any]:
    model = platform.processor()
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in {"model name", "model", "cpu family"}:
                model = f"{model}, {key.strip()} {value.strip()}" if key.strip() not in model else model
    return {
        "processor": model.lstrip(", "),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }


def _markdown(result: dict[str, Any]) -> str:
    lines = [measure.table(result["rows"], result["ratios_by_model"]), ""]
    lines += [f"Skipped: {name}: {reason}" for name, reason in result["skipped"].items()]
    lines += ["", f"Reference: {result['reference']}."]
    lines += ["Versions: " + ", ".join(f"{name} {found}" for name, found in result["versions"].items()) + "."]
    lines += ["Machine: " + ", ".join(f"{name} {value}" for name, value in result["machine"].items()) + "."]
    return "\n".join(lines)


def _store(result: dict[str, Any], place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    place.with_suffix(".md").write_text(_markdown(result) + "\n", encoding="utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
