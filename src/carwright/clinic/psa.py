"""Prostate-specific antigen by the Prostate Cancer Clinical Trials Working Group 3.

Source: Scher 2016, J Clin Oncol 34:1402, doi 10.1200/JCO.2015.64.2702. PSA is read on visit days, with the
scatter of a serum PSA, never continuously. The baseline is the visit on the day of the infusion. Progression
on imaging is not simulated: the progression here is PSA progression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Floats, first_day, for_patients_read, value_at

PCWG3 = "PCWG3, Scher 2016, doi 10.1200/JCO.2015.64.2702"
RESPONSES = {"psa30": 0.30, "psa50": 0.50, "psa90": 0.90, "psa98": 0.98}
"""Falls from baseline that are reported, as fractions."""


@dataclass(frozen=True)
class PsaRules(Assessment):
    """When PSA is read, how well, and what counts as progression."""

    reads = ("psa",)
    flags = (*RESPONSES, "psa50_confirmed", "progression_censored")

    scatter: float = number(
        0.0885,
        "1",
        "published",
        "log-SD: day-to-day CV 7.3 %, assay CV 5 %; Nixon 1997, doi 10.1016/S0022-5347(01)64711-6",
    )
    weekly_until: float = number(28.0, "day", "assumed", "visits as in phase 1 trials of CAR-T cells")
    later_interval: float = number(28.0, "day", "assumed", "visits as in phase 1 trials of CAR-T cells")
    relative_rise: float = number(0.25, "1", "published", PCWG3)
    absolute_rise: float = number(2.0, "ng/mL", "published", PCWG3)
    confirmation: float = number(21.0, "day", "published", PCWG3)
    early_rise: float = number(84.0, "day", "published", PCWG3 + ": without a fall, rises before 12 weeks are ignored")

    def days(self, end: float) -> Floats:
        """Give the days of the visits."""
        return visit_days(end, self)

    def uniforms(self, end: float) -> dict[str, int]:
        """Name the scatter of PSA, one number for each visit."""
        return {"psa_measurement": visit_days(end, self).size}

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give the columns of `psa_outcomes`."""
        visits = visit_days(float(seen.times[-1]), self)
        values = measured_psa(seen.times, seen.courses["psa"], visits, seen.uniforms["psa_measurement"], self)
        return psa_outcomes(visits, values, seen.death_day, self)


def visit_days(end: float, rules: PsaRules) -> Floats:
    """List the days of the visits (v,) from the infusion to ``end``: weekly, then at ``later_interval``."""
    weekly = np.arange(0.0, min(rules.weekly_until, end) + 1e-9, 7.0)
    later = np.arange(weekly[-1] + rules.later_interval, end + 1e-9, rules.later_interval)
    return np.concatenate((weekly, later))


def measured_psa(times: Floats, psa: Floats, visits: Floats, uniforms: Floats, rules: PsaRules) -> Floats:
    """Read PSA on the visits as the laboratory reports it (n, v), ng/mL.

    Parameters
    ----------
    times, psa
        Days (k,) and the true PSA (n, k), ng/mL; ``times`` should hold the visits, between times PSA is
        interpolated.
    visits
        Days, shape (v,).
    uniforms
        Numbers in (0, 1) that give the log-normal scatter, shape (n, v).
    """
    true = np.stack([value_at(times, psa, float(day)) for day in visits], axis=1)
    return np.asarray(true * np.exp(rules.scatter * ndtri(uniforms)))


def _confirming_visits(visits: Floats, confirmation: float) -> list[int]:
    """Find for every visit the first one ``confirmation`` days later or more; past the end if none."""
    return [int(index) for index in np.searchsorted(visits, visits + confirmation - 1e-9)]


def confirmed_fall_day(visits: Floats, values: Floats, fall: float, rules: PsaRules) -> Floats:
    """Find the first visit (n,) with a fall by the fraction ``fall`` that is confirmed; NaN for never."""
    low = values <= (1.0 - fall) * values[:, :1]
    confirmed = np.zeros_like(low)
    for visit, second in enumerate(_confirming_visits(visits, rules.confirmation)):
        if second < visits.size:
            confirmed[:, visit] = low[:, visit] & low[:, second]
    return first_day(visits, confirmed)


def progression_day(visits: Floats, values: Floats, rules: PsaRules) -> Floats:
    """Find the day (n,) of confirmed PSA progression; NaN for never.

    A visit shows progression when PSA is at least 25 % and 2 ng/mL above the lowest earlier value. As long as
    no value was below baseline, the baseline is that lowest value and visits before 12 weeks do not count. A
    rising trend must confirm it: no visit until the first one at least three weeks later may fall below the
    same limit. The day is that of the first visit of the trend.

    Parameters
    ----------
    visits, values
        Days (v,) and measured PSA (n, v), ng/mL; the first visit is the baseline.
    """
    lowest = np.fmin.accumulate(values, axis=1)
    earlier = np.concatenate((values[:, :1], lowest[:, :-1]), axis=1)
    limit = np.maximum(earlier * (1.0 + rules.relative_rise), earlier + rules.absolute_rise)
    eligible = (earlier < values[:, :1]) | (visits >= rules.early_rise)
    risen = np.zeros_like(eligible)
    for visit, second in enumerate(_confirming_visits(visits, rules.confirmation)):
        if second < visits.size:
            trend = values[:, visit : second + 1]
            risen[:, visit] = (trend >= limit[:, visit, None]).all(axis=1)
    return first_day(visits, risen & eligible)


def psa_outcomes(visits: Floats, values: Floats, death_day: Floats, rules: PsaRules) -> dict[str, Floats]:
    """Judge PSA response and progression of every patient, each (n,).

    Parameters
    ----------
    visits, values
        Days (v,) and measured PSA (n, v), ng/mL, NaN after death; the first visit is the baseline.
    death_day
        NaN for survivors, shape (n,).

    Returns
    -------
    dict
        ``psa_baseline`` (ng/mL); ``psa_best_change`` (fraction; -0.45 is a fall of 45 %, NaN without a visit
        after baseline); ``psa30``, ``psa50``, ``psa90``, ``psa98`` and ``psa50_confirmed`` (1 or 0; a patient
        who died before the first visit did not respond); ``psa_progression_day`` (NaN for never);
        ``progression_free_days``, to progression or death, else to the last visit; ``progression_censored``
        (1 when neither happened).
    """
    baseline = values[:, 0]
    lowest = np.where(np.isnan(values[:, 1:]), np.inf, values[:, 1:]).min(axis=1, initial=np.inf)
    progression = progression_day(visits, values, rules)
    event = np.fmin(progression, death_day)
    last_visit = np.where(np.isnan(values), -np.inf, visits).max(axis=1)
    outcomes = {
        "psa_baseline": baseline,
        "psa_best_change": np.where(np.isinf(lowest), np.nan, lowest / baseline - 1.0),
        "psa_progression_day": progression,
        "progression_free_days": for_patients_read(np.where(np.isnan(event), last_visit, event), values),
        "progression_censored": for_patients_read(np.isnan(event), values),
        "psa50_confirmed": for_patients_read(
            ~np.isnan(confirmed_fall_day(visits, values, RESPONSES["psa50"], rules)), values
        ),
    }
    for name, fall in RESPONSES.items():
        outcomes[name] = for_patients_read(lowest <= (1.0 - fall) * baseline, values)
    return outcomes
