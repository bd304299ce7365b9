"""The one loop everything is counted with: cells in common between 4 rows and 32 genes, held in registers.

Bits lie in panels of 32 genes, word by word: ``panel[word, lane]`` holds 64 cells of one gene. One vector instruction
then works on eight genes at once, a count per group of cells ends at a word boundary, and nothing is summed across
lanes. The loop is written as LLVM vectors, so that one text serves every processor: with AVX-512 VPOPCNTDQ the
population count is a single instruction (``vpopcntq``), elsewhere LLVM expands it (byte shuffles on AVX2, ``cnt`` on
ARM).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 32
"""Genes in a panel."""
ROWS = 4
"""Rows that are held against a panel at once: 4 x 32 counts fill 16 vector registers."""
WORD = 64
"""Cells in a word."""

_WIDTH = 8
_VECTORS = LANES // _WIDTH
_I64 = ir.IntType(64)
_I32 = ir.IntType(32)
_VECTOR = ir.VectorType(_I64, _WIDTH)
_COUNTS = ir.VectorType(_I32, _WIDTH)


def pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any, element: Any) -> Any:
    """Address of the element at an offset of a flat array, as a pointer to `element`."""
    data = context.make_array(array_type)(context, builder, value=array).data
    return builder.bitcast(builder.gep(data, [offset]), element.as_pointer())


@intrinsic  # type: ignore[untyped-decorator]
def _count_tile(
    typing: Any,
    rows: Any,
    row: Any,
    stride: Any,
    panels: Any,
    panel: Any,
    words: Any,
    counts: Any,
    count: Any,
) -> Any:
    """Write the 4 x 32 counts of ``rows[row + stride * w + i] & panels[panel + 32 * w + lane]`` summed over w."""
    signature = types.void(rows, types.intp, types.intp, panels, types.intp, types.intp, counts, types.intp)

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        a, a_at, a_stride, b, b_at, n, out, out_at = arguments
        row_pointer = pointer(context, builder, sig.args[0], a, a_at, _I64)
        panel_pointer = pointer(context, builder, sig.args[3], b, b_at, _VECTOR)
        out_pointer = pointer(context, builder, sig.args[6], out, out_at, _COUNTS)
        popcount = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), f"llvm.ctpop.v{_WIDTH}i64"
        )
        zero = ir.Constant(_VECTOR, [0] * _WIDTH)
        nought, one = ir.Constant(_I64, 0), ir.Constant(_I64, 1)
        before = builder.block
        loop, end = builder.append_basic_block("words"), builder.append_basic_block("counted")
        builder.cbranch(builder.icmp_signed(">", n, nought), loop, end)

        builder.position_at_end(loop)
        word = builder.phi(_I64)
        word.add_incoming(nought, before)
        sums = [[builder.phi(_VECTOR) for _ in range(_VECTORS)] for _ in range(ROWS)]
        first = builder.mul(word, ir.Constant(_I64, _VECTORS))
        genes = []
        for v in range(_VECTORS):
            place = builder.gep(panel_pointer, [builder.add(first, ir.Constant(_I64, v))])
            genes.append(builder.load(place, align=64))
        base = builder.mul(word, a_stride)
        after = []
        for i in range(ROWS):
            bits = builder.load(builder.gep(row_pointer, [builder.add(base, ir.Constant(_I64, i))]), align=8)
            spread = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), bits, ir.Constant(_I32, 0))
            spread = builder.shuffle_vector(
                spread, ir.Constant(_VECTOR, ir.Undefined), ir.Constant(ir.VectorType(_I32, _WIDTH), [0] * _WIDTH)
            )
            after.append(
                [
                    builder.add(sums[i][v], builder.call(popcount, [builder.and_(spread, genes[v])]))
                    for v in range(_VECTORS)
                ]
            )
        following = builder.add(word, one)
        word.add_incoming(following, loop)
        for i in range(ROWS):
            for v in range(_VECTORS):
                sums[i][v].add_incoming(zero, before)
                sums[i][v].add_incoming(after[i][v], loop)
        builder.cbranch(builder.icmp_signed("<", following, n), loop, end)

        builder.position_at_end(end)
        for i in range(ROWS):
            for v in range(_VECTORS):
                total = builder.phi(_VECTOR)
                total.add_incoming(zero, before)
                total.add_incoming(after[i][v], loop)
                sums[i][v] = total
        for i in range(ROWS):
            for v in range(_VECTORS):
                place = builder.gep(out_pointer, [ir.Constant(_I64, i * _VECTORS + v)])
                builder.store(builder.trunc(sums[i][v], _COUNTS), place, align=4)
        return context.get_dummy_value()

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def popcount(typing: Any, word: Any) -> Any:
    """Set bits of one word of 64 bits."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        count = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_I64, [_I64]), "llvm.ctpop.i64")
        return builder.call(count, [arguments[0]])

    return types.int64(types.uint64), generate


@njit(inline="always")
def count_tile(rows, row, stride, panels, panel, words, counts, count):  # type: ignore[no-untyped-def]
    """Count cells in common between four rows and the 32 genes of a panel.

    Parameters
    ----------
    rows
        uint64, flat; row ``i`` (0 to 3) has its word ``w`` at ``row + stride * w + i``.
    row, stride
        Start, and distance between words, in elements.
    panels
        uint64, flat, 64-byte aligned; gene ``lane`` has its word ``w`` at ``panel + 32 * w + lane``.
    panel
        Start, in elements: a multiple of 32.
    words
        Number of words.
    counts
        int32, flat; receives 4 x 32 counts from ``count`` on, lane fastest.
    """
    _count_tile(rows, row, stride, panels, panel, words, counts, count)
