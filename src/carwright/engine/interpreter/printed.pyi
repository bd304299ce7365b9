"""Constants that `carwright.engine.interpret` prints in front of the interpreter; for readers and type checkers only.

OP_X is an operation; PRELUDE to EVENTS are tapes; Y to SAVED rows of states; T to LOW scalars of the step; RESULT to
FIRED rows of the tally; then come kinds of functionals and outcomes.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

OP_ADD: int
OP_MUL: int
OP_DIV: int
OP_POW: int
OP_MIN: int
OP_MAX: int
OP_LT: int
OP_LE: int
OP_GT: int
OP_GE: int
OP_EQ: int
OP_NE: int
OP_AND: int
OP_OR: int
OP_SELECT: int
OP_ELIMINATE: int
OP_ABS: int
OP_ACOS: int
OP_ACOSH: int
OP_ASIN: int
OP_ASINH: int
OP_ATAN: int
OP_ATANH: int
OP_CEIL: int
OP_COS: int
OP_COSH: int
OP_EXP: int
OP_FACTORIAL: int
OP_FLOOR: int
OP_LN: int
OP_NOT: int
OP_POSITIVE: int
OP_SIN: int
OP_SINH: int
OP_SQRT: int
OP_TAN: int
OP_TANH: int
PRELUDE: int
INITIAL: int
JACOBIAN: int
ORDER: int
ORDERS: int
OWN_POINTS: int
STAGE: int
WATCHED: int
OBSERVED: int
CLOCK: int
SWITCHES: int
TRIGGERS_TRUE: int
EVENTS: int
T: int
H: int
E: int
LOW: int
RESULT: int
BEST: int
LEVEL: int
ARMED: int
LEFT: int
FIRED: int
Y: int
Y1: int
U: int
K: int
DENSE: int
SAVED: int
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
EVENT_STORM: int
EVENT_ORDER: int
QUEUE: int
STAGES: int
GAMMA: float
STAGE_TIMES: tuple[float, ...]
TIME_WEIGHTS: tuple[float, ...]
A_COEFFICIENTS: Floats
C_COEFFICIENTS: Floats
H_COEFFICIENTS: Floats
