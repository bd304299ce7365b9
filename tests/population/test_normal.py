"""The normal distribution of the draws against SciPy's, and against continued fractions where that loses digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from carwright.population import normal, normal_functions

RNG = np.random.default_rng(1)


def below_by_fraction(x):
    """Share below a negative number (Laplace's continued fraction of Mills' ratio), to many digits."""
    with localcontext() as context:
        context.prec = 50
        y, rest = -Decimal(x), Decimal(0)
        for k in range(500, 0, -1):
            rest = k / (y + rest)
        two_pi = 2 * Decimal("3.14159265358979323846264338327950288419716939937510")
        return float((-y * y / 2).exp() / two_pi.sqrt() / (y + rest))


def test_shares_agree_with_scipy_in_the_bulk():
    x = np.concatenate([RNG.normal(0.0, 3.0, 20_000), [0.0, -0.0, 0.67448975, -0.67448975, 9.0]])
    x = x[x > -3.0]
    np.testing.assert_allclose(normal.share_below(x), scipy.special.ndtr(x), rtol=3e-15)


@pytest.mark.parametrize("x", [-4.0, -5.656854249492380195, -5.7, -9.3, -20.1, -36.48250810464102, -37.4])
def test_shares_are_right_in_the_tail(x):
    assert normal.share_below(x) == pytest.approx(below_by_fraction(x), rel=1e-15, abs=0.0)


def test_quantiles_agree_with_scipy():
    low, high = 10.0 ** RNG.uniform(-300, -1, 5_000), 1 - 10.0 ** RNG.uniform(-15, -1, 5_000)
    p = np.concatenate([RNG.random(20_000), low, high, [0.075, 0.925, 0.5]])
    expected = scipy.special.ndtri(p)
    np.testing.assert_allclose(normal.quantile(p), expected, rtol=3e-15, atol=1e-300)


def test_ends_and_what_lies_beyond():
    inf, nan = np.inf, np.nan
    np.testing.assert_array_equal(normal.quantile([0.0, 1.0, -0.1, 1.1, nan]), [-inf, inf, nan, nan, nan])
    np.testing.assert_array_equal(normal.share_below([-inf, -40.0, 40.0, inf, nan]), [0.0, 0.0, 1.0, 1.0, nan])
    np.testing.assert_array_equal(normal.logit([0.0, 0.5, 1.0]), [-inf, 0.0, inf])
    np.testing.assert_array_equal(normal.expit([-inf, -1000.0, 0.0, 1000.0, inf]), [0.0, 0.0, 0.5, 1.0, 1.0])


def test_the_logistic_functions_agree_with_scipy():
    x = RNG.normal(0.0, 10.0, 5_000)
    np.testing.assert_allclose(normal.expit(x), scipy.special.expit(x), rtol=1e-15)
    p = RNG.random(5_000)
    np.testing.assert_allclose(normal.logit(p), scipy.special.logit(p), rtol=1e-13, atol=1e-15)


@settings(deadline=None)
@given(st.floats(-38.0, 38.0), st.integers(1, 9000), st.data())
def test_a_number_gives_the_same_bits_wherever_it_stands(x, count, data):
    place = data.draw(st.integers(0, count - 1))
    values = np.zeros(count)
    values[place] = x
    assert normal.share_below(values)[place] == normal.share_below(x)


@settings(deadline=None)
@given(st.floats(-38.0, 38.0))
def test_machine_code_does_what_the_text_says(x):
    with np.errstate(all="ignore"):
        share, quantile = normal_functions.normal_share(np.float64(x)), normal_functions.normal_quantile
        assert normal.share_below(x) == pytest.approx(share, rel=1e-14, abs=1e-320)
        assert normal.quantile(share) == pytest.approx(quantile(np.float64(share)), rel=1e-14, abs=1e-15)
