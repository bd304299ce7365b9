from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from carwright.errors import CarwrightError
from carwright.trial.simon import simon, two_stage
from carwright.trial.toxicity_boundary import crossing_probability, toxicity_boundary


def test_designs_of_simon(reference: Path) -> None:
    for case in json.loads((reference / "other_designs.json").read_text())["simon"]:
        found = simon(case["pu"], case["pa"], case["ep1"], case["ep2"], largest=50)
        for name in ("optimal", "minimax"):
            design, expected = getattr(found, name), case[name]
            rule = (design.first_responses, design.first, design.responses, design.patients)
            assert rule == (expected["r1"], expected["n1"], expected["r"], expected["n"])
            assert design.expected_patients == pytest.approx(expected["EN_p0"], abs=1e-7)
            assert design.stops_early == pytest.approx(expected["PET_p0"], abs=1e-9)
            assert design.type_1_error == pytest.approx(expected["type1"], abs=1e-9)
            assert design.power == pytest.approx(expected["power"], abs=1e-9)


def test_properties_by_walking_through_every_outcome() -> None:
    design = two_stage(1, 10, 5, 29, 0.1, 0.3)
    for rate, declared in ((0.1, design.type_1_error), (0.3, design.power)):
        total = sum(
            binom.pmf(first, 10, rate) * binom.pmf(second, 19, rate)
            for first in range(2, 11)
            for second in range(20)
            if first + second > 5
        )
        assert declared == pytest.approx(total, abs=1e-12)


def test_no_smaller_two_stage_design_than_minimax_exists() -> None:
    best = simon(0.2, 0.5, 0.1, 0.2, largest=25).minimax
    for patients in range(2, best.patients):
        for first in range(1, patients):
            for stop in range(first):
                for needed in range(stop, patients):
                    found = two_stage(stop, first, needed, patients, 0.2, 0.5)
                    assert found.type_1_error > 0.1 or found.power < 0.8


def test_boundaries_of_clinfun(reference: Path) -> None:
    case = json.loads((reference / "other_designs.json").read_text())["toxbdry"]
    found = toxicity_boundary(0.2, case["looks"])
    assert list(found.low) == case["lo_bdry"]
    assert list(found.high) == case["hi_bdry"]


def test_boundaries_enclose_the_probability_asked_for() -> None:
    looks = list(range(2, 31))
    found = toxicity_boundary(0.1, looks, 0.08)
    assert crossing_probability(looks, found.high, 0.1) < 0.08 <= crossing_probability(looks, found.low, 0.1)
    assert all(later >= earlier for earlier, later in pairwise(found.low))


def test_crossing_probability_by_simulation() -> None:
    looks, boundary = [3, 6, 9], [1, 2, 3]
    seen = np.cumsum(np.random.default_rng(0).random((200_000, 9)) < 0.25, axis=1)[:, [2, 5, 8]]
    share = (seen > boundary).any(axis=1).mean()
    assert crossing_probability(looks, boundary, 0.25) == pytest.approx(share, abs=4 * (0.25 / 200_000) ** 0.5)


def test_mistakes_are_named_all_at_once() -> None:
    with pytest.raises(CarwrightError) as caught:
        simon(0.3, 0.2, 0.0, 0.7)
    assert len(caught.value.problems) == 3
    with pytest.raises(CarwrightError, match="more than 5 patients"):
        simon(0.1, 0.2, 0.05, 0.2, largest=5)
    with pytest.raises(CarwrightError) as caught:
        toxicity_boundary(1.2, [6, 3])
    assert {problem.code for problem in caught.value.problems} == {"TRIAL260", "TRIAL261"}
