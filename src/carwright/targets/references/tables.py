"""Reference tables as they are published: tab- or comma-separated, zipped or not, or Parquet."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import polars as pl

from carwright.errors import CarwrightError, Problem


def read_table(path: Path) -> pl.DataFrame:
    """Read a table by what it holds, not by its name.

    Raises
    ------
    CarwrightError
        If it is none of the formats, or is cut off.
    """
    try:
        content = path.read_bytes()
        if content[:4] == b"PAR1":
            return pl.read_parquet(io.BytesIO(content))
        if content[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = archive.read(archive.namelist()[0])
        elif content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        first = content.split(b"\n", 1)[0]
        return pl.read_csv(io.BytesIO(content), separator="\t" if b"\t" in first else ",", infer_schema_length=None)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, pl.exceptions.PolarsError) as error:
        problem = Problem(
            "TARGETS041",
            "the reference table cannot be read",
            str(path),
            (str(error).splitlines() or [""])[0][:160],
            "a table of tab- or comma-separated values, zipped or not, or Parquet",
            "fetch it again with --again",
        )
        raise CarwrightError(problem) from None


def wide(table: pl.DataFrame) -> pl.DataFrame:
    """Expression tables of the Human Protein Atlas with a column ``symbol`` and one per tissue or cell type.

    The atlas publishes one row per gene and tissue (``Gene``, ``Gene name``, ``Tissue`` or ``Cell type``, ``nTPM``);
    tables that are wide already only get their columns renamed.
    """
    names = set(table.columns)
    if {"Gene", "Gene name", "nTPM"} <= names:
        label = "Tissue" if "Tissue" in names else "Cell type"
        spread = table.pivot(label, index=["Gene", "Gene name"], values="nTPM", aggregate_function="max")
        return spread.rename({"Gene": "ensembl", "Gene name": "symbol"})
    return table.rename({"Ensembl_Gene_ID": "ensembl", "Symbol": "symbol"}, strict=False)
