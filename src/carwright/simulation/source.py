"""The model that is simulated: a built-in one, an SBML file or an Antimony file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from carwright.engine import System, Trigger
from carwright.engine.expression import ZERO, symbol
from carwright.engine.remembered import read_once
from carwright.engine.untrusted import Language, Limits, read_untrusted
from carwright.errors import CarwrightError, Problem
from carwright.models import list_models, load_model
from carwright.yamlfile import nearest

if TYPE_CHECKING:
    from carwright.models import Model, ParameterTable

SIZE_LIMIT: Final = 64 << 20
"""Largest model file that is read, bytes; the largest model of BioModels has about 40 MB."""

BUILT_IN_START: Final = -7.0
"""First day of the built-in disease models: before any lymphodepletion."""

_IMPORT: Final = re.compile(r"\bimport\b")
_LANGUAGES: Final[dict[str, Language]] = {".xml": "sbml", ".sbml": "sbml", ".ant": "antimony"}


@dataclass(frozen=True)
class Source:
    """A model, read.

    Parameters
    ----------
    name
        The model's name.
    text
        Its text as given.
    kept_as
        Name of the file that keeps the text in a run folder.
    system
        Its equations.
    built_in
        The model with its parameter table, if it is one of ours.
    """

    name: str
    text: str
    kept_as: str
    system: System
    built_in: Model | None

    @property
    def start(self) -> float:
        """Time at which a simulation starts unless it is told otherwise."""
        return BUILT_IN_START if self.built_in else 0.0

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """Jumps that belong to the model beside its equations."""
        return extinctions(self.built_in.table) if self.built_in else ()

    def absolute_tolerances(self, relative: float) -> tuple[float, ...] | None:
        """Tolerance of each state; None to leave it to the engine."""
        return absolute_tolerances(self.built_in.table, self.system, relative) if self.built_in else None

    @property
    def observed(self) -> tuple[str, ...]:
        """Names whose courses are written unless told otherwise."""
        if self.built_in is None:
            return self.system.states
        table = self.built_in.table
        return tuple(dict.fromkeys([*(s.name for s in table.states), *(r.name for r in table.read_outs)]))


def extinctions(table: ParameterTable) -> tuple[Trigger, ...]:
    """Triggers by which the last cells of a tumour clone die."""
    return tuple(
        Trigger(name=f"extinction of {state}", when=symbol(threshold) - symbol(state), assignments={state: ZERO})
        for state, threshold in table.extinctions.items()
    )


def absolute_tolerances(table: ParameterTable, system: System, relative: float) -> tuple[float, ...]:
    """Tolerance of each state from the size that the table gives it: a thousandth of the relative one (assumed)."""
    scale = {state.name: state.scale for state in table.states}
    return tuple(relative * 1e-3 * scale[name] for name in system.states)


def built_in_system(model: Model) -> System:
    """Equations of a built-in model; all its states are counts, concentrations or shares, none can be negative."""
    positive = [state.name for state in model.table.states]

    def read() -> System:
        from carwright.engine.sbml import read_sbml

        return read_sbml(model.sbml, non_negative=positive)

    return read_once(read, "built-in", model.name, model.antimony, *positive)


def read_source(model: str | Path) -> Source:
    """Read a model by the name of a built-in one or by file.

    Raises
    ------
    CarwrightError
        If there is no such model, or it cannot be read.
    """
    if str(model) in list_models():
        built_in = load_model(str(model))
        return Source(built_in.name, built_in.antimony, "model.ant", built_in_system(built_in), built_in)
    path = Path(model)
    language = _LANGUAGES.get(path.suffix.lower())
    if language is None:
        _refuse_kind(path)
    text = _text(path)
    limits = Limits()

    def read() -> System:
        return read_untrusted(text, language, where=str(path), folder=str(path.parent), limits=limits)

    # Antimony may import other files, whose texts are not known here.
    whole = language == "sbml" or not _IMPORT.search(text)
    system = read_once(read, language, text, str(limits)) if whole else read()
    return Source(system.name, text, "model.ant" if language == "antimony" else "model.xml", system, None)


def _refuse_kind(path: Path) -> NoReturn:
    if path.is_file():
        problem = Problem(
            "SIMULATE001",
            "the ending of this file does not say what it holds",
            str(path),
            path.suffix or "no ending",
            ", ".join([*_LANGUAGES, "or the name of a built-in model"]),
            "rename an SBML file to .xml and an Antimony file to .ant",
        )
    else:
        problem = Problem(
            "SIMULATE001",
            "there is no such model",
            "MODEL",
            str(path),
            f"{', '.join(list_models())}, or a file {', '.join(_LANGUAGES)}",
            nearest(str(path), list_models()),
        )
    raise CarwrightError(problem)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        _refuse_file(path, "there is no such file", fix="check the path")
    except (OSError, ValueError) as error:
        _refuse_file(path, "the model cannot be read", getattr(error, "strerror", None) or str(error))
    if len(content) > SIZE_LIMIT:
        _refuse_file(path, "the model file is too large", allowed=f"{SIZE_LIMIT >> 20} MiB")
    if not content.strip():
        _refuse_file(path, "the model file is empty")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte 0x{content[error.start]:02x} at offset {error.start}"
        _refuse_file(path, "the model is not UTF-8 text", found, fix="save it as UTF-8")


def _refuse_file(path: Path, what: str, found: str = "", allowed: str = "", fix: str = "") -> NoReturn:
    raise CarwrightError(Problem("SIMULATE002", what, str(path), found, allowed, fix)) from None
