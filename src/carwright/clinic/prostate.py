"""What is read from patients with metastatic castration-resistant prostate cancer."""

from __future__ import annotations

from dataclasses import dataclass, field

from carwright.clinic.antigen import RelapseRules
from carwright.clinic.inhibition import BiopsyDay
from carwright.clinic.kinetics import KineticsAssay
from carwright.clinic.neutropenia import NeutropeniaWindow
from carwright.clinic.panel import Panel
from carwright.clinic.peaks import CytokinePeaks, SitePeak
from carwright.clinic.psa import PsaRules


@dataclass(frozen=True)
class ProstatePanel(Panel):
    """PSA, CAR-T kinetics, inhibitory molecules in biopsies, antigen-low relapse and neutropenia."""

    psa: PsaRules = field(default_factory=PsaRules)
    kinetics: KineticsAssay = field(default_factory=KineticsAssay)
    site: SitePeak = field(default_factory=SitePeak)
    cytokines: CytokinePeaks = field(default_factory=CytokinePeaks)
    biopsy: BiopsyDay = field(default_factory=BiopsyDay)
    relapse: RelapseRules = field(default_factory=RelapseRules)
    neutropenia: NeutropeniaWindow = field(default_factory=NeutropeniaWindow)
