"""Resumable work: fixed shards, each on disk and checked by its checksum before it is believed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from carwright.store.files import checksum, storage_errors
from carwright.store.manifest import Manifest
from carwright.store.parquet import read_parquet, write_parquet
from carwright.store.progress import Progress
from carwright.store.spread import Spread, Work, in_turn

if TYPE_CHECKING:
    import polars as pl

FOLDER_NAME = "shards"


def ranges(total: int, size: int) -> list[range]:
    """Cut items 0 to total-1 into ranges of `size`; the last may be shorter."""
    return [range(first, min(first + size, total)) for first in range(0, total, size)]


class Shards:
    """The pieces of work of one run, by stage (such as ``patients``) and index.

    Results must not depend on where the cuts are, nor on which shards a former process had finished.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder / FOLDER_NAME
        self._manifest = manifest
        self._order: dict[str, list[str]] = {}

    @property
    def finished(self) -> int:
        """Number of shards on record."""
        return len(self._manifest.shards)

    def recorded(self, stage: str) -> list[int]:
        """Numbers of items in the shards of a stage that are on record."""
        entries = [entry for name, entry in self._manifest.shards.items() if name.startswith(f"{stage}/")]
        return [entry["last"] - entry["first"] + 1 for entry in entries]

    def compute(
        self,
        stage: str,
        pieces: Sequence[range],
        work: Work,
        progress: Progress,
        *,
        label: str | None = None,
        spread: Spread = in_turn,
    ) -> None:
        """Do the work of a stage, except what a former process has finished.

        Parameters
        ----------
        stage
            Name of the stage; names its files.
        pieces
            Items of each shard, see `ranges`.
        work
            Gets the items of one shard and returns its tables by name. Every shard returns the same names.
        progress
            Hears of every shard, finished before or now, and of every one that has to be done again.
        label
            What the items are, for the reader; the stage by default.
        spread
            Where the shards are computed: one after the other by default.

        Raises
        ------
        CarwrightError
            If a shard cannot be written.
        """
        progress.stage(label or stage, sum(map(len, pieces)))
        self._order[stage] = [f"{stage}/{index:06d}" for index in range(len(pieces))]
        waiting: dict[range, str] = {}
        for name, items in zip(self._order[stage], pieces, strict=True):
            if name in self._manifest.shards and self._is_valid(name, items, progress):
                progress.advance(len(items))
            else:
                waiting[items] = name

        def noted(items: range) -> Mapping[str, pl.DataFrame]:
            try:
                return work(items)
            except Exception as error:
                error.add_note(f"while computing {stage} {items.start} to {items.stop - 1}")
                raise

        with closing(spread(noted, list(waiting))) as computed:
            for items, tables in computed:
                self._write(waiting[items], items, tables)
                progress.advance(len(items))

    def each(self, stage: str, table: str) -> Iterator[pl.DataFrame]:
        """Tables of the shards of a computed stage, in order, one at a time."""
        return (read_parquet(self._folder / name / f"{table}.parquet") for name in self._order[stage])

    def read(self, stage: str, table: str) -> pl.DataFrame:
        """Put a table of a computed stage together, in the order of its shards."""
        import polars as pl

        return pl.concat(list(self.each(stage, table)))

    def remove(self) -> None:
        """Delete all shards: their tables have been written, or they belong to other code."""
        self._manifest.shards.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _is_valid(self, name: str, items: range, progress: Progress) -> bool:
        entry = self._manifest.shards[name]
        files: dict[str, str] = entry["files"]
        sound = (entry["first"], entry["last"]) == (items.start, items.stop - 1) and all(
            checksum(self._folder / name / file) == sha256 for file, sha256 in files.items()
        )
        if not sound:
            progress.notice(f"shard {name} is damaged or missing and is computed again")
        return sound

    def _write(self, name: str, items: range, tables: Mapping[str, pl.DataFrame]) -> None:
        folder = self._folder / name
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        files = {
            f"{table}.parquet": write_parquet(folder / f"{table}.parquet", frame) for table, frame in tables.items()
        }
        self._manifest.add_shard(name, items.start, items.stop - 1, files)
