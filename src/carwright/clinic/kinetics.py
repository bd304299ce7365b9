"""CAR-T kinetics in blood: peak, its day, and persistence above the assay's limit of quantification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Floats, for_patients_read, peak


@dataclass(frozen=True)
class KineticsAssay(Assessment):
    """The quantitative PCR of the transgene."""

    reads = ("car_copies_per_ug",)

    quantification_limit: float = number(
        25.0, "copies/ug", "assumed", "order of the limits of clinical qPCR assays of lentiviral CAR products"
    )

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give the columns of `kinetics_outcomes`."""
        return kinetics_outcomes(seen.times, seen.courses["car_copies_per_ug"], self)


def kinetics_outcomes(times: Floats, copies: Floats, assay: KineticsAssay) -> dict[str, Floats]:
    """Read peak and persistence of transgene copies in blood.

    Parameters
    ----------
    times, copies
        Days (k,) and copies per ug of DNA (n, k). Peak and days are read at these times, not between them.

    Returns
    -------
    dict
        ``cmax_copies_per_ug``; ``tmax_days``; ``persistence_days``, the last day at or above the limit of
        quantification (0 for a patient never above it), each (n,).
    """
    cmax, tmax = peak(times, copies)
    persistence = np.where(copies >= assay.quantification_limit, times, 0.0).max(axis=1)
    return {
        "cmax_copies_per_ug": cmax,
        "tmax_days": tmax,
        "persistence_days": for_patients_read(persistence, copies),
    }
