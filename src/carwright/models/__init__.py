"""The biology as data: Antimony modules and one parameter table per disease.

`load_model` composes them into one model; `Model.sbml` is what the engine, libroadrunner and COPASI read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carwright.lazy import exports

if TYPE_CHECKING:
    from carwright.models.check import check_model
    from carwright.models.compose import Model, list_models, load_model
    from carwright.models.table import Correlation, Kind, Parameter, ParameterTable, State

__all__ = [
    "Correlation",
    "Kind",
    "Model",
    "Parameter",
    "ParameterTable",
    "State",
    "check_model",
    "list_models",
    "load_model",
]

_HOME = {
    "check_model": "check",
    "Model": "compose",
    "list_models": "compose",
    "load_model": "compose",
    "Correlation": "table",
    "Kind": "table",
    "Parameter": "table",
    "ParameterTable": "table",
    "State": "table",
}
__getattr__ = exports(__name__, _HOME)
