"""Exact operating characteristics: every path of a trial with its probability.

Patients are taken as independent with the same probability of dose-limiting toxicity at a node, and each as
observed before the next is infused (a rule that closes a node therefore acts at once).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from carwright.errors import CarwrightError, Problem, Problems
from carwright.trial.batch import NOBODY, Batch
from carwright.trial.characteristics import OperatingCharacteristics
from carwright.trial.design import Design, decision_of
from carwright.trial.outcomes import Cohort, History, path_of

MOST_PATHS = 200_000
"""Paths beyond which enumeration is refused; `carwright.trial.exact` and simulation go further."""

_Counts = tuple[int, ...]
"""Patients of each kind of `_KINDS`."""

_KINDS = (("N", False), ("E", False), ("T", False), ("B", False), ("T", True), ("B", True))
"""Kinds of patients: letter, and whether a treatment-related death is among what was seen."""


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


def enumerate_paths(
    design: Design,
    dlt_probability: Mapping[str, float],
    death_share: Mapping[str, float] | None = None,
    response_probability: Mapping[str, float] | None = None,
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
    response_probability
        Probability of response by node, independent of toxicity; 0 where absent. Told apart only for designs
        that use responses.

    Raises
    ------
    CarwrightError
        Naming every node without a probability, every unknown node, and every value outside 0 to 1; or if there
        are more than `MOST_PATHS`.
    """
    check_probabilities(design, dlt_probability, death_share or {}, response_probability or {})
    chances = {
        label: _chances(
            toxic,
            (death_share or {}).get(label, 0.0),
            (response_probability or {}).get(label, 0.0) if design.uses_responses else 0.0,
        )
        for label, toxic in dlt_probability.items()
    }
    usual: dict[tuple[str, int], list[tuple[Cohort, float]]] = {}

    def cohorts(history: History, node: str, size: int) -> list[tuple[Cohort, float]]:
        if any(chances[node][4:]):  # a death may end the cohort, which depends on the history
            return list(_cohorts(design, history, node, size, chances[node]))
        if (node, size) not in usual:
            usual[node, size] = list(_cohorts(design, history, node, size, chances[node]))
        return usual[node, size]

    paths: list[tuple[tuple[int, ...], Path]] = []
    level: list[tuple[tuple[int, ...], History, float]] = [((), (), 1.0)]
    while level:
        batch = Batch.of(design.space, [history for _, history, _ in level])
        decisions = design.decide_batch(batch)
        going: list[tuple[tuple[int, ...], History, float, list[tuple[Cohort, float]]]] = []
        for row, (place, history, probability) in enumerate(level):
            if decisions.node[row] == NOBODY:
                decision = decision_of(decisions, row, batch, design.space)
                paths.append((place, Path(history, probability, decision.recommended, decision.reason)))
                continue
            node, size = design.space.labels[decisions.node[row]], int(decisions.size[row])
            going.append((place, history, probability, cohorts(history, node, size)))
        if len(paths) + sum(len(following) for *_, following in going) > MOST_PATHS:
            raise CarwrightError(_too_many())
        level = [
            ((*place, order), (*history, cohort), probability * share)
            for place, history, probability, following in going
            for order, (cohort, share) in enumerate(following)
        ]
    return [path for _, path in sorted(paths, key=lambda entry: entry[0])]


def operating_characteristics(design: Design, paths: list[Path]) -> OperatingCharacteristics:
    """Sum over the paths that `enumerate_paths` found."""
    labels = design.space.labels
    recommended: dict[str | None, float] = dict.fromkeys((None, *labels), 0.0)
    patients, dlts, responses = (dict.fromkeys(labels, 0.0) for _ in range(3))
    sizes: defaultdict[int, float] = defaultdict(float)
    reasons: defaultdict[str, float] = defaultdict(float)
    for path in paths:
        recommended[path.recommended] += path.probability
        reasons[path.reason] += path.probability
        sizes[sum(cohort.patients for cohort in path.history)] += path.probability
        for cohort in path.history:
            patients[cohort.node] += path.probability * cohort.patients
            dlts[cohort.node] += path.probability * cohort.dlts
            responses[cohort.node] += path.probability * (cohort.letters.count("E") + cohort.letters.count("B"))
    return OperatingCharacteristics(
        recommended, patients, dlts, responses, dict(sorted(sizes.items())), dict(sorted(reasons.items()))
    )


def _chances(toxic: float, fatal: float, response: float) -> tuple[float, ...]:
    well = 1.0 - toxic
    return (
        well * (1.0 - response),
        well * response,
        toxic * (1.0 - fatal) * (1.0 - response),
        toxic * (1.0 - fatal) * response,
        toxic * fatal * (1.0 - response),
        toxic * fatal * response,
    )


def _cohorts(
    design: Design, history: History, node: str, size: int, chances: tuple[float, ...]
) -> Iterator[tuple[Cohort, float]]:
    """Possible cohorts with their probabilities; orders of the same patients are merged."""
    possible = [kind for kind, chance in enumerate(chances) if chance > 0.0]
    running: dict[_Counts, float] = {(0,) * len(_KINDS): 1.0}
    for _ in range(size):
        grown: defaultdict[_Counts, float] = defaultdict(float)
        for counts, probability in running.items():
            for kind in possible:
                more = (*counts[:kind], counts[kind] + 1, *counts[kind + 1 :])
                grown[more] += probability * chances[kind]
        running = {}
        for counts, probability in grown.items():
            cohort = _cohort(node, counts)
            if cohort.deaths and node in design.closes((*history, cohort)):
                yield cohort, probability
            else:
                running[counts] = probability
    for counts, probability in running.items():
        yield _cohort(node, counts), probability


def _cohort(node: str, counts: _Counts) -> Cohort:
    letters = "".join(letter * count for (letter, _), count in zip(_KINDS, counts, strict=True))
    return Cohort(
        node, letters, sum(count for (_, died), count in zip(_KINDS, counts, strict=True) if died)
    ).canonical()


def _too_many() -> Problem:
    return Problem(
        "TRIAL042",
        "this design has too many paths to list",
        "paths",
        f"more than {MOST_PATHS:,}",
        "trials of few patients",
        "stop earlier with the rule stop_at, or simulate",
    )


def check_probabilities(
    design: Design,
    dlt_probability: Mapping[str, float],
    death_share: Mapping[str, float],
    response_probability: Mapping[str, float],
) -> None:
    """Refuse probabilities that are missing, unknown or no probabilities, all at once.

    Raises
    ------
    CarwrightError
        Naming all of them.
    """
    problems = Problems()
    labels = design.space.labels
    missing = [label for label in labels if label not in dlt_probability]
    unknown = [label for label in (*dlt_probability, *death_share, *response_probability) if label not in labels]
    if missing or unknown:
        problems.add(
            "TRIAL040",
            "probabilities and dose nodes do not match",
            where="probabilities",
            found=", ".join([f"{label} missing" for label in missing] + [f"{label} unknown" for label in unknown]),
            allowed=", ".join(labels),
            fix="give one probability for each node",
        )
    for what, values in (
        ("DLT probability", dlt_probability),
        ("share of deaths", death_share),
        ("response probability", response_probability),
    ):
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
