"""Intervals of a proportion from a count."""

from __future__ import annotations

from scipy.special import betaincinv, ndtri

from carwright.trial.intervals.interval import Interval, check_level


def clopper_pearson(count: int, of: int, level: float = 0.95) -> Interval:
    """Exact interval of a binomial proportion (Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404).

    Raises
    ------
    ValueError
        Unless ``0 <= count <= of``, ``of >= 1`` and ``0 < level < 1``.
    """
    _check(count, of, level)
    tail = (1.0 - level) / 2.0
    lo = float(betaincinv(count, of - count + 1, tail)) if count > 0 else 0.0
    hi = float(betaincinv(count + 1, of - count, 1.0 - tail)) if count < of else 1.0
    return Interval(count / of, lo, hi, level)


def wilson(count: int, of: int, level: float = 0.95) -> Interval:
    """Score interval of a binomial proportion (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Raises
    ------
    ValueError
        As `clopper_pearson`.
    """
    _check(count, of, level)
    z = float(ndtri((1.0 + level) / 2.0))
    rate = count / of
    spread = 1.0 + z * z / of
    middle = (rate + z * z / (2.0 * of)) / spread
    half = z / spread * (rate * (1.0 - rate) / of + z * z / (4.0 * of * of)) ** 0.5
    return Interval(rate, max(0.0, middle - half), min(1.0, middle + half), level)


def _check(count: int, of: int, level: float) -> None:
    check_level(level)
    if not 0 <= count <= of or of < 1:
        message = f"a proportion needs 0 <= count <= of and of >= 1; got {count} of {of}"
        raise ValueError(message)
