"""A model as the engine sees it: states, parameters, rates and observables as expressions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from carwright.engine import expression as ex
from carwright.engine.evaluate import evaluate
from carwright.engine.expression import TIME, Expr


def fingerprint(roots: Iterable[Expr]) -> str:
    """Hash of the structure of expressions; equal for equal expressions in every process."""
    roots = list(roots)
    index: dict[Expr, int] = {}
    digest = hashlib.sha256()
    for i, node in enumerate(ex.topological(roots)):
        index[node] = i
        digest.update(f"{node.op}|{node.value!r}|{[index[arg] for arg in node.args]};".encode())
    digest.update(str([index[root] for root in roots]).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Assignment:
    """``state`` becomes ``value``, times ``volume`` before the event where a concentration is given for an amount."""

    state: str
    value: Expr
    volume: Expr | None = None


@dataclass(frozen=True)
class Event:
    """An event of the model, in the terms of SBML Level 3 section 4.12.

    Attributes
    ----------
    trigger
        It happens when this turns from false to true.
    initial_value
        Truth of the trigger before the start.
    persistent
        Whether it still happens when the trigger turns false before its delay has passed.
    values_at_trigger
        Whether the assignments are evaluated at the time of the trigger or after the delay.
    delay, priority
        None for none.
    """

    name: str
    trigger: Expr
    initial_value: bool
    persistent: bool
    values_at_trigger: bool
    delay: Expr | None
    priority: Expr | None
    assignments: tuple[Assignment, ...]

    def expressions(self) -> tuple[Expr, ...]:
        """Everything that the event evaluates, in a fixed order."""
        nothing = ex.symbol("|none")
        pairs = [part for a in self.assignments for part in (a.value, a.volume or nothing)]
        return (self.trigger, self.delay or nothing, self.priority or nothing, *pairs)


@dataclass(frozen=True)
class System:
    """An initial value problem.

    Attributes
    ----------
    states
        Names of the m states. A state's value is what its symbol means in the SBML file: an amount for a
        species with only
        substance units, otherwise a concentration.
    parameters
        Names of the p values that a patient may change: constant SBML parameters, compartment sizes and
        constant species
        that no initial assignment computes.
    defaults
        (p,) values of the parameters in the file.
    rates
        (m) time derivatives, expressions of states, parameters and time.
    observables
        Assignment rules and derived constants by name, expressions of states, parameters and time.
    initial
        (m) initial values, expressions of parameters and of time (the start of the solve).
    units
        Unit of each state, parameter and observable that has one.
    non_negative
        (m) True for a species, which cannot be below zero; False for other variables with a rate rule.
    dose_scales
        (m) what one unit of dosed amount adds to the state: 1, or 1/volume for a concentration; None where
        the volume
        changes and a dose is refused.
    events
        What happens when a condition comes true; needs the interpreter.
    quantities
        More that may be asked for by name: parameters, reaction rates, and ``amount(S)`` and ``concentration(S)`` of
        every species S.
    """

    name: str
    states: tuple[str, ...]
    parameters: tuple[str, ...]
    defaults: npt.NDArray[np.float64] = field(repr=False)
    rates: tuple[Expr, ...] = field(repr=False)
    observables: dict[str, Expr] = field(repr=False)
    initial: tuple[Expr, ...] = field(repr=False)
    units: dict[str, str] = field(repr=False)
    non_negative: tuple[bool, ...] = field(repr=False)
    dose_scales: tuple[Expr | None, ...] = field(repr=False)
    events: tuple[Event, ...] = ()
    quantities: dict[str, Expr] = field(default_factory=dict, repr=False)

    @cached_property
    def digest(self) -> str:
        """Hash of names, equations and default values: equal systems have equal digests."""
        scales = [scale if scale is not None else ex.symbol("|none") for scale in self.dose_scales]
        happening = [e for event in self.events for e in event.expressions()]
        content = fingerprint([*self.rates, *self.initial, *self.observables.values(), *scales, *happening])
        flags = [
            (e.name, e.initial_value, e.persistent, e.values_at_trigger, [a.state for a in e.assignments])
            for e in self.events
        ]
        names = repr((self.states, self.parameters, tuple(self.observables), self.non_negative, flags))
        return hashlib.sha256(f"{names}{content}".encode() + self.defaults.tobytes()).hexdigest()

    def expression(self, name: str) -> Expr | None:
        """What a state, observable or other quantity of that name stands for; None when there is no such name."""
        return ex.symbol(name) if name in self.states else self.observables.get(name, self.quantities.get(name))

    def initial_values(self, parameters: npt.NDArray[np.float64], start: float = 0.0) -> npt.NDArray[np.float64]:
        """States (n, m) at the start of a solve for parameters (n, p)."""
        values = {name: parameters[:, i] for i, name in enumerate(self.parameters)}
        columns = evaluate(self.initial, {**values, TIME: np.float64(start)})
        result = np.empty((len(parameters), len(self.states)))
        for i, column in enumerate(columns):
            result[:, i] = column
        return result
