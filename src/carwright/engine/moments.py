"""Functionals that are read at a moment of their own (a summit, a crossing): where it is, and how it moves.

With v the observable, dv its derivative along a direction and v', v'' its derivatives with respect to time:

- a maximum or minimum moves by dv at its moment (envelope theorem), its time by -dv'/v'';
- the time of a crossing v = level moves by -(dv - dlevel)/v';
- days above or below move by the sum over their crossings.

A moment is first known to the accuracy of the solver's search; one Newton step with v' and v'' takes it to where these
formulas hold. Where that step shows that it is no smooth summit or crossing there is no derivative, and NaN is
returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from carwright.engine.requests import Functional
from carwright.engine.solution import Solution

Floats = npt.NDArray[np.float64]

DIRECT: Final = ("value_at", "integral")
"""Kinds whose derivative is the same functional of the tangent."""
GRID: Final = 400
"""Intervals of a window in which crossings are looked for, for kinds that count days."""
CLOSE: Final = 1e-6
"""Time, as a part of the solve, within which a moment is the same as a dose or the end of a window; also the part
of a count of days that its crossings may leave unexplained.
"""
GAIN: Final = 1e-4
"""Part of an extremum that the Newton step may still add to it; more shows that it is no smooth summit (assumed)."""


def companion(functional: Functional) -> Functional:
    """What must be known in order to find the moment of a functional: the time of an extremum, or itself."""
    timed = functional.kind in {"maximum", "minimum"}
    return replace(functional, kind=f"time_of_{functional.kind}") if timed else functional


@dataclass(frozen=True)
class Shape:
    """An observable around its moments: (t,) times; (n, t) v, v', v''; (n, t, k) dv, dv'."""

    times: Floats
    value: Floats
    slope: Floats
    bend: Floats
    along: Floats
    turning: Floats

    def at(self, moments: Floats) -> Shape:
        """The same at one time per patient (n,), which must be one of the times."""
        rows = np.arange(len(moments))
        index = np.minimum(np.searchsorted(self.times, np.nan_to_num(moments)), len(self.times) - 1)
        parts = (self.value, self.slope, self.bend, self.along, self.turning)
        return Shape(moments, *(part[rows, index] for part in parts))


@dataclass
class Moments:
    """Moments of all functionals that have one.

    Parameters
    ----------
    functionals
        All of a request.
    start, end
        Bounds of the solve.
    doses
        Times of doses, where observables may jump.
    """

    functionals: Sequence[Functional]
    start: float
    end: float
    doses: Floats
    grid: Floats = field(init=False)
    times: Floats = field(init=False)
    _found: dict[int, tuple[Floats, Floats]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.close = CLOSE * (self.end - self.start)
        grids = [self._grid(f) for f in self.functionals if f.kind.startswith("days")]
        self.grid = np.unique(np.concatenate(grids)) if grids else np.empty(0)
        self.times = np.empty(0)

    def _window(self, functional: Functional) -> tuple[float, float]:
        return max(functional.start, self.start), min(functional.end, self.end)

    def _grid(self, functional: Functional) -> Floats:
        first, last = self._window(functional)
        inside = self.doses[(self.doses > first) & (self.doses < last)]
        return np.unique(np.concatenate([np.linspace(first, last, GRID + 1), inside, np.nextafter(inside, -np.inf)]))

    def find(self, solution: Solution, levels: Floats, skip: int) -> None:
        """Find the moments in a solve with all functionals, then the companions of those with moments.

        ``levels`` (n, functionals) are thresholds; courses after the first ``skip`` columns are v and v' of each
        observable that has moments.
        """
        shaped = [i for i, f in enumerate(self.functionals) if f.kind not in DIRECT]
        names = list(dict.fromkeys(self.functionals[i].of for i in shaped))
        grid = np.searchsorted(solution.times, self.grid)
        for place, i in enumerate(shaped):
            functional = self.functionals[i]
            if functional.kind.startswith("days"):
                column = skip + 2 * names.index(functional.of)
                v, slope = (solution.courses[:, grid, column + c] for c in (0, 1))
                own = np.isin(self.grid, self._grid(functional))
                self._found[i] = _crossings(self.grid[own], v[:, own] - levels[:, i, None], slope[:, own])
            else:
                at = solution.functionals[:, len(self.functionals) + place]
                self._found[i] = at[:, None], np.ones((len(at), 1))
        found = [at.ravel() for at, _ in self._found.values()]
        if found:
            sides = np.concatenate([self.doses, np.nextafter(self.doses, -np.inf)])
            bounds = [bound for i in shaped for bound in self._window(self.functionals[i])]
            every = np.concatenate([*found, sides, bounds])
            self.times = np.unique(every[(every >= self.start) & (every <= self.end)])

    def _at_dose(self, at: Floats) -> tuple[npt.NDArray[np.bool_], Floats]:
        """Which moments lie at a dose inside the solve, and at which."""
        inside = self.doses[self.doses > self.start]
        if not len(inside):
            return np.zeros(at.shape, np.bool_), at
        nearest = inside[np.argmin(np.abs(at[:, None] - inside), axis=1)]
        return np.abs(at - nearest) <= self.close, nearest

    def slopes(self, i: int, shape: Shape, value: Floats, level: Floats, level_slopes: Floats) -> Floats:
        """(n, k) derivatives of functional i with value (n,), threshold (n,) and derivative of that (n, k)."""
        functional = self.functionals[i]
        at, sign = self._found[i]
        first, last = self._window(functional)
        with np.errstate(all="ignore"):
            if functional.kind.endswith("mum"):
                return self._extremum(functional.kind, shape, at[:, 0], value, (first, last))
            parts = [self._crossing(shape, at[:, c], level, level_slopes, (first, last)) for c in range(at.shape[1])]
            if not functional.kind.startswith("days"):
                return parts[0][1]
            total = np.zeros((len(value), shape.along.shape[2]))
            days = np.zeros(len(value))
            here = shape.at(np.full(len(value), first)).value > level
            side = 1.0 if functional.kind == "days_above" else -1.0
            days += np.where(here == (side > 0), last - first, 0.0)
            for c, (moment, moves) in enumerate(parts):
                there = ~np.isnan(at[:, c])
                # A crossing upwards opens a stretch above that lasts to the end of the window unless one closes it.
                days += np.where(there, side * sign[:, c] * (last - moment), 0.0)
                total -= np.where(there[:, None], side * sign[:, c, None] * moves, 0.0)
            total[np.abs(days - value) > CLOSE * (last - first)] = np.nan
            return total

    def _extremum(
        self, kind: str, shape: Shape, at: Floats, value: Floats, window: tuple[float, float]
    ) -> Floats:  # fmt: skip
        sign = 1.0 if kind.endswith("maximum") else -1.0
        jumps, dose = self._at_dose(at)
        here, after = shape.at(at), shape.at(np.where(jumps, dose, at))
        before = shape.at(np.where(jumps, np.nextafter(dose, -np.inf), at))
        edge = (np.abs(at - window[0]) <= self.close) | (np.abs(at - window[1]) <= self.close)
        smooth = ~(jumps | edge)
        flat = (here.slope == 0.0) & (here.bend == 0.0)
        shift = np.where(smooth & ~flat, -here.slope / here.bend, 0.0)
        summit = flat | ((sign * here.bend < 0.0) & (np.abs(shift * here.slope) <= GAIN * np.abs(here.value)))
        if kind.startswith("time"):
            moves = np.where(smooth[:, None], -here.turning / here.bend[:, None], 0.0)
        else:
            later = np.abs(after.value - value) <= np.abs(before.value - value)
            side = np.where(later[:, None], after.along, before.along)
            moves = np.where(smooth[:, None], here.along + shift[:, None] * here.turning, side)
        moves[smooth & ~summit] = np.nan
        return moves

    def _crossing(
        self, shape: Shape, at: Floats, level: Floats, level_slopes: Floats, window: tuple[float, float]
    ) -> tuple[Floats, Floats]:
        """Moment of a crossing after a Newton step (n,), and its derivative (n, k)."""
        jumps, dose = self._at_dose(at)
        after = shape.at(np.where(jumps, dose, at)).value - level
        before = shape.at(np.where(jumps, np.nextafter(dose, -np.inf), at)).value - level
        fixed = jumps & (np.sign(after) != np.sign(before))
        for bound in window:
            beyond = np.abs(shape.at(np.full(len(at), bound)).value - level) > 0.0
            fixed |= (at == bound) & beyond
        here = shape.at(at)
        shift = -(here.value - level) / here.slope
        slope = here.slope + shift * here.bend
        moves = -(here.along + shift[:, None] * here.turning - level_slopes) / slope[:, None]
        moves[np.abs(shift) > (window[1] - window[0]) / GRID] = np.nan
        moves[fixed] = 0.0
        moves[np.isnan(at)] = np.nan
        return np.where(fixed, np.where(jumps, dose, at), at + shift), moves


def _crossings(times: Floats, v: Floats, slope: Floats) -> tuple[Floats, Floats]:
    """Zeros of v between grid times, by cubic interpolation: (n, r) moments and signs, NaN where there are fewer."""
    above = v > 0.0
    changes = above[:, 1:] != above[:, :-1]
    most = int(changes.sum(axis=1).max(initial=0))
    at, sign = np.full((len(v), most), np.nan), np.zeros((len(v), most))
    for q in range(len(v)):
        for c, j in enumerate(np.flatnonzero(changes[q])):
            at[q, c] = _cubic_root(times[j], times[j + 1], v[q, j], v[q, j + 1], slope[q, j], slope[q, j + 1])
            sign[q, c] = 1.0 if above[q, j + 1] else -1.0
    return at, sign


def _cubic_root(a: float, b: float, va: float, vb: float, sa: float, sb: float) -> float:
    """Where the cubic with these values and slopes at the ends of an interval passes through 0, by bisection."""
    h, low, high = b - a, 0.0, 1.0
    c1, c2, c3 = h * sa, 3.0 * (vb - va) - h * (2.0 * sa + sb), 2.0 * (va - vb) + h * (sa + sb)
    for _ in range(60):
        x = 0.5 * (low + high)
        if ((va + x * (c1 + x * (c2 + x * c3))) > 0.0) == (va > 0.0):
            low = x
        else:
            high = x
    return a + 0.5 * (low + high) * h
