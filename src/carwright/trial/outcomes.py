"""Outcome strings: what happened in a dose-finding trial, in one line such as ``1NNN 2NTT``.

Each word is one cohort: the label of its dose node, then one letter per evaluable patient. The notation
extends the one of the R package ``escalation`` (Brock 2020, arXiv 2011.13944) by labels of any kind, such as
``-3``; by ``(0.4)`` after the letter of a patient whose window is only partly observed, as in ``2NTN(0.4)``; by
``~`` before a cohort that was backfilled below the dose under escalation, as in ``~1NE``; and by ``/1`` after a
cohort for which one more patient was meant whose product did not reach the dose, as in ``2NNT/1``.

With a window in days, the numbers in brackets are days: of follow-up, or for a patient with toxicity up to it.
"""

from __future__ import annotations

import math
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
_COHORT = re.compile(rf"(~?)({_LABEL.pattern})(?=[NTEB/])((?:[NTEB](?:\([0-9.]+\))?)*)(?:/([0-9]{{1,4}}))?")
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
    undelivered
        Further patients meant for this node whose product did not reach its dose.
    """

    node: str
    letters: str = ""
    deaths: int = 0
    follow_up: tuple[float, ...] = ()
    backfill: bool = False
    undelivered: int = 0

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


def is_label(text: str) -> bool:
    """Whether ``text`` can label a dose node: letters, digits and ``+ - _ .``, not ending in N, T, E or B."""
    return _LABEL.fullmatch(text) is not None


def parse_outcomes(
    text: str, known: Collection[str] | None = None, window_days: float | None = None, weights: str = "linear"
) -> History:
    """Read an outcome string.

    Parameters
    ----------
    text
        Cohorts separated by white space; the empty string is a trial that has not begun.
    known
        Labels that may occur; every label when None.
    window_days
        Length of the observation window, if the numbers in brackets are days; None if they are fractions of it.
    weights
        How days become fractions; see `carwright.trial.posterior.follow_up.weights`.

    Raises
    ------
    CarwrightError
        Naming every word that is not a cohort, every label that is not known and every number in brackets that
        cannot be.
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
        elif known is not None and match[2] not in known and (odd := _odd_letters(word, known)):
            problems.add(
                "TRIAL001",
                "this is not a cohort of outcomes",
                where=where,
                found=f"{word}, with {odd}",
                allowed="a node's label, then one of N, T, E, B per patient",
                fix="for example 1NNN 2NTT",
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
            cohorts.append(_read_cohort(match, where, problems, days=window_days is not None))
    problems.raise_if_any()
    return tuple(cohorts) if window_days is None else _weighted(cohorts, window_days, weights)


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


def _read_cohort(match: re.Match[str], where: str, problems: Problems, *, days: bool) -> Cohort:
    """Read one word; with ``days``, an absent number is NaN and stands for a whole window."""
    absent = math.nan if days else 1.0
    seen = [(one[1], absent if one[2] is None else _number(one[2])) for one in _SEEN.finditer(match[3])]
    if not days:
        if any(letter_ in TOXIC and part != 1.0 for letter_, part in seen):
            problems.add(
                "TRIAL004",
                "a toxicity ends its patient's window",
                where=where,
                found=match[0],
                allowed="numbers in brackets after N and E only, unless a window in days is given",
                fix="leave the number out",
            )
        if not all(0.0 <= part <= 1.0 for _, part in seen):
            problems.add(
                "TRIAL003",
                "the observed part of a window is no fraction",
                where=where,
                found=match[0],
                allowed="0 to 1, as in 2NTN(0.4)",
                fix="write the share of the window that is over, or give the window in days",
            )
    letters = "".join(letter_ for letter_, _ in seen)
    parts = tuple(part for _, part in seen)
    follow_up = parts if days or any(part != 1.0 for part in parts) else ()
    return Cohort(match[2], letters, follow_up=follow_up, backfill=bool(match[1]), undelivered=int(match[4] or 0))


def _weighted(cohorts: list[Cohort], window_days: float, scheme: str) -> History:
    """Turn days into fractions of the window."""
    from carwright.trial.posterior.follow_up import weights  # it computes with arrays, which labels do without

    toxic = [letter_ in TOXIC for cohort in cohorts for letter_ in cohort.letters]
    days = [part for cohort in cohorts for part in cohort.follow_up]
    if scheme == "adaptive" and any(one and math.isnan(day) for one, day in zip(toxic, days, strict=True)):
        problems = Problems()
        problems.add(
            "TRIAL005",
            "adaptive weights need the day of every toxicity",
            where="outcomes",
            allowed="a number in brackets after each T and B, as in 2NT(12)",
            fix="give the days, or use linear weights",
        )
        problems.raise_if_any()
    found = iter(weights([window_days if math.isnan(day) else day for day in days], toxic, window_days, scheme))
    weighted = []
    for cohort in cohorts:
        parts = tuple(float(next(found)) for _ in cohort.letters)
        weighted.append(replace(cohort, follow_up=parts if min(parts, default=1.0) < 1.0 else ()))
    return tuple(weighted)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # such as 0.1.2
        return -1.0


def _odd_letters(word: str, known: Collection[str]) -> str:
    """Letters of a word that mean nothing, if it begins with a known label and goes on with letters only."""
    begins = [label for label in known if word.startswith(label)]
    rest = word[len(max(begins, key=len)) :] if begins else ""
    return "".join(sorted(set(rest) - set(LETTERS))) if rest.isalpha() and rest.isupper() else ""


def _capitals(word: str) -> str:
    label = word.rstrip("NTEBnteb")
    return label + word[len(label) :].upper()
