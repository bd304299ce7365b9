from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.errors import CarwrightError
from carwright.trial.outcomes import (
    Cohort,
    is_label,
    parse_outcomes,
    path_of,
)
from carwright.trial.posterior.follow_up import weights

labels = st.text("0123456789+-_.abNTEBxyz", min_size=1, max_size=5).filter(is_label)
cohorts = st.builds(Cohort, labels, st.text("NTEB", min_size=1, max_size=6))


def written(cohort: Cohort) -> str:
    parts = cohort.follow_up or (1.0,) * cohort.patients
    letters = "".join(
        seen if part == 1.0 else f"{seen}({part})" for seen, part in zip(cohort.letters, parts, strict=True)
    )
    missing = f"/{cohort.undelivered}" if cohort.undelivered else ""
    return ("~" if cohort.backfill else "") + cohort.node + letters + missing


@st.composite
def whole_cohorts(draw: st.DrawFn) -> Cohort:
    cohort = draw(st.builds(Cohort, labels, st.text("NTEB", min_size=1, max_size=6), backfill=st.booleans()))
    parts = tuple(1.0 if seen in "TB" else draw(st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.0])) for seen in cohort.letters)
    follow_up = parts if min(parts) < 1.0 else ()
    return replace(cohort, follow_up=follow_up, undelivered=draw(st.integers(0, 3)))


@given(st.lists(whole_cohorts()).map(tuple))
def test_parsing_reads_everything_that_the_notation_can_say(history: tuple[Cohort, ...]) -> None:
    assert parse_outcomes(" ".join(map(written, history))) == history


@pytest.mark.parametrize("scheme", ["linear", "adaptive"])
def test_days_become_weights_of_the_window(scheme: str) -> None:
    text = "1N(178)N 2T(24)N(102) 2N(3)"
    history = parse_outcomes(text, window_days=180.0, weights=scheme)
    expected = weights([178, 180, 24, 102, 3], [0, 0, 1, 0, 0], 180.0, scheme)
    found = [part for cohort in history for part in (cohort.follow_up or (1.0,) * cohort.patients)]
    assert found == pytest.approx(list(expected), abs=1e-15)


@pytest.mark.parametrize(
    ("text", "window", "scheme", "code"),
    [
        ("1N(1.2)", None, "linear", "TRIAL003"),
        ("1N(0.1.2)", None, "linear", "TRIAL003"),
        ("1T(0.5)", None, "linear", "TRIAL004"),
        ("1TN", 28.0, "adaptive", "TRIAL005"),
        ("1N(2)", 28.0, "cubic", "TRIAL230"),
        ("1N(2)", -1.0, "linear", "TRIAL231"),
        ("1N(2)", float("nan"), "linear", "TRIAL231"),
        ("1T(29)", 28.0, "linear", "TRIAL233"),
        ("1/", None, "linear", "TRIAL001"),
        ("/1", None, "linear", "TRIAL001"),
        ("1N()", None, "linear", "TRIAL001"),
    ],
)
def test_impossible_numbers_in_outcome_strings(text: str, window: float | None, scheme: str, code: str) -> None:
    with pytest.raises(CarwrightError) as caught:
        parse_outcomes(text, window_days=window, weights=scheme)
    assert [problem.code for problem in caught.value.problems] == [code]


@given(st.lists(cohorts).map(tuple))
def test_the_path_keeps_counts_and_forgets_the_order_within_cohorts(history):
    shuffled = tuple(Cohort(cohort.node, cohort.letters[::-1]) for cohort in history)
    assert path_of(history) == path_of(shuffled)
    total = sum(cohort.patients for cohort in history)
    assert sum(cohort.patients for cohort in parse_outcomes(path_of(history))) == total


def test_examples():
    history = parse_outcomes("1NNN 2NTT -3BE")
    assert [(cohort.node, cohort.patients, cohort.dlts) for cohort in history] == [
        ("1", 3, 0),
        ("2", 3, 2),
        ("-3", 2, 1),
    ]
    assert parse_outcomes("  ") == ()
    assert path_of(parse_outcomes("1TNN 1BEN")) == "1NNTNEB"
    assert parse_outcomes("2/2 3NN/1") == (Cohort("2", undelivered=2), Cohort("3", "NN", undelivered=1))


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
