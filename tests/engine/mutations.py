"""Broken SBML documents, made from a sound one by seeded damage."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

NUMBERS = ("1e308", "1e999", "-1e400", "NaN", "INF", "", "1e-400", "0x10", "1,5", "9" * 5000, "--3", "1e", "∞")
Damage = Callable[[random.Random, str], str]


def _spot(chance: random.Random, pattern: str, text: str) -> re.Match[str]:
    return chance.choice(list(re.finditer(pattern, text)))


def _replace(match: re.Match[str], new: str, group: int = 0) -> str:
    return match.string[: match.start(group)] + new + match.string[match.end(group) :]


def truncated(chance: random.Random, text: str) -> str:
    return text[: chance.randrange(len(text))]


def cut(chance: random.Random, text: str) -> str:
    first = chance.randrange(len(text))
    return text[:first] + text[first + chance.randrange(1, 3000) :]


def repeated(chance: random.Random, text: str) -> str:
    first = chance.randrange(len(text))
    piece = text[first : first + chance.randrange(1, 3000)]
    return text[:first] + piece * chance.choice([2, 3, 50]) + text[first:]


def flipped(chance: random.Random, text: str) -> str:
    letters = list(text)
    for _ in range(chance.choice([1, 3, 30])):
        letters[chance.randrange(len(letters))] = chance.choice('<>/"&;=\0\x01a0 é\U0001f600')
    return "".join(letters)


def huge_number(chance: random.Random, text: str) -> str:
    value = chance.choice(NUMBERS)
    pattern = chance.choice([r'value="([^"]*)"', r"<cn[^>]*>([^<]*)</cn>", r'size="([^"]*)"'])
    return _replace(_spot(chance, pattern, text), value, 1)


def cyclic(chance: random.Random, text: str) -> str:
    """Some name in some formula becomes the name of a rule, often the rule's own."""
    rule = _spot(chance, r'<assignmentRule[^>]*variable="(\w+)"[^>]*>', text)
    name = _spot(chance, r"<ci>\s*(\w+)\s*</ci>", text)
    after = re.compile(r"<ci>\s*(\w+)\s*</ci>").search(text, rule.end())
    return _replace(after if after and chance.random() < 0.7 else name, rule[1], 1)


def unknown_name(chance: random.Random, text: str) -> str:
    pattern = chance.choice([r"<ci>\s*(\w+)\s*</ci>", r' units="(\w+)"', r' id="(\w+)"', r'variable="(\w+)"'])
    return _replace(
        _spot(chance, pattern, text), chance.choice(["nowhere", "1st", "a b", "time", "", "x" * 100_000]), 1
    )


def nested(chance: random.Random, text: str) -> str:
    depth = chance.choice([10, 300, 2_000, 20_000, 300_000])
    inner = "<apply><minus/>" * depth + "<cn>1</cn>" + "</apply>" * depth
    return _replace(_spot(chance, r"<ci>\s*\w+\s*</ci>", text), inner)


def entity_bomb(chance: random.Random, text: str) -> str:
    kind = chance.random()
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    body = f'<!ENTITY e0 "lol">{entities}' if kind < 0.6 else '<!ENTITY e11 SYSTEM "file:///etc/hostname">'
    declared = text.replace("?>", f"?><!DOCTYPE sbml [{body}]>", 1)
    return _replace(_spot(chance, r'name="(\w+)"|id="(\w+)"', declared), '"&e11;"') if kind < 0.9 else declared


def exploding_functions(chance: random.Random, text: str) -> str:
    """Functions that call each other twice: the formula doubles with every one."""
    count = chance.choice([3, 12, 40])
    definitions = "".join(
        f'<functionDefinition id="f{i}"><math xmlns="http://www.w3.org/1998/Math/MathML"><lambda><bvar><ci>x</ci></bvar>'
        + (
            f"<apply><plus/><apply><ci>f{i - 1}</ci><apply><sin/><ci>x</ci></apply></apply>"
            f"<apply><ci>f{i - 1}</ci><apply><cos/><ci>x</ci></apply></apply></apply>"
            if i
            else "<ci>x</ci>"
        )
        + "</lambda></math></functionDefinition>"
        for i in range(count)
    )
    listed = re.sub(r"(<model[^>]*>)", rf"\1<listOfFunctionDefinitions>{definitions}</listOfFunctionDefinitions>", text)
    name = _spot(chance, r"<ci>\s*\w+\s*</ci>", listed[listed.rindex("</functionDefinition>") :])
    call = f"<apply><ci>f{count - 1}</ci>{name[0]}</apply>"
    return (
        listed.replace(name[0], call)
        if chance.random() < 0.1
        else listed[: listed.rindex("</functionDefinition>")] + (_replace(name, call))
    )


def element_gone(chance: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return "".join(lines)


def tag_renamed(chance: random.Random, text: str) -> str:
    old = _spot(chance, r"<(\w+)", text)[1]
    return re.sub(
        rf"(</?){old}\b", rf"\1{chance.choice(['sbml', 'model', 'event', 'algebraicRule', 'delay', 'x'])}", text
    )


def level_changed(chance: random.Random, text: str) -> str:
    level, version = chance.choice([(1, 1), (2, 1), (2, 5), (3, 1), (4, 1), (0, 0), (999999999999, 1)])
    changed = re.sub(r'level="\d+" version="\d+"', f'level="{level}" version="{version}"', text, count=1)
    return re.sub(r"level3/version2/core", chance.choice(["level2", "level3/version1/core", "nothing"]), changed)


DAMAGES: tuple[Damage, ...] = (
    truncated, cut, repeated, flipped, huge_number, cyclic, unknown_name, nested, entity_bomb, exploding_functions,
    element_gone, tag_renamed, level_changed,
)  # fmt: skip


def mutated(text: str, seed: int) -> tuple[str, str]:
    """A damaged copy, and the names of what was done to it; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311  # damage, not secrets
    done = []
    for _ in range(chance.choice([1, 1, 2])):
        damage = DAMAGES[seed % len(DAMAGES)] if not done else chance.choice(DAMAGES)
        try:
            text = damage(chance, text)
        except (IndexError, ValueError):  # nothing left to damage that way
            continue
        done.append(damage.__name__)
    return text, "+".join(done)
