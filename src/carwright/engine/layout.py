"""The work array of a kernel: rows of `LANES` doubles, one column per patient in flight.

Everything that the vector code touches lies in this one array at constant offsets. The compiler then sees
that loads and stores do
not overlap and turns the loops over lanes into vector instructions; with many arrays it gives up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from carwright.engine.tableau import STAGES

LANES: Final = 8
"""Patients in lock-step: one AVX-512 register of doubles, two of AVX2."""
SAMPLES: Final = 5
"""Points per step (both ends included) at which functionals and triggers look at their observables."""


@dataclass(frozen=True)
class Layout:
    """First row of each section, and the sizes that the generated code is specialised to."""

    states: int
    dense: int
    constants: int
    entries: int
    watched: int
    observed: int
    functionals: int
    triggers: int
    driven: bool

    def rows(self) -> dict[str, int]:
        """First row by section name; ``END`` is the total."""
        n = self.states
        sections = {
            "Y": n,  # state at the start of the step
            "Y1": n,  # state at its end
            "K": STAGES * n,
            "U": n,  # point at which expressions are evaluated
            "R": n,  # right-hand side of a stage, then its solution
            "D": 3 * self.dense,  # dense output of the states that observables need
            "M": self.entries,  # L and U; diagonal entries inverted
            "DF": n if self.driven else 0,  # derivative of the rates with respect to time
            "ATOL": n,
            "NEGATIVE": n,  # 1/ATOL of states that cannot be negative, 0 for others
            "ERROR": n,
            "CONST": self.constants,
            "OBS": max(self.watched, self.observed, 1),
            "SAMPLE": SAMPLES * self.watched,
            "ACC": self.functionals,  # running results
            "BEST": self.functionals,  # largest signed value so far, for extrema
            "LEVEL": self.functionals,  # thresholds
            "FROM": self.functionals,  # windows
            "UNTIL": self.functionals,
            "FLAG": self.functionals,  # 1 where the scalar code must look
            "ARMED": self.triggers,
            "LEFT": self.triggers,  # firings that are left
            "OPEN": self.triggers,  # windows
            "CLOSE": self.triggers,
            "ATTENTION": 1,  # number of flags
            "FINITE": 1,  # 0 when all samples are finite, otherwise NaN
            "T1": 1,  # end of what was kept of the step
            "HE": 1,  # its length
            "KEPT": 1,  # 1 where the step was accepted
            "TAKE": 1,  # 1 where Y1 is the next state
            "T": 1,  # start of the step
            "ST": 1,  # time at which expressions are evaluated
            "H": 1,
            "IH": 1,  # 1/h
            "G": 1,  # 1/(h gamma)
            "GH": 1,  # d_i h
            "TH": 1,  # position in the step, 0 to 1
            "E": 1,  # mean square of the scaled error
            "HN": 1,  # proposed next step
            "LOW": 1,  # most negative state in units of its tolerance
        }
        first, row = {}, 0
        for name, size in sections.items():
            first[name] = row
            row += size
        return {**first, "END": row}
