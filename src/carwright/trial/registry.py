"""Designs and rules by name; a new one is one file and one line here."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from carwright.errors import CarwrightError, Problem, Problems
from carwright.yamlfile import nearest

if TYPE_CHECKING:
    from carwright.trial.design import Design
    from carwright.trial.rules.rule import Rule
    from carwright.trial.space import DoseSpace

# Module and class as text: naming the designs must not import what they compute with.
DESIGNS: dict[str, str] = {
    "3+3": "three_plus_three:ThreePlusThree",
    "i3+3": "i3_plus_3:I3Plus3",
    "tpi": "tpi:Tpi",
    "mtpi": "mtpi:Mtpi",
    "mtpi-2": "mtpi:Mtpi2",
    "keyboard": "keyboard:Keyboard",
    "boin": "boin:Boin",
    "tite-boin": "tite_boin:TiteBoin",
    "bf-boin": "bf_boin:BfBoin",
    "boin12": "boin12:Boin12",
    "boin-combination": "boin_combination:BoinCombination",
    "rolling-six": "rolling_six:RollingSix",
    "accelerated-titration": "accelerated_titration:AcceleratedTitration",
    "decision-table": "decision_table:DecisionTable",
    "crm": "crm:Crm",
    "tite-crm": "crm:TiteCrm",
    "blrm": "blrm:Blrm",
    "efftox": "efftox:EffTox",
    "pocrm": "pocrm:Pocrm",
    "wages-tait": "wages_tait:WagesTait",
}
"""Design by name: file in ``carwright.trial.designs`` and class."""

RULES: dict[str, str] = {
    "stop_at": "stop_at:StopAt",
    "stop_at_node": "stop_at_node:StopAtNode",
    "stop_when_toxic": "stop_when_toxic:StopWhenToxic",
    "no_skipping": "no_skipping:NoSkipping",
    "coherent": "coherent:Coherent",
    "overdose_control": "overdose_control:OverdoseControl",
    "amendment": "amendment:Amendment",
    "feasible": "feasible:Feasible",
    "expansion": "expansion:Expansion",
    "two_stage": "two_stage:TwoStage",
    "rescue": "rescue:Rescue",
    "fallback": "fallback:Fallback",
    "halt_on_death": "halt_on_death:HaltOnDeath",
}
"""Rule by name: file in ``carwright.trial.rules`` and class."""

PATIENTS_PER_NODE = 6
"""Patients per node at which a design that never ends by itself stops, unless a rule says otherwise (assumed:
the 30 patients on 5 doses of the tutorials of the R package BOIN)."""


def design_class(name: str) -> type[Design]:
    """Return the class of a design.

    Raises
    ------
    CarwrightError
        If there is no such design.
    """
    found: type[Design] = _find(name, DESIGNS, "designs", "TRIAL030", "design")
    return found


def rule_class(name: str) -> type[Rule]:
    """Return the class of a rule.

    Raises
    ------
    CarwrightError
        If there is no such rule.
    """
    found: type[Rule] = _find(name, RULES, "rules", "TRIAL034", "rule")
    return found


def build_design(
    name: str,
    space: DoseSpace,
    options: Mapping[str, object],
    rules: Sequence[object] = (),
    *,
    stops: bool = True,
) -> Design:
    """Build the design that a study or a design record names, with its rules around it.

    Parameters
    ----------
    name
        Key of `DESIGNS`.
    space
        The dose space.
    options
        Options of the design as read from YAML. Every design also takes ``halt_on_death`` (default true,
        assumed; see `HaltOnDeath`).
    rules
        Rules from the innermost to the outermost: a name, or a mapping of one name to its options, such as
        ``{"stop_at": {"n": 30}}``. A design that would never end gets ``stop_at`` with `PATIENTS_PER_NODE`
        patients per node.

    Raises
    ------
    CarwrightError
        If the design is unknown, or naming every option that is unknown or cannot be used.
    """
    from carwright.trial.option import read_options
    from carwright.trial.rules.halt_on_death import HaltOnDeath
    from carwright.trial.rules.stop_at import StopAt

    core = design_class(name)
    problems, given = Problems(), dict(options)
    halt_on_death = given.pop("halt_on_death", True)
    values: dict[str, Any] = {}
    try:
        values = read_options(core, f"design {name}", given, "design")
    except CarwrightError as error:
        problems.extend(error)
    if not isinstance(halt_on_death, bool):
        problems.add(
            "TRIAL031",
            "the option halt_on_death cannot be used",
            where="design, halt_on_death",
            found=repr(halt_on_death),
            allowed="true or false",
            fix="correct the option",
        )
    read = _read_rules(rules, problems)
    problems.raise_if_any()
    design = core(space, **values)  # type: ignore[call-arg]  # designs are dataclasses that begin with the space
    if read and read[0][0].title == "amendment":  # it changes the design itself, so that all else stands around it
        rule, chosen = read.pop(0)
        design = rule(design, **chosen)
    if stops and not design.ends_by_itself and not any(getattr(rule, "stops", False) for rule, _ in read):
        design = StopAt(design, n=PATIENTS_PER_NODE * len(getattr(design, "path", ()) or space.labels))
    for rule, chosen in read:
        design = rule(design, **chosen)
    return HaltOnDeath(design) if halt_on_death else design


def _read_rules(rules: Sequence[object], problems: Problems) -> list[tuple[type[Rule], dict[str, Any]]]:
    from carwright.trial.option import read_options

    found: list[tuple[type[Rule], dict[str, Any]]] = []
    for position, given in enumerate(rules, start=1):
        where = f"rules, {position}"
        entry = {given: {}} if isinstance(given, str) else given
        if not isinstance(entry, Mapping) or len(entry) != 1:
            problems.add(
                "TRIAL035",
                "this is not a rule",
                where=where,
                found=repr(given),
                allowed="a name, or one name with its options such as {stop_at: {n: 30}}",
            )
            continue
        ((name, options),) = entry.items()
        try:
            rule = rule_class(str(name))
            if not isinstance(options, Mapping):
                options = {"": options}
            found.append((rule, read_options(rule, f"rule {name}", options, where)))
        except CarwrightError as error:
            problems.extend(error)
    return found


def _find(name: str, known: Mapping[str, str], package: str, code: str, kind: str) -> Any:
    if name not in known:
        raise CarwrightError(
            Problem(
                code,
                f"there is no such {kind}",
                where=kind,
                found=name,
                allowed=", ".join(known),
                fix=nearest(name, tuple(known)) or f"choose one of the allowed {kind}s",
            )
        )
    module, _, attribute = known[name].partition(":")
    return getattr(importlib.import_module(f"carwright.trial.{package}.{module}"), attribute)
