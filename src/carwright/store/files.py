"""Files that are either whole or absent: written beside their place, flushed to disk, then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from carwright.errors import CarwrightError, Problem

PARTIAL_SUFFIX = ".partial"
"""Ending of the hidden files that are being written; a killed process may leave some behind."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_IN_THE_WAY = (errno.ENOTDIR, errno.EEXIST, errno.EISDIR)
_ERRNO_IN_TEXT = re.compile(r"os error (\d+)")


def write_atomically(path: Path, content: bytes) -> str:
    """Write a file so that its name never stands for half of it; returns the SHA-256 of the content.

    Raises
    ------
    CarwrightError
        If the disk is full, the folder is read-only or something is in the way. Nothing is left behind then.
    """
    with storage_errors(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        partial = path.with_name(f".{path.name}{PARTIAL_SUFFIX}")
        try:
            with partial.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        except BaseException:  # an interrupt too must not leave half a file
            partial.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    return hashlib.sha256(content).hexdigest()


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system can open folders."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def checksum(path: Path) -> str | None:
    """SHA-256 of a file; None if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


@contextmanager
def full_disk_errors(path: Path) -> Iterator[None]:
    """As `storage_errors`, but for a full disk alone: any other error in long work is a bug, and stays one.

    Parameters
    ----------
    path
        Folder of the work.
    """
    try:
        yield
    except Exception as error:
        number = _error_number(error)
        if number not in _FULL:
            raise
        raise CarwrightError(_problem(number, path)) from error


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says about a full disk or a read-only folder into a user's message.

    Parameters
    ----------
    path
        What was being written.
    """
    try:
        yield
    except Exception as error:
        number = _error_number(error)
        if number is None:
            raise
        raise CarwrightError(_problem(number, path)) from error


def _error_number(error: Exception) -> int | None:
    if isinstance(error, OSError):
        return error.errno or errno.EIO
    if type(error).__module__.startswith("polars") and (match := _ERRNO_IN_TEXT.search(str(error))):
        return int(match[1])  # polars wraps the system's error and keeps only its text
    return None


def _problem(number: int, path: Path) -> Problem:
    where, found = str(path), os.strerror(number)
    if number in _FULL:
        fix = "free some space, or choose another folder; the same command then resumes the run"
        return Problem("STORE001", "there is no space left for this file", where, found, fix=fix)
    if number in _FORBIDDEN:
        fix = "choose a folder that you may write to"
        return Problem("STORE002", "this place cannot be written to", where, found, fix=fix)
    if number in _IN_THE_WAY:
        fix = "move it away, or choose another folder"
        return Problem("STORE003", "something else is in the way", where, found, "a folder", fix)
    return Problem("STORE004", "this file cannot be written or read", where, found, fix="check the disk")
