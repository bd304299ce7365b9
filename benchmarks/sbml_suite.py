"""Runs cases of the SBML semantic test suite: ``python -m benchmarks.sbml_suite ZIP``.

Every case is read, solved and compared with its published results within its own tolerances. A case is *passed*,
*refused* (the engine says what it does not support, or why it has no numbers) or *wrong* (numbers outside the
tolerances, or a crash). Nothing is skipped. Cases run in worker processes; one that crashes or takes too long is
counted as wrong and the rest go on.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import multiprocessing
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

RELATIVE = 1e-9
"""Tolerance of the engine; far inside those of the suite."""
ABSOLUTE = 1e-4
"""Absolute tolerance of the engine as a part of the case's own."""


@dataclass(frozen=True)
class Verdict:
    """How one case ended: ``passed``, ``refused`` (and for what) or ``wrong`` (and how)."""

    case: str
    result: str
    why: str = ""


def settings_of(text: str) -> dict[str, str]:
    """Lines ``key: value`` of a case's settings."""
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def names_of(text: str) -> list[str]:
    """A list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def judge(case: str, model: str, settings: str, results: str, path: str | None = "interpreted") -> Verdict:
    """Solve one case and compare; a path of None is the one that the engine chooses."""
    import numpy as np

    from carwright.engine import EXPLAIN, Outcome, compile_kernel, read_sbml
    from carwright.errors import CarwrightError

    asked = settings_of(settings)
    rows = list(csv.reader(io.StringIO(results)))
    header = [name.strip() for name in rows[0]]
    table = np.array([[float(x) for x in row] for row in rows[1:] if row])
    amounts, concentrations = names_of(asked.get("amount", "")), names_of(asked.get("concentration", ""))
    absolute, relative = float(asked["absolute"]), float(asked["relative"])
    try:
        system = read_sbml(model)
        wanted = [
            f"amount({n})" if n in amounts else f"concentration({n})" if n in concentrations else n for n in header[1:]
        ]
        # The lists also name compartments and parameters, which are neither.
        columns = [n if system.expression(n) is not None else n[n.find("(") + 1 :].rstrip(")") for n in wanted]
        kernel = compile_kernel(system, columns, path=path)
    except CarwrightError as error:
        unsupported = [p.what for p in error.problems if p.code == "ENGINE012"]
        return Verdict(case, "refused", (unsupported or [p.what for p in error.problems])[0])
    times, end = table[:, 0], float(asked["duration"])
    inside = times <= end * (1 + 1e-12)
    solution = kernel.solve(
        system.defaults[None], start=0.0, end=max(end, float(times[inside][-1])), times=times[inside],
        relative_tolerance=RELATIVE, absolute_tolerance=np.full(len(system.states), ABSOLUTE * absolute),
        max_steps=2_000_000,
    )  # fmt: skip
    outcome = Outcome(int(solution.outcome[0]))
    if outcome != Outcome.OK:
        return Verdict(case, "refused", f"outcome {outcome.name}: {EXPLAIN[outcome]}")
    found, expected = solution.courses[0], table[inside, 1:]
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        excess = np.where(same, 0.0, np.abs(found - expected) / (absolute + relative * np.abs(expected)))
    excess = np.where(np.isnan(excess), np.inf, excess)
    if not excess.size or excess.max() <= 1.0:
        return Verdict(case, "passed")
    k, i = np.unravel_index(np.argmax(excess > 1.0), excess.shape)
    return Verdict(case, "wrong", f"{columns[i]} at {times[k]:g}: {found[k, i]:.8g}, expected {expected[k, i]:.8g}")


def cases_in(path: Path) -> Iterator[tuple[str, str, str, str]]:
    """Name, model, settings and results of every case of a ZIP file."""
    with zipfile.ZipFile(path) as archive:
        folders = sorted({name.rsplit("/", 1)[0] for name in archive.namelist() if name.endswith("model.xml")})
        for folder in folders:
            texts = [archive.read(f"{folder}/{n}").decode() for n in ("model.xml", "settings.txt", "results.csv")]
            yield folder.rsplit("/", 1)[-1], texts[0], texts[1], texts[2]


def work(pipe: Connection, path: str | None) -> None:
    """Judge cases that come through a pipe until it closes."""
    while True:
        try:
            case = pipe.recv()
        except EOFError:
            return
        try:
            verdict = judge(*case, path)
        except Exception as error:  # noqa: BLE001 - a crash of the engine is a verdict on it
            verdict = Verdict(case[0], "wrong", f"crash: {type(error).__name__}: {error}"[:300])
        pipe.send(verdict)


class Worker:
    """A process that judges one case at a time."""

    def __init__(self, path: str | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=work, args=(other, path), daemon=True)
        self.process.start()
        other.close()
        self.case = ""
        self.since = time.monotonic()

    def give(self, case: tuple[str, str, str, str]) -> None:
        """Start on a case."""
        self.case, self.since = case[0], time.monotonic()
        self.pipe.send(case)

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def judge_all(
    source: Path, processes: int, limit: float, chosen: set[str], every: int = 1, path: str | None = "interpreted"
) -> list[Verdict]:
    """Judge every case of a ZIP file (or every so many), each within ``limit`` seconds."""
    from carwright.engine import interpret

    interpret.load()  # compiled once, before the clocks of the cases run
    cases = [case for case in cases_in(source) if not chosen or case[0] in chosen]
    waiting = iter(cases[::every])
    workers: list[Worker] = []
    verdicts: list[Verdict] = []

    def next_case(worker: Worker | None) -> None:
        case = next(waiting, None)
        if case is None:
            if worker is not None:
                workers.remove(worker)
                worker.stop()
            return
        if worker is None:
            worker = Worker(path)
            workers.append(worker)
        worker.give(case)

    for _ in range(processes):
        next_case(None)
    while workers:
        ready = wait([worker.pipe for worker in workers], timeout=1.0)
        for worker in list(workers):
            late = time.monotonic() - worker.since > limit
            if worker.pipe not in ready and not late:
                continue
            try:
                if worker.pipe not in ready:
                    raise EOFError
                verdicts.append(worker.pipe.recv())
                next_case(worker)
            except EOFError:
                why = f"no answer within {limit:g} s" if late else "the process died"
                verdicts.append(Verdict(worker.case, "wrong", why))
                workers.remove(worker)
                worker.stop()
                next_case(None)
    return sorted(verdicts, key=lambda verdict: verdict.case)


def summary(verdicts: list[Verdict]) -> dict[str, object]:
    """Counts and lists, ready for JSON."""
    refused = Counter(v.why for v in verdicts if v.result == "refused")
    return {
        "cases": len(verdicts),
        "passed": sum(v.result == "passed" for v in verdicts),
        "refused": dict(refused.most_common()),
        "refused_cases": {v.case: v.why for v in verdicts if v.result == "refused"},
        "wrong": {v.case: v.why for v in verdicts if v.result == "wrong"},
    }


BEGIN, END = "<!-- counts of the suite begin -->", "<!-- counts of the suite end -->"


def page(text: str, verdicts: list[Verdict]) -> str:
    """Put the counts between the marks of a documentation page."""
    refused = Counter(v.why.split(":")[0] for v in verdicts if v.result == "refused")
    passed = sum(v.result == "passed" for v in verdicts)
    wrong = sum(v.result == "wrong" for v in verdicts)
    lines = ["| Result | Cases |", "|---|---|", f"| passed | {passed} |"]
    lines += [
        f"| refused: {why.removeprefix('the engine does not support ')} | {n} |" for why, n in refused.most_common()
    ]
    lines += [f"| wrong | {wrong} |", f"| all | {len(verdicts)} |"]
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return before + BEGIN + "\n\n" + "\n".join(lines) + "\n\n" + END + after


def main(arguments: list[str] | None = None) -> int:
    """Command line; the exit status is 0 when nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sbml_suite", description=__doc__)
    parser.add_argument("zip", type=Path, help="cases: folders with model.xml, settings.txt and results.csv")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds per case")
    parser.add_argument("--every", type=int, default=1, help="only every so many cases")
    parser.add_argument(
        "--compile", action="store_true", help="compile the models that the engine would compile: seconds per case"
    )
    parser.add_argument("--docs", type=Path, help="write the table of refusals to this page")
    parser.add_argument("--case", action="append", default=[], help="only this case; may be repeated")
    chosen = parser.parse_args(arguments)
    started = time.monotonic()
    path = None if chosen.compile else "interpreted"
    verdicts = judge_all(chosen.zip, chosen.processes, chosen.limit, set(chosen.case), chosen.every, path)
    found = summary(verdicts)
    if chosen.docs:
        chosen.docs.write_text(page(chosen.docs.read_text(encoding="utf-8"), verdicts), encoding="utf-8")
    found["seconds"] = round(time.monotonic() - started, 1)
    if chosen.json:
        print(json.dumps(found, indent=1))
    else:
        refused, wrong = found["refused"], found["wrong"]
        assert isinstance(refused, dict)  # noqa: S101 - for the type checker
        assert isinstance(wrong, dict)  # noqa: S101
        print(f"{found['passed']} of {found['cases']} cases passed in {found['seconds']} s")
        print(f"{sum(refused.values())} refused")
        for why, count in refused.items():
            print(f"  {count:4d}  {why}")
        print(f"{len(wrong)} wrong")
        for case, why in wrong.items():
            print(f"  {case}  {why}")
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
