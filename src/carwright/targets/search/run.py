"""All gates of one to four genes; the best pairs set the threshold from which triples start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from carwright.targets.kernel.panels import BitTable
from carwright.targets.search.branch import MOST_BRANCHES, search_quads
from carwright.targets.search.gate import shapes
from carwright.targets.search.objective import Objective
from carwright.targets.search.pairs import search_pairs, search_singles
from carwright.targets.search.result import Found
from carwright.targets.search.triples import WARM_GENES, search_triples

Stage = Callable[[str, int], Callable[[int], None] | None]


def search(
    table: BitTable,
    genes: Sequence[str],
    objective: Objective,
    *,
    orders: Sequence[int] = (1, 2),
    wanted: Sequence[str] | None = None,
    keep: int = 100,
    most_branches: int = MOST_BRANCHES,
    stage: Stage | None = None,
) -> dict[int, Found]:
    """Rank the gates of each order.

    Parameters
    ----------
    table, genes, objective
        Positivity, names, and what a gate is worth.
    orders
        Numbers of genes, 1 to 4.
    wanted
        Shapes as expressions over A, B, C, D; ``["all"]`` for every function; the usual ones by default.
    keep
        Gates kept of each order.
    most_branches
        See `branch.search_quads`.
    stage
        Called with a label and the number of steps ahead; returns what to call with the steps as they are done.
    """
    found: dict[int, Found] = {}
    n = len(genes)

    def begin(label: str, total: int) -> Callable[[int], None] | None:
        return stage(label, total) if stage is not None else None

    if 1 in orders:
        found[1] = search_singles(table, genes, objective, keep)
    pairs = None
    if {2, 3} & set(orders) and n >= 2:
        asked = shapes(2, wanted) if 2 in orders else shapes(2)
        if asked:
            pairs = search_pairs(
                table, genes, objective, asked, max(keep, 10 * WARM_GENES), begin("pairs of genes", n * (n - 1) // 2)
            )
        if pairs is not None and 2 in orders:
            found[2] = Found(pairs.gates[:keep], pairs.scores[:keep], pairs.certificate)
    if 3 in orders and n >= 3 and shapes(3, wanted):
        often = Counter(gene for gate in (pairs.gates if pairs is not None else ()) for gene in gate.genes)
        place = {gene: i for i, gene in enumerate(genes)}
        warm = [place[gene] for gene, _ in often.most_common(WARM_GENES)]
        total = n * (n - 1) * (n - 2) // 6
        found[3] = search_triples(
            table, genes, objective, shapes(3, wanted), keep, warm=warm, advance=begin("triples of genes", total)
        )
    if 4 in orders and n >= 4 and shapes(4, wanted):
        found[4] = search_quads(
            table, genes, objective, shapes(4, wanted), keep, most_branches=most_branches,
            advance=begin("gates of four genes, by first gene", n - 3),
        )  # fmt: skip
    return found
