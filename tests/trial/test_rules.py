"""Rules around designs: each does what it says, wherever a trial can get."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta

from carwright.errors import CarwrightError
from carwright.trial.batch import Batch
from carwright.trial.design import Decision, Design, assert_consistent
from carwright.trial.exact import exact
from carwright.trial.outcomes import Cohort, History, parse_outcomes
from carwright.trial.patients import BernoulliPatients
from carwright.trial.registry import RULES, build_design
from carwright.trial.simon import simon, two_stage
from carwright.trial.simulate import simulate
from carwright.trial.space import DoseNode, DoseSpace, ladder

SEED = DoseSpace(tuple(map(DoseNode, ("1", "2", "3", "-3"))), ("1 < 2 < 3", "1 < -3 < 3"))
AROUND = ("3+3", "boin", "crm", "boin12")
LABELS = ("1", "2", "3")
TOXIC = dict(zip(LABELS, (0.1, 0.3, 0.5), strict=True))
ACTIVE = dict(zip(LABELS, (0.2, 0.4, 0.5), strict=True))


def around(name: str, *rules: Any, n: int = 9, space: DoseSpace | None = None, **options: object) -> Design:
    stop = [] if name == "3+3" else [{"stop_at": {"n": n}}]
    return build_design(name, space or ladder(3), {"halt_on_death": False, **options}, [*stop, *rules])


def everywhere(design: Design, cohorts: int = 4, most: int = 150) -> list[tuple[History, Decision]]:
    """Histories that a trial can have, and what is decided after each."""
    letters = "NETB" if design.uses_responses else "NT"
    random = np.random.default_rng(2)
    found: list[tuple[History, Decision]] = [((), design.decide(()))]
    level = list(found)
    for _ in range(cohorts):
        following: list[History] = []
        for history, decision in level:
            if decision.node is not None:
                seen = sorted({"".join(sorted(one)) for one in product(letters, repeat=min(decision.cohort_size, 3))})
                following += [(*history, Cohort(decision.node, one)) for one in seen]
        if len(following) > most:
            following = [following[k] for k in sorted(random.choice(len(following), most, replace=False))]
        level = [(history, design.decide(history)) for history in following]
        found += level
    return found


def given(history: History) -> dict[str, int]:
    return {label: sum(c.patients for c in history if c.node == label) for label in LABELS}


REQUIRED: dict[str, dict[str, object]] = {"amendment": {"adds": ["3"]}}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", AROUND)
def test_every_rule_keeps_every_design_consistent(rule: str, name: str) -> None:
    """As for designs: a new rule is tested by being registered."""
    entry = {rule: REQUIRED.get(rule, {})}
    stop = [] if name == "3+3" else [{"stop_at": {"n": 9}}]
    rules = [entry, *stop] if rule == "amendment" else [*stop, entry]
    design = build_design(name, ladder(3), {}, rules)
    for history, _ in everywhere(design, 3, most=40):
        assert_consistent(design.fit(history))
    if rule != "two_stage":
        found = exact(design, TOXIC, ACTIVE)
        assert sum(found.recommended.values()) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", ["boin", "crm", "boin12"])
def test_stop_at(name: str) -> None:
    found = exact(around(name, n=8), TOXIC, ACTIVE)
    assert max(found.sizes) == 8
    ended = [entry for entry in everywhere(around(name, n=8)) if sum(c.patients for c in entry[0]) >= 8]
    assert ended
    assert all(not decision.goes_on for _, decision in ended)


@pytest.mark.parametrize("name", AROUND)
def test_stop_at_node(name: str) -> None:
    design = around(name, {"stop_at_node": {"n": 6}}, n=24)
    for history, decision in everywhere(design):
        if history and decision.node == history[-1].node:
            assert given(history)[decision.node] < 6


@pytest.mark.parametrize("name", AROUND)
def test_stop_when_toxic(name: str) -> None:
    design = around(name, {"stop_when_toxic": {"above": 0.3, "confidence": 0.8}}, n=12)
    stopped = 0
    for history, decision in everywhere(design):
        if decision.reason == "node 1 is too toxic":
            stopped += 1
            assert decision.recommended is None
            assert decision.admissible == ()
        elif name != "crm":  # which has a probability of its own
            n, y = given(history)["1"], sum(c.dlts for c in history if c.node == "1")
            assert sum(c.patients for c in history) < 3 or beta.sf(0.3, 1 + y, 1 + n - y) <= 0.8
    assert stopped > 3


@pytest.mark.parametrize("name", ["boin", "crm", "efftox"])
def test_no_skipping_and_coherence(name: str) -> None:
    options = {"crm": {"skip_up": True, "coherent": False}, "efftox": {"skip_up": True, "doses": [1, 2, 4]}}
    design = around(name, "no_skipping", "coherent", n=12, **options.get(name, {}))
    for history, decision in everywhere(design, most=60):
        if not history or decision.node is None:
            continue
        highest = max(int(cohort.node) for cohort in history)
        assert int(decision.node) <= highest + 1
        if history[-1].dlts:
            assert int(decision.node) <= int(history[-1].node)


@pytest.mark.parametrize("name", AROUND)
def test_overdose_control(name: str) -> None:
    design = around(name, {"overdose_control": {"above": 0.33, "confidence": 0.6}}, n=12)
    shut = 0
    for history, decision in everywhere(design):
        batch = Batch.of(design.space, [history])
        above = design.toxicity_above(batch, 0.33)[0]
        closed = [label for label, chance in zip(LABELS, above, strict=True) if chance > 0.6 and given(history)[label]]
        high = min((int(label) for label in closed), default=9)
        shut += bool(closed)
        for label in (decision.node, decision.recommended, design.selected(history)):
            assert label is None or int(label) < high, (history, decision)
    assert shut > 5


@pytest.mark.parametrize("name", AROUND)
def test_expansion_and_rescue(name: str) -> None:
    design = around(name, {"expansion": {"n": 9}}, {"rescue": {"n": 6}})
    ends = [entry for entry in everywhere(design, 6) if not entry[1].goes_on]
    assert ends
    for history, decision in ends:
        if decision.recommended is not None:
            assert given(history)[decision.recommended] >= 9
        else:
            assert given(history)["1"] >= 6


def test_fallback_is_the_one_of_the_3_plus_3() -> None:
    """The rule around a plain 3+3 gives what the option of the 3+3 gives."""
    options: dict[str, object] = {"path": ["1", "2", "3"], "halt_on_death": False}
    inside = build_design("3+3", SEED, {**options, "fallback": {"3": "-3"}})
    outside = build_design("3+3", SEED, options, [{"fallback": {"nodes": {"3": "-3"}}}])
    truth = {"1": 0.1, "2": 0.2, "3": 0.6, "-3": 0.3}
    one, two = exact(inside, truth), exact(outside, truth)
    assert one.recommended == pytest.approx(two.recommended, abs=1e-12)
    assert one.patients == pytest.approx(two.patients, abs=1e-12)


def test_amendment_of_the_seed_trial() -> None:
    """Before: 1, 2 and 3. When the trial would end below 3, the protocol adds -3, which then is part of the path."""
    design = build_design(
        "3+3", SEED, {"path": ["1", "-3", "3"]},
        [{"amendment": {"adds": ["-3"], "when": "ended", "before": {"path": ["1", "2", "3"]}}}],
    )  # fmt: skip
    assert design.fit("1NNN").decision.node == "2"
    assert design.fit("1NNN 2NNN").decision.node == "3"
    amended = design.fit("1NNN 2NNN 3TT").decision
    assert (amended.node, amended.cohort_size) == ("-3", 3)
    assert design.fit("1NNN 2NNN 3TT -3NNN").decision.recommended == "-3"
    assert design.fit("1NTT").decision.recommended is None
    for history, _ in everywhere_of_seed(design):
        assert_consistent(design.fit(history))


def everywhere_of_seed(design: Design) -> list[tuple[History, Decision]]:
    return [entry for entry in everywhere(design, 5, most=80) if entry[0]]


def test_amendments_by_number_and_by_toxicity_on_a_partial_order() -> None:
    """The POCRM never gives a node before it exists, and may afterwards."""
    for when, options in (("patients", {"n": 6}), ("toxicity", {})):
        rule = {"amendment": {"adds": ["-3"], "when": when, **options}}
        design = build_design("pocrm", SEED, {"halt_on_death": False}, [rule, {"stop_at": {"n": 18}}])
        before = after = 0
        for history, decision in everywhere(design, 4, most=80):
            late = sum(c.patients for c in history) >= 6 if when == "patients" else any(c.dlts for c in history)
            late = late or any(c.node == "-3" for c in history)
            if not late:
                assert decision.node != "-3"
                before += 1
            after += decision.node == "-3"
            assert_consistent(design.fit(history))
        assert before > 1
        assert after > 1


def test_a_dose_that_is_seldom_made_is_not_the_recommended_one() -> None:
    """Maximum tolerated and feasible dose: the third dose is safe, but only one product in four reaches it."""
    patients = BernoulliPatients((0.05, 0.08, 0.1), delivery=(1.0, 0.95, 0.25))
    rule = {"feasible": {"least": 0.6, "confidence": 0.8}}
    plain = simulate(around("boin", n=24), patients, 1000, 1)
    feasible = simulate(around("boin", rule, n=24), patients, 1000, 1)
    assert (plain.recommended == 2).mean() > 0.7
    assert (feasible.recommended == 2).mean() < 0.1
    assert feasible.undelivered is not None
    for row in range(0, 1000, 50):
        meant = feasible.patients[row] + feasible.undelivered[row]
        seldom = (beta.cdf(0.6, 1 + feasible.patients[row], 1 + feasible.undelivered[row]) > 0.8) & (meant >= 3)
        chosen = feasible.recommended[row]
        assert chosen < 0 or not seldom[: chosen + 1].any()


def test_replacements_are_geometric() -> None:
    """Products that fall short before one reaches the dose: mean (1 - q) / q, none where delivery is certain."""
    design = build_design("boin", ladder(2), {"start": "2"}, [{"stop_at": {"n": 3}}])
    found = simulate(design, BernoulliPatients((0.0, 0.0), delivery=(1.0, 0.4)), 20_000, 1)
    assert found.undelivered is not None
    short = found.undelivered[:, 1] / 3
    assert short.mean() == pytest.approx(0.6 / 0.4, abs=4 * short.std() / 20_000**0.5)
    assert short.var() * 3 == pytest.approx(0.6 / 0.4**2, rel=0.05)
    assert found.undelivered[:, 0].sum() == 0


def test_feasible_reads_outcome_strings() -> None:
    design = around("boin", {"feasible": {"least": 0.7, "confidence": 0.9}}, n=30)
    assert design.fit("1NNN 2NNN").decision.node == "3"
    assert design.fit("1NNN 2NNN 3N/5").decision.node == "2"
    assert design.fit("1N/6").decision.node is None


def test_a_prophylaxis_introduced_during_the_trial_changes_the_truth() -> None:
    """Toxicity 0.6 for the first six patients, 0.05 for the others: counts by hand."""
    design = build_design("boin", ladder(1), {"elimination_cutoff": 1.0}, [{"stop_at": {"n": 12}}])
    found = simulate(design, BernoulliPatients((0.6,), later=(0.05,), change_after=6), 20_000, 1)
    mean = found.dlts.mean()
    assert mean == pytest.approx(6 * 0.6 + 6 * 0.05, abs=4 * found.dlts.std() / 20_000**0.5)


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_two_stages_have_the_properties_of_simon(rate: float) -> None:
    """One dose without toxicity: the probability of a recommendation is that of Simon's design."""
    numbers = simon(0.1, 0.3, 0.05, 0.2).optimal
    rule = {
        "two_stage": {
            "first": numbers.first,
            "first_responses": numbers.first_responses,
            "n": numbers.patients,
            "responses": numbers.responses,
        }
    }
    design = build_design("boin", ladder(1), {}, [{"stop_at": {"n": 3}}, rule])
    found = exact(design, {"1": 0.0}, {"1": rate})
    simple = two_stage(numbers.first_responses, numbers.first, numbers.responses, numbers.patients, 0.05, rate)
    assert found.recommended["1"] == pytest.approx(simple.power, abs=1e-12)
    stops = sum(share for size, share in found.sizes.items() if size == numbers.first)
    other = two_stage(numbers.first_responses, numbers.first, numbers.responses, numbers.patients, rate, 0.99)
    assert stops == pytest.approx(other.stops_early, abs=1e-12)


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        ({"amendment": {}}, {"TRIAL039"}),
        ({"amendment": {"adds": ["9"]}}, {"TRIAL039"}),
        ({"amendment": {"adds": ["1", "2", "3"]}}, {"TRIAL039"}),
        ({"amendment": {"adds": ["3"], "before": {"targt": 0.3}}}, {"TRIAL032"}),
        ({"amendment": {"adds": ["3"], "when": "soon"}}, {"TRIAL031"}),
        ({"two_stage": {"first": 30}}, {"TRIAL038"}),
        ({"feasible": {"least": 1.5}}, {"TRIAL031"}),
        ({"fallback": {"nodes": {"3": "2"}}}, {"TRIAL023"}),
        ({"stop_when_toxic": {"node": "9"}}, {"TRIAL037"}),
    ],
)
def test_rules_that_do_not_fit(rule: dict[str, Any], codes: set[str]) -> None:
    with pytest.raises(CarwrightError) as caught:
        build_design("boin", ladder(3), {}, [rule])
    assert {problem.code for problem in caught.value.problems} == codes


def test_an_amendment_comes_first_and_rules_about_paths_need_one() -> None:
    with pytest.raises(CarwrightError, match="first of the rules"):
        build_design("boin", ladder(3), {}, [{"stop_at": {"n": 9}}, {"amendment": {"adds": ["3"]}}])
    with pytest.raises(CarwrightError, match="climbs a path"):
        build_design("pocrm", SEED, {}, ["no_skipping"])


def test_outcomes_that_are_undelivered_survive_the_way_through_a_batch() -> None:
    history = parse_outcomes("1NNT/2 2/1")
    batch = Batch.of(ladder(3), [history])
    again = Batch.of(ladder(3), [batch.history(0, ladder(3))])
    np.testing.assert_array_equal(batch.not_delivered, again.not_delivered)
    assert batch.not_delivered.tolist() == [[2, 1, 0]]
