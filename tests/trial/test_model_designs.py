from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carwright.errors import CarwrightError
from carwright.trial.batch import Batch
from carwright.trial.design import Design, assert_consistent
from carwright.trial.designs.crm import Crm, TiteCrm
from carwright.trial.designs.efftox import EffTox
from carwright.trial.designs.pocrm import Pocrm
from carwright.trial.designs.wages_tait import WagesTait
from carwright.trial.exact import exact
from carwright.trial.model_design import ModelDesign
from carwright.trial.outcomes import parse_outcomes
from carwright.trial.patients import BernoulliPatients
from carwright.trial.registry import build_design
from carwright.trial.rules.stop_at import stop_at
from carwright.trial.rules.stop_when_toxic import stop_when_toxic
from carwright.trial.simulate import simulate
from carwright.trial.space import DoseNode, DoseSpace, ladder

DESIGNS: dict[str, tuple[str, dict[str, object]]] = {
    "crm": ("crm", {}),
    "crm, logistic, mean": ("crm", {"model": "logistic", "decides_by": "mean-probability"}),
    "crm, two parameters": ("crm", {"model": "logistic-2"}),
    "crm, likelihood": ("crm", {"method": "mle"}),
    "crm, by mean": ("crm", {"decides_by": "mean-probability"}),
    "tite-crm": ("tite-crm", {"cohort_size": 3}),
    "blrm": ("blrm", {"doses": [1, 2, 4, 8]}),
    "blrm, highest": ("blrm", {"doses": [1, 2, 4, 8], "choose": "highest"}),
    "efftox": ("efftox", {"doses": [1, 2, 4, 8]}),
    "pocrm": ("pocrm", {}),
    "wages-tait": ("wages-tait", {}),
}
SMALL = (
    "",
    "1NNN",
    "1TTT",
    "1NNT 2NTT",
    "1NNN 2NNN 3NNN 4NNN",
    "1NNN 2NNN 3NTT 2NNT",
    "1EEN 2EBN 3TTB",
    "1N",
    "2NT 1N",
)


@pytest.fixture(params=list(DESIGNS))
def design(request: pytest.FixtureRequest) -> Design:
    name, options = DESIGNS[request.param]
    return build_design(name, ladder(4), options)


@pytest.fixture(scope="module")
def crm_cases(reference: Path) -> list[dict[str, Any]]:
    results = json.loads((reference / "exact_oc.json").read_text())["results"]
    return [case for case in results if "CRM" in case["design"]]


def test_exact_characteristics_of_the_crm(crm_cases: list[dict[str, Any]]) -> None:
    assert crm_cases
    for case in crm_cases:
        design = Crm(
            ladder(4),
            skeleton=(0.05, 0.12, 0.25, 0.4),
            target=0.25,
            coherent=False,
            recommend="next",
            exceedance="normal",
        )
        stopped = design | stop_when_toxic(above=0.35, confidence=0.8) if "stop" in case["design"] else design
        found = exact(stopped | stop_at(12), dict(zip("1234", case["true_p"], strict=True)))
        recommended = [found.recommended[label] for label in (None, *"1234")]
        np.testing.assert_allclose(recommended, case["prob_recommend"], atol=1e-9)
        np.testing.assert_allclose(list(found.patients.values()), case["expected_n_at_dose"], atol=1e-8)
        np.testing.assert_allclose(list(found.dlts.values()), case["expected_tox_at_dose"], atol=1e-8)


def test_consistent_after_every_small_history(design: Design) -> None:
    for outcomes in SMALL:
        assert_consistent(design.fit(outcomes))
    cohorts = ["NNN", "NNT", "NTT", "TTT"]
    for first, second in product(cohorts, repeat=2):
        state = design.fit(f"1{first}")
        if state.decision.node is not None:
            assert_consistent(design.fit(f"1{first} {state.decision.node}{second}"))


def test_probabilities_of_all_paths_sum_to_one(design: Design) -> None:
    effective = dict(zip("1234", (0.2, 0.4, 0.6, 0.7), strict=True)) if design.uses_responses else None
    found = exact(design | stop_at(9), dict(zip("1234", (0.05, 0.1, 0.3, 0.5), strict=True)), effective)
    assert sum(found.recommended.values()) == pytest.approx(1.0, abs=1e-12)
    assert sum(found.patients.values()) <= 9 + 1e-9


def test_without_toxicity_the_top_is_reached_and_with_nothing_else_it_is_not(design: Design) -> None:
    never, always = BernoulliPatients((0.0,) * 4, (1.0,) * 4), BernoulliPatients((1.0,) * 4, (0.0,) * 4)
    top = simulate(design, never, 3, 1)
    given = top.patients.sum(axis=0)
    if not design.uses_responses:  # with every node fully effective, these need not climb
        assert (top.recommended == 3).all()
        assert (given > 0).all()
    bottom = simulate(design, always, 3, 1)
    assert (bottom.recommended <= 0).all()
    assert bottom.patients[:, 1:].sum() == 0


@pytest.mark.parametrize("name", ["crm", "crm, by mean", "blrm", "efftox"])
def test_simulation_agrees_with_enumeration(name: str) -> None:
    kind, options = DESIGNS[name]
    cohort = 2 if kind == "efftox" else 3
    design = build_design(kind, ladder(4), options | {"cohort_size": cohort}, [{"stop_at": {"n": 3 * cohort}}])
    toxic, effective = (0.1, 0.2, 0.35, 0.5), (0.3, 0.5, 0.6, 0.7) if design.uses_responses else ()
    by_node = dict(zip("1234", effective, strict=True)) if effective else None
    truth = exact(design, dict(zip("1234", toxic, strict=True)), by_node)
    found = simulate(design, BernoulliPatients(toxic, effective), 4000, 7).characteristics()
    for label, probability in truth.recommended.items():
        spread = (probability * (1 - probability) / 4000) ** 0.5
        assert found.recommended[label] == pytest.approx(probability, abs=4 * spread + 1e-9)
    for label, patients in truth.patients.items():
        assert found.patients[label] == pytest.approx(patients, abs=0.2)


@pytest.mark.parametrize(
    "name",
    ["crm", "crm, logistic, mean", "crm, by mean", "crm, two parameters", "tite-crm", "blrm", "blrm, highest"],
)
def test_a_toxicity_never_raises_the_dose(name: str) -> None:
    """Over all tables of 0 to 2 patients at three nodes: one more toxicity, or one patient fewer without."""
    kind, options = DESIGNS[name]
    more_options = options | ({"doses": [1, 2, 4]} if kind == "blrm" else {})
    core = build_design(kind, ladder(3), {**more_options, "halt_on_death": False})
    tables = np.array(list(product([(n, y) for n in range(3) for y in range(n + 1)], repeat=3)))
    for last in range(3):
        n, y = tables[:, :, 0], tables[:, :, 1]
        base = _next(core, n, y, last)
        for level in range(3):
            one = np.eye(3, dtype=np.int64)[level]
            assert (_next(core, n + one, y + one, last) <= base).all()
            assert (_next(core, n + one, y, last) >= base).all()


def test_turning_a_patient_toxic_never_raises_the_dose_on_a_partial_order_of_one_order() -> None:
    """Over tables in which no node was skipped; one more patient would also extend what is within reach."""
    design = build_design("pocrm", ladder(3), {"halt_on_death": False})
    some = [(n, y) for n in range(4) for y in range(n + 1)]
    tables = np.array([rows for rows in product(some, repeat=3) if (np.diff([min(n, 1) for n, _ in rows]) <= 0).all()])
    n, y = tables[:, :, 0], tables[:, :, 1]
    base = _next(design, n, y, 0)
    for level in range(3):
        more = y + np.eye(3, dtype=np.int64)[level]
        room = more[:, level] <= n[:, level]
        assert (_next(design, n[room], more[room], 0) <= base[room]).all()


def _next(design: Design, n: np.ndarray, y: np.ndarray, last: int) -> np.ndarray:
    batch = Batch.empty(len(n), 3)
    many = replace(
        batch, patients=n, dlts=y, last=np.full(len(n), last), last_patients=n[:, last], last_dlts=0 * n[:, 0]
    )
    found = design.decide_batch(many)
    return np.asarray(found.node)


@given(st.lists(st.tuples(st.integers(1, 4), st.text("NT", min_size=1, max_size=3)), max_size=6))
@settings(max_examples=40, deadline=None)
def test_complete_follow_up_makes_tite_crm_the_crm(cohorts: list[tuple[int, str]]) -> None:
    outcomes = " ".join(f"{node}{letters}" for node, letters in cohorts)
    plain, tite = Crm(ladder(4)), TiteCrm(ladder(4), cohort_size=3)
    assert plain.fit(outcomes).decision == tite.fit(outcomes).decision


def test_pending_patients_count_by_their_follow_up() -> None:
    design = TiteCrm(ladder(3), skeleton=(0.1, 0.25, 0.4), target=0.25)
    batch = Batch.of(design.space, [parse_outcomes("1NNN 2NNN")])
    halves = replace(batch, pending_node=np.array([[1, 1, 1]]), pending_weight=np.array([[0.5, 0.5, 0.5]]))
    none = replace(halves, pending_weight=np.zeros((1, 3)))
    alone = Batch.of(design.space, [parse_outcomes("1NNN")])
    full, half, unseen, first = (
        design.estimates_on_path(b)["curve_at_estimate"][0] for b in (batch, halves, none, alone)
    )
    assert (full < half).all()
    assert (half < unseen).all()
    np.testing.assert_allclose(unseen, first, atol=1e-12)


def test_relabelled_doses_give_relabelled_decisions(design: Design) -> None:
    names = dict(zip("1234", ("low", "mid", "upper", "top"), strict=True))
    kind, options = next(entry for key, entry in DESIGNS.items() if build_design(*_args(entry)) == design)
    other = build_design(kind, ladder(tuple(names.values())), options)
    for outcomes in SMALL:
        history = parse_outcomes(outcomes)
        moved = tuple(replace(cohort, node=names[cohort.node]) for cohort in history)
        here, there = design.fit(history).decision, other.fit(moved).decision
        assert there.node == (None if here.node is None else names[here.node])
        assert there.admissible == tuple(names[label] for label in here.admissible)


def _args(entry: tuple[str, dict[str, object]]) -> tuple[str, DoseSpace, dict[str, object]]:
    return entry[0], ladder(4), entry[1]


def test_no_dose_is_skipped_and_none_follows_toxicity_upwards() -> None:
    free = Crm(ladder(5), skip_up=True, coherent=False)
    assert free.fit("1NNN").decision.node == "4"
    assert replace(free, skip_up=False).fit("1NNN").decision.node == "2"
    low = Crm(ladder(5), target=0.3, skeleton=(0.02, 0.05, 0.1, 0.2, 0.3), coherent=False)
    outcomes = "1NNNNNNNNN 2NNNNNNNNN 3NNT"
    assert low.fit(outcomes).decision.node == "4"
    assert replace(low, coherent=True).fit(outcomes).decision.node == "3"


def test_likelihood_climbs_until_the_first_toxicity() -> None:
    design = Crm(ladder(4), method="mle", skeleton=(0.05, 0.12, 0.25, 0.4), target=0.25)
    assert [design.fit(text).decision.node for text in ("1NNN", "1NNN 2NNN", "1NNN 2TTT", "2TTT")] == [
        "2",
        "3",
        "1",
        "1",
    ]


def test_overdose_control_of_the_published_example(reference: Path) -> None:
    case = json.loads((reference / "blrm.json").read_text())["cases"][1]
    doses = case["doses"]
    design = build_design(
        "blrm",
        ladder(15),
        {
            "doses": doses,
            "reference_dose": 250,
            "prior_means": case["prior_mu"],
            "prior_deviations": case["prior_sd"],
            "prior_correlation": 0.134 / (0.84 * 0.80),
            "target_interval": [0.2, 0.35],
            "choose": "highest",
            "skip_up": True,
        },
    )
    # Neuenschwander 2008: 0/3, 0/4, 0/5, 0/4 at 1, 2.5, 5, 10 mg and 2/2 at 25 mg; overdosing at .25 allows 20 mg.
    assert design.fit("1NNN 2NNNN 3NNNNN 4NNNN 7TT").decision.node == "6"


def test_efftox_stops_where_the_official_program_does(reference: Path) -> None:
    case = json.loads((reference / "efftox.json").read_text())["cases"][-1]
    means, deviations = zip(*case["prior_mean_sd"], strict=True)
    design = EffTox(
        ladder(4),
        doses=tuple(case["doses"]),
        prior_means=means,
        prior_deviations=deviations,
        least_efficacy=case["eff_cut"],
        most_toxicity=case["tox_cut"],
        efficacy_certainty=0.05,
        toxicity_certainty=0.05,
        contour=(case["eff0"], case["tox1"], case["eff_star"], case["tox_star"]),
    )
    outcomes = "3NTT 3ETT 2TTT"
    assert design.fit(outcomes).decision.node is None
    bare = replace(design, monotone_toxicity=False)
    assert bare.estimates(parse_outcomes(outcomes))["toxicity_acceptable"]["4"] > 0.05
    assert bare.fit(outcomes).decision.node == "4"
    assert design.fit("3NTT").decision.node == "3"  # node 1 is better, but 2 was not given and is not acceptable


def test_efftox_follows_the_published_path() -> None:
    design = EffTox(ladder(5), doses=(1, 2, 4, 6.6, 10))
    path = ("1NNN", "1NNN 2ENN", "1NNN 2ENN 3ETB")
    assert [design.fit(text).decision.node for text in path] == ["2", "3", "3"]
    assert design.estimates(parse_outcomes("1NNN"))["utility"]["3"] == pytest.approx(0.11136, abs=1e-4)


def test_partial_orders(reference: Path) -> None:
    case = json.loads((reference / "other_designs.json").read_text())["pocrm"]
    labels = [str(number) for number in range(1, 9)]
    space = DoseSpace(tuple(map(DoseNode, labels)), ("1 < 2 < 4 < 6 < 8", "1 < 3 < 5 < 7 < 8"))
    orders = [[str(number) for number in order] for order in case["orders"]]
    design = Pocrm(space, skeleton=tuple(case["skeleton"]), orders=orders, target=0.2)
    history = parse_outcomes(
        " ".join(f"{combo}{'T' if y else 'N'}" for combo, y in zip(case["combos"], case["y"], strict=True))
    )
    fit = design.fit_batch(Batch.of(space, [history]))
    np.testing.assert_allclose(fit.order_probability[0], case["ord_prob"], atol=6e-4)
    assert fit.order[0] + 1 == case["order_est"]
    assert fit.power[0] == pytest.approx(case["a_est"], abs=6e-3)
    np.testing.assert_allclose(fit.probability[0], case["ptox_est"], atol=6e-4)
    assert design.fit(history).decision.node == str(case["dose_rec"])


def test_orders_of_the_seed_trial(seed_space: DoseSpace) -> None:
    design = Pocrm(seed_space)
    assert set(design.all_orders) == {("1", "2", "-3", "3"), ("1", "-3", "2", "3")}
    climbing = ["", "1NNN", "1NNN 2NNN", "1NNN 2NNN -3NNN"]
    assert [design.fit(text).decision.node for text in climbing] == ["1", "2", "-3", "3"]
    decision = design.fit("1NNN 2NNN -3NNN 3TTT").decision
    assert decision.node in ("2", "-3")
    assert_consistent(design.fit("1NNN 2NTT"))


def test_phase_1_2_fits_of_wages_and_tait(reference: Path) -> None:
    case = json.loads((reference / "other_designs.json").read_text())["wages_tait"]
    design = WagesTait(
        ladder(4),
        toxicity_skeleton=(0.08, 0.15, 0.22, 0.29),
        efficacy_skeletons=case["eff_skeletons"],
        most_toxicity=0.5,
        least_efficacy=0.5,
        skip_up=True,
        recommend="next",
    )
    for fit in case["fits"]:
        found = design.estimates(parse_outcomes(fit["outcomes"]))
        np.testing.assert_allclose(list(found["toxicity_at_estimate"].values()), fit["mean_prob_tox"], atol=1e-5)
        np.testing.assert_allclose(list(found["efficacy_at_estimate"].values()), fit["mean_prob_eff"], atol=1e-5)
        if fit["is_randomising"]:
            np.testing.assert_allclose(list(found["random_allocation"].values()), fit["prob_administer"], atol=1e-5)
        else:
            node, expected = design.fit(fit["outcomes"]).decision.node, fit["recommended_if_not_randomising"]
            assert node == (None if expected is None else str(expected))


def test_middle_of_the_bands_is_the_dose(ladder: Callable[..., DoseSpace]) -> None:
    bands = ladder("a", "b", "c")
    given = build_design("blrm", bands, {"doses": [3**0.5 * 10.0**k for k in (6, 7, 8)]})
    derived = build_design("blrm", bands, {})
    for outcomes in ("aNNN", "aNNT bNNT", "aNNN bNNN cTTN"):
        assert given.fit(outcomes).decision == derived.fit(outcomes).decision


@pytest.mark.parametrize(
    ("name", "options", "codes"),
    [
        ("crm", {"target": 1.2}, {"TRIAL031"}),
        ("crm", {"skeleton": [0.3, 0.2, 0.1, 0.4]}, {"TRIAL202"}),
        ("crm", {"skeleton": [0.3, 0.2, 1.0]}, {"TRIAL201", "TRIAL202", "TRIAL205"}),
        ("crm", {"method": "mle", "model": "logistic-2", "exceedance": "normal"}, {"TRIAL206", "TRIAL209"}),
        ("crm", {"method": "mle", "decides_by": "mean-probability"}, {"TRIAL207"}),
        ("tite-crm", {"model": "logistic-2"}, {"TRIAL208"}),
        ("crm", {"start": "9"}, {"TRIAL024"}),
        ("blrm", {}, {"TRIAL217"}),
        ("blrm", {"doses": [4, 3, 2, 1]}, {"TRIAL214"}),
        ("blrm", {"doses": [1, 2, 3, 4], "target_interval": [0.4, 0.2]}, {"TRIAL216"}),
        ("efftox", {"doses": [1, 2, 3, 4], "contour": [0.7, 0.65, 0.5, 0.25]}, {"TRIAL275"}),
        ("pocrm", {"orders": [["1", "2", "3"], ["4", "3", "2", "1"]]}, {"TRIAL240"}),
        ("pocrm", {"order_weights": [1, 2]}, {"TRIAL241"}),
        ("wages-tait", {"efficacy_skeletons": [[0.1, 0.2], [0.1, 1.2, 0.3, 0.4]]}, {"TRIAL280"}),
    ],
)
def test_mistakes_are_named_all_at_once(name: str, options: dict[str, object], codes: set[str]) -> None:
    with pytest.raises(CarwrightError) as caught:
        build_design(name, ladder(4), options)
    assert {problem.code for problem in caught.value.problems} == codes


def test_estimates_are_named_by_node() -> None:
    design = Crm(ladder(4), skeleton=(0.05, 0.12, 0.25, 0.4), target=0.25)
    found = design.estimates(parse_outcomes("1NNN 2NTN"))
    assert isinstance(design, ModelDesign)
    assert set(found) == {"curve_at_estimate", "mean_probability", "interval_low", "interval_high"}
    assert list(found["mean_probability"]) == ["1", "2", "3", "4"]
    assert found["interval_low"]["2"] < found["curve_at_estimate"]["2"] < found["interval_high"]["2"]


def test_parameters_and_probabilities_come_from_the_model(reference: Path) -> None:
    case = json.loads((reference / "dfcrm.json").read_text())["crm"][4]
    design = Crm(ladder(5), skeleton=tuple(case["prior"]), target=case["target"])
    history = parse_outcomes("1NNN 2NNN 3NNT")
    found = design.parameters(history)
    assert found["beta"] == pytest.approx(case["exact_estimate"], abs=1e-9)
    assert found["variance"] == pytest.approx(case["exact_post_var"], abs=1e-9)
    batch = Batch.of(design.space, [history])
    # Under the model even a node that nobody was given has a posterior: it rises with dose.
    above = design.toxicity_above(batch, 0.35)[0]
    assert (np.diff(above) > 0).all()
    normal = replace(design, exceedance="normal").toxicity_above(batch, 0.35)[0]
    np.testing.assert_allclose(above, normal, atol=0.05)
    assert np.abs(above - normal).max() > 1e-4
