"""A finished simulation, for Python."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from carwright.errors import CarwrightError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from carwright.store import Run


class Simulation:
    """Tables of a finished simulation, read from its run folder when they are asked for.

    Parameters
    ----------
    run
        The run.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def __repr__(self) -> str:
        summary = self.summary
        counts = f"{summary['patients']:,} patients, {summary['outcomes']['failed']:,} failed"
        return f"<Simulation of {summary['simulation']}: {counts}, {self.folder}>"

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._run.folder

    @property
    def summary(self) -> dict[str, Any]:
        """Contents of ``summary.json``."""
        return self._run.summary

    @property
    def patients(self) -> pl.DataFrame:
        """One row per patient: how the solve ended, steps, hash of the parameters, functionals."""
        return self._run.table("patients")

    @property
    def parameters(self) -> pl.DataFrame:
        """One row per patient: values of the population, where they were kept."""
        return self._table("parameters", "the parameters of the patients were not kept", "keep='all'")

    @property
    def courses(self) -> pl.DataFrame:
        """One row per patient and time, one column per observable."""
        return self._table("courses", "no courses were asked for", "at=...")

    @property
    def gradients(self) -> pl.DataFrame:
        """One row per patient, quantity and parameter: value and exact derivative.

        ``quantity`` is an observable at ``day``, or a functional, whose ``day`` is null.
        """
        return self._table("gradients", "no gradients were asked for", "gradients=[...]")

    def to_xarray(self) -> Any:
        """Courses as an ``xarray.Dataset`` with the dimensions patient and day.

        Raises
        ------
        CarwrightError
            If there are no courses, or xarray is not installed.
        """
        courses = self.courses
        try:
            xarray = importlib.import_module("xarray")
        except ImportError:
            problem = Problem("SIMULATE016", "xarray is not installed", "to_xarray", fix="pip install xarray")
            raise CarwrightError(problem) from None
        days = courses["day"].unique(maintain_order=True).to_numpy()
        patients = courses["patient"].unique(maintain_order=True).to_numpy()
        shape = (len(patients), len(days))
        data = {
            name: (("patient", "day"), courses[name].to_numpy().reshape(shape))
            for name in courses.columns
            if name not in ("patient", "day")
        }
        return xarray.Dataset(data, {"patient": patients, "day": days})

    def _table(self, name: str, what: str, fix: str) -> pl.DataFrame:
        if name not in self.summary["tables"]:
            raise CarwrightError(Problem("SIMULATE017", what, str(self.folder), fix=f"simulate again with {fix}"))
        return self._run.table(name)
