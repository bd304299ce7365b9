"""Checks of a model: libSBML's consistency and unit checks, and that table and equations name the same."""

from __future__ import annotations

from carwright.errors import CarwrightError, Problem
from carwright.models.compose import load_model


def check_model(name: str) -> list[Problem]:
    """Problems of a built-in model; an empty list when it is sound.

    Every warning of libSBML counts, unit warnings included.
    """
    model = load_model(name)
    try:
        sbml = model.sbml
    except CarwrightError as error:
        return list(error.problems)
    return _names_without_counterpart(name) + check_sbml(sbml, name)


def check_sbml(sbml: str, where: str) -> list[Problem]:
    """Everything that libSBML finds in a document: errors, consistency and unit warnings."""
    import libsbml

    document = libsbml.readSBMLFromString(sbml)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, True)
    document.checkConsistency()
    problems = []
    for index in range(document.getNumErrors()):
        error = document.getError(index)
        problems.append(
            Problem(
                f"SBML{error.getErrorId()}",
                error.getShortMessage() or "libSBML reports a problem",
                where=f"{where}, line {error.getLine()}",
                found=" ".join(error.getMessage().split()),
            )
        )
    return problems


def _names_without_counterpart(name: str) -> list[Problem]:
    import libsbml

    model = load_model(name)
    table = model.table
    sbml = libsbml.readSBMLFromString(model.sbml).getModel()
    in_equations = {sbml.getParameter(i).getId() for i in range(sbml.getNumParameters())}
    rate_ruled = {sbml.getRule(i).getVariable() for i in range(sbml.getNumRules()) if sbml.getRule(i).isRate()}
    ruled = {sbml.getRule(i).getVariable() for i in range(sbml.getNumRules())}
    assigned = {sbml.getInitialAssignment(i).getSymbol() for i in range(sbml.getNumInitialAssignments())}
    rows = {row.name for row in table.parameters}
    problems = [
        Problem("MODEL010", "no parameter row gives this name a value", where=f"{name}.yaml", found=symbol)
        for symbol in sorted(in_equations - ruled - assigned - rows)
    ]
    problems += [
        Problem(
            "MODEL011",
            "this state of the equations has no row under `states`",
            where=f"{name}.yaml",
            found=symbol,
        )
        for symbol in sorted(rate_ruled - {state.name for state in table.states})
    ]
    used = _symbols_in_maths(sbml)
    problems += [
        Problem("MODEL012", "no equation uses this parameter", where=f"{name}.yaml", found=symbol)
        for symbol in sorted(rows - used - set(table.extinctions.values()))
    ]
    return problems


def _symbols_in_maths(sbml: object) -> set[str]:
    import libsbml

    found: set[str] = set()

    def walk(node: libsbml.ASTNode) -> None:
        if node.isName():
            found.add(node.getName())
        for index in range(node.getNumChildren()):
            walk(node.getChild(index))

    for index in range(sbml.getNumRules()):  # type: ignore[attr-defined]
        walk(sbml.getRule(index).getMath())  # type: ignore[attr-defined]
    for index in range(sbml.getNumInitialAssignments()):  # type: ignore[attr-defined]
        walk(sbml.getInitialAssignment(index).getMath())  # type: ignore[attr-defined]
    return found
