"""The model-independent part of every kernel, written as plain functions over the work array.

These files are never imported by the package: the generator copies the text below each marker, in the order
of `FILES`, behind
the functions of the model, and Numba compiles the whole. Names that the generator prints are declared in
``printed.pyi``.
"""

FILES = ("crossing", "functionals", "triggers", "patients", "driver")
