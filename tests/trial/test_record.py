"""Records and design files: what they say is what is built, for every design and rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from carwright.errors import CarwrightError
from carwright.trial.case import case_of
from carwright.trial.outcomes import Cohort
from carwright.trial.protocol import protocol_text
from carwright.trial.record import design_of, record_of
from carwright.trial.registry import DESIGNS, RULES, build_design
from carwright.trial.space import grid
from carwright.yamlfile import parse_yaml, write_yaml

REQUIRED: dict[str, dict[str, object]] = {
    "decision-table": {"rows": {3: "ESDX", 6: "EESDXXX"}},
    "blrm": {"doses": [1, 2, 4]},
    "efftox": {"doses": [1, 2, 4]},
}
AROUND: dict[str, dict[str, object]] = {
    "amendment": {"adds": ["3"], "before": {"target": 0.2}},
    "fallback": {"nodes": {"2": "3"}},
}
OUTCOMES = "1NEN 2NTN"


@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_survives_its_record_in_yaml_and_json(name: str) -> None:
    given = {"design": name, "doses": 3, "options": REQUIRED.get(name, {}), "rules": [{"stop_at": {"n": 12}}]}
    design = design_of(given)
    record = record_of(design)
    for written in (parse_yaml(write_yaml(record), "record").data, json.loads(json.dumps(record))):
        again = design_of(written)
        assert record_of(again) == record
        assert again.fit(OUTCOMES).decision == design.fit(OUTCOMES).decision
    text = protocol_text(design)
    assert f"## Dose finding: {name}" in text
    assert "stop_at" in text


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_survives_its_record(rule: str) -> None:
    order = ["1 < 2", "3 < 2"] if rule == "fallback" else None
    given: dict[str, Any] = {"design": "boin", "doses": ["1", "2", "3"], "rules": [{rule: AROUND.get(rule, {})}]}
    if order:
        given |= {"order": order, "options": {"path": ["1", "2"]}}
    design = design_of(given)
    record = record_of(design)
    again = design_of(json.loads(json.dumps(record)))
    assert record_of(again) == record
    assert again.fit("1NNN 2TTN").decision == design.fit("1NNN 2TTN").decision
    assert rule in protocol_text(design)


def test_a_grid_and_the_order_of_orders() -> None:
    assert design_of({"design": "boin-combination", "grid": [2, 3]}).space.labels == grid(2, 3).labels
    orders = [["1", "2", "3", "4"], ["1", "3", "2", "4"]]
    space = design_of({"design": "pocrm", "doses": 4, "options": {"orders": orders}}).space
    assert space.above("1") == {"2", "3", "4"}
    assert space.below("4") == {"1", "2", "3"}
    assert "2" not in space.above("3") | space.below("3")


def test_counts_are_read_by_list_by_label_and_by_row() -> None:
    expected = (Cohort("1", "NNN"), Cohort("3", "NET", undelivered=1), Cohort("2", "NTB"))
    counts: dict[str, Any] = {
        "patients": [3, 3, 3],
        "dlts": {"1": 0, "2": 2, "3": 1},
        "responses": [0, 1, 1],
        "both": [0, 1, 0],
        "undelivered": [0, 0, 1],
        "last": 2,
    }
    assert case_of({"design": "boin", "doses": 3, **counts}).history == expected
    matrix = case_of({"design": "boin-combination", "grid": [2, 2], "patients": [[3, 0], [0, 0]]})
    assert matrix.history == (Cohort("1.1", "NNN"),)


def test_every_mistake_of_a_file_is_named_at_once() -> None:
    given = {"design": "boin", "doses": 2, "dosis": 3, "truth": [0.1], "seed": -1, "patients": [1, 1], "dlts": [2, 0]}
    with pytest.raises(CarwrightError) as caught:
        case_of(given)
    codes = sorted(problem.code for problem in caught.value.problems)
    assert codes == ["TRIAL040", "TRIAL060", "TRIAL063", "TRIAL068"]


def test_a_single_decision_knows_no_largest_number_of_patients() -> None:
    many = " ".join(["1NNN"] * 5 + ["2NNT"] * 4)
    record = {"design": "boin", "doses": 2}
    assert not design_of(record).fit(many).decision.goes_on
    assert design_of(record, stops=False).fit(many).decision.goes_on
    assert build_design("boin", grid(1, 2), {}, [], stops=False).fit("1.1NNN").decision.node == "1.2"
