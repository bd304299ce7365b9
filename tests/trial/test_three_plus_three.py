from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.errors import CarwrightError
from carwright.trial.design import Decision, State, assert_consistent
from carwright.trial.designs.three_plus_three import ThreePlusThree
from carwright.trial.outcomes import Cohort
from carwright.trial.registry import build_design
from carwright.trial.rules.halt_on_death import HaltOnDeath

SEED_STEPS = [
    ("", "1", 3),
    ("1NNN", "2", 3),
    ("1NNN 2N", "2", 2),
    ("1NNN 2NNT", "2", 3),
    ("1NNN 2NNTN", "2", 2),
    ("1NNN 2NNTNNN", "3", 3),
    ("1NNN 2NNN 3NT", "3", 1),
    ("1NNN 2NNN 3TT", "-3", 3),
    ("1NNN 2NNN 3TTN -3NNN", "-3", 3),
]

SEED_ENDS = [
    ("1NNN 2NNN 3NNN", "3"),
    ("1NNN 2NNN 3NNTNNN", "3"),
    ("1NNN 2NNN 3TTN -3NNNNNN", "-3"),
    ("1NNN 2NNN 3TTN -3NNTNNN", "-3"),
    ("1NNN 2NNN 3TTN -3NTT", "2"),
    ("1NNN 2TTN", "1"),
    ("1NTT", None),
    ("1NNTNNT", None),
]


@pytest.mark.parametrize(("outcomes", "node", "size"), SEED_STEPS)
def test_next_cohort_of_the_seed_trial(seed_design, outcomes, node, size):
    state = seed_design.fit(outcomes)
    assert (state.decision.node, state.decision.cohort_size) == (node, size)
    assert_consistent(state)


@pytest.mark.parametrize(("outcomes", "recommended"), SEED_ENDS)
def test_ends_of_the_seed_trial(seed_design, outcomes, recommended):
    state = seed_design.fit(outcomes)
    assert not state.decision.goes_on
    assert state.decision.recommended == recommended
    assert_consistent(state)


def test_the_seed_flow_with_a_death(seed_design):
    """NCT03089203: one death at node 3, then six patients at -3 (facts: registry; Cancer Discov 2022;12:1406)."""
    death = (Cohort("1", "NNN"), Cohort("2", "NNN"), Cohort("3", "T", deaths=1))
    state = seed_design.fit(death)
    assert (state.decision.node, state.decision.cohort_size) == ("-3", 3)
    assert seed_design.closes(death) == {"3"}
    end = seed_design.fit((*death, Cohort("-3", "NNN"), Cohort("-3", "NNN")))
    assert end.decision.recommended == "-3"
    assert end.decision.reason == "node 3 was closed; fallback -3 was tolerated by 6 patients"
    for fitted in (state, end):
        assert_consistent(fitted)


def test_without_the_rule_a_death_is_one_dlt(seed_space):
    plain = build_design("3+3", seed_space, {"path": ["1", "2", "3"], "halt_on_death": False})
    decision = plain.fit((Cohort("1", "T", deaths=1),)).decision
    assert (decision.node, decision.cohort_size) == ("1", 2)
    assert plain.closes((Cohort("1", "T", deaths=1),)) == frozenset()


def test_deescalation_confirms_the_lower_node(ladder):
    design = ThreePlusThree(ladder("1", "2", "3"), ("1", "2", "3"), deescalate=True)
    assert design.fit("1NNN 2NNN 3TT").decision.reason == "confirm node 2 in 6 patients"
    assert design.fit("1NNN 2NNN 3TTN 2NNT").decision.recommended == "2"
    lower = design.fit("1NNN 2NNN 3TTN 2NTT").decision
    assert (lower.node, lower.cohort_size) == ("1", 3)
    assert design.fit("1NNN 2NNTNNN 3TTN").decision.recommended == "2"
    assert design.fit("1NNN 2TTN 1NTT").decision.recommended is None


def test_a_node_above_an_untolerated_one_is_never_given(seed_design):
    assert seed_design.fit("1NNN -3TT 2NNN").decision.recommended == "2"


histories = st.lists(
    st.builds(Cohort, st.sampled_from(["1", "2", "3", "-3"]), st.text("NTEB", max_size=6), st.integers(0, 1)),
    max_size=6,
).map(tuple)


@given(histories, st.booleans(), st.booleans())
def test_any_history_gives_a_consistent_state(seed_space, history, deescalate, halt):
    design = ThreePlusThree(seed_space, ("1", "2", "3"), {"3": "-3"}, deescalate)
    assert_consistent((design | HaltOnDeath if halt else design).fit(history))


@given(histories)
def test_relabelling_relabels(seed_space, ladder, history):
    names = {"1": "low", "2": "mid", "3": "high", "-3": "mid.ld"}
    design = ThreePlusThree(ladder("1", "2", "3", "-3"), ("1", "2", "3"))
    renamed = ThreePlusThree(ladder(*names.values()), ("low", "mid", "high"))
    one = design.decide(history)
    two = renamed.decide(tuple(Cohort(names[c.node], c.letters, c.deaths) for c in history))
    assert two.node == names.get(one.node)
    assert two.recommended == names.get(one.recommended)
    assert (two.cohort_size, two.admissible) == (one.cohort_size, tuple(names[label] for label in one.admissible))


def test_a_dlt_never_raises_and_a_non_dlt_never_lowers_the_recommendation(ladder):
    """Over all complete tables of three nodes; 'none' ranks lowest."""
    design = ThreePlusThree(ladder("1", "2", "3"), ("1", "2", "3"))
    rank = {None: 0, "1": 1, "2": 2, "3": 3}

    def recommended(table: tuple[str, ...]) -> int | None:
        decision = design.decide(tuple(Cohort(str(k + 1), letters) for k, letters in enumerate(table)))
        return None if decision.goes_on else rank[decision.recommended]

    cohorts = ["NNN", "NNNNNT", "NNNNTT", "NTT", "TTT"]
    compared = 0
    for table in itertools.product(cohorts, repeat=3):
        for place in range(3):
            worse = list(table)
            worse[place] = {"NNN": "NTT", "NNNNNT": "NNNNTT", "NNNNTT": "NNNTTT"}.get(table[place], "TTT")
            before, after = recommended(table), recommended(tuple(worse))
            if before is not None and after is not None:
                assert after <= before
                compared += 1
    assert compared == 375


def test_the_checker_finds_inconsistent_designs(seed_design):
    class Broken(ThreePlusThree):
        def decide(self, history, closed=frozenset()):
            return Decision(None, 2, "", "3", ("1",))

    broken = Broken(seed_design.space, ("1",))
    with pytest.raises(
        AssertionError, match=r"a reason is given.*a cohort has patients.*recommended node is admissible"
    ):
        assert_consistent(State(broken, ()))


def test_mistakes_in_the_options_are_all_named(seed_space):
    with pytest.raises(CarwrightError) as error:
        build_design("3+3", seed_space, {"path": "123", "fallbck": {3: -3}, "deescalate": "no"})
    text = str(error.value)
    assert [problem.code for problem in error.value.problems] == ["TRIAL031", "TRIAL031", "TRIAL032"]
    assert "did you mean 'fallback'?" in text


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"path": [1, 5]}, "TRIAL021"),
        ({"path": [1, 3, 2]}, "TRIAL022"),
        ({"path": [2, -3]}, "TRIAL022"),
        ({"path": [1, 2, 3], "fallback": {2: -3}}, "TRIAL023"),
        ({"path": [1, 2, 3], "fallback": {3: 2}}, "TRIAL023"),
        ({"path": []}, "TRIAL031"),
    ],
)
def test_paths_and_fallbacks_must_follow_the_order(seed_space, options, code):
    with pytest.raises(CarwrightError) as error:
        build_design("3+3", seed_space, options)
    assert {problem.code for problem in error.value.problems} == {code}


def test_an_unknown_design_suggests_the_nearest(seed_space):
    with pytest.raises(CarwrightError, match=r"did you mean '3\+3'"):
        build_design("3x3", seed_space, {})
