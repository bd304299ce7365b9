"""``carwright targets``: what to aim at, from single cells."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carwright.cli.output import JSON, columns, number, percent, show, show_json
from carwright.cli.terminal import watch
from carwright.errors import CarwrightError, Problem, Problems

if TYPE_CHECKING:
    from carwright.store import Progress
    from carwright.targets.evaluate.analysis import Analysis, Settings
    from carwright.targets.evaluate.thresholds import Thresholds
    from carwright.targets.intake.atlas import Atlas

CENSUS = "census"
app = typer.Typer(name="targets", help="Find target antigens and gates in single cells.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="Files of cells (.h5ad, .h5mu, .zarr); several are joined by gene.")]
CellType = Annotated[str, typer.Option("--cell-type", help="Column of cell types.")]
Donor = Annotated[
    str | None,
    typer.Option("--donor", help="Column of patients and donors; donor_id, patient, donor or sample by default."),
]
Malignant = Annotated[
    str | None,
    typer.Option("--malignant", help="Column that marks malignant cells; malignant or compartment by default."),
]
Layer = Annotated[str | None, typer.Option("--layer", help="Layer that holds the counts.")]
Universe = Annotated[
    str,
    typer.Option(
        "--universe", help="Genes to search: auto, all, antigens, surfaceome, or a file with one gene to a line."
    ),
]
Molecules = Annotated[
    list[str] | None,
    typer.Option("--molecules", help="Molecules from which a cell is positive, N or GENE=N; repeatable. 1 by default."),
]
Top = Annotated[int, typer.Option("--top", min=1, max=200, help="Gates judged and reported.")]
Quantile = Annotated[
    float, typer.Option("--quantile", min=0.0, max=1.0, help="Low quantile of coverage over patients.")
]
Limit = Annotated[
    list[str] | None,
    typer.Option("--limit", help="CLASS=FRACTION or TIER=FRACTION: largest share that may be killed; repeatable."),
]
Doublets = Annotated[float, typer.Option("--doublets", min=0.0, max=0.5, help="Share of droplets with two cells.")]
FewestCells = Annotated[
    int, typer.Option("--fewest-cells", min=1, help="Malignant cells below which a patient is left out.")
]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for tables, analysis.json and report.html.")]
ToConstruct = Annotated[
    Path | None,
    typer.Option("--to-construct", help="Write the best gate as a construct, for: carwright run --set construct=FILE."),
]
QuietFlag = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


@app.command()
def screen(
    files: Files,
    cell_type: CellType = "cell_type",
    donor: Donor = None,
    malignant: Malignant = None,
    layer: Layer = None,
    universe: Universe = "auto",
    molecules: Molecules = None,
    top: Top = 20,
    quantile: Quantile = 0.10,
    limit: Limit = None,
    doublets: Doublets = 0.04,
    fewest_cells: FewestCells = 50,
    out: Out = None,
    quiet: QuietFlag = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Rank single genes: coverage of patients against the normal class that is hurt most."""
    from carwright.targets.evaluate.analysis import Settings

    thresholds = _thresholds(molecules)
    settings = Settings(
        orders=(1,), top=top, keep=max(100, top), quantile=quantile, thresholds=thresholds, limits=_limits(limit),
        veto=False,  # a screen shows every antigen, with its verdict
        doublet_rate=doublets, fewest_cells=fewest_cells,
    )  # fmt: skip
    _search(files, (cell_type, donor, malignant, layer), universe, settings, _Wanted(out), quiet, as_json)


@app.command()
def gates(
    files: Files,
    order: Annotated[
        list[int] | None,
        typer.Option("--order", min=1, max=4, help="Genes of a gate, 1 to 4; repeatable; 1 and 2 by default."),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option("--shape", help="Gate over A, B, C, D such as 'A AND NOT B', or all; repeatable."),
    ] = None,
    cell_type: CellType = "cell_type",
    donor: Donor = None,
    malignant: Malignant = None,
    layer: Layer = None,
    universe: Universe = "auto",
    molecules: Molecules = None,
    top: Top = 20,
    keep: Annotated[int, typer.Option("--keep", min=1, max=100_000, help="Gates kept of each order.")] = 1000,
    quantile: Quantile = 0.10,
    penalty: Annotated[
        float, typer.Option("--penalty", min=0.0, help="Weight of the worst class against coverage.")
    ] = 1.0,
    minimum_coverage: Annotated[
        float, typer.Option("--minimum-coverage", min=0.0, max=1.0, help="Coverage below which a gate is dropped.")
    ] = 0.0,
    limit: Limit = None,
    veto: Annotated[
        bool,
        typer.Option("--veto/--no-veto", help="Leave out gates that are shown to hurt stem cells or vital tissue."),
    ] = True,
    doublets: Doublets = 0.04,
    fewest_cells: FewestCells = 50,
    if_better: Annotated[
        int | None,
        typer.Option("--if-better", min=2, help="Also search A IF-BETTER B, with A bright from so many molecules."),
    ] = None,
    draws: Annotated[int, typer.Option("--draws", min=0, help="Random gates against which the best are held.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the random gates.")] = 0,
    to_construct: ToConstruct = None,
    to_study: Annotated[
        Path | None,
        typer.Option("--to-study", help="Write a study of the best gates, for: carwright run FILE."),
    ] = None,
    arms: Annotated[int, typer.Option("--arms", min=1, max=20, help="Gates in that study.")] = 3,
    out: Out = None,
    quiet: QuietFlag = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Search every Boolean gate over one to four genes and judge the best."""
    from carwright.targets.evaluate.analysis import Settings

    settings = Settings(
        tuple(sorted(set(order or (1, 2)))), tuple(shape) if shape else None, max(keep, top), top, quantile, penalty,
        minimum_coverage, _thresholds(molecules), _limits(limit), veto, doublets, fewest_cells, if_better, draws, seed,
    )  # fmt: skip
    wanted = _Wanted(out, to_construct, to_study, arms)
    _search(files, (cell_type, donor, malignant, layer), universe, settings, wanted, quiet, as_json)


@app.command()
def explain(
    gate: Annotated[str, typer.Argument(help="Gene or gate, such as 'CD33 AND CLEC12A'.")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of cells; without any, what the references say.")
    ] = None,
    cell_type: CellType = "cell_type",
    donor: Donor = None,
    malignant: Malignant = None,
    layer: Layer = None,
    molecules: Molecules = None,
    limit: Limit = None,
    doublets: Doublets = 0.04,
    fewest_cells: FewestCells = 50,
    to_construct: ToConstruct = None,
    out: Out = None,
    quiet: QuietFlag = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Judge one gate in every class of normal cells: safe, unsafe, unresolved or not represented."""
    from carwright.targets.evaluate.analysis import Settings
    from carwright.targets.evaluate.analysis import explain as judge
    from carwright.targets.search.gate import BRIGHT, parse

    wanted = parse(gate)
    if not files:
        _explain_from_references(wanted.genes, as_json=as_json)
        return
    settings = Settings(
        thresholds=_thresholds(molecules), limits=_limits(limit), doublet_rate=doublets, fewest_cells=fewest_cells
    )
    named = tuple(gene.removesuffix(BRIGHT) for gene in wanted.genes)
    with watch(quiet=quiet) as progress:
        atlas = _read(files, (cell_type, donor, malignant, layer), "named", named, progress)
        found = judge(atlas, [wanted], settings)
    _finish(found, _Wanted(out, to_construct), as_json, _show_explained)


@app.command()
def bulk(
    tumour: Annotated[Path, typer.Argument(help="Table of a tumour, a row per gene: Parquet or text.")],
    column: Annotated[str, typer.Option("--column", help="Level in the tumour, TPM.")],
    rows: Annotated[list[str] | None, typer.Option("--rows", help="COLUMN=VALUE: rows that count; repeatable.")] = None,
    universe: Universe = "auto",
    least: Annotated[float, typer.Option("--least", min=0.0, help="Level below which a gene is left out.")] = 1.0,
    known: Annotated[
        Path | None, typer.Option("--known", help="File of known targets, a gene to a line: how well they rank.")
    ] = None,
    top: Top = 20,
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


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name or not value:
        raise CarwrightError(Problem("CLI003", "rows are chosen by a column and a value", f"--rows {text}"))
    return name.strip(), value.strip()


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


@app.command()
def fetch(
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
    url: Annotated[str | None, typer.Option("--url", help="Address in place of the source's.")] = None,
    sha256: Annotated[str | None, typer.Option("--sha256", help="Checksum that the file must have.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Fetch it even though it is in the cache.")] = False,
    quiet: QuietFlag = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Fetch a public reference table into the cache, or list those that are known."""
    from carwright.targets.references.cache import cached, references
    from carwright.targets.references.cache import fetch as fetch_reference

    if name is not None:
        with watch(quiet=quiet) as progress:
            if name == CENSUS:
                path = _fetch_census(cells, gene or [], progress)
            else:
                progress.stage(f"bytes of {name}", 0)
                path = fetch_reference(name, url=url, sha256=sha256, again=again, advance=progress.advance)
        if as_json:
            show_json({"name": name, "path": str(path)})
        else:
            show(str(path))
        return
    rows = [(entry, "yes" if cached(key) else "no") for key, entry in references().items()]
    if as_json:
        show_json({"references": [{**vars(entry), "cached": there == "yes"} for entry, there in rows]})
    else:
        show(
            columns(
                [[e.name, there, e.title, e.licence] for e, there in rows], ["reference", "cached", "what", "licence"]
            )
        )


def _fetch_census(cells: str | None, genes: list[str], progress: Progress) -> Path:
    from carwright.targets.references.census import fetch_census

    if not cells:
        allowed = "a filter on its columns, such as \"tissue == 'bone marrow' and disease == 'normal'\""
        raise CarwrightError(Problem("CLI003", "say which cells of the census", "--cells", allowed=allowed))
    progress.stage("cells of the census", 0)
    return fetch_census(cells, genes=genes)


def _thresholds(given: list[str] | None) -> Thresholds:
    from carwright.targets.evaluate.thresholds import Thresholds
    from carwright.targets.intake.genes import current_symbol

    found, problems = {"": 1}, Problems()
    for text in given or ():
        gene, _, value = text.rpartition("=")
        if not value.strip().isdigit() or int(value) < 1:
            problems.add(
                "CLI003", "a threshold is a whole number of molecules", where=f"--molecules {text}", found=value,
                allowed="1 or more, such as 2 or CD33=3",
            )  # fmt: skip
            continue
        found[current_symbol(gene.strip()) if gene else ""] = int(value)
    problems.raise_if_any()
    return Thresholds(found.pop(""), genes=found)


def _limits(given: list[str] | None) -> dict[str, float]:
    from carwright.targets.safety.classes import class_table

    table, limits, problems = class_table(), {}, Problems()
    known = {*table.tiers, *(entry.name for entry in table.classes)}
    for text in given or ():
        name, _, value = text.rpartition("=")
        try:
            fraction = float(value)
        except ValueError:
            fraction = -1.0
        if not name or not 0.0 <= fraction <= 1.0:
            problems.add(
                "CLI003", "a limit needs a class and a fraction", where=f"--limit {text}", allowed="such as HSC=0.01"
            )
        elif name not in known:
            problems.add(
                "TARGETS038",
                "there is no such class",
                where=f"--limit {text}",
                found=name,
                allowed=", ".join(sorted(known)),
            )
        limits[name] = fraction
    problems.raise_if_any()
    return limits


def _read(
    files: list[Path], where: tuple[str, str | None, str | None, str | None], universe: str, always: tuple[str, ...],
    progress: Progress,
) -> Atlas:  # fmt: skip
    from dataclasses import replace

    from carwright.targets.intake.anndata_file import Columns, open_file, read_cells
    from carwright.targets.intake.join import join
    from carwright.targets.intake.universe import choose

    cell_type, donor, malignant, layer = where
    parts = []
    for path in files:
        data = open_file(path)
        progress.stage(f"cells of {path.name}", data.n_obs)
        columns_ = Columns(cell_type, donor, malignant, "assay", layer)
        parts.append(read_cells(data, columns=columns_, name=str(path), advance=progress.advance))
    atlas, notices = choose(join(parts), universe, always=always)
    atlas = replace(atlas, notices=(*atlas.notices, *notices))
    for text in atlas.notices:
        progress.notice(text)
    return atlas


def _search(
    files: list[Path], where: tuple[str, str | None, str | None, str | None], universe: str, settings: Settings,
    wanted: _Wanted, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    from carwright.targets.evaluate.analysis import analyse

    with watch(quiet=quiet) as progress:
        atlas = _read(files, where, universe, (), progress)

        def stage(label: str, total: int) -> Any:
            progress.stage(label, total)
            return progress.advance

        found = analyse(atlas, settings, stage=stage)
    _finish(found, wanted, as_json, _show_ranked)


@dataclass(frozen=True)
class _Wanted:
    """Files that are asked for."""

    out: Path | None = None
    construct: Path | None = None
    study: Path | None = None
    arms: int = 1


def _finish(found: Analysis, wanted: _Wanted, as_json: bool, shown: Any) -> None:
    paths = {}
    if wanted.out is not None:
        from carwright.report.targets import save_analysis, write_targets_report

        save_analysis(wanted.out, found)
        paths = {"folder": str(wanted.out), "report": str(write_targets_report(wanted.out))}
    paths |= _write_for_the_simulator(found, wanted)
    if as_json:
        show_json(json.loads(json.dumps({**found.tables, **found.parameters, **paths})))
        return
    shown(found)
    for name, path in paths.items():
        show(f"{name}: {path}")


def _write_for_the_simulator(found: Analysis, wanted: _Wanted) -> dict[str, str]:
    """Write the construct and the study that were asked for; returns what to tell of them."""
    if wanted.construct is None and wanted.study is None:
        return {}
    from carwright.construct import list_antigens
    from carwright.study.side_by_side import side_by_side
    from carwright.targets.evaluate.construct_file import construct_of, remarks, write_construct, write_yaml_file

    if not found.tables["gates"]:
        option = "--to-construct" if wanted.construct is not None else "--to-study"
        raise CarwrightError(Problem("TARGETS039", "there is no gate to write", option))
    known, paths = list_antigens(), {}
    if wanted.construct is not None:
        gate = write_construct(wanted.construct, found, known)
        paths = {"construct": str(wanted.construct), "receptors": gate}
    if wanted.study is not None:
        ranks = range(1, min(wanted.arms, len(found.tables["gates"])) + 1)
        constructs = [construct_of(found, known, rank) for rank in ranks]
        told = [line for rank in ranks for line in remarks(found, constructs[rank - 1], rank)]
        write_yaml_file(wanted.study, list(dict.fromkeys(told)), side_by_side(constructs))
        paths["study"] = str(wanted.study)
    return paths


def _show_ranked(found: Analysis) -> None:
    rows = [
        [
            str(row["rank"]), row["gate"], number(row["score"]), _share(row["coverage_floor"]), row["verdict"],
            row["worst_class"] or "-", _share(row["worst_upper"]),
            f"{row['worst_cells']:,} / {row['worst_donors']}",
        ]
        for row in found.tables["gates"]
    ]  # fmt: skip
    if rows:
        header = ["", "gate", "score", "coverage floor", "verdict", "worst class", "at most", "cells / donors"]
        show(columns(rows, header))
    else:
        show("no gate is left: each is shown to hurt stem cells or vital tissue, or covers too little (try --no-veto)")
    for text in found.parameters["certificates"].values():
        show(text)
    if found.parameters["explained_by_doublets"]:
        show(f"left out, for doublets explain them: {', '.join(found.parameters['explained_by_doublets'][:8])}")
    _show_missing(found)


def _show_explained(found: Analysis) -> None:
    for gate in found.tables["gates"]:
        show(f"{gate['gate']}: {gate['verdict']}")
        if gate["coverage_floor"] is not None:
            floor, honest = _share(gate["coverage_floor"]), _share(gate["coverage_floor_without_doublets"])
            show(f"coverage floor over {found.parameters['patients']} patients {floor}, without doublets {honest}")
        rows = [
            [
                row["class"],
                row["tier"],
                row["verdict"],
                "; ".join(filter(None, (row["reason"], row["agreement"], _stained(row)))),
            ]
            for row in found.tables["verdicts"]
            if row["gate"] == gate["gate"]
        ]
        show(columns(rows, ["class", "tier", "verdict", "why"]))
        for text in gate["warnings"]:
            show(f"note: {text}")


def _stained(row: Mapping[str, Any]) -> str:
    return f"antibodies: {row['ihc']}, {row['ihc_agreement']}" if row["ihc"] else ""


def _show_missing(found: Analysis) -> None:
    missing = found.parameters["not_represented"]
    if missing:
        show(f"not represented in these data, so nothing is known of: {', '.join(missing)}")
    show("Limits are research parameters and no clinical thresholds.")


def _explain_from_references(genes: tuple[str, ...], *, as_json: bool) -> None:
    from carwright.targets.references.off_tumour import explain_gene

    told = [explain_gene(gene) for gene in genes]
    if as_json:
        show_json({"genes": told})
        return
    for entry in told:
        show(f"{entry['gene']} ({entry['ensembl'] or 'no Ensembl id known'})")
        if entry["flags"]:
            rows = [
                [flag["site"], flag["class"], flag["tier"], _level(flag["value"]), flag["table"]]
                for flag in entry["flags"]
            ]
            show(columns(rows, ["site", "class", "tier", "nTPM or stain", "reference"]))
        for text in (*entry["warnings"], *entry["notices"]):
            show(f"note: {text}")


def _level(value: float | str) -> str:
    return value if isinstance(value, str) else number(value)


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)
