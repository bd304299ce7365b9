"""What the commands of ``carwright targets`` ask for: their options, and the values in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carwright.errors import Problems

if TYPE_CHECKING:
    from carwright.targets.evaluate.thresholds import Thresholds

MOST_MOLECULES = 2**31 - 1
"""What a count of molecules holds in memory."""

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
IfBetter = Annotated[
    int | None,
    typer.Option(
        "--if-better",
        min=2,
        max=MOST_MOLECULES,
        help="Molecules from which A is bright in A IF-BETTER B; 'gates' searches such gates where this is given, "
        "'explain' takes 3 by default.",
    ),
]
QuietFlag = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def thresholds_of(given: list[str] | None) -> Thresholds:
    """Thresholds of positivity from ``N`` and ``GENE=N``.

    Raises
    ------
    CarwrightError
        For every value that is no number of molecules, and every gene that is given two.
    """
    from carwright.targets.evaluate.thresholds import Thresholds
    from carwright.targets.intake.genes import current_symbol

    found, problems = dict[str, int](), Problems()
    for text in given or ():
        gene, sign, value = text.rpartition("=")
        number = value.strip()
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= MOST_MOLECULES) or (sign and not gene):
            problems.add(
                "CLI003", "a threshold is a whole number of molecules", where=f"--molecules {text}",
                found=text, allowed=f"1 to {MOST_MOLECULES:,}, such as 2 or CD33=3",
            )  # fmt: skip
            continue
        name = current_symbol(gene.strip()) if gene else ""
        if name in found:
            _refuse_second(problems, f"--molecules {text}")
        found[name] = int(value)
    problems.raise_if_any()
    return Thresholds(found.pop("", 1), genes=found)


def limits_of(given: list[str] | None) -> dict[str, float]:
    """Limits of safety from ``CLASS=FRACTION`` and ``TIER=FRACTION``.

    Raises
    ------
    CarwrightError
        For every value that is no share, and every name that is no class or tier or is given two shares.
    """
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
        elif name in limits:
            _refuse_second(problems, f"--limit {text}")
        limits[name] = fraction
    problems.raise_if_any()
    return limits


def _refuse_second(problems: Problems, where: str) -> None:
    problems.add("CLI003", "this is given two values", where=where, allowed="one value", fix="remove one of them")
