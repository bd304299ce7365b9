"""The interpreter: solves any model without compiling it, one patient after the other.

Its instructions are data (`carwright.engine.tape`), so it is compiled once for all models, and its size does not grow
with theirs. As with ``lanes/``, these files are not imported: `carwright.engine.interpret` puts the text below each
marker together, in the order of `FILES`, and compiles the whole (`carwright.engine.scalar`).
"""

FILES = ("records", "machine", "method", "switches", "events", "functionals", "triggers", "driver")
