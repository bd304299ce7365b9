"""``carwright design``: dose-finding designs on their own, without virtual patients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carwright.cli.commands import design_planning
from carwright.cli.design import asked
from carwright.cli.output import JSON, columns, show, show_json
from carwright.errors import CarwrightError, Problem

if TYPE_CHECKING:
    from carwright.trial.case import Case
    from carwright.trial.characteristics import OperatingCharacteristics

app = typer.Typer(
    name="design",
    help="Dose-finding designs: decision tables, the next dose, all paths, operating characteristics, protocol text.",
    no_args_is_help=True,
)
design_planning.register(app)


@app.command("list")
def list_(as_json: Annotated[bool, JSON] = False) -> None:
    """List the designs and the rules with their options."""
    from carwright.cli.design.shown import described
    from carwright.trial.registry import DESIGNS, RULES, design_class, rule_class

    found = {
        "designs": {name: described(design_class(name)) for name in DESIGNS},
        "rules": {name: described(rule_class(name)) for name in RULES},
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
    from carwright.cli.design.shown import described
    from carwright.trial.registry import RULES, design_class, rule_class

    entry = described(rule_class(name) if name in RULES else design_class(name))
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
    design: asked.DESIGN = None,
    doses: asked.DOSES = None,
    grid: asked.GRID = None,
    order: asked.ORDER = None,
    options: asked.SET = None,
    rule: asked.RULE = None,
    file: asked.FILE = None,
    most: Annotated[int, typer.Option(min=1, max=200, help="Patients at a dose up to which decisions are given.")] = 12,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Print the decision table: what to do after y toxicities in n patients at the current dose."""
    given = locals()
    from carwright.cli.design import shown
    from carwright.trial.designs.boin12 import Boin12
    from carwright.trial.rules.rule import core_of
    from carwright.trial.table_design import TableDesign

    core = core_of(asked.case(given, doses="3", stops=False).design)
    if isinstance(core, Boin12):
        shown.show_desirability(core, tuple(range(0, most + 1, core.cohort_size)), as_json=as_json)
    elif not isinstance(core, TableDesign):
        problem = Problem(
            "TRIAL062",
            f"the design {core.name} has no table of patients and toxicities at one dose",
            "design table",
            fix="ask for single decisions with 'carwright design next', or for all with 'carwright design paths'",
        )
        raise CarwrightError(problem)
    elif as_json:
        show_json(shown.decision_table(core, most))
    else:
        shown.show_decision_table(core, most)


@app.command("next")
def next_(
    outcomes: asked.OUTCOMES = None,
    patients: asked.PATIENTS = None,
    dlts: asked.DLTS = None,
    responses: asked.RESPONSES = None,
    both: asked.BOTH = None,
    last: asked.LAST = None,
    window: asked.WINDOW = None,
    weights: asked.WEIGHTS = None,
    limits: asked.LIMITS = None,
    design: asked.DESIGN = None,
    doses: asked.DOSES = None,
    grid: asked.GRID = None,
    order: asked.ORDER = None,
    options: asked.SET = None,
    rule: asked.RULE = None,
    file: asked.FILE = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Say what to do after what was seen: the next cohort, or the end and the recommended dose."""
    given = locals()
    from carwright.cli.design import shown

    found = shown.next_step(asked.case(given, stops=False))
    if as_json:
        show_json(found)
    else:
        shown.show_next_step(found)


@app.command("paths")
def paths(
    truth: asked.TRUTH = None,
    response: asked.RESPONSE = None,
    design: asked.DESIGN = None,
    doses: asked.DOSES = None,
    grid: asked.GRID = None,
    order: asked.ORDER = None,
    options: asked.SET = None,
    rule: asked.RULE = None,
    file: asked.FILE = None,
    html: asked.HTML = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """List every path of a trial with its recommendation, and with a truth its exact probability."""
    given = locals()
    from carwright.cli.design import shown
    from carwright.cli.design.page import paths_page
    from carwright.store import write_atomically
    from carwright.trial.paths import enumerate_paths, operating_characteristics

    case = asked.case(given)
    _plain_truth(case, "paths")
    built, labels = case.design, case.design.space.labels
    chances = case.truth or dict.fromkeys(labels, 0.5)
    active = case.response or dict.fromkeys(labels, 0.0 if case.truth else 0.5)
    found = enumerate_paths(built, chances, response_probability=active)
    if html is not None:
        write_atomically(html, paths_page(case, found).encode())
    if as_json:
        listed = [
            {
                "path": path.outcomes,
                "cohorts": [cohort.node + cohort.letters for cohort in path.history],
                "recommended": path.recommended,
                "reason": path.reason,
                **({"probability": path.probability} if case.truth else {}),
            }
            for path in found
        ]
        summary = shown.characteristics(operating_characteristics(built, found)) if case.truth else {}
        show_json({"design": built.name, "n_paths": len(found), "paths": listed, **summary})
        return
    rows = [
        [path.outcomes, path.recommended or "none", f"{path.probability:.6f}" if case.truth else "", path.reason]
        for path in found
    ]
    show(columns(rows, ["path", "recommended", "probability", "why it ends"]))
    if case.truth:
        show()
        shown.show_characteristics(operating_characteristics(built, found))


@app.command("simulate")
def simulate(
    truth: asked.TRUTH = None,
    response: asked.RESPONSE = None,
    delivery: asked.DELIVERY = None,
    later: asked.LATER = None,
    change_after: asked.CHANGE_AFTER = None,
    hold: asked.HOLD = None,
    held_truth: asked.HELD_TRUTH = None,
    held: asked.HELD = None,
    design: asked.DESIGN = None,
    doses: asked.DOSES = None,
    grid: asked.GRID = None,
    order: asked.ORDER = None,
    options: asked.SET = None,
    rule: asked.RULE = None,
    file: asked.FILE = None,
    trials: Annotated[
        int | None, typer.Option(help="Simulated trials, 1 to 1,000,000; exact by default where that is small.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the simulation; 1 by default.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Exact, or refuse.")] = False,
    accrual: Annotated[
        float | None,
        typer.Option(help="Patients per window of observation: simulate on a calendar, with pending windows."),
    ] = None,
    html: asked.HTML = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Operating characteristics under a truth: exact where the trial is small, simulated where it is not."""
    given = locals()
    from carwright.cli.design import shown
    from carwright.cli.design.page import simulation_page
    from carwright.store import write_atomically

    case = asked.case(given)
    if exact and (case.trials is not None or case.accrual is not None):
        raise CarwrightError(
            Problem(
                "CLI007",
                "an exact result needs neither trials nor a calendar",
                "design simulate",
                found="--exact with trials or accrual",
                fix="leave one of them out",
            )
        )
    found = _operating_characteristics(case, exact=exact)
    if html is not None:
        write_atomically(html, simulation_page(case, found).encode())
    if as_json:
        simulated = {"seed": None if found.trials is None else case.seed}
        show_json({"design": case.design.name, **simulated, **shown.characteristics(found)})
    else:
        shown.show_characteristics(found)


@app.command("protocol")
def protocol(
    design: asked.DESIGN = None,
    doses: asked.DOSES = None,
    grid: asked.GRID = None,
    order: asked.ORDER = None,
    options: asked.SET = None,
    rule: asked.RULE = None,
    file: asked.FILE = None,
    out: Annotated[Path | None, typer.Option(help="File for the design record, which --file reads.")] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Print text for a protocol; with --json, or in a file, the record that replicates the design."""
    given = locals()
    from carwright.store import write_atomically
    from carwright.trial.protocol import protocol_text
    from carwright.trial.record import record_of
    from carwright.yamlfile import write_yaml

    built = asked.case(given, doses="4").design
    written: dict[str, Any] = record_of(built)
    if out is not None:
        write_atomically(out, write_yaml(written).encode())
    if as_json:
        show_json({"record": written, "text": protocol_text(built)})
    else:
        show(protocol_text(built))


def _operating_characteristics(case: Case, *, exact: bool) -> OperatingCharacteristics:
    """Exact where that is asked or small, simulated otherwise."""
    from carwright.trial.exact import SMALL
    from carwright.trial.exact import exact as exact_characteristics
    from carwright.trial.patients import BernoulliPatients
    from carwright.trial.simulate import simulate as simulate_trials
    from carwright.trial.timeline import Timeline, simulate_timeline

    if case.truth is None:
        raise CarwrightError(asked.no_truth("simulate"))
    if exact:
        _plain_truth(case, "simulate --exact")
        return exact_characteristics(case.design, case.truth, case.response)
    trials = case.trials or 10_000
    delivery = () if case.delivery is None else tuple(case.delivery.values())
    patients = BernoulliPatients(
        tuple(case.truth.values()),
        tuple((case.response or {}).values()),
        delivery,
        tuple((case.later or {}).values()),
        case.change_after or 0,
    )
    if case.accrual is not None:
        _complete_delivery(case)
        return simulate_timeline(case.design, patients, trials, case.seed, Timeline(case.accrual)).characteristics()
    if case.trials is None and case.delivery is None and case.later is None:
        try:
            return exact_characteristics(case.design, case.truth, case.response, most_states=SMALL)
        except CarwrightError as error:
            if {problem.code for problem in error.problems} != {"TRIAL043"}:
                raise
    return simulate_trials(case.design, patients, trials, case.seed).characteristics()


def _complete_delivery(case: Case) -> None:
    if case.delivery is not None:
        raise CarwrightError(
            Problem(
                "CLI008",
                "products short of their dose are simulated only without a calendar",
                "design simulate",
                found="delivery and accrual",
                fix="leave one of them out",
            )
        )


def _plain_truth(case: Case, command: str) -> None:
    """Refuse what only simulation knows: products short of their dose, and a truth that changes."""
    if case.delivery is not None or case.later is not None:
        raise CarwrightError(
            Problem(
                "CLI008",
                "products short of their dose and a truth that changes are simulated only",
                f"design {command}",
                found="delivery" if case.delivery is not None else "later",
                fix="use 'carwright design simulate --trials', or leave it out",
            )
        )
