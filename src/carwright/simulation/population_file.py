"""Populations as files: distributions in YAML, rows in Parquet or CSV. Every mistake is found, with its place."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from carwright.errors import CarwrightError, Problems
from carwright.population import KINDS, Distribution
from carwright.simulation.population import PATIENT, Drawn, Rows
from carwright.yamlfile import nearest, read_yaml

if TYPE_CHECKING:
    import polars as pl

CSV_LIMIT: Final = 512 << 20
"""Largest CSV file that is read, bytes: it is held in memory, where Parquet is read piece by piece."""

SHOWN: Final = 10
"""Wrong cells that are listed; the rest are counted."""

PIECE: Final = 1 << 17
"""Rows that are checked at a time."""

_KEYS: Final = ("value", "distribution", "sd", "range")
Where = Callable[[tuple[str | int, ...]], str]


def read_population(
    given: str | Path | Mapping[str, Any] | pl.DataFrame, seed: int, problems: Problems
) -> Drawn | Rows | None:
    """Read a population.

    Parameters
    ----------
    given
        A YAML, Parquet or CSV file; or the same as a mapping (name -> distribution) or a frame of rows.
    seed
        Seed of the draws.
    problems
        Takes everything that is wrong.

    Returns
    -------
    Drawn, Rows or None
        None if nothing could be made of it.
    """
    if isinstance(given, Mapping):
        return Drawn(_distributions(given, lambda path: f"population, {'.'.join(map(str, path))}", problems), seed)
    if not isinstance(given, str | Path):
        return _rows(given, hash_of_frame(given), "population", problems)
    path = Path(given)
    ending = path.suffix.lower()
    if ending in (".yaml", ".yml"):
        try:
            document = read_yaml(path)
        except CarwrightError as error:
            problems.extend(error)
            return None
        return Drawn(_distributions(document.data, document.where, problems), seed)
    if ending not in (".parquet", ".csv"):
        problems.add(
            "SIMULATE003", "the ending of the population file does not say what it holds", where=str(path),
            found=ending or "no ending", allowed=".yaml, .yml, .parquet, .csv",
        )  # fmt: skip
        return None
    return _table(path, ending, problems)


def hash_of_frame(frame: pl.DataFrame) -> str:
    """SHA-256 of the rows of a frame in memory."""
    digest = hashlib.sha256()
    for column in frame.get_columns():
        digest.update(f"{column.name}|{column.dtype}|{column.len()};".encode())
        digest.update("\0".join(map(str, column.to_list())).encode())
    return digest.hexdigest()


# --------------------------------------------------------------------------------------------- distributions


def _distributions(data: Mapping[str, Any], where: Where, problems: Problems) -> dict[str, Distribution]:
    read = {}
    for name, entry in data.items():
        row = entry if isinstance(entry, Mapping) else {"value": entry, "sd": 0}
        read[str(name)] = _distribution(str(name), row, where, problems)
    if not data:
        problems.add("SIMULATE004", "the population names nothing", where=where(()))
    return read


def _distribution(name: str, row: Mapping[str, Any], where: Where, problems: Problems) -> Distribution:
    wrong = Problems()

    def add(what: str, key: str, found: object = "", allowed: str = "", fix: str = "") -> None:
        place = where((name, key) if key in row else (name,))
        wrong.add("SIMULATE004", what, where=place, found=str(found), allowed=allowed, fix=fix)

    def number(key: str, value: Any, default: float) -> float:
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            add(f"{key} must be a number", key, value)
            return default
        return float(value)

    for key in row:
        if key not in _KEYS:
            add(f"there is no key {key!r}", key, key, ", ".join(_KEYS), nearest(str(key), _KEYS))
    kind = row.get("distribution", "lognormal")
    if kind not in KINDS:
        add("there is no such distribution", "distribution", kind, ", ".join(KINDS), nearest(str(kind), KINDS))
        kind = "normal"
    bounds = row.get("range", [None, None])
    if not isinstance(bounds, list | tuple) or len(bounds) != 2:
        add("a range has a lowest and a highest value", "range", bounds, "[low, high]")
        bounds = [None, None]
    low, high = number("range", bounds[0], -math.inf), number("range", bounds[1], math.inf)
    value, sd = number("value", row.get("value"), math.nan), number("sd", row.get("sd"), 0.0)
    if not low <= high:
        add("the range is upside down", "range", f"{low:g} to {high:g}")
    if sd < 0:
        add("sd must be 0 or more", "sd", sd)
    for what, key, found in _mismatches(kind, row, value, sd, low, high):
        add(what, key, found)
    if wrong:
        try:
            wrong.raise_if_any()
        except CarwrightError as error:
            problems.extend(error)
        return Distribution("normal", 1.0)  # the name is known, so that no other message misses it
    return Distribution(kind, low if kind == "uniform" else value, sd, low, high)


def _mismatches(
    kind: str, row: Mapping[str, Any], value: float, sd: float, low: float, high: float
) -> list[tuple[str, str, object]]:
    """What a distribution of this kind needs and does not get: sentence, key, found."""
    found: list[tuple[str, str, object]] = []
    if kind == "uniform":
        if not (math.isfinite(low) and math.isfinite(high)):
            found.append(("a uniform distribution needs a range", "range", row.get("range", "none")))
        return found + [(f"a uniform distribution takes no {k}", k, row[k]) for k in ("value", "sd") if k in row]
    if "value" not in row:
        return [("a value is missing", "value", "")]
    if kind == "exponential":
        if "sd" in row:
            found.append(("an exponential distribution takes no sd: its mean is its value", "sd", sd))
    elif "distribution" in row and "sd" not in row:
        found.append(("an sd is missing", "sd", ""))
    if math.isnan(value):
        return found
    if not low <= value <= high:
        found.append(("the value lies outside its range", "value", value))
    if value <= 0 and (kind == "exponential" or (kind == "lognormal" and sd > 0)):
        found.append((f"the value of this distribution ({kind}) must be above 0", "value", value))
    if kind == "logitnormal" and sd > 0 and not 0 < value < 1:
        found.append(("the value of a logit-normal distribution must lie between 0 and 1", "value", value))
    return found


# ------------------------------------------------------------------------------------------------------ rows


def _table(path: Path, ending: str, problems: Problems) -> Rows | None:
    import polars as pl

    try:
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size = path.stat().st_size
    except OSError as error:
        what = "there is no such population file" if isinstance(error, FileNotFoundError) else (
            "the population cannot be read")  # fmt: skip
        problems.add("SIMULATE003", what, where=str(path), found=error.strerror or "")
        return None
    if size == 0 or (ending == ".csv" and size > CSV_LIMIT):
        what = "the population file is too large for CSV" if size else "the population file is empty"
        fix = "convert it to Parquet, which is read piece by piece" if size else ""
        problems.add("SIMULATE003", what, where=str(path), fix=fix)
        return None
    try:
        if ending == ".parquet":
            schema = pl.scan_parquet(path).collect_schema()
            height = int(pl.scan_parquet(path).select(pl.len()).collect().item())
            return _checked(path, sha256, dict(schema), height, str(path), problems)
        frame = _csv(path, problems)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        found = str(error).splitlines()[0]
        problems.add("SIMULATE003", f"this is no readable {ending[1:]} file", where=str(path), found=found[:200])
        return None
    return None if frame is None else _rows(frame, sha256, str(path), problems)


def _csv(path: Path, problems: Problems) -> pl.DataFrame | None:
    """All cells as text, so that each can be judged."""
    import polars as pl

    content = path.read_bytes()
    header = pl.read_csv(io.BytesIO(content), has_header=False, n_rows=1, infer_schema=False).row(0)
    names = [(name or "").strip() for name in header]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add("SIMULATE003", "two columns have the same name", where=str(path), found=name or "no name")
        return None
    frame = pl.read_csv(io.BytesIO(content), has_header=False, skip_rows=1, infer_schema=False, new_columns=names)
    if frame.width != len(names):
        found = f"{frame.width} cells under {len(names)} names"
        problems.add("SIMULATE003", "rows and header have different lengths", where=str(path), found=found)
        return None
    return frame


def _rows(frame: pl.DataFrame, sha256: str, label: str, problems: Problems) -> Rows | None:
    return _checked(frame, sha256, dict(frame.schema), frame.height, label, problems)


def _checked(
    source: pl.DataFrame | Path, sha256: str, schema: Mapping[str, pl.DataType], height: int, label: str,
    problems: Problems,
) -> Rows | None:  # fmt: skip
    """Look at every cell, a piece at a time."""
    import polars as pl

    if height == 0:
        problems.add("SIMULATE003", "the population has no rows", where=label)
        return None
    rows = Rows(source, sha256, tuple(schema), height)
    strange = [name for name, kind in schema.items() if not (kind.is_numeric() or kind == pl.String)]
    for name in strange:
        problems.add(
            "SIMULATE007", "a column holds no numbers", where=f"{label}, column {name}", found=str(schema[name])
        )
    if strange:
        return Rows(source, sha256, tuple(schema), height, sound=False)
    wrong = 0
    for first in range(0, height, PIECE):
        frame = rows.frame(range(first, min(first + PIECE, height)))
        wrong += _wrong_cells(frame, first, label, problems, max(0, SHOWN - wrong))
    if wrong > SHOWN:
        problems.add("SIMULATE007", f"and {wrong - SHOWN:,} more cells that are no finite numbers", where=label)
    if wrong:
        return Rows(source, sha256, tuple(schema), height, sound=False)
    if rows.numbered:
        _check_numbers(rows, label, problems)
    text = any(kind == pl.String for kind in schema.values())
    return (
        Rows(source.cast(pl.Float64), sha256, tuple(schema), height) if text and not isinstance(source, Path) else rows
    )


def _wrong_cells(frame: pl.DataFrame, first: int, label: str, problems: Problems, room: int) -> int:
    """Report cells that hold no finite number, in the order of rows; returns how many there are."""
    import polars as pl

    numbers = frame.with_columns(pl.all().cast(pl.Float64, strict=False))
    sound = numbers.select(pl.all().is_finite().fill_null(value=False))
    bad = [(i, name) for name in frame.columns for i in sound[name].not_().arg_true().to_list()]
    for i, name in sorted(bad, key=lambda cell: cell[0])[:room]:
        cell = frame[name][i]
        problems.add(
            "SIMULATE007", "a cell holds no finite number",
            where=f"{label}, row {first + i + 1}, column {name}", found="nothing" if cell is None else str(cell)[:60],
        )  # fmt: skip
    return len(bad)


def _check_numbers(rows: Rows, label: str, problems: Problems) -> None:
    """The column ``patient`` must number the rows."""
    import polars as pl

    numbers = rows.frame(range(rows.height))[PATIENT].cast(pl.Float64)
    whole = numbers.is_between(0, 2**32 - 1) & (numbers == numbers.floor())
    if not whole.all() or numbers.is_duplicated().any():
        what = "the column 'patient' must hold a different whole number in every row"
        problems.add("SIMULATE007", what, where=f"{label}, column {PATIENT}", allowed="0 to 4,294,967,295")
