"""The parts of an SBML model, sorted into states, parameters and definitions, and put together as a `System`.

A state is what its symbol means in the file, except for a species whose symbol is a concentration in a compartment
that changes its size: there the state is the amount, named ``amount(S)``, which no change of the size can alter, and
the concentration S is an observable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from carwright.engine import algebraic
from carwright.engine import expression as ex
from carwright.engine.derivative import derivatives
from carwright.engine.expression import TIME, Expr
from carwright.engine.formula import Function, UnsupportedError, from_ast, rate_of
from carwright.engine.resolve import Definitions, guard_powers
from carwright.engine.sbml_events import RawEvent, raw_events
from carwright.engine.system import Assignment, Event, System
from carwright.errors import Problems

Ready = Callable[[Iterable[Expr]], list[Expr]]
"""Substitutes definitions, and guards powers."""


def each(items: Any) -> Iterator[Any]:
    """Walk a list of libSBML."""
    return (items.get(i) for i in range(items.size()))


def amount(species: str) -> str:
    """Name of the amount of a species."""
    return f"amount({species})"


class Reader:
    """Walks the model once, then builds."""

    def __init__(self, model: Any, problems: Problems) -> None:
        self.model, self.problems = model, problems
        self.functions: dict[str, Function] = {}
        for definition in each(model.getListOfFunctionDefinitions()):
            arguments = tuple(definition.getArgument(i).getName() for i in range(definition.getNumArguments()))
            self.functions[definition.getId()] = Function(arguments, definition.getBody())
        self.parameters: dict[str, float] = {}
        self.species = {s.getId(): s for s in each(model.getListOfSpecies())}
        self.values = self._values()
        self.assigned: dict[str, Expr] = {}
        self.rated: dict[str, Expr] = {}
        self.algebraic: list[Expr] = []
        self._rules()
        self.started: dict[str, Expr] = {}
        for assignment in each(model.getListOfInitialAssignments()):
            variable = assignment.getSymbol()
            if (math_ := self.math(assignment, f"initial assignment of {variable!r}")) is not None:
                self.started[variable] = math_
        self.events: list[RawEvent] = raw_events(model, self.math)
        self.laws: dict[str, Expr] = {}
        self.fluxes: dict[str, list[Expr]] = {}
        self._reactions()
        self._solve_algebraic()
        self._sort()

    def math(self, owner: Any, label: str, local: dict[str, Expr] | None = None) -> Expr | None:
        """Formula of a part of the model; None where it has none, which is to say that the part does nothing."""
        if owner is None or owner.getMath() is None:
            return None
        try:
            return from_ast(owner.getMath(), self.functions, local)
        except UnsupportedError as error:
            where = f"{label}, line {owner.getLine()}"
            self.problems.add("ENGINE012", f"the engine does not support {error}", where=where)
            return ex.ZERO

    def _values(self) -> dict[str, float]:
        """Numbers in the file by symbol, NaN for none; those of species apart."""
        values = {}
        for compartment in each(self.model.getListOfCompartments()):
            values[compartment.getId()] = compartment.getSize() if compartment.isSetSize() else math.nan
        for parameter in each(self.model.getListOfParameters()):
            values[parameter.getId()] = parameter.getValue() if parameter.isSetValue() else math.nan
        for reaction in each(self.model.getListOfReactions()):
            for references in (reaction.getListOfReactants(), reaction.getListOfProducts()):
                for reference in each(references):
                    if reference.isSetId() and not reference.isSetStoichiometryMath():
                        values[reference.getId()] = reference.getStoichiometry()
        return values

    def _rules(self) -> None:
        for rule in each(self.model.getListOfRules()):
            variable = rule.getVariable()
            formula = self.math(rule, f"rule of {variable!r}" if variable else "algebraic rule")
            if formula is None:
                continue
            if rule.isAlgebraic():
                self.algebraic.append(formula)
            elif rule.isRate():
                self.rated[variable] = formula
            else:
                self.assigned[variable] = formula

    def _reactions(self) -> None:
        for reaction in each(self.model.getListOfReactions()):
            identifier, law = reaction.getId(), reaction.getKineticLaw()
            local: dict[str, Expr] = {}
            for parameter in each(law.getListOfParameters()) if law is not None else ():
                # A dot cannot occur in an SBML identifier, so this name is free.
                name = f"{identifier}.{parameter.getId()}"
                self.parameters[name] = parameter.getValue() if parameter.isSetValue() else math.nan
                local[parameter.getId()] = ex.symbol(name)
            formula = self.math(law, f"reaction {identifier!r}", local)
            if formula is None:
                where = f"line {reaction.getLine()}"
                self.problems.add("ENGINE013", f"reaction {identifier!r} has no kinetic law", where=where)
                continue
            self.laws[identifier] = formula
            for sign, references in ((-1.0, reaction.getListOfReactants()), (1.0, reaction.getListOfProducts())):
                for reference in each(references):
                    flux = sign * self._stoichiometry(reference) * ex.symbol(identifier)
                    self.fluxes.setdefault(reference.getSpecies(), []).append(flux)

    def _stoichiometry(self, reference: Any) -> Expr:
        if reference.isSetStoichiometryMath():
            label = f"stoichiometry of {reference.getSpecies()!r}"
            formula = self.math(reference.getStoichiometryMath(), label)
            return ex.ONE if formula is None else formula
        return ex.symbol(reference.getId()) if reference.isSetId() else self._number(reference)

    def _number(self, reference: Any) -> Expr:
        value = reference.getStoichiometry()
        if not math.isfinite(value):
            self.problems.add("ENGINE013", "a stoichiometry has no value", where=f"line {reference.getLine()}")
            return ex.ONE
        return ex.number(value)

    def _solve_algebraic(self) -> None:
        """Turn algebraic rules into assignment rules for what nothing else determines."""
        fixed = {name for name, s in self.species.items() if s.getConstant()}
        fixed |= {name for name, s in self.species.items() if name in self.fluxes and not s.getBoundaryCondition()}
        for listing in (self.model.getListOfCompartments(), self.model.getListOfParameters()):
            fixed |= {item.getId() for item in each(listing) if item.getConstant()}
        by_event = {variable for event in self.events for variable, _ in event.assignments}
        fixed |= {*self.assigned, *self.rated, *by_event}
        try:
            self.assigned |= algebraic.solve(self.algebraic, {*self.values, *self.species} - fixed)
        except UnsupportedError as error:
            self.problems.add("ENGINE012", f"the engine does not support {error}", where="algebraic rule")

    def _sort(self) -> None:
        """What changes is a state or has a rule; what does not is a parameter, or computed from parameters."""
        by_event = {variable for event in self.events for variable, _ in event.assignments}
        by_reaction = {n for n, s in self.species.items() if not (s.getConstant() or s.getBoundaryCondition())}
        varying = [n for n in (*self.rated, *self.species, *self.values) if n in {*self.rated, *by_event, *by_reaction}]
        self.states = [n for n in dict.fromkeys(varying) if n not in self.assigned]
        # A constant computed from the time at the start keeps its value as a state without a rate.
        clocked = self._reach(self.assigned | self.started, {TIME})
        self.states += [n for n in self.started if n in clocked and n not in self.states and n not in self.assigned]
        changing = self._reach(self.assigned, {*self.states, TIME, *self.laws})
        self.scaled = {
            n for n, s in self.species.items()
            if n not in self.assigned and not self.is_amount(s) and s.getCompartment() in changing
        }  # fmt: skip
        self.names = [amount(n) if n in self.scaled else n for n in self.states]
        self.names += [amount(n) for n in self.species if n in self.scaled and n not in self.states]

    @staticmethod
    def _reach(definitions: dict[str, Expr], roots: set[str]) -> set[str]:
        """Symbols that depend on the roots through definitions, the roots included."""
        uses = {name: ex.symbols([value]) for name, value in definitions.items()}
        found, fresh = set(roots), set(roots)
        while fresh:
            fresh = {name for name, used in uses.items() if name not in found and used & found}
            found |= fresh
        return found

    def is_amount(self, species: Any) -> bool:
        """Whether the symbol of a species stands for its amount."""
        compartment = self.model.getCompartment(species.getCompartment())
        points = compartment is not None and compartment.getSpatialDimensionsAsDouble() == 0.0
        return bool(species.getHasOnlySubstanceUnits()) or points

    def _volume(self, name: str) -> Expr:
        return ex.symbol(self.species[name].getCompartment())

    def _conversion(self, species: Any) -> Expr:
        for owner in (species, self.model):
            if owner.isSetConversionFactor():
                return ex.symbol(owner.getConversionFactor())
        return ex.ONE

    def _define(self) -> Definitions:
        definitions = Definitions()
        for name, formula in (self.assigned | self.laws).items():
            definitions.always(name, formula)
        for name in self.scaled:
            definitions.always(name, ex.symbol(amount(name)) / self._volume(name))
        for name, formula in self.started.items():
            if name not in self.assigned:
                definitions.at_start(name, formula)
        for name, value in self.values.items():
            self._given(definitions, name, value)
        for name, species in self.species.items():
            self._species(definitions, name, species)
        for name in definitions.started():
            if name not in self.names and name not in self.scaled:
                definitions.constant(name)
        return definitions

    def _given(self, definitions: Definitions, name: str, value: float) -> None:
        """A symbol with a number in the file: a state's start, or a parameter."""
        if definitions.known(name):
            return
        if name not in self.names:
            self.parameters[name] = value
        elif math.isfinite(value):
            definitions.at_start(name, ex.number(value))

    def _species(self, definitions: Definitions, name: str, species: Any) -> None:
        if name in self.assigned:
            return
        volume = self._volume(name)
        if definitions.has_start(name):
            if name in self.scaled:
                definitions.at_start(amount(name), self.started[name] * volume)
            return
        value, given = math.nan, False
        if species.isSetInitialAmount():
            value, given = species.getInitialAmount(), True
        elif species.isSetInitialConcentration():
            value = species.getInitialConcentration()
        as_amount = self.is_amount(species) or name in self.scaled
        scale = ex.ONE if as_amount == given else volume if as_amount else 1.0 / volume
        state = amount(name) if name in self.scaled else name
        if state not in self.names and (scale is ex.ONE or not math.isfinite(value)):
            self.parameters[name] = value
        elif math.isfinite(value):
            definitions.at_start(state, ex.number(value) * scale)

    def _rates(self, definitions: Definitions) -> dict[str, Expr]:
        """Time derivative of each state in symbols of the model, and meanings of ``rateOf``."""
        rates: dict[str, Expr] = {}
        pending: set[str] = set()

        def rate(state: str) -> Expr:
            if state in rates:
                return rates[state]
            if state in pending:
                self.problems.add(
                    "ENGINE014", "the size of a compartment depends on the rates of its contents", where="SBML",
                    found=state,
                )  # fmt: skip
                self.problems.raise_if_any()
            pending.add(state)
            species = state[len("amount(") : -1] if state not in {*self.values, *self.species} else state
            rates[state] = self._rate(state, species, growth)
            return rates[state]

        def growth(name: str) -> Expr:
            """Time derivative of any symbol, by the chain rule through its rule."""
            if name in self.names:
                return rate(name)
            if name in self.scaled:
                volume = self._volume(name)
                return (rate(amount(name)) - ex.symbol(name) * growth(str(volume.value))) / volume
            if name not in self.assigned:
                return ex.ZERO
            formula = self.assigned[name]
            used = sorted(ex.symbols([formula]) - {TIME})
            parts = [derivatives([formula], n)[0] * growth(n) for n in used]
            return ex.add(derivatives([formula], TIME)[0], *parts)

        for state in self.names:
            rate(state)
        everything = [*self.assigned.values(), *self.started.values(), *self.laws.values(), *self.rated.values()]
        everything += [part for event in self.events for part in event.expressions()]
        for symbol in sorted(ex.symbols(everything)):
            if symbol.startswith(rate_of("")[:-1]):
                definitions.always(symbol, growth(symbol[len(rate_of("")) - 1 : -1]))
        return rates

    def _rate(self, state: str, name: str, growth: Callable[[str], Expr]) -> Expr:
        species = self.species.get(name)
        volume = self._volume(name) if species is not None else ex.ONE
        if name in self.rated:
            if state == name:
                return self.rated[name]
            return self.rated[name] * volume + ex.symbol(name) * growth(str(volume.value))
        if species is None or species.getBoundaryCondition() or species.getConstant() or name not in self.fluxes:
            return ex.ZERO
        flow = self._conversion(species) * ex.add(*self.fluxes[name])
        return flow if state != name or self.is_amount(species) else flow / volume

    def system(self, name: str, non_negative: Collection[str]) -> System:
        """Substitute definitions everywhere and put the parts together."""
        definitions = self._define()
        rates = self._rates(definitions)
        now, start = definitions.resolve(self.problems)
        self.problems.raise_if_any()

        def resolved(roots: Iterable[Expr]) -> list[Expr]:
            return ex.substitute(roots, now)

        positive = {s for s in self.names if (s not in self.values and s not in self.rated) or s in non_negative}

        def ready(roots: Iterable[Expr]) -> list[Expr]:
            return guard_powers(resolved(roots), positive)

        constants = [s for s in definitions.started() if s not in self.names and s not in self.assigned]
        observables = {n: now[n] for n in dict.fromkeys((*self.assigned, *constants, *self.scaled)) if n in now}
        result = System(
            name=name,
            states=tuple(self.names),
            parameters=(),
            defaults=np.empty(0),
            rates=tuple(ready([rates[s] for s in self.names])),
            observables=dict(zip(observables, guard_powers(observables.values(), positive), strict=True)),
            initial=tuple(start[s] for s in self.names if s in start),
            units=self._units(),
            non_negative=tuple(s in positive for s in self.names),
            dose_scales=tuple(resolved([self._dose(s)])[0] for s in self.names),
            events=tuple(self._event(event, ready) for event in self.events),
            quantities=dict(zip(*self._quantities(ready), strict=True)),
        )
        return self._with_parameters(result)

    def _with_parameters(self, system: System) -> System:
        """Add the parameters, those without a value only where something needs them; report what is missing."""
        happening = [part for event in system.events for part in event.expressions() if part.value != "|none"]
        roots = [*system.rates, *system.observables.values(), *system.initial, *happening]
        used = ex.symbols(roots)
        kept = {n: v for n, v in self.parameters.items() if math.isfinite(v) or n in used}
        for name in sorted(used - {*self.names, *kept, TIME}):
            self.problems.add("ENGINE013", f"{name!r} is used but has no value and no equation", where="SBML")
        if len(system.initial) < len(system.states):
            definitions = self._define()
            for name in self.names:
                if not definitions.has_start(name):
                    self.problems.add("ENGINE013", f"{name!r} changes but has no initial value", where="SBML")
        self.problems.raise_if_any()
        known = {*self.names, *kept, TIME}
        quantities = {n: e for n, e in system.quantities.items() if ex.symbols([e]) <= known}
        defaults = np.array(list(kept.values()), dtype=np.float64)
        return replace(system, parameters=tuple(kept), defaults=defaults, quantities=quantities)

    def _dose(self, state: str) -> Expr:
        species = self.species.get(state)
        return ex.ONE if species is None or self.is_amount(species) else 1.0 / self._volume(state)

    def _quantities(self, ready: Ready) -> tuple[list[str], list[Expr]]:
        """Parameters, reaction rates, amounts and concentrations."""
        names = [n for n in (*self.values, *self.species, *self.laws) if n not in self.names]
        roots = [ex.symbol(n) for n in names]
        for name, species in self.species.items():
            volume, symbol = self._volume(name), ex.symbol(name)
            compartment = self.model.getCompartment(species.getCompartment())
            point = compartment is None or compartment.getSpatialDimensionsAsDouble() == 0.0
            own = self.is_amount(species)
            names += [amount(name), f"concentration({name})"]
            roots += [symbol if own else symbol * volume, symbol if point or not own else symbol / volume]
        return names, ready(roots)

    def _event(self, event: RawEvent, ready: Ready) -> Event:
        targets = [(amount(n) if n in self.scaled else n) for n, _ in event.assignments]
        volumes = [self._volume(n) if n in self.scaled else ex.ONE for n, _ in event.assignments]
        given = [event.trigger, event.delay or ex.ZERO, event.priority or ex.ZERO]
        trigger, delay, priority, *rest = ready([*given, *(v for _, v in event.assignments), *volumes])
        count = len(targets)
        return Event(
            name=event.name,
            trigger=ex.truth(trigger),
            initial_value=event.initial_value,
            persistent=event.persistent,
            values_at_trigger=event.values_at_trigger,
            delay=None if event.delay is None else delay,
            priority=None if event.priority is None else priority,
            assignments=tuple(
                Assignment(target, value, volume if variable in self.scaled else None)
                for target, value, volume, (variable, _) in zip(
                    targets, rest[:count], rest[count:], event.assignments, strict=True
                )
            ),
        )

    def _units(self) -> dict[str, str]:
        names = {u.getId(): u.getName() or u.getId() for u in each(self.model.getListOfUnitDefinitions())}
        units: dict[str, str] = {}
        for listing in (self.model.getListOfCompartments(), self.model.getListOfParameters()):
            units.update({q.getId(): names.get(q.getUnits(), q.getUnits()) for q in each(listing) if q.isSetUnits()})
        for name, species in self.species.items():
            if species.isSetSubstanceUnits():
                unit = names.get(species.getSubstanceUnits(), species.getSubstanceUnits())
                volume = units.get(species.getCompartment(), "")
                units[name] = unit if self.is_amount(species) or not volume else f"{unit}/{volume}"
        return units
