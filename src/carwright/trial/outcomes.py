"""Outcome strings: what happened in a dose-finding trial, in one line such as ``1NNN 2NTT``.

Each word is one cohort: the label of its dose node, then one letter per evaluable patient. The notation
extends the one of the R package ``escalation`` (Brock 2020, arXiv 2011.13944) by labels of any kind, such as
``-3``; by ``(0.4)`` after the letter of a patient whose window is only partly observed, as in ``2NTN(0.4)``; and
by ``~`` before a cohort that was backfilled below the dose under escalation, as in ``~1NE``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

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
_COHORT = re.compile(rf"(~?)({_LABEL.pattern})((?:[TB]|[NE](?:\([0-9.]+\))?)+)")
_SEEN = re.compile(r"([NTEB])(?:\(([0-9.]+)\))?")


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
    follow_up
        Observed fraction of the window by patient, in the order of ``letters``; empty when every window is
        complete. A toxicity ends its patient's window, so its fraction is 1.
    backfill
        Whether the patients were added below the dose under escalation, which therefore stays where it was.
    """

    node: str
    letters: str = ""
    deaths: int = 0
    follow_up: tuple[float, ...] = ()
    backfill: bool = False

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
        letters = "".join(sorted(self.letters, key=_ORDER.__getitem__))
        if not self.follow_up:
            return replace(self, letters=letters)
        seen = sorted(zip(self.letters, self.follow_up, strict=True), key=lambda one: (_ORDER[one[0]], one[1]))
        return replace(self, letters=letters, follow_up=tuple(fraction for _, fraction in seen))


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
        elif known is not None and match[2] not in known:
            problems.add(
                "TRIAL002",
                "a cohort was treated at a dose node that does not exist",
                where=where,
                found=match[2],
                allowed=", ".join(known),
                fix="use a label of the dose space",
            )
        else:
            cohorts.append(_read_cohort(match, where, problems))
    problems.raise_if_any()
    return tuple(cohorts)


def format_outcomes(history: Iterable[Cohort]) -> str:
    """Write cohorts as an outcome string; cohorts without an evaluable patient are left out."""
    return " ".join(_word(cohort) for cohort in history if cohort.letters)


def path_of(history: Iterable[Cohort], *, responses: bool = True) -> str:
    """Outcome string of a whole trial: letters in canonical order, successive cohorts at a node together.

    Two trials have the same path exactly if the same things were seen in the same order of nodes. Without
    ``responses``, E becomes N and B becomes T.
    """
    words: list[tuple[str, str]] = []
    for cohort in history:
        if not cohort.letters:
            continue
        seen = cohort.letters if responses else cohort.letters.translate(_WITHOUT_RESPONSE)
        letters = "".join(sorted(seen, key=_ORDER.__getitem__))
        if words and words[-1][0] == cohort.node:
            words[-1] = (cohort.node, words[-1][1] + letters)
        else:
            words.append((cohort.node, letters))
    return " ".join(node + letters for node, letters in words)


def toxicity_only(history: Iterable[Cohort]) -> History:
    """Return the same cohorts with responses forgotten (E becomes N, B becomes T), in canonical order."""
    return tuple(replace(cohort, letters=cohort.letters.translate(_WITHOUT_RESPONSE)).canonical() for cohort in history)


def _read_cohort(match: re.Match[str], where: str, problems: Problems) -> Cohort:
    seen = [(one[1], 1.0 if one[2] is None else _fraction(one[2])) for one in _SEEN.finditer(match[3])]
    if not all(0.0 <= fraction <= 1.0 for _, fraction in seen):
        problems.add(
            "TRIAL003",
            "the observed part of a window is no fraction",
            where=where,
            found=match[0],
            allowed="0 to 1, as in 2NTN(0.4)",
            fix="divide the days of follow-up by the days of the window",
        )
    complete = all(fraction == 1.0 for _, fraction in seen)
    follow_up = () if complete else tuple(fraction for _, fraction in seen)
    return Cohort(match[2], "".join(letter for letter, _ in seen), 0, follow_up, bool(match[1]))


def _fraction(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # such as 0.1.2
        return -1.0


def _word(cohort: Cohort) -> str:
    letters = cohort.letters
    if cohort.follow_up:
        pairs = zip(cohort.letters, cohort.follow_up, strict=True)
        letters = "".join(seen if part == 1.0 else f"{seen}({part:g})" for seen, part in pairs)
    return ("~" if cohort.backfill else "") + cohort.node + letters


def _capitals(word: str) -> str:
    label = word.rstrip("NTEBnteb")
    return label + word[len(label) :].upper()
