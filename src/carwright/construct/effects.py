"""The named effects through which a construct changes a model, and the parameter that each one sets."""

from __future__ import annotations

from carwright.construct.catalogue_files import load_armour
from carwright.construct.describe import Construct

EFFECTS: dict[str, str] = {
    "tgfb_resistance": "tgf_beta_resistance",
}
"""Effect -> model parameter whose population median it sets."""


def parameter_medians(construct: Construct, armour: str | None = None) -> dict[str, float]:
    """Population medians of model parameters that a construct sets.

    Parameters
    ----------
    construct
        The construct.
    armour
        Armour that replaces the construct's own; None keeps it.

    Returns
    -------
    dict
        Model parameter -> median, in the unit of the model's table.

    Raises
    ------
    CarwrightError
        If the armour is unknown.
    """
    chosen = load_armour(construct.armour if armour is None else armour)
    return {EFFECTS[name]: effect.value for name, effect in chosen.effects.items()}
