"""A system and its tangents: how every state moves when parameters do, as more states with rates of their own.

Along a direction d in the space of parameters the tangent s = (dy/dp) d of a solution of y' = f(y, p, t) obeys
s' = (df/dy) s + (df/dp) d, with s = (dy0/dp) d at the start (forward sensitivity equations; Dickinson, R. P. and
Gelinas, R. J. (1976) J Comput Phys 21:123, doi:10.1016/0021-9991(76)90007-3). Both derivatives are made from the
same expressions as the rates, and the direction is given by parameters, so one compiled system serves every direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from carwright.engine import expression as ex
from carwright.engine.compilation import read_formula
from carwright.engine.derivative import directional
from carwright.engine.expression import ONE, TIME, ZERO, Expr
from carwright.engine.requests import Trigger
from carwright.engine.smooth import refuse_trigger
from carwright.engine.system import System
from carwright.errors import Problems

AT_ONCE: Final = 1e-6
"""Days within which a condition that has just come true is taken to have come so by itself, not by a jump."""

SLOPE, BEND = "slope", "bend"
"""First and second derivative of an observable with respect to time."""


def tangent(name: str, slot: int) -> str:
    """Name of the tangent of a state or observable along direction ``slot``."""
    return f"{name}|tangent {slot}"


def twist(name: str, slot: int) -> str:
    """Name of the derivative with respect to time of `tangent`."""
    return f"{name}|twist {slot}"


def direction(name: str, slot: int) -> str:
    """Name of the parameter that says how much a parameter moves along direction ``slot``."""
    return f"{name}|direction {slot}"


class Tangents:
    """Builds the system with its tangents.

    Parameters
    ----------
    system
        The system.
    parameters
        Those that may move.
    dosed
        States whose doses may move.
    triggers
        What may happen while solving.
    problems
        Takes what has no derivative.
    """

    def __init__(
        self, system: System, parameters: Sequence[str], dosed: Sequence[str], triggers: Sequence[Trigger],
        problems: Problems,
    ) -> None:  # fmt: skip
        self.system, self.parameters = system, tuple(parameters)
        self._rates = dict(zip(system.states, system.rates, strict=True))
        self._triggers = [(trigger, self._read(trigger, problems)) for trigger in triggers]
        self.reached = self._reached(set(dosed))

    def _read(self, trigger: Trigger, problems: Problems) -> tuple[Expr, dict[str, Expr]]:
        where = f"trigger {trigger.name!r}"
        when = read_formula(self.system, trigger.when, f"{where}, when", problems)
        refuse_trigger(trigger, when, self.system, problems)
        given = {
            state: text if isinstance(text, Expr) else read_formula(self.system, text, where, problems)
            for state, text in trigger.assignments.items()
        }
        return when, given

    def _reached(self, dosed: set[str]) -> tuple[str, ...]:
        """States that move at all; the tangents of others are 0 and are left out."""
        system, moving = self.system, set(self.parameters) | dosed
        starts = dict(zip(system.states, system.initial, strict=True))
        scales = dict(zip(system.states, system.dose_scales, strict=True))
        found: set[str] = set(dosed)
        for name in system.states:
            if ex.symbols([starts[name], self._rates[name], scales[name] or ONE]) & moving:
                found.add(name)
        while True:
            more = {name for name in system.states if ex.symbols([self._rates[name]]) & found}
            for _, (when, given) in self._triggers:
                timed = ex.symbols([when]) & (found | moving)
                more |= {state for state, value in given.items() if timed or ex.symbols([value]) & (found | moving)}
            if more <= found:
                return tuple(name for name in system.states if name in found)
            found |= more

    def _moves(self, slot: int) -> dict[str, Expr]:
        """How states and parameters change along a direction."""
        moves = {name: ex.symbol(tangent(name, slot)) for name in self.reached}
        return moves | {name: ex.symbol(direction(name, slot)) for name in self.parameters}

    def _flow(self) -> Mapping[str, Expr]:
        """How states and time change while time passes."""
        return {**self._rates, TIME: ONE}

    def dose_slopes(self, slot: int) -> dict[str, Expr]:
        """What a unit of dose adds to the tangent of a state, because its volume moves."""
        pairs = zip(self.system.states, self.system.dose_scales, strict=True)
        scales = {name: scale for name, scale in pairs if scale is not None}
        slopes = directional(scales.values(), self._moves(slot))
        return {name: slope for name, slope in zip(scales, slopes, strict=True) if slope is not ZERO}

    def system_with(self, width: int, tangents_of: Sequence[str], shapes_of: Sequence[str]) -> System:
        """The system with tangents along ``width`` directions.

        ``tangents_of`` names the observables whose `tangent` is wanted; ``shapes_of`` those whose `SLOPE`, `BEND` and
        `twist` are wanted too.
        """
        system, slots = self.system, range(width)
        states, rates, initial = list(system.states), list(system.rates), list(system.initial)
        for slot in slots:
            moves = self._moves(slot)
            states += [tangent(name, slot) for name in self.reached]
            rates += directional([self._rates[name] for name in self.reached], moves)
            starts = directional(system.initial, moves)
            initial += [start for name, start in zip(system.states, starts, strict=True) if name in self.reached]
        extra = width * len(self.reached)
        directions = [direction(name, slot) for slot in slots for name in self.parameters]
        return replace(
            system,
            states=tuple(states),
            parameters=(*system.parameters, *directions),
            defaults=np.concatenate([system.defaults, np.zeros(len(directions))]),
            rates=tuple(rates),
            initial=tuple(initial),
            observables={**system.observables, **self._observables(width, tangents_of, shapes_of)},
            non_negative=(*system.non_negative, *([False] * extra)),
            dose_scales=(*system.dose_scales, *([ONE] * extra)),
        )

    def _observables(self, width: int, tangents_of: Sequence[str], shapes_of: Sequence[str]) -> dict[str, Expr]:
        found: dict[str, Expr] = {}
        for name in dict.fromkeys([*tangents_of, *shapes_of]):
            value = self.system.expression(name)
            if value is None:
                continue
            shaped = name in shapes_of
            if shaped:
                slope = directional([value], self._flow())[0]
                found[f"{name}|{SLOPE}"], found[f"{name}|{BEND}"] = slope, directional([slope], self._flow())[0]
            for slot in range(width):
                moves = self._moves(slot)
                found[tangent(name, slot)] = directional([value], moves)[0]
                if shaped:
                    found[twist(name, slot)] = directional([slope], moves)[0]
        return found

    def triggers(self, width: int) -> tuple[Trigger, ...]:
        """The triggers, with what they do to the tangents.

        Where the condition h passes through 0, its time moves by tau = -(dh/dp d) / (dh/dt), and the tangents jump
        from s to (dg/dp) d + (dg/dy) s + (dg/dt - f after) tau, where g is what is assigned (and the state itself
        where nothing is): Galan, S., Feehery, W. F. and Barton, P. I. (1999) Appl Numer Math 31:17,
        doi:10.1016/S0168-9274(98)00125-1. When a dose or the opening of its window makes it happen, tau is 0.
        """
        return tuple(
            replace(trigger, assignments={**given, **self._jumps(when, given, width)}) if self._triggers else trigger
            for trigger, (when, given) in self._triggers
        )

    def _jumps(self, when: Expr, given: Mapping[str, Expr], width: int) -> dict[str, Expr]:
        names = self.reached
        after = [given.get(name, ex.symbol(name)) for name in names]
        changed = ex.substitute([self._rates[name] for name in names], given)
        flowing = directional(after, self._flow())
        rise = directional([when], self._flow())[0]
        by_itself = ex.compare("lt", when, AT_ONCE * rise)
        found: dict[str, Expr] = {}
        for slot in range(width):
            moves = self._moves(slot)
            tau = ex.select(by_itself, -directional([when], moves)[0] / rise, ZERO)
            for name, moved, flows, rate in zip(names, directional(after, moves), flowing, changed, strict=True):
                found[tangent(name, slot)] = moved + (flows - rate) * tau
        return found
