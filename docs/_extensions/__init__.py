"""Directives that print the documentation's tables and equations from the files that the program itself reads.

Each directive is a small module; none of them holds a fact of its own, so the pages cannot fall behind the code.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import carwright
from _extensions import (
    clinic,
    command_line,
    constructs,
    designs,
    equations,
    error_codes,
    parameters,
    rooms,
    study_fields,
)

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives with Sphinx; a change in what they print from makes every page anew."""
    app.add_config_value("carwright_sources", _digest(), "env")
    printed = (clinic, command_line, constructs, designs, equations, error_codes, parameters, rooms, study_fields)
    for module in printed:
        for name, directive in module.DIRECTIVES.items():
            app.add_directive(f"carwright-{name}", directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _digest() -> str:
    digest = hashlib.sha256()
    for folder in (Path(carwright.__file__).parent, Path(__file__).parent):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".yaml", ".ant"):
                digest.update(path.read_bytes())
    return digest.hexdigest()
