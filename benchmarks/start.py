"""How long a first result takes, from the start of the process to its end: ``python -m benchmarks.start``.

The command ``carwright simulate`` runs with an empty cache and then several times with a full one, for a built-in
model, an SBML file, and one with events. Prints one JSON object: seconds on the wall and of the processor (children
included); of the warm runs the smallest and the median. ``load`` says how busy the machine was: on a busy one only the
processor's seconds mean something.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAIN = """model doses
  drug -> ; k*drug; response' = drug - 0.1*response
  drug = 10; response = 0; k = 0.3{events}
end"""
EVENTS = "\n  E1: at (time > 1): drug = drug + 10\n  E2: at (response > 5): drug = 0.5*drug"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="warm runs")
    options = parser.parse_args()
    result: dict[str, object] = {"load": os.getloadavg()[0], "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as place:
        models = {"mcrpc": ["mcrpc", "--patients", "8"]}
        for name, events in (("file", ""), ("events", EVENTS)):
            file = Path(place) / f"{name}.xml"
            file.write_text(_sbml(PLAIN.format(events=events)), encoding="utf-8")
            models[name] = [str(file)]
        for name, given in models.items():
            cache = Path(place) / f"cache of {name}"
            runs = [_run([*given, "--days", "28"], cache, Path(place)) for _ in range(1 + options.repeats)]
            warm = list(zip(*runs[1:], strict=True))
            result[name] = {
                "cold_seconds": runs[0][0],
                "cold_cpu_seconds": runs[0][1],
                "warm_seconds": {"least": min(warm[0]), "median": statistics.median(warm[0])},
                "warm_cpu_seconds": {"least": min(warm[1]), "median": statistics.median(warm[1])},
            }
    print(json.dumps(result, indent=1))
    return 0


def _run(arguments: list[str], cache: Path, place: Path) -> tuple[float, float]:
    """Seconds on the wall and of the processor of one command."""
    with tempfile.TemporaryDirectory(dir=place) as out:
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "carwright", "simulate", *arguments, "--out", str(Path(out) / "run")],
            capture_output=True, check=True, env={**os.environ, "CARWRIGHT_CACHE": str(cache)},
        )  # fmt: skip
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _sbml(text: str) -> str:
    import antimony

    antimony.clearPreviousLoads()
    antimony.loadAntimonyString(text)
    return str(antimony.getSBMLString(antimony.getMainModuleName()))


if __name__ == "__main__":
    sys.exit(main())
