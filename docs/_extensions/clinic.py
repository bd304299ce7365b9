"""Numbers of the grading scales and care rules, adjudication rules and regimens, printed from the clinic."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from itertools import groupby

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from _extensions.printing import anchored, badge, code, lines, number, paragraph, table, unit, words
from carwright.clinic.adjudication import RULES
from carwright.clinic.care import CARE_RULES, Care
from carwright.clinic.ctcae import LIMITS
from carwright.clinic.grade import Settings
from carwright.clinic.interventions import INTERVENTIONS, Amounts
from carwright.clinic.lymphodepletion import REGIMENS
from carwright.clinic.numbers import Number, listed
from carwright.disease import DISEASES, find_disease
from carwright.models import list_models, load_model


def all_numbers() -> list[Number]:
    """Numbers of the scales, then those of the care rules that no scale holds."""
    scales = [entry for entry in listed(Settings()) if not entry.name.startswith("panel.")]
    for model in DISEASES:
        scales += [entry for entry in listed(find_disease(model).panel) if entry not in scales]
    known = {entry.name for entry in scales}
    scales += [replace(entry, name=f"interventions.{entry.name}") for entry in listed(Amounts())]
    return [*scales, *(entry for entry in listed(Care()) if entry.name not in known)]


class ClinicNumbers(SphinxDirective):
    """``carwright-clinic-numbers::`` prints every threshold, rate and dose of the clinic."""

    def run(self) -> list[nodes.Node]:
        """Print one table per scale."""
        found: list[nodes.Node] = []
        for scale, entries in groupby(all_numbers(), key=lambda entry: entry.name.split(".")[0]):
            found += [paragraph(f"`{scale}`", "table-heading"), self._table(list(entries))]
        return found

    def _table(self, entries: list[Number]) -> nodes.table:
        rows = [
            (
                [code(entry.name.partition(".")[2] or entry.name)],
                f"{number(entry.value)} {entry.unit if entry.unit != '1' else ''}".strip(),
                lines([badge(entry.kind), nodes.Text(" "), *words(entry.source)]),
            )
            for entry in entries
        ]
        return table(("Number", "Value", "Kind and source"), rows)


class AdjudicationRules(SphinxDirective):
    """``carwright-adjudication-rules::``."""

    def run(self) -> list[nodes.Node]:
        """Print each rule's text."""
        rows = [([anchored(f"rule-{rule.name}", code(rule.name))], rule.text) for rule in RULES.values()]
        return [table(("Rule", "Dose-limiting toxicity is"), rows)]


class CareRules(SphinxDirective):
    """``carwright-care-rules::``."""

    def run(self) -> list[nodes.Node]:
        """Print when each rule acts and what it gives, in the unit of the drug's state in the models."""
        units = {state.name: unit(state.unit) for name in list_models() for state in load_model(name).table.states}
        rows = []
        for name, rule in CARE_RULES.items():
            order = rule(Care())
            rhythm = f"every {24 * order.every_days:g} h, at most {order.at_most}"
            dose = f"{number(order.amount)} {units[order.drug]} into `{order.drug}`, {rhythm}"
            rows.append(([code(name)], inspect.getdoc(rule) or "", dose))
        return [table(("Rule", "Acts", "Gives"), rows)]


class Interventions(SphinxDirective):
    """``carwright-interventions::``."""

    def run(self) -> list[nodes.Node]:
        """Print what each intervention does and which keys it takes."""
        rows = [
            ([code(known.name)], ", ".join(sorted(known.takes)) or "none", known.text)
            for known in INTERVENTIONS.values()
        ]
        return [table(("Intervention", "Keys", "What it does"), rows)]


class Regimens(SphinxDirective):
    """``carwright-regimens::``."""

    def run(self) -> list[nodes.Node]:
        """Print the lymphodepletion regimens."""
        rows = [([code(regimen.name)], regimen.label, regimen.source) for regimen in REGIMENS.values()]
        return [table(("Regimen", "Drugs", "Source"), rows)]


class Ctcae(SphinxDirective):
    """``carwright-ctcae::``."""

    def run(self) -> list[nodes.Node]:
        """Print the limits of every version."""
        rows = [
            (cell, version, *(f"below {limit:,.0f}" for limit in limits))
            for cell, versions in LIMITS.items()
            for version, limits in versions.items()
        ]
        return [table(("Cells per µL", "Version", "Grade 1", "Grade 2", "Grade 3", "Grade 4"), rows)]


SCALES = (
    *(entry.name for entry in fields(Settings)),
    *dict.fromkeys(entry.name for model in DISEASES for entry in fields(find_disease(model).panel)),
)
"""Grading settings and assessments; `tests/docs` checks that the page of the grading scales names each."""

DIRECTIVES = {
    "clinic-numbers": ClinicNumbers,
    "adjudication-rules": AdjudicationRules,
    "care-rules": CareRules,
    "interventions": Interventions,
    "regimens": Regimens,
    "ctcae": Ctcae,
}
