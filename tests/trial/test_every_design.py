"""What must hold for every design: a new one is tested here by being registered."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carwright.trial.batch import NOBODY, Batch
from carwright.trial.design import Design, assert_consistent
from carwright.trial.exact import exact
from carwright.trial.outcomes import Cohort, History
from carwright.trial.paths import enumerate_paths, operating_characteristics
from carwright.trial.patients import BernoulliPatients
from carwright.trial.registry import DESIGNS, build_design
from carwright.trial.simulate import simulate
from carwright.trial.space import DoseNode, DoseSpace
from carwright.trial.timeline import Timeline, simulate_timeline

REQUIRED: dict[str, dict[str, object]] = {"decision-table": {"rows": {3: "ESDX", 6: "EESDXXX", 9: "EEESSDXXXX"}}}
"""Options of the designs that have no default for all of them."""

LABELS = ("1", "2", "3")
TOXIC = (0.1, 0.25, 0.45)
ACTIVE = (0.2, 0.35, 0.5)
TRADES = ("boin12", "efftox", "wages-tait")
"""Designs that weigh response against toxicity: less toxicity may make a higher node lose."""


def space(labels: tuple[str, ...] = LABELS) -> DoseSpace:
    nodes = tuple(DoseNode(label, (1e7 * 2.0**rank, 1.5e7 * 2.0**rank)) for rank, label in enumerate(labels))
    return DoseSpace(nodes, (" < ".join(labels),))


def built(name: str, labels: tuple[str, ...] = LABELS, n: int = 9, **options: object) -> Design:
    return build_design(name, space(labels), {**REQUIRED.get(name, {}), **options}, [{"stop_at": {"n": n}}])


@pytest.fixture(params=list(DESIGNS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def truths(design: Design, labels: tuple[str, ...] = LABELS) -> tuple[dict[str, float], dict[str, float]]:
    del design
    return dict(zip(labels, TOXIC, strict=True)), dict(zip(labels, ACTIVE, strict=True))


def visited(design: Design, letters: str, cohorts: int, most: int = 400) -> list[History]:
    """Histories that a trial can have, cohort after cohort, a sample where there are many."""
    random = np.random.default_rng(1)
    found: list[History] = []
    level: list[History] = [()]
    for _ in range(cohorts):
        following: list[History] = []
        for history in level:
            decision = design.decide(history)
            if decision.node is None:
                continue
            seen = {"".join(sorted(one)) for one in product(letters, repeat=decision.cohort_size)}
            following += [(*history, Cohort(decision.node, one).canonical()) for one in sorted(seen)]
        if len(following) > most:
            following = [following[k] for k in sorted(random.choice(len(following), most, replace=False))]
        found += following
        level = following
    return found


def test_probabilities_of_all_paths_sum_to_one_and_agree_with_the_states(name: str) -> None:
    design = built(name, n=6)
    toxic, active = truths(design)
    found = exact(design, toxic, active)
    for shares in (found.recommended, found.sizes, found.reasons):
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-12)
    paths = enumerate_paths(design, toxic, response_probability=active)
    assert sum(path.probability for path in paths) == pytest.approx(1.0, abs=1e-12)
    assert len({path.history for path in paths}) == len(paths)
    listed = operating_characteristics(design, paths)
    assert listed.recommended == pytest.approx(found.recommended, abs=1e-12)
    assert listed.patients == pytest.approx(found.patients, abs=1e-12)
    assert listed.dlts == pytest.approx(found.dlts, abs=1e-12)
    assert listed.sizes == pytest.approx(found.sizes, abs=1e-12)


def test_consistent_wherever_a_trial_can_get(name: str) -> None:
    design = built(name)
    letters = "NETB" if design.uses_responses else "NT"
    for history in visited(design, letters, 3, most=60):
        assert_consistent(design.fit(history))


histories = st.lists(
    st.builds(Cohort, st.sampled_from(LABELS), st.text("NETB", min_size=1, max_size=4), st.integers(0, 1)), max_size=5
).map(tuple)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=histories)
def test_consistent_after_any_history(name: str, seen: History) -> None:
    """Not only after its own decisions: real trials deviate."""
    assert_consistent(built(name, n=30).fit(seen))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=histories)
def test_relabelling_relabels(name: str, seen: History) -> None:
    names = dict(zip(LABELS, ("low", "-2", "3a"), strict=True))
    one, two = built(name), built(name, tuple(names.values()))
    renamed = tuple(Cohort(names[cohort.node], cohort.letters, cohort.deaths) for cohort in seen)
    first, second = one.decide(seen), two.decide(renamed)
    assert second.node == names.get(first.node or "")
    assert second.recommended == names.get(first.recommended or "")
    assert second.cohort_size == first.cohort_size
    assert second.admissible == tuple(names[label] for label in first.admissible)
    chosen = one.selected(seen)
    assert two.selected(renamed) == names.get(chosen or "")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=st.lists(histories, min_size=2, max_size=6))
def test_trials_do_not_influence_each_other(name: str, many: list[History]) -> None:
    design = built(name, n=30)
    together = Batch.of(design.space, many)
    decisions, selected = design.decide_batch(together), design.select_batch(together)
    for row, history in enumerate(many):
        alone = Batch.of(design.space, [history])
        single = design.decide_batch(alone)
        assert decisions.node[row] == single.node[0]
        assert decisions.size[row] == single.size[0]
        assert decisions.recommended[row] == single.recommended[0]
        assert (decisions.admissible[row] == single.admissible[0]).all()
        assert selected[row] == design.select_batch(alone)[0]


def test_one_toxicity_more_never_leads_higher(name: str) -> None:
    """Over the histories that a trial can have: neither the next node nor the recommended one rises."""
    if name in TRADES:
        pytest.skip("this design weighs response against toxicity")
    design = built(name, n=12)
    rank = {None: -1, **{label: place for place, label in enumerate(LABELS)}}
    checked = 0
    for history in visited(design, "NT", 3, most=150):
        last = history[-1]
        if "N" not in last.letters:
            continue
        worse = (*history[:-1], Cohort(last.node, last.letters.replace("N", "T", 1)).canonical())
        fine, bad = design.decide(history), design.decide(worse)
        if fine.goes_on and bad.goes_on:
            assert rank[bad.node] <= rank[fine.node], (history, fine, bad)
        if not fine.goes_on and not bad.goes_on:
            assert rank[bad.recommended] <= rank[fine.recommended], (history, fine, bad)
        assert rank[design.selected(worse)] <= rank[design.selected(history)], history
        checked += 1
    assert checked >= 5


def test_a_safe_treatment_reaches_the_top_and_a_toxic_one_gets_nobody_above_the_lowest(name: str) -> None:
    design = built(name, n=18)
    bottom = simulate(design, BernoulliPatients((1.0,) * 3, (0.0,) * 3), 5, 1)
    assert (bottom.recommended <= 0).all()
    assert bottom.patients[:, 1:].sum() == 0
    if name not in TRADES:
        top = simulate(design, BernoulliPatients((0.0,) * 3, (1.0,) * 3), 5, 1)
        assert (top.recommended == 2).all()


def test_simulation_agrees_with_the_exact_result(name: str) -> None:
    design = built(name, n=6)
    toxic, active = truths(design)
    expected = exact(design, toxic, active)
    found = simulate(design, BernoulliPatients(TOXIC, ACTIVE), 4000, 3).characteristics()
    for key, share in expected.recommended.items():
        assert abs(found.recommended[key] - share) < 4 * (share * (1 - share) / 4000) ** 0.5 + 1e-9
    for label in LABELS:
        assert abs(found.patients[label] - expected.patients[label]) < 4 * found.errors["patients"][label] + 1e-9
        assert abs(found.dlts[label] - expected.dlts[label]) < 4 * found.errors["dlts"][label] + 1e-9


def test_trial_t_is_the_same_among_few_and_many(name: str) -> None:
    design, patients = built(name), BernoulliPatients(TOXIC, ACTIVE)
    few, many, other = (simulate(design, patients, trials, seed) for trials, seed in ((40, 5), (90, 5), (40, 6)))
    np.testing.assert_array_equal(few.patients, many.patients[:40])
    np.testing.assert_array_equal(few.recommended, many.recommended[:40])
    assert (few.dlts != other.dlts).any()
    if design.uses_follow_up:
        runs = [simulate_timeline(design, patients, trials, 5, Timeline(3.0)) for trials in (20, 50)]
        np.testing.assert_array_equal(runs[0].patients, runs[1].patients[:20])
        np.testing.assert_array_equal(runs[0].duration, runs[1].duration[:20])


PLAIN = {"tite-boin": "boin", "tite-crm": "crm", "bf-boin": "boin"}
"""Designs for pending patients or backfilling, and what they are without."""


@pytest.mark.parametrize("name", PLAIN)
def test_with_complete_follow_up_and_no_response_it_is_the_plain_design(name: str) -> None:
    special = built(name, cohort_size=3)
    plain = built(PLAIN[name], cohort_size=3)
    for history in visited(plain, "NT", 3, most=100):
        one, two = special.decide(history), plain.decide(history)
        assert (one.node, one.cohort_size, one.recommended, one.admissible) == (
            two.node, two.cohort_size, two.recommended, two.admissible
        )  # fmt: skip
        assert special.selected(history) == plain.selected(history)
    toxic, none = dict(zip(LABELS, TOXIC, strict=True)), dict.fromkeys(LABELS, 0.0)
    assert exact(special, toxic, none).recommended == pytest.approx(exact(plain, toxic, none).recommended, abs=1e-12)


def test_backfilling_never_happens_without_responses() -> None:
    patients = BernoulliPatients(TOXIC, (0.0,) * 3)
    one = simulate_timeline(built("bf-boin"), patients, 400, 2, Timeline(3.0))
    two = simulate_timeline(built("boin"), patients, 400, 2, Timeline(3.0))
    np.testing.assert_array_equal(one.patients, two.patients)
    np.testing.assert_array_equal(one.recommended, two.recommended)


def test_slow_accrual_makes_pending_designs_plain() -> None:
    """With one patient in a thousand windows nearly every window is over before the next patient comes."""
    patients = BernoulliPatients(TOXIC)
    for name, plain in PLAIN.items():
        one, two = (
            simulate_timeline(built(each, cohort_size=1), patients, 100, 4, Timeline(0.001)) for each in (name, plain)
        )
        same = (one.patients == two.patients).all(axis=1) & (one.recommended == two.recommended)
        assert same.mean() > 0.95


def test_a_design_without_follow_up_waits_for_what_could_change_its_mind(name: str) -> None:
    design = built(name, n=30)
    waiting = design.fit("1NNN(0.5)").decision
    if design.uses_follow_up:
        return
    assert_consistent(design.fit("1NNN(0.5)"))
    # Nobody is treated higher than if the pending patient turned out to have a toxicity.
    worst = design.fit("1NNT").decision
    if waiting.node is not None:
        assert waiting.node == worst.node
    else:
        assert waiting.waits


def test_what_pending_patients_cannot_change_is_decided_at_once() -> None:
    design = built("3+3")
    assert design.fit("1NNN 2TTN(0.3)").decision.recommended == "1"
    assert design.fit("1TTN(0.3)").decision.reason.startswith("two or more dose-limiting toxicities")
    assert design.fit("1NNNNNN 2TTN(0.3)").decision.recommended == "1"
    assert design.fit("1NNN 2NN(0.3)N").decision.waits
    assert built("boin").fit("1TTTN(0.5)").decision.reason == "the lowest node is too toxic"


def test_nobody_is_recommended_where_a_death_closed_every_node(name: str) -> None:
    design = built(name, n=30, halt_on_death=True)
    history = (Cohort("1", "T", deaths=1),)
    decision: Any = design.decide(history)
    assert decision.node is None
    assert decision.recommended is None
    assert design.select_batch(Batch.of(design.space, [history]))[0] == NOBODY
