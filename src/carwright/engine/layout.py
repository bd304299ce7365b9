"""The work array of a kernel: rows with one number per lane, and numbers that all lanes share.

Everything that the printed code touches lies in this one array at constant places; the driver is told where each
section begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SAMPLES: Final = 5
"""Points per step (both ends included) at which functionals and triggers look at their observables."""
UNIFORM: Final = frozenset(
    {"ATOL", "NEGATIVE", "FROM", "UNTIL", "OPEN", "CLOSE", "RTOL", "MOST", "TINY", "START", "FIRST_STEP", "LEVELS",
     "EVERY", "STOPS", "TIMES"}
)  # fmt: skip
"""Sections with one number for all lanes."""


@dataclass(frozen=True)
class Layout:
    """Sizes that the printed code is specialised to, and where its sections lie."""

    lanes: int
    bits: int
    stages: int
    orders: int
    states: int
    dense: int
    parameters: int
    constants: int
    entries: int
    watched: int
    observed: int
    functionals: int
    triggers: int
    assigned: int
    driven: bool
    timed: bool

    def sections(self, stops: int = 0, times: int = 0) -> dict[str, int]:
        """Rows of each section; numbers of each section of `UNIFORM`. The last sections depend on what is asked."""
        n = self.states
        return {
            "Y": n,  # state at the start of the step
            "U": n,  # a state in between; after the step, the state at its end
            "R": n,  # what earlier stages add to the right-hand side of a stage
            "K": self.stages * n,  # stages; the first hold the dense output once it is known
            "M": self.entries,  # L and U; diagonal entries inverted
            "DF": n if self.driven else 0,  # derivative of the rates with respect to time
            "CONST": self.constants,
            "OBS": max(self.watched, self.observed),
            "SAMPLE": SAMPLES * self.watched,
            "ACC": self.functionals,  # running results
            "BEST": self.functionals,  # largest signed value so far, for extrema
            "LEVEL": self.functionals,  # thresholds
            "FLAG": self.functionals,  # 1 where the scalar code must look
            "ARMED": self.triggers,
            "LEFT": self.triggers,  # firings that are left
            "FIRST": self.triggers,  # time of the first firing
            "LAST": self.triggers,  # time of the last firing
            "NOW": n if self.triggers else 0,  # state at the instant of a trigger
            "NEW": self.assigned,  # what a trigger assigns
            "ATTENTION": 1,  # number of flags
            "EVENT": 1,  # 1 where the step ended at a stop or the patient may have to be given up
            "FINITE": 1,  # 0 when all samples are finite, otherwise NaN
            "T": 1,  # start of the step
            "T1": 1,  # end of what was kept of the step
            "HE": 1,  # its length
            "STOP": 1,  # time of the next stop
            "H": 1,  # planned length of a step
            "TRIED": 1,  # length of the step that was tried
            "IH": 1,  # 1/TRIED
            "CUT": 1,  # part of the step that a trigger left, 1 without one
            "TH": 1,  # position in the step, 0 to 1
            "ST": 1,  # time that belongs to U or NOW
            "GH": 1,  # weight of df/dt in a stage
            "ACTIVE": 1,  # 1 where there is a patient
            "KEPT": 1,  # 1 where the step was accepted
            "TAKE": 1,  # 1 where Y1 is the next state
            "E": 1,  # mean square of the scaled error
            "LOW": 1,  # most negative state in units of its tolerance
            "STEPS": 1,
            "ATOL": n,
            "NEGATIVE": n,  # 1/ATOL of states that cannot be negative, 0 for others
            "FROM": self.functionals,  # windows
            "UNTIL": self.functionals,
            "OPEN": self.triggers,
            "CLOSE": self.triggers,
            "RTOL": 1,
            "MOST": 1,  # steps after which a patient is given up
            "TINY": 1,  # length of the shortest step
            "START": 1,  # time at which patients start
            "FIRST_STEP": 1,  # its planned length
            "LEVELS": self.functionals,  # thresholds that are not patients' own
            "EVERY": self.triggers,  # time after which a trigger fires again, 0 for once
            "PAR": self.parameters,
            "STOPS": stops,
            "TIMES": times,  # of the dense output
        }

    @staticmethod
    def names() -> tuple[str, ...]:
        """Names of all sections in their order."""
        return tuple(Layout(1, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, driven=False, timed=False).sections())

    def places(self, stops: int = 0, times: int = 0) -> dict[str, int]:
        """Index in the work array at which each section begins; ``END`` is the total."""
        first, place = {}, 0
        for name, size in self.sections(stops, times).items():
            first[name] = place
            rows = -(-size // self.lanes) if name in UNIFORM else size
            place += rows * self.lanes
        return {**first, "END": place}
