"""``carwright targets``: what to aim at, from single cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carwright.cli.commands import target_references
from carwright.cli.given import refuse_others
from carwright.cli.output import JSON, show, show_json
from carwright.cli.targets import asked
from carwright.cli.targets.cells import read_files
from carwright.cli.targets.shown import show_explained, show_genes, show_ranked
from carwright.cli.targets.written import Wanted, write
from carwright.cli.terminal import watch
from carwright.errors import CarwrightError, Problem

if TYPE_CHECKING:
    from carwright.targets.evaluate.analysis import Analysis
    from carwright.targets.evaluate.settings import Settings
    from carwright.targets.intake.anndata_file import Columns

app = typer.Typer(name="targets", help="Find target antigens and gates in single cells.", no_args_is_help=True)


@app.command()
def screen(
    files: asked.Files,
    cell_type: asked.CellType = "cell_type",
    donor: asked.Donor = None,
    malignant: asked.Malignant = None,
    layer: asked.Layer = None,
    universe: asked.Universe = "auto",
    molecules: asked.Molecules = None,
    top: asked.Top = 20,
    quantile: asked.Quantile = 0.10,
    limit: asked.Limit = None,
    doublets: asked.Doublets = 0.04,
    fewest_cells: asked.FewestCells = 50,
    out: asked.Out = None,
    quiet: asked.QuietFlag = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Rank single genes: coverage of patients against the normal class that is hurt most."""
    from carwright.targets.evaluate.settings import Settings
    from carwright.targets.intake.anndata_file import Columns

    settings = Settings(
        orders=(1,), top=top, keep=max(100, top), quantile=quantile, thresholds=asked.thresholds_of(molecules),
        limits=asked.limits_of(limit), veto=False,  # a screen shows every antigen, with its verdict
        doublet_rate=doublets, fewest_cells=fewest_cells,
    )  # fmt: skip
    _search(files, Columns(cell_type, donor, malignant, layer=layer), universe, settings, Wanted(out), quiet, as_json)


@app.command()
def gates(
    files: asked.Files,
    order: Annotated[
        list[int] | None,
        typer.Option("--order", min=1, max=4, help="Genes of a gate, 1 to 4; repeatable; 1 and 2 by default."),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option("--shape", help="Gate over A, B, C, D such as 'A AND NOT B', or all; repeatable."),
    ] = None,
    cell_type: asked.CellType = "cell_type",
    donor: asked.Donor = None,
    malignant: asked.Malignant = None,
    layer: asked.Layer = None,
    universe: asked.Universe = "auto",
    molecules: asked.Molecules = None,
    top: asked.Top = 20,
    keep: Annotated[int, typer.Option("--keep", min=1, max=100_000, help="Gates kept of each order.")] = 1000,
    quantile: asked.Quantile = 0.10,
    penalty: Annotated[
        float, typer.Option("--penalty", min=0.0, help="Weight of the worst class against coverage.")
    ] = 1.0,
    minimum_coverage: Annotated[
        float, typer.Option("--minimum-coverage", min=0.0, max=1.0, help="Coverage below which a gate is dropped.")
    ] = 0.0,
    limit: asked.Limit = None,
    veto: Annotated[
        bool,
        typer.Option("--veto/--no-veto", help="Leave out gates that are shown to hurt stem cells or vital tissue."),
    ] = True,
    doublets: asked.Doublets = 0.04,
    fewest_cells: asked.FewestCells = 50,
    if_better: asked.IfBetter = None,
    draws: Annotated[int, typer.Option("--draws", min=0, help="Random gates against which the best are held.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the random gates.")] = 0,
    to_construct: asked.ToConstruct = None,
    to_study: Annotated[
        Path | None,
        typer.Option("--to-study", help="Write a study of the best gates, for: carwright run FILE."),
    ] = None,
    arms: Annotated[
        int | None, typer.Option("--arms", min=1, max=20, help="Gates in that study; 3 by default.")
    ] = None,
    out: asked.Out = None,
    quiet: asked.QuietFlag = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Search every Boolean gate over one to four genes and judge the best."""
    from carwright.targets.evaluate.settings import Settings
    from carwright.targets.intake.anndata_file import Columns

    settings = Settings(
        tuple(sorted(set(order or (1, 2)))), tuple(shape) if shape else None, max(keep, top), top, quantile, penalty,
        minimum_coverage, asked.thresholds_of(molecules), asked.limits_of(limit), veto, doublets, fewest_cells,
        if_better, draws, seed,
    )  # fmt: skip
    if arms is not None and to_study is None:
        raise CarwrightError(
            Problem("CLI003", "--arms is for --to-study", found=f"--arms {arms}", fix="add --to-study FILE")
        )
    wanted = Wanted(out, to_construct, to_study, arms or 3)
    _search(files, Columns(cell_type, donor, malignant, layer=layer), universe, settings, wanted, quiet, as_json)


@app.command()
def explain(
    context: typer.Context,
    gate: Annotated[str, typer.Argument(help="Gene or gate, such as 'CD33 AND CLEC12A'.")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of cells; without any, what the references say.")
    ] = None,
    cell_type: asked.CellType = "cell_type",
    donor: asked.Donor = None,
    malignant: asked.Malignant = None,
    layer: asked.Layer = None,
    molecules: asked.Molecules = None,
    limit: asked.Limit = None,
    doublets: asked.Doublets = 0.04,
    fewest_cells: asked.FewestCells = 50,
    if_better: asked.IfBetter = None,
    to_construct: asked.ToConstruct = None,
    out: asked.Out = None,
    quiet: asked.QuietFlag = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Judge one gate in every class of normal cells: safe, unsafe, unresolved or not represented."""
    from carwright.targets.evaluate import analysis
    from carwright.targets.evaluate.settings import Settings
    from carwright.targets.intake.anndata_file import Columns
    from carwright.targets.search.gate import BRIGHT, parse

    wanted = parse(gate)
    if not files:
        refuse_others(context, (), "explain without files of cells")
        _explain_from_references(analysis.named_genes([wanted]), as_json=as_json)
        return
    if if_better is not None and not any(gene.endswith(BRIGHT) for gene in wanted.genes):
        what = "--if-better is for gates of the kind A IF-BETTER B"
        raise CarwrightError(Problem("CLI003", what, found=gate, fix="leave it out, or name the gene that helps"))
    settings = Settings(
        thresholds=asked.thresholds_of(molecules), limits=asked.limits_of(limit), doublet_rate=doublets,
        fewest_cells=fewest_cells, bright=if_better,
    )  # fmt: skip
    columns = Columns(cell_type, donor, malignant, layer=layer)
    with watch(quiet=quiet) as progress:
        atlas = read_files(files, columns, analysis.named_genes([wanted], settings), progress)
        found = analysis.explain(atlas, [wanted], settings)
    _finish(found, Wanted(out, to_construct), as_json, show_explained)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder that --out wrote.")],
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Write report.html anew from a folder's analysis.json."""
    from carwright.report.targets import write_targets_report

    path = write_targets_report(folder)
    if as_json:
        show_json({"report": str(path)})
    else:
        show(str(path))


target_references.register(app)


def _search(
    files: list[Path], columns: Columns, universe: str, settings: Settings, wanted: Wanted, quiet: bool, as_json: bool
) -> None:
    from carwright.targets.evaluate.analysis import analyse

    with watch(quiet=quiet) as progress:
        atlas = read_files(files, columns, universe, progress)

        def stage(label: str, total: int) -> Callable[[int], None]:
            progress.stage(label, total)
            return progress.advance

        found = analyse(atlas, settings, stage=stage)
    _finish(found, wanted, as_json, show_ranked)


def _finish(found: Analysis, wanted: Wanted, as_json: bool, shown: Callable[[Analysis], None]) -> None:
    told = write(found, wanted)
    if as_json:
        show_json(json.loads(json.dumps({**found.parameters, **found.tables, **told})))
        return
    shown(found)
    for name, text in told.items():
        show(f"{name}: {text}")


def _explain_from_references(genes: tuple[str, ...], *, as_json: bool) -> None:
    from carwright.targets.references.off_tumour import explain_gene

    told = [explain_gene(gene) for gene in genes]
    if as_json:
        show_json({"genes": told})
    else:
        show_genes(told)
