"""Exact operating characteristics: every path of a trial with its probability.

Patients are taken as independent with the same probability of dose-limiting toxicity at a node, and each as
observed before the next is infused (a rule that closes a node therefore acts at once).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from carwright.errors import Problems
from carwright.trial.design import Design
from carwright.trial.outcomes import Cohort, History, path_of

_Counts = tuple[int, int, int]
"""Patients without DLT, with a DLT that is not fatal, and with a fatal DLT."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way through a trial.

    ``history`` holds its cohorts, ``probability`` that of exactly these counts in this order of cohorts.
    """

    history: History
    probability: float
    recommended: str | None
    reason: str

    @property
    def outcomes(self) -> str:
        """Outcome string, such as ``1NNN 2NTT``."""
        return path_of(self.history)


@dataclass(frozen=True, slots=True)
class OperatingCharacteristics:
    """Exact properties of a design under given probabilities.

    ``recommended`` maps each node, and None for no node, to its probability; ``patients`` and ``dlts`` map
    each node to its expected number of evaluable patients and of dose-limiting toxicities.
    """

    recommended: dict[str | None, float]
    patients: dict[str, float]
    dlts: dict[str, float]


def enumerate_paths(
    design: Design, dlt_probability: Mapping[str, float], death_share: Mapping[str, float] | None = None
) -> list[Path]:
    """Every path of positive probability, in the order of a depth-first walk.

    Parameters
    ----------
    design
        The design.
    dlt_probability
        Probability of dose-limiting toxicity by node, for every node of the design's space.
    death_share
        Share of dose-limiting toxicities that are treatment-related deaths, by node; 0 where absent.

    Raises
    ------
    CarwrightError
        Naming every node without a probability, every unknown node, and every value outside 0 to 1.
    """
    death_share = death_share or {}
    _check(design, dlt_probability, death_share)
    paths: list[Path] = []
    stack: list[tuple[History, float]] = [((), 1.0)]
    while stack:
        history, probability = stack.pop()
        decision = design.decide(history)
        if decision.node is None:
            paths.append(Path(history, probability, decision.recommended, decision.reason))
            continue
        toxic, fatal = dlt_probability[decision.node], death_share.get(decision.node, 0.0)
        chances = (1.0 - toxic, toxic * (1.0 - fatal), toxic * fatal)
        cohorts = list(_cohorts(design, history, decision.node, decision.cohort_size, chances))
        stack.extend((((*history, cohort), probability * share)) for cohort, share in reversed(cohorts))
    return paths


def operating_characteristics(design: Design, paths: list[Path]) -> OperatingCharacteristics:
    """Sum over the paths that `enumerate_paths` found."""
    recommended: dict[str | None, float] = dict.fromkeys((None, *design.space.labels), 0.0)
    patients = dict.fromkeys(design.space.labels, 0.0)
    dlts = dict.fromkeys(design.space.labels, 0.0)
    for path in paths:
        recommended[path.recommended] += path.probability
        for cohort in path.history:
            patients[cohort.node] += path.probability * cohort.patients
            dlts[cohort.node] += path.probability * cohort.dlts
    return OperatingCharacteristics(recommended, patients, dlts)


def _cohorts(
    design: Design, history: History, node: str, size: int, chances: tuple[float, float, float]
) -> Iterator[tuple[Cohort, float]]:
    """Possible cohorts with their probabilities; orders of the same patients are merged."""
    running: dict[_Counts, float] = {(0, 0, 0): 1.0}
    for _ in range(size):
        grown: defaultdict[_Counts, float] = defaultdict(float)
        for counts, probability in running.items():
            for kind, chance in enumerate(chances):
                if chance > 0.0:
                    more = (
                        counts[0] + (kind == 0),
                        counts[1] + (kind == 1),
                        counts[2] + (kind == 2),
                    )
                    grown[more] += probability * chance
        running = {}
        for counts, probability in grown.items():
            cohort = _cohort(node, counts)
            if counts[2] and node in design.closes((*history, cohort)):
                yield cohort, probability
            else:
                running[counts] = probability
    for counts, probability in running.items():
        yield _cohort(node, counts), probability


def _cohort(node: str, counts: _Counts) -> Cohort:
    without, survived, fatal = counts
    return Cohort(node, "N" * without + "T" * (survived + fatal), fatal)


def _check(design: Design, dlt_probability: Mapping[str, float], death_share: Mapping[str, float]) -> None:
    problems = Problems()
    labels = design.space.labels
    missing = [label for label in labels if label not in dlt_probability]
    unknown = [label for label in (*dlt_probability, *death_share) if label not in labels]
    if missing or unknown:
        problems.add(
            "TRIAL040",
            "probabilities and dose nodes do not match",
            where="probabilities",
            found=", ".join([f"{label} missing" for label in missing] + [f"{label} unknown" for label in unknown]),
            allowed=", ".join(labels),
            fix="give one probability for each node",
        )
    for what, values in (("DLT probability", dlt_probability), ("share of deaths", death_share)):
        for label, value in values.items():
            if not 0.0 <= value <= 1.0:
                problems.add(
                    "TRIAL041",
                    f"the {what} at node {label} is not a probability",
                    where="probabilities",
                    found=f"{value:g}",
                    allowed="0 to 1",
                    fix="correct the value",
                )
    problems.raise_if_any()
