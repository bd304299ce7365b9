"""What rules share: a rule is a design around a design, and changes one or two of its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from carwright.errors import CarwrightError, Problem, Problems
from carwright.trial.batch import Batch, Decisions, Floats, Ints
from carwright.trial.design import Design
from carwright.trial.option import check_options
from carwright.trial.outcomes import History
from carwright.trial.space import DoseSpace


@dataclass(frozen=True)
class Rule(Design):
    """A design around a design; every answer is the inner one's unless a subclass says otherwise.

    A subclass is a frozen, keyword-only dataclass whose options are declared by `carwright.trial.option`.
    """

    inner: Design

    title: ClassVar[str]
    """Name of the rule in the registry."""

    stops: ClassVar[bool] = False
    """Whether every trial under this rule ends."""

    def __post_init__(self) -> None:
        check_options(self, f"rule {self.title}", "rules")
        problems = Problems()
        self.check(problems)
        problems.raise_if_any()

    def check(self, problems: Problems) -> None:
        """Record what does not fit together; nothing unless a rule says so."""

    @property
    def name(self) -> str:
        """Name of the wrapped design."""
        return self.inner.name

    @property
    def space(self) -> DoseSpace:
        """The nodes of the wrapped design."""
        return self.inner.space

    @property
    def uses_responses(self) -> bool:  # type: ignore[override]  # a rule answers as what it wraps
        """Whether responses change what the design does."""
        return self.inner.uses_responses

    @property
    def uses_follow_up(self) -> bool:  # type: ignore[override]  # as above
        """Whether the design decides while windows are incomplete."""
        return self.inner.uses_follow_up

    @property
    def uses_delivery(self) -> bool:  # type: ignore[override]  # as above
        """Whether products that fell short of their dose change what the design does."""
        return self.inner.uses_delivery

    @property
    def ends_by_itself(self) -> bool:  # type: ignore[override]  # as above
        """Whether the trial always ends."""
        return self.stops or self.inner.ends_by_itself

    @property
    def recommends_untried(self) -> bool:  # type: ignore[override]  # as above
        """Whether a node that nobody was given can be recommended."""
        return self.inner.recommends_untried

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design."""
        return self.inner.decide_batch(batch)

    def select_batch(self, batch: Batch) -> Ints:
        """Recommend as the wrapped design."""
        return self.inner.select_batch(batch)

    def toxicity_above(self, batch: Batch, limit: float) -> Floats:
        """Probability of more toxicity than ``limit``, as the wrapped design sees it."""
        return self.inner.toxicity_above(batch, limit)

    def estimates(self, history: History) -> dict[str, dict[str, float | None]]:
        """Estimates of the wrapped design."""
        return self.inner.estimates(history)

    def parameters(self, history: History) -> dict[str, float]:
        """Parameters of the wrapped design."""
        return self.inner.parameters(history)

    def closes(self, history: History) -> frozenset[str]:
        """Nodes that the wrapped design closes."""
        return self.inner.closes(history)


def core_of(design: Design) -> Design:
    """Return the design inside all rules."""
    while isinstance(design, Rule):
        design = design.inner
    return design


def rules_of(design: Design) -> tuple[Rule, ...]:
    """Rules around a design, the innermost first."""
    found: list[Rule] = []
    while isinstance(design, Rule):
        found.append(design)
        design = design.inner
    return tuple(reversed(found))


Wrap = Callable[[Design], Design]
"""What stands to the right of ``|``."""


def lowest_of(design: Design) -> str:
    """Label of the lowest node: first of the path, or the first that lies above no other."""
    path: tuple[str, ...] = getattr(core_of(design), "path", ())
    return path[0] if path else next(label for label in design.space.labels if not design.space.below(label))


def path_columns(design: Design, title: str) -> tuple[int, ...]:
    """Columns of the path that the design inside all rules climbs.

    Raises
    ------
    CarwrightError
        If it climbs none, so that a rule about steps of a path means nothing.
    """
    path: tuple[str, ...] = getattr(core_of(design), "path", ())
    if not path:
        problem = Problem(
            "TRIAL036",
            f"the rule {title} needs a design that climbs a path",
            "rules",
            design.name,
            "designs on a path",
            "remove the rule, or choose another design",
        )
        raise CarwrightError(problem)
    return tuple(design.space.columns[label] for label in path)
