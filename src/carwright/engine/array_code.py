"""Functions of arrays that are written in the solvers' Python, as machine code."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from carwright.engine import cache
from carwright.engine.machine_code import Code, assemble
from carwright.engine.scalar import translate

_ELEMENTS: Final = {"f8": "double", "f4": "float", "i8": "i64", "u4": "i32", "u1": "i8"}
"""LLVM's names of NumPy's types."""
_COMPILERS: Final = ("array_code.py", "scalar.py", "scalar_values.py", "vector.py", "machine_code.py")
"""Files that decide what machine code is made of a text."""


class ArrayCode:
    """A function of arrays; other threads run while it does.

    Parameters
    ----------
    text
        Source (see `carwright.engine.scalar`).
    entry
        The function in it.
    arrays
        Its arguments: NumPy's type and number of dimensions.
    """

    def __init__(self, text: str, entry: str, arrays: Mapping[str, tuple[npt.DTypeLike, int]]) -> None:
        self._arrays = {name: (np.dtype(kind), dimensions) for name, (kind, dimensions) in arrays.items()}
        elements = {name: (_ELEMENTS[kind.str[1:]], dimensions) for name, (kind, dimensions) in self._arrays.items()}

        def make() -> bytes:
            return assemble(translate(text, entry, elements), speed_level=2)

        self._code = Code(cache.keep_code((text, entry, str(elements)), _COMPILERS, make))
        kinds = [kind for _, size in self._arrays.values() for kind in (ctypes.c_void_p, *[ctypes.c_int64] * size)]
        self._function = ctypes.CFUNCTYPE(None, *kinds)(self._code.addresses([entry])[0])

    def __call__(self, *arrays: npt.NDArray[Any]) -> None:
        """Call the function.

        Raises
        ------
        TypeError
            If an array has another type or shape, or its elements do not lie one after the other.
        """
        given: list[int] = []
        for array, (name, (kind, dimensions)) in zip(arrays, self._arrays.items(), strict=True):
            if array.dtype != kind or array.ndim != dimensions or not array.flags.c_contiguous:
                message = f"{name} is {array.dtype} of shape {array.shape}, strides {array.strides}"
                raise TypeError(message)
            given += [array.ctypes.data, *array.shape]
        self._function(*given)
