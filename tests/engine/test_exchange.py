"""What is written as JSON is read back as it was; anything else is refused."""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from typing import Any

import engine_models
import numpy as np
import numpy.typing as npt
import pytest

from carwright.engine import Functional, System, Trigger, expression, read_sbml
from carwright.engine.exchange import dumps, loads
from carwright.engine.expression import Expr
from carwright.models import load_model


@pytest.fixture(scope="module")
def systems() -> list[System]:
    texts = [
        load_model("mcrpc").sbml,
        engine_models.sbml(engine_models.TOYS),
        engine_models.sbml(engine_models.PATIENT),
    ]
    return [read_sbml(text) for text in texts]


def test_systems_come_back(systems: list[System]) -> None:
    for system in systems:
        again = loads(dumps(system, System), System)
        assert again.digest == system.digest
        assert again.units == system.units
        # Expressions are shared objects, so equal ones are the same ones.
        assert all(a is b for a, b in zip(again.rates, system.rates, strict=True))
        assert again.observables == system.observables
        assert again.defaults.tobytes() == system.defaults.tobytes()


def test_the_text_is_strict_json(systems: list[System]) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    json.loads(dumps(systems[0], System), parse_constant=refuse)


@dataclass(frozen=True)
class Everything:
    """One field of each form."""

    expr: Expr | None
    numbers: npt.NDArray[np.float64]
    inner: tuple[Functional | Trigger, ...]
    pair: tuple[int, str]
    level: float | str | None
    names: dict[str, float]
    flag: bool


def everything(**changes: Any) -> Everything:
    trigger = Trigger("t", "x > 1", {"x": "0"}, every_days=2.0)
    values = {
        "expr": expression.add(expression.symbol("x"), -0.0, math.pi),
        "numbers": np.array([[math.nan, -math.inf], [5e-324, -0.0]]),
        "inner": (Functional("maximum", "x", threshold=None), trigger),
        "pair": (3, "é\0"),
        "level": math.inf,
        "names": {"b": 1e300, "a": 0.1},
        "flag": True,
    }
    return Everything(**values | changes)


def test_every_form_comes_back() -> None:
    given = everything()
    again = loads(dumps(given, Everything), Everything)
    assert again.expr is given.expr
    assert again.numbers.tobytes() == given.numbers.tobytes()
    assert again.numbers.shape == (2, 2)
    assert (again.inner[0], again.pair, again.flag) == (given.inner[0], given.pair, given.flag)
    assert again.inner[1] == given.inner[1]
    assert again.inner[0].start == -math.inf
    assert list(again.names.items()) == list(given.names.items())
    assert again.level == "inf" or again.level == math.inf
    assert loads(dumps(everything(expr=None, level="k"), Everything), Everything).level == "k"


@pytest.mark.parametrize(
    "wrong", [{"flag": 1}, {"pair": ("a", 3)}, {"level": [1]}, {"expr": 3}, {"inner": (object(),)}]
)
def test_a_value_of_another_type_is_not_written(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="declared"):
        dumps(everything(**wrong), Everything)


@pytest.mark.parametrize(
    "node",
    [["exec", [0]], ["pow", [0]], ["pow", [0, 7]], ["pow", [0, -1]], ["add", []], ["symbol", 3], ["add", [True, 0]],
     ["number", "nan"], ["number", "x"], ["sin", [0, 0]], [[], [0]]],
)  # fmt: skip
def test_an_impossible_expression_is_refused(node: list[Any]) -> None:
    document = json.loads(dumps(everything(), Everything))
    document["nodes"].append(node)
    with pytest.raises(ValueError, match=r".+"):
        loads(json.dumps(document), Everything)


def test_damaged_text_is_refused_or_is_a_system(systems: list[System]) -> None:
    """Whatever a confused process answers, reading it raises nothing but ValueError."""
    document = json.loads(dumps(systems[1], System))
    chance = random.Random(1)  # noqa: S311  # damage, not secrets
    refused = 0
    for _ in range(500):
        copy = json.loads(json.dumps(document))
        place: Any = copy
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = chance.choice(keys)
            if not isinstance(place[key], dict | list) or not place[key] or chance.random() < 0.2:
                break
            place = place[key]
        place[key] = chance.choice([None, True, -1, 10**9, "x", [], {}, [[]], 0.5, "nan"])
        try:
            loads(json.dumps(copy), System)
        except ValueError:
            refused += 1
    assert refused > 250
    for text in ("", "null", "[]", "{}", '{"format": 2}', "[" * 100_000):
        with pytest.raises(ValueError, match=r".+"):
            loads(text, System)
