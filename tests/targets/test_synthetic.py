"""Atlases whose truth is known: gates come back, doublets fool nobody, stem cells are not called safe in error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from carwright.targets.evaluate.analysis import analyse
from carwright.targets.evaluate.gate_report import report_gate
from carwright.targets.evaluate.layout import lay_out
from carwright.targets.evaluate.settings import Settings
from carwright.targets.safety.verdict import SAFE, judge
from carwright.targets.search.gate import parse
from carwright.targets.search.objective import Rule
from carwright.targets.search.run import search
from carwright.targets.synthetic import aml_atlas

GRID = [
    (depth, doublets, patients)
    for depth in (1000.0, 3000.0, 20_000.0)
    for doublets in (0.0, 0.04, 0.08)
    for patients in (5, 12, 30)
]
SAMPLE = [(1000.0, 0.08, 5), (20_000.0, 0.0, 12), (3000.0, 0.04, 12)]


def check_planted(depth: float, doublets: float, patients: int, seed: int) -> None:
    """Both planted gates are among the first four of 7,080 pairs; the pair that only doublets share is thrown out.

    ``G0 AND G2`` and ``G1 AND G2``, which follow from what was planted, may stand between them.
    """
    synthetic = aml_atlas(depth=depth, doublets=doublets, patients=patients, seed=seed)
    layout = lay_out(synthetic.atlas)
    found = search(layout.table, layout.genes, layout.objective(Rule()), orders=(2,), keep=50)[2]
    place = {gate.expression: rank for rank, gate in enumerate(found.gates)}
    assert place["G0 AND G1"] <= 3
    assert place["G2 AND NOT G3"] <= 3
    trap = parse(" AND ".join(synthetic.truth.doublet_pairs[0]))
    report = report_gate(layout, trap, doublet_rate=doublets)
    seen = sum(patient.killed for patient in report.patients)
    assert trap.expression not in {gate.expression for gate in found.gates}
    if doublets:
        assert seen > 0
        assert report.explained_by_doublets
        assert report.floor_without_doublets < 0.01
    else:
        assert seen == 0
    planted = report_gate(layout, parse("G0 AND G1"), doublet_rate=doublets)
    assert not planted.explained_by_doublets
    assert planted.floor_without_doublets > 0.8 * planted.floor


@pytest.mark.parametrize(("depth", "doublets", "patients"), SAMPLE)
def test_planted_gates_are_found_sample(depth: float, doublets: float, patients: int) -> None:
    check_planted(depth, doublets, patients, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("depth", "doublets", "patients"), GRID)
def test_planted_gates_are_found(depth: float, doublets: float, patients: int, seed: int) -> None:
    check_planted(depth, doublets, patients, seed)


def test_a_gate_that_doublets_explain_is_left_out_of_the_ranking() -> None:
    synthetic = aml_atlas(doublets=0.08, depth=20_000.0, patients=8, seed=3)
    atlas = synthetic.atlas
    places = [atlas.genes.names.index(gene) for gene in ("G5", "G6")]
    from carwright.targets.intake.anndata_file import keep_genes

    found = analyse(keep_genes(atlas, places), Settings(orders=(2,), shapes=("A AND B",), draws=0, veto=False))
    assert found.parameters["explained_by_doublets"] == ["G5 AND G6"]
    assert found.tables["gates"] == []


def test_what_doublets_fake_in_normal_classes_is_what_they_do() -> None:
    """The share that is predicted for T cells and monocytes, whose kills are doublets alone, against those counted."""
    expected = seen = 0.0
    for seed in range(6):
        atlas = aml_atlas(doublets=0.08, depth=20_000.0, patients=3, donors=6, seed=seed).atlas
        report = report_gate(lay_out(atlas), parse("G5 AND G6"), doublet_rate=0.08)
        for verdict in report.verdicts:
            if verdict.name in ("T cell", "monocyte and macrophage"):
                expected += verdict.faked * verdict.cells
                seen += verdict.killed
    assert seen > 40
    assert expected == pytest.approx(seen, rel=0.35)  # four standard deviations of the count are 0.5 or less


def test_doublets_are_no_evidence_against_a_class() -> None:
    plain = judge("HSC", "stem", 0.02, [30, 30], [500, 500], 1.0)
    faked = judge("HSC", "stem", 0.02, [30, 30], [500, 500], 1.0, faked=0.04)
    assert (plain.verdict, faked.verdict) == ("unsafe", "unresolved")
    assert "doublets" in faked.reason
    assert judge("HSC", "stem", 0.02, [30, 30], [500, 500], 1.0, faked=0.001).verdict == "unsafe"


SHARES = (0.02, 0.03, 0.05, 0.10, 0.30)
"""True shares of HSC that express a gene; the limit is 0.02, and at 0.02 itself a safe verdict is just wrong."""


def false_safe(depth: float, doublets: float, seeds: range, donors: int = 6, cells: int = 120) -> np.ndarray:
    """Share of safe verdicts on HSC by true share, over seeds and eight genes each."""
    genes = [f"G{i}" for i in range(8, 8 + 8 * len(SHARES))]
    safe = np.zeros(len(SHARES))
    for seed in seeds:
        shares = {gene: SHARES[i % len(SHARES)] for i, gene in enumerate(genes)}
        synthetic = aml_atlas(
            genes=60, depth=depth, doublets=doublets, patients=5, donors=donors, cells_per_class=cells, seed=seed,
            hsc_shares=shares,
        )  # fmt: skip
        layout = lay_out(synthetic.atlas)
        for i, gene in enumerate(genes):
            report = report_gate(layout, parse(gene), doublet_rate=doublets)
            verdict = next(v for v in report.verdicts if v.name == "HSC")
            safe[i % len(SHARES)] += verdict.verdict == SAFE
    return safe / (len(seeds) * 8)


def test_stem_cells_are_not_called_safe_in_error_sample() -> None:
    assert false_safe(5000.0, 0.04, range(4)).max() == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("donors", [6, 20])
@pytest.mark.parametrize("depth", [1000.0, 3000.0, 20_000.0])
def test_stem_cells_are_not_called_safe_in_error(depth: float, donors: int) -> None:
    """Nominal 5 %; wanted below 1 % over all true shares at or above the limit, and above it below 1 % each."""
    rates = false_safe(depth, 0.04, range(30), donors=donors)
    assert rates.mean() < 0.01
    assert rates[1:].max() < 0.01


def test_truly_absent_antigens_can_be_called_safe() -> None:
    """A test that never says safe would pass the one above."""
    synthetic = aml_atlas(depth=20_000.0, doublets=0.0, donors=8, cells_per_class=200, seed=5, hsc_shares={"G8": 0.0})
    report = report_gate(lay_out(synthetic.atlas), parse("G8"), doublet_rate=0.0)
    assert next(v for v in report.verdicts if v.name == "HSC").verdict == SAFE


def test_shallow_data_leave_unresolved_what_deep_data_settle() -> None:
    verdicts = {}
    for depth in (500.0, 20_000.0):
        synthetic = aml_atlas(depth=depth, doublets=0.0, donors=8, cells_per_class=200, seed=5, hsc_shares={"G8": 0.0})
        report = report_gate(lay_out(synthetic.atlas), parse("G8"), doublet_rate=0.0)
        verdicts[depth] = next(v for v in report.verdicts if v.name == "HSC").verdict
    assert verdicts == {500.0: "unresolved", 20_000.0: "safe"}


def test_same_seed_same_cells() -> None:
    one, two, other = (aml_atlas(genes=15, patients=2, donors=2, seed=seed) for seed in (4, 4, 5))
    assert (one.atlas.counts != two.atlas.counts).nnz == 0
    assert (one.atlas.counts != other.atlas.counts).nnz > 0


def test_small_patients_are_left_out_by_name_and_never_pooled() -> None:
    atlas = aml_atlas(patients=4, seed=2).atlas
    few = np.flatnonzero(atlas.malignant & (atlas.donor == "P01"))[10:]
    kept = np.setdiff1d(np.arange(atlas.cells), few)
    smaller = replace(
        atlas, counts=atlas.counts[kept], depth=atlas.depth[kept], malignant=atlas.malignant[kept],
        donor=atlas.donor[kept], cell_type=atlas.cell_type[kept], cell_class=atlas.cell_class[kept],
        assay=atlas.assay[kept],
    )  # fmt: skip
    layout = lay_out(smaller)
    assert layout.patients == ("P00", "P02", "P03")
    assert "P01" in layout.excluded
    assert any("P01" in text for text in layout.notices)
    report = report_gate(layout, parse("G0"))
    assert report.floor == min(patient.coverage for patient in report.patients)


@pytest.mark.parametrize("missing", ["HSC", "mural"])
def test_a_class_that_is_absent_is_not_represented(missing: str) -> None:
    classes = [name for name in ("HSC", "MPP", "progenitor", "endothelium", "mural", "T cell") if name != missing]
    layout = lay_out(aml_atlas(patients=2, donors=2, classes=classes, seed=1).atlas)
    report = report_gate(layout, parse("G0"))
    assert next(v for v in report.verdicts if v.name == missing).verdict == "not represented"
    assert report.overall != SAFE


def test_one_donor_is_never_enough_for_safe() -> None:
    layout = lay_out(aml_atlas(depth=20_000.0, patients=2, donors=1, cells_per_class=500, doublets=0.0, seed=1).atlas)
    for gene in layout.genes:
        for verdict in report_gate(layout, parse(gene), doublet_rate=0.0).verdicts:
            if verdict.name in ("HSC", "MPP", "endothelium"):
                assert verdict.verdict != SAFE


def test_ambient_rna_shows_what_is_predicted() -> None:
    """Molecules of a common soup are poured over cells that do not express a gene of the blasts."""
    rng = np.random.default_rng(2)
    atlas = aml_atlas(genes=20, patients=4, donors=2, doublets=0.0, depth=5000.0, seed=2).atlas
    gene, share = atlas.genes.names.index("G0"), 0.05
    counts = np.asarray(atlas.counts.todense())
    for donor in np.unique(atlas.donor):
        inside = atlas.donor == donor
        soup = counts[inside].sum(axis=0) / atlas.depth[inside].sum()
        counts[inside] += rng.poisson(share * atlas.depth[inside][:, None] * soup)
    layout = lay_out(replace(atlas, counts=sparse.csr_matrix(counts)))
    monocytes = (atlas.cell_class == "monocyte and macrophage") & np.char.startswith(atlas.donor, "P")
    report = report_gate(layout, parse("G0"))
    rows = [
        (layout.table.group_counts(layout.table.row(gene))[len(layout.patients) + i], layout.ambient[i, gene])
        for i, donor in enumerate(layout.donors)
        if donor.startswith("P") and layout.classes[layout.class_of[i]].name == "monocyte and macrophage"
    ]
    seen = sum(count for count, _ in rows) / monocytes.sum()
    assert seen == pytest.approx(np.mean([chance for _, chance in rows]), rel=0.3)
    assert seen > 0.1
    verdict = next(v for v in report.verdicts if v.name == "monocyte and macrophage")
    assert verdict.ambient == pytest.approx(verdict.fraction, rel=0.4)
    stem = next(v for v in report.verdicts if v.name == "HSC")  # expresses it truly, in another capture
    assert "ambient" not in stem.reason


def test_ambient_rna_is_told_and_changes_no_verdict() -> None:
    plain = judge("HSC", "stem", 0.02, [30, 30], [500, 500], 1.0)
    told = judge("HSC", "stem", 0.02, [30, 30], [500, 500], 1.0, ambient=0.05)
    assert told.verdict == plain.verdict == "unsafe"
    assert "ambient" in told.reason
    assert "ambient" not in judge("HSC", "stem", 0.02, [30, 30], [500, 500], 1.0, ambient=0.01).reason
