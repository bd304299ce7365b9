"""Results as tidy pandas tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from carwright.errors import CarwrightError, Problem
from carwright.targets.evaluate.analysis import Analysis
from carwright.targets.evaluate.tables import Row

TABLES = ("gates", "verdicts", "patients", "patterns", "antigens", "sweep", "screen")


def frame(rows: Sequence[Row]) -> Any:
    """Rows as a pandas table; lists become text, so that the table can be written into a file."""
    import pandas

    table = pandas.DataFrame(
        [
            {key: "; ".join(map(str, value)) if isinstance(value, list) else value for key, value in row.items()}
            for row in rows
        ]
    )
    for name in table.columns:  # None would keep a column of numbers from being written into a file
        held = [value for value in table[name] if value is not None]
        text = any(isinstance(value, str) for value in held)
        table[name] = table[name].fillna("") if text else table[name].astype(bool if _truths(held, table) else float)
    return table


def _truths(held: list[Any], table: Any) -> bool:
    return len(held) == len(table) and all(isinstance(value, bool) for value in held)


def table(data: Any, name: str, *, key: str = "carwright_targets") -> Any:
    """One table of a result.

    Parameters
    ----------
    data
        An `Analysis`, or AnnData with results in ``uns``.
    name
        ``gates``, ``verdicts``, ``patients``, ``patterns``, ``antigens``, ``sweep`` or ``screen``.
    key
        Where in ``uns`` the results are.

    Raises
    ------
    CarwrightError
        If there is no such table or no such result.
    """
    if name not in TABLES:
        raise CarwrightError(Problem("TARGETS036", "there is no such table", found=name, allowed=", ".join(TABLES)))
    if isinstance(data, Analysis):
        return frame(data.tables.get(name, []))
    if key not in data.uns:
        raise CarwrightError(
            Problem("TARGETS037", "there is no result", f"uns[{key!r}]", fix="call carwright.targets.tl.gates first")
        )
    return data.uns[key].get(name, frame([]))


def gates_df(data: Any, *, key: str = "carwright_targets") -> Any:
    """Ranked gates."""
    return table(data, "gates", key=key)


def verdicts_df(data: Any, *, key: str = "carwright_targets") -> Any:
    """Verdict of each gate in each class."""
    return table(data, "verdicts", key=key)


def patients_df(data: Any, *, key: str = "carwright_targets") -> Any:
    """Coverage of each gate in each patient."""
    return table(data, "patients", key=key)
