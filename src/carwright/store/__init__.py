"""Run folders: shards, checksums, resume and provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carwright.lazy import exports

if TYPE_CHECKING:
    from carwright.store.files import write_atomically
    from carwright.store.progress import Progress, Quiet
    from carwright.store.run import Run
    from carwright.store.shards import Shards, ranges

__all__ = ["Progress", "Quiet", "Run", "Shards", "ranges", "write_atomically"]

_HOME = {
    "write_atomically": "files",
    "Progress": "progress",
    "Quiet": "progress",
    "Run": "run",
    "Shards": "shards",
    "ranges": "shards",
}
__getattr__ = exports(__name__, _HOME)
