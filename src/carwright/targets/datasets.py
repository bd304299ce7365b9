"""Data to try it on."""

from __future__ import annotations

from typing import Any

from carwright.targets.synthetic import aml_atlas, to_anndata


def synthetic_aml(**options: Any) -> Any:
    """A synthetic AML atlas as AnnData, with planted gates in ``uns``; options as in `synthetic.aml_atlas`."""
    return to_anndata(aml_atlas(**options))
