"""Every number of the clinic carries its unit, kind and source."""

from dataclasses import fields, is_dataclass

from carwright.clinic.care import Care
from carwright.clinic.crs import SignThresholds
from carwright.clinic.grade import Settings
from carwright.clinic.numbers import listed

SETTINGS = (Settings(), Care())


def leaves(value):
    for field in fields(value):
        inner = getattr(value, field.name)
        yield from leaves(inner) if is_dataclass(inner) else [inner]


def test_no_number_is_without_unit_kind_and_source():
    for settings in SETTINGS:
        found = list(listed(settings))
        assert len(found) == sum(isinstance(value, int | float) for value in leaves(settings))
        for entry in found:
            assert entry.unit
            assert entry.kind in {"published", "fitted", "assumed"}
            assert len(entry.source) > 20


def test_names_are_paths_and_unique():
    names = [entry.name for entry in listed(Settings())]
    assert "crs.fever" in names
    assert len(names) == len(set(names))


def test_a_number_of_the_user_is_not_passed_off_as_published():
    changed = {entry.name: entry for entry in listed(Settings(crs=SignThresholds(fever=38.5)))}
    assert (changed["crs.fever"].value, changed["crs.fever"].kind) == (38.5, "assumed")
    assert changed["crs.fever"].source == "set by the study"
    assert changed["crs.hypotension"].kind == "published"
