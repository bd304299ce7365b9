"""Which software computed a run, where and when. Kept apart from the results, which hold no time or place."""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import carwright

_NUMERICAL = ("llvmlite", "numba", "numpy", "polars", "scipy")
_NO_INFLUENCE = ("cli", "report")  # rooms that only show what was computed


@cache
def software() -> dict[str, str]:
    """Versions of what can move a number: Carwright and its sources, Python, libraries, kind of machine."""
    return {
        "carwright": carwright.__version__,
        "sources": _sources_digest(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "machine": f"{platform.system()} {platform.machine()}",
        **{name: metadata.version(name) for name in _NUMERICAL},
    }


def software_digest() -> str:
    """SHA-256 of `software`: shards of different digests are never mixed."""
    return hashlib.sha256(json.dumps(software(), sort_keys=True).encode()).hexdigest()


def session(command: str) -> dict[str, Any]:
    """Describe this process: the command, the time (UTC) and the machine."""
    return {
        "command": command,
        "started_utc": utc_now(),
        "host": platform.node(),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }


def utc_now() -> str:
    """Time of day in UTC, ISO 8601, whole seconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _sources_digest() -> str:
    root = Path(carwright.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(_sources(root)):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _sources(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        parts = path.relative_to(root).parts
        if parts[0] not in _NO_INFLUENCE and path.suffix in (".py", ".ant", ".yaml") and path.is_file():
            yield path
