"""The answer on page one: the verdict in one sentence, and the numbers it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from carwright.report.paired import Difference, differences
from carwright.report.published import comparisons
from carwright.report.run import STUDY_ARM, Run
from carwright.report.wording import grouped, listed, percent, points, span, with_interval, within_sentence

SEVERAL = 3
"""Comparators that are told one by one; of more, the arms with the most and the fewest responses."""


@dataclass(frozen=True)
class Card:
    """A number that is read first."""

    value: str
    label: str
    detail: str


def verdict(run: Run) -> str:
    """One sentence composed from the run's numbers."""
    clauses = [clause for clause in (_coverage(run), _recommendation(run), *_arms(run)) if clause]
    text = "; ".join(clauses) or "this run compares nothing and recommends nothing"
    return f"{text[0].upper()}{text[1:]}."


def cards(run: Run) -> list[Card]:
    """The same numbers, one by one, with what did not work first."""
    return [card for card in (_failures(run), _coverage_card(run), _recommended_card(run), *_arm_cards(run)) if card]


def _failures(run: Run) -> Card:
    outcomes = run.summary["outcomes"]
    failed, total = outcomes["failed_solves"], outcomes["solves"]
    return Card(
        value=grouped(failed),
        label="failed solve" if failed == 1 else "failed solves",
        detail=f"of {grouped(total)} (patient × node × arm)"
        + ("; left out of every number here, listed under Failures" if failed else ""),
    )


def _counts(run: Run) -> tuple[list[str], list[str]]:
    compared = [row for row in comparisons(run) if row.covered is not None]
    return (
        [within_sentence(row.label) for row in compared if row.covered],
        [within_sentence(row.label) for row in compared if not row.covered],
    )


def _coverage(run: Run) -> str:
    inside, outside = _counts(run)
    total = len(inside) + len(outside)
    if not total:
        return ""
    text = f"{len(inside)} of {total} published figures fall inside the 90 % predictive interval of a simulated trial"
    text = f"{text} (outside: {listed(outside)})" if outside else text
    return f"{text}, which a small trial leaves wide"


def _coverage_card(run: Run) -> Card | None:
    inside, outside = _counts(run)
    if not inside and not outside:
        return None
    return Card(
        value=f"{len(inside)} of {len(inside) + len(outside)}",
        label="published figures inside the 90 % predictive interval",
        detail=f"outside: {listed(outside)}",
    )


def _likeliest(run: Run) -> tuple[str, Mapping[str, float]] | None:
    by_node = run.quantities.get("recommended_node", {}).get("by_node") or {}
    if not by_node or len(run.nodes) == 1:  # of one dose, nothing is chosen
        return None
    # The first of equals in the study's order.
    order = [name for name in (*run.node_names, "none") if name in by_node]
    best = max(order, key=lambda name: by_node[name]["estimate"])
    label = next((node.label for node in run.nodes if node.name == best), "no node")
    return label, by_node[best]


def _recommendation(run: Run) -> str:
    found = _likeliest(run)
    if not found:
        return ""
    label, share = found
    share_text = with_interval(share, "probability")
    return f"the design most often recommends {label}, in {share_text} of trials"


def _recommended_card(run: Run) -> Card | None:
    found = _likeliest(run)
    if not found:
        return None
    label, share = found
    return Card(
        value=label,
        label="recommended most often",
        detail=f"in {percent(share['estimate'])} of simulated trials ({span(share, 'probability')})",
    )


def _headlines(run: Run) -> list[tuple[str, Difference]]:
    return [
        (arm, difference)
        for arm in run.comparators
        for difference in differences(run, arm)
        if difference.name == run.disease.headlines[0]
    ]


def _arms(run: Run) -> list[str]:
    found = _headlines(run)
    if len(found) > SEVERAL:
        best, least = _extremes(run, found)
        response = within_sentence(run.disease.response_label)
        most = f"of {len(found) + 1} arms “{best.label}” has the highest share of patients with {response}, {best.text}"
        return [f"{most}, and “{least.label}” the lowest, {least.text}"]
    return [
        f"{run.disease.response_label} is {points(abs(difference.estimate)).lstrip('+')} percentage points"
        f" {'higher' if difference.estimate >= 0 else 'lower'} in “{run.arm_label(arm)}” than in"
        f" “{run.arm_label(STUDY_ARM)}” ({points(difference.low)} to {points(difference.high)}"
        f"{'' if difference.clear else ', which includes no difference'})"
        for arm, difference in found
    ]


@dataclass(frozen=True)
class _Share:
    """Share of patients who respond in one arm."""

    label: str
    interval: Mapping[str, float]
    unit: str

    @property
    def text(self) -> str:
        return with_interval(self.interval, self.unit)


def _extremes(run: Run, found: list[tuple[str, Difference]]) -> tuple[_Share, _Share]:
    """The arms in which most and fewest patients respond, the study's own among them."""
    of_arms = {STUDY_ARM: found[0][1].study} | {arm: difference.comparator for arm, difference in found}
    shares = [_Share(run.arm_label(arm), share, found[0][1].unit) for arm, share in of_arms.items()]
    shares.sort(key=lambda share: share.interval["estimate"])
    return shares[-1], shares[0]


def _arm_cards(run: Run) -> list[Card]:
    found = _headlines(run)
    if len(found) > SEVERAL:
        return [
            Card(
                value=percent(share.interval["estimate"]),
                label=f"{run.disease.response_label}, {which} share",
                detail=f"“{share.label}” ({span(share.interval, share.unit)})",
            )
            for which, share in zip(("highest", "lowest"), _extremes(run, found), strict=True)
        ]
    return [
        Card(
            value=f"{points(difference.estimate)} points",
            label=f"{run.disease.response_label} in “{run.arm_label(arm)}”",
            detail=f"difference from “{run.arm_label(STUDY_ARM)}” on the same patients "
            f"({points(difference.low)} to {points(difference.high)})",
        )
        for arm, difference in found
    ]
