"""The normal distribution's function and quantile, written as `carwright.engine.mathematics` writes its functions.

Both are rational approximations in three parts; all parts are computed and one is chosen, so that several numbers go
through in step. The tests compare both with SciPy's.
"""

from __future__ import annotations

import numpy as np

from carwright.engine.mathematics import exponential, logarithm

__all__ = ["normal_quantile", "normal_share"]

# --- copied into every kernel from here ---


def normal_share(x: float) -> float:
    """Share of a standard normal distribution below ``x``.

    Cody, W. J. (1993) ACM Trans Math Softw 19:22, doi:10.1145/151271.151273 (Algorithm 715, ANORM).
    """
    y = abs(x)
    near = y if y < 0.67448975 else 0.67448975
    s = near * near
    top = (
        ((0.065682337918207449113 * s + 2.2352520354606839287) * s + 161.02823106855587881) * s + 1067.6894854603709582
    ) * s + 18154.981253343561249
    bottom = (((s + 47.20258190468824187) * s + 976.09855173777669322) * s + 10260.932208618978205) * s
    centre = near * top / (bottom + 45507.789335026729956)
    z = y if y < 5.656854249492380195 else 5.656854249492380195
    top = (
        (
            ((1.0765576773720192317e-8 * z + 0.39894151208813466764) * z + 8.8831497943883759412) * z
            + 93.506656132177855979
        )
        * z
        + 597.27027639480026226
    ) * z + 2494.5375852903726711
    top = ((top * z + 6848.1904505362823326) * z + 11602.651437647350124) * z + 9842.7148383839780218
    bottom = (
        (((z + 22.266688044328115691) * z + 235.38790178262499861) * z + 1519.377599407554805) * z
        + 6485.558298266760755
    ) * z + 18615.571640885098091
    bottom = ((bottom * z + 34900.952721145977266) * z + 38912.003286093271411) * z + 19685.429676859990727
    middle = top / bottom
    far = y if y > 5.656854249492380195 else 5.656854249492380195
    s = 1.0 / (far * far)
    top = (
        ((0.02307344176494017303 * s + 0.21589853405795699) * s + 0.1274011611602473639) * s + 0.022235277870649807
    ) * s + 0.001421619193227893466
    bottom = (((s + 1.28426009614491121) * s + 0.468238212480865118) * s + 0.0659881378689285515) * s
    bottom = (bottom + 0.00378239633202758244) * s + 7.29751555083966205e-5
    tail = (0.39894228040143267794 - s * (top * s + 2.9112874951168792e-5) / bottom) / far
    # exp(-y**2 / 2) by the square of a short number and the small rest, which loses nothing to rounding.
    held = y if y < 64.0 else 64.0
    short = np.floor(held * 16.0) * 0.0625
    density = exponential(-0.5 * short * short) * exponential(-0.5 * (held - short) * (held + short))
    beyond = density * (middle if y < 5.656854249492380195 else tail)
    beyond = 0.5 - centre if y < 0.67448975 else beyond
    above = 0.5 + centre if y < 0.67448975 else 1.0 - beyond
    value = above if x > 0.0 else beyond
    return value if x == x else x


def normal_quantile(p: float) -> float:
    """Value below which the share ``p`` of a standard normal distribution lies; infinite at 0 and 1, NaN outside.

    Wichura, M. J. (1988) J R Stat Soc C 37:477, doi:10.2307/2347330 (Algorithm AS 241, PPND16).
    """
    q = p - 0.5
    size = abs(q)
    held = size if size < 0.425 else 0.425
    r = 0.180625 - held * held
    top = (
        ((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r + 45921.953931549871457
    ) * r + 13731.693765509461125
    top = ((top * r + 1971.5909503065514427) * r + 133.14166789178437745) * r + 3.3871328727963666080
    bottom = (
        ((5226.4952788528545610 * r + 28729.085735721942674) * r + 39307.895800092710610) * r + 21213.794301586595867
    ) * r + 5394.1960214247511077
    bottom = ((bottom * r + 687.18700749205790830) * r + 42.313330701600911252) * r + 1.0
    centre = held * top / bottom
    least = p if q < 0.0 else 1.0 - p
    depth = np.sqrt(-logarithm(least))
    r = (depth if depth < 5.0 else 5.0) - 1.6
    top = (
        ((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r
        + 1.27045825245236838258
    ) * r + 3.64784832476320460504
    top = ((top * r + 5.76949722146069140550) * r + 4.63033784615654529590) * r + 1.42343711074968357734
    bottom = (
        ((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r
        + 1.48103976427480074590e-1
    ) * r + 6.89767334985100004550e-1
    bottom = ((bottom * r + 1.67638483018380384940) * r + 2.05319162663775882187) * r + 1.0
    middle = top / bottom
    r = (depth if depth > 5.0 else 5.0) - 5.0
    top = (
        ((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) * r
        + 2.65321895265761230930e-2
    ) * r + 2.96560571828504891230e-1
    top = ((top * r + 1.78482653991729133580) * r + 5.46378491116411436990) * r + 6.65790464350110377720
    bottom = (
        ((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5) * r
        + 7.86869131145613259100e-4
    ) * r + 1.48753612908506148525e-2
    bottom = ((bottom * r + 1.36929880922735805310e-1) * r + 5.99832206555887937690e-1) * r + 1.0
    tail = top / bottom
    outside = middle if depth < 5.0 else tail
    outside = outside if least > 0.0 else (np.inf if least == 0.0 else np.nan)
    value = centre if size < 0.425 else outside
    return -value if q < 0.0 else value
