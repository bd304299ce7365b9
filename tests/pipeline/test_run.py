"""A whole run: what is promised is there, agrees with the tables, and does not depend on how it was computed."""

import json
import math

import numpy as np
import polars as pl
import pytest

from carwright.disease import find_disease
from carwright.engine import EXPLAIN, Outcome
from carwright.pipeline import solve
from carwright.study import load_study

from .conftest import SMALL, compute

PROMISED = (
    *("infused_fraction", "dlt_rate", "crs_grade_ge1", "crs_grade_ge2", "crs_grade_ge3", "crs_grade_ge4"),
    *("crs_death", "icans_grade_ge1", "icans_grade_ge3", "hlh_mas", "psa30", "psa50"),
    *("psa90", "psa98", "cmax_copies_per_ug", "tmax_days", "persistence_days", "tumour_site_peak_cells"),
    *("il6_peak", "ifng_peak", "ferritin_peak", "crp_peak", "inhibitory_index_fold_day28", "antigen_low_relapse"),
    *("anc_below_500_days", "progression_free_days", "recommended_node"),
)
NODES = ("1", "2", "3", "-3")
REPRODUCIBLE = ("summary.json", "resolved.yaml", "study.yaml")


def test_every_promised_quantity_has_an_interval_overall_and_by_node(small_run):
    quantities = small_run.summary["quantities"]
    assert set(PROMISED) <= set(quantities) == {*find_disease("mcrpc").quantities, "recommended_node"}
    for name, quantity in quantities.items():
        entries = list(quantity["by_node"].values())
        if name != "recommended_node":
            assert tuple(quantity["by_node"]) == NODES
            entries.append(quantity)
        for entry in entries:
            lo, estimate, hi = (math.inf if entry[key] is None else entry[key] for key in ("lo", "estimate", "hi"))
            assert lo <= estimate <= hi, name
    chosen = [entry["estimate"] for entry in quantities["recommended_node"]["by_node"].values()]
    assert sum(chosen) == pytest.approx(1.0)


def test_published_figures_stand_beside_the_simulated_ones(small_run):
    study = load_study("psma-dntgfbr2")
    for fact in study.published:
        quantity = small_run.summary["quantities"][fact.quantity]
        assert quantity["published"]["count"] == fact.count
        assert quantity["published"]["source"] == fact.source
        lo, hi = quantity["predictive"]["lo"], quantity["predictive"]["hi"]
        assert quantity["covered"] == (lo - 1e-9 <= fact.count / fact.of <= hi + 1e-9)


def test_rates_are_those_of_the_tables(small_run):
    patients = small_run.table("patients").filter(pl.col("arm") == "study")
    entries = small_run.table("trial_patients").filter(
        pl.col("arm") == "study", pl.col("adjudication") == "protocol", pl.col("status") != "not_infused"
    )
    seen = entries.join(patients, on=["patient", "node"], how="left", validate="m:1")
    quantities = small_run.summary["quantities"]
    assert quantities["crs_grade_ge2"]["estimate"] == pytest.approx((seen["crs_grade"] >= 2).mean())
    assert quantities["psa30"]["estimate"] == pytest.approx(seen["psa30"].mean())
    node3 = patients.filter(pl.col("infused"), pl.col("node") == "3")
    assert quantities["psa30"]["by_node"]["3"]["estimate"] == pytest.approx(node3["psa30"].mean())
    enrolled = small_run.table("trials").filter(pl.col("arm") == "study", pl.col("adjudication") == "protocol")
    assert quantities["infused_fraction"]["estimate"] == pytest.approx(
        enrolled["infused"].sum() / enrolled["enrolled"].sum()
    )


def test_patients_are_the_same_in_every_arm_and_node(small_run):
    patients = small_run.table("patients")
    same = ("population", "bsa_m2", "infused", "vein_to_vein_days")
    counts = patients.group_by("patient").agg(pl.col(name).n_unique() for name in same)
    assert (counts.select(same) == 1).to_numpy().all()
    cells = patients.group_by("patient", "node").agg(pl.col("delivered_cells").n_unique())
    assert (cells["delivered_cells"] == 1).all()


def test_the_armour_raises_response_and_lowers_inhibition_at_the_site(small_run):
    differences = small_run.summary["comparators"]["without-armour"]["differences"]
    assert differences["psa30"]["estimate"] < 0
    assert differences["site_inhibition_day28"]["lo"] > 0
    patients = small_run.table("patients").filter(pl.col("psa_best_change").is_not_null())
    arms = patients.pivot(on="arm", index=["patient", "node"], values="site_inhibition_day28").drop_nulls()
    assert (arms["without-armour"] > arms["study"]).mean() > 0.95


def test_a_comparator_is_the_study_with_its_change(small_run, bare_run):
    """The arm without armour inside one run equals a run of its own without armour, patient by patient."""
    inside = small_run.table("patients").filter(pl.col("arm") == "without-armour").drop("arm")
    alone = bare_run.table("patients").filter(pl.col("arm") == "study").drop("arm")
    assert inside.equals(alone)


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads_gives_the_same_bytes(small_run, tmp_path, threads):
    other = compute(tmp_path / "run", threads=threads)
    names = [*REPRODUCIBLE, *(f"tables/{path.name}" for path in (small_run.folder / "tables").iterdir())]
    for name in names:
        assert (other.folder / name).read_bytes() == (small_run.folder / name).read_bytes(), name


def test_shards_and_further_patients_leave_a_patient_as_it_was(small_run, tmp_path, monkeypatch):
    monkeypatch.setattr("carwright.pipeline.run.SHARD", 24)
    fewer = compute(tmp_path / "run", "population.patients=80")
    columns = [name for name in fewer.table("patients").columns if name != "arm"]
    ours = small_run.table("patients").filter(pl.col("patient") < 80)
    assert ours.select("arm", *columns).equals(fewer.table("patients").select("arm", *columns))


def test_failed_solves_are_counted_explained_and_never_numbers(tmp_path, monkeypatch):
    whole = solve._solve

    def sabotage(arm, patients, *further):
        solution = whole(arm, patients, *further)
        lost = patients.index % 7 == 3
        solution.outcome[lost] = Outcome.MAX_STEPS
        solution.courses[lost] = np.nan
        return solution

    monkeypatch.setattr(solve, "_solve", sabotage)
    run = compute(tmp_path / "run")
    outcomes = run.summary["outcomes"]
    lost = sum(i % 7 == 3 for i in range(160))
    assert (outcomes["failed"], outcomes["ok"]) == (lost, 160 - lost)
    assert outcomes["by_code"] == {"max_steps": lost * len(NODES) * 2}
    assert outcomes["explained"]["max_steps"] == EXPLAIN[Outcome.MAX_STEPS]
    failed = run.table("patients").filter(pl.col("outcome") != 0)
    for name in ("crs_grade", "psa30", "cmax_copies_per_ug", "dlt", "progression_free_days"):
        assert failed[name].null_count() == failed.height, name
    treated = run.table("trial_patients").filter(pl.col("status") != "not_infused")
    assert not (treated["patient"] % 7 == 3).any()
    assert run.table("trials")["failed_solves"].sum() > 0


def test_care_does_not_hide_the_grade_that_called_for_it(small_run):
    """Tocilizumab is given for the signs of grade 2 alone, and can end them between two readings."""
    treated = small_run.table("patients").filter(pl.col("tocilizumab_doses") > 0)
    assert treated.height > 0
    assert treated["crs_grade"].min() >= 2


def test_the_summary_is_one_json_object_without_nan(small_run):
    text = (small_run.folder / "summary.json").read_text(encoding="utf-8")
    json.loads(text, parse_constant=lambda constant: pytest.fail(constant))


def test_an_overridden_parameter_moves_its_quantity(small_run, tmp_path):
    slow = compute(tmp_path / "run", "parameters.psa_elimination=0.16", "comparators=[]")
    assert slow.summary["parameter_table"] != small_run.summary["parameter_table"]
    row = next(row for row in slow.summary["parameter_table"] if row["name"] == "psa_elimination")
    assert (row["value"], row["set_by"]) == (0.16, "study")
    assert slow.summary["quantities"]["psa98"]["estimate"] <= small_run.summary["quantities"]["psa98"]["estimate"]


def test_the_small_study_is_what_the_tests_think_it_is():
    assert load_study("psma-dntgfbr2", SMALL).population.patients == 160


def test_a_study_in_which_nobody_is_infused_says_nothing_and_does_not_fail(tmp_path):
    nobody = ("attrition.failure_beta=[1e6, 1e-3]", "attrition.loss_beta=[1e6, 1e-3]", "trials=4")
    few = ("population.patients=4", "population.patients_per_population=2")
    quantities = compute(tmp_path / "nobody", *few, *nobody).summary["quantities"]
    compared = [found for found in quantities.values() if "published" in found and "enrolled" not in found["unit"]]
    assert len(compared) > 3
    for found in compared:
        assert found["estimate"] is None
        assert found["covered"] is None
