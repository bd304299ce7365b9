"""Where a model has no derivative: found by name, so that no gradient is ever wrong without a word."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from carwright.engine import expression as ex
from carwright.engine.expression import Expr
from carwright.engine.requests import Trigger
from carwright.engine.system import System
from carwright.errors import Problems

_STEPS: Final = frozenset({"floor", "ceil", "factorial"})


def jumps(roots: Iterable[Expr], varying: AbstractSet[str]) -> list[str]:
    """Operations under the roots at which a value may jump when one of the varying symbols changes, in words.

    A choice between two values that meet where the choice is made does not jump: max(x, 0), or a choice whose two
    values become the same expression on the border. Neither does one whose border does not move, such as a pulse
    between two fixed days.
    """
    nodes = ex.topological(roots := list(roots))
    moving: dict[Expr, bool] = {}
    for node in nodes:
        moving[node] = (node.op == "symbol" and node.value in varying) or any(moving[arg] for arg in node.args)
    found: dict[str, None] = {}
    seen: set[Expr] = set()
    waiting = roots[::-1]
    while waiting:
        node = waiting.pop()
        if node in seen or not moving[node]:
            continue
        seen.add(node)
        if node.op in _STEPS:
            found[f"{node.op} of {_names(node, varying)}"] = None
        elif node.op in ex.COMPARISONS:
            found[f"a condition on {_names(node, varying)}"] = None
        waiting.extend(node.args[1:] if node.op == "select" and _meets(node) else node.args)
    return list(found)


def _names(node: Expr, varying: AbstractSet[str]) -> str:
    return ", ".join(sorted(ex.symbols([node]) & varying))


def _meets(choice: Expr) -> bool:
    """Whether the two values of a choice are the same where its condition changes."""
    condition, then, otherwise = choice.args
    if condition.op == "and":  # a power's guard below zero, see `guard_powers`: it matters for negative values alone
        whole, condition = condition.args
        if whole.op != "eq" or whole.args[1] is not ex.unary("floor", whole.args[0]):
            return False
    if condition.op not in {"lt", "le", "gt", "ge"}:
        return False
    for side, other in (condition.args, condition.args[::-1]):
        if side.op == "symbol" and str(side.value) not in ex.symbols([other]):
            here, there = ex.substitute([then, otherwise], {str(side.value): other})
            return here is there
    return False


def refuse_jumps(system: System, parameters: AbstractSet[str], asked: dict[str, Expr], problems: Problems) -> None:
    """Say everything in a model and in what is asked of it that has no derivative with respect to parameters.

    Parameters
    ----------
    parameters
        With respect to which.
    asked
        Observables by name.
    problems
        Takes what is found.
    """

    def check(label: str, value: Expr, varying: AbstractSet[str]) -> None:
        for found in jumps([value], varying):
            problems.add(
                "ENGINE040", "this has no derivative everywhere", where=label, found=found,
                fix="write the step as a steep but smooth function, or leave its parameters out",
            )  # fmt: skip

    for event in system.events:
        problems.add("ENGINE040", "gradients cannot follow an event of the model", where=f"event {event.name!r}",
                     fix="give what it does as doses, or as a trigger")  # fmt: skip
    moving = {*system.states, *parameters}
    for name, rate, start in zip(system.states, system.rates, system.initial, strict=True):
        check(f"rate of {name}", rate, moving)
        check(f"initial value of {name}", start, parameters)
    for name, value in asked.items():
        check(name, value, moving)


def refuse_trigger(trigger: Trigger, when: Expr, system: System, problems: Problems) -> None:
    """Say why a trigger cannot be followed, if so; ``when`` is its condition."""
    where = f"trigger {trigger.name!r}"
    if trigger.every_days is not None:
        problems.add("ENGINE040", "gradients cannot follow a trigger that repeats by the clock", where=where)
    if jumps([when], {*system.states, *system.parameters}):
        problems.add(
            "ENGINE040", "gradients need a trigger whose condition passes smoothly through 0", where=where,
            found=str(trigger.when), fix="write 'x - 3' instead of 'x > 3'",
        )  # fmt: skip
