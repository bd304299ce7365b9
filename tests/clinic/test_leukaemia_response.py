"""Response of leukaemia and lymphoma: every combination of findings, and courses made by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from carwright.clinic.all_response import AllResponse
from carwright.clinic.aml_response import AmlResponse
from carwright.clinic.leukaemia_response import CATEGORIES, Findings
from carwright.clinic.lymphoma_response import LymphomaResponse
from carwright.clinic.panel import Seen

BLASTS = (0.0, 0.0499, 0.05, 0.25, 0.2501, 0.8)
BEFORE = (0.3, 0.5, 0.9)
CIRCULATING = (0.0, 9.9, 10.0)
NEUTROPHILS = (0.0, 499.0, 500.0, 999.0, 1000.0, 5000.0)
PLATELETS = (5e3, 49_999.0, 50e3, 99_999.0, 100e3, 3e5)
CELLULARITY = (0.05, 0.2, 1.0)


def eln_2022(blasts, before, circulating, neutrophils, platelets, cellularity):
    """Write the table of ELN 2022 out in words, one patient at a time, as a reader would apply it."""
    if circulating >= 10:
        return "NR"
    if blasts < 0.05:
        if neutrophils >= 1000 and platelets >= 100_000:
            return "CR"
        if neutrophils >= 500 and platelets >= 50_000:
            return "CRh"
        if neutrophils >= 1000 or platelets >= 100_000:
            return "CRi"
        return "MLFS" if cellularity >= 0.2 else "NR"
    counts = neutrophils >= 1000 and platelets >= 100_000
    return "PR" if blasts <= 0.25 and blasts <= before / 2 and counts else "NR"


def eln_2024_all(blasts, before, circulating, neutrophils, platelets, cellularity):
    if circulating >= 10:
        return "NR"
    counts = neutrophils >= 1000 and platelets >= 100_000
    if blasts < 0.05:
        return "CR" if counts else "CRi"
    return "PR" if blasts <= 0.25 and blasts <= before / 2 and counts else "NR"


@pytest.mark.parametrize(("rules", "table"), [(AmlResponse(), eln_2022), (AllResponse(), eln_2024_all)])
def test_every_combination_of_findings_has_the_category_of_the_table(rules, table):
    cases = list(itertools.product(BLASTS, BEFORE, CIRCULATING, NEUTROPHILS, PLATELETS, CELLULARITY))
    blasts, before, circulating, neutrophils, platelets, cellularity = np.array(cases).T
    codes = rules.category(Findings(blasts, before, circulating, neutrophils, platelets, cellularity))
    assert [CATEGORIES[int(code)] for code in codes] == [table(*case) for case in cases]


def test_better_counts_and_fewer_blasts_never_worsen_the_category():
    rules = AmlResponse()
    grid = np.array(list(itertools.product((0.01, 0.1, 0.6), NEUTROPHILS, PLATELETS)))

    def codes(blasts, neutrophils, platelets):
        same = np.ones(blasts.size)
        return rules.category(Findings(blasts, 0.6 * same, 0 * same, neutrophils, platelets, same))

    base = codes(*grid.T)
    for change in ((0.5, 1, 1), (1, 2, 1), (1, 1, 2)):
        assert (codes(*(grid * change).T) >= base).all()


def test_the_looser_reading_of_incomplete_recovery_asks_for_no_count():
    empty = np.zeros(1)
    findings = Findings(np.array([0.01]), np.array([0.6]), empty, empty, empty + 1e4, empty + 1)
    assert CATEGORIES[int(AmlResponse().category(findings)[0])] == "MLFS"
    assert CATEGORIES[int(AmlResponse(recovered_counts=0).category(findings)[0])] == "CRi"


TIMES = np.concatenate(([-7.0], np.arange(0.0, 181.0)))


def leukaemia(marrow, neutrophils=2_000.0, platelets=2e5, low=0.1):
    """Courses of one patient from blasts by day."""
    share = np.array([[marrow(day) for day in TIMES]])
    return {
        "blast_fraction": share,
        "blasts_per_ul": np.where(share >= 0.3, 100.0, 0.0),
        "neutrophils_per_ul": np.full(share.shape, neutrophils),
        "platelets_per_ul": np.full(share.shape, platelets),
        "marrow_cellularity": np.ones(share.shape),
        "leukaemic_cells": 1e12 * share,
        "antigen_low_cells": 1e12 * share * low,
    }


def seen(courses):
    patients = next(iter(courses.values())).shape[0]
    return Seen(TIMES, courses, {}, np.full(patients, np.nan))


def outcomes(courses, rules=None):
    return {name: values[0] for name, values in (rules or AmlResponse()).outcomes(seen(courses)).items()}


def test_a_remission_is_called_at_the_first_visit_that_shows_it():
    found = outcomes(leukaemia(lambda day: 0.6 if day < 40 else 0.0005))
    assert (found["cr"], found["response_day"], found["mrd_negative"], found["relapse"]) == (1, 60, 1, 0)


def test_residual_disease_above_the_limit_is_not_negative():
    found = outcomes(leukaemia(lambda day: 0.6 if day < 20 else 0.002))
    assert (found["cr"], found["mrd_negative"]) == (1, 0)


def test_the_fall_of_leukaemia_asks_for_no_counts_and_ends_at_one_cell():
    cells = leukaemia(lambda day: 0.6 if day < 20 else 0.0006, neutrophils=0.0, platelets=0.0)
    assert outcomes(cells)["leukaemia_log_reduction"] == pytest.approx(3.0)
    assert outcomes(leukaemia(lambda day: 0.6 * 1.1 ** max(day, 0.0)))["leukaemia_log_reduction"] == 0.0
    gone = outcomes(leukaemia(lambda day: 0.6 if day < 20 else 0.0))
    assert gone["leukaemia_log_reduction"] == pytest.approx(np.log10(0.6e12))


def test_relapse_is_the_first_day_with_blasts_after_a_remission():
    course = lambda day: 0.6 if day < 20 else 0.01 if day < 100 else 0.05  # noqa: E731
    found = outcomes(leukaemia(course))
    assert (found["relapse"], found["relapse_day"], found["relapse_antigen_low"]) == (1, 100, 0)
    assert outcomes(leukaemia(course, low=0.9))["relapse_antigen_low"] == 1


def test_who_never_was_in_remission_cannot_relapse():
    found = outcomes(leukaemia(lambda day: 0.6))
    assert found["cr"] == 0
    assert np.isnan([found["relapse"], found["relapse_antigen_low"], found["relapse_day"], found["response_day"]]).all()


def test_the_dead_did_not_respond_and_failures_have_no_category():
    courses = leukaemia(lambda day: 0.6 if day < 20 else 0.01)
    dead = {name: np.where(TIMES > 25, np.nan, course) for name, course in courses.items()}
    assert outcomes(dead)["response_category"] == 0
    failed = {name: np.full(course.shape, np.nan) for name, course in courses.items()}
    assert all(np.isnan(value) for value in outcomes(failed).values())


def test_half_the_area_of_lymphoma_is_a_third_of_its_cells():
    def best(share):
        cells = np.array([[1e11 if day < 20 else share * 1e11 for day in TIMES]])
        return outcomes({"tumour_cells": cells, "antigen_low_cells": 0 * cells}, LymphomaResponse())

    # A ball of half the cross-section has a radius smaller by the root of two, and a volume smaller by its cube.
    limit = (1 / np.sqrt(2)) ** 3
    assert [best(share)["response_category"] for share in (1.0, limit * 1.01, limit * 0.99, 0.0101, 0.0099)] == [
        *(0, 0, 1, 1, 2)
    ]


def test_lymphoma_relapses_when_it_is_seen_and_has_grown():
    def course(top, low):
        cells = np.array([[1e11 if day < 20 else 1e7 if day < 100 else top for day in TIMES]])
        return outcomes({"tumour_cells": cells, "antigen_low_cells": low * cells}, LymphomaResponse())

    assert (course(9e8, 0.0)["relapse"], course(2e9, 0.0)["relapse"]) == (0, 1)
    assert (course(2e9, 0.0)["relapse_antigen_low"], course(2e9, 0.8)["relapse_antigen_low"]) == (0, 1)
    assert course(2e9, 0.0)["relapse_day"] == 100
