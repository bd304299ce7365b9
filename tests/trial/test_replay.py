from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from carwright.trial.attrition import Attrition
from carwright.trial.calendar import Calendar
from carwright.trial.conduct import Conduct, Patients
from carwright.trial.paths import enumerate_paths, operating_characteristics
from carwright.trial.registry import build_design
from carwright.trial.replay import replay

CHANCES = [0.1, 0.2, 0.4, 0.15]
LABELS = ("1", "2", "3", "-3")


def run(trials, design, potential, seed=1, calendar=None):
    return replay(trials, design, potential, calendar or Calendar(), seed, arm="study", adjudication="protocol")


def by_trial(replayed):
    """Rows of the patients' table, one dictionary of arrays per trial."""
    table = replayed.trial_patients
    edges = np.searchsorted(table["trial"], np.arange(replayed.trials["trial"].size + 1))
    for first, last in pairwise(edges):
        yield {name: column[first:last] for name, column in table.items()}


@pytest.fixture(scope="module")
def eventful(bernoulli):
    """Patients who are lost, fall short of the dose, die, and one in twenty of whom failed to solve."""
    tosses = np.random.Generator(np.random.Philox(3)).random((2000, 8))
    block = np.arange(2000) // 50
    fates = Attrition().draw(9, 0, block)
    return bernoulli(
        CHANCES,
        death_share=[0.1, 0.1, 0.5, 0.1],
        block=block,
        on_dose=tosses[:, :4] > 0.1,
        failed=tosses[:, 4:] > 0.95,
        infused=fates.infused,
        not_infused_reason=fates.not_infused_reason,
        vein_to_vein_days=fates.vein_to_vein_days,
        dropout_days=fates.dropout_days,
    )


@pytest.mark.parametrize("deescalate", [False, True])
def test_simulation_agrees_with_enumeration(seed_space, bernoulli, deescalate):
    """4,000 trials on disjoint Bernoulli patients, within three standard errors of the exact values.

    Deaths are seen on the day of infusion, so that the calendar halts a node at once, as the enumeration does.
    """
    share = [0.2, 0.2, 0.5, 0.2]
    trials = 4000
    design = build_design("3+3", seed_space, {"path": [1, 2, 3], "fallback": {3: -3}, "deescalate": deescalate})
    potential = bernoulli(CHANCES, patients=30 * trials, blocks=trials, death_share=share, death_day=0.0)
    simulated = run(trials, design, potential)
    paths = enumerate_paths(design, dict(zip(LABELS, CHANCES, strict=True)), dict(zip(LABELS, share, strict=True)))
    exact = operating_characteristics(design, paths)

    found = Counter(simulated.trials["recommended_node"])
    for node, probability in exact.recommended.items():
        error = np.sqrt(probability * (1 - probability) / trials)
        assert abs(found[node] / trials - probability) < 3 * error

    seen = Counter(simulated.trials["toxicity_path"])
    expected: Counter[str] = Counter()
    for path in paths:
        expected[path.outcomes] += path.probability
    assert set(seen) <= set(expected)
    frequent = [path for path, probability in expected.items() if probability > 0.01]
    assert len(frequent) > 10
    for path in frequent:
        error = np.sqrt(expected[path] * (1 - expected[path]) / trials)
        assert abs(seen[path] / trials - expected[path]) < 4 * error

    evaluable = simulated.trials["evaluable"]
    assert abs(evaluable.mean() - sum(exact.patients.values())) < 3 * evaluable.std() / np.sqrt(trials)


def test_the_seed_trial_is_reproduced(seed_design, bernoulli):
    """Nobody has a DLT except at node 3, where the first patient dies within the sentinel gap."""
    silent = np.zeros((2000, 4), dtype=bool)
    potential = bernoulli([0.0, 0.0, 1.0, 0.0], death_share=[0, 0, 1, 0], death_day=10.0, response=silent)
    trials, patients = run(40, seed_design, potential)
    assert set(trials["path"]) == {"1NNN 2NNN 3T -3NNNNNN"}
    assert set(trials["recommended_node"]) == {"-3"}
    assert set(trials["infused"]) == {13}
    assert set(trials["dlts"]) == {1}
    dead = patients["node"] == "3"
    assert dead.sum() == 40
    assert patients["dlt"][dead].all()


def test_a_late_death_does_not_stop_patients_infused_before_it(seed_design, bernoulli):
    """With no sentinel gap and fast accrual, all three of node 3 are infused before the first dies on day 20."""
    potential = bernoulli([0.0, 0.0, 1.0, 0.0], death_share=[0, 0, 1, 0], vein_to_vein_days=np.full(2000, 30.0))
    calendar = Calendar(accrual_per_month=1000.0, sentinel_gap_days=0.0)
    trials, _ = run(40, seed_design, potential, calendar=calendar)
    assert {path.split()[2].count("T") + path.split()[2].count("B") for path in trials["path"]} == {3}


def test_trial_t_is_the_same_among_few_and_many(seed_design, eventful):
    few, many = run(70, seed_design, eventful), run(600, seed_design, eventful)
    for name, column in few.trials.items():
        np.testing.assert_array_equal(column, many.trials[name][:70])
    rows = few.trial_patients["trial"].size
    for name, column in few.trial_patients.items():
        np.testing.assert_array_equal(column, many.trial_patients[name][:rows])
    again, other = run(70, seed_design, eventful), run(70, seed_design, eventful, seed=2)
    np.testing.assert_array_equal(again.trials["path"], few.trials["path"])
    assert (other.trials["duration_days"] != few.trials["duration_days"]).all()


def test_arms_meet_the_same_patients_in_the_same_order(seed_design, eventful):
    """Another adjudication changes what is seen, not who comes first."""
    strict = eventful.adjudicated(np.ones_like(eventful.dlt), np.full(eventful.dlt.shape, 3.0))
    lenient = eventful.adjudicated(np.zeros_like(eventful.dlt), np.full(eventful.dlt.shape, np.nan))
    for one, two in zip(by_trial(run(50, seed_design, strict)), by_trial(run(50, seed_design, lenient)), strict=True):
        shared = min(one["patient"].size, two["patient"].size, 3)
        np.testing.assert_array_equal(one["patient"][:shared], two["patient"][:shared])
        np.testing.assert_array_equal(one["enrolled_day"][:shared], two["enrolled_day"][:shared])


def test_a_trial_takes_each_patient_of_one_population_once(seed_design, eventful):
    replayed = run(200, seed_design, eventful)
    for trial, rows in enumerate(by_trial(replayed)):
        assert set(eventful.block[rows["patient"]]) == {replayed.trials["population"][trial]}
        assert np.unique(rows["patient"]).size == rows["patient"].size
    assert len(set(replayed.trials["population"])) == 40


def test_the_tables_agree_with_each_other(seed_design, eventful):
    replayed = run(200, seed_design, eventful)
    trials = replayed.trials
    for trial, rows in enumerate(by_trial(replayed)):
        column = np.array([LABELS.index(label) for label in rows["node"]])
        infused = rows["status"] != "not_infused"
        assert rows["sequence"].size == trials["enrolled"][trial]
        assert infused.sum() == trials["infused"][trial]
        assert rows["evaluable"].sum() == trials["evaluable"][trial]
        assert (rows["evaluable"] & rows["dlt"]).sum() == trials["dlts"][trial]
        assert sum(word.count(mark) for word in trials["path"][trial].split() for mark in "TB") == trials["dlts"][trial]
        np.testing.assert_array_equal(rows["evaluable"], infused & eventful.on_dose[rows["patient"], column])
        np.testing.assert_array_equal(np.isnan(rows["infusion_day"]), ~infused)
        np.testing.assert_array_equal(rows["not_infused_reason"] == None, infused)  # noqa: E711 - elementwise
        assert not eventful.failed[rows["patient"], column][infused].any()
    assert trials["failed_solves"].sum() > 0
    assert (trials["infused"] < trials["enrolled"]).any()
    assert (trials["evaluable"] < trials["infused"]).any()


def test_calendar_orders_every_trial(seed_design, eventful):
    """No enrolment before the opening; sentinel first; no infusion elsewhere before the earlier windows closed."""
    calendar = Calendar()
    replayed = run(300, seed_design, eventful, calendar=calendar)
    gaps = 0
    for trial, rows in enumerate(by_trial(replayed)):
        assert (np.diff(rows["enrolled_day"]) > 0).all()
        assert rows["enrolled_day"][0] > 0
        infused = rows["status"] != "not_infused"
        wait = (rows["infusion_day"] - rows["enrolled_day"])[infused]
        assert (wait > eventful.vein_to_vein_days[rows["patient"]][infused] - 1e-9).all()
        order = np.argsort(rows["infusion_day"][infused], kind="stable")
        node, day = rows["node"][infused][order], rows["infusion_day"][infused][order]
        evaluable = rows["evaluable"][infused][order]
        moves = np.flatnonzero(node[1:] != node[:-1])
        rest = calendar.dlt_window_days + calendar.review_days
        assert (day[moves + 1] - day[moves] > rest - 1e-9).all()
        for label in set(node):
            days = day[(node == label) & evaluable]
            if days.size > 1:
                assert days[1] - days[0] > calendar.sentinel_gap_days - 1e-9
                gaps += 1
        assert replayed.trials["duration_days"][trial] == pytest.approx(day[-1] + rest)
    assert gaps > 300


def test_a_place_is_filled_again_from_the_day_on_which_it_falls_free(seed_space, eventful):
    """Enrolment days of every first cohort, worked out from the losses and short products that came before.

    A place falls free when its patient is lost, or infused below the dose; whoever fills it is enrolled a waiting time
    of the calendar after that day and after the enrolment before.
    """
    calendar = Calendar()
    design = build_design("3+3", seed_space, {"path": [1, 2, 3]})
    quiet = eventful.adjudicated(np.zeros_like(eventful.dlt), np.full(eventful.dlt.shape, np.nan))
    quiet = replace(quiet, death=np.zeros_like(quiet.death), failed=np.zeros_like(quiet.failed))
    replayed = run(150, design, quiet, calendar=calendar)
    gaps = calendar.enrolment_gaps(1, 0, 150, 50)
    refilled = Counter()
    for trial, rows in enumerate(by_trial(replayed)):
        first = np.flatnonzero(rows["node"] == "1")
        free, last = [0.0, 0.0, 0.0], 0.0
        for place, row in enumerate(first):
            opened = min(free)
            free.remove(opened)
            last = max(opened, last) + gaps[trial, place]
            assert rows["enrolled_day"][row] == pytest.approx(last, rel=1e-12)
            refilled[rows["status"][row]] += place > 2
            if rows["status"][row] == "not_infused":
                free.append(last + quiet.dropout_days[rows["patient"][row]])
            elif rows["status"][row] == "off_dose":
                free.append(rows["infusion_day"][row])
        assert free == []
        late = [row for row in first[3:] if rows["enrolled_day"][row] > rows["infusion_day"][first[0]]]
        refilled["after an infusion"] += len(late)
    assert min(refilled.values()) > 5


def test_products_short_of_their_dose_reach_designs_that_ask(seed_space, eventful):
    """The rule feasible sees who was off dose or could not be manufactured for; another design does not."""
    asks = build_design("3+3", seed_space, {"path": [1, 2, 3]}, [{"feasible": {}}])
    short = replace(eventful, on_dose=np.zeros_like(eventful.on_dose) | np.array([True, False, True, True]))
    quiet = short.adjudicated(np.zeros_like(short.dlt), np.full(short.dlt.shape, np.nan))
    quiet = replace(quiet, death=np.zeros_like(quiet.death))
    paths = {}
    for name, design in {"asks": asks, "does not": build_design("3+3", seed_space, {"path": [1, 2, 3]})}.items():
        conduct = Conduct(design, Patients.of(quiet), Calendar())
        (record,) = conduct.run([list(range(1950))], [[1.0] * 1950])
        paths[name] = [cohort.node for cohort in record.history if cohort.letters], record.stop_reason
    # Nobody reaches the dose of node 2: the rule closes it before the cohort is complete, else nobody is left.
    assert paths["asks"] == (["1"], "node 2 was closed")
    assert paths["does not"] == (["1"], "no patients left")


def test_a_population_without_enough_patients_stops_the_trial(seed_design, bernoulli):
    potential = bernoulli([0.0, 0.0, 0.0, 0.0], patients=40, blocks=5)
    trials, patients = run(10, seed_design, potential)
    assert set(trials["stop_reason"]) == {"no patients left"}
    assert set(trials["recommended_node"]) == {None}
    assert set(trials["enrolled"]) == {8}
    assert np.bincount(patients["trial"]).tolist() == [8] * 10


def test_patients_waiting_when_the_trial_ends_are_accounted_for(seed_space, bernoulli):
    """A death at node 1 ends the trial; those enrolled beside the dead patient are never infused."""
    design = build_design("3+3", seed_space, {"path": [1, 2, 3]})
    potential = bernoulli([1.0, 0.0, 0.0, 0.0], death_share=[1, 0, 0, 0], death_day=1.0)
    trials, patients = run(40, design, potential)
    waiting = patients["not_infused_reason"] == "trial ended"
    assert waiting.sum() == trials["enrolled"].sum() - trials["infused"].sum() > 0
    assert set(trials["infused"]) == {1}


def test_failed_solves_are_counted_never_used(seed_design, bernoulli):
    """Without one solved patient nobody is treated; every patient of the population is counted as failed."""
    potential = bernoulli(CHANCES, patients=100, blocks=5, failed=np.ones((100, 4), dtype=bool))
    trials, patients = run(5, seed_design, potential)
    assert set(trials["failed_solves"]) == {20}
    assert set(trials["stop_reason"]) == {"no patients left"}
    assert patients["trial"].size == 0


def test_potential_outcomes_must_fit_the_design_and_each_other(seed_design, bernoulli):
    with pytest.raises(ValueError, match="nodes"):
        run(1, seed_design, bernoulli([0.1, 0.1]))
    with pytest.raises(ValueError, match="infused has shape"):
        bernoulli([0.1], patients=10, blocks=1, infused=np.ones(9, dtype=bool))
    with pytest.raises(ValueError, match="day of dropout"):
        bernoulli([0.1], patients=10, blocks=1, infused=np.zeros(10, dtype=bool))
    with pytest.raises(ValueError, match="every death needs a day"):
        bernoulli([1.0], patients=10, blocks=1, death_share=[1.0], death_day=float("nan"))
