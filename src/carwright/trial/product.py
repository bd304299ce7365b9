"""The manufactured product: how many cells a patient has, and which dose nodes it can serve.

A product that holds fewer cells than the lower end of the assigned band is given as it is: the patient is
treated and followed for safety, but not evaluable for dose-limiting toxicity (registry record of
NCT03089203).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carwright.population.streams import uniforms
from carwright.trial.settings import check_ranges
from carwright.trial.space import DoseSpace

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Product:
    """Log-normal yield of CAR-positive cells.

    Parameters
    ----------
    median_cells
        Median yield. Assumed: yields of NCT03089203 were not readable.
    log_sd
        Standard deviation of its natural logarithm. Assumed: with it 7.3 % of products fall short of 2e8
        cells (1e8 per m2 at 2 m2), the share of non-conforming products of lisocabtagene maraleucel (25 of
        344, PMC8427697).

    Raises
    ------
    CarwrightError
        Naming every setting that is out of range.
    """

    median_cells: float = 1e9
    log_sd: float = 1.107

    def __post_init__(self) -> None:
        check_ranges("product", self, {"median_cells": (1e5, 1e13), "log_sd": (0.0, 5.0)})

    def deliver(self, seed: int, first: int, sizes: Mapping[str, NDArray[np.float64]], space: DoseSpace) -> Delivery:
        """Doses of n patients from number ``first`` on at every node.

        The intended dose lies within the band, log-uniform over it (assumed) and at the same place of every
        node's band; the product caps it.

        Parameters
        ----------
        seed
            Root seed of the run.
        first
            Number of the first patient.
        sizes
            How much of what cells are counted per (`carwright.trial.space.MEASURES`) each patient has, shape (n,):
            body surface in m2, body weight in kg, and 1 patient.
        space
            The dose nodes; every one has a band.
        """
        from scipy.special import ndtri

        bands = [band for node in space.nodes for band in node.bands]
        size = np.column_stack([sizes[band.per] for band in bands])
        own = uniforms(seed, "product", first, len(size), 2)
        made = self.median_cells * np.exp(self.log_sd * ndtri(own[:, :1]))
        low, high = size * [band.low for band in bands], size * [band.high for band in bands]
        intended = low * (high / low) ** own[:, 1:]
        return Delivery(low, high, np.minimum(intended, made), made >= low)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Doses in cells, shape (patients, nodes); ``on_assigned_dose`` says whether the band was reached."""

    assigned_cells_low: NDArray[np.float64]
    assigned_cells_high: NDArray[np.float64]
    delivered_cells: NDArray[np.float64]
    on_assigned_dose: NDArray[np.bool_]
