"""Values of patients nested in population draws, with the weights of how often each was treated."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def sums(group: NDArray[np.intp], values: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """Sum of the values in each group 0 to ``groups - 1``."""
    return np.asarray(np.bincount(group, values, groups), dtype=np.float64)


@dataclass(frozen=True)
class Sample:
    """Entries with a value and a positive weight, sorted by block.

    Parameters
    ----------
    value, weight, censored
        Shape (entries,).
    patient
        Patient of each entry, 0 to ``patients - 1``; entries of one patient at several nodes are not
        independent.
    block
        Block of each patient, 0 to ``blocks - 1``; shape (patients,).
    row
        Row of each patient in the given arrays; shape (patients,).
    label
        Label of each block in the given array; shape (blocks,).
    """

    value: NDArray[np.float64]
    weight: NDArray[np.float64]
    censored: NDArray[np.bool_]
    patient: NDArray[np.intp]
    block: NDArray[np.intp]
    row: NDArray[np.intp]
    label: NDArray[np.integer]

    @classmethod
    def of(
        cls,
        values: ArrayLike,
        block: ArrayLike,
        weights: ArrayLike | None = None,
        censored: ArrayLike | None = None,
    ) -> Sample:
        """Take entries from arrays; NaN is missing, and missing or weightless entries are left out.

        Parameters
        ----------
        values
            Shape (n,) or (n, m).
        block
            Shape (n,).
        weights, censored
            Shape of ``values``; every weight 1 and nothing censored when None.

        Raises
        ------
        ValueError
            If shapes differ or a weight is negative or not finite.
        """
        value = np.asarray(values, dtype=np.float64)
        weight = np.ones(value.shape) if weights is None else np.asarray(weights, dtype=np.float64)
        late = np.zeros(value.shape, dtype=bool) if censored is None else np.asarray(censored, dtype=bool)
        group = np.asarray(block)
        shapes = {value.shape, weight.shape, late.shape}
        if value.ndim not in (1, 2) or len(shapes) > 1 or group.shape != value.shape[:1]:
            message = (
                f"values {value.shape}, weights {weight.shape} and censored {late.shape} must be alike, (n,) or "
                f"(n, m), and block {group.shape} must be (n,)"
            )
            raise ValueError(message)
        if not (np.isfinite(weight).all() and (weight >= 0.0).all()):
            message = "weights must be finite and not negative"
            raise ValueError(message)
        keep = (weight > 0.0) & ~np.isnan(value)
        who = np.nonzero(keep)[0]
        patients, patient = np.unique(who, return_inverse=True)
        label, member = np.unique(group[patients], return_inverse=True)
        order = np.argsort(member[patient], kind="stable")
        return cls(
            value[keep][order],
            weight[keep][order],
            late[keep][order],
            patient[order],
            member,
            patients,
            label,
        )

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return self.value.size == 0

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return self.label.size

    @property
    def entry_block(self) -> NDArray[np.intp]:
        """Block of each entry."""
        return self.block[self.patient]

    @property
    def block_weight(self) -> NDArray[np.float64]:
        """Sum of the weights in each block; shape (blocks,)."""
        return sums(self.entry_block, self.weight, self.blocks)

    @property
    def patient_weight(self) -> NDArray[np.float64]:
        """Sum of the weights of each patient; shape (patients,)."""
        return sums(self.patient, self.weight, self.row.size)

    @property
    def concentration(self) -> NDArray[np.float64]:
        """Sum of squared shares of patients in their block's weight: 1 / effective patients (Kish 1965)."""
        return sums(self.block, self.patient_weight**2, self.blocks) / self.block_weight**2

    def slices(self) -> list[slice]:
        """Entries of each block."""
        edges = np.searchsorted(self.entry_block, np.arange(self.blocks + 1))
        return [slice(first, last) for first, last in pairwise(edges)]
