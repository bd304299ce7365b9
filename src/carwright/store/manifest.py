"""The manifest of a run: one JSON line per finished piece. Files are the truth, this is their index.

A line is appended only after its files are on disk under their final names. A line that a killed process
wrote only in part is dropped on the next opening, and its piece is computed again.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from carwright.errors import CarwrightError, Problem
from carwright.store.files import storage_errors, write_atomically

MANIFEST_NAME = "manifest.jsonl"
FORMAT = 1
"""Version of the run folder's format."""


@dataclass
class Manifest:
    """What a run folder is known to hold.

    Parameters
    ----------
    path
        The manifest's file.
    study, software
        Digests of the resolved study and of the code that computes it.
    shards
        For each finished shard (``stage/index``), its first and last item and the checksums of its files.
    files
        Checksum of each output of a finished run, by its path in the folder.
    finished
        Whether the run is complete.
    """

    path: Path
    study: str
    software: str
    shards: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    finished: bool = False

    def add_shard(self, name: str, first: int, last: int, files: dict[str, str]) -> None:
        """Record a finished shard."""
        self.shards[name] = {"first": first, "last": last, "files": files}
        with storage_errors(self.path), self.path.open("ab") as stream:
            stream.write(_line({"shard": name, **self.shards[name]}).encode())
            stream.flush()
            os.fsync(stream.fileno())

    def write(self) -> None:
        """Write the whole manifest anew, in an order that does not depend on how the run went."""
        lines: list[dict[str, Any]] = [{"format": FORMAT, "study": self.study, "software": self.software}]
        lines += [{"shard": name, **entry} for name, entry in sorted(self.shards.items())]
        lines += [{"file": name, "sha256": sha256} for name, sha256 in sorted(self.files.items())]
        lines += [{"finished": True}] if self.finished else []
        write_atomically(self.path, "".join(map(_line, lines)).encode())


def read_manifest(folder: Path) -> Manifest | None:
    """Read a folder's manifest; None if it has none.

    Raises
    ------
    CarwrightError
        If the folder was written in another format.
    """
    path = folder / MANIFEST_NAME
    try:
        text = path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return None
    entries = [entry for line in text.splitlines(keepends=True) if (entry := _entry(line))]
    header = entries[0] if entries else {}
    if header.get("format") != FORMAT:
        problem = Problem(
            "RUN005",
            "this run folder has another format",
            str(path),
            f"format {header.get('format')}",
            f"format {FORMAT}",
            "open it with the version of Carwright that wrote it, or choose another folder",
        )
        raise CarwrightError(problem)
    manifest = Manifest(path, header["study"], header["software"])
    for entry in entries[1:]:
        if "shard" in entry:
            manifest.shards[entry.pop("shard")] = entry
        elif "file" in entry:
            manifest.files[entry["file"]] = entry["sha256"]
        elif entry.get("finished"):
            manifest.finished = True
    return manifest


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True) + "\n"


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line) if line.endswith("\n") else {}
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
