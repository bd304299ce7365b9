"""``carwright design``: dose-finding designs on their own, without virtual patients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carwright.cli.output import JSON, columns, show, show_json
from carwright.errors import CarwrightError, Problem, Problems

if TYPE_CHECKING:
    from carwright.trial.characteristics import OperatingCharacteristics
    from carwright.trial.design import Design
    from carwright.trial.designs.boin12 import Boin12

app = typer.Typer(
    name="design",
    help="Dose-finding designs: decision tables, the next dose, all paths, operating characteristics, protocol text.",
    no_args_is_help=True,
)

NameOption = Annotated[str | None, typer.Option("--design", help="Design; see 'carwright design list'.")]
DosesOption = Annotated[
    str | None,
    typer.Option(help="Number of doses, or their labels from the lowest to the highest, such as 1,2,3,4."),
]
OrderOption = Annotated[
    list[str] | None, typer.Option("--order", help="Chain such as '1 < 2', where the doses are no ladder. Repeatable.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Option of the design, KEY=VALUE with a YAML value. Repeatable.")
]
RuleOption = Annotated[
    list[str] | None,
    typer.Option("--rule", help="Rule around the design, such as 'stop_at n=30'. Repeatable, innermost first."),
]
RecordOption = Annotated[
    Path | None, typer.Option("--record", help="Design record, YAML or JSON; the other options change it.")
]
TruthOption = Annotated[
    str | None, typer.Option(help="True probabilities of dose-limiting toxicity by dose, such as 0.05,0.1,0.2,0.35.")
]
ResponseOption = Annotated[
    str | None, typer.Option(help="True probabilities of response by dose; no responses by default.")
]
OutcomesOption = Annotated[
    str,
    typer.Option(
        help="What was seen, such as '1NNN 2NTT': N neither, T toxicity, E response, B both; 2N(0.4) is a patient "
        "with 40 % of the window observed, ~1NE a backfilled cohort."
    ),
]


@app.command("list")
def list_(as_json: Annotated[bool, JSON] = False) -> None:
    """List the designs and the rules with their options."""
    from carwright.trial.registry import DESIGNS, RULES, design_class, rule_class

    found = {
        "designs": {name: _described(design_class(name)) for name in DESIGNS},
        "rules": {name: _described(rule_class(name)) for name in RULES},
    }
    if as_json:
        show_json(found)
        return
    for kind, entries in found.items():
        rows = [[name, entry["summary"], ", ".join(entry["options"])] for name, entry in entries.items()]
        show(columns(rows, [kind.removesuffix("s"), "what it is", "options"]))
        show()


@app.command("show")
def show_design(
    name: Annotated[str, typer.Argument(help="Design or rule.")], as_json: Annotated[bool, JSON] = False
) -> None:
    """Print the options of a design or rule: default, what is allowed, meaning and source."""
    from carwright.trial.registry import RULES, design_class, rule_class

    entry = _described(rule_class(name) if name in RULES else design_class(name))
    if as_json:
        show_json({"name": name, **entry})
        return
    show(f"{name}: {entry['summary']}")
    rows = [
        [key, str(one["default"]), one["allowed"], one["description"], one["source"]]
        for key, one in entry["options"].items()
    ]
    show(columns(rows, ["option", "default", "allowed", "meaning", "source"]))


@app.command("table")
def table(
    design: NameOption = None,
    doses: DosesOption = None,
    order: OrderOption = None,
    options: SetOption = None,
    rule: RuleOption = None,
    record: RecordOption = None,
    most: Annotated[int, typer.Option(min=1, max=200, help="Patients at a dose up to which decisions are given.")] = 12,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Print the decision table: what to do after y toxicities in n patients at the current dose."""
    from carwright.trial.designs.boin12 import Boin12
    from carwright.trial.protocol import decision_rows
    from carwright.trial.rules.rule import core_of
    from carwright.trial.table_design import TableDesign

    core = core_of(_design(design, doses or "3", order, options, rule, record))
    if isinstance(core, Boin12):
        _show_desirability(core, tuple(range(0, most + 1, core.cohort_size)), as_json=as_json)
        return
    if not isinstance(core, TableDesign):
        problem = Problem(
            "TRIAL062",
            f"the design {core.name} has no table of patients and toxicities at one dose",
            "design table",
            fix="ask for single decisions with 'carwright design next', or for all with 'carwright design paths'",
        )
        raise CarwrightError(problem)
    rows = decision_rows(core, most)
    if as_json:
        bounds = {name: getattr(core, name) for name in ("lambda_e", "lambda_d") if hasattr(core, name)}
        show_json({"design": core.name, "bounds": bounds, "rows": [_row(n, row) for n, row in rows.items()]})
        return
    show("E escalate, S stay, D de-escalate, DU de-escalate and eliminate; columns: toxicities at the current dose")
    cells = [[str(n), *row, *[""] * (most - n)] for n, row in rows.items()]
    show(columns(cells, ["patients", *map(str, range(most + 1))]))


@app.command("next")
def next_(
    outcomes: OutcomesOption = "",
    design: NameOption = None,
    doses: DosesOption = None,
    order: OrderOption = None,
    options: SetOption = None,
    rule: RuleOption = None,
    record: RecordOption = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Say what to do after what was seen: the next cohort, or the end and the recommended dose."""
    built = _design(design, doses, order, options, rule, record)
    state = built.fit(outcomes)
    decision, labels = state.decision, built.space.labels
    if as_json:
        show_json(
            {
                "design": built.name,
                "outcomes": outcomes,
                "next": decision.node,
                "cohort_size": decision.cohort_size,
                "continue": decision.goes_on,
                "waits": decision.waits,
                "recommended": decision.recommended,
                "admissible": list(decision.admissible),
                "reason": decision.reason,
                "patients": {label: state.patients[label] for label in labels},
                "dlts": {label: state.dlts[label] for label in labels},
                "estimates": built.estimates(state.history),
                "parameters": built.parameters(state.history),
            }
        )
        return
    if decision.node is not None:
        show(f"treat {decision.cohort_size} at {decision.node}: {decision.reason}")
    elif decision.waits:
        show(f"wait: {decision.reason}")
    else:
        show(f"end: {decision.reason}; recommended: {decision.recommended or 'no dose'}")
    estimates = built.estimates(state.history)
    rows = [
        [label, str(state.patients[label]), str(state.dlts[label]), "yes" if label in decision.admissible else "no"]
        + [_number(values.get(label)) for values in estimates.values()]
        for label in labels
    ]
    show(
        columns(rows, ["dose", "patients", "toxicities", "admissible", *(name.replace("_", " ") for name in estimates)])
    )


@app.command("paths")
def paths(
    truth: TruthOption = None,
    response: ResponseOption = None,
    design: NameOption = None,
    doses: DosesOption = None,
    order: OrderOption = None,
    options: SetOption = None,
    rule: RuleOption = None,
    record: RecordOption = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """List every path of a trial with its recommendation, and with a truth its exact probability."""
    from carwright.trial.paths import enumerate_paths, operating_characteristics

    chances, active = _numbers(truth, "truth"), _numbers(response, "response")
    built = _design(design, doses or _count(chances), order, options, rule, record)
    labels = built.space.labels
    given = _by_label(chances, labels, "truth") if chances else dict.fromkeys(labels, 0.5)
    seen = _by_label(active, labels, "response") if active else dict.fromkeys(labels, 0.0 if chances else 0.5)
    found = enumerate_paths(built, given, response_probability=seen)
    if as_json:
        listed = [
            {
                "path": path.outcomes,
                "cohorts": [cohort.node + cohort.letters for cohort in path.history],
                "recommended": path.recommended,
                "reason": path.reason,
                **({"probability": path.probability} if chances else {}),
            }
            for path in found
        ]
        summary = _characteristics(operating_characteristics(built, found)) if chances else {}
        show_json({"design": built.name, "n_paths": len(found), "paths": listed, **summary})
        return
    rows = [
        [path.outcomes, path.recommended or "none", f"{path.probability:.6f}" if chances else "", path.reason]
        for path in found
    ]
    show(columns(rows, ["path", "recommended", "probability", "why it ends"]))
    if chances:
        show()
        _show_characteristics(operating_characteristics(built, found))


@app.command("simulate")
def simulate(
    truth: TruthOption = None,
    response: ResponseOption = None,
    design: NameOption = None,
    doses: DosesOption = None,
    order: OrderOption = None,
    options: SetOption = None,
    rule: RuleOption = None,
    record: RecordOption = None,
    trials: Annotated[
        int | None, typer.Option(min=1, max=10_000_000, help="Simulated trials; exact by default where that is small.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 1,
    exact: Annotated[bool, typer.Option("--exact", help="Exact, or refuse.")] = False,
    accrual: Annotated[
        float | None,
        typer.Option(help="Patients per window of observation: simulate on a calendar, with pending windows."),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Operating characteristics under a truth: exact where the trial is small, simulated where it is not."""
    from carwright.trial.exact import SMALL
    from carwright.trial.exact import exact as exact_characteristics
    from carwright.trial.patients import BernoulliPatients
    from carwright.trial.simulate import simulate as simulate_trials
    from carwright.trial.timeline import Timeline, simulate_timeline

    chances, active = _numbers(truth, "truth"), _numbers(response, "response")
    if not chances:
        raise CarwrightError(_no_truth())
    built = _design(design, doses or _count(chances), order, options, rule, record)
    labels = built.space.labels
    given = _by_label(chances, labels, "truth")
    seen = _by_label(active, labels, "response") if active else {}
    found = None
    if accrual is not None:
        patients = BernoulliPatients(tuple(given.values()), tuple(seen.values()))
        timeline = Timeline(accrual)
        found = simulate_timeline(built, patients, trials or 10_000, seed, timeline).characteristics()
    elif exact:
        found = exact_characteristics(built, given, seen)
    elif trials is None:
        try:
            found = exact_characteristics(built, given, seen, most_states=SMALL)
        except CarwrightError as error:
            if {problem.code for problem in error.problems} != {"TRIAL043"}:
                raise
    if found is None:
        patients = BernoulliPatients(tuple(given.values()), tuple(seen.values()))
        found = simulate_trials(built, patients, trials or 10_000, seed).characteristics()
    if as_json:
        show_json({"design": built.name, "seed": None if found.trials is None else seed, **_characteristics(found)})
    else:
        _show_characteristics(found)


@app.command("protocol")
def protocol(
    design: NameOption = None,
    doses: DosesOption = None,
    order: OrderOption = None,
    options: SetOption = None,
    rule: RuleOption = None,
    record: RecordOption = None,
    out: Annotated[Path | None, typer.Option(help="File for the design record, which --record reads.")] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Print text for a protocol; with --json, or in a file, the record that replicates the design."""
    from carwright.store import write_atomically
    from carwright.trial.protocol import protocol_text
    from carwright.trial.record import record_of
    from carwright.yamlfile import write_yaml

    built = _design(design, doses or "4", order, options, rule, record)
    written = record_of(built)
    if out is not None:
        write_atomically(out, write_yaml(written).encode())
    if as_json:
        show_json({"record": written, "text": protocol_text(built)})
    else:
        show(protocol_text(built))


def _show_desirability(core: Boin12, sizes: tuple[int, ...], *, as_json: bool) -> None:
    """Print the table of rank-based desirability of a phase 1/2 design."""
    from carwright.trial.designs.boin12 import desirability_table

    rows = desirability_table(core, sizes)
    if as_json:
        keys = ("n", "toxicities", "responses", "rank")
        show_json({"design": core.name, "rows": [dict(zip(keys, row, strict=True)) for row in rows]})
        return
    show("rank: 1 is the least desirable; E: too toxic or too inactive to be given")
    cells = [[str(n), str(y), str(e), "E" if rank is None else f"{rank:g}"] for n, y, e, rank in rows]
    show(columns(cells, ["patients", "toxicities", "responses", "rank"]))


def _design(
    name: str | None,
    doses: str | None,
    order: list[str] | None,
    options: list[str] | None,
    rules: list[str] | None,
    record: Path | None,
) -> Design:
    """Build the design that the options of a command describe; all mistakes at once."""
    from carwright.trial.record import design_of
    from carwright.yamlfile import read_yaml

    problems = Problems()
    given: dict[str, Any] = dict(read_yaml(record).data) if record else {"design": "boin", "doses": 5}
    if name:
        given["design"] = name
    if doses and not (record and not name and "doses" in given and "," not in doses):
        labels = [label.strip() for label in doses.split(",")]
        given["doses"] = int(doses) if doses.isdigit() else labels
    if order:
        given["order"] = list(order)
    changed = {}
    for text in options or []:
        key, separator, value = text.partition("=")
        if not separator:
            problems.add("CLI003", "an option needs a name and a value", where=f"--set {text}", allowed="KEY=VALUE")
            continue
        try:
            changed[key.strip()] = _value(value, f"--set {text}")
        except CarwrightError as error:
            problems.extend(error)
    before = given.get("options") if isinstance(given.get("options"), Mapping) else {}
    given["options"] = {**(before or {}), **changed}
    if rules:
        given["rules"] = [_rule(text, problems) for text in rules]
    problems.raise_if_any()
    return design_of(given)


def _value(text: str, where: str) -> Any:
    from carwright.yamlfile import parse_scalar

    return parse_scalar(text.strip(), where)


def _rule(text: str, problems: Problems) -> dict[str, Any]:
    """Read ``stop_at n=30`` as one rule with its options."""
    name, *pairs = text.split()
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


def _numbers(text: str | None, what: str) -> tuple[float, ...]:
    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        problem = Problem("CLI004", f"the {what} is no list of numbers", f"--{what}", text, "such as 0.05,0.1,0.2")
        raise CarwrightError(problem) from None


def _count(values: tuple[float, ...]) -> str | None:
    return str(len(values)) if values else None


def _by_label(values: tuple[float, ...], labels: tuple[str, ...], what: str) -> dict[str, float]:
    problems = Problems()
    if len(values) != len(labels):
        problems.add(
            "TRIAL040",
            f"the {what} and the doses do not match",
            where=f"--{what}",
            found=f"{len(values)} numbers",
            allowed=f"{len(labels)}, one for each of {', '.join(labels)}",
            fix="give one probability for each dose",
        )
    for value in values:
        if not 0.0 <= value <= 1.0:
            problems.add(
                "TRIAL041", f"the {what} is not a probability", where=f"--{what}", found=f"{value:g}", allowed="0 to 1"
            )
    problems.raise_if_any()
    return dict(zip(labels, values, strict=True))


def _no_truth() -> Problem:
    return Problem(
        "CLI005",
        "operating characteristics need a truth",
        "design simulate",
        allowed="--truth with one probability of dose-limiting toxicity for each dose",
        fix="for example --truth 0.05,0.1,0.2,0.35",
    )


def _described(owner: type) -> dict[str, Any]:
    from dataclasses import MISSING

    from carwright.trial.option import default_of, options_of

    options = {}
    for name, (option, entry) in options_of(owner).items():
        default = default_of(entry)
        options[name] = {
            "default": "(must be given)" if default is MISSING else _plain(default),
            "allowed": option.allowed,
            "description": option.description,
            "source": option.source,
        }
    return {"summary": (owner.__doc__ or "").strip().split("\n")[0].rstrip("."), "options": options}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _row(n: int, row: list[str]) -> dict[str, Any]:
    return {
        "n": n,
        "decisions": row,
        "escalate_if_at_most": max((y for y, code in enumerate(row) if code == "E"), default=None),
        "deescalate_if_at_least": min((y for y, code in enumerate(row) if code in ("D", "DU")), default=None),
        "eliminate_if_at_least": min((y for y, code in enumerate(row) if code == "DU"), default=None),
    }


def _characteristics(found: OperatingCharacteristics) -> dict[str, Any]:
    errors = {name: {key or "none": value for key, value in entry.items()} for name, entry in found.errors.items()}
    return {
        "exact": found.trials is None,
        "trials": found.trials,
        "recommended": {key or "none": value for key, value in found.recommended.items()},
        "expected_patients": found.expected_patients,
        "expected_dlts": found.expected_dlts,
        "patients": found.patients,
        "dlts": found.dlts,
        "responses": found.responses,
        "sizes": {str(size): share for size, share in found.sizes.items()},
        "reasons": found.reasons,
        "duration_windows": found.duration,
        "standard_errors": errors,
    }


def _show_characteristics(found: OperatingCharacteristics) -> None:
    how = "exact" if found.trials is None else f"{found.trials:,} simulated trials (standard error in brackets)"
    show(f"{how}; {found.expected_patients:.3f} patients and {found.expected_dlts:.3f} toxicities on average")

    if found.duration is not None:
        show(f"{found.duration:.2f} windows of observation from the first patient to the end, on average")

    def cell(name: str, values: Mapping[Any, float], key: str | None) -> str:
        if key not in values:
            return ""
        error = found.errors.get(name, {}).get(key)
        return f"{values[key]:.4f}" + ("" if error is None else f" ({error:.4f})")

    rows = [
        [
            key or "none",
            cell("recommended", found.recommended, key),
            cell("patients", found.patients, key),
            cell("dlts", found.dlts, key),
        ]
        for key in found.recommended
    ]
    show(columns(rows, ["dose", "recommended", "patients", "toxicities"]))
    show(columns([[text, f"{share:.4f}"] for text, share in found.reasons.items()], ["why it ends", "probability"]))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
