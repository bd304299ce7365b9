"""Events as the file has them, before definitions are substituted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from carwright.engine.expression import Expr


@dataclass(frozen=True)
class RawEvent:
    """An event in symbols of the model; attributes as in `carwright.engine.system.Event`."""

    name: str
    trigger: Expr
    initial_value: bool
    persistent: bool
    values_at_trigger: bool
    delay: Expr | None
    priority: Expr | None
    assignments: tuple[tuple[str, Expr], ...]

    def expressions(self) -> list[Expr]:
        """All formulas."""
        parts = [self.trigger, self.delay, self.priority, *(value for _, value in self.assignments)]
        return [part for part in parts if part is not None]


def raw_events(model: Any, math: Callable[[Any, str], Expr | None]) -> list[RawEvent]:
    """Events of a model that can happen and do something; ``math`` reads the formula of a part."""
    found = []
    for i in range(model.getNumEvents()):
        event = model.getEvent(i)
        name = event.getId() or f"event {i + 1}"
        label = f"event {name!r}"
        trigger = math(event.getTrigger(), label)
        pairs = [event.getEventAssignment(j) for j in range(event.getNumEventAssignments())]
        values = [(pair.getVariable(), math(pair, label)) for pair in pairs]
        assignments = tuple((variable, value) for variable, value in values if value is not None)
        if trigger is None:
            continue
        found.append(
            RawEvent(
                name=name,
                trigger=trigger,
                initial_value=bool(event.getTrigger().getInitialValue()),
                persistent=bool(event.getTrigger().getPersistent()),
                values_at_trigger=bool(event.getUseValuesFromTriggerTime()),
                delay=math(event.getDelay(), label),
                priority=math(event.getPriority(), label),
                assignments=assignments,
            )
        )
    return found
