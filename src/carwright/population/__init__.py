"""Virtual patients: distributions, two levels of variation, counter-based random streams."""

from carwright.population.distribution import KINDS, Distribution
from carwright.population.draw import Patients, draw, rows_with
from carwright.population.recognition import with_recognition
from carwright.population.streams import uniforms

__all__ = ["KINDS", "Distribution", "Patients", "draw", "rows_with", "uniforms", "with_recognition"]
