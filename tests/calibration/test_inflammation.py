"""Cytokine release and neurotoxicity after CD19 products: the likelihood, and what the models give."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom, multinomial

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from calibration.cohorts import FITTED, HELD_OUT, ICANS, Counted, parts_of, simulate
from calibration.inflammation import CD28, FREE, SPREAD, rows
from calibration.pipeline import Conduct, graded

from calibration import cohorts

PATIENTS = 480


def grades(*counts):
    """Patients by grade, from 0 on."""
    return pl.DataFrame({ICANS: np.repeat(np.arange(len(counts)), counts)})


def test_the_likelihood_is_the_multinomial_one_against_the_observed_shares():
    counted = Counted(ICANS, (0, 1, 3), (36, 37, 28))
    half, other = grades(40, 10, 10, 30, 10), grades(70, 20, 5, 5, 0)
    parts = [(0.25, half), (0.75, other)]
    # Classes are 0, 1 to 2, and 3 and more, with half a patient more in each.
    want = 0.25 * np.array([40.5, 20.5, 40.5]) / 101.5 + 0.75 * np.array([70.5, 25.5, 5.5]) / 101.5
    np.testing.assert_allclose(counted.simulated(parts), want)
    seen = np.array([36, 37, 28])
    ratio = multinomial.logpmf(seen, seen.sum(), want) - multinomial.logpmf(seen, seen.sum(), seen / seen.sum())
    assert counted.log_likelihood(parts) == pytest.approx(ratio)


def test_the_observed_shares_are_the_most_likely_and_an_empty_class_counts():
    counted = Counted(ICANS, (0, 1, 3, 4), (45, 20, 10, 0))
    many = 100_000
    best = counted.log_likelihood([(1.0, grades(45 * many, 0, 20 * many, 10 * many))])
    assert best == pytest.approx(0.0, abs=1e-4)
    assert counted.log_likelihood([(1.0, grades(45, 0, 20, 5, 5))]) < -1.0


def test_published_cohorts_are_complete():
    for cohort in (FITTED | HELD_OUT).values():
        assert sum(cohort.groups.values()) == pytest.approx(1.0)
        assert set(cohort.groups) <= set(cohorts.GROUPS)
        assert len({sum(counted.patients) for counted in cohort.counted}) == 1
        for counted in cohort.counted:
            assert len(counted.grades) == len(counted.patients)
            assert counted.grades[0] == 0


def test_a_point_of_the_search_names_rows_of_the_table():
    changed, cd28 = rows(np.log(list(FREE.values())))
    assert changed["cd40l_half_activation"]["value"] == pytest.approx(0.5 * FREE["lysis_half_activation"])
    assert changed["encephalopathy_sensitivity"] == {"patients": pytest.approx(FREE[SPREAD])}
    assert cd28 == {"cd40l_half_activation": pytest.approx(FREE[CD28])}
    graded("axicabtagene-lbcl", changed, patients=4, medians=cd28)
    with pytest.raises(KeyError, match="brain_fog"):
        graded("axicabtagene-lbcl", {}, patients=4, medians={"brain_fog": 1.0})


def share(outcomes, grade):
    return float((outcomes[ICANS] >= grade).mean())


def test_corticosteroids_do_not_keep_every_patient_below_grade_3_and_the_earlier_the_fewer():
    severe = [
        share(graded("axicabtagene-lbcl", {}, patients=240, conduct=Conduct(steroids_from=grade)), 3)
        for grade in (1, 2, 3)
    ]
    assert 0.05 < severe[0] <= severe[1] <= severe[2] < 0.5


@pytest.mark.slow
def test_neurotoxicity_of_fitted_and_held_out_cohorts():
    """Each published share lies within what a trial of its size finds in virtual patients, at 99 %."""
    simulated = simulate(cohorts.GROUPS, {}, patients=PATIENTS)
    for name, cohort in (FITTED | HELD_OUT).items():
        (counted,) = (entry for entry in cohort.counted if entry.scale == ICANS)
        found, total = counted.simulated(parts_of(cohort, simulated)), int(sum(counted.patients))
        for grade, place in ((lowest, i) for i, lowest in enumerate(counted.grades) if lowest in (1, 3)):
            seen, chance = sum(counted.patients[place:]), float(found[place:].sum())
            low, high = binom.ppf([0.005, 0.995], total, chance)
            assert low <= seen <= high, (name, grade, seen, total, chance)


def test_courses_that_failed_take_no_part_in_a_likelihood():
    counted = Counted("icans_grade", (0, 1, 3), (1.0, 1.0, 1.0))
    grades = pl.DataFrame({"icans_grade": [0, 0, None, None]})
    np.testing.assert_allclose(counted.simulated([(1.0, grades)]), np.array([2.5, 0.5, 0.5]) / 3.5)
