"""What is read from patients with leukaemia and lymphoma."""

from __future__ import annotations

from dataclasses import dataclass, field

from carwright.clinic.all_response import AllResponse
from carwright.clinic.aml_response import AmlResponse
from carwright.clinic.b_cells import BCellAplasia
from carwright.clinic.cytopenia import Cytopenia, LongCytopenia
from carwright.clinic.hematotox import HematotoxScore
from carwright.clinic.icaht import Icaht
from carwright.clinic.infection import NeutropenicInfection
from carwright.clinic.kinetics import KineticsAssay
from carwright.clinic.lymphoma_response import LymphomaResponse
from carwright.clinic.panel import Panel
from carwright.clinic.peaks import CytokinePeaks


@dataclass(frozen=True)
class BloodPanel(Panel):
    """CAR-T kinetics, counts, their toxicity and its deaths: what all blood diseases share."""

    kinetics: KineticsAssay = field(default_factory=KineticsAssay)
    cytokines: CytokinePeaks = field(default_factory=CytokinePeaks)
    hematotox: HematotoxScore = field(default_factory=HematotoxScore)
    cytopenia: Cytopenia = field(default_factory=Cytopenia)
    icaht: Icaht = field(default_factory=Icaht)
    infection: NeutropenicInfection = field(default_factory=NeutropenicInfection)


@dataclass(frozen=True)
class AmlPanel(BloodPanel):
    """Acute myeloid leukaemia: besides, response by ELN 2022; counts for longer."""

    cytopenia: LongCytopenia = field(default_factory=LongCytopenia)
    response: AmlResponse = field(default_factory=AmlResponse)


@dataclass(frozen=True)
class AllPanel(BloodPanel):
    """B-cell acute lymphoblastic leukaemia: besides, response by ELN 2024 and B-cell aplasia."""

    response: AllResponse = field(default_factory=AllResponse)
    b_cells: BCellAplasia = field(default_factory=BCellAplasia)


@dataclass(frozen=True)
class LymphomaPanel(BloodPanel):
    """Large B-cell lymphoma: besides, a proxy of the Lugano criteria and B-cell aplasia."""

    response: LymphomaResponse = field(default_factory=LymphomaResponse)
    b_cells: BCellAplasia = field(default_factory=BCellAplasia)
