"""The part of the compiled path that knows no model: a scalar driver around the printed vector functions.

These files are never imported by the package: `carwright.engine.driver` copies the text below each marker, in the
order of `FILES`, into one module, and compiles it once for all models (`carwright.engine.scalar`). Names that are
printed in front of them are declared in ``printed.pyi``.
"""

FILES = ("crossing", "functionals", "triggers", "patients", "driver")
