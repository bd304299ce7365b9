"""The known diseases by the name of their model."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from carwright.disease.disease import Disease
from carwright.errors import CarwrightError, Problem
from carwright.yamlfile import nearest

DISEASES = {"mcrpc": "mcrpc", "aml": "aml", "b-all": "b_all", "lbcl": "lbcl"}
"""Model -> file in this folder that holds its ``DISEASE``."""


@cache
def find_disease(model: str) -> Disease:
    """Find the disease of a model.

    Raises
    ------
    CarwrightError
        If a study of this model has not been provided for.
    """
    if model not in DISEASES:
        raise CarwrightError(
            Problem(
                "DISEASE001",
                "nothing says how patients of this model are graded",
                where="model",
                found=model,
                allowed=", ".join(DISEASES),
                fix=nearest(model, list(DISEASES)) or "simulate it with 'carwright simulate'",
            )
        )
    disease: Disease = import_module(f"carwright.disease.{DISEASES[model]}").DISEASE
    return disease
