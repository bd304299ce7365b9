"""Bounds of 32 gates at once, written as LLVM vectors for the same reasons as the count (`lanes`)."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from carwright.targets.kernel.lanes import LANES, pointer

_I32, _I64, _F32 = ir.IntType(32), ir.IntType(64), ir.FloatType()
_FLOATS, _INTEGERS = ir.VectorType(_F32, LANES), ir.VectorType(_I32, LANES)
_FUSED = ("contract",)


def _spread(builder: Any, value: Any) -> Any:
    """A vector that holds one value in every lane."""
    undefined = ir.Constant(_FLOATS, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_INTEGERS, [0] * LANES))


@intrinsic  # type: ignore[untyped-decorator]
def segment_sieve(
    typing: Any,
    weights: Any,
    fixed: Any,
    single: Any,
    single_at: Any,
    first: Any,
    first_at: Any,
    second: Any,
    second_at: Any,
    common: Any,
    common_at: Any,
    scale: Any,
    most: Any,
    segments: Any,
    penalty: Any,
    minimum: Any,
    edge: Any,
) -> Any:
    """Which of 32 gates may reach a score.

    In segment s a gate kills ``k = fixed[s] + w0 single + w1 first + w2 second + w3 common`` cells. ``scale[0] k``
    bounds its coverage from above, ``scale[s] k`` its worst burden from below, and more than ``most[s]`` cells are a
    veto.

    Parameters
    ----------
    weights
        float32 (4,): w0 to w3.
    fixed, scale, most
        float32 (segments,).
    single, first, second
        float32, flat: 32 lanes of segment s stand at the given place + 32 s.
    common
        int32, flat: 32 lanes of segment s stand at the given place + 128 s.
    penalty, minimum, edge
        float32: weight of the worst burden, least coverage, least score.

    Returns
    -------
    uint32
        Bit ``lane`` is set where the bound reaches both the score and the coverage.
    """
    signature = types.uint32(
        weights, fixed, single, types.intp, first, types.intp, second, types.intp, common, types.intp,
        scale, most, types.intp, types.float32, types.float32, types.float32,
    )  # fmt: skip

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        (w, f, c, c_at, ac, ac_at, bc, bc_at, abc, abc_at, sc, mo, count, pen, low, least) = arguments
        nought, one = ir.Constant(_I64, 0), ir.Constant(_I64, 1)

        def scalars(place: int, array: Any) -> Any:
            return pointer(context, builder, sig.args[place], array, nought, _F32)

        weight_pointer, fixed_pointer = scalars(0, w), scalars(1, f)
        scale_pointer, most_pointer = scalars(10, sc), scalars(11, mo)
        lanes = [
            pointer(context, builder, sig.args[place], array, at, _FLOATS)
            for place, array, at in ((2, c, c_at), (4, ac, ac_at), (6, bc, bc_at))
        ]
        common_lanes = pointer(context, builder, sig.args[8], abc, abc_at, _INTEGERS)
        factors = [
            _spread(builder, builder.load(builder.gep(weight_pointer, [ir.Constant(_I64, i)]))) for i in range(4)
        ]

        def scalar(base: Any, s: Any) -> Any:
            return _spread(builder, builder.load(builder.gep(base, [s])))

        def killed(s: Any) -> Any:
            values = [builder.load(builder.gep(base, [s]), align=4) for base in lanes]
            at = builder.gep(common_lanes, [builder.mul(s, ir.Constant(_I64, 4))])
            values.append(builder.sitofp(builder.load(at, align=4), _FLOATS))
            total = scalar(fixed_pointer, s)
            for factor, value in zip(factors, values, strict=True):
                total = builder.fadd(total, builder.fmul(factor, value, flags=_FUSED), flags=_FUSED)
            return total

        before = builder.block
        loop, end = builder.append_basic_block("segments"), builder.append_basic_block("bounded")
        builder.cbranch(builder.icmp_signed(">", count, one), loop, end)
        builder.position_at_end(loop)
        s = builder.phi(_I64)
        worst = builder.phi(_FLOATS)
        s.add_incoming(one, before)
        nothing = ir.Constant(_FLOATS, [0.0] * LANES)
        worst.add_incoming(nothing, before)
        k = killed(s)
        burden = builder.fmul(k, scalar(scale_pointer, s))
        vetoed = builder.fcmp_ordered(">", k, scalar(most_pointer, s))
        burden = builder.select(vetoed, ir.Constant(_FLOATS, [float("inf")] * LANES), burden)
        after = builder.select(builder.fcmp_ordered(">", burden, worst), burden, worst)
        following = builder.add(s, one)
        s.add_incoming(following, loop)
        worst.add_incoming(after, loop)
        builder.cbranch(builder.icmp_signed("<", following, count), loop, end)

        builder.position_at_end(end)
        heaviest = builder.phi(_FLOATS)
        heaviest.add_incoming(nothing, before)
        heaviest.add_incoming(after, loop)
        coverage = builder.fmul(killed(nought), scalar(scale_pointer, nought))
        bound = builder.fsub(coverage, builder.fmul(_spread(builder, pen), heaviest))
        reached = builder.and_(
            builder.fcmp_ordered(">=", bound, _spread(builder, least)),
            builder.fcmp_ordered(">=", coverage, _spread(builder, low)),
        )
        return builder.bitcast(reached, _I32)

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def lowest_bit(typing: Any, word: Any) -> Any:
    """Place of the lowest set bit of a 32-bit word that has one."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_I32, [_I32, ir.IntType(1)])
        count = cgutils.get_or_insert_function(builder.module, kind, "llvm.cttz.i32")
        return builder.zext(builder.call(count, [arguments[0], ir.Constant(ir.IntType(1), 1)]), _I64)

    return types.int64(types.uint32), generate
