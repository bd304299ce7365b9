"""SBML in, `System` out.

Read: species (amounts and concentrations, boundary, constant), compartments of constant or changing size,
parameters, reactions
with local parameters and any stoichiometry, rate and assignment rules in any order, initial assignments,
function definitions,
conversion factors. Refused by name, all at once: events inside the file, fast reactions, algebraic rules,
delays and other
functions without a value at the present time, required packages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import libsbml
import numpy as np

from carwright.engine import expression as ex
from carwright.engine.expression import Expr
from carwright.engine.formula import TIME, Function, UnsupportedError, from_ast
from carwright.engine.resolve import Definitions, dilution, guard_powers
from carwright.engine.system import System
from carwright.errors import Problems


def read_sbml(text: str, name: str = "") -> System:
    """Read an SBML document (Level 1 to 3) as text.

    Parameters
    ----------
    text
        The XML document.
    name
        Name of the system; the model's own identifier when empty.

    Raises
    ------
    CarwrightError
        Listing everything that is wrong or not supported, with lines of the document.
    """
    document = libsbml.readSBMLFromString(text)
    problems = Problems()
    _report(document, problems)
    problems.raise_if_any()
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, False)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, False)
    document.checkConsistency()
    _report(document, problems)
    model = document.getModel()
    if model is None:
        problems.add("ENGINE011", "the document holds no model", where="SBML")
    problems.raise_if_any()
    if document.getLevel() == 1:
        document.setLevelAndVersion(2, 4, False)
        model = document.getModel()
    _refuse(document, model, problems)
    reader = _Reader(model, problems)
    problems.raise_if_any()
    return reader.system(name or model.getId() or "model")


def _report(document: Any, problems: Problems) -> None:
    for i in range(document.getNumErrors()):
        error = document.getError(i)
        if error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR:
            problems.add(
                "ENGINE010",
                f"SBML: {' '.join(error.getShortMessage().split()) or 'error'}",
                where=f"line {error.getLine()}",
                fix=" ".join(error.getMessage().split()),
            )


def _refuse(document: Any, model: Any, problems: Problems) -> None:
    def refuse(what: str, where: str, fix: str = "") -> None:
        problems.add("ENGINE012", f"the engine does not support {what}", where=where, fix=fix)

    for i in range(document.getNumPlugins()):
        package = document.getPlugin(i).getPackageName()
        # libSBML itself attaches this one; it only brings mathematics of Level 3 Version 2 to
        # Version 1, which we read anyway.
        if package != "l3v2extendedmath" and document.getPackageRequired(package):
            refuse(f"the required SBML package {package!r}", "SBML")
    for event in _each(model.getListOfEvents()):
        fix = "leave events out of the file and give them to the engine as triggers or doses"
        refuse("events inside the file", f"event {event.getId()!r}, line {event.getLine()}", fix)
    for reaction in _each(model.getListOfReactions()):
        if reaction.isSetFast() and reaction.getFast():
            refuse("fast reactions", f"reaction {reaction.getId()!r}, line {reaction.getLine()}")
    for rule in _each(model.getListOfRules()):
        if rule.isAlgebraic():
            refuse("algebraic rules", f"line {rule.getLine()}")


def _each(items: Any) -> Iterator[Any]:
    return (items.get(i) for i in range(items.size()))


class _Reader:
    """Walks the model once, sorts every symbol into state, parameter or definition, then builds."""

    def __init__(self, model: Any, problems: Problems) -> None:
        self.model, self.problems = model, problems
        self.functions: dict[str, Function] = {}
        for definition in _each(model.getListOfFunctionDefinitions()):
            arguments = tuple(definition.getArgument(i).getName() for i in range(definition.getNumArguments()))
            self.functions[definition.getId()] = Function(arguments, definition.getBody())
        self.definitions = Definitions()
        self.parameters: dict[str, float] = {}
        self.states: list[str] = []
        self.rates: dict[str, Expr] = {}
        self.assigned: list[str] = []
        self.species = {s.getId(): s for s in _each(model.getListOfSpecies())}
        self._rules()
        self._initial_assignments()
        self._quantities()
        self._reactions()

    def _math(self, owner: Any, label: str, local: dict[str, Expr] | None = None) -> Expr:
        try:
            return from_ast(owner.getMath(), self.functions, local)
        except UnsupportedError as error:
            self.problems.add(
                "ENGINE012", f"the engine does not support {error}", where=f"{label}, line {owner.getLine()}"
            )
            return ex.ZERO

    def _rules(self) -> None:
        for rule in _each(self.model.getListOfRules()):
            variable = rule.getVariable()
            if rule.isAlgebraic():
                continue
            math = self._math(rule, f"rule of {variable!r}")
            if rule.isRate():
                self.rates[variable] = math
                self.states.append(variable)
            else:
                self.assigned.append(variable)
                self.definitions.always(variable, math)

    def _initial_assignments(self) -> None:
        for assignment in _each(self.model.getListOfInitialAssignments()):
            variable = assignment.getSymbol()
            self.definitions.at_start(variable, self._math(assignment, f"initial assignment of {variable!r}"))

    def _quantities(self) -> None:
        """Compartments, parameters, species: what has no rule is a parameter, unless reactions change it."""
        for compartment in _each(self.model.getListOfCompartments()):
            size = compartment.getSize() if compartment.isSetSize() else float("nan")
            self._constant_or_initial(compartment.getId(), size)
        for parameter in _each(self.model.getListOfParameters()):
            value = parameter.getValue() if parameter.isSetValue() else float("nan")
            self._constant_or_initial(parameter.getId(), value)
        for name, species in self.species.items():
            if name in self.assigned:
                continue
            changes = not species.getConstant() and not species.getBoundaryCondition()
            if changes and name not in self.rates:
                self.states.append(name)
            self._species_start(name, species)

    def _constant_or_initial(self, name: str, value: float) -> None:
        if self.definitions.known(name):
            return
        if name not in self.rates:
            self.parameters[name] = value
        elif np.isfinite(value):
            self.definitions.at_start(name, ex.number(value))

    def _species_start(self, name: str, species: Any) -> None:
        if self.definitions.has_start(name):
            if name not in self.states:
                self.definitions.constant(name)
            return
        volume = ex.symbol(species.getCompartment())
        value = float("nan")
        scale: Expr = ex.ONE
        if species.isSetInitialAmount():
            value = species.getInitialAmount()
            scale = ex.ONE if self._is_amount(species) else 1.0 / volume
        elif species.isSetInitialConcentration():
            value = species.getInitialConcentration()
            scale = volume if self._is_amount(species) else ex.ONE
        if scale is not ex.ONE and np.isfinite(value):
            self.definitions.at_start(name, ex.number(value) * scale)
            if name not in self.states:
                self.definitions.constant(name)
        elif name not in self.states:
            self.parameters[name] = value
        elif np.isfinite(value):
            self.definitions.at_start(name, ex.number(value))

    def _is_amount(self, species: Any) -> bool:
        compartment = self.model.getCompartment(species.getCompartment())
        points = compartment is not None and compartment.getSpatialDimensionsAsDouble() == 0.0
        return bool(species.getHasOnlySubstanceUnits()) or points

    def _reactions(self) -> None:
        self.fluxes: dict[str, list[Expr]] = {}
        for reaction in _each(self.model.getListOfReactions()):
            identifier, law = reaction.getId(), reaction.getKineticLaw()
            if law is None or law.getMath() is None:
                self.problems.add(
                    "ENGINE013", f"reaction {identifier!r} has no kinetic law", where=f"line {reaction.getLine()}"
                )
                continue
            local: dict[str, Expr] = {}
            for parameter in _each(law.getListOfParameters()):
                # A dot cannot occur in an SBML identifier, so this name is free.
                name = f"{identifier}.{parameter.getId()}"
                self.parameters[name] = parameter.getValue() if parameter.isSetValue() else float("nan")
                local[parameter.getId()] = ex.symbol(name)
            self.definitions.always(identifier, self._math(law, f"reaction {identifier!r}", local))
            for sign, references in ((-1.0, reaction.getListOfReactants()), (1.0, reaction.getListOfProducts())):
                for reference in _each(references):
                    name = reference.getSpecies()
                    if name in self.states and name not in self.rates:
                        flux = sign * self._stoichiometry(reference) * ex.symbol(identifier)
                        self.fluxes.setdefault(name, []).append(flux)

    def _stoichiometry(self, reference: Any) -> Expr:
        identifier = reference.getId() if reference.isSetId() else ""
        if identifier and self.definitions.known(identifier):
            if identifier not in self.assigned:
                self.definitions.constant(identifier)
            return ex.symbol(identifier)
        if reference.isSetStoichiometryMath():
            return self._math(reference.getStoichiometryMath(), f"stoichiometry of {reference.getSpecies()!r}")
        value = reference.getStoichiometry()
        if not np.isfinite(value):
            self.problems.add("ENGINE013", "a stoichiometry has no value", where=f"line {reference.getLine()}")
            return ex.ONE
        return ex.number(value)

    def _conversion(self, species: Any) -> Expr:
        for owner in (species, self.model):
            if owner.isSetConversionFactor():
                return ex.symbol(owner.getConversionFactor())
        return ex.ONE

    def system(self, name: str) -> System:
        """Substitute definitions everywhere and put the parts together."""
        constants = [s for s in self.definitions.started() if s not in self.states]
        for constant in constants:
            self.definitions.constant(constant)
        now, start = self.definitions.resolve(self.problems)
        self.problems.raise_if_any()
        changing = {*self.states, TIME}

        def resolved(roots: Iterable[Expr]) -> list[Expr]:
            return ex.substitute(roots, now)

        rates = dict(zip(self.rates, resolved(self.rates.values()), strict=True))
        amounts = {s: resolved([ex.add(0.0, *self.fluxes.get(s, []))])[0] for s in self.states if s not in rates}
        volumes: dict[str, Expr] = {}
        for s in amounts:
            volumes[s] = resolved([ex.symbol(self.species[s].getCompartment())])[0]
            rates[s] = resolved([self._conversion(self.species[s])])[0] * amounts[s]
            if not self._is_amount(self.species[s]):
                rates[s] = rates[s] / volumes[s]
        for s, volume in volumes.items():
            if not self._is_amount(self.species[s]) and ex.symbols([volume]) & changing:
                rates[s] = rates[s] - ex.symbol(s) * dilution(volume, rates)
        scales: list[Expr | None] = []
        for s in self.states:
            if s not in self.species or self._is_amount(self.species[s]):
                scales.append(ex.ONE)
            else:
                volume = resolved([ex.symbol(self.species[s].getCompartment())])[0]
                scales.append(None if ex.symbols([volume]) & changing else 1.0 / volume)
        observables = {n: now[n] for n in (*self.assigned, *constants) if n in now}
        positive = {s for s in self.states if s in self.species}
        guarded = guard_powers([rates[s] for s in self.states], positive)
        watched = guard_powers(observables.values(), positive)
        self._undefined([*guarded, *watched], [start[s] for s in self.states if s in start])
        self.problems.raise_if_any()
        return System(
            name=name,
            states=tuple(self.states),
            parameters=tuple(self.parameters),
            defaults=np.array(list(self.parameters.values()), dtype=np.float64),
            rates=tuple(guarded),
            observables=dict(zip(observables, watched, strict=True)),
            initial=tuple(start[s] for s in self.states),
            units=self._units(),
            non_negative=tuple(s in positive for s in self.states),
            dose_scales=tuple(scales),
        )

    def _undefined(self, roots: list[Expr], initial: list[Expr]) -> None:
        known = {*self.states, *self.parameters, TIME}
        for name in sorted(ex.symbols(roots) - known | ex.symbols(initial) - known):
            self.problems.add("ENGINE013", f"{name!r} is used but has no value and no equation", where="SBML")
        for name in self.states:
            if not self.definitions.has_start(name):
                self.problems.add("ENGINE013", f"{name!r} has a rate but no initial value", where="SBML")

    def _units(self) -> dict[str, str]:
        names = {u.getId(): u.getName() or u.getId() for u in _each(self.model.getListOfUnitDefinitions())}
        units: dict[str, str] = {}
        for listing in (self.model.getListOfCompartments(), self.model.getListOfParameters()):
            units.update({q.getId(): names.get(q.getUnits(), q.getUnits()) for q in _each(listing) if q.isSetUnits()})
        for name, species in self.species.items():
            if species.isSetSubstanceUnits():
                unit = names.get(species.getSubstanceUnits(), species.getSubstanceUnits())
                volume = units.get(species.getCompartment(), "")
                units[name] = unit if self._is_amount(species) or not volume else f"{unit}/{volume}"
        return units
