"""Constants that `carwright.engine.driver` prints in front of the driver; for readers and type checkers only.

``W`` is the work array (`carwright.engine.layout`) and ``M`` what the driver is told in whole numbers: at M[X] stands
where a section X of W or a table X of M begins, a size, or the address of a printed function; at M[X + lane] a number
of the lane itself.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]

LANES: int
FINEST: float
SAMPLES: int
Y: int
U: int
M: int
OBS: int
SAMPLE: int
ACC: int
BEST: int
LEVEL: int
FLAG: int
ARMED: int
LEFT: int
FIRST: int
LAST: int
NOW: int
NEW: int
ATTENTION: int
EVENT: int
FINITE: int
T: int
T1: int
HE: int
STOP: int
H: int
TRIED: int
CUT: int
TH: int
ST: int
ACTIVE: int
KEPT: int
TAKE: int
E: int
LOW: int
STEPS: int
OPEN: int
CLOSE: int
MOST: int
FIRST_STEP: int
LEVELS: int
EVERY: int
PAR: int
STOPS: int
TIMES: int
STATES: int
WATCHED: int
OBSERVED: int
FUNCTIONALS: int
KINKED: int
TRIGGERS: int
ASSIGNED: int
STOPS_COUNT: int
OUTPUTS: int
KIND: int
COLUMN: int
SOURCE: int
FOLLOWED: int
AT_MOST: int
TARGETS: int
DOSE_FIRST: int
DOSE_STATE: int
DOSE_COLUMN: int
PATIENT: int
STOPPED: int
WRITTEN: int
FRESH: int
LOADING: int
WANTED: int
FIRED: int
ADVANCE: int
SAMPLE_ALL: int
SURVEY_FUNCTIONALS: int
SURVEY_TRIGGERS: int
COMMIT: int
LOOK: int
OBSERVE: int
WATCH: int
PREPARE: int
WHOLE: int
ASSIGN: int
TIME_OF_MAXIMUM: int
TIME_OF_MINIMUM: int
INTEGRAL: int
DAYS_BELOW: int
DAYS_ABOVE: int
FIRST_ABOVE: int
FIRST_BELOW: int
OK: int
MAX_STEPS: int
STEP_TOO_SMALL: int
NOT_FINITE: int
BAD_INPUT: int
UNDEFINED_OBSERVABLE: int

def call(address: int, W: Floats) -> None: ...
