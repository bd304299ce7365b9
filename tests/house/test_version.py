"""One version, wherever it is written."""

from __future__ import annotations

import re
import tomllib

import yaml

import carwright

from .tree import ROOT


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_pyproject() -> None:
    assert tomllib.loads(read("pyproject.toml"))["project"]["version"] == carwright.__version__


def test_citation() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == carwright.__version__
    assert citation["license"] == tomllib.loads(read("pyproject.toml"))["project"]["license"]


def test_changelog_names_the_version_first() -> None:
    released = re.findall(r"^## (\d+\.\d+\.\d+)", read("CHANGELOG.md"), re.MULTILINE)
    assert released[0] == carwright.__version__


def test_every_release_opens_with_results_that_may_differ() -> None:
    releases = re.split(r"^## ", read("CHANGELOG.md"), flags=re.MULTILINE)[1:]
    assert releases
    for release in releases:
        headings = re.findall(r"^### (.+)$", release, re.MULTILINE)
        assert headings[0] == "Results that may differ", release.splitlines()[0]
