"""Run folders: shards, checksums, resume and provenance."""

from carwright.store.files import write_atomically
from carwright.store.progress import Progress, Quiet
from carwright.store.run import Run
from carwright.store.shards import Shards, ranges

__all__ = ["Progress", "Quiet", "Run", "Shards", "ranges", "write_atomically"]
