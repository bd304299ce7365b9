"""One-parameter-at-a-time distributions, cut off at a range, at given normal deviates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from carwright.population.normal import expit, logit, quantile, share_below
from carwright.population.streams import uniforms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KINDS: Final = ("lognormal", "logitnormal", "normal", "uniform", "exponential")
"""Names of the distributions."""


@dataclass(frozen=True)
class Distribution:
    """How one quantity differs between patients.

    Parameters
    ----------
    kind
        One of `KINDS`.
    value
        Median of a lognormal, logit-normal or normal one; mean of an exponential one before it is cut off; not
        used by a uniform one.
    sd
        Standard deviation of ln(value), logit(value) or value itself; with 0 all patients are the same.
    low, high
        Range; what lies outside is cut off and the rest drawn in proportion.
    """

    kind: str
    value: float
    sd: float = 0.0
    low: float = -math.inf
    high: float = math.inf

    @property
    def varies(self) -> bool:
        """Whether patients differ."""
        return self.kind == "exponential" or self.sd > 0 or (self.kind == "uniform" and self.low < self.high)

    def draw(self, seed: int, name: str, first: int, count: int) -> Floats:
        """Values of the patients ``first`` to ``first + count - 1``; the same whatever else is drawn."""
        if not self.varies:
            return np.full(count, self.low if self.kind == "uniform" else self.value)
        share = uniforms(seed, f"patient:{name}", first, count)[:, 0]
        if self.kind == "uniform":
            return np.asarray(np.clip(self.low + (self.high - self.low) * share, self.low, self.high))
        if self.kind == "exponential":
            least, most = -np.expm1(-max(self.low, 0.0) / self.value), -np.expm1(-self.high / self.value)
            return np.asarray(np.clip(-self.value * np.log1p(-(least + (most - least) * share)), self.low, self.high))
        forward, backward = _SCALES[self.kind]
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high, middle = (np.asarray(forward(bound)) for bound in (self.low, self.high, self.value))
        low, high = np.nan_to_num(low, nan=-np.inf, neginf=-np.inf), np.nan_to_num(high, nan=np.inf, posinf=np.inf)
        drawn = truncated(np.full(count, middle), self.sd, quantile(share), float(low), float(high))
        return np.asarray(np.clip(backward(drawn), self.low, self.high))


_SCALES: Final[Mapping[str, tuple[Callable[..., Floats], Callable[..., Floats]]]] = {
    "lognormal": (np.log, np.exp),
    "logitnormal": (logit, expit),
    "normal": (np.asarray, np.asarray),
}


def truncated(centre: Floats, deviation: float, deviate: Floats, low: float, high: float) -> Floats:
    """Quantile of a normal distribution cut off at ``low`` and ``high``, where ``deviate`` stands."""
    if deviation == 0:
        return centre
    below, above = share_below((low - centre) / deviation), share_below((high - centre) / deviation)
    out: Floats = centre + deviation * quantile(below + (above - below) * share_below(deviate))
    return out
