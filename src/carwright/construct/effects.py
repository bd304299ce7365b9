"""The named effects through which a construct changes a model, and the parameter that each one sets."""

from __future__ import annotations

from collections.abc import Collection

from carwright.construct.catalogue_files import load_armour
from carwright.construct.describe import Construct
from carwright.errors import CarwrightError, Problem

EFFECTS: dict[str, str] = {
    "tgfb_resistance": "tgf_beta_resistance",
    "pd_l1_resistance": "pd_l1_resistance",
    "tim_3_resistance": "tim_3_resistance",
    "metabolic_resistance": "metabolic_resistance",
    "suppressor_resistance": "suppressor_resistance",
    "expansion": "site_proliferation",
    "contraction": "effector_death",
    "memory": "memory_self_renewal",
    "cytokines": "cd40l_half_activation",
    "exhaustion": "exhaustion_rate",
    "adapter": "adapter_dependence",
    "transience": "car_transience",
}
"""Effect -> model parameter whose population median it sets."""


def parameter_medians(
    construct: Construct, armour: str | None = None, parameters: Collection[str] | None = None
) -> dict[str, float]:
    """Population medians of model parameters that a construct sets.

    Parameters
    ----------
    construct
        The construct.
    armour
        Armour that replaces the construct's own; None keeps it.
    parameters
        Names of the model's parameters; None does not check them.

    Returns
    -------
    dict
        Model parameter -> median, in the unit of the model's table.

    Raises
    ------
    CarwrightError
        If the armour is unknown, or the model has nothing that an effect could act on.
    """
    chosen = load_armour(construct.armour if armour is None else armour)
    effects = {**construct.effects, **chosen.effects}
    if parameters is not None:
        lost = [name for name in effects if EFFECTS[name] not in parameters]
        if lost:
            fix = "choose another armour, or a model whose tissue has what this one acts on"
            raise CarwrightError(
                *(
                    Problem(
                        "CONSTRUCT006", "the model has nothing for this effect to act on", construct.name, n, fix=fix
                    )
                    for n in lost
                )
            )
    return {EFFECTS[name]: effect.value for name, effect in effects.items()}
