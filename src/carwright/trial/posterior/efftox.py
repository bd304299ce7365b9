"""Posterior of the EffTox model: efficacy and toxicity of each dose, and how the two go together.

Thall and Cook 2004 (Biometrics 60:684, doi 10.1111/j.0006-341x.2004.00218.x), priors as in Thall, Herrick, Nguyen,
Venier and Norris 2014 (Clin Trials 11:657, doi 10.1177/1740774514547397). With ``x`` the logarithm of dose less its
mean,

* ``logit P(toxicity) = a_t + b_t x``,
* ``logit P(efficacy) = a_e + b_e1 x + b_e2 x^2``,
* ``P(E = a, T = b) = e^a (1-e)^(1-a) t^b (1-t)^(1-b) + (-1)^(a+b) e (1-e) t (1-t) k``, with
  ``k = (exp(psi) - 1) / (exp(psi) + 1)``,

and independent normal priors. The four probabilities sum to one for every psi. A joint probability equals the product
of the marginal ones times ``1 + (-1)^(a+b) k e' t'``, where ``e'`` and ``t'`` are the probabilities of the opposite
outcomes, so that efficacy and toxicity are integrated on their own, two and three coefficients at a time, and the
product of these factors couples them: a smooth function, averaged over ``k`` by a Gauss rule and summed on coarse
lattices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numba import njit

from carwright.errors import Problems
from carwright.trial.posterior.lattice import ball, integrate, step_table
from carwright.trial.posterior.quadrature import Floats
from carwright.trial.posterior.tables import Counts, distinct


@dataclass(frozen=True)
class Normal:
    """Mean and standard deviation of a normal prior."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class EffToxPriors:
    """Priors of the intercept and slope of toxicity, of the coefficients of efficacy, and of the association."""

    toxicity_intercept: Normal
    toxicity_slope: Normal
    efficacy_intercept: Normal
    efficacy_slope: Normal
    efficacy_curvature: Normal
    association: Normal

    def __post_init__(self) -> None:
        problems = Problems()
        for name, prior in vars(self).items():
            if not (np.isfinite(prior.mean) and 0.0 < prior.deviation < np.inf):
                problems.add(
                    "TRIAL270",
                    f"the prior of {name} is not a normal distribution",
                    where=f"design, priors, {name}",
                    found=f"mean {prior.mean:g}, standard deviation {prior.deviation:g}",
                    allowed="a finite mean and a standard deviation above 0",
                    fix="correct the values",
                )
        problems.raise_if_any()


@dataclass(frozen=True)
class Precision:
    """How fine the lattices are.

    ``step`` and ``radius`` of the lattice in posterior standard deviations, ``coarse_step`` of the one that couples,
    and nodes of the Gauss rule for the association.
    """

    step: float
    radius: float
    coarse_step: float
    association_nodes: int


TRIALS = Precision(0.7, 5.0, 1.5, 4)
"""For decisions: root mean square errors of 1e-4 in probabilities, 3e-4 in acceptabilities (tests compare with
`REFERENCE`)."""

REFERENCE = Precision(0.4, 6.0, 0.8, 11)
"""For checks."""

_LEAST_WEIGHT = 1e-6
"""Weight, relative to the largest, below which a node is left out of the coupling."""


@dataclass(frozen=True)
class EffToxFit:
    """Posterior means of the probabilities of efficacy and toxicity, and of their being acceptable; (trials, levels).

    ``efficacy_acceptable`` is the probability that efficacy exceeds its lower limit, ``toxicity_acceptable`` that
    toxicity stays below its upper limit.
    """

    efficacy: Floats
    toxicity: Floats
    efficacy_acceptable: Floats
    toxicity_acceptable: Floats


def joint_probabilities(efficacy: npt.ArrayLike, toxicity: npt.ArrayLike, association: npt.ArrayLike) -> Floats:
    """P(neither), P(toxicity only), P(efficacy only), P(both) along a new last axis.

    Parameters
    ----------
    efficacy, toxicity
        Marginal probabilities.
    association
        ``psi``; 0 is independence.
    """
    e, t, psi = (np.asarray(value, dtype=np.float64) for value in (efficacy, toxicity, association))
    link = np.tanh(psi / 2.0) * e * (1.0 - e) * t * (1.0 - t)
    return np.stack(
        np.broadcast_arrays((1 - e) * (1 - t) + link, (1 - e) * t - link, e * (1 - t) - link, e * t + link), axis=-1
    )


@dataclass(frozen=True)
class EffToxPosterior:
    """Posterior for doses.

    Parameters
    ----------
    doses
        Doses by level, positive and rising.
    priors
        Priors of the coefficients.
    least_efficacy, most_toxicity
        Limits of what is acceptable.
    precision
        `TRIALS` or `REFERENCE`.
    """

    doses: tuple[float, ...]
    priors: EffToxPriors
    least_efficacy: float
    most_toxicity: float
    precision: Precision = TRIALS

    def fit(self, patients: Counts, toxic: Counts, effective: Counts, both: Counts) -> EffToxFit:
        """Integrate.

        Parameters
        ----------
        patients, toxic, effective, both
            Patients, those with toxicity, with efficacy, and with both; (trials, levels).
        """
        (patients, toxic, effective, both), inverse = distinct(patients, toxic, effective, both)
        x = np.log(np.asarray(self.doses))
        x = x - x.mean()
        one, p = np.ones_like(x), self.priors
        toxicity = _Margin.of(
            patients,
            toxic,
            np.column_stack([one, x]),
            (p.toxicity_intercept, p.toxicity_slope),
            self.most_toxicity,
            self.precision,
        )
        # The curvature comes first: its prior is narrow, so that its axis bears a wide step.
        efficacy = _Margin.of(
            patients,
            effective,
            np.column_stack([x**2, one, x]),
            (p.efficacy_curvature, p.efficacy_intercept, p.efficacy_slope),
            self.least_efficacy,
            self.precision,
        )
        neither = patients - toxic - effective + both
        cells = np.stack([neither, toxic - both, effective - both, both], axis=2)
        nodes, weights = _association_rule(p.association, self.precision.association_nodes)
        found = np.empty((4, *patients.shape))
        _couple(
            cells,
            efficacy.of_row,
            efficacy.nodes_eta,
            efficacy.nodes_w,
            toxicity.of_row,
            toxicity.nodes_eta,
            toxicity.nodes_w,
            nodes,
            weights,
            efficacy.mean_p,
            efficacy.above,
            toxicity.mean_p,
            toxicity.above,
            found,
        )
        found = found[:, inverse]
        return EffToxFit(found[0], found[1], np.clip(found[2], 0.0, 1.0), np.clip(1.0 - found[3], 0.0, 1.0))


@dataclass(frozen=True)
class _Margin:
    """One outcome on its own, for distinct rows; ``of_row`` is the distinct row of each row."""

    of_row: npt.NDArray[np.intp]
    mean_p: Floats
    above: Floats
    nodes_eta: Floats
    nodes_w: Floats

    @classmethod
    def of(
        cls,
        patients: Counts,
        events: Counts,
        design: Floats,
        priors: Sequence[Normal],
        cut: float,
        precision: Precision,
    ) -> _Margin:
        (n, y), inverse = distinct(patients, events)
        wide = design.shape[1] - 2
        fine = ball((1.7 * precision.step,) * wide + (precision.step,) * 2, precision.radius)
        coarse = ball((1.2 * precision.coarse_step,) * wide + (precision.coarse_step,) * 2, 0.9 * precision.radius)
        rough = ball((1.3,) * wide + (1.0,) * 2, 4.0)
        rows, levels = n.shape
        result = cls(
            inverse,
            np.empty((rows, levels)),
            np.empty((rows, levels, 4)),
            np.empty((rows, levels, len(coarse.places))),
            np.empty((rows, len(coarse.places))),
        )
        integrate(
            n,
            y,
            np.ascontiguousarray(design),
            np.array([prior.mean for prior in priors]),
            np.array([prior.deviation**-2.0 for prior in priors]),
            rough.places,
            rough.coordinates,
            fine.places,
            fine.coordinates,
            fine.steps,
            coarse.places,
            coarse.coordinates,
            float(np.log(cut / (1.0 - cut))),
            step_table(),
            result.mean_p,
            result.above,
            result.nodes_eta,
            result.nodes_w,
        )
        return result


@lru_cache(maxsize=16)
def _association_rule(prior: Normal, count: int) -> tuple[Floats, Floats]:
    """Gauss rule for ``k = tanh(psi / 2)``: exact for polynomials in ``k``, as the coupling is one.

    Nodes come from the three-term recurrence of the distribution of ``k`` (discretised Stieltjes procedure, Gautschi
    2004, Orthogonal Polynomials, section 2.2).
    """
    z = np.linspace(-9.0, 9.0, 2001)
    k, mass = np.tanh((prior.mean + prior.deviation * z) / 2.0), np.exp(-0.5 * z * z)
    mass /= mass.sum()
    before: Floats = np.zeros_like(k)
    now: Floats = np.ones_like(k)
    norm = 1.0
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(count):
        alpha = float((mass * k * now * now).sum() / (mass * now * now).sum())
        diagonal.append(alpha)
        size = float((mass * now * now).sum())
        after: Floats = (k - alpha) * now - (size / norm if beside else 0.0) * before
        beside.append(size / norm)
        before, now, norm = now, after, size
    off = np.sqrt(np.array([*beside[1:]]))
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1))
    values[np.abs(values) < 1e-12] = 0.0
    return values, vectors[0] ** 2


@njit(cache=True, fastmath=True)
def _coupling(cells, e, t, kappa, product):  # type: ignore[no-untyped-def]  # compiled
    """Multiply ``product`` (toxicity nodes, efficacy nodes) by the factors of all patients."""
    for j in range(len(cells)):
        for cell in range(4):
            effective, toxic = cell >= 2, cell % 2 == 1
            sign = kappa if effective == toxic else -kappa
            for b in range(t.shape[1] if cells[j, cell] else 0):
                other = sign * ((1.0 - t[j, b]) if toxic else t[j, b])
                base, slope = (1.0 + other, -other) if effective else (1.0, other)
                for _ in range(cells[j, cell]):
                    for a in range(e.shape[1]):
                        product[b, a] *= base + slope * e[j, a]


@njit(cache=True, fastmath=True)
def _tilt(eta, p, w, phi, mean, above):  # type: ignore[no-untyped-def]  # compiled
    """Coupled mean and probability above the cut at one level, from the uncoupled ones and the coupling ``phi``."""
    total, plain, tilted = 0.0, 0.0, 0.0
    b, c, d, f, s, u, a = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(len(w)):
        weight = w[k] * phi[k]
        total += weight
        plain += w[k] * p[k]
        tilted += weight * p[k]
        off = eta[k] - above[3]
        square = off * off
        a += w[k]
        b += w[k] * off
        c += w[k] * square
        d += w[k] * square * off
        f += w[k] * square * square
        s += weight * off
        u += weight * square
    # Least squares of the coupling on 1, off and off^2, by Cramer's rule; the cut hardly sees anything finer.
    determinant = a * (c * f - d * d) - b * (b * f - c * d) + c * (b * d - c * c)
    first = (total * (c * f - d * d) - b * (s * f - u * d) + c * (s * d - u * c)) / determinant
    second = (a * (s * f - u * d) - total * (b * f - c * d) + c * (b * u - c * s)) / determinant
    third = (a * (c * u - d * s) - b * (b * u - c * s) + total * (b * d - c * c)) / determinant
    exceeding = (first * above[0] + second * above[1] + third * above[2]) / total
    return mean + tilted / total - plain / a, exceeding


@njit(cache=True)
def _kept(eta, weights):  # type: ignore[no-untyped-def]  # compiled
    """Nodes that carry something: linear predictors and probabilities (levels, nodes), and weights."""
    keep = np.flatnonzero(weights > _LEAST_WEIGHT * weights.max())
    kept = np.empty((len(eta), len(keep)))
    for j in range(len(eta)):
        for k in range(len(keep)):
            kept[j, k] = eta[j, keep[k]]
    return kept, 1.0 / (1.0 + np.exp(-kept)), weights[keep]


@njit(cache=True)
def _couple(cells, e_row, e_eta, e_w, t_row, t_eta, t_w, kappas, kappa_w, e_mean, e_above, t_mean, t_above, found):  # type: ignore[no-untyped-def]  # compiled
    for row in range(len(cells)):
        er, tr = e_row[row], t_row[row]
        eta_e, e, we = _kept(e_eta[er], e_w[er])
        eta_t, t, wt = _kept(t_eta[tr], t_w[tr])
        average = np.zeros((len(wt), len(we)))
        product = np.empty_like(average)
        for m in range(len(kappas)):
            product[:] = kappa_w[m]
            if kappas[m] != 0.0:
                _coupling(cells[row], e, t, kappas[m], product)
            average += product
        phi_t, phi_e = average @ we, average.T @ wt
        for j in range(cells.shape[1]):
            found[0, row, j], found[2, row, j] = _tilt(eta_e[j], e[j], we, phi_e, e_mean[er, j], e_above[er, j])
            found[1, row, j], found[3, row, j] = _tilt(eta_t[j], t[j], wt, phi_t, t_mean[tr, j], t_above[tr, j])
