"""What has been worked out before, kept on disk: systems that were read, functions that were printed.

A model is parsed and differentiated once, then, and not in every command. What is kept is text
(`carwright.engine.exchange`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache as remember
from importlib import metadata
from importlib.resources import files
from typing import Final

from carwright.engine import cache
from carwright.engine.exchange import dumps, loads
from carwright.engine.generator import Printed, Program, generate
from carwright.engine.system import System
from carwright.engine.tableau import Tableau
from carwright.engine.vector import Shape

_PARSERS: Final = ("python-libsbml", "antimony")


def read_once(read: Callable[[], System], *decides: str) -> System:
    """The system that ``read`` returns, from disk where it has returned it before.

    Errors are not kept.

    Parameters
    ----------
    read
        Parses the model.
    decides
        Everything that decides the result beside the parsers and our own code: the text, and how it is read.
    """
    if not (versions := _versions()):
        return read()
    return loads(cache.keep(("system", *versions, *decides), lambda: dumps(read(), System).encode()), System)


def printed_once(program: Program, method: Tableau, shape: Shape) -> Printed:
    """What `generate` prints, from disk where it has been printed before."""
    decides = ("printed", _sources(), dumps(program, Program), repr(method), repr(shape))
    return loads(cache.keep(decides, lambda: dumps(generate(program, method, shape), Printed).encode()), Printed)


@remember
def _versions() -> tuple[str, ...]:
    """Versions of the parsers, and hash of the sources of the engine; nothing where a version cannot be found."""
    try:
        parsers = [metadata.version(name) for name in _PARSERS]
    except metadata.PackageNotFoundError:
        return ()
    return *parsers, _sources()


@remember
def _sources() -> str:
    """Hash of the sources of the engine."""
    digest = hashlib.sha256()
    for source in sorted(files("carwright.engine").iterdir(), key=lambda entry: entry.name):
        if source.name.endswith(".py"):
            digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()
