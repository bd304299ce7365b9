"""Metastatic castration-resistant prostate cancer."""

from __future__ import annotations

from carwright.clinic.prostate import ProstatePanel
from carwright.disease.common import (
    ANSWER,
    COMPARISON,
    CYTOKINE_PEAKS,
    DESIGNS,
    DRUGS,
    KINETICS,
    LABORATORY,
    SIGNS,
    TOXICITY,
    TRIAL,
)
from carwright.disease.disease import Disease, Section

DISEASE = Disease(
    model="mcrpc",
    panel=ProstatePanel(),
    observables=(
        *("car_copies_per_ug", "tumour_site_cells", "tumour_cells", "antigen_low_cells"),
        *("inhibitory_index", "site_inhibition", "pd_l1", "tim_3", "tigit"),
        *LABORATORY,
        "psa",
        *SIGNS,
        *DRUGS,
        *("car_cells_per_ul", "antigen_positive_cells", "tgf_beta", "il15", "il1", "lymphocytes_per_ul"),
    ),
    quantities=(
        *TOXICITY,
        *("psa30", "psa50", "psa90", "psa98"),
        *KINETICS,
        "tumour_site_peak_cells",
        *CYTOKINE_PEAKS,
        *("inhibitory_index_fold_day28", "site_inhibition_day28", "antigen_low_relapse"),
        *("anc_below_500_days", "progression_free_days"),
    ),
    response="psa30",
    response_label="PSA30",
    headlines=("psa30", "crs_grade_ge3", "dlt_rate", "site_inhibition_day28"),
    sections=(
        ANSWER,
        COMPARISON,
        Section("response", "PSA response", ("waterfall", "spider", "swimmer", "progression")),
        Section("cells", "CAR-T cells", ("expansion", "infiltration")),
        Section("toxicity", "Toxicity and care", ("grades", "cytokines", "harms", "neutrophils")),
        Section("tumour", "Why it fails", ("inhibition", "tumour")),
        DESIGNS,
        TRIAL,
    ),
)
