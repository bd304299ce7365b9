"""Designs on the same virtual patients: what a separate run says, what must add up, and a truth known beforehand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from carwright.cli import story
from carwright.errors import CarwrightError
from carwright.pipeline.design_summary import Truth, designs_summary
from carwright.pipeline.designs import TABLE, infused_at, replayed_trial
from carwright.pipeline.outcomes import ArmOutcomes
from carwright.study import load_study, trial_settings
from carwright.trial.registry import build_design
from carwright.trial.space import DoseNode, DoseSpace

from .conftest import compute

NODES = ("1", "2", "3", "-3")
SPACE = DoseSpace(tuple(map(DoseNode, NODES)), ("1 < 2 < 3", "1 < -3 < 3"))
QUICK = ("population.patients_per_population=40", "comparators=[]", "trials=40")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return compute(tmp_path_factory.mktemp("runs") / "compared", *QUICK, threads=1)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return compute(tmp_path_factory.mktemp("runs") / "alone", *QUICK, "design=boin", "compare_designs=[]")


def test_a_compared_design_gives_what_its_own_run_gives(compared, alone):
    """Another process of the same study with the design as its own: the same trials, one by one."""
    assert "designs" not in alone.summary
    own = alone.table("trials")
    beside = compared.table(TABLE).filter(pl.col("design") == "boin")
    shared = [name for name in beside.columns if name in own.columns and name != "design"]
    assert {"recommended_node", "toxicity_path", "duration_days", "dlts"} <= set(shared)
    assert beside.select(shared).equals(own.select(shared))
    characteristics = compared.summary["designs"]["by_design"]["boin"]["protocol"]["characteristics"]
    for node, found in alone.summary["quantities"]["recommended_node"]["by_node"].items():
        entry = characteristics[f"recommends_{node}"]
        assert {key: entry[key] for key in ("estimate", "lo", "hi")} == found
    rate = alone.summary["quantities"]["dlt_rate"]["estimate"]
    assert characteristics["dlt_rate"]["estimate"] == pytest.approx(rate)


def test_the_own_design_is_that_of_the_run_and_differs_from_itself_by_nothing(compared):
    designs = compared.summary["designs"]
    assert designs["own"] == "3+3"
    assert list(designs["by_design"]) == ["3+3", "boin", "crm"]
    for rule in designs["rules"]:
        own = designs["by_design"]["3+3"][rule]
        for entry in own["differences"].values():
            assert (entry["estimate"], entry["lo"], entry["hi"]) == (0.0, 0.0, 0.0)
            assert entry["monte_carlo"] == {"lo": 0.0, "hi": 0.0}
        for node, found in compared.summary["adjudications"][rule]["recommended_node"].items():
            assert own["characteristics"][f"recommends_{node}"]["estimate"] == found["estimate"]


def test_probabilities_and_patients_add_up(compared):
    designs = compared.summary["designs"]
    for by_rule in designs["by_design"].values():
        for found in by_rule.values():
            value = {key: entry["estimate"] for key, entry in found["characteristics"].items()}
            assert sum(value[f"recommends_{node}"] for node in (*NODES, "none")) == pytest.approx(1.0)
            assert value["correct"] + value["too_toxic"] + value["too_low"] == pytest.approx(1.0)
            assert sum(value[infused_at(node)] for node in NODES) == pytest.approx(value["infused"])
            assert value["infused_above"] <= value["infused"] <= value["enrolled"]
            for entry in found["characteristics"].values():
                assert entry["lo"] <= entry["estimate"] <= entry["hi"]
                assert entry["monte_carlo"]["lo"] <= entry["estimate"] <= entry["monte_carlo"]["hi"]
    for truth in designs["truth"].values():
        assert sum(truth["highest_tolerated"].values()) >= 1.0  # two nodes can both be the highest


def test_differences_and_moves_are_those_of_the_estimates(compared):
    designs = compared.summary["designs"]
    first = designs["rules"][0]
    for by_rule in designs["by_design"].values():
        for rule, found in by_rule.items():
            for key, entry in found["differences"].items():
                own = designs["by_design"]["3+3"][rule]["characteristics"][key]["estimate"]
                assert entry["estimate"] == pytest.approx(found["characteristics"][key]["estimate"] - own)
            for key, entry in found["moves"].items():
                before = by_rule[first]["characteristics"][key]["estimate"]
                assert entry["estimate"] == pytest.approx(found["characteristics"][key]["estimate"] - before)


def test_a_wider_definition_of_toxicity_calls_no_patient_less_toxic(compared):
    """Every DLT of the protocol rule for CRS is one when any grade 3 CRS counts; so more patients are toxic."""
    truth = compared.summary["designs"]["truth"]
    for node in NODES:
        narrow, wide = (truth[rule]["dlt_rate"][node]["estimate"] for rule in ("protocol", "any-grade-3-crs"))
        assert wide >= narrow


def outcomes(toxic: dict[str, float], draws: int = 4, patients: int = 50) -> ArmOutcomes:
    """Patients of whom exactly these shares have a dose-limiting toxicity at each node."""
    frames = [
        pl.DataFrame(
            {
                "arm": "study",
                "patient": np.arange(draws * patients),
                "population": np.arange(draws * patients) // patients,
                "node": node,
                "infused": True,
                "on_assigned_dose": True,
                "dlt_protocol": np.arange(draws * patients) % patients < share * patients,
            }
        )
        for node, share in toxic.items()
    ]
    return ArmOutcomes.of(pl.concat(frames), "study", NODES)


def table(chosen: dict[str, list[str | None]], infused: dict[str, int]) -> pl.DataFrame:
    """Trials of designs that recommend these nodes; trial t belongs to population t modulo 4."""
    frames = []
    for design, nodes in chosen.items():
        count = len(nodes)
        frames.append(
            pl.DataFrame(
                {
                    "trial": np.arange(count),
                    "population": np.arange(count) % 4,
                    "adjudication": ["protocol"] * count,
                    "design": [design] * count,
                    **{name: [sum(infused.values())] * count for name in ("enrolled", "infused", "evaluable")},
                    **{name: [1] * count for name in ("dlts", "deaths")},
                    "recommended_node": pl.Series(nodes, dtype=pl.String),
                    "stop_reason": ["done"] * count,
                    "duration_days": [100.0] * count,
                    **{infused_at(node): [infused[node]] * count for node in NODES},
                }
            )
        )
    return pl.concat(frames)


def test_a_known_truth_is_found():
    """Nodes 2 and -3 are both highest: 20 % toxic under a target of 30 %, with 50 % above them."""
    truth = Truth.of(outcomes({"1": 0.1, "2": 0.2, "3": 0.5, "-3": 0.2}), "protocol", SPACE, 0.3)
    np.testing.assert_allclose(truth.rate, [[0.1, 0.2, 0.5, 0.2]] * 4)
    assert truth.highest.tolist() == [[False, True, False, True]] * 4
    assert truth.tolerated.tolist() == [[True, True, False, True]] * 4


def test_what_lies_above_a_toxic_node_is_not_tolerated():
    truth = Truth.of(outcomes({"1": 0.1, "2": 0.4, "3": 0.2, "-3": 0.1}), "protocol", SPACE, 0.3)
    assert truth.tolerated[0].tolist() == [True, False, False, True]
    assert truth.highest[0].tolist() == [False, False, False, True]


def test_recommendations_are_judged_by_the_truth():
    chosen = {"good": ["2", "-3", "2", "2"] * 5, "bold": ["3"] * 20, "shy": ["1", None] * 10}
    designs = {name: build_design("3+3", SPACE, {"path": [1, 2, 3]}) for name in chosen}
    found = designs_summary(
        outcomes({"1": 0.1, "2": 0.2, "3": 0.5, "-3": 0.2}),
        table(chosen, {"1": 3, "2": 3, "3": 2, "-3": 0}),
        designs,
        "good",
        0.3,
    )["by_design"]
    verdicts = ("correct", "too_toxic", "too_low")
    expected = {"good": (1.0, 0.0, 0.0), "bold": (0.0, 1.0, 0.0), "shy": (0.0, 0.0, 1.0)}
    for name, shares in expected.items():
        own = found[name]["protocol"]["characteristics"]
        assert tuple(own[key]["estimate"] for key in verdicts) == shares
        assert own["infused_above"]["estimate"] == 2.0
    assert found["bold"]["protocol"]["differences"]["correct"]["estimate"] == -1.0
    assert found["bold"]["protocol"]["differences"]["infused"]["estimate"] == 0.0


def test_no_node_is_right_where_every_node_is_too_toxic():
    chosen = {"one": [None] * 10, "two": ["1"] * 10}
    designs = {name: build_design("3+3", SPACE, {"path": [1, 2, 3]}) for name in chosen}
    toxic = outcomes(dict.fromkeys(NODES, 0.6))
    found = designs_summary(toxic, table(chosen, dict.fromkeys(NODES, 1)), designs, "one", 0.3)["by_design"]
    assert found["one"]["protocol"]["characteristics"]["correct"]["estimate"] == 1.0
    assert found["two"]["protocol"]["characteristics"]["too_toxic"]["estimate"] == 1.0


def test_a_bare_name_takes_the_way_of_the_study_and_its_target():
    study = load_study("psma-dntgfbr2", ["target_toxicity=0.25", "compare_designs=[crm, pocrm, 3+3]"])
    compared = trial_settings(study).compared
    assert compared["3+3"] == trial_settings(study).design
    core = compared["crm"].inner.inner.inner
    assert (core.name, core.target, core.path) == ("crm", 0.25, ("1", "2", "3"))
    assert [rule.title for rule in (compared["crm"].inner, compared["crm"].inner.inner)] == ["fallback", "stop_at"]


def test_the_own_design_keeps_apart_from_a_compared_one_of_its_name(tmp_path):
    run = compute(
        tmp_path / "run", *QUICK, "population.patients=80", "trials=4", "adjudication.compare=[]", "design=boin",
        "design.options={target: 0.2}", "compare_designs=[boin]",
    )  # fmt: skip
    designs = run.summary["designs"]
    assert designs["own"] == "boin (study)"
    targets = {name: record["options"]["target"] for name, record in designs["records"].items()}
    assert targets == {"boin (study)": 0.2, "boin": 0.3}


def test_the_story_of_a_trial_under_another_design_is_that_of_the_comparison(compared):
    trials, members = replayed_trial(compared, 7, "study", "boin")
    kept = compared.table(TABLE).filter(pl.col("design") == "boin", pl.col("trial") == 7)
    shared = [name for name in kept.columns if name in trials.columns and name != "design"]
    assert trials.select(shared).equals(kept.select(shared))
    assert members.filter(pl.col("adjudication") == "protocol").height == kept["enrolled"][0]


def test_a_trial_is_told_under_any_registered_design(compared):
    own = compared.table("trials").filter(pl.col("trial") == 3, pl.col("adjudication") == "protocol")
    same = story.of_trial(compared, 3, "study", "3+3")["adjudications"][0]
    assert {name: same[name] for name in ("path", "recommended_node")} == own.select("path", "recommended_node").row(
        0, named=True
    )
    told = story.of_trial(compared, 3, "study", "keyboard")
    assert "design keyboard" in story.trial_text(told)
    with pytest.raises(CarwrightError, match="no such design"):
        story.of_trial(compared, 3, "study", "keybord")
