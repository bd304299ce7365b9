from __future__ import annotations

import json
from math import comb, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carwright.errors import CarwrightError
from carwright.trial.design import assert_consistent
from carwright.trial.designs.three_plus_three import ThreePlusThree
from carwright.trial.paths import enumerate_paths, operating_characteristics

VARIANTS = {"3+3 (no de-escalation)": False, "3+3 (allow_deescalate=TRUE)": True}


@pytest.mark.parametrize("variant", VARIANTS)
def test_published_exact_operating_characteristics(reference, ladder, variant):
    """Selection, patients, toxicities and number of paths of R package escalation 0.2.3, exact to 10 digits."""
    records = json.loads((reference / "exact_oc.json").read_text())["results"]
    chosen = [record for record in records if record["design"] == variant]
    assert len(chosen) == 3
    labels = ("1", "2", "3", "4")
    design = ThreePlusThree(ladder(*labels), labels, deescalate=VARIANTS[variant])
    for record in chosen:
        paths = enumerate_paths(design, dict(zip(labels, record["true_p"], strict=True)))
        exact = operating_characteristics(design, paths)
        assert len(paths) == record["n_terminal_paths"]
        assert [exact.recommended[key] for key in (None, *labels)] == pytest.approx(record["prob_recommend"], abs=1e-9)
        assert [exact.patients[key] for key in labels] == pytest.approx(record["expected_n_at_dose"], abs=1e-8)
        assert [exact.dlts[key] for key in labels] == pytest.approx(record["expected_tox_at_dose"], abs=1e-8)


probabilities = st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4)


@settings(deadline=None, max_examples=40)
@given(probabilities)
def test_closed_form(ladder, chances):
    """3+3 without de-escalation: g = b(0;3,p) + b(1;3,p) b(0;3,p) is the chance to pass a node (Storer 1989)."""
    labels = ("1", "2", "3", "4")
    design = ThreePlusThree(ladder(*labels), labels)
    exact = operating_characteristics(design, enumerate_paths(design, dict(zip(labels, chances, strict=True))))
    none = [(1 - p) ** 3 for p in chances]
    one = [comb(3, 1) * p * (1 - p) ** 2 for p in chances]
    passes = [zero * (1 + single) for zero, single in zip(none, one, strict=True)]
    reach = [prod(passes[:k]) for k in range(5)]
    assert exact.recommended[None] == pytest.approx(1 - passes[0], abs=1e-12)
    for k, label in enumerate(labels):
        stops = (1 - passes[k + 1]) if k < 3 else 1.0
        assert exact.recommended[label] == pytest.approx(reach[k + 1] * stops, abs=1e-12)
        assert exact.patients[label] == pytest.approx(reach[k] * (3 + 3 * one[k]), abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(probabilities, st.floats(0.0, 1.0))
def test_paths_are_complete_distinct_and_consistent(seed_design, chances, share):
    labels = seed_design.space.labels
    paths = enumerate_paths(seed_design, dict(zip(labels, chances, strict=True)), dict.fromkeys(labels, share))
    assert sum(path.probability for path in paths) == pytest.approx(1.0, abs=1e-12)
    assert len({path.history for path in paths}) == len(paths)
    for path in paths[:: max(1, len(paths) // 20)]:
        assert_consistent(seed_design.fit(path.history))


def test_a_safe_treatment_reaches_the_top_and_a_toxic_one_nothing(seed_design):
    labels = seed_design.space.labels
    (safe,) = enumerate_paths(seed_design, dict.fromkeys(labels, 0.0))
    assert (safe.outcomes, safe.recommended) == ("1NNN 2NNN 3NNN", "3")
    (toxic,) = enumerate_paths(seed_design, dict.fromkeys(labels, 1.0))
    assert (toxic.outcomes, toxic.recommended) == ("1TTT", None)


def test_the_path_of_the_seed_trial_and_its_probability(seed_design):
    """By hand: 0.9^3 * 0.8^3 at nodes 1 and 2; the first patient of node 3 dies; 0.9^6 at -3."""
    chances = {"1": 0.1, "2": 0.2, "3": 0.5, "-3": 0.1}
    paths = enumerate_paths(seed_design, chances, {"3": 0.4})
    (seed,) = [path for path in paths if path.outcomes == "1NNN 2NNN 3T -3NNNNNN"]
    assert seed.recommended == "-3"
    assert seed.probability == pytest.approx(0.9**3 * 0.8**3 * 0.5 * 0.4 * 0.9**6, rel=1e-12)


def test_a_death_closes_a_node_on_average_after_the_first(seed_space, seed_design):
    """With every DLT fatal, node 1 stops at the first DLT: expected patients (1 - q^3) / p with q = 1 - p."""
    chances = {"1": 0.3, "2": 1.0, "3": 1.0, "-3": 1.0}
    exact = operating_characteristics(seed_design, enumerate_paths(seed_design, chances, dict.fromkeys(chances, 1.0)))
    assert exact.patients["1"] == pytest.approx((1 - 0.7**3) / 0.3, rel=1e-12)
    assert exact.recommended == pytest.approx({None: 1 - 0.7**3, "1": 0.7**3, "2": 0.0, "3": 0.0, "-3": 0.0})


def test_mistakes_in_probabilities(seed_design):
    with pytest.raises(CarwrightError) as error:
        enumerate_paths(seed_design, {"1": 0.1, "2": 1.2, "4": 0.1}, {"1": -0.1})
    assert [problem.code for problem in error.value.problems] == ["TRIAL040", "TRIAL041", "TRIAL041"]
    assert "3 missing, -3 missing, 4 unknown" in str(error.value)
