"""Models from users: parsed in a process of their own, within limits of time and memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, NoReturn

import carwright
from carwright.engine.exchange import loads
from carwright.engine.system import System
from carwright.errors import CarwrightError, Problem

Language = Literal["sbml", "antimony"]

_WORKER = "carwright.engine.parse_worker"


@dataclass(frozen=True)
class Limits:
    """What parsing one model may use (assumed: ten times what the largest model of BioModels takes).

    Parameters
    ----------
    seconds
        Wall-clock time, and processor time where the system can limit it.
    memory_bytes
        Address space of the process, where the system can limit it.
    answer_bytes
        Size of the system that comes back.
    """

    seconds: float = 60.0
    memory_bytes: int = 2 << 30
    answer_bytes: int = 256 << 20


def read_untrusted(
    text: str, language: Language = "sbml", *, where: str = "", folder: str = "", limits: Limits | None = None
) -> System:
    """Read a model that somebody else may have written.

    A text that crashes a parser, runs for too long or fills the memory ends in an error, and this process lives.

    Parameters
    ----------
    text
        The SBML document or Antimony text.
    language
        Which of the two it is.
    where
        How messages call it.
    folder
        Where Antimony looks for the files that the text imports; nowhere of its own when empty.
    limits
        Limits of the process.

    Raises
    ------
    CarwrightError
        Listing everything that is wrong or not supported; or saying that the parser crashed, or which limit it met.
    """
    chosen = limits or Limits()
    where = where or ("SBML" if language == "sbml" else "Antimony")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        what = "a document type declaration is not allowed"
        fix = "SBML needs none; remove '<!DOCTYPE ...>' and the entities that it declares"
        raise CarwrightError(Problem("ENGINE051", what, where, fix=fix))
    request = {
        "text": text,
        "language": language,
        "where": where,
        "folder": folder,
        "seconds": chosen.seconds,
        "memory": chosen.memory_bytes,
        "output": chosen.answer_bytes,
    }
    answer = _ask(request, where, chosen)
    if "problems" in answer:
        raise CarwrightError(*(Problem(**problem) for problem in answer["problems"]))
    if "system" not in answer:
        _refuse_size(where, chosen, deep=answer.get("failure") == "depth")
    try:
        return loads(answer["system"], System)
    except ValueError as error:
        _refuse_crash(where, str(error))


def _ask(request: dict[str, Any], where: str, limits: Limits) -> dict[str, Any]:
    """Run the worker; files instead of pipes, so that its limit on file sizes holds for the answer."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as log:
        given.write(json.dumps(request).encode("utf-8", "surrogatepass"))
        given.seek(0)
        try:
            done = subprocess.run(  # noqa: S603  # our own module, no shell
                [sys.executable, "-P", "-m", _WORKER],
                stdin=given,
                stdout=answer,
                stderr=log,
                env=_environment(),
                timeout=limits.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            _refuse_time(where, limits)
        if done.returncode:
            _refuse_ending(done.returncode, _content(log).decode(errors="replace"), where, limits)
        try:
            parsed = json.loads(_content(answer))
        except ValueError as error:
            _refuse_crash(where, str(error))
    return parsed if isinstance(parsed, dict) else {}


def _content(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()


def _environment() -> dict[str, str]:
    """Environment of the worker: ours, with our sources to be found and one thread for linear algebra."""
    root = str(Path(carwright.__file__).resolve().parents[1])
    paths = [path for path in (os.environ.get("PYTHONPATH", ""), root) if path]
    # Each thread of OpenBLAS reserves address space, of which the worker has little.
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _refuse_ending(status: int, log: str, where: str, limits: Limits) -> NoReturn:
    names = {-int(number): number.name for number in signal.Signals}
    name = names.get(status, f"status {status}")
    if name in ("SIGXCPU", "SIGKILL"):
        _refuse_time(where, limits)
    if name == "SIGXFSZ" or "bad_alloc" in log or "MemoryError" in log or "File too large" in log:
        _refuse_size(where, limits)
    _refuse_crash(where, (log.strip().splitlines() or [""])[-1] if status > 0 else name)


def _refuse_time(where: str, limits: Limits) -> NoReturn:
    what = f"reading the model took more than {limits.seconds:g} s and was stopped"
    fix = "look for function definitions that multiply, or rules that grow when they are put into each other"
    raise CarwrightError(Problem("ENGINE052", what, where, fix=fix)) from None


def _refuse_size(where: str, limits: Limits, *, deep: bool = False) -> NoReturn:
    what = "the model is nested too deeply to be read" if deep else "reading the model took too much memory"
    allowed = "" if deep else f"{limits.memory_bytes >> 20:,} MiB"
    raise CarwrightError(Problem("ENGINE053", what, where, allowed=allowed, fix="simplify or split the model"))


def _refuse_crash(where: str, found: str) -> NoReturn:
    fix = "look for formulas nested thousands of levels deep; if the file is sound, please report it"
    raise CarwrightError(Problem("ENGINE054", "the parser crashed on this model", where, found, fix=fix)) from None
