"""Carwright: design, dose and de-risk a CAR-T cell therapy in silico.

Research software. It must never be used for treatment decisions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carwright.lazy import exports

if TYPE_CHECKING:
    from carwright.api import compare, differentiate, run, simulate
    from carwright.study import load_study

__version__ = "0.1.0"

__all__ = ["__version__", "compare", "differentiate", "load_study", "run", "simulate"]

# Importing a leaf of the package stays quick.
__getattr__ = exports(
    __name__, {"compare": "api", "differentiate": "api", "load_study": "study", "run": "api", "simulate": "api"}
)
