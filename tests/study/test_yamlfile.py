"""The YAML door: what it understands (YAML 1.2 core schema) and what it refuses, with a line number."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from carwright.errors import CarwrightError
from carwright.yamlfile import key_text, nearest, parse_scalar, parse_yaml, read_yaml, write_yaml


def refusal(text: str) -> CarwrightError:
    with pytest.raises(CarwrightError) as caught:
        parse_yaml(text, "a.yaml")
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e7", 1e7),
        ("1.5", 1.5),
        (".5", 0.5),
        ("-3", -3),
        ("010", 10),
        ("no", "no"),
        ("on", "on"),
        ("none", "none"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ('"5"', "5"),
        ("'true'", "true"),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("[1e7, 3e7]", [1e7, 3e7]),
        ("{a: 1}", {"a": 1}),
        ("28 days", "28 days"),
        ("", None),
    ],
)
def test_values_of_the_core_schema(text: str, value: object) -> None:
    found = parse_scalar(text, "x")
    assert found == value
    assert type(found) is type(value)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.text("xyz", min_size=1, max_size=4), plain | st.text("0123456789eE+-._x"), min_size=1, max_size=5
    )
)
def test_what_is_written_is_read_back(data: dict[str, object]) -> None:
    text = write_yaml(data)
    assert parse_yaml(text, "a.yaml").data == data
    assert yaml.safe_load(text) == data  # other programs, which read YAML 1.1, see the same


def test_lines_are_kept_for_keys_and_items() -> None:
    document = parse_yaml("a: 1\nb:\n  - x: 2\n  - y:\n      z: 3\n", "a.yaml")
    assert document.line(("a",)) == 1
    assert document.line(("b", 1, "y", "z")) == 5
    assert document.line(("b", 1, "missing")) == 4
    assert document.where(("b", 0, "x")) == "a.yaml, line 3, key b[0].x"
    assert key_text(("a", "b", 2, "c")) == "a.b[2].c"


def test_keys_are_text_as_written() -> None:
    assert parse_yaml("3: x\n-3: y\ntrue: z", "a").data == {"3": "x", "-3": "y", "true": "z"}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "YAML005", None),
        ("# only a comment\n", "YAML005", None),
        ("- a\n- b\n", "YAML005", None),
        ("just words", "YAML005", None),
        ("a: 1\nb: 2\na: 3\n", "YAML007", 3),
        ("a: [1, 2\nb: 3", "YAML004", 2),
        ("a: 1\n b: 2\n", "YAML004", 2),
        ("a: 1\n---\nb: 2\n", "YAML006", 2),
        ("a: !!python/object/apply:os.system ['true']\n", "YAML006", 1),
        ("a: !!int '5'\n", "YAML006", 1),
        ("? [a, b]\n: 1\n", "YAML006", 1),
        ("a: &x [*x]\n", "YAML006", 1),
        ("a: *nowhere\n", "YAML006", 1),
        ("a: \x00\x01\x02", "YAML003", None),
        ("a: " + "[" * 50 + "]" * 50, "YAML006", 1),
        ("a: " + "[" * 500_000, "YAML006", 1),
    ],
)
def test_refusals(text: str, code: str, line: int | None) -> None:
    (problem,) = refusal(text).problems
    assert problem.code == code
    assert "a.yaml" in problem.where
    if line:
        assert f"line {line}" in problem.where


def test_a_bomb_is_refused_before_it_is_expanded() -> None:
    rows = ['a0: &a0 ["lol","lol","lol","lol","lol","lol","lol","lol","lol"]']
    rows += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 40)]
    (problem,) = refusal("\n".join(rows)).problems  # 9^40 values would not fit in any memory
    assert problem.code == "YAML002"


def test_a_few_aliases_are_welcome() -> None:
    assert parse_yaml("a: &x [1, 2]\nb: *x\n", "a").data == {"a": [1, 2], "b": [1, 2]}


def test_files_that_are_no_text(tmp_path: Path) -> None:
    cases = {
        "large.yaml": (b"a: " + b"x" * (1 << 20), "YAML002"),
        "latin.yaml": ("a: é".encode("latin-1"), "YAML003"),
        "utf16.yaml": ("a: 1".encode("utf-16"), "YAML003"),
        "binary.yaml": (bytes(range(256)), "YAML003"),
        "empty.yaml": (b"", "YAML005"),
    }
    for name, (content, code) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CarwrightError) as caught:
            read_yaml(tmp_path / name)
        assert [problem.code for problem in caught.value.problems] == [code], name
    for path in (tmp_path, tmp_path / "missing.yaml", Path("/dev/zero")):
        with pytest.raises(CarwrightError, match="YAML001"):
            read_yaml(path)


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(tmp_path / "a.yaml").data == {"a": 1}


def test_nearest_name() -> None:
    assert nearest("psma-dntgfbr", ["psma", "psma-dntgfbr2"]) == "did you mean 'psma-dntgfbr2'?"
    assert nearest("zzz", ["psma"]) == ""
