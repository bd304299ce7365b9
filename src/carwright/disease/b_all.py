"""B-cell acute lymphoblastic leukaemia."""

from __future__ import annotations

from carwright.clinic.blood import AllPanel
from carwright.disease.common import (
    ANSWER,
    COMPARISON,
    CYTOKINE_PEAKS,
    DESIGNS,
    DRUGS,
    HAEMATOTOXICITY,
    KINETICS,
    LABORATORY,
    LEUKAEMIA_RESPONSE,
    MARROW,
    SIGNS,
    TOXICITY,
    TRIAL,
)
from carwright.disease.disease import Disease, Section

DISEASE = Disease(
    model="b-all",
    panel=AllPanel(),
    observables=(
        *("car_copies_per_ug", "car_cells_per_ul", "tumour_site_cells"),
        *("blast_fraction", "blasts_per_ul", "leukaemic_cells", "tumour_cells", "antigen_low_cells"),
        "b_cells_per_ul",
        *LABORATORY,
        *MARROW,
        *SIGNS,
        *DRUGS,
        *("il15", "il1"),
    ),
    quantities=(
        *TOXICITY,
        *LEUKAEMIA_RESPONSE,
        "b_cell_aplasia_days",
        *HAEMATOTOXICITY,
        *KINETICS,
        *CYTOKINE_PEAKS,
    ),
    response="complete_remission",
    response_label="Remission (CR or CRi)",
    headlines=("complete_remission", "aplasia_day60", "death_infection", "crs_grade_ge3", "dlt_rate"),
    sections=(
        ANSWER,
        COMPARISON,
        Section("response", "Response", ("remission", "antigen_loss")),
        Section("marrow", "Blood and marrow", ("blood_counts", "aplasia", "chimerism")),
        Section("cells", "CAR-T cells", ("expansion",)),
        Section("toxicity", "Toxicity and care", ("grades", "cytokines", "harms")),
        DESIGNS,
        TRIAL,
    ),
)
