"""How the disease took the treatment, in one line for each assessment that the patient table holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from carwright.cli.output import number, percent


def responses(row: dict[str, Any]) -> list[str]:
    """Tell what was assessed in the patient of a row."""
    return [tell(row) for column, tell in ASSESSED.items() if column in row]


def _psa(row: dict[str, Any]) -> str:
    change = row["psa_best_change"]
    text = f"PSA {number(row['psa_baseline'])} ng/mL, "
    if change is None:
        return text + "no later value"
    text += f"best change {'-' if change < 0 else '+'}{percent(abs(change))}"
    day = row["psa_progression_day"]
    return text + ("; no progression seen" if day is None else f"; progression on day {number(day)}")


def _disease(row: dict[str, Any]) -> str:
    from carwright.clinic.leukaemia_response import CATEGORIES
    from carwright.clinic.lymphoma_response import CATEGORIES as OF_LYMPHOMA

    names = CATEGORIES if "mlfs" in row else OF_LYMPHOMA
    text = f"best response {names[int(row['response_category'])]}"
    if row["response_day"] is not None:
        text += f" on day {number(row['response_day'])}"
    if row["relapse"] is not None:
        low = ", antigen-low" if row["relapse_antigen_low"] else ""
        text += f"; relapse on day {number(row['relapse_day'])}{low}" if row["relapse"] else "; no relapse seen"
    return text


def _counts(row: dict[str, Any]) -> str:
    days, back = row["anc_below_500_days"], row["anc_recovery_day"]
    text = f"neutrophils below 500/uL for {number(days)} days, platelets below 50,000/uL for "
    text += f"{number(row['platelets_below_50_days'])}"
    text += "; neutrophils never came back" if back is None else f"; back on day {number(back)}" if back else ""
    text += f"; ICAHT grade {row['icaht_early']:.0f} early"
    text += "" if row["icaht_late"] is None else f", {row['icaht_late']:.0f} late"
    return text + ("; died of infection" if row["death_infection"] else "")


ASSESSED: dict[str, Callable[[dict[str, Any]], str]] = {
    "psa_best_change": _psa,
    "response_category": _disease,
    "anc_recovery_day": _counts,
}
"""Column that an assessment writes -> its line."""
