"""A CAR as data, and its named effects on model parameters."""

from carwright.construct.catalogue_files import list_armours, list_constructs, load_armour, load_construct
from carwright.construct.describe import Armour, Construct, Domain, Effect
from carwright.construct.effects import EFFECTS, parameter_medians

__all__ = [
    "EFFECTS",
    "Armour",
    "Construct",
    "Domain",
    "Effect",
    "list_armours",
    "list_constructs",
    "load_armour",
    "load_construct",
    "parameter_medians",
]
