"""The command line; one file per command."""

from carwright.cli.program import main

__all__ = ["main"]
