"""Potential outcomes: what would happen to every virtual patient at every dose node.

A patient exists before a design meets them. Designs, arms and adjudication rules replayed on the same table
are compared on the same patients.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PotentialOutcomes:
    """Outcomes of ``n`` patients at ``m`` nodes, the columns in the order of the dose space.

    Days count from the infusion, except where said otherwise.

    Parameters
    ----------
    dlt, dlt_day
        Dose-limiting toxicity within the window under one adjudication rule, and its day (NaN without); shape
        (n, m).
    death, death_day
        Treatment-related death, and its day (NaN without); shape (n, m).
    response
        Response that outcome strings show as E or B; shape (n, m).
    on_dose
        Whether the product reaches the assigned band; shape (n, m).
    failed
        Whether the solver failed, so that nothing is known; shape (n, m).
    block
        Population draw that the patient belongs to; shape (n,).
    infused, not_infused_reason, vein_to_vein_days, dropout_days
        As in `carwright.trial.attrition.Enrolment`; shape (n,).

    Raises
    ------
    ValueError
        If shapes differ, or a patient who is not infused has no day of dropout, or a death no day.
    """

    dlt: NDArray[np.bool_]
    dlt_day: NDArray[np.float64]
    death: NDArray[np.bool_]
    death_day: NDArray[np.float64]
    response: NDArray[np.bool_]
    on_dose: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    block: NDArray[np.integer]
    infused: NDArray[np.bool_]
    not_infused_reason: NDArray[np.object_]
    vein_to_vein_days: NDArray[np.float64]
    dropout_days: NDArray[np.float64]

    def __post_init__(self) -> None:
        per_patient = ("block", "infused", "not_infused_reason", "vein_to_vein_days", "dropout_days")
        shape = self.dlt.shape
        for field in fields(self):
            expected = shape[:1] if field.name in per_patient else shape
            found = getattr(self, field.name).shape
            if found != expected or len(shape) != 2:
                message = f"{field.name} has shape {found}, expected {expected}, from dlt with (patients, nodes)"
                raise ValueError(message)
        # A comparison with NaN is false, so these two also refuse days that are missing.
        if not (self.dropout_days[~self.infused] >= 0.0).all():
            message = "every patient who is not infused needs a day of dropout"
            raise ValueError(message)
        if not (self.death_day[self.death & ~self.failed] >= 0.0).all():
            message = "every death needs a day on or after the infusion"
            raise ValueError(message)

    @property
    def patients(self) -> int:
        """Number of patients."""
        return int(self.dlt.shape[0])

    def adjudicated(self, dlt: NDArray[np.bool_], dlt_day: NDArray[np.float64]) -> Self:
        """Return the same patients under another rule of what is dose-limiting."""
        return replace(self, dlt=dlt, dlt_day=dlt_day)
