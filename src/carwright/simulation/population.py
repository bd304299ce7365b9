"""Populations: drawn from distributions, drawn from a built-in model's table, or given row by row."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from carwright.models import load_model
from carwright.population import Distribution, draw, rows_with

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]

PATIENT = "patient"
"""Column that numbers the patients."""


@dataclass(frozen=True)
class Drawn:
    """Patients drawn from one distribution per name; with no name all patients are as the model says."""

    distributions: dict[str, Distribution]
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """Names that it gives a value."""
        return tuple(self.distributions)

    @property
    def varying(self) -> tuple[str, ...]:
        """Names in which patients differ."""
        return tuple(name for name, row in self.distributions.items() if row.varies)

    def columns(self, items: range) -> dict[str, Floats]:
        """Values of the patients ``items`` by name."""
        return {name: row.draw(self.seed, name, items.start, len(items)) for name, row in self.distributions.items()}

    def numbers(self, items: range) -> npt.NDArray[np.uint32]:
        """Numbers of the patients ``items``."""
        return np.arange(items.start, items.stop, dtype=np.uint32)

    def described(self) -> dict[str, Any]:
        """What it is, for the record."""
        rows = {name: asdict(row) for name, row in self.distributions.items()}
        return {"kind": "distributions", "rows": {n: {k: _plain(v) for k, v in r.items()} for n, r in rows.items()}}


@dataclass(frozen=True)
class Tabled:
    """Patients of a built-in model, drawn from its parameter table, each from a population of his own.

    So patients differ by what differs between patients and by what is not known about the population, together.
    """

    model: str
    medians: dict[str, float]
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """Names that it gives a value: all parameters and covariates."""
        return tuple(rows_with(load_model(self.model).table, self.medians))

    @property
    def varying(self) -> tuple[str, ...]:
        """Names in which patients differ."""
        return tuple(n for n, row in rows_with(load_model(self.model).table, self.medians).items() if row.varies)

    def columns(self, items: range) -> dict[str, Floats]:
        """Values of the patients ``items`` by name."""
        table = load_model(self.model).table
        drawn = draw(
            table, len(items), seed=self.seed, patients_per_population=1, first=items.start, medians=self.medians
        )
        return dict(drawn.values)

    def numbers(self, items: range) -> npt.NDArray[np.uint32]:
        """Numbers of the patients ``items``."""
        return np.arange(items.start, items.stop, dtype=np.uint32)

    def described(self) -> dict[str, Any]:
        """What it is, for the record."""
        return {"kind": "the model's own table", "model": self.model, "medians": self.medians}


class Rows:
    """Patients given as the rows of a table, in memory or in a Parquet file that is read piece by piece.

    Parameters
    ----------
    source
        The rows; a path means a Parquet file.
    sha256
        Checksum of the file or of the rows, for the record.
    names
        Names of the columns.
    height
        Number of rows.
    sound
        Whether every cell holds a finite number; otherwise the values are not to be used.
    """

    def __init__(
        self, source: pl.DataFrame | Path, sha256: str, names: tuple[str, ...], height: int, *, sound: bool = True
    ) -> None:
        self._source = source
        self.sha256 = sha256
        self.height = height
        self.sound = sound
        self.numbered = PATIENT in names
        self.names = tuple(name for name in names if name != PATIENT)

    @property
    def varying(self) -> tuple[str, ...]:
        """Names in which patients may differ."""
        return self.names

    def frame(self, items: range) -> pl.DataFrame:
        """The rows ``items``."""
        import polars as pl

        if isinstance(self._source, Path):
            return pl.scan_parquet(self._source).slice(items.start, len(items)).collect()
        return self._source.slice(items.start, len(items))

    def columns(self, items: range) -> dict[str, Floats]:
        """Values of the patients ``items`` by name."""
        frame = self.frame(items)
        return {name: frame[name].cast(float).to_numpy() for name in self.names}

    def numbers(self, items: range) -> npt.NDArray[np.uint32]:
        """Numbers of the patients ``items``: column ``patient`` if the table has one, else the row from 0."""
        if self.numbered:
            return self.frame(items)[PATIENT].to_numpy().astype(np.uint32)
        return np.arange(items.start, items.stop, dtype=np.uint32)

    def described(self) -> dict[str, Any]:
        """What it is, for the record."""
        return {"kind": "rows", "sha256": self.sha256, "columns": list(self.names), "rows": self.height}


Population = Drawn | Tabled | Rows


def _plain(value: float | str) -> float | str:
    """Numbers as YAML has them; an infinite bound is text."""
    return value if isinstance(value, str) or np.isfinite(value) else str(value)
