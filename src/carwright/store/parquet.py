"""Tables as Parquet bytes that depend on the rows alone: not on time, threads or former pieces."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from carwright.store.files import storage_errors, write_atomically

if TYPE_CHECKING:
    import polars as pl

ROW_GROUP = 1 << 17
"""Rows per row group, fixed because it shapes the bytes."""


def write_parquet(path: Path, frame: pl.DataFrame) -> str:
    """Write a table atomically; returns the SHA-256 of the file.

    The bytes are made in memory, so that a full disk shows as the operating system's own error.

    Raises
    ------
    CarwrightError
        As `write_atomically`.
    """
    buffer = BytesIO()
    frame.rechunk().write_parquet(buffer, compression="zstd", compression_level=3, row_group_size=ROW_GROUP)
    return write_atomically(path, buffer.getvalue())


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a whole table.

    Raises
    ------
    CarwrightError
        If the file is missing or cannot be read.
    """
    import polars as pl

    with storage_errors(path):
        return pl.read_parquet(path.read_bytes())
