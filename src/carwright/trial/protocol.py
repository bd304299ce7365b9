"""Text of a design for a protocol: what is done, with every number that replicates it."""

from __future__ import annotations

from carwright.trial.design import Design
from carwright.trial.option import options_of, plain_options
from carwright.trial.rules.rule import core_of, rules_of
from carwright.trial.table_design import CODES, TableDesign

_TABLE = (
    "Decisions by number of patients at the current node (rows) and of dose-limiting toxicities there (columns): "
    "E escalate, S stay, D de-escalate, DU de-escalate and never return."
)


def protocol_text(design: Design, most: int = 12) -> str:
    """Describe a design in Markdown: method, options with their sources, rules, and the table where it has one.

    Parameters
    ----------
    design
        The design with its rules.
    most
        Patients at a node up to which a decision table is printed.
    """
    core = core_of(design)
    lines = [
        f"## Dose finding: {design.name}",
        "",
        _summary(core),
        "",
        f"Dose nodes, from the lowest to the highest: {', '.join(getattr(core, 'path', design.space.labels))}.",
        "",
        "| Option | Value | Meaning | Source |",
        "|---|---|---|---|",
        *_option_rows(core),
        "",
    ]
    rules = rules_of(design)
    if rules:
        lines += ["Rules, from the innermost to the outermost:", ""]
        for rule in rules:
            lines.append(f"- **{rule.title}.** {_summary(rule)}")
            values = plain_options(rule)
            lines += [
                f"  - {name} = {_shown(values[name])}: {option.description}"
                for name, (option, _) in options_of(type(rule)).items()
            ]
        lines.append("")
    if isinstance(core, TableDesign):
        lines += [
            _TABLE,
            "",
            f"| Patients | {' | '.join(str(y) for y in range(most + 1))} |",
            f"|{'---|' * (most + 2)}",
        ]
        for n, row in decision_rows(core, most).items():
            lines.append(f"| {n} | {' | '.join([*row, *[''] * (most - n)])} |")
        lines.append("")
    lines.append("Research software: never for treatment decisions.")
    return "\n".join(lines)


def decision_rows(design: TableDesign, most: int) -> dict[int, list[str]]:
    """Decisions for 1 to ``most`` patients: `CODES` for 0, 1, 2 ... toxicities."""
    table = design.table(most)
    return {n: [CODES[code] for code in table[n, : n + 1]] for n in range(1, most + 1)}


def _summary(owner: object) -> str:
    """First paragraph of the module that a design or rule stands in, which names its method and source."""
    import inspect

    text = inspect.getdoc(inspect.getmodule(type(owner))) or ""
    own = inspect.getdoc(type(owner)) or ""
    return " ".join(text.split()) + " " + " ".join(own.split("\n\n")[0].split())


def _option_rows(core: Design) -> list[str]:
    values = plain_options(core)
    return [
        f"| {name} | {_shown(values[name])} | {option.description} | {option.source} |"
        for name, (option, _) in options_of(type(core)).items()
    ]


def _shown(value: object) -> str:
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
