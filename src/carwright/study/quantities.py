"""The quantities that a run summarises and that a study may compare with published facts, by name.

The names are the same in ``summary.json``, in the report, in the Python API and in the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Quantity:
    """One summarised quantity.

    Parameters
    ----------
    name
        Its name everywhere.
    label
        Its name for readers.
    unit
        Unit of the estimate.
    kind
        ``rate``: share of the patients named in the unit; ``median``: median over infused patients;
        ``probability``: one probability per dose node.
    """

    name: str
    label: str
    unit: str
    kind: Literal["rate", "median", "probability"]


def _rate(name: str, label: str, of: str = "infused") -> Quantity:
    return Quantity(name, label, f"fraction of {of}", "rate")


def _median(name: str, label: str, unit: str) -> Quantity:
    return Quantity(name, label, unit, "median")


QUANTITIES: dict[str, Quantity] = {
    quantity.name: quantity
    for quantity in (
        _rate("infused_fraction", "Enrolled patients who were infused", "enrolled"),
        _rate("dlt_rate", "Dose-limiting toxicity", "evaluable"),
        _rate("crs_grade_ge1", "CRS grade 1 or higher"),
        _rate("crs_grade_ge2", "CRS grade 2 or higher"),
        _rate("crs_grade_ge3", "CRS grade 3 or higher"),
        _rate("crs_grade_ge4", "CRS grade 4 or higher"),
        _rate("crs_death", "Death from CRS"),
        _rate("icans_grade_ge1", "ICANS grade 1 or higher"),
        _rate("icans_grade_ge3", "ICANS grade 3 or higher"),
        _rate("hlh_mas", "HLH/MAS"),
        _rate("psa30", "PSA fall of 30 % or more"),
        _rate("psa50", "PSA fall of 50 % or more"),
        _rate("psa90", "PSA fall of 90 % or more"),
        _rate("psa98", "PSA fall of 98 % or more"),
        _median("cmax_copies_per_ug", "Peak CAR-T in blood", "copies/ug DNA"),
        _median("tmax_days", "Day of the CAR-T peak in blood", "days"),
        _median("persistence_days", "Persistence of CAR-T in blood", "days"),
        _median("tumour_site_peak_cells", "Peak CAR-T in tumour", "cells"),
        _median("il6_peak", "Peak IL-6", "pg/mL"),
        _median("ifng_peak", "Peak IFN-gamma", "pg/mL"),
        _median("ferritin_peak", "Peak ferritin", "ng/mL"),
        _median("crp_peak", "Peak CRP", "mg/L"),
        _median("inhibitory_index_fold_day28", "Inhibitory molecules, day 28 over baseline", "fold"),
        _median("site_inhibition_day28", "Inhibition of CAR-T at the tumour site, day 28", "fraction"),
        _rate("antigen_low_relapse", "Relapse with antigen-low tumour"),
        _median("anc_below_500_days", "Days with neutrophils below 500/uL", "days"),
        _rate("complete_remission", "Remission: CR, CRh or CRi"),
        _rate("cr", "Complete remission or response (CR)"),
        _rate("crh", "CR with partial recovery of counts (CRh)"),
        _rate("cri", "CR with incomplete recovery of counts (CRi)"),
        _rate("mlfs", "Morphologic leukaemia-free state (MLFS)"),
        _rate("blasts_cleared", "Marrow blasts below 5 %: CR, CRh, CRi or MLFS"),
        _rate("overall_response", "Response, complete or partial"),
        _median("leukaemia_log_reduction", "Deepest fall of leukaemic cells", "powers of ten"),
        _rate("mrd_negative", "No measurable residual disease"),
        _rate("relapse", "Relapse", "responders"),
        _rate("relapse_antigen_low", "Relapse with antigen-low disease", "responders"),
        _rate("aplasia_day60", "Aplasia: neutrophils below 500/uL on day 60, or at death before"),
        _median("platelets_below_50_days", "Days with platelets below 50,000/uL", "days"),
        _median("days_alive_with_neutrophils", "Days alive with neutrophils at 500/uL or above", "days"),
        _rate("icaht_early_ge3", "Early haematotoxicity (ICAHT) grade 3 or higher"),
        _rate("icaht_late_ge3", "Late haematotoxicity (ICAHT) grade 3 or higher", "infused alive on day 31"),
        _rate("hematotox_high", "High risk of haematotoxicity before treatment"),
        _rate("sepsis", "Sepsis in neutropenia"),
        _rate("death_infection", "Death from infection in neutropenia"),
        _median("b_cell_aplasia_days", "Days without B cells, to day 180", "days"),
        _median("progression_free_days", "Progression-free time", "days"),
        Quantity("recommended_node", "Recommended dose", "probability", "probability"),
    )
}
