"""Designs that climb one chain of nodes: what they share.

The chain is the whole dose space where it is a ladder, or a path through a partial order.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Ints
from carwright.trial.design import Design
from carwright.trial.space import DoseSpace


@dataclass(frozen=True)
class OnPath(Design):
    """A design on a chain of nodes.

    A subclass is a frozen, keyword-only dataclass; it answers `decide_on_path` and `select_on_path` for batches
    whose columns are the nodes of the chain from the lowest to the highest.

    Parameters
    ----------
    dose_space
        The nodes.
    path
        Labels to climb, strictly rising in the order of the space; empty for all nodes of a ladder.

    Raises
    ------
    CarwrightError
        Naming every option that is not allowed, and every label that is unknown or out of order.
    """

    needs_path: ClassVar[bool] = True
    """Whether there must be a path; a design that moves on the whole partial order needs none."""

    dose_space: DoseSpace
    path: tuple[str, ...] = option.labels(
        "Nodes to climb, from the lowest to the highest; all nodes where the dose space is a ladder.",
        source="the study's dose space",
    )

    def __post_init__(self) -> None:
        option.check_options(self, f"design {self.name}", "design")
        if not self.path and self.space.chain:
            object.__setattr__(self, "path", self.space.chain)
        problems = Problems()
        if self.needs_path:
            check_path(self.space, self.path, problems)
            problems.raise_if_any()
        self.check(problems)
        problems.raise_if_any()

    def check(self, problems: Problems) -> None:
        """Record what options do not fit together; nothing unless a design says so."""

    @property
    def space(self) -> DoseSpace:
        """The nodes that the design moves on."""
        return self.dose_space

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """Columns of the path's nodes in the dose space."""
        return tuple(self.space.columns[label] for label in self.path)

    @abstractmethod
    def decide_on_path(self, batch: Batch) -> Decisions:
        """Decide for a batch whose columns are the nodes of the path."""

    @abstractmethod
    def select_on_path(self, batch: Batch) -> Ints:
        """Place on the path to recommend if the trial stopped now, -1 for none; see `Design.select_batch`."""

    def decide_batch(self, batch: Batch) -> Decisions:
        """Say what each of many trials does next."""
        found = self.decide_on_path(self._on_path(batch))
        if self._whole:
            return found
        place = np.array([*self.columns, NOBODY], dtype=np.int64)
        admissible = np.zeros(batch.patients.shape, dtype=np.bool_)
        admissible[:, self.columns] = found.admissible
        return Decisions(
            place[found.node],
            found.size,
            found.waits,
            place[found.recommended],
            admissible,
            found.reason,
            found.reasons,
            found.backfill,
        )

    def select_batch(self, batch: Batch) -> Ints:
        """Column that each trial would recommend if it stopped now."""
        place = np.array([*self.columns, NOBODY], dtype=np.int64)
        chosen: Ints = place[self.select_on_path(self._on_path(batch))]
        return chosen

    @cached_property
    def _whole(self) -> bool:
        return self.columns == tuple(range(len(self.space.labels)))

    @cached_property
    def _closers(self) -> tuple[tuple[int, ...], ...]:
        """For each node of the path, columns off it that close it when they are closed: those below it."""
        labels = self.space.columns
        return tuple(
            tuple(labels[other] for other in self.space.below(label) if other not in self.path) for label in self.path
        )

    def _on_path(self, batch: Batch) -> Batch:
        if self._whole:
            return batch
        found = batch.columns(self.columns)
        if batch.closed.any():
            for place, closers in enumerate(self._closers):
                if closers:
                    found.closed[:, place] |= batch.closed[:, closers].any(axis=1)
        return found


def open_places(closed: Flags) -> Ints:
    """Number of leading nodes of a path that are open: a closed node closes those above it; shape (t,)."""
    count: Ints = np.logical_and.accumulate(~closed, axis=1).sum(axis=1)
    return count


def check_path(space: DoseSpace, path: tuple[str, ...], problems: Problems) -> None:
    """Record every label of a path that is unknown or does not lie above the one before."""
    known = ", ".join(space.labels)
    if not path:
        problems.add(
            "TRIAL020",
            "the escalation path is empty, and the dose space is no ladder",
            where="design, path",
            allowed=known,
            fix="give the nodes to climb, from the lowest to the highest",
        )
    unknown = [label for label in path if label not in space.columns]
    for label in unknown:
        unknown_node(space, label, "path", problems)
    for low, high in pairwise(() if unknown else path):
        if high not in space.above(low):
            problems.add(
                "TRIAL022",
                f"the path climbs from {low} to {high}, which the order does not place above it",
                where="design, path",
                found=" ".join(path),
                allowed="labels that rise in the order of the dose space",
                fix=f'correct the path, or add "{low} < {high}" to the order',
            )


def unknown_node(space: DoseSpace, label: str, key: str, problems: Problems) -> None:
    """Record that an option names a node that does not exist."""
    problems.add(
        "TRIAL021",
        "the design names a dose node that does not exist",
        where=f"design, {key}",
        found=label,
        allowed=", ".join(space.labels),
        fix="use a label of the dose space",
    )
