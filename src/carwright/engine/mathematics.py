"""Elementary functions of the kernels, written so that a compiler turns them into vector instructions.

The text of this file is compiled with every kernel (`carwright.engine.vector`) and with the interpreter
(`carwright.engine.scalar`); here it is plain Python that works on NumPy scalars. No function branches: special cases
are selected at the end, so the patients of a register run in step.

What depends on the format of the numbers are the constants in front, `taylor` and `area`; ``mathematics_single.py``
replaces those for single precision.

Both reduce the argument by powers of two as fdlibm does (Sun Microsystems 1993, ``e_log.c`` and ``e_exp.c``);
the logarithm takes fdlibm's published minimax polynomial, the exponential Taylor's series. Errors, checked in
the tests: `exponential` and `logarithm` about 1 unit in the last place, `hyperbolic_tangent` 3 units,
`real_power` about 1 + |b ln a| units because the product is rounded.
"""

from __future__ import annotations

import numpy as np

__all__ = ["exponential", "factorial", "hyperbolic_tangent", "logarithm", "real_power", "rough_power"]

# --- copied into every kernel from here ---
LOG2_E = 1.4426950408889634
LN2 = 0.6931471805599453
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
SQRT_2 = 1.4142135623730951
INFINITY = np.inf
# Adding 1.5 * 2**52 to a number below 2**51 leaves its rounded integer in the low bits of the sum.
ROUNDER = 6755399441055744.0
# The format: bits of the mantissa and their mask, mask and bias of the exponent. The exponential of BEYOND is infinite.
MANTISSA = 52
MANTISSA_MASK = 0x000FFFFFFFFFFFFF
EXPONENT_MASK = 2047
BIAS = 1023.0
BEYOND = 800.0
SMALLEST_NORMAL = 2.2250738585072014e-308
# Bits of 1 and of sqrt(1/2), and what lies between them.
ONE = 0x3FF0000000000000
SQRT_HALF = 0x3FE6A09E667F3BCD
TO_ONE = 0x00095F619980C433
# Bits of 2**52, whose low bits count in ones, and its value plus the bias.
COUNTER = 0x4330000000000000
COUNTED = 4503599627371519.0
# A power of two that makes subnormal numbers normal.
LIFT = 18014398509481984.0
LIFTED = 54.0


def power_of_two(k: float) -> float:
    """2**k for a whole number k from 1 - BIAS to BIAS, by writing the exponent bits."""
    bits = np.float64(k + (ROUNDER + BIAS)).view(np.int64)
    return np.int64(bits << MANTISSA).view(np.float64)


def taylor(r: float) -> float:
    """e**r for small r."""
    # Taylor's series on |r| < 0.35 to r**13 (remainder below 1e-17), summed by Estrin's scheme: short chains.
    r2 = r * r
    r4 = r2 * r2
    low = (1.0 / 2.0 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0))
    middle = (1.0 / 720.0 + r * (1.0 / 5040.0)) + r2 * (1.0 / 40320.0 + r * (1.0 / 362880.0))
    high = (1.0 / 3628800.0 + r * (1.0 / 39916800.0)) + r2 * (1.0 / 479001600.0 + r * (1.0 / 6227020800.0))
    return 1.0 + (r + r2 * (low + r4 * (middle + r4 * high)))


def exponential(x: float) -> float:
    """e**x; 0 and infinity beyond the range of the numbers, NaN for NaN."""
    bounded = x if x < BEYOND else BEYOND
    bounded = bounded if bounded > -BEYOND else -BEYOND
    shifted = bounded * LOG2_E + ROUNDER
    k = shifted - ROUNDER
    r = (bounded - k * LN2_HIGH) - k * LN2_LOW
    value = taylor(r)
    half = np.floor(k * 0.5)
    # Two factors, because 2**k alone leaves the range before e**x does.
    value = value * power_of_two(half) * power_of_two(k - half)
    return value if x == x else x


def area(z: float) -> float:
    """What 2 artanh(s)/s exceeds 2 by, for z = s**2: the logarithm of (1 + s)/(1 - s) near 1."""
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    value: float = even + odd
    return value


def logarithm(x: float) -> float:
    """Natural logarithm; -infinity at 0, NaN below it."""
    tiny = x < SMALLEST_NORMAL
    scaled = x * LIFT if tiny else x
    bits = np.float64(scaled).view(np.int64)
    biased = np.int64(((bits >> MANTISSA) & EXPONENT_MASK) | COUNTER).view(np.float64)
    exponent: float = biased - COUNTED
    mantissa = np.int64((bits & MANTISSA_MASK) | ONE).view(np.float64)
    large = mantissa > SQRT_2
    mantissa = mantissa * 0.5 if large else mantissa
    exponent = exponent + 1.0 if large else exponent
    exponent = exponent - LIFTED if tiny else exponent
    f = mantissa - 1.0
    s = f / (2.0 + f)
    z = s * s
    hfsq = 0.5 * f * f
    value: float = exponent * LN2_HIGH - ((hfsq - (s * (hfsq + area(z)) + exponent * LN2_LOW)) - f)
    value = value if x < INFINITY else x
    value = value if x > 0.0 else (-INFINITY if x == 0.0 else np.nan)
    return value if x == x else x


def binary_logarithm(x: float) -> float:
    """Logarithm to base 2 of a positive normal number."""
    # The mantissa is taken from sqrt(1/2) to sqrt(2).
    shifted = np.float64(x).view(np.int64) + TO_ONE
    biased = np.int64((shifted >> MANTISSA) | COUNTER).view(np.float64)
    f = np.int64((shifted & MANTISSA_MASK) + SQRT_HALF).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    value: float = (biased - COUNTED) + (s * LOG2_E) * (2.0 + area(z))
    return value


def real_power(base: float, exponent: float) -> float:
    """``base ** exponent``; a negative base needs a whole exponent, as in C99. Subnormal numbers count as 0."""
    size = -base if base < 0.0 else base
    power = binary_logarithm(size)
    power = -INFINITY if size < SMALLEST_NORMAL else power
    power = (power if size < INFINITY else size) * exponent
    power = BIAS + 1.0 if power > BIAS + 1.0 else power
    power = -BIAS if power < -BIAS else power
    k = (power + ROUNDER) - ROUNDER
    value = taylor((power - k) * LN2) * power_of_two(k)
    whole = np.floor(exponent) == exponent
    odd = np.floor(exponent * 0.5) * 2.0 != exponent
    negative = (-value if odd else value) if whole else np.nan
    value = negative if base < 0.0 else value
    value = 1.0 if base == 1.0 else value
    return 1.0 if exponent == 0.0 else value


def hyperbolic_tangent(x: float) -> float:
    """tanh(x), accurate also near 0."""
    size = -x if x < 0.0 else x
    small = size < 0.35
    y = exponential(2.0 * size)
    far = 1.0 - 2.0 / (y + 1.0)
    # Continued fraction of tanh (Abramowitz and Stegun 4.5.70), enough terms for |x| < 0.35.
    t = x * x
    near = size / (1.0 + t / (3.0 + t / (5.0 + t / (7.0 + t / (9.0 + t / (11.0 + t / 13.0))))))
    value = near if small else far
    return -value if x < 0.0 else value


def rough_power(x: float, exponent: float) -> float:
    """``x ** exponent`` for positive x and a small exponent, to about 0.2 %: enough to choose a step size."""
    bits = np.float64(x).view(np.int64)
    biased = np.int64((bits >> MANTISSA) | COUNTER).view(np.float64)
    whole: float = biased - COUNTED
    m = np.int64((bits & MANTISSA_MASK) | ONE).view(np.float64)
    # Minimax polynomials of log2 on [1, 2], exact at both ends (error 9e-4), and of 2**r (2e-3).
    power = exponent * (whole + (-2.16417114 + m * (3.06469709 + m * (-1.05974615 + m * 0.15922019))))
    k = (power + ROUNDER) - ROUNDER
    r = power - k
    value: float = power_of_two(k) * (1.0 + r * (0.70294179 + r * 0.23986403))
    return value


def factorial(x: float) -> float:
    """Factorial of a whole number; NaN of any other."""
    product = 1.0
    for i in range(2, 171):
        product = product * (i if i <= x else 1.0)
    product = INFINITY if x > 170.0 else product
    value: float = product if (x >= 0.0) & (np.floor(x) == x) else np.nan
    return value
