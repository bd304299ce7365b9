"""Models from files are read once; one that imports other files is read again, because those may have changed."""

import pytest

from carwright.engine import cache
from carwright.simulation import source

INNER = "model inner\n  S -> ; k*S\n  S = {start}; k = 0.3\nend\n"
OUTER = 'import "inner.ant"\nmodel outer\n  A: inner();\nend\n'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_loaded", {})
    return tmp_path


def start_of(path):
    system = source.read_source(path).system
    return system.initial_values(system.defaults[None])[0, 0]


def test_a_changed_import_is_seen(folder):
    for start in (10.0, 20.0):
        (folder / "inner.ant").write_text(INNER.format(start=start))
        (folder / "outer.ant").write_text(OUTER)
        assert start_of(folder / "outer.ant") == start


def test_a_file_is_parsed_once_and_again_when_it_changes(folder, monkeypatch):
    parsed = []

    def counted(text, *arguments, **options):
        parsed.append(text)
        return read(text, *arguments, **options)

    read = source.read_untrusted
    monkeypatch.setattr(source, "read_untrusted", counted)
    for start in (10.0, 10.0, 20.0, 20.0, 10.0):
        (folder / "inner.ant").write_text(INNER.format(start=start))
        monkeypatch.setattr(cache, "_loaded", {})
        assert start_of(folder / "inner.ant") == start
    assert len(parsed) == 2


def test_a_built_in_model_from_disk_is_the_same(monkeypatch):
    first = source.read_source("mcrpc").system
    monkeypatch.setattr(cache, "_loaded", {})
    again = source.read_source("mcrpc").system
    assert again.digest == first.digest
    assert again.non_negative == (True,) * len(again.states)
