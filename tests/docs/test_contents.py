"""What the pages print is what the program reads, and nothing is left out."""

from __future__ import annotations

import ast
import re

import pytest

import carwright
from carwright.errors import CarwrightError
from carwright.models import list_models, load_model
from carwright.study import load_study

from .pages import DOCS, ROOT

from _extensions import error_codes  # isort: skip  (found through .pages)
from _extensions.clinic import SCALES  # isort: skip
from _extensions.coverage_table import coverage_table  # isort: skip
from _extensions.equations import Statement, broken, statements  # isort: skip


def read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list_models())
def test_every_equation_of_a_model_is_printed(name: str) -> None:
    """Rates by state and rules by read-out, counted by libSBML on the composed model."""
    import libsbml

    model = load_model(name)
    document = libsbml.readSBMLFromString(model.sbml).getModel()
    rules = [document.getRule(i) for i in range(document.getNumRules())]
    printed = [found for text in model.equations.values() for found in statements(text) if isinstance(found, Statement)]
    assert {s.name for s in printed if s.kind == "rate"} == {rule.getVariable() for rule in rules if rule.isRate()}
    assert {s.name for s in printed if s.kind == "rule"} == {r.getVariable() for r in rules if r.isAssignment()}


@pytest.mark.parametrize("name", list_models())
def test_breaking_an_equation_changes_nothing_but_spaces(name: str) -> None:
    def bare(text: str) -> str:
        return re.sub(r"\s", "", text).replace("−", "-").replace("·", "*")

    for text in load_model(name).equations.values():
        for found in statements(text):
            if isinstance(found, Statement):
                lines = broken(found.left, found.value)
                assert bare("".join("".join(line) for line in lines)) == bare(found.value)


def test_every_comment_of_a_module_is_printed() -> None:
    for text in load_model("mcrpc").equations.values():
        told = " ".join(found for found in statements(text) if isinstance(found, str))
        for line in text.splitlines():
            if line.strip().startswith("//"):
                assert line.strip().removeprefix("//").strip() in told


def test_summary_page_names_every_key() -> None:
    """Keys of the dictionary that the pipeline returns as ``summary.json``."""
    source = (ROOT / "src" / "carwright" / "pipeline" / "run.py").read_text(encoding="utf-8")
    [function] = [
        node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "_summary"
    ]
    [returned] = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    assert isinstance(returned, ast.Dict)
    keys = {key.value for key in returned.keys if isinstance(key, ast.Constant)}
    page = read("reference/summary.md")
    assert len(keys) > 15
    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_every_public_function_is_on_the_page_of_the_python_api() -> None:
    page = read("reference/python.md")
    public = set(carwright.__all__) - {"__version__"}
    assert public == set(re.findall(r"autofunction:: (\w+)", page))
    for name in public:
        assert callable(getattr(carwright, name))


def test_python_shown_is_python() -> None:
    blocks = [
        block
        for page in [ROOT / "README.md", *DOCS.rglob("*.md")]
        for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    ]
    assert len(blocks) >= 2
    for block in blocks:
        ast.parse(block)


def test_every_grading_setting_has_its_file_on_the_page() -> None:
    page = read("reference/grading-scales.md")
    files = {
        "biopsy": "inhibition",
        "relapse": "antigen",
        "site": "peaks",
        "cytokines": "peaks",
        "response": "leukaemia_response",
    }
    for scale in SCALES:
        if scale not in ("ctcae_version", "adjudication", "window_days"):
            assert f"clinic/{files.get(scale, scale)}.py" in page, scale


def test_every_error_code_has_a_family_on_the_page() -> None:
    families = {code.rstrip("0123456789") for code in error_codes.mentioned()}
    assert families <= set(error_codes.ROOMS)


def test_a_raised_code_is_found_with_its_sentence() -> None:
    with pytest.raises(CarwrightError) as caught:
        load_study("no-such-study")
    code = caught.value.problems[0].code
    said = [place.what for place in error_codes.raised() if place.code == code]
    assert any(what.startswith("unknown study") for what in said)


def test_decisions_are_numbered_and_whole() -> None:
    records = sorted((DOCS / "decisions").glob("0*.md"))
    assert [record.name[:4] for record in records] == [f"{i:04}" for i in range(1, len(records) + 1)]
    for record in records:
        text = record.read_text(encoding="utf-8")
        assert all(part in text for part in ("**Context.**", "**Decision.**", "**Consequence.**")), record.name
        assert record.stem in read("decisions/index.md")


@pytest.mark.parametrize("name", list_models())
def test_no_number_is_fitted_to_the_rehearsed_trial(name: str) -> None:
    """What `docs/explanation/against-the-publication.md` says, by the sources that fitted rows name."""
    table = load_model(name).table
    [trial] = [key for key, text in table.references.items() if "NCT03089203" in text]
    fitted = [row for row in (*table.parameters, *table.covariates) if row.kind == "fitted"]
    assert fitted
    assert [row.name for row in fitted if trial in row.source] == []


def test_coverage_table_shows_misses_first() -> None:
    def entry(label: str, count: int, *, covered: bool) -> dict[str, object]:
        return {
            "label": label,
            "unit": "fraction of infused",
            "estimate": 0.2,
            "lo": 0.1,
            "hi": 0.4,
            "predictive": {"lo": 0.0, "hi": 0.5},
            "published": {"count": count, "of": 13, "source": "abstract", "certainty": "published"},
            "covered": covered,
        }

    summary = {
        "study": "s",
        "patients": 2000,
        "trials": 500,
        "seed": 1,
        "outcomes": {"failed": 0},
        "provenance": {"carwright": "0.1.0"},
        "quantities": {
            "a": entry("Met", 3, covered=True),
            "b": entry("Missed", 12, covered=False),
            "c": {"label": "Not published", "unit": "days", "estimate": 1.0},
        },
    }
    text = coverage_table(summary)
    assert "1 of 2 published figures lie inside, 1 outside" in text
    assert text.index("Missed") < text.index("Met")
    assert "12 of 13 (92 %)" in text
    assert "Not published" not in text
