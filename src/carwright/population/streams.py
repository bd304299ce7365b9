"""Counter-based random numbers, keyed by seed, purpose and patient.

A number depends only on ``(seed, purpose, index)``: never on how many were asked for before, on the number
of threads or workers, or on which other purposes exist. Adding patients therefore leaves the earlier ones as
they were, bit for bit, and adding a parameter leaves the other parameters as they were.

The generator is Philox 4x64-10 (Salmon, Moraes, Dror and Shaw, SC'11, doi 10.1145/2063384.2063405) as NumPy
ships it: the key holds the seed and a hash of the purpose, the counter holds the index.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORDS_PER_TICK = 4
"""64-bit words that one step of the Philox 4x64 counter yields."""


def uniforms(seed: int, purpose: str, first: int, count: int, width: int = 1) -> NDArray[np.float64]:
    """Uniform numbers in the open interval (0, 1) for the indices ``first`` to ``first + count - 1``.

    Parameters
    ----------
    seed
        Root seed of the run, 0 to 2**64 - 1.
    purpose
        What the numbers are for, such as ``"parameter:rho"``; streams of different purposes are independent.
    first, count
        First index (for example a patient's number) and how many indices.
    width
        Numbers per index.

    Returns
    -------
    ndarray of float64, shape (count, width)

    Raises
    ------
    ValueError
        If an argument is negative or ``width`` is zero.
    """
    if seed < 0 or first < 0 or count < 0 or width < 1:
        message = f"seed, first and count must be >= 0 and width >= 1; got {seed}, {first}, {count}, {width}"
        raise ValueError(message)
    ticks = -(-width // WORDS_PER_TICK)
    purpose_key = int.from_bytes(hashlib.blake2b(purpose.encode(), digest_size=8).digest(), "little")
    generator = np.random.Philox(key=np.array([seed, purpose_key], dtype=np.uint64), counter=first * ticks)
    raw = generator.random_raw(count * ticks * WORDS_PER_TICK).reshape(count, ticks * WORDS_PER_TICK)[:, :width]
    # 53 random bits, centred in their cell: never exactly 0 or 1, so quantile functions stay finite.
    return ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
