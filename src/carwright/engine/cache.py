"""Compiled kernels and systems on disk: written once, under a lock, checked before use."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import llvmlite

from carwright.engine.machine_code import processor

VARIABLE: Final = "CARWRIGHT_CACHE"
"""Environment variable that names the cache folder."""
_MANIFEST: Final = "manifest.json"
_SOURCE: Final = "kernel.py"
_CONTENT: Final = "kept"
_loaded: dict[str, Any] = {}


def folder() -> Path:
    """Folder of the compiled kernels."""
    from platformdirs import user_cache_path

    chosen = os.environ.get(VARIABLE)
    return (Path(chosen) if chosen else user_cache_path("carwright", appauthor=False)) / "kernels"


def load(source: str) -> ModuleType:
    """Import a generated module, compiling it only where no sound copy is on disk.

    Copies are kept by hash of the source and of everything that decides the machine code. Concurrent processes wait
    for the one that compiles. A damaged copy is built again; where the folder cannot be written, a temporary one is
    used and a ``RuntimeWarning`` says so.
    """

    def make(place: Path) -> ModuleType:
        (place / _SOURCE).write_text(source, encoding="utf-8")
        return _import(place)

    import numba
    from numba.core.registry import cpu_target

    # Numba's own description of the machine code it makes: triple, processor and its features.
    target = cpu_target.target_context.codegen().magic_tuple()
    made: ModuleType = _kept(
        (source, numba.__version__, llvmlite.__version__, sys.version, *map(str, target)), make, _import
    )
    return made


def keep(decides: Iterable[str], make: Callable[[], bytes]) -> bytes:
    """What ``make`` makes, kept in the same way by hash of everything that decides it."""

    def write(place: Path) -> bytes:
        content = make()
        (place / _CONTENT).write_bytes(content)
        return content

    made: bytes = _kept(decides, write, lambda place: (place / _CONTENT).read_bytes())
    return made


def keep_code(source: str, assemble: Callable[[], bytes]) -> bytes:
    """Machine code that ``assemble`` makes of a source for this processor, kept in the same way."""
    return keep((source, llvmlite.__version__, *processor()), assemble)


def _kept(decides: Iterable[str], make: Callable[[Path], Any], read: Callable[[Path], Any]) -> Any:
    key = hashlib.sha256("\0".join(decides).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    if key not in _loaded:
        try:
            _loaded[key] = _from_folder(folder() / key, make, read)
        except OSError as error:
            warnings.warn(
                f"compiled kernels cannot be kept in {folder()} ({error.strerror or error}); using a temporary folder. "
                f"Set {VARIABLE} to a folder that can be written to avoid compiling again.",
                RuntimeWarning,
                stacklevel=4,
            )
            _loaded[key] = _from_folder(Path(tempfile.mkdtemp(prefix="carwright-")) / key, make, read)
    return _loaded[key]


def _from_folder(place: Path, make: Callable[[Path], Any], read: Callable[[Path], Any]) -> Any:
    if _sound(place):
        with suppress(Exception):  # whatever a damaged file makes Numba raise, the copy is built again below
            return read(place)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _lock(place.with_suffix(".lock")):
        if _sound(place):
            with suppress(Exception):
                return read(place)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700)
        try:
            made = make(place)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        manifest = place / (_MANIFEST + ".new")
        manifest.write_text(json.dumps(_checksums(place)), encoding="utf-8")
        manifest.replace(place / _MANIFEST)
    return made


def _import(place: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"carwright_kernel_{place.name}", place / _SOURCE)
    if spec is None or spec.loader is None:
        message = f"{place} cannot be imported"
        raise ImportError(message)
    module = importlib.util.module_from_spec(spec)
    # Numba's files name the module that they belong to, and are only found again while it is registered.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module


def _checksums(place: Path) -> dict[str, str]:
    """Hash of the source, the content and Numba's files; Python's own bytecode is left to Python."""
    names = [p for p in place.rglob("*") if p.suffix in {".nbi", ".nbc"} or p.name in {_SOURCE, _CONTENT}]
    return {str(p.relative_to(place)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(names)}


def _sound(place: Path) -> bool:
    try:
        expected = json.loads((place / _MANIFEST).read_text(encoding="utf-8"))
        return bool(expected == _checksums(place))
    except (OSError, ValueError):
        return False


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
