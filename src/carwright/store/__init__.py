"""Run folders: shards, checksums, resume and provenance."""
