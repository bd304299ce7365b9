"""Response of acute myeloid leukaemia by the European LeukemiaNet, 2022.

Source: Doehner 2022, Blood 140:1345, doi 10.1182/blood.2022016867, table of response criteria. CRi is read as one
count recovered and the other not; a patient with neither has a morphologic leukaemia-free state. Trials differ here:
the same patients of a CLL-1 study stand as CRi in its preprint and as MLFS in the paper (Zhang 2022,
doi 10.1038/s41375-022-01703-0). `AmlResponse.recovered_counts` of 0 gives the looser reading.
"""

from __future__ import annotations

from dataclasses import dataclass

from carwright.clinic.leukaemia_response import DIFFERENTIAL, LeukaemiaResponse
from carwright.clinic.numbers import number

ELN2022 = "ELN 2022, Doehner 2022, doi 10.1182/blood.2022016867, response criteria"


@dataclass(frozen=True)
class AmlResponse(LeukaemiaResponse):
    """Limits of ELN 2022."""

    blasts: float = number(0.05, "1", "published", ELN2022)
    partial_blasts: float = number(0.25, "1", "published", ELN2022)
    partial_fall: float = number(0.5, "1", "published", ELN2022)
    neutrophils: float = number(1_000.0, "1/uL", "published", ELN2022)
    platelets: float = number(100_000.0, "1/uL", "published", ELN2022)
    partial_neutrophils: float = number(500.0, "1/uL", "published", ELN2022 + ": CRh")
    partial_platelets: float = number(50_000.0, "1/uL", "published", ELN2022 + ": CRh")
    recovered_counts: int = number(1, "1", "assumed", "CRi read as residual neutropenia or thrombocytopenia, not both")
    cellularity: float = number(
        0.2, "1", "assumed", "MLFS asks for a cellularity of 10 %, ELN 2022; a healthy adult marrow has about 50 %"
    )
    circulating: float = number(10.0, "1/uL", "assumed", DIFFERENTIAL)
    residual: float = number(
        1e-3, "1", "assumed", "0.1 % by flow cytometry, ELN 2021, doi 10.1182/blood.2021013626, not re-read"
    )
