"""A CAR as data: what it recognises, what it is made of, and its named effects on model parameters."""

from carwright.construct.antigens import MALIGNANT, Antigen, OwnAntigen, Panel, antigen_panel, list_antigens
from carwright.construct.catalogue_files import list_armours, list_constructs, load_armour, load_construct
from carwright.construct.describe import Armour, Construct, Domain, Effect
from carwright.construct.effects import EFFECTS, parameter_medians
from carwright.construct.gate import Gate, parse_gate
from carwright.construct.recognition import check_gate_fires, recognised_share

__all__ = [
    "EFFECTS",
    "MALIGNANT",
    "Antigen",
    "Armour",
    "Construct",
    "Domain",
    "Effect",
    "Gate",
    "OwnAntigen",
    "Panel",
    "antigen_panel",
    "check_gate_fires",
    "list_antigens",
    "list_armours",
    "list_constructs",
    "load_armour",
    "load_construct",
    "parameter_medians",
    "parse_gate",
    "recognised_share",
]
