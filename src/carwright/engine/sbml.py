"""SBML in, `System` out: the document as a whole. Its model is read by `carwright.engine.sbml_model`.

Read: all levels and versions, the package ``comp`` (flattened by libSBML), other packages that are not required.
Refused by name: external model definitions, other required packages, fast reactions, and what the model's mathematics
holds that the engine does not solve.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import libsbml

from carwright.engine.sbml_model import Reader, each
from carwright.engine.system import System
from carwright.errors import Problems


def read_sbml(text: str, name: str = "", non_negative: Collection[str] = ()) -> System:
    """Read an SBML document (Level 1 to 3) as text.

    Parameters
    ----------
    text
        The XML document.
    name
        Name of the system; the model's own identifier when empty.
    non_negative
        States that cannot be below zero beside the species, whose rules do not say so.

    Raises
    ------
    CarwrightError
        Listing everything that is wrong or not supported, with lines of the document.
    """
    document = libsbml.readSBMLFromString(text)
    problems = Problems()
    _report(document, problems)
    problems.raise_if_any()
    _refuse_packages(document, problems)
    problems.raise_if_any()
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, False)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, False)
    document.checkConsistency()
    _report(document, problems)
    if document.getModel() is None:
        problems.add("ENGINE011", "the document holds no model", where="SBML")
    problems.raise_if_any()
    _flatten(document, problems)
    if document.getLevel() == 1:
        document.setLevelAndVersion(2, 4, False)
    model = document.getModel()
    for reaction in each(model.getListOfReactions()):
        if reaction.isSetFast() and reaction.getFast():
            where = f"reaction {reaction.getId()!r}, line {reaction.getLine()}"
            problems.add("ENGINE012", "the engine does not support fast reactions", where=where)
    reader = Reader(model, problems)
    problems.raise_if_any()
    return reader.system(name or model.getId() or "model", non_negative)


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


def _refuse_packages(document: Any, problems: Problems) -> None:
    def refuse(what: str) -> None:
        problems.add("ENGINE012", f"the engine does not support {what}", where="SBML")

    for i in range(document.getNumPlugins()):
        package = document.getPlugin(i).getPackageName()
        # libSBML attaches l3v2extendedmath itself, and calls drawings (in annotations of Level 2) required.
        if package not in {"l3v2extendedmath", "comp", "layout", "render"} and document.getPackageRequired(package):
            refuse(f"the required SBML package {package!r}")
    for i in range(document.getNumUnknownPackages()):
        if document.getUnknownPackageRequired(i):
            refuse(f"the required SBML package {document.getUnknownPackagePrefix(i)!r}")
    comp = document.getPlugin("comp")
    # Reading them would mean opening other files, or addresses on the network, that the document names.
    if comp is not None and comp.getNumExternalModelDefinitions():
        refuse("external model definitions")


def _flatten(document: Any, problems: Problems) -> None:
    """Replace submodels by their contents."""
    model = document.getModel()
    plugin = model.getPlugin("comp")
    if plugin is None:
        return
    properties = libsbml.ConversionProperties()
    properties.addOption("flatten comp", True)
    properties.addOption("performValidation", False)
    properties.addOption("leavePorts", False)
    if document.convert(properties) != libsbml.LIBSBML_OPERATION_SUCCESS:
        problems.add("ENGINE012", "the engine does not support submodels that libSBML cannot flatten", where="SBML")
        problems.raise_if_any()
