"""Systems that have been read before, kept on disk, so that a model is parsed once and not in every command."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache as remember
from importlib import metadata
from importlib.resources import files
from typing import Final

from carwright.engine import cache
from carwright.engine.exchange import dumps, loads
from carwright.engine.system import System

_PARSERS: Final = ("python-libsbml", "antimony")


def read_once(read: Callable[[], System], *decides: str) -> System:
    """The system that ``read`` returns, from disk where it has returned it before.

    What is kept is text (`carwright.engine.exchange`), nothing in it is run. Errors are not kept.

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


@remember
def _versions() -> tuple[str, ...]:
    """Versions of the parsers, and hash of the sources of the engine; nothing where a version cannot be found."""
    try:
        parsers = [metadata.version(name) for name in _PARSERS]
    except metadata.PackageNotFoundError:
        return ()
    digest = hashlib.sha256()
    for source in sorted(files("carwright.engine").iterdir(), key=lambda entry: entry.name):
        if source.name.endswith(".py"):
            digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return *parsers, digest.hexdigest()
