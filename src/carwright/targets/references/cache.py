"""Reference tables on this machine: fetched once, resumed where a download broke off, checked before they are used.

A file takes its name only when it is whole; its SHA-256, length and address stand beside it. What was cut off is kept
under another name and asked for again from where it ended. A file is read for its checksum once, and again where it has
been written to since.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path

from platformdirs import user_cache_path

from carwright.errors import CarwrightError, Problem
from carwright.yamlfile import read_yaml

Advance = Callable[[int], None]

MIRROR = "CARWRIGHT_REFERENCES"
"""Environment variable: an address under which all references are looked for by name, in place of their sources."""
TIMEOUT = 60.0
CHUNK = 1 << 16


@dataclass(frozen=True)
class Reference:
    """A public table."""

    name: str
    title: str
    url: str
    licence: str
    cite: str


@cache
def references() -> Mapping[str, Reference]:
    """All references by name."""
    data = read_yaml(resources.files("carwright.targets.references") / "sources.yaml", "sources.yaml").data
    return {entry["name"]: Reference(**entry) for entry in data["references"]}


def folder() -> Path:
    """Where references are kept: under ``CARWRIGHT_CACHE``, or the user's cache."""
    given = os.environ.get("CARWRIGHT_CACHE")
    return (Path(given) if given else user_cache_path("carwright")) / "references"


def cached(name: str) -> Path | None:
    """A reference that has been fetched, after its checksum was verified; None where there is none.

    Raises
    ------
    CarwrightError
        If the file is not what was fetched.
    """
    path = folder() / name
    record = _record(path)
    if record is None or not path.is_file():
        return None
    state = path.stat()
    found = _checksum_of(path, state.st_ino, state.st_size, state.st_mtime_ns)
    if found != record["sha256"]:
        raise CarwrightError(
            Problem(
                "TARGETS042",
                "a cached reference has changed",
                str(path),
                found[:16],
                str(record["sha256"])[:16],
                f"run: carwright targets fetch {name} --again",
            )
        )
    return path


def fetch(
    name: str, *, url: str | None = None, sha256: str | None = None, again: bool = False, advance: Advance | None = None
) -> Path:
    """Fetch a reference, or take it from the cache.

    Parameters
    ----------
    name
        See `references`.
    url
        Address in place of the source's; the environment variable ``CARWRIGHT_REFERENCES`` names a folder of them.
    sha256
        Checksum that the file must have; without one, the first download sets it.
    again
        Fetch it even though it is there.
    advance
        Called with the number of bytes as they arrive.

    Raises
    ------
    CarwrightError
        If the name is unknown, the source cannot be reached, or what came is incomplete or has another checksum. What
        was in the cache before stays; of an incomplete file only a part under another name stays, from which the next
        call goes on.
    """
    known = references()
    if name not in known:
        raise CarwrightError(Problem("TARGETS043", "there is no such reference", name, allowed=", ".join(known)))
    path = folder() / name
    if not again and cached(name) is not None:
        return path
    mirror = os.environ.get(MIRROR)
    address = url or (f"{mirror.rstrip('/')}/{name}" if mirror else known[name].url)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{name}.part")
    tag = path.with_name(f".{name}.part.json")
    try:
        _download(address, part, tag, advance)
    except (OSError, urllib.error.URLError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", None) or error or type(error).__name__)
        raise CarwrightError(
            Problem(
                "TARGETS044",
                "a reference could not be fetched",
                address,
                reason[:160],
                fix="check the connection and try again; what has arrived is kept and the download goes on from there",
            )
        ) from None
    tag.unlink(missing_ok=True)
    keep(part, path, address, sha256)
    return path


def keep(part: Path, path: Path, address: str, sha256: str | None = None) -> None:
    """Give a whole file its name, with its checksum and where it came from beside it.

    Raises
    ------
    CarwrightError
        If its checksum is not `sha256`, where one is given; the file is deleted.
    """
    found = _checksum(part)
    if sha256 is not None and found != sha256:
        part.unlink()
        what = "a reference has another checksum than it should"
        raise CarwrightError(Problem("TARGETS045", what, address, found, sha256, "nothing was kept"))
    record = {"url": address, "sha256": found, "bytes": part.stat().st_size}
    path.with_name(f"{path.name}.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    part.replace(path)


def _download(address: str, part: Path, tag: Path, advance: Advance | None) -> None:
    """Fetch what is missing of a file into `part`, until it is whole."""
    there = part.stat().st_size if part.exists() else 0
    before = json.loads(tag.read_text(encoding="utf-8")) if tag.exists() else {}
    if before.get("url") != address or not before.get("validator"):
        there = 0  # without a sign that the source is the same file, a part is worth nothing
    request = urllib.request.Request(address)  # noqa: S310 - the address is a source's or the user's own
    if there:
        request.add_header("Range", f"bytes={there}-")
        request.add_header("If-Range", before["validator"])
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
        goes_on = answer.status == http.client.PARTIAL_CONTENT
        length = answer.headers.get("Content-Length")
        total = (int(length) + (there if goes_on else 0)) if length is not None else None
        validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        tag.write_text(json.dumps({"url": address, "validator": validator}), encoding="utf-8")
        size = there if goes_on else 0
        with part.open("ab" if goes_on else "wb") as stream:
            while block := answer.read(CHUNK):
                stream.write(block)
                size += len(block)
                if advance is not None:
                    advance(len(block))
    if total is not None and size != total:
        message = f"the download ended after {size:,} of {total:,} bytes"
        raise OSError(message)


def _record(path: Path) -> Mapping[str, object] | None:
    beside = path.with_name(f"{path.name}.json")
    try:
        record = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "sha256" in record else None


@lru_cache(maxsize=64)
def _checksum_of(path: Path, *state: int) -> str:
    """Checksum of a file in some state: inode, size and time of writing."""
    del state
    return _checksum(path)


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
