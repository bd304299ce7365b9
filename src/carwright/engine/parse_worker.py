"""The process that parses text from users: ``python -m carwright.engine.parse_worker``, started by `untrusted`.

Reads one request from standard input, answers on standard output with the system or with problems, and ends. It
takes the limits upon itself before it loads a parser. libSBML and libAntimony are C and C++: whatever a text
makes them do, it happens here and not in the user's process.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from carwright.errors import CarwrightError, Problem


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.stdin.buffer.read())
    answer_file = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What a parser prints must not end up in the answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _limit(request)
    try:
        answer = _answer(request)
    except CarwrightError as error:
        answer = json.dumps({"problems": [asdict(problem) for problem in error.problems]})
    except MemoryError:
        answer = '{"failure": "memory"}'
    except RecursionError:
        answer = '{"failure": "depth"}'
    with answer_file:
        answer_file.write(answer)


def _limit(request: dict[str, Any]) -> None:
    """Limit time, memory and output of this process, where the system can."""
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        seconds = int(request["seconds"]) + 1
        for name, value in (
            ("RLIMIT_AS", request["memory"]),
            ("RLIMIT_CPU", seconds),
            ("RLIMIT_FSIZE", request["output"]),
            ("RLIMIT_CORE", 0),
        ):
            # macOS refuses some; the parent's clock holds everywhere
            with contextlib.suppress(ValueError, OSError, AttributeError):
                kind = getattr(resource, name)
                _, hard = resource.getrlimit(kind)
                least = value if hard == resource.RLIM_INFINITY else min(value, hard)
                resource.setrlimit(kind, (least, least))


def _answer(request: dict[str, Any]) -> str:
    text, where = request["text"], request["where"]
    from carwright.engine.exchange import dumps
    from carwright.engine.sbml import read_sbml
    from carwright.engine.system import System

    label = where
    if request["language"] == "antimony":
        text = _antimony_to_sbml(text, where, request["folder"])
        label = f"{where}, as SBML"
    try:
        system = read_sbml(text)
    except CarwrightError as error:
        raise CarwrightError(*(_placed(problem, label) for problem in error.problems)) from error
    return f'{{"system": {json.dumps(dumps(system, System))}}}'


def _placed(problem: Problem, where: str) -> Problem:
    inner = "" if problem.where in ("", "SBML") else f", {problem.where}"
    return Problem(problem.code, problem.what, where + inner, problem.found, problem.allowed, problem.fix)


def _antimony_to_sbml(text: str, where: str, folder: str) -> str:
    import antimony

    if folder:
        antimony.addDirectory(str(Path(folder).absolute()))
    if antimony.loadAntimonyString(text) < 0:
        found = " ".join(antimony.getLastError().split())
        raise CarwrightError(Problem("ENGINE050", "Antimony cannot read the model", where, found))
    sbml = antimony.getSBMLString(antimony.getMainModuleName())
    if not sbml:
        raise CarwrightError(Problem("ENGINE050", "the Antimony text holds no model", where))
    return str(sbml)


if __name__ == "__main__":
    main()
