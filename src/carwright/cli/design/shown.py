"""How answers of ``carwright design`` are written: as JSON objects and as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from carwright.cli.output import columns, show, show_json

if TYPE_CHECKING:
    from carwright.trial.case import Case
    from carwright.trial.characteristics import OperatingCharacteristics
    from carwright.trial.designs.boin12 import Boin12
    from carwright.trial.table_design import TableDesign


def described(owner: type) -> dict[str, Any]:
    """Summary and options of a design or rule."""
    from dataclasses import MISSING

    from carwright.trial.option import default_of, options_of

    options = {}
    for name, (option, entry) in options_of(owner).items():
        default = default_of(entry)
        options[name] = {
            "default": "(must be given)" if default is MISSING else _plain(default),
            "allowed": option.allowed,
            "description": option.description,
            "source": option.source,
        }
    return {"summary": (owner.__doc__ or "").strip().split("\n")[0].rstrip("."), "options": options}


def decision_table(core: TableDesign, most: int) -> dict[str, Any]:
    """Decisions and boundaries for 1 to ``most`` patients."""
    from carwright.trial.protocol import decision_rows

    bounds = {name: getattr(core, name) for name in ("lambda_e", "lambda_d") if hasattr(core, name)}
    stops = core.stops_at_lowest(most)
    rows = [_row(n, row, stops[n - 1]) for n, row in decision_rows(core, most).items()]
    return {"design": core.name, "bounds": bounds, "rows": rows}


def _row(n: int, row: list[str], stops: int | None) -> dict[str, Any]:
    return {
        "n": n,
        "decisions": row,
        "escalate_if_at_most": max((y for y, code in enumerate(row) if code == "E"), default=None),
        "deescalate_if_at_least": min((y for y, code in enumerate(row) if code in ("D", "DU")), default=None),
        "eliminate_if_at_least": min((y for y, code in enumerate(row) if code == "DU"), default=None),
        "stop_at_lowest_if_at_least": stops,
    }


def show_decision_table(core: TableDesign, most: int) -> None:
    """Print the decision table."""
    from carwright.trial.protocol import decision_rows

    show("E escalate, S stay, D de-escalate, DU de-escalate and eliminate; columns: toxicities at the current dose")
    cells = [[str(n), *row, *[""] * (most - n)] for n, row in decision_rows(core, most).items()]
    show(columns(cells, ["patients", *map(str, range(most + 1))]))


def show_desirability(core: Boin12, sizes: tuple[int, ...], *, as_json: bool) -> None:
    """Print the table of rank-based desirability of a phase 1/2 design."""
    from carwright.trial.designs.boin12 import desirability_table

    rows = desirability_table(core, sizes)
    if as_json:
        keys = ("n", "dlts", "responses", "rank")
        show_json({"design": core.name, "rows": [dict(zip(keys, row, strict=True)) for row in rows]})
        return
    show("rank: 1 is the least desirable; E: too toxic or too inactive to be given")
    cells = [[str(n), str(y), str(e), "E" if rank is None else f"{rank:g}"] for n, y, e, rank in rows]
    show(columns(cells, ["patients", "toxicities", "responses", "rank"]))


def next_step(case: Case) -> dict[str, Any]:
    """What to do after what was seen, and what the design thinks of it."""
    from carwright.trial.designs.boin_combination import BoinCombination
    from carwright.trial.rules.rule import core_of

    state = case.design.fit(case.history)
    decision, labels = state.decision, case.design.space.labels
    intervals = None
    if case.limits:
        chances = case.design.interval_probabilities(case.history, case.limits)
        intervals = {"limits": list(case.limits), "probabilities": chances}
    core = core_of(case.design)
    contour = core.contour(case.history) if isinstance(core, BoinCombination) else None
    return {
        "design": case.design.name,
        "next": decision.node,
        "cohort_size": decision.cohort_size,
        "continue": decision.goes_on,
        "waits": decision.waits,
        "backfill": decision.backfill,
        "recommended": decision.recommended,
        "recommended_if_stopped": case.design.selected(case.history),
        "admissible": list(decision.admissible),
        "reason": decision.reason,
        "patients": {label: state.patients[label] for label in labels},
        "dlts": {label: state.dlts[label] for label in labels},
        "follow_up": [
            {"node": cohort.node, "weights": list(cohort.follow_up)} for cohort in case.history if cohort.follow_up
        ],
        "estimates": case.design.estimates(case.history),
        "parameters": case.design.parameters(case.history),
        **({"intervals": intervals} if intervals else {}),
        **({"contour": contour} if contour else {}),
    }


def show_next_step(found: Mapping[str, Any]) -> None:
    """Print what `next_step` found."""
    if found["next"] is not None:
        what = "backfill" if found["backfill"] else "treat"
        show(f"{what} {found['cohort_size']} at {found['next']}: {found['reason']}")
    elif found["waits"]:
        show(found["reason"])
    else:
        show(f"end: {found['reason']}; recommended: {found['recommended'] or 'no dose'}")
    if found["continue"]:
        show(f"if the trial stopped now: {found['recommended_if_stopped'] or 'no dose'} recommended")
    estimates = found["estimates"]
    header = ["dose", "patients", "toxicities", "admissible", *(name.replace("_", " ") for name in estimates)]
    rows = [
        [label, str(count), str(found["dlts"][label]), "yes" if label in found["admissible"] else "no"]
        + [_number(values.get(label)) for values in estimates.values()]
        for label, count in found["patients"].items()
    ]
    if "intervals" in found:
        edges = ["0", *(f"{limit:g}" for limit in found["intervals"]["limits"]), "1"]
        header += [f"p in {low}-{high}" for low, high in pairwise(edges)]
        for row in rows:
            row += [_number(value) for value in found["intervals"]["probabilities"][row[0]]]
    show(columns(rows, header))


def characteristics(found: OperatingCharacteristics) -> dict[str, Any]:
    """Operating characteristics as plain data."""
    errors = {name: {key or "none": value for key, value in entry.items()} for name, entry in found.errors.items()}
    return {
        "exact": found.trials is None,
        "trials": found.trials,
        "recommended": {key or "none": value for key, value in found.recommended.items()},
        "expected_patients": found.expected_patients,
        "deviation_patients": found.deviation_patients,
        "expected_dlts": found.expected_dlts,
        "patients": found.patients,
        "dlts": found.dlts,
        "responses": found.responses,
        "sizes": {str(size): share for size, share in found.sizes.items()},
        "reasons": found.reasons,
        "duration_windows": found.duration,
        **({"undelivered": found.undelivered} if found.undelivered is not None else {}),
        "standard_errors": errors,
    }


def show_characteristics(found: OperatingCharacteristics) -> None:
    """Print operating characteristics."""
    how = "exact" if found.trials is None else f"{found.trials:,} simulated trials (standard error in brackets)"
    show(f"{how}; {found.expected_patients:.3f} patients and {found.expected_dlts:.3f} toxicities on average")
    if found.duration is not None:
        show(f"{found.duration:.2f} windows of observation from the first patient to the end, on average")

    def cell(name: str, values: Mapping[Any, float], key: str | None) -> str:
        if key not in values:
            return ""
        error = found.errors.get(name, {}).get(key)
        return f"{values[key]:.4f}" + ("" if error is None else f" ({error:.4f})")

    rows = [
        [
            key or "none",
            cell("recommended", found.recommended, key),
            cell("patients", found.patients, key),
            cell("dlts", found.dlts, key),
        ]
        for key in found.recommended
    ]
    show(columns(rows, ["dose", "recommended", "patients", "toxicities"]))
    show()
    show(columns([[text, f"{share:.4f}"] for text, share in found.reasons.items()], ["why it ends", "probability"]))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _number(value: float | Sequence[float] | None) -> str:
    return "-" if value is None else f"{value:.4f}"
