"""Every path that a page names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import DOCS, PAGES, ROOT, name

TOP = tuple(path.name for path in ROOT.iterdir() if path.name not in ("runs", ".venv", ".git"))


def paths_named(page: Path) -> set[str]:
    """Paths between backticks, from the root of the repository; placeholders such as ``<name>`` are cut off."""
    words = re.findall(r"`([^`\s]+)`", page.read_text(encoding="utf-8"))
    words = [word for word in words if word.split("/")[0] in TOP and not word.startswith("docs/_build")]
    return {word.split("<")[0].rpartition("/")[0] if "<" in word else word for word in words}


def links(page: Path) -> set[str]:
    """Targets of links and pictures inside the repository, without the part of the page."""
    found = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    return {target for target in found if "://" not in target}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paths_exist(page: Path) -> None:
    missing = {path for path in paths_named(page) if not (ROOT / path).exists()}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    assert {target for target in links(page) if not (page.parent / target).exists()} == set()


def test_paths_are_found() -> None:
    assert "src/carwright/clinic/crs.py" in paths_named(ROOT / "README.md")
    assert "src/carwright/report/figures" in paths_named(ROOT / "CONTRIBUTING.md")
    assert "docs/images/report.png" in links(ROOT / "README.md")


def test_the_picture_of_the_report_is_small() -> None:
    assert (DOCS / "images" / "report.png").stat().st_size < 300_000


def test_every_room_is_in_the_drawing_and_on_the_page_of_the_architecture() -> None:
    drawing = (DOCS / "images" / "architecture.svg").read_text(encoding="utf-8")
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    rooms = [path.parent.name for path in (ROOT / "src" / "carwright").glob("*/__init__.py")]
    assert len(rooms) > 8
    for room in rooms:
        assert re.search(rf">(\w+, )?{room}[<,]", drawing), room
        assert f"`{room}`" in page, room


def test_the_contributing_page_names_every_registry() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    registries = ("@rule", "@care_rule", "REGIMENS", "DESIGNS", "EFFECTS", "QUANTITIES", "DISEASES", "sections")
    for registry in registries:
        assert registry in page, registry
