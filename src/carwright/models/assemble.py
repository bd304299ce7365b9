"""From a disease's file and the tables of its modules to the table of one model.

A module ``modules/<name>.ant`` may stand beside ``modules/<name>.yaml``, which holds

- ``states``: ``name: [meaning, unit, size of a typical value, used for the absolute error tolerance]``;
- ``read_outs``: ``name: [meaning, unit]``, variables that follow from the states;
- ``parameters``: one row per parameter with

  ``value``       typical value (population median);
  ``unit``        as in modules/units.ant; "dimensionless" for pure numbers;
  ``range``       values that a study may set, and outside which no patient is drawn;
  ``patients``    variability between patients: SD of ln(value) for lognormal, of logit(value) for logit-normal;
  ``population``  uncertainty of the median between plausible populations, on the same scale; one draw per simulated
                  trial. 0.7 (a factor of two) for influential choices without data, 0.4 where related data exist,
                  0.1-0.3 for published values carried over from another disease or product;
  ``kind``        published (read in the source, or in a re-implementation that the reference names), fitted (solved
                  from named data), assumed (a choice, or a value carried over with a change; the source says why);
  ``source``      a key of modules/references.yaml, then the place or the reasoning;

- ``extinctions``: state -> parameter below whose value the last cells of a clone die;
- ``recognition``, ``edited_recognition``: parameter -> population of antigens.yaml whose recognised share it holds,
  which a construct's gate sets, for cells with their antigens and for those of an edited graft;
- ``correlations``: pairs of the normal deviates behind two distributions.

A disease's file ``<model>.yaml`` names its modules and its ``covariates``, which describe the patient and do not enter
the equations; its own ``parameters`` replace fields of the modules' rows, and a new value needs a new source; its
``correlations`` come on top of theirs.
Replacements that several diseases have in common stand in ``shared/<group>.yaml``, which the disease names under
``shared``. Its ``uncertainty`` is a factor on the ``population`` of all rows: what is known of the disease as a whole.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from carwright.errors import CarwrightError, Problem
from carwright.yamlfile import nearest, read_yaml

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FOLDER = files("carwright.models")

_BY_NAME = ("states", "read_outs", "extinctions", "recognition", "edited_recognition", "parameters")


def table_data(entry: Traversable) -> dict[str, Any]:
    """Read a disease's file and join the tables of its modules to it, as plain data.

    Raises
    ------
    CarwrightError
        Naming every replaced parameter that no module has, and every new value without a source of its own.
    """
    disease = dict(read_yaml(entry, name=entry.name).data)
    joined: dict[str, Any] = {key: {} for key in _BY_NAME} | {"correlations": []}
    for module in disease["modules"]:
        own = _module_table(module)
        for key in _BY_NAME:
            joined[key] |= own.get(key, {})
        joined["correlations"] += own.get("correlations", [])
    for group in disease.pop("shared", []):
        shared = FOLDER / "shared" / f"{group}.yaml"
        common = read_yaml(shared, name=f"shared/{group}.yaml").data
        _replace(joined["parameters"], common["parameters"], shared.name)
        joined["correlations"] += common.get("correlations", [])
    _replace(joined["parameters"], disease.get("parameters", {}), entry.name)
    if "uncertainty" in disease:
        joined["parameters"] = _surer(joined["parameters"], disease["uncertainty"]["factor"])
    joined["recognition"] |= disease.get("recognition", {})
    joined["correlations"] += disease.get("correlations", [])
    return {**disease, **joined, "references": _references(disease, joined)}


def _module_table(module: str) -> dict[str, Any]:
    entry = FOLDER / "modules" / f"{module}.yaml"
    return dict(read_yaml(entry, name=f"modules/{entry.name}").data) if entry.is_file() else {}


def _replace(rows: dict[str, Any], replaced: dict[str, Any], name: str) -> None:
    """Replace fields of the modules' rows."""
    problems = []
    for parameter, row in replaced.items():
        where = f"{name}, parameters.{parameter}"
        if parameter not in rows:
            fix = nearest(parameter, list(rows)) or "give the row to the module whose equations use it"
            problems.append(
                Problem("MODEL004", "no module of this model has this parameter", where, parameter, fix=fix)
            )
        elif "value" in row and not {"kind", "source"} <= set(row):
            fix = "give kind and source beside the value"
            problems.append(Problem("MODEL005", "a replaced value needs a source of its own", where, str(row), fix=fix))
    if problems:
        raise CarwrightError(*problems)
    rows |= {parameter: rows[parameter] | row for parameter, row in replaced.items()}


def _surer(rows: dict[str, Any], factor: float) -> dict[str, Any]:
    """Multiply what is unknown between populations."""
    return {name: row | {"population": factor * row.get("population", 0.0)} for name, row in rows.items()}


def _references(disease: dict[str, Any], joined: dict[str, Any]) -> dict[str, str]:
    """References that the rows name, in the order of the file that lists them all."""
    known: dict[str, str] = _module_table("references")["references"]
    sources = [row["source"] for row in (*joined["parameters"].values(), *disease["covariates"].values())]
    sources += [pair[-1] for pair in joined["correlations"]]
    sources += [disease["uncertainty"]["source"]] if "uncertainty" in disease else []
    named = {key.strip() for source in sources for key in source.split(":")[0].split(",")}
    mentioned = {key for key in known if any(key in source for source in sources)}
    return {key: text for key, text in known.items() if key in named | mentioned}
