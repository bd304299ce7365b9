"""Files as they come: in several forms the same cells, and one clear message for each thing that is wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from carwright.errors import CarwrightError
from carwright.targets import datasets, get, pl, pp, tl
from carwright.targets.evaluate.analysis import analyse
from carwright.targets.evaluate.settings import Settings
from carwright.targets.evaluate.thresholds import READS, Thresholds
from carwright.targets.intake.anndata_file import Columns, open_file, read_cells
from carwright.targets.intake.genes import align, current_symbol
from carwright.targets.intake.join import join

anndata = pytest.importorskip("anndata")
pd = pytest.importorskip("pandas")


@pytest.fixture
def cells():  # type: ignore[no-untyped-def]
    return datasets.synthetic_aml(genes=20, patients=3, donors=3, cells_per_class=60, seed=1)


def codes(call: Callable[[], object]) -> list[str]:
    with pytest.raises(CarwrightError) as caught:
        call()
    assert all(problem.what for problem in caught.value.problems)
    return [problem.code for problem in caught.value.problems]


def same(one, two) -> None:  # type: ignore[no-untyped-def]
    assert (one.counts != two.counts).nnz == 0
    assert (one.depth == two.depth).all()
    assert one.cell_class.tolist() == two.cell_class.tolist()


def test_every_form_of_a_file_gives_the_same_cells(cells, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    reference = read_cells(cells)
    cells.write_h5ad(tmp_path / "csr.h5ad")
    same(reference, read_cells(open_file(tmp_path / "csr.h5ad")))
    dense = cells.copy()
    dense.X = cells.X.toarray()
    dense.write_h5ad(tmp_path / "dense.h5ad")
    same(reference, read_cells(open_file(tmp_path / "dense.h5ad")))
    columns = cells.copy()
    columns.X = sparse.csc_matrix(cells.X)
    same(reference, read_cells(columns))
    normalised = cells.copy()
    normalised.layers["counts"] = cells.X.copy()
    normalised.X = np.log1p(cells.X.toarray() / 3.0)
    same(reference, read_cells(normalised))
    raw = cells.copy()
    raw.raw = cells.copy()
    raw.X = np.log1p(cells.X.toarray() / 3.0)
    same(reference, read_cells(raw))


def test_a_backed_file_is_never_made_dense(cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    cells.write_h5ad(tmp_path / "cells.h5ad")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    for kind in (sparse.csr_matrix, sparse.csc_matrix):
        monkeypatch.setattr(kind, "toarray", refuse)
        monkeypatch.setattr(kind, "todense", refuse)
    read_cells(open_file(tmp_path / "cells.h5ad"))


def test_cellxgene_names_and_ensembl_ids(cells) -> None:  # type: ignore[no-untyped-def]
    ids = ["ENSG00000105383.14", "ENSG00000185291", *[f"ENSG{i:011d}" for i in range(cells.n_vars - 2)]]
    cells.var["feature_name"] = ["CD33", "IL3RA", *[f"X{i}" for i in range(cells.n_vars - 2)]]
    cells.var_names = ids
    atlas = read_cells(cells)
    assert atlas.genes.names[:3] == ("CD33", "IL3RA", "X0")


def test_names_of_genes() -> None:
    assert [current_symbol(name) for name in ("EMR2", "CD123", "ENSG00000105383.2", "psma", "NOSUCH")] == [
        "ADGRE2",
        "IL3RA",
        "CD33",
        "FOLH1",
        "NOSUCH",
    ]
    genes = align(["EMR2", "CD33", "A1"])
    assert genes.names == ("ADGRE2", "CD33", "A1")
    assert genes.renamed == {"EMR2": "ADGRE2"}


def test_a_gene_under_two_names_is_added_up(cells) -> None:  # type: ignore[no-untyped-def]
    cells.var_names = ["EMR2", "ADGRE2", *cells.var_names[2:]]
    atlas = read_cells(cells)
    assert atlas.genes.merged == ("ADGRE2",)
    both = np.asarray(cells.X[:, :2].sum(axis=1)).ravel()
    assert (atlas.column(atlas.genes.names.index("ADGRE2")) == both).all()


def test_several_files_are_joined_by_gene(cells) -> None:  # type: ignore[no-untyped-def]
    atlas = read_cells(cells)
    fewer = read_cells(cells[:, :-3].copy())
    both = join([atlas, fewer])
    assert both.cells == 2 * atlas.cells
    assert both.genes.names == fewer.genes.names
    assert len(set(both.donor)) == 2 * len(set(atlas.donor))
    assert any("not in every file" in text for text in both.notices)


def test_protein_of_a_mudata_object_is_found(cells) -> None:  # type: ignore[no-untyped-def]
    mudata = pytest.importorskip("mudata")
    cells.var_names = ["CD33", *cells.var_names[1:]]
    rng = np.random.default_rng(0)
    stem = (cells.obs["cell_type"] == "HSC").to_numpy()
    side = anndata.AnnData((rng.normal(0, 1, (cells.n_obs, 1)) + 6 * stem[:, None]).astype(np.float32))
    side.obs_names, side.var_names = cells.obs_names, ["CD33-AB"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = mudata.MuData({"rna": cells, "prot": side})
    found = tl.safety(pp.cells(data, universe="all"), gate="CD33")
    row = next(row for row in found.tables["verdicts"] if row["class"] == "HSC")
    assert row["protein_fraction"] > 0.95
    assert row["verdict"] == "unsafe"


def test_results_are_stored_as_scverse_does(cells, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    tl.gates(cells, settings=Settings(orders=(1, 2), top=3, draws=0, veto=False), universe="all")
    frame = get.gates_df(cells)
    assert {"gate", "coverage_floor", "worst_class", "verdict"} <= set(frame.columns)
    assert len(frame) == 3
    assert set(get.verdicts_df(cells)["gate"]) == set(frame["gate"])
    cells.write_h5ad(tmp_path / "again.h5ad")
    assert get.gates_df(anndata.read_h5ad(tmp_path / "again.h5ad"))["gate"].tolist() == frame["gate"].tolist()
    pp.positivity(cells)
    share = (cells.X > 0).mean(axis=0)
    np.testing.assert_allclose(cells.var["share_positive"], np.asarray(share).ravel())


@pytest.mark.parametrize(
    ("name", "damage", "code"),
    [
        ("scaled", lambda a: setattr(a, "X", a.X.toarray() - 1.5), "TARGETS005"),
        ("log", lambda a: setattr(a, "X", np.log1p(a.X.toarray())), "TARGETS005"),
        ("numbers", lambda a: setattr(a, "X", np.where(a.X.toarray() > 3, np.nan, 1.0)), "TARGETS005"),
        ("cell type", lambda a: a.obs.drop(columns="cell_type", inplace=True), "TARGETS006"),
        ("mouse", lambda a: setattr(a, "var_names", [f"Cd{i}a" for i in range(a.n_vars)]), "TARGETS021"),
        ("mouse ids", lambda a: setattr(a, "var_names", [f"ENSMUSG{i:011d}" for i in range(a.n_vars)]), "TARGETS021"),
        ("flag", lambda a: a.obs.__setitem__("malignant", "perhaps"), "TARGETS007"),
    ],
)
def test_mistakes_have_one_message_each(cells, name: str, damage: Callable, code: str) -> None:  # type: ignore[no-untyped-def]
    damage(cells)
    assert codes(lambda: read_cells(cells)) == [code], name


def test_all_mistakes_are_told_at_once(cells) -> None:  # type: ignore[no-untyped-def]
    cells.obs.drop(columns="cell_type", inplace=True)
    cells.X = np.log1p(cells.X.toarray())
    cells.var_names = [f"Cd{i}a" for i in range(cells.n_vars)]
    assert set(codes(lambda: read_cells(cells))) == {"TARGETS005", "TARGETS006", "TARGETS021"}


def test_one_donor_and_duplicated_genes_are_warned_of(cells) -> None:  # type: ignore[no-untyped-def]
    cells.obs["donor_id"] = "only"
    cells.var_names = [cells.var_names[1], *cells.var_names[1:]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anndata's own, at each access
        notices = read_cells(cells).notices
    assert sum("one donor" in text for text in notices) == 1
    assert sum("more than once" in text for text in notices) == 1
    cells.var_names_make_unique()
    without = cells.copy()
    del without.obs["donor_id"]
    assert sum("no column of donors" in text for text in read_cells(without).notices) == 1


def test_no_tumour_and_no_normal_cells_are_refused(cells) -> None:  # type: ignore[no-untyped-def]
    normal = cells[~cells.obs["malignant"].to_numpy()].copy()
    assert codes(lambda: analyse(read_cells(normal))) == ["TARGETS030"]
    sick = cells[cells.obs["malignant"].to_numpy()].copy()
    assert codes(lambda: analyse(read_cells(sick))) == ["TARGETS031"]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95])
def test_a_file_that_is_cut_off(cells, tmp_path: Path, share: float) -> None:  # type: ignore[no-untyped-def]
    whole = tmp_path / "whole.h5ad"
    cells.write_h5ad(whole)
    cut = tmp_path / "cut.h5ad"
    cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
    assert codes(lambda: read_cells(open_file(cut))) == ["TARGETS003"]


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text.h5ad").write_text("no cells", encoding="utf-8")
    (tmp_path / "table.csv").write_text("a,b", encoding="utf-8")
    assert codes(lambda: open_file(tmp_path / "absent.h5ad")) == ["TARGETS002"]
    assert codes(lambda: open_file(tmp_path / "table.csv")) == ["TARGETS002"]
    assert codes(lambda: open_file(tmp_path)) == ["TARGETS002"]
    assert codes(lambda: open_file(tmp_path / "text.h5ad")) == ["TARGETS003"]


def test_named_columns_are_used_and_missed(cells) -> None:  # type: ignore[no-untyped-def]
    renamed = cells.copy()
    renamed.obs = renamed.obs.rename(columns={"cell_type": "ct", "donor_id": "who", "malignant": "sick"})
    same(read_cells(cells), read_cells(renamed, columns=Columns("ct", "who", "sick")))
    assert codes(lambda: read_cells(cells, columns=Columns(donor="who"))) == ["TARGETS006"]
    assert codes(lambda: read_cells(cells, columns=Columns(layer="none"))) == ["TARGETS004"]


def test_antibodies_without_a_signal_do_not_make_a_class_unsafe(cells) -> None:  # type: ignore[no-untyped-def]
    """One cell in twenty is above the threshold by construction, over the limit of 2 % and yet no evidence."""
    cells.var_names = ["A1", "A2", "A3", "CD33", *cells.var_names[4:]]  # G3 of the atlas is on few classes
    big = anndata.concat([cells] * 10, index_unique="-")
    rng = np.random.default_rng(0)
    big.obsm["protein"] = pd.DataFrame({"CD33": rng.normal(0, 1, big.n_obs)}, index=big.obs_names)
    found = tl.safety(pp.cells(big, universe="all"), gate="CD33")
    rows = {row["class"]: row for row in found.tables["verdicts"] if row["protein_cells"]}
    assert rows["HSC"]["protein_cells"] == 1800
    assert rows["HSC"]["protein_lower"] > rows["HSC"]["limit"]
    assert all("protein on at least" not in row["reason"] for row in rows.values())


def test_a_gene_of_which_only_protein_was_measured(cells) -> None:  # type: ignore[no-untyped-def]
    stem = (cells.obs["cell_type"] == "HSC").to_numpy()
    values = np.random.default_rng(0).normal(0, 1, cells.n_obs) + 6 * stem
    cells.obsm["protein"] = pd.DataFrame({"CD371": values}, index=cells.obs_names)
    found = tl.safety(pp.cells(cells, universe="all"), gate="CLL-1")
    verdicts = {row["class"]: row["verdict"] for row in found.tables["verdicts"]}
    assert verdicts["HSC"] == "unsafe"
    assert verdicts["endothelium"] == "unresolved"
    assert any("no RNA of CLEC12A" in text for text in found.parameters["notices"])
    assert codes(lambda: tl.safety(pp.cells(cells, universe="all"), gate="CD123")) == ["TARGETS035"]


def test_thresholds_go_by_assay_and_by_gene(cells) -> None:  # type: ignore[no-untyped-def]
    from carwright.targets.evaluate.layout import lay_out

    cells.obs["assay"] = np.where(cells.obs["donor_id"].astype(str).str.startswith("D"), "Smart-seq2", "10x 3' v3")
    atlas = read_cells(cells)
    layout = lay_out(atlas, Thresholds(2, genes={"G1": 3}))
    assert Thresholds(2, genes={"G1": 3}).of_genes(["G0", "G1", "G1:bright"]).tolist() == [0, 3, 1]
    stem = atlas.cell_class == "HSC"
    row = [entry.name for entry in layout.classes].index("HSC")
    for gene, limit in (("G0", READS), ("G1", 3)):
        place = layout.place(gene)
        counts = atlas.column(place)[stem]
        assert layout.levels.thresholds[row, place] == limit
        assert layout.levels.positive[row, place] == (counts >= limit).sum()
        assert layout.levels.several[row, place] == (counts > limit).sum()
        groups = len(layout.patients) + np.flatnonzero(layout.class_of == row)
        assert layout.table.group_counts(layout.table.row(place))[groups].sum() == (counts >= limit).sum()


def test_a_threshold_of_a_gene_that_is_not_there_is_refused(cells) -> None:  # type: ignore[no-untyped-def]
    cells.var_names = ["CLEC12A", "CD33", *cells.var_names[2:]]
    assert Thresholds(genes={"CLL1": 3}).of_genes(["CD33", "CLEC12A"]).tolist() == [0, 3]
    misspelt = Settings(draws=0, thresholds=Thresholds(genes={"CLEC12B": 2, "CLL1": 2, "CD34": 2}))
    calls = [
        lambda: tl.gates(cells, settings=misspelt),
        lambda: tl.safety(cells, "CD33", settings=misspelt),
        lambda: pp.positivity(cells, genes=misspelt.thresholds.genes),
    ]
    for call in calls:
        assert codes(call) == ["TARGETS053"] * 2
    with pytest.raises(CarwrightError, match=r"found: +CLEC12B\n.*CLEC12A"):
        calls[0]()
    known = tl.safety(cells, "CD33", settings=Settings(thresholds=Thresholds(genes={"CLL1": 2})))  # beside the gate
    assert known.parameters["settings"]["thresholds"]["genes"] == {"CLEC12A": 2}


def test_a_gene_that_is_named_is_judged_though_no_search_would_keep_it(cells, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    cells.X = cells.X.multiply(np.arange(cells.n_vars) != 3).tocsr()
    universe = tmp_path / "genes.txt"
    universe.write_text("G0\nG1\n")
    assert pp.cells(cells, universe=str(universe)).genes.names == ("G0", "G1")
    assert "G3" not in pp.cells(cells).genes.names
    atlas = pp.cells(cells, universe=["G3", "G5", "absent"])
    assert atlas.genes.names == ("G3", "G5")
    assert "genes not seen in any cell (1): G3" in atlas.notices
    (gate,) = tl.safety(cells, "G5 AND NOT G3").tables["gates"]
    assert gate["gate"] == "G5 AND NOT G3"
    assert codes(lambda: tl.safety(cells, "absent")) == ["TARGETS035"]


def test_a_truth_table_is_of_a_gate_of_the_result(cells) -> None:  # type: ignore[no-untyped-def]
    found = tl.safety(cells, ["G0", "G0 AND NOT G3"])
    figure = pl.truth_table(found, "G0 AND NOT G3")
    assert len(figure.data[0].x) == 4
    assert codes(lambda: pl.truth_table(found, "G0 NOT G3")) == ["TARGETS054"]
    with pytest.raises(CarwrightError, match=r"allowed: G0; G0 AND NOT G3"):
        pl.truth_table(found, "G0 NOT G3")


def test_scores_of_genes_stand_in_var_also_where_counts_are_raw(cells) -> None:  # type: ignore[no-untyped-def]
    part = cells[:, 4:].copy()
    part.raw = cells.copy()
    part.X = np.log1p(part.X.toarray())
    found = tl.screen(part, settings=Settings(top=2, draws=0), universe="all")
    scores = {row["gene"]: row["score"] for row in found.tables["screen"]}
    for gene, value in part.var["carwright_targets_score"].items():
        assert np.isnan(value) if gene not in scores else value == scores[gene]
    assert set(scores) >= {"G0", "G1"}  # seen in the raw counts alone
    pp.positivity(part)
    assert part.var["share_positive"]["G5"] == pytest.approx((cells[:, "G5"].X > 0).mean())


def test_a_zarr_folder_gives_the_same_cells(cells, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cells.write_zarr(tmp_path / "cells.zarr")
    same(read_cells(cells), read_cells(open_file(tmp_path / "cells.zarr")))
