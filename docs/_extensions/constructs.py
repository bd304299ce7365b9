"""The catalogue of constructs and armours with their effects, printed from their files."""

from __future__ import annotations

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from _extensions.printing import badge, code, lines, table, words
from carwright.construct import EFFECTS, list_armours, list_constructs, load_armour, load_construct


class Constructs(SphinxDirective):
    """``carwright-constructs::``."""

    def run(self) -> list[nodes.Node]:
        """Print constructs, then armours."""
        constructs = [load_construct(name) for name in list_constructs()]
        catalogue = [([code(c.name)], c.title, c.gate, [code(c.armour)]) for c in constructs]
        armours = []
        for armour in map(load_armour, list_armours()):
            effects = [
                [
                    code(effect),
                    nodes.Text(f" {strength.value:g}, sets "),
                    code(EFFECTS[effect]),
                    nodes.Text("; "),
                    badge(strength.kind),
                    nodes.Text(" "),
                    *words(strength.source),
                ]
                for effect, strength in armour.effects.items()
            ]
            armours.append(([code(armour.name)], armour.title, lines(*effects) if effects else "none"))
        return [
            table(("Construct", "Title", "Gate", "Armour"), catalogue),
            table(("Armour", "Title", "Effects"), armours),
        ]


DIRECTIVES = {"constructs": Constructs}
