"""``carwright run STUDY``: patients, grades, trials and the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from carwright.cli.interrupt import command_line, interruptible
from carwright.cli.output import JSON, columns, estimate, percent, show, show_json


def run(
    study: Annotated[str, typer.Argument(help="A study file, or the name of a shipped study.")],
    patients: Annotated[int | None, typer.Option(help="Virtual patients.")] = None,
    trials: Annotated[int | None, typer.Option(help="Simulated trials.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every random stream.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; below ./runs by default.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace one key, e.g. construct.armour=none."),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; results do not depend on it.")] = None,
    as_json: Annotated[bool, JSON] = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Run a study: patients, grades, trials and the report. The same command resumes an interrupted run."""
    from carwright import api
    from carwright.cli.terminal import watch
    from carwright.study.overrides import parse_overrides

    flags = {"population.patients": patients, "trials": trials, "seed": seed}
    changes = parse_overrides(overrides or [], {key: value for key, value in flags.items() if value is not None})
    with interruptible(), watch(quiet=quiet) as progress:
        finished = api.run(
            study,
            changes,
            out=out,
            threads=threads,
            report=report,
            progress=progress,
            command=command_line(),
        )
    summary = finished.summary
    if as_json:
        show_json(summary)
        return
    show(
        _published(summary)
        if any("published" in entry for entry in summary["quantities"].values())
        else _results(summary)
    )
    for line in _differences(summary):
        show(line)
    show(_outcomes(summary))
    show(summary["notice"])
    show(str(finished.folder / "report.html") if report else str(finished.folder))


def _published(summary: Mapping[str, Any]) -> str:
    rows = [
        [
            entry.get("label", name),
            _fact(entry["published"]),
            estimate(entry, entry["unit"]),
            estimate({**entry, **(entry.get("predictive") or {})}, entry["unit"]).partition(" (")[2].rstrip(")"),
            {True: "yes", False: "no", None: ""}[entry.get("covered")],
        ]
        for name, entry in summary["quantities"].items()
        if entry.get("published")
    ]
    level = next((entry["level"] for entry in summary["quantities"].values() if "level" in entry), 0.9)
    header = ["", "published", f"simulated ({percent(level)} interval)", "a trial like it would show", "covered"]
    return f"{summary.get('title', summary['study'])}\n{columns(rows, header)}"


def _results(summary: Mapping[str, Any]) -> str:
    """What a study says that names no published figures."""
    quantities = summary["quantities"]
    told = [quantities[name] for name in _headlines(summary)]
    rows = [[entry["label"], estimate(entry, entry["unit"])] for entry in told]
    chosen = quantities["recommended_node"]["by_node"].items()
    rows += [[f"Recommended dose: {node}", estimate(entry, "fraction")] for node, entry in chosen]
    return f"{summary.get('title', summary['study'])}\n{columns(rows, ['', 'simulated'])}"


def _headlines(summary: Mapping[str, Any]) -> tuple[str, ...]:
    from carwright.disease import find_disease

    return find_disease(summary["provenance"]["model"]).headlines


def _fact(fact: Mapping[str, Any]) -> str:
    if fact.get("count") is not None:
        return f"{fact['count']} of {fact['of']} ({percent(fact['count'] / fact['of'])})"
    return f"{fact['value']:g}"


def _differences(summary: Mapping[str, Any]) -> list[str]:
    lines = []
    for comparator in summary.get("comparators", {}).values():
        differences = comparator.get("differences", {})
        for name in _headlines(summary):
            if name in differences and name in summary["quantities"]:
                entry = summary["quantities"][name]
                change = estimate(differences[name], entry["unit"])
                lines.append(f"{comparator['label']}, difference in {entry.get('label', name)}: {change}")
    return lines


def _outcomes(summary: Mapping[str, Any]) -> str:
    outcomes = summary["outcomes"]
    if not outcomes["failed"]:
        return f"All {outcomes['ok']:,} patient courses were solved."
    codes = ", ".join(f"{name}: {count:,}" for name, count in outcomes.get("by_code", {}).items() if count)
    return (
        f"{outcomes['failed']:,} of {outcomes['ok'] + outcomes['failed']:,} patient courses FAILED ({codes}); "
        "they take no part in any result. See 'carwright explain'."
    )
