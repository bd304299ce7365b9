"""Patients that a simulated trial can meet, whatever they are made of.

A patient exists before a design meets them: the same numbers decide what would happen at every node, so that
several designs can be compared on the same patients. `BernoulliPatients` toss coins; `VirtualPatients` are the
potential outcomes of the mechanistic model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from carwright.errors import CarwrightError, Problem
from carwright.population.streams import uniforms
from carwright.trial.batch import Flags, Floats, Ints
from carwright.trial.potential import PotentialOutcomes

BLOCK = 32
"""Patients of a trial whose random numbers are drawn together; changes no result."""


LEAST_DELIVERY = 0.05
"""Least probability that a product reaches the dose (assumed: a trial in which 19 of 20 are replaced ends)."""


class Patients(Protocol):
    """What a simulation asks of patients."""

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        ...

    def panel(self, seed: int, trials: int) -> Panel:
        """Patients of the trials 0 to ``trials - 1``, each trial with its own."""
        ...


class Panel(Protocol):
    """Patients of many trials, in the order in which each trial would enrol them."""

    def outcomes(self, trial: Ints, seat: Ints, node: Ints) -> tuple[Flags, Flags]:
        """Toxicity and response of the patient on a seat of a trial at a node (all (k,))."""
        ...

    def undelivered(self, trial: Ints, seat: Ints, node: Ints) -> Ints | None:
        """Patients who came before the one on this seat and whose product fell short; None if nobody ever does."""
        ...


@dataclass(frozen=True)
class BernoulliPatients:
    """Patients whose outcomes are coin tosses, independent of each other.

    Parameters
    ----------
    dlt, response
        Probability of dose-limiting toxicity and of response by node; no responses when empty. The same uniform
        number decides at all nodes, so a patient who has a toxicity at one node has it wherever it is more likely.
    delivery
        Probability that a patient's product reaches the dose, by node; always when empty. Who falls short is
        replaced. At least `LEAST_DELIVERY`, for otherwise a cohort is never complete.
    later, change_after
        Probability of dose-limiting toxicity by node from the patient number ``change_after`` (from 0) of a trial on,
        as when a prophylaxis is introduced; no change when empty.

    Raises
    ------
    CarwrightError
        Naming every list that is none of probabilities of the nodes.
    """

    dlt: Sequence[float]
    response: Sequence[float] = ()
    delivery: Sequence[float] = ()
    later: Sequence[float] = ()
    change_after: int = 0

    def __post_init__(self) -> None:
        if self.delivery and min(self.delivery) < LEAST_DELIVERY:
            problem = Problem(
                "TRIAL049",
                "a dose that is hardly ever reached cannot be studied",
                "delivery",
                ", ".join(f"{value:g}" for value in self.delivery),
                f"{LEAST_DELIVERY:g} to 1 for each node",
                "leave the node out",
            )
            raise CarwrightError(problem)
        for values in (self.dlt, self.response, self.delivery, self.later):
            if not all(0.0 <= value <= 1.0 for value in values) or len(values) not in (0, len(self.dlt)):
                problem = Problem(
                    "TRIAL044",
                    "these are not the probabilities of the nodes",
                    "patients",
                    ", ".join(f"{value:g}" for value in values),
                    "one number from 0 to 1 for each node",
                    "correct the list",
                )
                raise CarwrightError(problem)

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.dlt)

    def panel(self, seed: int, trials: int) -> Panel:
        """Patients of the trials 0 to ``trials - 1``."""
        return _Tosses(self, seed, trials)


class _Tosses:
    def __init__(self, patients: BernoulliPatients, seed: int, trials: int) -> None:
        self.seed, self.trials = seed, trials
        self.dlt = np.array(patients.dlt)
        self.later = np.array(patients.later or patients.dlt)
        self.change_after = patients.change_after
        self.response = np.array(patients.response)
        self.delivery = np.array(patients.delivery)
        self.drawn: dict[str, Floats] = {}

    def outcomes(self, trial: Ints, seat: Ints, node: Ints) -> tuple[Flags, Flags]:
        chance = np.where(seat < self.change_after, self.dlt[node], self.later[node])
        dlt = self.numbers("toxicity", trial, seat) < chance
        if not self.response.size:
            return dlt, np.zeros(dlt.shape, dtype=np.bool_)
        return dlt, self.numbers("response", trial, seat) < self.response[node]

    def undelivered(self, trial: Ints, seat: Ints, node: Ints) -> Ints | None:
        if not self.delivery.size:
            return None
        short = 1.0 - self.delivery[node]
        # Failures before the first success: geometric, by inversion.
        with np.errstate(divide="ignore"):
            failures = np.floor(np.log(self.numbers("delivery", trial, seat)) / np.log(short))
        found: Ints = np.where(short > 0.0, failures, 0.0).astype(np.int64)
        return found

    def numbers(self, what: str, trial: Ints, seat: Ints) -> Floats:
        """Uniform numbers of these seats; more are drawn when a trial gets that far."""
        have = self.drawn.get(what, np.empty((self.trials, 0)))
        while seat.size and have.shape[1] <= seat.max():
            more = uniforms(self.seed, f"trial-{what}:{have.shape[1] // BLOCK}", 0, self.trials, BLOCK)
            have = np.concatenate([have, more], axis=1) if have.size else more
            self.drawn[what] = have
        found: Floats = have[trial, seat]
        return found


@dataclass(frozen=True)
class VirtualPatients:
    """Patients of the mechanistic model.

    Trial t takes the patients of population draw t modulo the number of draws, in a keyed order of its own, as
    `carwright.trial.replay` does. Only patients who are infused, on dose and solved at every node take part; the
    replay also plays attrition and the calendar.

    Parameters
    ----------
    potential
        Their potential outcomes under one adjudication rule.
    """

    potential: PotentialOutcomes

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return int(self.potential.dlt.shape[1])

    def panel(self, seed: int, trials: int) -> Panel:
        """Patients of the trials 0 to ``trials - 1``.

        Raises
        ------
        CarwrightError
            If a population draw has no patient who takes part.
        """
        return _Rows(self.potential, seed, trials)


class _Rows:
    def __init__(self, potential: PotentialOutcomes, seed: int, trials: int) -> None:
        self.potential = potential
        takes_part = potential.infused & potential.on_dose.all(axis=1) & ~potential.failed.any(axis=1)
        blocks = [np.flatnonzero((potential.block == block) & takes_part) for block in np.unique(potential.block)]
        width = max(block.size for block in blocks)
        if min(block.size for block in blocks) == 0:
            problem = Problem(
                "TRIAL045",
                "a population draw has no patient who is infused on dose at every node",
                "patients",
                fix="draw larger populations",
            )
            raise CarwrightError(problem)
        keys = uniforms(seed, "trial-order", 0, trials, width)
        self.order = np.empty((trials, width), dtype=np.int64)
        self.size = np.empty(trials, dtype=np.int64)
        for first, block in enumerate(blocks):
            mine = np.arange(first, trials, len(blocks))
            ranks = np.argsort(keys[mine, : block.size], axis=1, kind="stable")
            self.order[mine, : block.size] = block[ranks]
            self.size[mine] = block.size

    def outcomes(self, trial: Ints, seat: Ints, node: Ints) -> tuple[Flags, Flags]:
        # A trial longer than its block meets the same patients again, in the same order.
        row = self.order[trial, seat % self.size[trial]]
        return self.potential.dlt[row, node], self.potential.response[row, node]

    def undelivered(self, trial: Ints, seat: Ints, node: Ints) -> Ints | None:
        del trial, seat, node
        return None
