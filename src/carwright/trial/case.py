"""A design file: a design, and if wanted what was seen, what is true and how to simulate, in one mapping.

The keys of a design record (`carwright.trial.record`) describe the design; those of `Case` what it is asked. A design
file in YAML or JSON holds both, and the options of ``carwright design`` are the same keys.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from carwright.errors import CarwrightError, Problems
from carwright.trial.design import Design
from carwright.trial.fractionation import fractionate
from carwright.trial.outcomes import Cohort, History, parse_outcomes
from carwright.trial.record import RECORD_KEYS, design_of
from carwright.trial.space import DoseSpace
from carwright.yamlfile import nearest

MOST_PATIENTS = 10_000
"""Patients of one trial beyond which what was seen is refused."""

MOST_TRIALS = 1_000_000
"""Largest number of simulated trials."""

COUNTS = ("patients", "dlts", "responses", "both", "undelivered")
"""Keys of counts by node."""

KEYS = (
    *("outcomes", *COUNTS, "last", "window", "weights", "limits"),
    *(
        "truth",
        "response",
        "delivery",
        "later",
        "change_after",
        "hold",
        "held_truth",
        "held",
        "trials",
        "seed",
        "accrual",
    ),
)
"""Keys of a design file beside those of a design record."""


@dataclass(frozen=True)
class Case:
    """What a design is asked.

    Parameters
    ----------
    design
        The design.
    history
        What was seen.
    limits
        Probabilities of toxicity that part the unit interval; empty for none.
    truth, response, delivery
        True probabilities of dose-limiting toxicity, of response, and that a product reaches the dose, by label;
        None where not given.
    later, change_after
        True probabilities of dose-limiting toxicity once so many patients were treated, as when a prophylaxis is
        introduced; None for no change.
    trials
        Simulated trials; None for the default.
    seed
        Seed of the simulation.
    accrual
        Patients per window of observation; None without a calendar.
    """

    design: Design
    history: History
    limits: tuple[float, ...] = ()
    truth: dict[str, float] | None = None
    response: dict[str, float] | None = None
    delivery: dict[str, float] | None = None
    later: dict[str, float] | None = None
    change_after: int | None = None
    trials: int | None = None
    seed: int = 1
    accrual: float | None = None


def case_of(given: Mapping[str, Any], *, stops: bool = True) -> Case:
    """Read a design file.

    Parameters
    ----------
    given
        The mapping: keys of a design record, and `KEYS`.
    stops
        Whether a design that never ends by itself gets a largest number of patients.

    Raises
    ------
    CarwrightError
        Naming everything that is missing, unknown or not allowed.
    """
    problems = Problems()
    known = (*RECORD_KEYS, *KEYS)
    for key in given:
        if key not in known:
            problems.add(
                "TRIAL060",
                "a design file has no such key",
                where="design file",
                found=str(key),
                allowed=", ".join(known),
                fix=nearest(str(key), known) or "remove it",
            )
    design = None
    try:
        design = design_of({key: value for key, value in given.items() if key in RECORD_KEYS}, stops=stops)
    except CarwrightError as error:
        problems.extend(error)
    settings = _settings(given, problems)
    if design is None:
        problems.raise_if_any()
    assert design is not None  # noqa: S101  # a problem was raised otherwise
    for key in TRUTHS:
        settings[key] = _probabilities(given.get(key), design.space, key, problems)
    held = {key: _probabilities(given.get(key), design.space, key, problems) for key in ("hold", "held_truth")}
    history: History = ()
    try:
        history = _history(given, design.space)
    except CarwrightError as error:
        problems.extend(error)
    _fractionate(given, settings, held, problems)
    problems.raise_if_any()
    return Case(design, history, **settings)


TRUTHS = ("truth", "response", "delivery", "later")
"""Keys of probabilities by node."""


def _settings(given: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    def refuse(key: str, allowed: str) -> None:
        problems.add(
            "TRIAL063",
            f"{key} cannot be used",
            where=key,
            found=repr(given[key])[:80],
            allowed=allowed,
            fix="correct it, or leave it out",
        )

    found: dict[str, Any] = {}
    ranges = {"trials": (1, MOST_TRIALS), "seed": (0, 2**63 - 1), "change_after": (1, MOST_PATIENTS)}
    for key, (low, high) in ranges.items():
        value = given.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            refuse(key, f"a whole number, {low} to {high}")
        else:
            found[key] = value
    if (given.get("later") is None) != (given.get("change_after") is None):
        problems.add(
            "TRIAL063",
            "a change of the truth needs both the later truth and the number of patients before it",
            where="later, change_after",
            fix="give both, or neither",
        )
    accrual = given.get("accrual")
    if accrual is not None:
        if not _is_number(accrual) or not 1e-3 <= accrual <= 1e3:
            refuse("accrual", "patients per window of observation, 0.001 to 1000")
        else:
            found["accrual"] = float(accrual)
    limits = given.get("limits")
    if limits is not None:
        inside = isinstance(limits, Sequence) and not isinstance(limits, str) and all(map(_is_number, limits))
        if not inside or not all(0.0 < value < 1.0 for value in limits) or sorted(set(limits)) != list(limits):
            refuse("limits", "probabilities above 0 and below 1 that rise, such as 0.2,0.35,0.6")
        else:
            found["limits"] = tuple(map(float, limits))
    return found


def _fractionate(
    given: Mapping[str, Any], settings: dict[str, Any], held: dict[str, dict[str, float] | None], problems: Problems
) -> None:
    """Turn a truth with a hold rule into what the design sees of it."""
    count_as = given.get("held", "replaced")
    hold, part, whole = held["hold"], held["held_truth"], settings["truth"]
    if count_as not in ("replaced", "evaluable"):
        problems.add(
            "TRIAL063", "held cannot be used", where="held", found=repr(count_as)[:80], allowed="replaced or evaluable"
        )
    elif hold is not None and part is not None and whole is not None and settings["delivery"] is None:
        try:
            found = fractionate(whole, part, hold, all_count=count_as == "evaluable")
        except CarwrightError as error:
            problems.extend(error)
            return
        settings["truth"] = found.toxicity
        settings["delivery"] = found.delivery if count_as == "replaced" else None
    elif given.get("hold") is not None or given.get("held_truth") is not None:
        problems.add(
            "TRIAL063",
            "a hold rule needs the probability of holding, and the truth of the whole dose and of the part",
            where="hold, held_truth",
            allowed="hold, held_truth and truth, without delivery",
            fix="give all three, or neither hold nor held_truth",
        )


def by_node(value: object, space: DoseSpace, key: str, problems: Problems) -> dict[str, Any] | None:
    """One value per node, given as a list, as rows of a matrix, or by label; None if there is a mistake."""
    labels = space.labels
    if isinstance(value, Mapping):
        named = {str(label): each for label, each in value.items()}
        if set(named) == set(labels):
            return {label: named[label] for label in labels}
        found = f"values for {', '.join(named) or 'nothing'}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        flat: list[Any] = []
        for each in value:
            flat += each if isinstance(each, list | tuple) else [each]
        if len(flat) == len(labels):
            return dict(zip(labels, flat, strict=True))
        found = f"{len(flat)} values"
    else:
        found = repr(value)[:80]
    problems.add(
        "TRIAL040",
        f"{key} and the dose nodes do not match",
        where=key,
        found=found,
        allowed=f"{len(labels)} values, one for each of {', '.join(labels)}",
        fix="give one value for each node",
    )
    return None


def _probabilities(value: object, space: DoseSpace, key: str, problems: Problems) -> dict[str, float] | None:
    given = None if value is None else by_node(value, space, key, problems)
    if given is None:
        return None
    for label, chance in given.items():
        if not _is_number(chance) or not 0.0 <= chance <= 1.0:
            problems.add(
                "TRIAL041",
                f"the {key} of node {label} is not a probability",
                where=key,
                found=repr(chance)[:80],
                allowed="0 to 1",
                fix="correct the value",
            )
    return given


def _history(given: Mapping[str, Any], space: DoseSpace) -> History:
    problems = Problems()
    counted = [key for key in COUNTS if given.get(key) is not None]
    text = given.get("outcomes")
    if counted and text:
        problems.add(
            "TRIAL064",
            "what was seen is given twice",
            where="outcomes",
            found=f"outcomes, and {', '.join(counted)}",
            fix="give the outcome string, or the counts",
        )
    if text is not None and not isinstance(text, str):
        problems.add(
            "TRIAL065", "the outcomes are no text", where="outcomes", found=repr(text)[:80], allowed="1NNN 2NTT"
        )
    window, weights = given.get("window"), given.get("weights", "linear")
    if window is not None and not (_is_number(window) and 0.0 < window < math.inf):
        problems.add(
            "TRIAL231",
            "the observation window is not positive",
            where="window",
            found=repr(window)[:80],
            allowed="a number of days above 0",
            fix="correct the number of days",
        )
    problems.raise_if_any()
    if counted:
        return _counted(given, space)
    history = parse_outcomes(text or "", space.labels, window, str(weights))
    total = sum(cohort.patients + cohort.undelivered for cohort in history)
    if total > MOST_PATIENTS:
        problems.add(
            "TRIAL066", "a trial has too many patients", where="outcomes", found=f"{total}", allowed=f"{MOST_PATIENTS}"
        )
        problems.raise_if_any()
    return history


def _counted(given: Mapping[str, Any], space: DoseSpace) -> History:
    """One cohort per node from counts; the last node treated comes last."""
    problems, labels = Problems(), space.labels
    counts: dict[str, dict[str, int]] = {}
    for key in COUNTS:
        value = given.get(key)
        found = dict.fromkeys(labels, 0) if value is None else by_node(value, space, key, problems)
        counts[key] = found or dict.fromkeys(labels, 0)
        for label, count in counts[key].items():
            if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MOST_PATIENTS:
                problems.add(
                    "TRIAL067",
                    f"{key} at node {label} is no number of patients",
                    where=key,
                    found=repr(count)[:80],
                    allowed=f"a whole number, 0 to {MOST_PATIENTS}",
                    fix="correct the count",
                )
    problems.raise_if_any()
    patients, toxic, active, both, undelivered = (counts[key] for key in COUNTS)
    cohorts = {}
    for label in labels:
        n, y, e = patients[label], toxic[label], active[label]
        b = both[label] if given.get("both") is not None else max(0, y + e - n)
        if max(y, e) > n or not max(0, y + e - n) <= b <= min(y, e):
            problems.add(
                "TRIAL068",
                f"the counts at node {label} are impossible",
                where="counts",
                found=f"{n} patients, {y} with toxicity, {e} with response, {b} with both",
                allowed="no more with toxicity, response or both than patients",
                fix="correct the counts",
            )
        elif n or undelivered[label]:
            letters = "N" * (n - y - e + b) + "E" * (e - b) + "T" * (y - b) + "B" * b
            cohorts[label] = Cohort(label, letters, undelivered=undelivered[label])
    last = given.get("last")
    if last is not None and str(last) not in cohorts:
        problems.add(
            "TRIAL069",
            "the last node is none that was given",
            where="last",
            found=str(last),
            allowed=", ".join(cohorts),
            fix="name the node of the last cohort",
        )
    problems.raise_if_any()
    final = str(last) if last is not None else None
    return (*(cohort for label, cohort in cohorts.items() if label != final), *([cohorts[final]] if final else ()))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
