"""AML against the few publications: ``python -m calibration.aml``.

Response is crude here: less than 5 % blasts among the marrow cells at any time from day 21 to day 60.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from calibration.courses import TIMES, courses, days_below, patients_of

Floats = NDArray[np.float64]

PATIENTS = 400
CELLS_PER_KG = 1.5e6
"""Jin 2022: 1-2e6/kg."""
ARMS = ("cll1", "cd33", "cd123", "cll1-or-cd33", "cd33-and-cll1", "adgre2-if-better-cll1")


def outcomes(
    construct: str, doses: Iterable[tuple[float, str, float]] = (), edited: tuple[str, ...] = (), share: float = 0.0
) -> dict[str, Floats]:
    """Response, aplasia and stem cells of each patient (n,) in one arm."""
    drawn = dict(patients_of("aml", construct, PATIENTS, edited=edited).values)
    drawn["edited_fraction"] = np.full(PATIENTS, share)
    got = courses("aml", drawn, CELLS_PER_KG * drawn["body_weight"], 500.0, doses=tuple(doses))
    count, blasts = got["neutrophils_per_ul"], got["blast_fraction"]
    late = (TIMES > 60.0) & (TIMES <= 120.0)
    return {
        "response": (blasts[:, (TIMES >= 21.0) & (TIMES <= 60.0)] < 0.05).any(axis=1),
        "nadir_below_500": count.min(axis=1) < 500.0,
        "days_below_500": days_below(count, 500.0),
        "aplasia_after_60": count[:, late].max(axis=1) < 500.0,
        "stem_cells": got["stem_cell_fraction"][:, TIMES >= 0.0].min(axis=1),
    }


def ordered_draws(first: Floats, second: Floats, size: int = 40, least: bool = False) -> float:
    """Share of draws of ``size`` patients in which the mean of the first is above (or at least) that of the second."""
    one, other = (values.astype(float).reshape(-1, size).mean(axis=1) for values in (first, second))
    return float(np.mean(one >= other - 1e-12 if least else one > other))


def main() -> None:
    """Print one line per arm, then the orderings."""
    found = {name: outcomes(name) for name in ARMS}
    found["cd33, graft with CD33 deleted in 88 %, day 14"] = outcomes(
        "cd33", [(14.0, "graft_stem_cells", 7.6e6)], ("CD33",), 0.88
    )
    found["cd33, suicide switch on day 20, graft on day 28"] = outcomes(
        "cd33", [(20.0, "suicide_switch", 1.0), (28.0, "graft_stem_cells", 5e6)]
    )
    columns = ("arm", "response", "below 500/uL ever", "days below 500/uL to day 60")
    columns += ("aplasia after day 60, responders", "stem cells left")
    print(f"| {' | '.join(columns)} |")
    print("|---|---|---|---|---|---|")
    for name, got in found.items():
        responders = got["response"].astype(bool)
        print(
            f"| {name} | {responders.mean():.2f} | {got['nadir_below_500'].mean():.2f} "
            f"| {np.median(got['days_below_500']):.0f} | {got['aplasia_after_60'][responders].mean():.2f} "
            f"| {np.median(got['stem_cells']):.3f} |"
        )
    days = {name: got["days_below_500"] for name, got in found.items()}
    print("cd33 > cll1 in days of aplasia:", ordered_draws(days["cd33"], days["cll1"]))
    for part in ("cll1", "cd33"):
        either = found["cll1-or-cd33"]
        print(f"or >= {part}: response", ordered_draws(either["response"], found[part]["response"], least=True),
              "aplasia", ordered_draws(days["cll1-or-cd33"], days[part], least=True))  # fmt: skip
        print(f"and <= {part}: aplasia", ordered_draws(days[part], days["cd33-and-cll1"], least=True))


if __name__ == "__main__":
    main()
