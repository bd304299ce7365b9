"""Staining of tissue beside RNA: read as the atlas publishes it, and what it may change in a verdict."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from carwright.targets.evaluate.analysis import explain
from carwright.targets.evaluate.settings import Settings
from carwright.targets.intake.anndata_file import keep_genes
from carwright.targets.intake.genes import align
from carwright.targets.references.cache import folder
from carwright.targets.references.ihc import class_of, fires, stains_of
from carwright.targets.references.off_tumour import explain_gene
from carwright.targets.references.tables import wide
from carwright.targets.search.gate import parse
from carwright.targets.synthetic import aml_atlas

HEAD = "Gene\tGene name\tTissue\tCell type\tLevel\tReliability\n"
ROWS = [
    ("ENSG00000105383", "CD33", "liver", "hepatocytes", "Not detected", "Enhanced"),
    ("ENSG00000105383", "CD33", "liver", "Kupffer cells", "High", "Enhanced"),
    ("ENSG00000105383", "CD33", "colon", "endothelial cells", "Medium", "Enhanced"),
    ("ENSG00000105383", "CD33", "stomach 1", "glandular cells", "Not representative", "Enhanced"),
    ("ENSG00000105383", "CD33", "stomach 2", "glandular cells", "Low", "Enhanced"),
    ("ENSG00000127507", "EMR2", "colon", "endothelial cells", "Not detected", "Approved"),
    ("ENSG00000185291", "IL3RA", "colon", "endothelial cells", "High", "Uncertain"),
]
TABLE = pl.read_csv((HEAD + "".join("\t".join(row) + "\n" for row in ROWS)).encode(), separator="\t")


def put(name: str, content: bytes) -> None:
    """Lay a file into the cache as if it had been fetched."""
    path = folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    record = {"url": "", "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    path.with_name(f"{name}.json").write_text(json.dumps(record), encoding="utf-8")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARWRIGHT_CACHE", str(tmp_path))
    return tmp_path


def test_sites_are_read_as_the_atlas_publishes_them() -> None:
    found = stains_of(TABLE, ["CD33", "ADGRE2", "CLEC12A"])
    assert set(found) == {"CD33", "ADGRE2"}  # under its current name
    cd33 = found["CD33"]
    assert (cd33.detected, cd33.tissues, cd33.reliability) == (3, 3, "enhanced")
    assert (cd33.level("liver"), cd33.level("endothelium"), cd33.level("gut")) == (0, 2, 1)
    assert cd33.sites["monocyte and macrophage"] == ((3, "Kupffer cells of liver"),)
    assert cd33.level("neuron") is None


@pytest.mark.parametrize(
    ("tissue", "cell_type", "name"),
    [
        ("kidney", "cells in glomeruli", "kidney"),
        ("caudate", "glial cells", "glia"),
        ("hippocampus", "neuronal cells", "neuron"),
        ("heart muscle", "cardiomyocytes", "cardiomyocyte"),
        ("bronchus", "respiratory epithelial cells", "lung epithelium"),
        ("small intestine", "glandular cells", "gut"),
        ("salivary gland", "glandular cells", "salivary gland"),
    ],
)
def test_a_cell_type_without_a_name_of_its_own_is_its_tissue_s(tissue: str, cell_type: str, name: str) -> None:
    assert class_of(tissue, cell_type).name == name


def test_a_gate_fires_by_staining_where_all_its_genes_were_read() -> None:
    known = stains_of(TABLE, ["CD33", "ADGRE2", "IL3RA"])
    assert fires(parse("CD33"), "endothelium", known)[:2] == (True, True)  # type: ignore[index]
    assert fires(parse("CD33"), "gut", known)[:2] == (True, False)  # type: ignore[index]
    assert fires(parse("IL3RA"), "endothelium", known)[:2] == (True, False)  # type: ignore[index]
    assert fires(parse("CD33 AND ADGRE2"), "endothelium", known)[:2] == (False, False)  # type: ignore[index]
    assert fires(parse("CD33 AND NOT ADGRE2"), "endothelium", known)[:2] == (True, True)  # type: ignore[index]
    assert fires(parse("CD33 AND ADGRE2"), "liver", known) is None


def test_agreement_with_rna_is_the_rank_correlation_over_tissues() -> None:
    rng = np.random.default_rng(1)
    tissues = [f"tissue {i}x" for i in range(12)]
    levels, rna = rng.integers(0, 4, 12), rng.gamma(1.0, 10.0, 12)
    words = ("Not detected", "Low", "Medium", "High")
    table = pl.DataFrame(
        {
            "Gene": ["ENSG00000105383"] * 12, "Gene name": ["CD33"] * 12, "Tissue": tissues,
            "Cell type": ["cells"] * 12, "Level": [words[i] for i in levels], "Reliability": ["Supported"] * 12,
        }
    )  # fmt: skip
    row = {"symbol": ["CD33"], **{t.replace(" ", "_"): [v] for t, v in zip(tissues, rna, strict=True)}}
    found = stains_of(table, ["CD33"], wide(pl.DataFrame(row)))["CD33"]
    assert found.rho == pytest.approx(spearmanr(levels, rna).statistic)
    better = [(a > b) for a in rna[levels > 0] for b in rna[levels == 0]]
    assert found.auc == pytest.approx(np.mean(better))


def verdict(gene: str, name: str) -> dict:
    """Verdict on a class of deep cells that do not express the gene."""
    atlas = aml_atlas(depth=20_000.0, doublets=0.0, patients=3, donors=8, cells_per_class=200, seed=5).atlas
    from dataclasses import replace

    atlas = replace(keep_genes(atlas, [2, 0]), genes=align([gene, "X1"]))
    found = explain(atlas, [parse(gene)], Settings())
    return next(row for row in found.tables["verdicts"] if row["class"] == name)


def test_staining_makes_unresolved_and_never_safe_or_unsafe(cache: Path) -> None:
    plain = verdict("ADGRE2", "endothelium")
    assert plain["verdict"] == "safe"
    assert plain["ihc"] == ""
    for level, reliability, expected in (
        ("High", "Enhanced", "unresolved"),
        ("Medium", "Approved", "unresolved"),
        ("Low", "Enhanced", "safe"),
        ("High", "Uncertain", "safe"),
        ("Not detected", "Enhanced", "safe"),
    ):
        put("hpa-ihc", (HEAD + f"ENSG00000127507\tADGRE2\tcolon\tendothelial cells\t{level}\t{reliability}\n").encode())
        row = verdict("ADGRE2", "endothelium")
        assert row["verdict"] == expected
        shown = "staining and RNA agree" if level == "Not detected" else "staining shows what RNA does not"
        assert row["ihc_agreement"] == shown
    put("hpa-ihc", (HEAD + "ENSG00000127507\tADGRE2\tcolon\tprogenitors\tNot detected\tEnhanced\n").encode())
    row = verdict("ADGRE2", "progenitor")  # G2 of the atlas is on progenitors
    assert (row["verdict"], row["ihc_agreement"]) == ("unsafe", "RNA without staining")


def test_a_gene_is_explained_with_its_staining(cache: Path) -> None:
    assert any("hpa-ihc has not been fetched" in text for text in explain_gene("CD33")["notices"])
    put("hpa-ihc", TABLE.write_csv(separator="\t").encode())
    told = explain_gene("CD33")
    assert {"site": "Kupffer cells of liver", "value": "high"}.items() <= told["flags"][0].items()
    assert any("stain 3 of 3 normal tissues" in text for text in told["notices"])
