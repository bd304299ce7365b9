"""Numbers and names in the words of the report."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

ABBREVIATIONS = ("crs", "icans", "hlh", "dlt")
"""Words of rule names that are written in capitals."""

PERCENT = "\u00a0%"
"""Number and sign stay on one line."""

PARTS_OF_ONE = ("fraction", "probability")
"""Units that start with one of these words are shown in per cent."""


def is_share(unit: str) -> bool:
    """Whether a quantity of this unit is a share between 0 and 1."""
    return unit.startswith(PARTS_OF_ONE)


def number(value: float | None) -> str:
    """Three significant digits; powers of ten from a million up; an en dash for a missing value."""
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= 1e6 or 0 < size < 1e-3:
        exponent = math.floor(math.log10(size))
        mantissa = f"{value / 10**exponent:.2g}"
        if mantissa.lstrip("-") == "10":  # 9.96 rounds up into the next decade
            mantissa, exponent = mantissa.replace("10", "1"), exponent + 1
        return f"{mantissa}×10{str(exponent).translate(_SUPERSCRIPT)}".replace("-", "−")
    if size >= 100:
        return grouped(round(value)).replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


def grouped(count: int) -> str:
    """A whole number in groups of three digits."""
    return f"{count:,}".replace(",", "\u202f")


def percent(value: float | None, *, sign: bool = False) -> str:
    """A share in per cent: whole numbers from 10 % up, one decimal below; a rare event is not rounded to none."""
    if value is None or not math.isfinite(value):
        return "–"
    if 1e-6 < value < 5e-4 and not sign:
        return f"<0.1{PERCENT}"
    scaled = 100 * value
    digits = 0 if abs(scaled) >= 9.95 or abs(scaled) < 0.05 else 1
    scaled = round(scaled, digits) or 0.0  # no "-0"
    return f"{scaled:{'+' if sign and scaled else ''}.{digits}f}{PERCENT}".replace("-", "−")


def points(value: float | None) -> str:
    """A difference of two shares in percentage points, with its sign."""
    return percent(value, sign=True).removesuffix(PERCENT)


def amount(value: float | None, unit: str) -> str:
    """A quantity without its unit, as a percentage where the unit is a share."""
    return percent(value) if is_share(unit) else number(value)


def span(interval: Mapping[str, Any] | None, unit: str) -> str:
    """An interval such as ``12 to 34 %``; an end that a time never reached is said so."""
    if not interval or interval.get("lo") is None:
        return "–"
    low, high = amount(interval["lo"], unit), amount(interval.get("hi"), unit)
    text = f"{low.removesuffix(PERCENT)} to {'not reached' if interval.get('hi') is None else high}"
    return text.replace(" ", "\u00a0") if is_share(unit) else text


def with_interval(interval: Mapping[str, Any], unit: str) -> str:
    """An estimate with its interval in brackets."""
    if interval.get("lo") is None:
        return "–"
    estimate = interval.get("estimate")
    return f"{'not reached' if estimate is None else amount(estimate, unit)} ({span(interval, unit)})"


def power_of_ten(exponent: int) -> str:
    """``10⁴``; 1 and 10 as they are."""
    return str(10**exponent) if exponent in (0, 1) else f"10{str(exponent).translate(_SUPERSCRIPT)}"


def band_of_cells(low: float, high: float) -> str:
    """A dose band such as ``1–3×10⁷``."""
    exponent = math.floor(math.log10(low))
    ends = f"{low / 10**exponent:.3g}–{high / 10**exponent:.3g}" if high != low else f"{low / 10**exponent:.3g}"
    return f"{ends}×10{str(exponent).translate(_SUPERSCRIPT)}"


def rule_label(rule: str) -> str:
    """An adjudication rule's name as words."""
    words = rule.replace("_", "-").split("-")
    return " ".join(word.upper() if word in ABBREVIATIONS else word for word in words)


def wrapped(text: str, width: int = 20) -> str:
    """Break a label over lines for an axis."""
    return "<br>".join(textwrap.wrap(text, width)) or text


def within_sentence(label: str) -> str:
    """A label in the middle of a sentence: a capital goes unless an abbreviation starts with it."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def listed(items: list[str]) -> str:
    """``a, b and c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "none"
