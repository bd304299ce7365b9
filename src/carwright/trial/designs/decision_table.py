"""A decision table of one's own: any rule that a committee has printed can be simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import Batch, Decisions, Ints
from carwright.trial.table_design import DEESCALATE, ELIMINATE, ESCALATE, STAY, TableDesign

LETTERS = {"E": ESCALATE, "S": STAY, "R": STAY, "D": DEESCALATE, "X": ELIMINATE}
"""Letters of a row: escalate, stay (S, or R for retain), de-escalate, de-escalate and eliminate."""


def _read(value: object) -> dict[int, str]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError
    rows: dict[int, str] = {}
    for n, row in value.items():
        patients = int(n) if isinstance(n, str) and n.isdigit() else n
        if isinstance(patients, bool) or not isinstance(patients, int) or patients < 1:
            raise ValueError
        if not isinstance(row, str) or not set(row) <= LETTERS.keys():
            raise ValueError
        rows[patients] = row
    return dict(sorted(rows.items()))


@dataclass(frozen=True, kw_only=True)
class DecisionTable(TableDesign):
    """A table of decisions by patients and toxicities at a node.

    A node is treated up to the next row of the table; when no row is left for the node to be treated, the trial
    ends.
    """

    name: ClassVar[str] = "decision-table"
    ends_by_itself: ClassVar[bool] = True

    rows: Mapping[int, str] = option.custom(
        MISSING,
        "For each number of patients at a node, one letter for 0, 1, 2 ... toxicities: E escalate, S stay, "
        "D de-escalate, X de-escalate and eliminate.",
        allowed="rows such as {3: ESDX, 6: EESDXXX}, with one letter more than patients",
        read=_read,
        source="the user",
    )
    elimination_cutoff: float = option.number(
        1.0,
        "A node is also eliminated when the probability that it is more toxic than the target exceeds this; 1 for "
        "never, so that the table alone decides.",
        low=0.5,
        high=1.0,
        source="the table says what to eliminate",
    )

    def check(self, problems: Problems) -> None:
        """Record rows with a hole."""
        super().check(problems)
        for n, row in self.rows.items():
            if len(row) != n + 1:
                problems.add(
                    "TRIAL026",
                    "the decision table has a hole",
                    where=f"design, rows, {n}",
                    found=f"{len(row)} letters for {n} patients",
                    allowed=f"{n + 1} letters, for 0 to {n} toxicities",
                    fix="complete the row",
                )

    def codes(self, n: Ints, y: Ints) -> Ints:
        """Look up the row; between rows nothing is decided, so the node is filled up."""
        codes = np.full(n.shape, STAY)
        for patients, row in self.rows.items():
            here = n == patients
            codes[here] = np.array([LETTERS[letter] for letter in row])[y[here]]
        return codes

    def decide_on_path(self, batch: Batch) -> Decisions:
        """Look up the current node, and treat up to the next row."""
        found = super().decide_on_path(batch)
        here = batch.patients[np.arange(batch.trials), found.node]
        following = self._following[np.minimum(here, self._following.size - 1)]
        going = ~found.over
        found.size[going] = (following - here)[going]
        ends = going & (following == 0)
        if not ends.any():
            return found
        chosen = found.node[ends] if self.recommend == "next" else self.select_on_path(batch.rows(ends))
        return found.stopped(ends, chosen, "the table has no row for more patients at the node to be treated next")

    @cached_property
    def _following(self) -> Ints:
        """Next larger row for each number of patients; 0 where there is none."""
        most = max(self.rows)
        return np.array([min((n for n in self.rows if n > here), default=0) for here in range(most + 1)])
