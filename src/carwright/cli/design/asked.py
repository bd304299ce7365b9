"""Options of ``carwright design``, and how they and a design file become a `Case`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carwright.errors import CarwrightError, Problem, Problems

if TYPE_CHECKING:
    from carwright.trial.case import Case

DESIGN = Annotated[str | None, typer.Option("--design", help="Design; see 'carwright design list'.")]
DOSES = Annotated[
    str | None,
    typer.Option(help="Number of doses, or their labels from the lowest to the highest, such as 1,2,3,4."),
]
GRID = Annotated[str | None, typer.Option(help="Numbers of doses of two agents, such as 3x5; labels are 1.1 to 3.5.")]
ORDER = Annotated[
    list[str] | None,
    typer.Option(
        "--order", help="Chain such as '1 < 2', where the doses are no ladder; none for no order. Repeatable."
    ),
]
SET = Annotated[
    list[str] | None, typer.Option("--set", help="Option of the design, KEY=VALUE with a YAML value. Repeatable.")
]
RULE = Annotated[
    list[str] | None,
    typer.Option("--rule", help="Rule around the design, such as 'stop_at n=30'. Repeatable, innermost first."),
]
FILE = Annotated[
    Path | None, typer.Option("--file", "--record", help="Design file, YAML or JSON; the other options change it.")
]
TRUTH = Annotated[
    str | None,
    typer.Option(
        help="True probabilities of dose-limiting toxicity by dose, such as 0.05,0.1,0.2,0.35; semicolons part "
        "the rows of a grid."
    ),
]
RESPONSE = Annotated[str | None, typer.Option(help="True probabilities of response by dose; none by default.")]
DELIVERY = Annotated[
    str | None, typer.Option(help="True probabilities that a product reaches the dose, by dose; 1 by default.")
]
LATER = Annotated[
    str | None,
    typer.Option(help="True probabilities of toxicity after --change-after patients, as with a prophylaxis."),
]
HOLD = Annotated[
    str | None,
    typer.Option(help="Fractionated infusion: probability that the rest is held after the first part, by dose."),
]
HELD_TRUTH = Annotated[
    str | None, typer.Option(help="With --hold: probability of toxicity of the part alone, by dose.")
]
HELD = Annotated[
    str | None, typer.Option(help="Patients who were held are replaced (default), or evaluable at the dose assigned.")
]
CHANGE_AFTER = Annotated[int | None, typer.Option(help="Patients of a trial after whom --later is true.")]
HTML = Annotated[Path | None, typer.Option("--html", help="Also write the figures as one HTML page to this file.")]
OUTCOMES = Annotated[
    str | None,
    typer.Option(
        help="What was seen, such as '1NNN 2NTT': N neither, T toxicity, E response, B both; 2N(0.4) is a patient "
        "with 40 % of the window observed, ~1NE a backfilled cohort, 2NN/1 a cohort with one product short of its dose."
    ),
]
WINDOW = Annotated[
    float | None, typer.Option(help="Window of observation in days; numbers in brackets of outcomes are then days.")
]
WEIGHTS = Annotated[
    str | None, typer.Option(help="How days become weights: linear or adaptive (Cheung and Chappell 2000).")
]
PATIENTS = Annotated[str | None, typer.Option(help="Instead of outcomes: patients by dose, such as 3,6,3,0.")]
DLTS = Annotated[str | None, typer.Option(help="With --patients: those with dose-limiting toxicity, by dose.")]
RESPONSES = Annotated[str | None, typer.Option(help="With --patients: those with a response, by dose.")]
BOTH = Annotated[
    str | None, typer.Option(help="With --patients: those with both, by dose; as few as can be by default.")
]
LAST = Annotated[
    str | None, typer.Option(help="With --patients: dose of the last cohort; the highest given by default.")
]
LIMITS = Annotated[
    str | None,
    typer.Option(help="Probabilities of toxicity, such as 0.2,0.35,0.6: how probable is each interval?"),
]


def case(given: Mapping[str, Any], *, doses: str | None = None, stops: bool = True) -> Case:
    """Read a command's options, by name, over its design file.

    Parameters
    ----------
    given
        Values of the options; None where an option was not given.
    doses
        Number of doses where nothing says it.
    stops
        As in `carwright.trial.case.case_of`.

    Raises
    ------
    CarwrightError
        Naming every mistake at once.
    """
    from carwright.trial.case import case_of
    from carwright.yamlfile import read_yaml

    problems = Problems()
    asked: dict[str, Any] = dict(read_yaml(given["file"]).data) if given.get("file") else {}
    asked.setdefault("design", "boin")
    for name in (
        "design",
        "outcomes",
        "window",
        "weights",
        "last",
        "trials",
        "seed",
        "accrual",
        "change_after",
        "held",
    ):
        if given.get(name) is not None:
            asked[name] = given[name]
    for name in (
        "truth",
        "response",
        "delivery",
        "later",
        "hold",
        "held_truth",
        "patients",
        "dlts",
        "responses",
        "both",
        "limits",
    ):
        if given.get(name) is not None:
            asked[name] = _numbers(given[name], name, problems)
    changed = {}
    for text in given.get("options") or []:
        key, separator, value = text.partition("=")
        if not separator:
            problems.add("CLI003", "an option needs a name and a value", where=f"--set {text}", allowed="KEY=VALUE")
            continue
        try:
            changed[key.strip()] = _value(value, f"--set {text}")
        except CarwrightError as error:
            problems.extend(error)
    before = asked.get("options")
    if changed and isinstance(before, Mapping | None):
        asked["options"] = {**(before or {}), **changed}
    if given.get("rule"):
        asked["rules"] = [_rule(text, problems) for text in given["rule"]]
    _space(given, asked, doses, problems)
    problems.raise_if_any()
    return case_of(asked, stops=stops)


def _space(given: Mapping[str, Any], asked: dict[str, Any], doses: str | None, problems: Problems) -> None:
    """Doses, grid and order from the options, the file, or as many as there are truths or counts."""
    if given.get("grid") is not None:
        rows, _, columns = given["grid"].lower().partition("x")
        if rows.strip().isdigit() and columns.strip().isdigit():
            asked["grid"] = [int(rows), int(columns)]
            asked.pop("doses", None)
            asked.pop("order", None)
        else:
            problems.add("CLI006", "this is no grid", where="--grid", found=given["grid"], allowed="such as 3x5")
    if given.get("doses") is not None:
        text = given["doses"]
        asked["doses"] = int(text) if text.isdigit() else [label.strip() for label in text.split(",")]
        asked.pop("grid", None)
    if given.get("order"):
        asked["order"] = [] if given["order"] == ["none"] else list(given["order"])
    if asked.get("doses") is None and asked.get("grid") is None:
        for key in ("truth", "patients", "response"):
            values = asked.get(key)
            if isinstance(values, list) and values:
                matrix = isinstance(values[0], list)
                asked["grid" if matrix else "doses"] = [len(values), len(values[0])] if matrix else len(values)
                return
            if isinstance(values, Mapping):
                asked["doses"] = list(values)
                return
        options = asked.get("options")
        keys = ("doses", "skeleton", "toxicity_skeleton")
        listed = [options.get(key) for key in keys] if isinstance(options, Mapping) else []
        lengths = [len(values) for values in listed if isinstance(values, list) and values]
        asked["doses"] = lengths[0] if lengths else int(doses or "5")


def _value(text: str, where: str) -> Any:
    from carwright.yamlfile import parse_scalar

    return parse_scalar(text.strip(), where)


def _rule(text: str, problems: Problems) -> dict[str, Any]:
    """Read ``stop_at n=30`` as one rule with its options; a value may hold spaces inside brackets."""
    name, *pairs = _words(text) or [""]
    options: dict[str, Any] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator:
            problems.add("CLI003", "an option needs a name and a value", where=f"--rule {text}", found=pair)
            continue
        try:
            options[key] = _value(value, f"--rule {text}")
        except CarwrightError as error:
            problems.extend(error)
    return {name: options}


def _words(text: str) -> list[str]:
    """Split at white space outside brackets."""
    words, depth = [""], 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        if character.isspace() and depth <= 0:
            words.append("")
        else:
            words[-1] += character
    return [word for word in words if word]


def _numbers(text: str, name: str, problems: Problems) -> list[Any]:
    """Read ``1,2`` as a list and ``1,2;3,4`` as rows; whole numbers stay whole."""
    try:
        rows = [
            [int(part) if part.strip().isdigit() else float(part) for part in row.split(",")] for row in text.split(";")
        ]
    except ValueError:
        problems.add(
            "CLI004",
            f"the {name} are no list of numbers",
            where=f"--{name}",
            found=text[:80],
            allowed="such as 0.1,0.2",
        )
        return []
    return rows if len(rows) > 1 else rows[0]


def no_truth(command: str) -> Problem:
    """Describe a command that lacks a truth."""
    return Problem(
        "CLI005",
        "operating characteristics need a truth",
        f"design {command}",
        allowed="--truth with one probability of dose-limiting toxicity for each dose",
        fix="for example --truth 0.05,0.1,0.2,0.35",
    )
