from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.errors import CarwrightError
from carwright.trial.outcomes import (
    Cohort,
    format_outcomes,
    is_label,
    letter,
    parse_outcomes,
    path_of,
    toxicity_only,
)

labels = st.text("0123456789+-_.abNTEBxyz", min_size=1, max_size=5).filter(is_label)
cohorts = st.builds(Cohort, labels, st.text("NTEB", min_size=1, max_size=6))


@given(st.lists(cohorts).map(tuple))
def test_formatting_and_parsing_are_inverse(history):
    assert parse_outcomes(format_outcomes(history)) == history


@given(st.lists(cohorts).map(tuple))
def test_the_path_keeps_counts_and_forgets_the_order_within_cohorts(history):
    shuffled = tuple(Cohort(cohort.node, cohort.letters[::-1]) for cohort in history)
    assert path_of(history) == path_of(shuffled)
    total = sum(cohort.patients for cohort in history)
    assert sum(cohort.patients for cohort in parse_outcomes(path_of(history))) == total
    assert [cohort.dlts for cohort in toxicity_only(history)] == [cohort.dlts for cohort in history]


def test_examples():
    history = parse_outcomes("1NNN 2NTT -3BE")
    assert [(cohort.node, cohort.patients, cohort.dlts) for cohort in history] == [
        ("1", 3, 0),
        ("2", 3, 2),
        ("-3", 2, 1),
    ]
    assert parse_outcomes("  ") == ()
    assert path_of(parse_outcomes("1TNN 1BEN")) == "1NNTNEB"
    assert format_outcomes(toxicity_only(parse_outcomes("1EBTN"))) == "1NNTT"


@pytest.mark.parametrize(("dlt", "response", "expected"), [(0, 0, "N"), (0, 1, "E"), (1, 0, "T"), (1, 1, "B")])
def test_letters(dlt, response, expected):
    assert letter(dlt=bool(dlt), response=bool(response)) == expected


def test_every_bad_word_is_named_with_a_hint():
    with pytest.raises(CarwrightError) as error:
        parse_outcomes("1NNN 2 NN 2nnt 1N*N 9NNN", known=("1", "2"))
    found = [(problem.code, problem.found, problem.fix) for problem in error.value.problems]
    assert found == [
        ("TRIAL001", "2", "for example 1NNN 2NTT"),
        ("TRIAL001", "NN", "for example 1NNN 2NTT"),
        ("TRIAL001", "2nnt", "write letters as capitals"),
        ("TRIAL001", "1N*N", "for example 1NNN 2NTT"),
        ("TRIAL002", "9", "use a label of the dose space"),
    ]


@pytest.mark.parametrize("label", ["", "N", "1N", "a b", "1<2", "1/2"])
def test_labels_that_outcome_strings_cannot_show_are_refused(label):
    assert not is_label(label)
