"""Where an observable crosses a level, has a summit or a corner, inside a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carwright.engine.lanes.printed import (
        FINEST,
        LANES,
        LOOK,
        OBS,
        SAMPLE,
        SAMPLES,
        TH,
        TRIED,
        WATCHED,
        Floats,
        Integers,
        call,
    )

# --- copied into every kernel from here ---
# Width of the bracket, in days, to which a crossing is located.
CROSSING = 1e-9
# Error of the area below corners, over the largest sample of the step; and most parts that are tried for it.
FINE = 1e-12
PARTS = 2000


def probe(W: Floats, M: Integers, lane: int, theta: float) -> None:
    """Watched values of one lane at a position in its step, into OBS."""
    W[M[TH] + lane] = theta
    call(M[LOOK], W)


def locate(
    W: Floats, M: Integers, lane: int, column: int, level: float, sign: float, a: float, b: float, ga: float, gb: float
) -> float:
    """Smallest position in (a, b] found where sign * (value - level) is above 0; it is not at a (ga) but is at b (gb).

    Illinois variant of regula falsi (Dowell and Jarratt 1971, BIT 11:168, doi:10.1007/BF01934364) with
    bisection where the
    secant makes no progress or the value is a mere condition (0, then 1); the bracket ends at most CROSSING
    wide.
    """
    width = min(max(CROSSING / W[M[TRIED] + lane], FINEST), 1e-3)
    side = 0
    for attempt in range(80):
        if b - a <= width:
            break
        x = b - gb * (b - a) / (gb - ga)
        if attempt % 4 == 3 or ga == 0.0 or not (x > a and x < b):
            x = 0.5 * (a + b)
        # Stay half a width inside, so that the bracket closes from both sides.
        x = min(max(x, a + 0.5 * width), b - 0.5 * width)
        probe(W, M, lane, x)
        g = sign * (W[M[OBS] + column * LANES + lane] - level)
        if g > 0.0:
            b = x
            gb = g
            ga = ga * 0.5 if side == 1 else ga
            side = 1
        else:
            a = x
            ga = g
            gb = gb * 0.5 if side == -1 else gb
            side = -1
    return b


def summit(W: Floats, M: Integers, lane: int, column: int, sign: float) -> float:
    """Position of the interior maximum of sign * value that the five samples suggest, or -1 when it lies on no slope.

    The quartic through the samples is differentiated and its root next to the best sample found by Newton's
    method.
    """
    base, stride = M[SAMPLE] + column * LANES + lane, M[WATCHED] * LANES
    v0 = sign * W[base]
    v1 = sign * W[base + stride]
    v2 = sign * W[base + 2 * stride]
    v3 = sign * W[base + 3 * stride]
    v4 = sign * W[base + 4 * stride]
    best = 0
    top = v0
    if v1 > top:
        best, top = 1, v1
    if v2 > top:
        best, top = 2, v2
    if v3 > top:
        best, top = 3, v3
    if v4 > top:
        best, top = 4, v4
    # Coefficients of the quartic in x = 4 theta.
    c1 = (-25.0 * v0 + 48.0 * v1 - 36.0 * v2 + 16.0 * v3 - 3.0 * v4) / 12.0
    c2 = (35.0 * v0 - 104.0 * v1 + 114.0 * v2 - 56.0 * v3 + 11.0 * v4) / 24.0
    c3 = (-5.0 * v0 + 18.0 * v1 - 24.0 * v2 + 14.0 * v3 - 3.0 * v4) / 12.0
    c4 = (v0 - 4.0 * v1 + 6.0 * v2 - 4.0 * v3 + v4) / 24.0
    if best == 0 and c1 <= 0.0:
        return -1.0
    if best == 4 and c1 + 8.0 * c2 + 48.0 * c3 + 256.0 * c4 >= 0.0:
        return -1.0
    low = max(best - 1.0, 0.0)
    high = min(best + 1.0, 4.0)
    x = min(max(best * 1.0, 0.5), 3.5)
    for _ in range(12):
        slope = c1 + x * (2.0 * c2 + x * (3.0 * c3 + x * 4.0 * c4))
        bend = 2.0 * c2 + x * (6.0 * c3 + x * 12.0 * c4)
        if slope > 0.0:
            low = x
        else:
            high = x
        following = x - slope / bend if bend < 0.0 else 0.5 * (low + high)
        if not (following > low and following < high):
            following = 0.5 * (low + high)
        moved = abs(following - x)
        x = following
        if moved < 1e-7:
            break
    return 0.25 * x


def climb(W: Floats, M: Integers, lane: int, column: int, sign: float, cut: float) -> float:
    """Position of the largest sign * value beside the best of the five samples, by golden section."""
    base, stride = M[SAMPLE] + column * LANES + lane, M[WATCHED] * LANES
    best = 0
    for k in range(1, SAMPLES):
        if sign * W[base + k * stride] > sign * W[base + best * stride]:
            best = k
    a, b = max(0.25 * (best - 1), 0.0), min(0.25 * (best + 1), 1.0)
    ratio = 0.6180339887498949
    low, high = b - ratio * (b - a), a + ratio * (b - a)
    probe(W, M, lane, low * cut)
    at_low = sign * W[M[OBS] + column * LANES + lane]
    probe(W, M, lane, high * cut)
    at_high = sign * W[M[OBS] + column * LANES + lane]
    for _ in range(40):
        if at_low > at_high:
            b, high, at_high = high, low, at_low
            low = b - ratio * (b - a)
            probe(W, M, lane, low * cut)
            at_low = sign * W[M[OBS] + column * LANES + lane]
        else:
            a, low, at_low = low, high, at_high
            high = a + ratio * (b - a)
            probe(W, M, lane, high * cut)
            at_high = sign * W[M[OBS] + column * LANES + lane]
    return low if at_low > at_high else high


def area_under(W: Floats, M: Integers, lane: int, column: int, cut: float) -> float:
    """Mean over a step of an observable with corners, by Simpson's rule on parts as short as it takes.

    From left to right: a part is halved where the rule on its halves says otherwise than on the whole, and the one
    after a part that was taken may be twice as long. With corners without end, Boole's rule on the samples stands.
    """
    base, stride = M[SAMPLE] + column * LANES + lane, M[WATCHED] * LANES
    size = 0.0
    for k in range(SAMPLES):
        size = max(size, abs(W[base + k * stride]))
    total, a, width = 0.0, 0.0, 0.25
    va = W[base]
    for _ in range(PARTS):
        width = min(width, 1.0 - a)
        probe(W, M, lane, (a + 0.25 * width) * cut)
        v1 = W[M[OBS] + column * LANES + lane]
        probe(W, M, lane, (a + 0.5 * width) * cut)
        vm = W[M[OBS] + column * LANES + lane]
        probe(W, M, lane, (a + 0.75 * width) * cut)
        v3 = W[M[OBS] + column * LANES + lane]
        probe(W, M, lane, (a + width) * cut)
        vb = W[M[OBS] + column * LANES + lane]
        halves = width * (va + 4.0 * v1 + 2.0 * vm + 4.0 * v3 + vb) / 12.0
        apart = halves - width * (va + 4.0 * vm + vb) / 6.0
        if abs(apart) > FINE * size and width > FINE:
            width = 0.5 * width
        else:
            total = total + halves + apart / 15.0
            a = a + width
            va = vb
            width = 2.0 * width
        if a >= 1.0:
            break
    outer = W[base] + W[base + 4 * stride]
    boole = (7.0 * outer + 32.0 * (W[base + stride] + W[base + 3 * stride]) + 12.0 * W[base + 2 * stride]) / 90.0
    found: float = total if a >= 1.0 else boole
    return found
