"""Functions of one number applied to whole arrays, in the vector code of the kernels."""

from __future__ import annotations

import ctypes
from typing import Final

import numpy as np
import numpy.typing as npt

from carwright.engine import cache
from carwright.engine.compiled import COMPILERS, aligned, library
from carwright.engine.machine_code import Code, assemble
from carwright.engine.precision import DOUBLE, SHAPES
from carwright.engine.vector import translate

Floats = npt.NDArray[np.float64]

BLOCKS: Final = (64, 512, 4096)
"""Numbers per call, for few and for many: input and output together stay in the nearest caches."""


class Elementwise:
    """A function of one number, for arrays.

    The same number gives the same bits wherever it stands in an array.

    Parameters
    ----------
    name
        Name of the function.
    text
        Its text and that of functions that it calls, as `carwright.engine.mathematics` writes them, whose functions it
        may call too.
    """

    def __init__(self, name: str, text: str) -> None:
        shape = SHAPES[DOUBLE]
        source = "".join(
            f"def apply{size}(W):\n    for row in range(0, {size}, {shape.lanes}):\n"
            f"        for lane in range({shape.lanes}):\n"
            f"            W[row + {size} + lane] = {name}(W[row + 0 + lane])\n"
            for size in BLOCKS
        )
        known = f"{library(shape.bits)}\n{text}"

        def make() -> bytes:
            return assemble(translate(source, known, shape))

        self._code = Code(cache.keep_code((source, known), COMPILERS, make))
        addresses = self._code.addresses([f"apply{size}" for size in BLOCKS])
        self._apply = [ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address) for address in addresses]

    def __call__(self, values: npt.ArrayLike) -> Floats:
        """The function at every element."""
        given = np.asarray(values, dtype=np.float64)
        flat, found = given.ravel(), np.empty(given.size)
        size, apply = next(
            ((size, apply) for size, apply in zip(BLOCKS, self._apply, strict=True) if size >= len(flat)),
            (BLOCKS[-1], self._apply[-1]),
        )
        W = aligned(2 * size)
        W[:] = 0.5
        for first in range(0, len(flat), size):
            part = flat[first : first + size]
            W[: len(part)] = part
            apply(W.ctypes.data)
            found[first : first + size] = W[size : size + len(part)]
        return found.reshape(given.shape)
