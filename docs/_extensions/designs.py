"""Options of every dose-finding design and rule, printed from where they are declared."""

from __future__ import annotations

from dataclasses import MISSING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from _extensions.printing import code, paragraph, section, table, words
from carwright.trial.option import default_of, options_of
from carwright.trial.registry import DESIGNS, RULES, design_class, rule_class


class Designs(SphinxDirective):
    """``carwright-designs::`` prints one table of options per design and rule."""

    def run(self) -> list[nodes.Node]:
        """Print the designs, then the rules."""
        return [
            *(_described(name, design_class(name), "design") for name in DESIGNS),
            *(_described(name, rule_class(name), "rule") for name in RULES),
        ]


def _described(name: str, owner: type, kind: str) -> nodes.section:
    rows = []
    for key, (option, entry) in options_of(owner).items():
        default = default_of(entry)
        rows.append(
            (code(key), _shown(default), words(option.allowed), words(option.description), words(option.source))
        )
    parts = [table(("Option", "Default", "Allowed", "Meaning", "Source"), rows)] if rows else []
    summary = (owner.__doc__ or "").strip().split("\n")[0]
    anchor = f"{kind}-{name}".replace("+", "plus").replace("_", "-")
    return section(f"The {kind} `{name}`", anchor, paragraph(summary.replace("``", "`")), *parts)


def _shown(default: object) -> list[nodes.Node]:
    if default is MISSING:
        return words("must be given")
    if default is None:
        return [code("null")]
    if isinstance(default, bool):
        return [code(str(default).lower())]
    if isinstance(default, tuple):
        return [code(f"[{', '.join(str(one) for one in default)}]")]
    return [code("{}" if default == {} else str(default))]


DIRECTIVES = {"designs": Designs}
