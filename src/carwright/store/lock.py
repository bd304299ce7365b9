"""One writer per run folder. The operating system drops the lock of a dead process, so none is ever stale."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path

from carwright.errors import CarwrightError, Problem
from carwright.store.files import storage_errors

LOCK_NAME = "run.lock"


class Lock:
    """An exclusive lock on a run folder, held from construction to `release`.

    Raises
    ------
    CarwrightError
        If another process holds it, or the file system knows no locks.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        with storage_errors(self._path):
            self._descriptor = self._acquire()
            try:
                holder = {"process": os.getpid(), "host": platform.node()}
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, json.dumps(holder).encode(), 0)
            except BaseException:
                self.release()
                raise

    def release(self) -> None:
        """Remove the lock file while it is still locked, then let go."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _acquire(self) -> int:
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                _lock(descriptor)
            except BlockingIOError:
                holder = os.pread(descriptor, 1000, 0).decode(errors="replace")
                os.close(descriptor)
                problem = Problem(
                    "RUN004",
                    "another process is writing this run",
                    str(self._path.parent),
                    holder,
                    fix="wait for it, or give --out another folder",
                )
                raise CarwrightError(problem) from None
            except BaseException:
                os.close(descriptor)
                raise
            # The previous holder may have removed the file between our opening and our locking it.
            if self._path.exists() and os.path.samestat(os.fstat(descriptor), self._path.stat()):
                return descriptor
            os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError from error

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
