"""Rows of a run's tables for one question, and the mistakes a question can make."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from carwright.errors import CarwrightError, Problem
from carwright.yamlfile import nearest

if TYPE_CHECKING:
    import polars as pl

    from carwright.store import Run


def of_arm(run: Run, table: str, arm: str) -> pl.DataFrame:
    """Rows of an arm.

    Raises
    ------
    CarwrightError
        If the run has no such arm.
    """
    import polars as pl

    frame = run.table(table)
    known = frame["arm"].unique(maintain_order=True).to_list()
    if arm not in known:
        unknown("arm", arm, known)
    return frame.filter(pl.col("arm") == arm)


def of_node(frame: pl.DataFrame, node: str) -> pl.DataFrame:
    """Rows of a dose node.

    Raises
    ------
    CarwrightError
        If there is no such node.
    """
    import polars as pl

    known = frame["node"].unique(maintain_order=True).to_list()
    if node not in known:
        unknown("dose node", node, known)
    return frame.filter(pl.col("node") == node)


def numbered(frame: pl.DataFrame, column: str, number: int) -> pl.DataFrame:
    """Rows of one patient or trial by its number.

    Raises
    ------
    CarwrightError
        If there is no such number.
    """
    import polars as pl

    chosen = frame.filter(pl.col(column) == number)
    if chosen.is_empty():
        numbers = frame[column].unique().sort().to_list()
        allowed = f"{numbers[0]} to {numbers[-1]}"
        problem = Problem("EXPLAIN002", f"the run has no {column} {number}", f"--{column}", allowed=allowed)
        raise CarwrightError(problem)
    return chosen


def unknown(kind: str, name: str, known: list[str]) -> NoReturn:
    """Refuse a name that the run does not hold."""
    fix = nearest(name, known)
    raise CarwrightError(Problem("EXPLAIN002", f"the run has no {kind} {name!r}", allowed=", ".join(known), fix=fix))


def explain_outcome(name: str) -> str:
    """Sentence of the engine for an outcome's name, such as ``max_steps``."""
    from carwright.engine.outcome import EXPLAIN, Outcome

    return EXPLAIN[Outcome[name.upper()]]
