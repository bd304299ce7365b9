"""Names that the generator prints in front of the lane driver; for readers and type checkers only.

W is the work array of `carwright.engine.layout`; AT_X is the index at which its section X begins.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]

LANES: int
SAMPLES: int
STATES: int
DENSE: int
WATCHED: int
OBSERVED: int
FUNCTIONALS: int
TRIGGERS: int
STAGES: int
H_COEFFICIENTS: tuple[tuple[float, ...], ...]
AT_Y: int
AT_Y1: int
AT_K: int
AT_U: int
AT_D: int
AT_ATOL: int
AT_NEGATIVE: int
AT_OBS: int
AT_SAMPLE: int
AT_ACC: int
AT_BEST: int
AT_LEVEL: int
AT_FROM: int
AT_UNTIL: int
AT_FLAG: int
AT_ARMED: int
AT_LEFT: int
AT_OPEN: int
AT_CLOSE: int
AT_ATTENTION: int
AT_FINITE: int
AT_T1: int
AT_HE: int
AT_KEPT: int
AT_TAKE: int
AT_T: int
AT_ST: int
AT_H: int
AT_TH: int
AT_E: int
AT_HN: int
AT_LOW: int
MAXIMUM: int
TIME_OF_MAXIMUM: int
MINIMUM: int
TIME_OF_MINIMUM: int
INTEGRAL: int
DAYS_BELOW: int
DAYS_ABOVE: int
FIRST_ABOVE: int
FIRST_BELOW: int
LAST_ABOVE: int
VALUE_AT: int
OK: int
MAX_STEPS: int
STEP_TOO_SMALL: int
NOT_FINITE: int
BAD_INPUT: int
UNDEFINED_OBSERVABLE: int

def prepare(P: Floats, q: int, start: float, W: Floats, lane: int) -> None: ...
def step(W: Floats, rtol: float) -> None: ...
def interpolate(W: Floats) -> None: ...
def watch(W: Floats) -> None: ...
def observe(W: Floats) -> None: ...
def sample(W: Floats) -> None: ...
def commit(W: Floats) -> None: ...
def survey_functionals(W: Floats) -> None: ...
def survey_triggers(W: Floats) -> None: ...
def assign(W: Floats, lane: int, trigger: int) -> None: ...
