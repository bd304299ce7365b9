"""The decline of CAR-T cells read as the publications read it: ``python -m calibration.mixed_effects``.

`calibration.phases` fits every virtual patient by himself, from exact levels on every visit. Stein 2019 and Ogasawara
2021 fitted one nonlinear mixed-effects model to what an assay found: levels with an error, and none below its limit
of quantification. How they treated the latter could not be read, and it decides the terminal half-life: values below
the limit can be left out (method M1 of Beal 2001, doi 10.1023/A:1012299115260), which keeps patients whose cells last,
or enter as what they are, values below the limit (M3). This script prints the typical half-lives by both.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from calibration.cd19 import LISOCABTAGENE, TISAGENLECLEUCEL, followed
from calibration.courses import FOLLOW_UP, day_of_disease
from calibration.phases import VISITS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ERROR = 0.56
"""SD of the logarithm of a measured level, Stein 2019."""
LIMITS = (0.0, 10.0, 25.0, 50.0)
"""Limits of quantification, copies/ug: none, and three that assays have (assumed)."""
START = (np.log(1e4), np.log(0.16), -4.8, np.log(0.0032))
"""ln Cmax, ln alpha, logit FB and ln beta where the fit begins."""
SPREAD = (1.0, 0.64, 0.64, 0.64)
"""Variances between patients of the same where the fit begins."""
ROUNDS = 40
"""Rounds of the fit; ten times as many change no digit that is printed."""
STEP = 1e-4
"""Step of the differences for derivatives."""
LONGEST = 1.5
"""Longest move of a parameter in one step, so that a poor start does not throw a patient far off."""


@dataclass(frozen=True)
class Measured:
    """Levels of a trial, (n, k) each.

    Parameters
    ----------
    since
        Days after the patient's maximum.
    level
        ln of the measured level.
    below
        Whether it lies under the limit; the limit is then all that is known.
    taken
        Whether there was a visit.
    """

    since: Floats
    level: Floats
    below: Bools
    taken: Bools

    def without_low(self) -> Measured:
        """Leave values below the limit out (M1)."""
        return Measured(self.since, self.level, np.zeros_like(self.below), self.taken & ~self.below)


@dataclass(frozen=True)
class Typical:
    """Typical patient of a population model of the decline, times in days."""

    cmax: float
    first_half_life: float
    share_at_break: float
    terminal_half_life: float


def measure(days: Floats, level: Floats, until: Floats, limit: float, error: float = ERROR, seed: int = 1) -> Measured:
    """See courses (n, k), ``days`` ascending, as a trial does: at the maximum and on the visits after it.

    No visits take place after ``until`` (n,).
    """
    after = days >= 0.0
    days, level = days[after], level[:, after]
    top = level.argmax(axis=1)
    tmax = days[top]
    at = np.concatenate([tmax[:, None], np.tile(VISITS, (len(level), 1))], axis=1)
    exact = np.array([np.interp(own, days, np.log(np.maximum(row, 1e-12))) for own, row in zip(at, level, strict=True)])
    seen = exact + error * np.random.default_rng(seed).standard_normal(exact.shape)
    taken = (at > tmax[:, None]) & (at <= until[:, None])
    taken[:, 0] = True
    least = np.log(limit) if limit > 0.0 else -np.inf
    below = seen < least
    return Measured(np.maximum(at - tmax[:, None], 0.0), np.where(below, least, seen), below, taken)


def decline(x: Floats, since: Floats) -> Floats:
    """Logarithm of the level (n, k) of patients with parameters x (n, 4), in the order of `START`."""
    share, alpha, beta = 1.0 / (1.0 + np.exp(-x[:, 2:3])), np.exp(x[:, 1:2]), np.exp(x[:, 3:4])
    return x[:, :1] + np.log((1.0 - share) * np.exp(-alpha * since) + share * np.exp(-beta * since) + 1e-300)


def typical(data: Measured) -> Typical:
    """Fit the mixed-effects model: four parameters with independent normal effects, and a normal error.

    Iterated two-stage: each patient's parameters are moved towards their most likely value given the population's,
    then the population's are set from them and from how well they are known (Steimer 1984,
    doi 10.1007/BF01060502). With errors as large as `ERROR` half-lives come out up to a tenth too short, since the
    method takes the model as linear around each patient.
    """
    centre, spread, error = np.array(START), np.array(SPREAD), ERROR**2
    x = np.tile(centre, (len(data.level), 1))
    for _ in range(ROUNDS):
        x, known = _individuals(data, x, centre, spread, error)
        centre = x.mean(axis=0)
        spread = ((x - centre) ** 2).mean(axis=0) + np.diagonal(known, axis1=1, axis2=2).mean(axis=0)
        slopes, residual = _slopes(x, data.since), data.level - decline(x, data.since)
        read = data.taken & ~data.below
        uncertain = np.einsum("nki,nij,nkj->nk", slopes, known, slopes)
        error = float((residual**2 + uncertain)[read].mean())
    cmax, alpha, share, beta = centre
    return Typical(
        cmax=float(np.exp(cmax)),
        first_half_life=float(np.log(2) / np.exp(alpha)),
        share_at_break=float(1.0 / (1.0 + np.exp(-share))),
        terminal_half_life=float(np.log(2) / np.exp(beta)),
    )


def _individuals(
    data: Measured, x: Floats, centre: Floats, spread: Floats, error: float, moves: int = 6
) -> tuple[Floats, Floats]:
    """A few steps of Gauss-Newton for every patient; the parameters (n, 4) and their covariance (n, 4, 4)."""
    prior = np.diag(1.0 / spread)
    curvature = np.empty((len(x), 4, 4))
    for _ in range(moves):
        slopes, fitted = _slopes(x, data.since), decline(x, data.since)
        place = (data.level - fitted) / np.sqrt(error)
        hazard = np.where(data.below, np.exp(norm.logpdf(place) - norm.logcdf(place)), 0.0)
        first = np.where(data.below, hazard / np.sqrt(error), (fitted - data.level) / error) * data.taken
        second = np.where(data.below, hazard * (place + hazard), 1.0) / error * data.taken
        gradient = np.einsum("nk,nki->ni", first, slopes) + (x - centre) @ prior
        curvature = np.einsum("nk,nki,nkj->nij", second, slopes, slopes) + prior
        step = np.clip(np.linalg.solve(curvature, gradient[..., None])[..., 0], -LONGEST, LONGEST)
        before, part = _cost(data, x, centre, spread, error), np.ones(len(x))
        for _ in range(8):
            part = np.where(_cost(data, x - part[:, None] * step, centre, spread, error) > before, part / 2, part)
        better = _cost(data, x - part[:, None] * step, centre, spread, error) <= before
        x = x - np.where(better, part, 0.0)[:, None] * step
    return x, np.linalg.inv(curvature)


def _cost(data: Measured, x: Floats, centre: Floats, spread: Floats, error: float) -> Floats:
    """Negative logarithm of the density of a patient's levels and parameters, (n,), but for a constant."""
    place = (data.level - decline(x, data.since)) / np.sqrt(error)
    levels = np.where(data.below, -norm.logcdf(place), 0.5 * place**2)
    cost: Floats = np.where(data.taken, levels, 0.0).sum(axis=1) + 0.5 * ((x - centre) ** 2 / spread).sum(axis=1)
    return cost


def _slopes(x: Floats, since: Floats) -> Floats:
    """Derivatives (n, k, 4) of `decline` by the parameters."""
    here = decline(x, since)
    return np.stack([(decline(x + STEP * row, since) - here) / STEP for row in np.eye(4)], axis=-1)


def main() -> None:
    """Print typical half-lives by limit and method."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--patients", type=int, default=600)
    count = parser.parse_args().patients
    for model, construct, cyclophosphamide, published in (
        ("b-all", "tisagenlecleucel", 500.0, TISAGENLECLEUCEL),
        ("lbcl", "lisocabtagene", 300.0, LISOCABTAGENE),
    ):
        got, drawn = followed(model, construct, cyclophosphamide, count)
        until = day_of_disease(got["tumour_cells"], drawn["tumour_burden"])
        print(f"{construct}: published {published.first_half_life:g} and {published.terminal_half_life:g} d")
        for limit in LIMITS:
            data = measure(FOLLOW_UP, got["car_copies_per_ug"], until, limit)
            low = (data.below & data.taken).sum() / data.taken.sum()
            for name, chosen in (("left out", data.without_low()), ("censored", data)):
                found = typical(chosen)
                print(
                    f"  limit {limit:4g} copies/ug, {low:4.0%} below, {name:8s}: first half-life "
                    f"{found.first_half_life:4.1f} d, terminal {found.terminal_half_life:4.0f} d, "
                    f"share at the break {found.share_at_break:.4f}"
                )


if __name__ == "__main__":
    main()
