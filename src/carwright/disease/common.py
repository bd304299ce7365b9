"""Parts that the diseases share."""

from __future__ import annotations

from carwright.disease.disease import Section

SIGNS = ("temperature", "arterial_pressure", "oxygen_saturation", "encephalopathy")
"""Signs from which CRS and ICANS are graded."""

DRUGS = ("tocilizumab", "corticosteroid", "anakinra")
"""Drugs of supportive care; their presence hides fever."""

LABORATORY = ("ifn_gamma", "il6", "crp", "ferritin", "neutrophils_per_ul")
"""Blood values that every CAR-T patient is watched for."""

TOXICITY = (
    "infused_fraction",
    "dlt_rate",
    *(f"crs_grade_ge{grade}" for grade in (1, 2, 3, 4)),
    "crs_death",
    *(f"icans_grade_ge{grade}" for grade in (1, 3)),
    "hlh_mas",
)
"""Quantities of who is treated and what it does to them."""

KINETICS = ("cmax_copies_per_ug", "tmax_days", "persistence_days")
CYTOKINE_PEAKS = ("il6_peak", "ifng_peak", "ferritin_peak", "crp_peak")

HAEMATOTOXICITY = (
    *("anc_below_500_days", "days_alive_with_neutrophils", "platelets_below_50_days", "aplasia_day60"),
    *("icaht_early_ge3", "icaht_late_ge3", "hematotox_high", "sepsis", "death_infection"),
)
"""Quantities of what blood counts suffer, in diseases of the blood."""

RELAPSE = ("relapse", "relapse_antigen_low")

LEUKAEMIA_RESPONSE = (
    *("complete_remission", "cr", "crh", "cri", "mlfs", "blasts_cleared", "leukaemia_log_reduction", "mrd_negative"),
    *RELAPSE,
)
"""Quantities of what leukaemia does."""

MARROW = (
    *("platelets_per_ul", "monocytes_per_ul", "stem_cell_fraction", "progenitor_fraction", "graft_chimerism"),
    *("marrow_cellularity", "lymphocytes_per_ul"),
)
"""Courses of the marrow and what comes out of it."""

ANSWER = Section("answer", "Against the published trial", ("published",))
COMPARISON = Section("comparison", "With and without", ("comparators",))
DESIGNS = Section(
    "designs",
    "Choosing a design",
    ("dose_toxicity", "design_selection", "design_burden", "design_definitions"),
)
TRIAL = Section("trial", "The trial", ("recommendation", "paths", "tree", "duration", "funnel"))
