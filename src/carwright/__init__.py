"""Carwright: design, dose and de-risk a CAR-T cell therapy in silico.

Research software. It must never be used for treatment decisions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carwright.api import compare, differentiate, load_study, run, simulate

__version__ = "0.1.0"

__all__ = ["__version__", "compare", "differentiate", "load_study", "run", "simulate"]


def __getattr__(name: str) -> Any:
    """Import the Python API on first use, so that importing a leaf of the package stays quick."""
    if name in ("compare", "differentiate", "load_study", "run", "simulate"):
        from carwright import api

        return getattr(api, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
