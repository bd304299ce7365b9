"""What ``mathematics.py`` says otherwise for numbers of single precision (IEEE 754 binary32).

The text below the marker follows that of ``mathematics.py`` and replaces what has the same name; everything else is one
text for both. LN2 is split as in Cephes (Moshier 1989, ``expf.c``), and the polynomial of the logarithm is FreeBSD's
(``e_logf.c``). Errors, checked in the tests: about 1 unit in the last place for the exponential and the logarithm, 3
for the hyperbolic tangent, about 2 + 2 |b ln a| for powers.
"""

from __future__ import annotations

# --- copied into every kernel from here ---
LN2_HIGH = 0.693359375
LN2_LOW = -2.12194440e-4
ROUNDER = 12582912.0
MANTISSA = 23
MANTISSA_MASK = 0x007FFFFF
EXPONENT_MASK = 255
BIAS = 127.0
BEYOND = 104.0
SMALLEST_NORMAL = 1.1754943508222875e-38
ONE = 0x3F800000
SQRT_HALF = 0x3F3504F3
TO_ONE = 0x004AFB0D
COUNTER = 0x4B000000
COUNTED = 8388735.0
LIFT = 33554432.0
LIFTED = 25.0


def taylor(r: float) -> float:
    """e**r for small r."""
    # Taylor's series on |r| < 0.35 to r**7 (remainder below 1e-8).
    r2 = r * r
    low = (1.0 / 2.0 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0))
    value: float = 1.0 + (r + r2 * (low + (r2 * r2) * (1.0 / 720.0 + r * (1.0 / 5040.0))))
    return value


def area(z: float) -> float:
    """What 2 artanh(s)/s exceeds 2 by, for z = s**2."""
    w = z * z
    value: float = w * (0.40000972152 + w * 0.24279078841) + z * (0.66666662693 + w * 0.28498786688)
    return value
