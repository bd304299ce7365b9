"""Machine code and systems on disk: written once, under a lock, checked before use."""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache as remember
from pathlib import Path
from typing import Final

import llvmlite

from carwright.engine.machine_code import processor
from carwright.engine.module_text import text_of

VARIABLE: Final = "CARWRIGHT_CACHE"
"""Environment variable that names the cache folder."""
_CHECKSUM: Final = 32
"""Bytes of the checksum in front of what is kept."""
_loaded: dict[str, bytes] = {}


def folder() -> Path:
    """Folder of what is kept."""
    from platformdirs import user_cache_path

    chosen = os.environ.get(VARIABLE)
    return (Path(chosen) if chosen else user_cache_path("carwright", appauthor=False)) / "kernels"


def keep(decides: Iterable[str], make: Callable[[], bytes]) -> bytes:
    """What ``make`` makes, from disk where a sound copy is there.

    Copies are kept by hash of everything that decides what is made. Concurrent processes wait for the one that makes
    it. A damaged copy is made again; where the folder cannot be written, nothing is kept and a ``RuntimeWarning`` says
    so.
    """
    key = hashlib.sha256("\0".join(decides).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    if key not in _loaded:
        place = folder() / f"{key}.kept"
        content = _sound(place)
        _loaded[key] = _made(place, make) if content is None else content
    return _loaded[key]


@remember
def _warn(place: Path, reason: str) -> None:
    """Say once that nothing is kept."""
    fix = f"Set {VARIABLE} to a folder that can be written to avoid compiling again."
    warnings.warn(f"compiled kernels cannot be kept in {place} ({reason}). {fix}", RuntimeWarning, stacklevel=3)


def keep_code(texts: Iterable[str], compilers: Iterable[str], assemble: Callable[[], bytes]) -> bytes:
    """Machine code for this processor, kept in the same way.

    Parameters
    ----------
    texts
        What is compiled, and how.
    compilers
        Files of this room that decide what machine code is made of it.
    assemble
        Makes the machine code.
    """
    return keep((*texts, *map(text_of, compilers), llvmlite.__version__, *processor()), assemble)


def _made(place: Path, make: Callable[[], bytes]) -> bytes:
    """What ``make`` makes, put into its place where that can be written; an error of ``make`` is its own."""
    with _turn(place) as writable:
        if writable and (content := _sound(place)) is not None:
            return content
        content = make()
        if writable:
            try:
                partial = place.with_suffix(".partial")
                partial.write_bytes(hashlib.sha256(content).digest() + content)
                partial.replace(place)
            except OSError as error:
                _warn(place.parent, error.strerror or str(error))
    return content


def _sound(place: Path) -> bytes | None:
    """What is kept there; None where nothing is, or not what was written."""
    try:
        stored = place.read_bytes()
    except OSError:
        return None
    checksum, content = stored[:_CHECKSUM], stored[_CHECKSUM:]
    return content if hashlib.sha256(content).digest() == checksum else None


@contextmanager
def _turn(place: Path) -> Iterator[bool]:
    """Wait until no other process makes the same; False, after a notice, where its folder cannot be written."""
    with ExitStack() as held:
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            held.enter_context(_lock(place.with_suffix(".lock")))
        except OSError as error:
            _warn(place.parent, error.strerror or str(error))
            writable = False
        else:
            writable = True
        yield writable


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Exclusive lock between processes, released by the system when a process dies."""
    with path.open("a+b") as handle:
        if sys.platform == "win32":
            import msvcrt

            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_LOCK, 1)
            try:
                yield
            finally:
                handle.seek(0)
                msvcrt.locking(handle.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
