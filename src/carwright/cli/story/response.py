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


ASSESSED: dict[str, Callable[[dict[str, Any]], str]] = {"psa_best_change": _psa}
"""Column that an assessment writes -> its line."""
