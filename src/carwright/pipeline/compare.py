"""Two runs on the same patients: paired differences of every quantity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from carwright.disease import find_disease
from carwright.errors import CarwrightError, Problem, Problems
from carwright.pipeline import summary as s
from carwright.pipeline.measures import measures_of
from carwright.pipeline.outcomes import ArmOutcomes
from carwright.study import QUANTITIES, STUDY_ARM
from carwright.yamlfile import parse_yaml

if TYPE_CHECKING:
    from carwright.store import Run

_SHARED = ("seed", "model", "population", "horizon_days")
"""Keys of a study that two runs must share for their patients to be the same."""


def compare_runs(first: Run, second: Run) -> dict[str, Any]:
    """Paired differences, second run minus first, on the patients and nodes that the first run's trials treated.

    Returns
    -------
    dict
        ``first`` and ``second`` (study and folder), ``changed``, ``patients``, ``nodes``, ``level`` and ``quantities``:
        for each, both estimates over those patients, their difference with interval, and the same node by node.

    Raises
    ------
    CarwrightError
        If the runs do not hold the same patients, naming everything that differs.
    """
    studies = [parse_yaml(run.resolved, "resolved.yaml").data for run in (first, second)]
    _require_same_patients(first, second, studies)
    nodes = _common_nodes(first, second, studies)
    one, other = (
        ArmOutcomes.of(run.table("patients").filter(pl.col("node").is_in(nodes)), STUDY_ARM, nodes)
        for run in (first, second)
    )
    rule = studies[0]["adjudication"]["rule"]
    entries = first.table("trial_patients").filter(
        pl.col("arm") == STUDY_ARM, pl.col("adjudication") == rule, pl.col("node").is_in(nodes)
    )
    quantities = {}
    for name, measure in measures_of(find_disease(studies[0]["model"]).quantities).items():
        weights = one.treated(entries, measure.among)
        quantity = QUANTITIES[name]
        quantities[name] = {
            "unit": quantity.unit,
            "label": quantity.label,
            "first": s.entry(s.estimate(name, measure, one, weights)),
            "second": s.entry(s.estimate(name, measure, other, weights)),
            "difference": s.entry(s.difference(name, measure, one, other, weights)),
            "by_node": {
                node: s.entry(s.difference(name, measure, one, other, _only(one.eligible(measure.among), column)))
                for column, node in enumerate(nodes)
            },
        }
    return {
        "first": {"study": studies[0]["study"], "folder": str(first.folder)},
        "second": {"study": studies[1]["study"], "folder": str(second.folder)},
        "changed": [*_software_changes(first, second), *_changes(studies[0], studies[1])],
        "patients": studies[0]["population"]["patients"],
        "nodes": list(nodes),
        "level": s.LEVEL,
        "quantities": quantities,
        "notice": s.NOTICE,
    }


def _only(weights: Any, column: int) -> Any:
    kept = weights * 0.0
    kept[:, column] = weights[:, column]
    return kept


def _require_same_patients(first: Run, second: Run, studies: list[dict[str, Any]]) -> None:
    problems = Problems()
    for key in _SHARED:
        if studies[0].get(key) != studies[1].get(key):
            problems.add(
                "COMPARE001",
                f"the two runs differ in {key}, so their patients cannot be paired",
                where=f"{first.folder} and {second.folder}",
                found=f"{studies[0].get(key)} and {studies[1].get(key)}",
                allowed="the same in both runs",
                fix="run one of them again with the other's values",
            )
    problems.raise_if_any()


def _common_nodes(first: Run, second: Run, studies: list[dict[str, Any]]) -> tuple[str, ...]:
    """Nodes that both runs gave to their patients with the same cells and lymphodepletion."""
    held = [{node["id"]: node for node in study["dose_space"]["nodes"]} for study in studies]
    nodes = tuple(label for label in held[0] if held[0][label] == held[1].get(label))
    if not nodes:
        raise CarwrightError(
            Problem(
                "COMPARE002",
                "the two runs share no dose node",
                where=f"{first.folder} and {second.folder}",
                found=" and ".join("; ".join(map(_node_text, nodes.values())) for nodes in held),
                allowed="at least one node with the same name, cells and lymphodepletion",
                fix="compare runs of the same dose space",
            )
        )
    return nodes


def _node_text(node: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in node.items())


def _software_changes(first: Run, second: Run) -> list[str]:
    """What differs in the software that computed the runs: a difference may then come from there."""
    one, other = (run.software for run in (first, second))
    names = dict.fromkeys([*one, *other])
    return [
        f"software.{name}: {_short(one.get(name))} -> {_short(other.get(name))}"
        for name in names
        if one.get(name) != other.get(name)
    ]


def _short(value: str | None) -> str:
    """A version as it is, a digest by its beginning."""
    return str(value)[:12]


_NO_MATTER = ("comparators", "published", "label")
"""Keys of a study that change no result of its own arm."""


def _changes(first: Any, second: Any, path: str = "") -> list[str]:
    """What the second study says otherwise, as ``key: first -> second``."""
    if isinstance(first, dict) and isinstance(second, dict):
        keys = list(dict.fromkeys([*first, *second]))
        return [
            line
            for key in keys
            if path or key not in _NO_MATTER
            for line in _changes(first.get(key), second.get(key), f"{path}.{key}" if path else key)
        ]
    return [] if first == second else [f"{path}: {first} -> {second}"]
