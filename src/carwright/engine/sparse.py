"""Symbolic sparse LU factorisation with diagonal pivots."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

Entry = tuple[int, int]


@dataclass(frozen=True)
class Factorisation:
    """Order of elimination and the pattern of L + U, filled entries included."""

    order: tuple[int, ...]
    pattern: frozenset[Entry]

    def below(self, step: int) -> list[int]:
        """Rows that elimination step ``step`` changes."""
        pivot = self.order[step]
        return [row for row in self.order[step + 1 :] if (row, pivot) in self.pattern]

    def right(self, step: int) -> list[int]:
        """Columns of the pivot row of ``step`` that are still to be eliminated."""
        pivot = self.order[step]
        return [column for column in self.order[step + 1 :] if (pivot, column) in self.pattern]


def factorise(size: int, entries: AbstractSet[Entry]) -> Factorisation:
    """Choose the order that creates few new entries, by the criterion of Markowitz on the diagonal.

    The matrix I/(h gamma) - J is diagonally dominant for small h, so diagonal pivots are safe once the step
    is small enough, and
    a step whose factorisation fails is not finite and is rejected. Markowitz, H. M. (1957) Management Science
    3:255,
    doi:10.1287/mnsc.3.3.255.

    Parameters
    ----------
    size
        Number of rows.
    entries
        Positions of the structural non-zeros; the diagonal is added.
    """
    pattern = set(entries) | {(i, i) for i in range(size)}
    rows = {i: {j for k, j in pattern if k == i} for i in range(size)}
    columns = {j: {i for i, k in pattern if k == j} for j in range(size)}
    left, order = set(range(size)), []
    while left:
        pivot = min(left, key=lambda k: ((len(rows[k] & left) - 1) * (len(columns[k] & left) - 1), k))
        left.remove(pivot)
        order.append(pivot)
        for i in columns[pivot] & left:
            for j in rows[pivot] & left:
                rows[i].add(j)
                columns[j].add(i)
                pattern.add((i, j))
    return Factorisation(tuple(order), frozenset(pattern))
