"""What a search found, and the proof that nothing better was missed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from carwright.targets.search.gate import Gate
from carwright.targets.search.top import Heap, gate_of, ranked


@dataclass(frozen=True)
class Certificate:
    """How every gate of a search was accounted for.

    Parameters
    ----------
    inputs
        Genes of a gate.
    gates
        Gates in the search: gene sets times tables.
    counted
        Gates whose intersections were counted.
    excluded
        Gates ruled out by a bound on a part of their genes, without being counted.
    scored
        Gates scored exactly, group by group; the others had an upper bound below `threshold`.
    threshold
        Score of the last gate that was kept; none that was left out reaches it. Minus infinity while places are free.
    complete
        Whether every gate was accounted for.
    """

    inputs: int
    gates: int
    counted: int
    excluded: int
    scored: int
    threshold: float
    complete: bool = True

    def __str__(self) -> str:
        """One sentence for a human."""
        what = f"{self.gates:,} gates of {self.inputs} gene{'s' if self.inputs > 1 else ''}"
        if not self.complete:
            return f"not certified: {self.counted + self.excluded:,} of {what} were seen"
        left = f"none that was left out scores more than {self.threshold:.4f}"
        if math.isinf(self.threshold):
            left = "all that no limit rules out were kept"
        return (
            f"{what}: {self.counted:,} counted, "
            f"{self.excluded:,} excluded by a bound, "
            f"{self.scored:,} scored exactly; {left}"
        )


@dataclass(frozen=True)
class Found:
    """The best gates of a search, best first.

    Parameters
    ----------
    gates, scores
        Of the same length.
    certificate
        See there.
    """

    gates: tuple[Gate, ...] = field(repr=False)
    scores: tuple[float, ...] = field(repr=False)
    certificate: Certificate


def found(
    heap: Heap, genes: Sequence[str], tables: Sequence[int], inputs: int, seen: tuple[int, int, int, int]
) -> Found:
    """Turn a heap into gates; `seen` is gates, counted, excluded, scored."""
    scores, keys = ranked(heap)
    gates = []
    for key in keys:
        table, chosen = gate_of(int(key), inputs, len(genes))
        gates.append(Gate(tuple(genes[gene] for gene in chosen), tables[table]))
    certificate = Certificate(inputs, *seen, threshold=float(heap[0].min()))
    return Found(tuple(gates), tuple(float(score) for score in scores), certificate)
