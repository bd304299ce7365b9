"""Files of an analysis: its folder, and a construct and a study for the simulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from carwright.errors import CarwrightError, Problem

if TYPE_CHECKING:
    from carwright.targets.evaluate.analysis import Analysis


@dataclass(frozen=True)
class Wanted:
    """Files that are asked for: a folder, a construct of the best gate, and a study of so many arms."""

    out: Path | None = None
    construct: Path | None = None
    study: Path | None = None
    arms: int = 1


def write(found: Analysis, wanted: Wanted) -> dict[str, str]:
    """Write what is wanted of an analysis; returns what to tell of it by name.

    Raises
    ------
    CarwrightError
        If a file cannot be written, or there is no gate to write.
    """
    told = {}
    if wanted.out is not None:
        from carwright.report.targets import save_analysis, write_targets_report

        save_analysis(wanted.out, found)
        told = {"folder": str(wanted.out), "report": str(write_targets_report(wanted.out))}
    if wanted.construct is not None or wanted.study is not None:
        told |= _for_the_simulator(found, wanted)
    return told


def _for_the_simulator(found: Analysis, wanted: Wanted) -> dict[str, str]:
    from carwright.construct import list_antigens
    from carwright.study.side_by_side import side_by_side
    from carwright.targets.evaluate.construct_file import construct_of, remarks, write_construct, write_yaml_file

    if not found.tables["gates"]:
        option = "--to-construct" if wanted.construct is not None else "--to-study"
        raise CarwrightError(Problem("TARGETS039", "there is no gate to write", option))
    known, told = list_antigens(), {}
    if wanted.construct is not None:
        gate = write_construct(wanted.construct, found, known)
        told = {"construct": str(wanted.construct), "receptors": gate}
    if wanted.study is not None:
        ranks = range(1, min(wanted.arms, len(found.tables["gates"])) + 1)
        constructs = [construct_of(found, known, rank) for rank in ranks]
        lines = [line for rank in ranks for line in remarks(found, constructs[rank - 1], rank)]
        write_yaml_file(wanted.study, list(dict.fromkeys(lines)), side_by_side(constructs))
        told["study"] = str(wanted.study)
    return told
