"""From enrolment to infusion: who is never infused, why, and how long it takes.

Manufacturing failure, progression or death, and withdrawal compete. Trials differ widely in how many patients
they lose, so each population draw has its own probabilities: beta distributions fitted to six trials of
approved products (PMC8427697, table 2; `LOSSES`), by maximum likelihood of the beta-binomial distribution.
NCT03089203, which infused 13 of 18, takes no part in the fit. That losses in metastatic prostate cancer are
like those in lymphoma, leukaemia and myeloma is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carwright.population.streams import uniforms
from carwright.trial.settings import check_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOSSES = {
    "tisagenlecleucel, lymphoma": (165, 12, 38),
    "tisagenlecleucel, leukaemia": (92, 7, 10),
    "axicabtagene ciloleucel": (111, 1, 9),
    "lisocabtagene maraleucel": (344, 2, 48),
    "brexucabtagene autoleucel": (74, 3, 3),
    "idecabtagene vicleucel": (140, 1, 11),
}
"""Patients enrolled, products that failed, products made but not given (published: PMC8427697, table 2)."""

MANUFACTURING_FAILURE = "manufacturing_failure"
PROGRESSION = "progression"
WITHDRAWAL = "withdrawal"

_ALLOWED = {
    "failure_beta": (1e-3, 1e6),
    "loss_beta": (1e-3, 1e6),
    "withdrawal_share": (0.0, 1.0),
    "median_days": (1.0, 365.0),
    "log_sd": (0.0, 2.0),
}


@dataclass(frozen=True, slots=True)
class Attrition:
    """Probabilities of the losses between enrolment and infusion.

    Parameters
    ----------
    failure_beta
        Shape of the beta distribution of the probability of manufacturing failure (fitted to `LOSSES`: mean
        3.4 %).
    loss_beta
        Shape of the beta distribution of the probability that a product, once made, is not given (fitted:
        mean 12.2 %).
    withdrawal_share
        Share of those losses that is withdrawal; the rest is progression or death. Assumed.
    median_days, log_sd
        Log-normal time from enrolment to infusion. Published for tisagenlecleucel in children: 60 d,
        quartiles 50 and 80 (doi 10.1038/s41408-024-01038-2, table 3); that it holds here is assumed.

    Raises
    ------
    CarwrightError
        Naming every setting that is out of range.
    """

    failure_beta: tuple[float, float] = (1.262, 35.80)
    loss_beta: tuple[float, float] = (4.174, 30.10)
    withdrawal_share: float = 0.15
    median_days: float = 60.0
    log_sd: float = 0.348

    def __post_init__(self) -> None:
        check_ranges("attrition", self, _ALLOWED)

    def draw(self, seed: int, first: int, block: NDArray[np.integer]) -> Enrolment:
        """Draw what happens to the patients ``first`` to ``first + len(block) - 1``.

        Parameters
        ----------
        seed
            Root seed of the run.
        first
            Number of the first patient.
        block
            Population draw of each patient, shape (patients,).
        """
        from scipy.special import betaincinv, ndtri

        last = int(block.max(initial=-1)) + 1
        level = uniforms(seed, "attrition-population", 0, last, 2)
        failure = betaincinv(*self.failure_beta, level[:, 0])[block]
        loss = betaincinv(*self.loss_beta, level[:, 1])[block]
        own = uniforms(seed, "attrition", first, block.size, 5)
        failed = own[:, 0] < failure
        lost = ~failed & (own[:, 1] < loss)
        days = self.median_days * np.exp(self.log_sd * ndtri(own[:, 3]))
        reason = np.full(block.size, None, dtype=object)
        reason[lost] = np.where(own[lost, 2] < self.withdrawal_share, WITHDRAWAL, PROGRESSION)
        reason[failed] = MANUFACTURING_FAILURE
        # A failed product is known when it would have been released; other losses fall anywhere before the
        # infusion.
        dropout = np.where(failed, days, np.where(lost, own[:, 4] * days, np.nan))
        return Enrolment(~(failed | lost), reason, days, dropout)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Fates of patients between enrolment and infusion; arrays of shape (patients,).

    ``infused`` bool; ``not_infused_reason`` object, None for the infused; ``vein_to_vein_days`` from
    enrolment to the planned infusion; ``dropout_days`` from enrolment to the loss, NaN for the infused.
    """

    infused: NDArray[np.bool_]
    not_infused_reason: NDArray[np.object_]
    vein_to_vein_days: NDArray[np.float64]
    dropout_days: NDArray[np.float64]
