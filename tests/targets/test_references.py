"""References: fetched once, resumed, checked, and usable without a network; served here from this machine."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from carwright.errors import CarwrightError
from carwright.targets.references import cache
from carwright.targets.references.antigens import TRAPS, antigens, seen_on, warnings_of
from carwright.targets.references.bulk import auc
from carwright.targets.references.cache import MIRROR, cached, fetch, folder, references
from carwright.targets.references.census import fetch_census
from carwright.targets.references.off_tumour import explain_gene
from carwright.targets.references.ranks import mann_whitney
from carwright.targets.references.surfaceome import cached_surface_genes
from carwright.targets.references.tables import read_table, wide
from carwright.targets.safety.classes import class_table
from carwright.targets.search.gate import parse

HPA = "Gene\tGene name\tTissue\tnTPM\nENSG00000086205\tFOLH1\tduodenum\t259.0\nENSG00000086205\tFOLH1\tlung\t1.0\n"
VOTES = "gene_symbol\tn_db_votes\n" + "".join(f"GENE{i}\t{i % 6}\n" for i in range(20_000))


class Source:
    """A server of one file that can break off, and that remembers what it was asked for."""

    def __init__(self) -> None:
        self.content = b""
        self.cut_after: int | None = None
        self.ranges: list[str | None] = []
        self.status = 200
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                source.ranges.append(asked)
                if source.status != 200:
                    self.send_error(source.status)
                    return
                tag = hashlib.sha256(source.content).hexdigest()
                goes_on = asked is not None and self.headers.get("If-Range") == tag
                start = int(asked.split("=")[1].rstrip("-")) if goes_on and asked else 0
                body = source.content[start:]
                self.send_response(206 if goes_on else 200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("ETag", tag)
                self.end_headers()
                self.wfile.write(body if source.cut_after is None else body[: source.cut_after])

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/file"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    monkeypatch.setenv("CARWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(MIRROR, raising=False)
    served = Source()
    yield served
    served.server.shutdown()
    served.server.server_close()


def code(call) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(CarwrightError) as caught:
        call()
    assert len(caught.value.problems) == 1
    return caught.value.problems[0].code


def test_a_reference_is_fetched_once_and_then_offline(source: Source) -> None:
    source.content = VOTES.encode()
    path = fetch("surfaceome", url=source.url)
    assert path.read_bytes() == source.content
    source.server.shutdown()
    assert fetch("surfaceome", url="http://127.0.0.1:1/nowhere") == path
    assert len(source.ranges) == 1
    assert len(cached_surface_genes() or ()) == sum(i % 6 >= 2 for i in range(20_000))


def test_a_download_cut_in_the_middle_leaves_nothing_half_cached_and_goes_on(source: Source) -> None:
    source.content = VOTES.encode()
    source.cut_after = 100_000
    assert code(lambda: fetch("surfaceome", url=source.url)) == "TARGETS044"
    assert cached("surfaceome") is None
    assert not (folder() / "surfaceome").exists()
    source.cut_after = None
    assert fetch("surfaceome", url=source.url).read_bytes() == source.content
    assert source.ranges == [None, "bytes=100000-"]
    assert sorted(path.name for path in folder().iterdir()) == ["surfaceome", "surfaceome.json"]


def test_a_source_that_changed_meanwhile_is_fetched_anew(source: Source) -> None:
    source.content, source.cut_after = VOTES.encode(), 1000
    assert code(lambda: fetch("surfaceome", url=source.url)) == "TARGETS044"
    source.content, source.cut_after = VOTES.replace("GENE", "NAME").encode(), None
    assert fetch("surfaceome", url=source.url).read_bytes() == source.content


def test_a_wrong_checksum_keeps_what_was_there(source: Source) -> None:
    source.content = b"gene_symbol\tn_db_votes\nCD33\t5\n"
    fetch("surfaceome", url=source.url, sha256=hashlib.sha256(source.content).hexdigest())
    before, source.content = source.content, b"gene_symbol\tn_db_votes\nEVIL\t5\n"
    assert code(lambda: fetch("surfaceome", url=source.url, sha256="0" * 64, again=True)) == "TARGETS045"
    assert (cached("surfaceome") or Path()).read_bytes() == before


def test_a_cached_file_that_changed_is_not_used(source: Source) -> None:
    source.content = VOTES.encode()
    fetch("surfaceome", url=source.url).write_bytes(b"other")
    assert code(lambda: cached("surfaceome")) == "TARGETS042"


def test_a_file_is_read_for_its_checksum_once(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    checksum = cache._checksum
    monkeypatch.setattr(cache, "_checksum", lambda path: read.append(path) or checksum(path))
    source.content = VOTES.encode()
    path = fetch("surfaceome", url=source.url)
    assert len(read) == 1
    assert cached("surfaceome") == cached("surfaceome") == path
    assert read[1:] == [path]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")  # of the same length
    os.utime(path, ns=(0, 0))
    assert code(lambda: cached("surfaceome")) == "TARGETS042"
    path.write_bytes(content)
    assert cached("surfaceome") == path


@pytest.mark.parametrize("status", [404, 500])
def test_a_source_that_refuses(source: Source, status: int) -> None:
    source.status = status
    assert code(lambda: fetch("surfaceome", url=source.url)) == "TARGETS044"
    assert code(lambda: fetch("surfaceome", url="http://127.0.0.1:1/nowhere")) == "TARGETS044"
    assert code(lambda: fetch("nothing")) == "TARGETS043"


def zipped(text: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("table.tsv", text)
    return stream.getvalue()


@pytest.mark.parametrize(
    "packed", [zipped, lambda text: gzip.compress(text.encode()), str.encode], ids=["zip", "gz", "plain"]
)
def test_tables_are_read_by_what_they_hold(tmp_path: Path, packed) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "table"
    path.write_bytes(packed(HPA))
    table = wide(read_table(path))
    assert table.row(0, named=True) == {"ensembl": "ENSG00000086205", "symbol": "FOLH1", "duodenum": 259.0, "lung": 1.0}
    pl.DataFrame({"a": [1]}).write_parquet(path)
    assert read_table(path).shape == (1, 1)


def test_tables_that_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "table"
    for content in (zipped(HPA)[:60], gzip.compress(HPA.encode())[:30], b"PAR1", b""):
        path.write_bytes(content)
        assert code(lambda: read_table(path)) == "TARGETS041"


def test_a_gene_is_explained_from_a_fetched_reference(source: Source) -> None:
    source.content = zipped(HPA)
    fetch("hpa-tissue", url=source.url)
    told = explain_gene("PSMA")
    assert told["gene"] == "FOLH1"
    assert [flag["site"] for flag in told["flags"]] == ["duodenum"]
    assert "HSC" in told["not_represented"]


def test_the_antigen_table() -> None:
    table = antigens()
    assert len(table) > 50
    names = [name.upper() for entry in table.values() for name in (entry.symbol, *entry.aliases)]
    assert len(names) == len(set(names))
    assert len({entry.ensembl for entry in table.values()}) == len(table)
    classes = {entry.name for entry in class_table().classes}
    for entry in table.values():
        assert set(entry.traps) <= set(TRAPS)
        assert set(entry.protein_on) <= classes
        assert all((*entry.traps.values(), *entry.protein_on.values()))
    assert any("soluble" in text for text in warnings_of(("IL1RAP",)))


def test_protein_seen_by_others_counts_only_where_the_gate_would_fire() -> None:
    assert seen_on(parse("CD33"), "HSC")
    assert seen_on(parse("CD33 OR CLEC12A"), "HSC")
    assert not seen_on(parse("CD33 AND CLEC12A"), "HSC")
    assert not seen_on(parse("CD33 AND NOT CD34"), "HSC")


class Census:
    """Stands in for the package of the census, which needs a network."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken, self.asked = broken, []

    def open_soma(self, *, census_version: str):  # type: ignore[no-untyped-def]
        self.asked.append(census_version)
        return contextlib.nullcontext("opened")

    def get_anndata(self, opened, organism, **filters):  # type: ignore[no-untyped-def]
        assert opened == "opened"
        self.asked.append(filters)
        anndata = pytest.importorskip("anndata")

        class Cut(anndata.AnnData):
            def write_h5ad(self, path: Path) -> None:
                Path(path).write_bytes(b"half")
                message = "connection lost"
                raise OSError(message)

        kind = Cut if self.broken else anndata.AnnData
        return kind(np.ones((3, 2), np.float32))


def test_a_slice_of_the_census_is_fetched_once(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    census = Census(broken=True)
    monkeypatch.setitem(sys.modules, "cellxgene_census", census)
    assert code(lambda: fetch_census("tissue == 'blood'", genes=["CD33"])) == "TARGETS046"
    assert not list(folder().iterdir())  # nothing half-cached
    census.broken = False
    path = fetch_census("tissue == 'blood'", genes=["CD33"])
    assert fetch_census("tissue == 'blood'", genes=["CD33"]) == path
    assert len(census.asked) == 4
    assert "is_primary_data == True" in census.asked[-1]["obs_value_filter"]
    assert fetch_census("tissue == 'blood'", genes=["CD33"], again=True) == path
    assert len(census.asked) == 6
    monkeypatch.setitem(sys.modules, "cellxgene_census", None)
    assert code(lambda: fetch_census("tissue == 'lung'")) == "TARGETS047"


def test_the_chance_to_tell_apart_is_counted_over_pairs() -> None:
    rng = np.random.default_rng(0)
    scores, positive = rng.integers(0, 5, 40), rng.random(40) < 0.3
    pairs = [(a > b) + (a == b) / 2 for a in scores[positive] for b in scores[~positive]]
    assert mann_whitney(scores, positive) == pytest.approx(np.mean(pairs))
    assert auc({"CD33": 2.0, "CLEC12A": 1.0, "G1": 1.0}, ["CLL1"]) == 0.25
    assert np.isnan(mann_whitney(scores, positive | True))


def test_every_reference_says_where_it_comes_from() -> None:
    for entry in references().values():
        assert entry.url.startswith("https://")
        assert entry.licence
        assert entry.cite


@pytest.mark.parametrize(
    ("cell_type", "name"),
    [
        ("hematopoietic stem cell", "HSC"),
        ("HSCs & MPPs", "HSC"),
        ("Cycling MPPs", "MPP"),
        ("common myeloid progenitor", "progenitor"),
        ("CD4-positive, alpha-beta T cell", "T cell"),
        ("pericyte", "mural"),
        ("endothelial cell of vascular tree", "endothelium"),
        ("Oligodendrocytes", "glia"),
        ("mature NK T cell", "T cell"),
        ("CD8+ T Cells", "T cell"),
        ("something new", "something new"),
    ],
)
def test_cell_types_find_their_class(cell_type: str, name: str) -> None:
    assert class_table().of(cell_type).name == name


def test_every_tier_has_a_source() -> None:
    for tier in class_table().tiers.values():
        assert tier.kind in ("published", "fitted", "assumed")
        assert tier.source
        assert 0 < tier.limit <= 1
