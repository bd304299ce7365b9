"""Simulated trials of every design on the calendar, against other ways to play the same trial."""

from __future__ import annotations

import numpy as np
import pytest

from carwright.trial.calendar import Calendar
from carwright.trial.outcomes import parse_outcomes
from carwright.trial.patients import VirtualPatients
from carwright.trial.registry import DESIGNS, build_design
from carwright.trial.replay import replay
from carwright.trial.simulate import simulate

LABELS = ("1", "2", "3", "-3")
CHANCES = [0.1, 0.25, 0.5, 0.2]
PATH = {"path": [1, 2, 3]}
NEEDED = {"decision-table": {"rows": {3: "ESDX", 6: "EESDXXX", 9: "EEESDXXXXX", 12: "EEEESDXXXXXXX"}}}
WHOLE_SPACE = {"boin-combination", "pocrm"}
SLOW = Calendar(accrual_per_month=0.001, sentinel_gap_days=0.0)
"""Patients who come once in eighty years: every window has closed before the next one is there."""


def design_named(name, space, **more):
    path = {} if name in WHOLE_SPACE else PATH
    return build_design(name, space, {**path, **NEEDED.get(name, {}), **more})


def play(design, potential, trials=120, seed=5, calendar=None):
    return replay(trials, design, potential, calendar or Calendar(), seed, arm="study", adjudication="protocol")


@pytest.fixture(scope="module")
def patients(bernoulli):
    """Patients who are all infused on dose, and some of whom respond."""
    response = np.random.Generator(np.random.Philox(8)).random((120 * 50, 4)) < 0.4
    return bernoulli(CHANCES, patients=120 * 50, blocks=120, response=response)


@pytest.mark.parametrize("name", [name for name in DESIGNS if name not in {"rolling-six", "bf-boin"}])
def test_the_calendar_changes_no_decision(seed_space, patients, name):
    """Without losses, deaths and pending windows a trial is that of the vectorised simulation on the same patients.

    The simulation steps counts of all trials through arrays and knows no calendar; the replay conducts each patient.
    """
    design = design_named(name, seed_space, halt_on_death=False)
    simulated = simulate(design, VirtualPatients(patients), 120, 5)
    replayed = play(design, patients, calendar=SLOW).trials
    chosen = [None if column < 0 else LABELS[column] for column in simulated.recommended]
    assert replayed["recommended_node"].tolist() == chosen
    np.testing.assert_array_equal(replayed["evaluable"], simulated.patients.sum(axis=1))
    np.testing.assert_array_equal(replayed["dlts"], simulated.dlts.sum(axis=1))


@pytest.mark.parametrize("name", sorted(DESIGNS))
def test_every_design_conducts_eventful_trials(seed_space, bernoulli, name):
    """Losses, short doses, deaths and failed solves: counts add up, nobody is infused where a death closed a node."""
    tosses = np.random.Generator(np.random.Philox(3)).random((1600, 8))
    potential = bernoulli(
        CHANCES,
        patients=1600,
        blocks=20,
        death_share=[0.1, 0.1, 0.5, 0.1],
        death_day=10.0,
        on_dose=tosses[:, :4] > 0.1,
        failed=tosses[:, 4:] > 0.95,
    )
    trials, members = play(design_named(name, seed_space), potential, trials=40)
    assert trials["stop_reason"].astype(bool).all()
    for number in range(40):
        rows = members["trial"] == number
        infused = rows & (members["status"] != "not_infused")
        assert infused.sum() == trials["infused"][number]
        assert (rows & members["evaluable"] & members["dlt"]).sum() == trials["dlts"][number]
        seen = sum(cohort.patients for cohort in parse_outcomes(trials["path"][number]))
        assert seen == trials["evaluable"][number]
        patient, node, day = members["patient"], members["node"], members["infusion_day"]
        for place in np.flatnonzero(infused & members["dlt"]):
            column = LABELS.index(node[place])
            if potential.death[patient[place], column]:
                closed = {node[place], *seed_space.above(node[place])}
                late = infused & (day > day[place] + potential.death_day[patient[place], column])
                assert not closed & set(node[late])
                assert trials["recommended_node"][number] not in closed


def test_designs_that_use_follow_up_are_quicker_when_patients_come_fast(seed_space, patients):
    """TITE-BOIN decides during windows of a year, which BOIN waits for; both then treat 18 patients."""
    calendar = Calendar(accrual_per_month=6.0, dlt_window_days=365.0)
    waits = play(design_named("boin", seed_space), patients, calendar=calendar).trials
    follows = play(design_named("tite-boin", seed_space), patients, calendar=calendar).trials
    both = (waits["evaluable"] == 18) & (follows["evaluable"] == 18)
    assert both.sum() > 50
    assert follows["duration_days"][both].mean() < 0.8 * waits["duration_days"][both].mean()


def test_backfilled_patients_come_on_top(seed_space, bernoulli):
    """Responders at node 1 open it for backfilling during long windows; without responses BF-BOIN is BOIN."""
    calendar = Calendar(accrual_per_month=6.0, dlt_window_days=300.0)
    responders, nobody = np.ones((4000, 4), dtype=bool), np.zeros((4000, 4), dtype=bool)
    shared = {"patients": 4000, "blocks": 50}
    eager = bernoulli([0.0, 0.0, 0.0, 0.0], response=responders, **shared)
    plain = bernoulli([0.0, 0.0, 0.0, 0.0], response=nobody, **shared)
    fills = play(design_named("bf-boin", seed_space), eager, trials=50, calendar=calendar).trials
    without = play(design_named("bf-boin", seed_space), plain, trials=50, calendar=calendar).trials
    boin = play(design_named("boin", seed_space), plain, trials=50, calendar=calendar).trials
    assert (fills["evaluable"] > 18).all()
    np.testing.assert_array_equal(without["path"], boin["path"])
    np.testing.assert_array_equal(without["recommended_node"], boin["recommended_node"])


def test_responses_reach_the_designs_that_use_them_and_no_others(seed_space, bernoulli):
    responders, nobody = np.ones((2000, 4), dtype=bool), np.zeros((2000, 4), dtype=bool)
    one, other = (bernoulli(CHANCES, response=each) for each in (responders, nobody))
    for name, differs in (("boin12", True), ("wages-tait", True), ("boin", False), ("3+3", False)):
        trials = [play(design_named(name, seed_space), each).trials for each in (one, other)]
        chosen = [each["recommended_node"].tolist() for each in trials]
        assert (chosen[0] != chosen[1]) is differs, name


def test_products_that_miss_the_dose_reach_the_rule_about_feasibility(seed_space, bernoulli):
    """Three in ten products reach nodes 2 and 3: the rule closes them, where BOIN alone recommends the highest."""
    on_dose = np.ones((2000, 4), dtype=bool)
    on_dose[:, 1:3] = np.random.Generator(np.random.Philox(4)).random((2000, 1)) < 0.3
    potential = bernoulli([0.0] * 4, on_dose=on_dose)
    feasible = build_design("boin", seed_space, dict(PATH), ["feasible"])
    told = play(feasible, potential).trials["recommended_node"].tolist()
    untold = play(build_design("boin", seed_space, dict(PATH)), potential).trials["recommended_node"].tolist()
    assert told.count("1") > 90
    assert untold.count("1") == 0


def test_a_trial_can_be_replayed_alone(seed_space, bernoulli):
    """The story of one trial is that of the same trial among many."""
    potential = bernoulli(CHANCES, death_share=[0.2] * 4)
    for name in ("boin", "tite-crm"):
        design = design_named(name, seed_space)
        many = play(design, potential, trials=60)
        alone = replay(1, design, potential, Calendar(), 5, arm="study", adjudication="protocol", first=47)
        for key, column in alone.trials.items():
            np.testing.assert_array_equal(column, many.trials[key][47:48])
        rows = many.trial_patients["trial"] == 47
        for key, column in alone.trial_patients.items():
            np.testing.assert_array_equal(column, many.trial_patients[key][rows])
