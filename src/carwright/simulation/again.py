"""One patient of a finished simulation, as he was given to the solver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from carwright.engine import Dosing
from carwright.engine.kernel import default_tolerances
from carwright.engine.tableau import RODAS5P
from carwright.engine.trace import Solve
from carwright.errors import CarwrightError, Problem
from carwright.models import list_models
from carwright.population import Distribution
from carwright.simulation.job import fingerprints
from carwright.simulation.population import Drawn, Tabled
from carwright.simulation.source import Source, read_source
from carwright.yamlfile import read_yaml

if TYPE_CHECKING:
    from carwright.store import Run


def solve_again(run: Run, patient: int) -> Solve:
    """What the solver was given for a patient of a simulate run.

    Raises
    ------
    CarwrightError
        If the run folder does not hold it: the patient's values were not kept, or the model reads other files.
    """
    import polars as pl

    asked = dict(read_yaml(run.folder / "resolved.yaml").data)
    source = _source(run, asked)
    system = source.system
    given = {**dict(zip(system.parameters, map(float, system.defaults), strict=True)), **asked["set"]}
    given |= _values(run, asked, patient)
    doses = [(float(day), dose["target"], dose["amount"]) for dose in asked["doses"] for day in dose["days"]]
    amounts = np.array([[given[amount] if isinstance(amount, str) else amount for _, _, amount in doses]])
    parameters = np.array([given[name] for name in system.parameters])
    row = pl.scan_parquet(run.parts("patients")).filter(pl.col("patient") == patient).collect()
    if int(row["parameters_hash"][0]) != int(fingerprints(np.append(parameters, amounts[0])[None])[0]):
        _refuse(run, "the patient's values cannot be found again")
    relative = float(asked["relative_tolerance"])
    absolute = source.absolute_tolerances(relative)
    return Solve(
        system, parameters, Dosing(np.array([day for day, _, _ in doses]), tuple(t for _, t, _ in doses), amounts),
        float(asked["start"]), float(asked["end"]), relative,
        default_tolerances(system, relative) if absolute is None else np.array(absolute), source.triggers,
        int(asked["max_steps"]), asked.get("method", RODAS5P.name),
    )  # fmt: skip


def _source(run: Run, asked: dict[str, Any]) -> Source:
    names = [asked["simulate"]] if asked["simulate"] in list_models() else []
    names += [str(path) for path in sorted(run.folder.glob("model.*"))]
    for name in names:
        try:
            source = read_source(name)
        except CarwrightError:
            continue
        if source.system.digest == asked["system"]:
            return source
    return _refuse(run, "the model of the run cannot be read again", "it imports other files, or the version differs")


def _values(run: Run, asked: dict[str, Any], patient: int) -> dict[str, float]:
    """Values of the population by name."""
    import polars as pl

    population, seed = asked["population"], int(asked["seed"])
    if population["kind"] == "rows":
        if missing := set(population["columns"]) - set(asked["keep"]):
            fix = "simulate again with --keep all"
            _refuse(run, "the patient's values were not kept", ", ".join(sorted(missing)), fix)
        kept = pl.scan_parquet(run.parts("parameters")).filter(pl.col("patient") == patient).collect()
        return {name: float(kept[name][0]) for name in population["columns"]}
    items = range(patient, patient + 1)
    if population["kind"] == "distributions":
        rows = {
            name: Distribution(**{key: _number(value) for key, value in row.items()})
            for name, row in population["rows"].items()
        }
        drawn: Drawn | Tabled = Drawn(rows, seed)
    else:
        drawn = Tabled(population["model"], population["medians"], seed)
    return {name: float(values[0]) for name, values in drawn.columns(items).items()}


def _number(value: Any) -> Any:
    return float(value) if value in ("inf", "-inf") else value


def _refuse(run: Run, what: str, found: str = "", fix: str = "") -> NoReturn:
    raise CarwrightError(Problem("EXPLAIN003", what, str(run.folder), found, fix=fix))
