"""Names of NumPy that printed functions and the driver use, as numba-cuda knows them on a device."""

from __future__ import annotations

from math import acos as arccos
from math import acosh as arccosh
from math import asin as arcsin
from math import asinh as arcsinh
from math import atan as arctan
from math import atanh as arctanh
from math import cos, cosh, isfinite, sin, sinh, sqrt, tan

from numba.cuda.libdevice import ceil, floor
from numpy import float64, inf, int64, nan

__all__ = [
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "ceil", "cos", "cosh", "float64", "floor", "inf",
    "int64", "isfinite", "nan", "sin", "sinh", "sqrt", "tan",
]  # fmt: skip
