"""Speed of dose-finding designs: ``python -m benchmarks.designs [--json]``.

10,000 trials of 10 cohorts of 3 patients on 5 doses, on one core; and exact operating characteristics of 4 doses x 4
cohorts of 3. Every registered design takes part; times are the best of three after one unmeasured run.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from carwright.trial.design import Design  # after threads are limited
from carwright.trial.exact import exact
from carwright.trial.patients import BernoulliPatients
from carwright.trial.registry import DESIGNS, build_design
from carwright.trial.simulate import simulate
from carwright.trial.space import ladder
from carwright.trial.timeline import Timeline, simulate_timeline

TRUTH = (0.05, 0.12, 0.25, 0.40, 0.55)
RESPONSE = (0.10, 0.20, 0.35, 0.45, 0.50)
SMALL = (0.05, 0.10, 0.20, 0.35)
TRIALS = 10_000

OPTIONS: dict[str, dict[str, object]] = {
    "boin": {"extra_safe": True},
    "blrm": {"doses": [1.0, 2.0, 4.0, 6.6, 10.0]},
    "efftox": {"doses": [1.0, 2.0, 4.0, 6.6, 10.0]},
    "decision-table": {"rows": {n: "E" * (n // 4 + 1) + "S" + "D" * (n - n // 4 - 1) for n in range(3, 31, 3)}},
}
"""Options beside the defaults: all safety rules of BOIN; doses (of Thall 2014) and a table where they must be given."""

RULES = [{"stop_at": {"n": 30}}, {"stop_when_toxic": {}}]


def best(measured: Callable[[], object], repeats: int = 3) -> float:
    """Shortest of some runs, seconds, after one that is not measured."""
    measured()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        measured()
        times.append(time.perf_counter() - start)
    return min(times)


def designs(doses: int, rules: list[dict[str, dict[str, object]]]) -> dict[str, Design]:
    """Every registered design on a ladder."""
    built = {}
    for name in DESIGNS:
        options = dict(OPTIONS.get(name, {}))
        if isinstance(scale := options.get("doses"), list):
            options["doses"] = scale[:doses]
        built[name] = build_design(name, ladder(doses), options, rules)
    return built


def run(design: Design, patients: BernoulliPatients) -> object:
    """Simulate, on a calendar where the design decides while patients are followed."""
    if design.uses_follow_up:
        return simulate_timeline(design, patients, TRIALS, 1, Timeline()).characteristics()
    return simulate(design, patients, TRIALS, 1).characteristics()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--design", action="append", help="only this design; repeatable")
    given = parser.parse_args()
    chosen = given.design or list(DESIGNS)
    patients = BernoulliPatients(TRUTH, RESPONSE)
    truth = {str(place + 1): chance for place, chance in enumerate(SMALL)}
    response = {str(place + 1): chance for place, chance in enumerate(RESPONSE[:4])}
    large = {name: design for name, design in designs(5, RULES).items() if name in chosen}
    small = {name: design for name, design in designs(4, [{"stop_at": {"n": 12}}]).items() if name in chosen}
    seconds = {name: best(lambda design=design: run(design, patients)) for name, design in large.items()}
    exact_seconds = {name: best(lambda design=design: exact(design, truth, response)) for name, design in small.items()}
    if given.json:
        print(json.dumps({"trials": TRIALS, "seconds_per_10000": seconds, "exact_seconds": exact_seconds}, indent=1))
        return
    print(f"{'design':20} {'10,000 trials, s':>18} {'exact, ms':>12}")
    for name, value in seconds.items():
        print(f"{name:20} {value:18.3f} {1e3 * exact_seconds[name]:12.1f}")


if __name__ == "__main__":
    main()
