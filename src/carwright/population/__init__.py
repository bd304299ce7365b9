"""Virtual patients: distributions, two levels of variation, counter-based random streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carwright.lazy import exports
from carwright.population.distribution import KINDS, Distribution
from carwright.population.draw import Patients, draw, rows_with
from carwright.population.streams import uniforms

if TYPE_CHECKING:
    from carwright.population.recognition import with_recognition

__all__ = ["KINDS", "Distribution", "Patients", "draw", "rows_with", "uniforms", "with_recognition"]

# Constructs are needed where there is one.
__getattr__ = exports(__name__, {"with_recognition": "recognition"})
