"""Targets: what to aim a receptor at, searched exhaustively, and what cannot be known from the data at hand.

``pp`` prepares, ``tl`` searches and judges, ``pl`` draws, ``get`` returns tidy tables; all take AnnData and keywords.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carwright.targets import datasets, get, pl, pp, tl

__all__ = ["datasets", "get", "pl", "pp", "tl"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return import_module(f"carwright.targets.{name}")
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
