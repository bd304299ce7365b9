"""From module files and a parameter table to one Antimony text and one SBML document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property

from pydantic import ValidationError

from carwright.errors import CarwrightError, Problem
from carwright.models.assemble import FOLDER, table_data
from carwright.models.table import ParameterTable

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])")
_PLAIN_VALUE = re.compile(r"^\s*\w+\s*=\s*[\d.eE+-]+\s*$")


@dataclass(frozen=True)
class Model:
    """A disease model: its parameter table and its equations."""

    name: str
    table: ParameterTable

    @cached_property
    def equations(self) -> dict[str, str]:
        """Module name -> text of the Antimony file, as written."""
        return {module: _module_text(module) for module in self.table.modules if module != "units"}

    @cached_property
    def antimony(self) -> str:
        """The whole model as one Antimony text."""
        return _compose(self)

    @cached_property
    def sbml(self) -> str:
        """The whole model as SBML Level 3 Version 2.

        Stochastic extinction of a tumour clone, dosing and care are not part of the file: they are jumps that
        the solver makes (see `ParameterTable.extinctions` and the clinic).
        """
        return antimony_to_sbml(self.antimony, _identifier(self.name))

    @property
    def parameters(self) -> ParameterTable:
        """The parameter table."""
        return self.table


def list_models() -> tuple[str, ...]:
    """Names of the built-in models."""
    return tuple(sorted(entry.name[:-5] for entry in FOLDER.iterdir() if entry.name.endswith(".yaml")))


@cache
def load_model(name: str) -> Model:
    """Load a built-in model.

    Raises
    ------
    CarwrightError
        If there is no such model, or its table is inconsistent.
    """
    if name not in list_models():
        problem = Problem(
            "MODEL001",
            "there is no built-in model of this name",
            where="model",
            found=name,
            allowed=", ".join(list_models()),
            fix="choose one of these; `carwright model list` describes them",
        )
        raise CarwrightError(problem)
    entry = FOLDER / f"{name}.yaml"
    try:
        return Model(name, ParameterTable.model_validate(table_data(entry)))
    except ValidationError as error:
        raise CarwrightError(
            *(
                Problem("MODEL002", detail["msg"], where=f"{entry.name}, {'.'.join(map(str, detail['loc']))}")
                for detail in error.errors()
            )
        ) from error


def antimony_to_sbml(text: str, name: str) -> str:
    """Translate Antimony into SBML; raises CarwrightError with Antimony's own message and line."""
    import antimony

    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString(text) < 0:
        problem = Problem("MODEL003", "Antimony cannot read the model", where=name, found=antimony.getLastError())
        raise CarwrightError(problem)
    return str(antimony.getSBMLString(name))


def _identifier(name: str) -> str:
    """Name of a model as SBML allows it."""
    return name.replace("-", "_")


def _module_text(module: str) -> str:
    return (FOLDER / "modules" / f"{module}.ant").read_text(encoding="utf-8")


def _compose(model: Model) -> str:
    table = model.table
    lines = [
        f"// {table.title}. Research software, never for treatment decisions.",
        f"model {_identifier(model.name)}()",
    ]
    lines.append(_module_text("units"))
    lines += [_with_dimensionless_numbers(text) for text in model.equations.values()]
    lines += [f"{state.name} has {state.unit};" for state in table.states]
    lines += [f"{read_out.name} has {read_out.unit};" for read_out in table.read_outs]
    lines += [f"{row.name} = {row.value!r}; {row.name} has {row.unit};" for row in table.parameters]
    lines.append("end")
    return "\n".join(lines) + "\n"


def _with_dimensionless_numbers(text: str) -> str:
    """Give every literal number in the equations its unit, so that libSBML can check the units without a gap.

    Statements that run over several lines, which Antimony does not know, are joined on the way.
    """
    code = "\n".join(line.split("//")[0] for line in text.splitlines())
    statements = [" ".join(statement.split()) for statement in code.split(";")]
    return ";\n".join(
        s if _PLAIN_VALUE.match(s) else _NUMBER.sub(lambda number: f"({number.group()} dimensionless)", s)
        for s in statements
    )
