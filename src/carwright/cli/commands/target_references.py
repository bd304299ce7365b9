"""``carwright targets bulk`` and ``fetch``: public tables of genes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carwright.cli.given import refuse_others
from carwright.cli.output import JSON, columns, number, show, show_json
from carwright.cli.targets import asked
from carwright.cli.terminal import watch
from carwright.errors import CarwrightError, Problem

if TYPE_CHECKING:
    from carwright.store import Progress

CENSUS = "census"
OF_CENSUS, OF_REFERENCE = ("--cells", "--gene", "--again"), ("--url", "--sha256", "--again")
"""Options of `fetch` by source: the census is asked by its release and has no file of its own to name or to check."""


def register(app: typer.Typer) -> None:
    """Add these commands to ``carwright targets``."""
    app.command()(bulk)
    app.command()(fetch)


def bulk(
    tumour: Annotated[Path, typer.Argument(help="Table of a tumour, a row per gene: Parquet or text.")],
    column: Annotated[str, typer.Option("--column", help="Level in the tumour, TPM.")],
    rows: Annotated[list[str] | None, typer.Option("--rows", help="COLUMN=VALUE: rows that count; repeatable.")] = None,
    universe: asked.Universe = "auto",
    least: Annotated[float, typer.Option("--least", min=0.0, help="Level below which a gene is left out.")] = 1.0,
    known: Annotated[
        Path | None, typer.Option("--known", help="File of known targets, a gene to a line: how well they rank.")
    ] = None,
    top: asked.Top = 20,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Rank genes by bulk RNA: level in a tumour against vital and serious tissue (needs: fetch hpa-tissue)."""
    from carwright.targets.intake.universe import genes_of_universe
    from carwright.targets.references.bulk import auc, normal_tissue, rank_bulk, read_bulk

    notices: list[str] = []
    chosen = dict(_pair(text) for text in rows or ())
    table, normal = read_bulk(tumour, column, chosen), normal_tissue()
    ranked = rank_bulk(table, column, normal, universe=genes_of_universe(universe, notices), least=least)
    order = sorted(ranked.scores, key=lambda gene: (-ranked.scores[gene], gene))[:top]
    told: list[dict[str, Any]] = [
        {
            "gene": gene,
            "score": ranked.scores[gene],
            "level": ranked.levels[gene],
            "highest_tissue": ranked.highest[gene][0].replace("_", " "),
            "highest_level": ranked.highest[gene][1],
            "margin": ranked.margins[gene],
        }
        for gene in order
    ]
    area = None
    if known is not None:
        named = sorted(genes_of_universe(str(known), notices) or ())
        value = auc(ranked.scores, named)
        area = {
            "auc": None if math.isnan(value) else value,
            "ranked": sum(name in ranked.scores for name in named),
            "of": len(named),
        }
    notices += ranked.notices
    if as_json:
        show_json({"genes": len(ranked.scores), "top": told, "known": area, "notices": notices})
        return
    lines = [[str(i), *(v if isinstance(v, str) else number(v) for v in row.values())] for i, row in enumerate(told, 1)]
    show(columns(lines, ["", "gene", "score", "TPM", "highest tissue", "nTPM", "log2 over it"]))
    if area is not None:
        shown = "not known" if area["auc"] is None else f"{area['auc']:.3f}"
        show(f"known targets: {area['ranked']} of {area['of']} among {len(ranked.scores):,} genes, AUC {shown}")
    for text in (*notices, "bulk tissue cannot see rare cells: antigens of blood stem cells rank high"):
        show(f"note: {text}")


def fetch(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Reference to fetch, or census; without one, references are listed.")
    ] = None,
    cells: Annotated[
        str | None,
        typer.Option(
            "--cells", help="Cells of the census, such as \"tissue == 'bone marrow' and disease == 'normal'\"."
        ),
    ] = None,
    gene: Annotated[
        list[str] | None, typer.Option("--gene", help="Gene of the census; repeatable, all by default.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Address in place of the reference's.")] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", help="Checksum that the file of the reference must have.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Fetch it even though it is in the cache.")] = False,
    quiet: asked.QuietFlag = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Fetch a public reference table into the cache, or list those that are known."""
    from carwright.targets.references.cache import fetch as fetch_reference

    allowed = () if name is None else OF_CENSUS if name == CENSUS else OF_REFERENCE
    fix = f"{', '.join(OF_CENSUS)} are for the census; {', '.join(OF_REFERENCE)} for other references"
    refuse_others(context, allowed, f"fetch {name}" if name else "the list of references", fix)
    if name is None:
        _list_references(as_json=as_json)
        return
    with watch(quiet=quiet) as progress:
        if name == CENSUS:
            path = _fetch_census(cells, gene or [], progress, again=again)
        else:
            progress.stage(f"bytes of {name}", 0)
            path = fetch_reference(name, url=url, sha256=sha256, again=again, advance=progress.advance)
    if as_json:
        show_json({"name": name, "path": str(path)})
    else:
        show(str(path))


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name or not value:
        what = "rows are chosen by a column and a value"
        raise CarwrightError(Problem("CLI003", what, f"--rows {text}", allowed="COLUMN=VALUE, such as disease=AML"))
    return name.strip(), value.strip()


def _fetch_census(cells: str | None, genes: list[str], progress: Progress, *, again: bool) -> Path:
    from carwright.targets.references.census import fetch_census

    if not cells:
        allowed = "a filter on its columns, such as \"tissue == 'bone marrow' and disease == 'normal'\""
        raise CarwrightError(Problem("CLI003", "say which cells of the census", "--cells", allowed=allowed))
    progress.stage("cells of the census", 0)
    return fetch_census(cells, genes=genes, again=again)


def _list_references(*, as_json: bool) -> None:
    from carwright.targets.references.cache import cached, references

    rows = [(entry, cached(name) is not None) for name, entry in references().items()]
    if as_json:
        show_json({"references": [{**vars(entry), "cached": there} for entry, there in rows]})
        return
    lines = [[entry.name, "yes" if there else "no", entry.title, entry.licence] for entry, there in rows]
    show(columns(lines, ["reference", "cached", "what", "licence"]))
