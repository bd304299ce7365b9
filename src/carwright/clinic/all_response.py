"""Response of acute lymphoblastic leukaemia by the European LeukemiaNet, 2024.

Source: Goekbuget 2024, Blood, response criteria for ALL, ashpublications.net/view-large/12204026. There is no CRh, and
CRi asks for no count, so that MLFS is never reached.
"""

from __future__ import annotations

from dataclasses import dataclass

from carwright.clinic.leukaemia_response import DIFFERENTIAL, LeukaemiaResponse
from carwright.clinic.numbers import number

ELN2024 = "ELN 2024 for ALL, response criteria, ashpublications.net/view-large/12204026"


@dataclass(frozen=True)
class AllResponse(LeukaemiaResponse):
    """Limits of ELN 2024; those of CRh are those of CR."""

    blasts: float = number(0.05, "1", "published", ELN2024)
    partial_blasts: float = number(0.25, "1", "published", ELN2024)
    partial_fall: float = number(0.5, "1", "published", ELN2024)
    neutrophils: float = number(1_000.0, "1/uL", "published", ELN2024)
    platelets: float = number(100_000.0, "1/uL", "published", ELN2024)
    partial_neutrophils: float = number(1_000.0, "1/uL", "published", ELN2024 + ": no CRh")
    partial_platelets: float = number(100_000.0, "1/uL", "published", ELN2024 + ": no CRh")
    recovered_counts: int = number(0, "1", "published", ELN2024 + ": CRi with residual cytopenia")
    cellularity: float = number(0.2, "1", "assumed", "of no effect: without counts, CRi comes before MLFS")
    circulating: float = number(10.0, "1/uL", "assumed", DIFFERENTIAL)
    residual: float = number(1e-4, "1", "published", ELN2024 + ": MRD failure above 0.01 %")
