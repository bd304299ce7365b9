"""Designs by name, built from the options of a study."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from carwright.errors import CarwrightError, Problem, Problems
from carwright.trial.design import Design
from carwright.trial.designs.three_plus_three import ThreePlusThree
from carwright.trial.rules.halt_on_death import HaltOnDeath
from carwright.trial.space import DoseSpace


class _Options:
    """Reads the options of a study's design, and remembers every mistake and every key nobody asked for."""

    def __init__(self, design: str, options: Mapping[str, object]) -> None:
        self._design = design
        self._left = dict(options)
        self._asked: list[str] = []
        self.problems = Problems()

    def labels(self, key: str) -> tuple[str, ...]:
        value = self._take(key, [])
        if isinstance(value, list | tuple) and value and all(_is_label(item) for item in value):
            return tuple(str(item) for item in value)
        self._wrong(key, value, "a list of node labels, such as [1, 2, 3]")
        return ()

    def label_map(self, key: str) -> dict[str, str]:
        value = self._take(key, {})
        if isinstance(value, Mapping) and all(_is_label(item) for pair in value.items() for item in pair):
            return {str(node): str(lower) for node, lower in value.items()}
        self._wrong(key, value, "node labels by node label, such as {3: -3}")
        return {}

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._take(key, default)
        if isinstance(value, bool):
            return value
        self._wrong(key, value, "true or false")
        return default

    def finish(self) -> None:
        for key in self._left:
            near = difflib.get_close_matches(str(key), self._asked, n=1)
            self.problems.add(
                "TRIAL032",
                f"the design {self._design} has no such option",
                where="design",
                found=str(key),
                allowed=", ".join(self._asked),
                fix=f"did you mean {near[0]}?" if near else "remove the option",
            )
        self.problems.raise_if_any()

    def _take(self, key: str, default: object) -> object:
        self._asked.append(key)
        return self._left.pop(key, default)

    def _wrong(self, key: str, value: object, allowed: str) -> None:
        self.problems.add(
            "TRIAL031",
            f"the option {key} of the design {self._design} cannot be used",
            where=f"design, {key}",
            found=repr(value),
            allowed=allowed,
            fix="correct the option",
        )


def _is_label(item: object) -> bool:
    # YAML reads the label 1 as a number; true and false are numbers to Python, but no labels.
    return isinstance(item, str | int) and not isinstance(item, bool)


def _three_plus_three(space: DoseSpace, options: _Options) -> Callable[[], Design]:
    path = options.labels("path")
    fallback = options.label_map("fallback")
    deescalate = options.flag("deescalate", default=False)
    return lambda: ThreePlusThree(space, path, fallback, deescalate)


DESIGNS: dict[str, Callable[[DoseSpace, _Options], Callable[[], Design]]] = {"3+3": _three_plus_three}
"""Design by name: reads its options, then builds the design once all of them are known to be readable."""


def build_design(name: str, space: DoseSpace, options: Mapping[str, object]) -> Design:
    """Build the design that a study names.

    Parameters
    ----------
    name
        Key of `DESIGNS`.
    space
        The dose space.
    options
        Options of the design as read from YAML. ``3+3`` takes ``path``, ``fallback``, ``deescalate``; every
        design takes ``halt_on_death`` (default true, assumed; see `HaltOnDeath`).

    Raises
    ------
    CarwrightError
        If the design is unknown, or naming every option that is unknown or cannot be used.
    """
    if name not in DESIGNS:
        near = difflib.get_close_matches(name, DESIGNS, n=1)
        raise CarwrightError(
            Problem(
                "TRIAL030",
                "there is no such design",
                where="design",
                found=name,
                allowed=", ".join(DESIGNS),
                fix=f"did you mean {near[0]}?" if near else "choose one of the allowed designs",
            )
        )
    read = _Options(name, options)
    build = DESIGNS[name](space, read)
    halt_on_death = read.flag("halt_on_death", default=True)
    read.finish()
    design = build()
    return design | HaltOnDeath if halt_on_death else design
