"""Systems that were read before: the same from disk, read again when anything that decides them changes."""

import pytest
from engine_models import PATIENT, SAW, sbml

from carwright.engine import cache, read_sbml, remembered
from carwright.errors import CarwrightError, Problem


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    monkeypatch.setattr(cache, "_loaded", {})
    return tmp_path / "kernels"


def forget(monkeypatch):
    monkeypatch.setattr(cache, "_loaded", {})


def refuse():
    raise AssertionError


@pytest.mark.parametrize("model", [PATIENT, SAW])
def test_a_system_from_disk_is_the_same(model, monkeypatch):
    text = sbml(model)
    first = remembered.read_once(lambda: read_sbml(text), "sbml", text)
    forget(monkeypatch)
    again = remembered.read_once(refuse, "sbml", text)
    assert again.digest == first.digest == read_sbml(text).digest
    assert again.rates == first.rates
    assert again.units == first.units


def test_what_decides_it_makes_a_difference(monkeypatch):
    text = sbml(SAW)
    remembered.read_once(lambda: read_sbml(text), "sbml", text)
    for decides in (("sbml", text + " "), ("antimony", text)):
        with pytest.raises(AssertionError):
            remembered.read_once(refuse, *decides)
    monkeypatch.setattr(remembered, "_versions", lambda: ("another version", "", ""))
    with pytest.raises(AssertionError):
        remembered.read_once(refuse, "sbml", text)


def test_a_damaged_copy_is_read_again(folder, monkeypatch):
    text = sbml(SAW)
    whole = remembered.read_once(lambda: read_sbml(text), "sbml", text)
    (copy,) = folder.glob("*.kept")
    copy.write_bytes(copy.read_bytes()[:-9])
    forget(monkeypatch)
    assert remembered.read_once(lambda: read_sbml(text), "sbml", text).digest == whole.digest


def test_errors_are_not_kept(folder):
    def fail():
        raise CarwrightError(Problem("ENGINE010", "wrong"))

    for _ in range(2):
        with pytest.raises(CarwrightError, match="wrong"):
            remembered.read_once(fail, "sbml", "text")
    assert not list(folder.glob("*.kept"))


def test_without_the_versions_of_the_parsers_nothing_is_kept(folder, monkeypatch):
    monkeypatch.setattr(remembered, "_versions", tuple)
    text = sbml(SAW)
    assert remembered.read_once(lambda: read_sbml(text), "sbml", text).states
    assert not folder.exists()
