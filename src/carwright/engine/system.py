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
from carwright.engine.expression import Expr
from carwright.engine.formula import TIME


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

    @cached_property
    def digest(self) -> str:
        """Hash of names, equations and default values: equal systems have equal digests."""
        scales = [scale if scale is not None else ex.symbol("|none") for scale in self.dose_scales]
        content = fingerprint([*self.rates, *self.initial, *self.observables.values(), *scales])
        names = repr((self.states, self.parameters, tuple(self.observables), self.non_negative))
        return hashlib.sha256(f"{names}{content}".encode() + self.defaults.tobytes()).hexdigest()

    def expression(self, name: str) -> Expr | None:
        """What a state or observable of that name stands for; None when there is no such name."""
        return ex.symbol(name) if name in self.states else self.observables.get(name)

    def initial_values(self, parameters: npt.NDArray[np.float64], start: float = 0.0) -> npt.NDArray[np.float64]:
        """States (n, m) at the start of a solve for parameters (n, p)."""
        values = {name: parameters[:, i] for i, name in enumerate(self.parameters)}
        columns = evaluate(self.initial, {**values, TIME: np.float64(start)})
        result = np.empty((len(parameters), len(self.states)))
        for i, column in enumerate(columns):
            result[:, i] = column
        return result
