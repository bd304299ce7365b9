"""The public names of a room, printed from its ``__all__``."""

from __future__ import annotations

import importlib
import inspect

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from _extensions.printing import code, paragraph, table


class Room(SphinxDirective):
    """``carwright-room:: trial`` prints what other rooms and users may import from it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Print the room's purpose and its names."""
        room = importlib.import_module(f"carwright.{self.arguments[0]}")
        purpose = inspect.getdoc(room) or ""
        found: list[nodes.Node] = [paragraph(" ".join(purpose.split("\n\n")[0].split()))]
        names = getattr(room, "__all__", ())
        if names:
            rows = [([code(name)], _first_sentence(getattr(room, name))) for name in names]
            found.append(table(("Name", "Purpose"), rows))
        return found


def _first_sentence(thing: object) -> str:
    described = inspect.isclass(thing) or inspect.isroutine(thing)
    text = (inspect.getdoc(thing) or "") if described else ""
    return " ".join(text.split("\n\n")[0].split()) or "(data; see the source)"


DIRECTIVES = {"room": Room}
