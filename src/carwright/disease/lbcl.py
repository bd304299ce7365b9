"""Large B-cell lymphoma."""

from __future__ import annotations

from carwright.clinic.blood import LymphomaPanel
from carwright.disease.common import (
    ANSWER,
    COMPARISON,
    CYTOKINE_PEAKS,
    DESIGNS,
    DRUGS,
    HAEMATOTOXICITY,
    KINETICS,
    LABORATORY,
    MARROW,
    RELAPSE,
    SIGNS,
    TOXICITY,
    TRIAL,
)
from carwright.disease.disease import Disease, Section

DISEASE = Disease(
    model="lbcl",
    panel=LymphomaPanel(),
    observables=(
        *("car_copies_per_ug", "car_cells_per_ul", "tumour_site_cells"),
        *("tumour_cells", "antigen_low_cells"),
        "b_cells_per_ul",
        *LABORATORY,
        *MARROW,
        *SIGNS,
        *DRUGS,
        *("il15", "il1"),
    ),
    quantities=(
        *TOXICITY,
        *("overall_response", "cr"),
        *RELAPSE,
        "b_cell_aplasia_days",
        *HAEMATOTOXICITY,
        *KINETICS,
        *CYTOKINE_PEAKS,
    ),
    response="overall_response",
    response_label="Response",
    headlines=("overall_response", "aplasia_day60", "death_infection", "crs_grade_ge3", "dlt_rate"),
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
