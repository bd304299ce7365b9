"""Cells of the files that a command names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carwright.store import Progress
    from carwright.targets.intake.anndata_file import Columns
    from carwright.targets.intake.atlas import Atlas


def read_files(files: Sequence[Path], columns: Columns, universe: str | Collection[str], progress: Progress) -> Atlas:
    """Read files, join them by gene and keep the genes of a universe; what to mind goes to the progress as well.

    Raises
    ------
    CarwrightError
        For files that cannot be read, and a universe that does not fit them.
    """
    from carwright.targets.intake.anndata_file import open_file, read_cells
    from carwright.targets.intake.join import join
    from carwright.targets.intake.universe import choose

    parts = []
    for path in files:
        data = open_file(path)
        progress.stage(f"cells of {path.name}", data.n_obs)
        parts.append(read_cells(data, columns=columns, name=str(path), advance=progress.advance))
    atlas, notices = choose(join(parts), universe)
    atlas = replace(atlas, notices=(*atlas.notices, *notices))
    for text in atlas.notices:
        progress.notice(text)
    return atlas
