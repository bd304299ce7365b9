"""The verdict and its cards, on a run of invented numbers."""

import copy
from dataclasses import replace

import pytest

from carwright.report.answer import SEVERAL, cards, verdict
from carwright.report.run import Run, read_run


@pytest.fixture(scope="module")
def run(run_folder) -> Run:
    return read_run(run_folder)


def with_arms(run: Run, shares: list[float]) -> Run:
    """The same run with one comparator for each share of responders."""
    summary = copy.deepcopy(run.summary)
    name = run.disease.headlines[0]
    template = summary["comparators"].pop("without-armour")
    summary["arms"] = summary["arms"][:1]
    for index, share in enumerate(shares):
        entry = copy.deepcopy(template)
        entry["quantities"][name] |= {"estimate": share, "lo": share - 0.05, "hi": share + 0.05}
        summary["comparators"][f"arm-{index}"] = entry
        summary["arms"].append({"name": f"arm-{index}", "label": f"Arm {index}"})
    return replace(run, summary=summary)


def test_few_arms_are_told_one_by_one(run):
    text = verdict(run)
    assert "in “Without the armour” than in “With the armour”" in text
    assert sum("“Without the armour”" in card.label for card in cards(run)) == 1


def test_of_many_arms_the_most_and_the_fewest_responses_are_told(run):
    many = with_arms(run, [0.9, 0.5, 0.02, 0.6])
    assert len(many.comparators) > SEVERAL
    text = verdict(many)
    assert "of 5 arms “Arm 0” has the highest share" in text
    assert "“Arm 2” the lowest" in text
    assert "Arm 1" not in text
    told = {card.value.replace("\u00a0", " "): card.detail for card in cards(many)}
    assert "“Arm 0” (85 to 95" in told["90 %"].replace("\u00a0", " ")
    assert "“Arm 2”" in told["2.0 %"]


def test_of_one_dose_nothing_is_recommended(run):
    summary = copy.deepcopy(with_arms(run, [0.9, 0.5, 0.02, 0.6]).summary)
    summary["nodes"] = summary["nodes"][:1]
    for name in run.quantities:
        for key in ("published", "covered"):
            summary["quantities"][name].pop(key, None)
    one = replace(run, summary=summary)
    assert verdict(one).startswith("Of 5 arms")
    assert not any("recommended" in card.label for card in cards(one))
