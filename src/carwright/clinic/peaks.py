"""Highest readings after the infusion."""

from __future__ import annotations

from dataclasses import dataclass

from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Floats, peak

CYTOKINES = {"il6_peak": "il6", "ifng_peak": "ifn_gamma", "ferritin_peak": "ferritin", "crp_peak": "crp"}
"""Column -> course of the laboratory values that every CAR-T patient is watched for."""


@dataclass(frozen=True)
class CytokinePeaks(Assessment):
    """Peaks of cytokines, ferritin and C-reactive protein in serum."""

    reads = tuple(CYTOKINES.values())

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give one column per laboratory value."""
        return {name: peak(seen.times, seen.courses[course])[0] for name, course in CYTOKINES.items()}


@dataclass(frozen=True)
class SitePeak(Assessment):
    """Peak of CAR-T cells at the tumour site."""

    reads = ("tumour_site_cells",)

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give ``tumour_site_peak_cells``."""
        return {"tumour_site_peak_cells": peak(seen.times, seen.courses["tumour_site_cells"])[0]}
