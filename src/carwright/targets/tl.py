"""Tools: screen single genes, search gates, judge the gates one names.

Results go into ``uns`` as tidy tables; scores of single genes go into ``var`` as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from carwright.targets.evaluate.analysis import Analysis, analyse, explain, named_genes
from carwright.targets.evaluate.settings import Settings
from carwright.targets.intake.atlas import Atlas
from carwright.targets.intake.universe import MOST_GENES
from carwright.targets.pp import cells, write_var
from carwright.targets.search.gate import parse

KEY = "carwright_targets"


def screen(adata: Any, *, key_added: str = KEY, settings: Settings | None = None, **columns: Any) -> Analysis:
    """Rank single genes and judge the best.

    Parameters
    ----------
    adata
        See `pp.cells`; an `Atlas` from there serves too.
    key_added
        Where in ``uns`` the tables go.
    settings
        See `Settings`; its orders are set to single genes, and none is left out: each has its verdict.
    **columns
        As in `pp.cells`.
    """
    from dataclasses import replace

    wanted = settings or Settings()
    wanted = replace(wanted, orders=(1,), keep=max(wanted.keep, MOST_GENES), veto=False)
    return gates(adata, key_added=key_added, settings=wanted, **columns)


def gates(adata: Any, *, key_added: str = KEY, settings: Settings | None = None, **columns: Any) -> Analysis:
    """Search every gate of the orders asked for and judge the best; parameters as in `screen`."""
    found = analyse(_atlas(adata, columns), settings)
    _store(adata, key_added, found)
    if found.tables["screen"] and not isinstance(adata, Atlas):
        write_var(adata, f"{key_added}_score", {row["gene"]: row["score"] for row in found.tables["screen"]})
    return found


def safety(
    adata: Any, gate: str | Sequence[str], *, key_added: str = KEY, settings: Settings | None = None, **columns: Any
) -> Analysis:
    """Judge one or more gates that are given as expressions, such as ``"CD33 AND CLEC12A"``."""
    wanted = [parse(text) for text in ([gate] if isinstance(gate, str) else gate)]
    found = explain(_atlas(adata, {"universe": named_genes(wanted, settings), **columns}), wanted, settings)
    _store(adata, key_added, found)
    return found


def _atlas(adata: Any, columns: dict[str, Any]) -> Atlas:
    return adata if isinstance(adata, Atlas) else cells(adata, **columns)


def _store(adata: Any, key: str, found: Analysis) -> None:
    if isinstance(adata, Atlas):
        return
    import json

    from carwright.targets.get import frame

    adata.uns[key] = {
        **{name: frame(rows) for name, rows in found.tables.items() if rows},
        "parameters": json.dumps(found.parameters),
    }
