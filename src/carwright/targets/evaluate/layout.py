"""An atlas as bits: thresholds, patients and donors as groups, classes in order, small groups refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse

from carwright.errors import CarwrightError, Problem
from carwright.targets.evaluate.levels import Levels, levels_of
from carwright.targets.evaluate.thresholds import Thresholds
from carwright.targets.intake.atlas import TUMOUR, Atlas
from carwright.targets.kernel.panels import BitTable, pack
from carwright.targets.positivity.ambient import ambient_positive
from carwright.targets.safety.classes import CellClass, class_table
from carwright.targets.search.objective import Objective, Rule, make_objective

FEWEST_PATIENT_CELLS = 50
"""Malignant cells below which a patient is left out (assumed: at 50 the standard error of a share is at most 0.07)."""


@dataclass(frozen=True)
class Layout:
    """Everything that the search and the verdicts need.

    Parameters
    ----------
    genes
        Names.
    table
        Positivity; its groups are the patients, then the donors of each class.
    patients
        Names of the patients.
    classes
        Classes that are represented, most critical first.
    class_of
        Class of each group after the patients.
    donors
        Donor of each group after the patients.
    missing
        Required classes without a cell.
    excluded
        Patients left out, with the reason.
    levels
        How strongly genes are expressed where they are seen.
    ambient
        (groups after the patients, genes) share of cells that ambient RNA would make positive.
    notices
        Sentences for the user.
    """

    genes: tuple[str, ...]
    table: BitTable = field(repr=False)
    patients: tuple[str, ...]
    classes: tuple[CellClass, ...]
    class_of: npt.NDArray[np.int64]
    donors: tuple[str, ...]
    missing: tuple[CellClass, ...]
    excluded: Mapping[str, str]
    levels: Levels = field(repr=False)
    ambient: npt.NDArray[np.float64] = field(repr=False)
    notices: tuple[str, ...] = ()

    def objective(self, rule: Rule) -> Objective:
        """Lay a rule over the groups; tiers give weights and limits where the rule names none."""
        first = len(self.patients)
        names = tuple(entry.name for entry in self.classes)
        weights = {entry.name: rule.weights.get(entry.name, entry.tier.weight) for entry in self.classes}
        full = Rule(rule.quantile, rule.penalty, rule.level, rule.minimum_coverage, weights, rule.limits)
        return make_objective(self.table.sizes[:first], names, self.class_of, self.table.sizes[first:], full)

    def place(self, gene: str) -> int:
        """Place of a gene."""
        return self.genes.index(gene)


def positive_entries(atlas: Atlas, thresholds: Thresholds) -> sparse.csr_matrix:
    """Sparse (cells, genes) of the cells' positive genes."""
    counts, of_gene = atlas.counts, thresholds.of_genes(atlas.genes.names)
    limit = np.repeat(thresholds.of_cells(atlas.assay), np.diff(counts.indptr))
    if of_gene.any():
        limit = np.where(of_gene[counts.indices] > 0, of_gene[counts.indices], limit)
    kept = counts.data >= limit
    indptr = np.concatenate([[0], np.cumsum(kept)])[counts.indptr]
    return sparse.csr_matrix((kept[kept], counts.indices[kept], indptr), shape=counts.shape)


def lay_out(
    atlas: Atlas,
    thresholds: Thresholds | None = None,
    *,
    fewest_cells: int = FEWEST_PATIENT_CELLS,
    need_tumour: bool = True,
) -> Layout:
    """Turn an atlas into bits.

    Parameters
    ----------
    atlas
        Cells.
    thresholds
        Positivity.
    fewest_cells
        Malignant cells below which a patient is left out.
    need_tumour
        Whether a table without malignant cells is refused.

    Raises
    ------
    CarwrightError
        If no patient, or no normal cell, is left.
    """
    thresholds = thresholds or Thresholds()
    notices = list(atlas.notices)
    names, counts = np.unique(atlas.donor[atlas.malignant], return_counts=True)
    excluded = {
        str(name): f"{count} malignant cells, fewer than {fewest_cells}"
        for name, count in zip(names, counts, strict=True)
        if count < fewest_cells
    }
    patients = tuple(str(name) for name, count in zip(names, counts, strict=True) if count >= fewest_cells)
    _refuse_empty(atlas, patients, excluded, need_tumour)
    if excluded:
        notices.append("patients left out: " + "; ".join(f"{name} ({reason})" for name, reason in excluded.items()))
    classes_present = [str(name) for name in np.unique(atlas.cell_class) if name != TUMOUR]
    known = class_table()
    by_name = {entry.name: entry for entry in known.classes}
    classes = tuple(by_name.get(name) or known.of(name) for name in known.order(classes_present))
    group_of = np.full(atlas.cells, -1, np.int64)
    for place, patient in enumerate(patients):
        group_of[atlas.malignant & (atlas.donor == patient)] = place
    class_of: list[int] = []
    donors: list[str] = []
    for place, entry in enumerate(classes):
        inside = atlas.cell_class == entry.name
        for donor in np.unique(atlas.donor[inside]):
            group_of[inside & (atlas.donor == donor)] = len(patients) + len(class_of)
            class_of.append(place)
            donors.append(str(donor))
    positive = positive_entries(atlas, thresholds)
    table = pack(positive.indptr, positive.indices, len(atlas.genes.names), group_of)
    assays = {kind: sorted(set(atlas.assay[atlas.malignant == kind])) for kind in (True, False)}
    if assays[True] and assays[False] and assays[True] != assays[False]:
        notices.append(
            f"malignant cells were measured with {', '.join(assays[True])}, normal with {', '.join(assays[False])}: "
            "depth differs between them, and fractions compare only after what depth hides"
        )
    levels = levels_of(atlas, [entry.name for entry in classes], thresholds)
    normal = np.where(group_of >= len(patients), group_of - len(patients), -1)
    of_class = levels.thresholds[np.array(class_of, np.int64)]
    ambient = ambient_positive(atlas.counts, atlas.depth, atlas.donor, normal, of_class)
    return Layout(
        atlas.genes.names, table, patients, classes, np.array(class_of, np.int64), tuple(donors),
        known.missing(entry.name for entry in classes), excluded, levels, ambient, tuple(notices),
    )  # fmt: skip


def _refuse_empty(atlas: Atlas, patients: Sequence[str], excluded: Mapping[str, str], need_tumour: bool) -> None:
    if need_tumour and not patients:
        found = "; ".join(f"{name}: {reason}" for name, reason in excluded.items())
        raise CarwrightError(
            Problem(
                "TARGETS030",
                "there is no patient with enough malignant cells",
                "obs",
                found or f"no malignant cell among {atlas.cells:,}",
                f"a patient with at least {FEWEST_PATIENT_CELLS} malignant cells",
                "mark malignant cells with a column of true and false (--malignant), or lower --fewest-cells",
            )
        )
    if atlas.malignant.all():
        raise CarwrightError(
            Problem(
                "TARGETS031",
                "there is no normal cell to compare with",
                "obs",
                f"{atlas.cells:,} cells, all malignant",
                "normal cells, above all blood stem cells and vital tissue",
                "give a second file of normal cells",
            )
        )
