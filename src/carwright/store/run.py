"""A run is a folder: the study as given and as understood, tables, summary, report and provenance."""

from __future__ import annotations

import difflib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from carwright.errors import CarwrightError, Problem
from carwright.store import provenance
from carwright.store.files import PARTIAL_SUFFIX, checksum, storage_errors, write_atomically
from carwright.store.lock import LOCK_NAME, Lock
from carwright.store.manifest import MANIFEST_NAME, Manifest, read_manifest
from carwright.store.parquet import read_parquet, write_parquet
from carwright.store.progress import Progress
from carwright.store.shards import Shards
from carwright.yamlfile import nearest

if TYPE_CHECKING:
    import polars as pl

GIVEN, RESOLVED, SUMMARY, PROVENANCE = "study.yaml", "resolved.yaml", "summary.json", "provenance.json"
TABLES = "tables"


class Run:
    """A run folder, open for reading (`Run.read`) or, in a ``with`` block, for writing (`Run.open`).

    Everything but ``provenance.json`` has the same bytes however often the run was interrupted.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.shards = Shards(folder, manifest)
        self._manifest = manifest
        self._lock: Lock | None = None
        self._made: Path | None = None  # topmost folder that this process made, removed if nothing comes of it
        self._was_empty = False

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Open a finished run for reading.

        Raises
        ------
        CarwrightError
            If the folder holds no finished run.
        """
        with storage_errors(folder):
            manifest = read_manifest(folder)
        if manifest is None or not manifest.finished:
            what = "this run is not finished" if manifest else "this is not a run folder"
            found = "" if folder.exists() else "there is no such folder"
            fix = "give the same command again: it resumes" if manifest else "check the path"
            raise CarwrightError(Problem("RUN001", what, str(folder), found, fix=fix))
        return cls(folder, manifest)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        as_given: str,
        resolved: str,
        digest: str,
        command: str,
        progress: Progress,
        given_name: str = GIVEN,
    ) -> Run:
        """Create a run folder, or open the one of the same study to resume it; use it in a ``with`` block.

        Parameters
        ----------
        folder
            The run folder.
        as_given, resolved
            Text of the study file as given and as understood.
        digest
            Digest of the resolved study.
        command
            The command that computes the run, for the provenance.
        progress
            Hears what is done about shards of other software or damaged results.
        given_name
            File that keeps what was given.

        Raises
        ------
        CarwrightError
            If the folder holds another study or other files, is locked, or cannot be written.
        """
        folder = folder.absolute()
        with storage_errors(folder):
            made = next((path for path in [*reversed(folder.parents), folder] if not path.exists()), None)
            folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = Lock(folder)
        except BaseException:
            _remove(made)
            raise
        try:
            run = cls._locked(folder, resolved, digest, progress)
        except BaseException:
            lock.release()
            raise
        run._lock, run._made = lock, made
        try:
            run._begin(given_name, as_given, resolved, command)
        except BaseException:
            run._close(failed=True)
            raise
        return run

    @classmethod
    def _locked(cls, folder: Path, resolved: str, digest: str, progress: Progress) -> Run:
        manifest = read_manifest(folder)
        software = provenance.software_digest()
        if manifest is None:
            _refuse_foreign(folder)
            run = cls(folder, Manifest(folder / MANIFEST_NAME, digest, software))
            run._was_empty = True
            return run
        if manifest.study != digest:
            _refuse_other_study(folder, resolved)
        run = cls(folder, manifest)
        if manifest.software != software:
            progress.notice("the folder holds work of another version of the software; it is computed again")
            run._forget(software)
        elif damaged := run._damaged():
            progress.notice(f"{', '.join(damaged)} was changed or is missing; the run is computed again")
            run._forget(software)
        return run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(failed=error is not None)

    @property
    def finished(self) -> bool:
        """Whether the run is complete; nothing is left to compute then."""
        return self._manifest.finished

    @property
    def summary(self) -> dict[str, Any]:
        """Contents of ``summary.json``."""
        with storage_errors(self.folder / SUMMARY):
            contents: dict[str, Any] = json.loads((self.folder / SUMMARY).read_text(encoding="utf-8"))
        return contents

    @property
    def resolved(self) -> str:
        """The study as understood, YAML."""
        with storage_errors(self.folder / RESOLVED):
            return (self.folder / RESOLVED).read_text(encoding="utf-8")

    def table(self, name: str) -> pl.DataFrame:
        """Read a whole table, e.g. ``patients``.

        Raises
        ------
        CarwrightError
            If the run has no such table.
        """
        import polars as pl

        parts = self.parts(name)
        if parts:
            return pl.concat(map(read_parquet, parts))
        path = self.folder / TABLES / f"{name}.parquet"
        known = self.tables()
        if name not in known and not path.exists():
            problem = Problem(
                "RUN006",
                f"the run has no table {name!r}",
                str(self.folder),
                allowed=", ".join(known) or "none: the run holds no tables",
                fix=nearest(name, known) or "choose one of the allowed tables",
            )
            raise CarwrightError(problem)
        return read_parquet(path)

    def tables(self) -> list[str]:
        """Names of the tables that the run holds."""
        prefix = f"{TABLES}/"
        found = {file.removeprefix(prefix).split("/")[0] for file in self._manifest.files if file.startswith(prefix)}
        return sorted(name.removesuffix(".parquet") for name in found)

    @property
    def software(self) -> dict[str, str]:
        """Versions of the software that computed the run; empty if its provenance is gone."""
        try:
            return dict(json.loads((self.folder / PROVENANCE).read_text(encoding="utf-8"))["software"])
        except (OSError, ValueError, KeyError):
            return {}

    def parts(self, name: str) -> list[Path]:
        """Files of a table that was written in parts, in order; empty if it is one file."""
        prefix = f"{TABLES}/{name}/"
        return [self.folder / file for file in sorted(self._manifest.files) if file.startswith(prefix)]

    def write_table(self, name: str, frame: pl.DataFrame) -> None:
        """Write ``tables/<name>.parquet`` and record its checksum."""
        path = self.folder / TABLES / f"{name}.parquet"
        with storage_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._manifest.files[f"{TABLES}/{name}.parquet"] = write_parquet(path, frame)

    def write_parts(self, name: str, frames: Iterable[pl.DataFrame], rows: int) -> None:
        """Write a table as files of so many rows each, ``tables/<name>/part-00000.parquet`` and so on.

        The files do not depend on how the rows arrive, and memory holds one of them.
        """
        import polars as pl

        waiting: list[pl.DataFrame] = []
        held = part = 0
        for frame in frames:
            waiting.append(frame)
            held += frame.height
            while held > rows:
                whole = pl.concat(waiting)
                self.write_table(f"{name}/part-{part:05d}", whole.head(rows))
                waiting, held, part = [whole.slice(rows)], held - rows, part + 1
        if waiting:
            self.write_table(f"{name}/part-{part:05d}", pl.concat(waiting))

    def write_text(self, name: str, text: str) -> None:
        """Write a text file into the folder and record its checksum."""
        self._manifest.files[name] = write_atomically(self.folder / name, text.encode())

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write ``summary.json`` and the final manifest, and delete the shards.

        Raises
        ------
        ValueError
            If the summary holds a NaN or an infinity: a missing number is null, never NaN.
        """
        self.write_text(SUMMARY, json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        shards = dict(self._manifest.shards)
        self._manifest.shards.clear()
        self._manifest.finished = True
        try:
            self._manifest.write()
        except BaseException:
            self._manifest.finished = False
            self._manifest.shards.update(shards)
            raise
        self.shards.remove()
        record = self._provenance()
        record["sessions"][-1]["finished_utc"] = provenance.utc_now()
        self._write_provenance(record)

    def _close(self, *, failed: bool) -> None:
        """Let go of the folder; a new one in which nothing was finished disappears again."""
        if self._lock is None:
            return
        nothing = failed and self._was_empty and not self.shards.finished and not self.finished
        if nothing:
            for path in self.folder.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name != LOCK_NAME:
                    path.unlink()
        self._lock.release()
        self._lock = None
        if nothing:
            _remove(self._made)

    def _begin(self, given_name: str, as_given: str, resolved: str, command: str) -> None:
        for partial in self.folder.rglob(f".*{PARTIAL_SUFFIX}"):
            partial.unlink(missing_ok=True)
        if self.finished:
            self.shards.remove()  # a former process may have been killed between finishing and tidying
            return
        self._manifest.write()
        self.write_text(given_name, as_given)
        self.write_text(RESOLVED, resolved)
        record = self._provenance()
        record["sessions"].append(provenance.session(command))
        self._write_provenance(record)

    def _provenance(self) -> dict[str, Any]:
        try:
            record = json.loads((self.folder / PROVENANCE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            record = {}
        sessions = record.get("sessions", []) if isinstance(record, dict) else []
        return {"study": self._manifest.study, "software": provenance.software(), "sessions": sessions}

    def _write_provenance(self, record: Mapping[str, Any]) -> None:
        write_atomically(self.folder / PROVENANCE, (json.dumps(record, indent=1) + "\n").encode())

    def _damaged(self) -> list[str]:
        """Outputs of a finished run that no longer have their checksum."""
        if not self.finished:
            return []
        return [name for name, sha256 in self._manifest.files.items() if checksum(self.folder / name) != sha256]

    def _forget(self, software: str) -> None:
        """Drop what was computed; the manifest goes first, so that a kill leaves no false claim."""
        self._manifest.finished = False
        self._manifest.software = software
        self._manifest.shards.clear()
        self._manifest.files.clear()
        self._manifest.write()
        self.shards.remove()
        for name in (SUMMARY, "report.html"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / TABLES, ignore_errors=True)


def _remove(made: Path | None) -> None:
    """Remove a folder that this process made, and the folders in it, as long as they are empty."""
    if made is not None and made.is_dir():
        for folder in [*sorted(made.rglob("*"), reverse=True), made]:
            try:
                folder.rmdir()
            except OSError:  # not empty, or no folder: someone else's, so it stays
                return


def _refuse_foreign(folder: Path) -> None:
    foreign = [
        path.name for path in folder.iterdir() if path.name != LOCK_NAME and not path.name.endswith(PARTIAL_SUFFIX)
    ]
    if foreign:
        problem = Problem(
            "RUN002",
            "this folder is not a run, and not empty",
            str(folder),
            ", ".join(sorted(foreign)[:3]),
            "a new or empty folder, or one of the same run",
            "give --out another folder",
        )
        raise CarwrightError(problem)


def _refuse_other_study(folder: Path, resolved: str) -> None:
    try:
        held = (folder / RESOLVED).read_text(encoding="utf-8")
    except OSError:
        held = ""
    changes = [
        line
        for line in difflib.unified_diff(held.splitlines(), resolved.splitlines(), lineterm="", n=0)
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    problem = Problem(
        "RUN003",
        "this folder holds a run of another study",
        str(folder),
        "; ".join(line[0] + " " + line[1:].strip() for line in changes[:6]),
        "the study that the folder was made for ('-' in the folder, '+' asked for)",
        "give --out another folder",
    )
    raise CarwrightError(problem)
