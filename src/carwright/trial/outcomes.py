"""Outcome strings: what happened in a dose-finding trial, in one line such as ``1NNN 2NTT``.

Each word is one cohort: the label of its dose node, then one letter per evaluable patient. The notation
extends the one of the R package ``escalation`` (Brock 2020, arXiv 2011.13944) by labels of any kind, such as
``-3``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from carwright.errors import Problems

LETTERS = {
    "N": "neither dose-limiting toxicity nor response",
    "E": "efficacy: response without dose-limiting toxicity",
    "T": "dose-limiting toxicity without response",
    "B": "both dose-limiting toxicity and response",
}
"""Letters of the notation, in the order in which they stand within a cohort."""

TOXIC = frozenset("TB")
"""Letters that count as a dose-limiting toxicity."""

_ORDER = {letter: rank for rank, letter in enumerate(LETTERS)}
_WITHOUT_RESPONSE = str.maketrans("EB", "NT")
_LABEL = re.compile(r"[A-Za-z0-9+\-_.]+(?<![NTEB])")
_COHORT = re.compile(rf"({_LABEL.pattern})([NTEB]+)")


@dataclass(frozen=True, slots=True)
class Cohort:
    """Outcomes of patients treated together at one dose node.

    Parameters
    ----------
    node
        Label of the node.
    letters
        One letter of `LETTERS` per patient evaluable for dose-limiting toxicity; the order carries no
        meaning.
    deaths
        Treatment-related deaths seen within the window, among all treated patients of the cohort; outcome
        strings do not show them.
    """

    node: str
    letters: str = ""
    deaths: int = 0

    @property
    def patients(self) -> int:
        """Patients evaluable for dose-limiting toxicity."""
        return len(self.letters)

    @property
    def dlts(self) -> int:
        """Evaluable patients with a dose-limiting toxicity."""
        return self.letters.count("T") + self.letters.count("B")

    def canonical(self) -> Cohort:
        """Return the same outcomes with the letters in the order of `LETTERS`."""
        return Cohort(self.node, "".join(sorted(self.letters, key=_ORDER.__getitem__)), self.deaths)


History = tuple[Cohort, ...]
"""Cohorts of one trial in the order in which they were treated."""


def letter(*, dlt: bool, response: bool) -> str:
    """Letter of one patient."""
    if dlt:
        return "B" if response else "T"
    return "E" if response else "N"


def is_label(text: str) -> bool:
    """Whether ``text`` can label a dose node: letters, digits and ``+ - _ .``, not ending in N, T, E or B."""
    return _LABEL.fullmatch(text) is not None


def parse_outcomes(text: str, known: Collection[str] | None = None) -> History:
    """Read an outcome string.

    Parameters
    ----------
    text
        Cohorts separated by white space; the empty string is a trial that has not begun.
    known
        Labels that may occur; every label when None.

    Raises
    ------
    CarwrightError
        Naming every word that is not a cohort and every label that is not known.
    """
    problems = Problems()
    cohorts: list[Cohort] = []
    for position, word in enumerate(text.split(), start=1):
        match = _COHORT.fullmatch(word)
        where = f"outcomes, word {position}"
        if match is None:
            hint = "write letters as capitals" if _COHORT.fullmatch(_capitals(word)) else "for example 1NNN 2NTT"
            problems.add(
                "TRIAL001",
                "this is not a cohort of outcomes",
                where=where,
                found=word,
                allowed="a node's label, then one of N, T, E, B per patient",
                fix=hint,
            )
        elif known is not None and match[1] not in known:
            problems.add(
                "TRIAL002",
                "a cohort was treated at a dose node that does not exist",
                where=where,
                found=match[1],
                allowed=", ".join(known),
                fix="use a label of the dose space",
            )
        else:
            cohorts.append(Cohort(match[1], match[2]))
    problems.raise_if_any()
    return tuple(cohorts)


def format_outcomes(history: Iterable[Cohort]) -> str:
    """Write cohorts as an outcome string; cohorts without an evaluable patient are left out."""
    return " ".join(cohort.node + cohort.letters for cohort in history if cohort.letters)


def path_of(history: Iterable[Cohort]) -> str:
    """Outcome string of a whole trial: letters in canonical order, successive cohorts at a node together.

    Two trials have the same path exactly if the same things were seen in the same order of nodes.
    """
    words: list[tuple[str, str]] = []
    for cohort in history:
        letters = cohort.canonical().letters
        if not letters:
            continue
        if words and words[-1][0] == cohort.node:
            words[-1] = (cohort.node, words[-1][1] + letters)
        else:
            words.append((cohort.node, letters))
    return " ".join(node + letters for node, letters in words)


def toxicity_only(history: Iterable[Cohort]) -> History:
    """Return the same cohorts with responses forgotten (E becomes N, B becomes T), in canonical order."""
    return tuple(
        Cohort(cohort.node, cohort.letters.translate(_WITHOUT_RESPONSE), cohort.deaths).canonical()
        for cohort in history
    )


def _capitals(word: str) -> str:
    label = word.rstrip("NTEBnteb")
    return label + word[len(label) :].upper()
