"""``carwright simulate MODEL``: any SBML or Antimony model, or a built-in one, over a population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from carwright.cli.interrupt import command_line, interruptible
from carwright.cli.output import JSON, columns, number, percent, show, show_json

SHOWN = ("0.05", "0.5", "0.95")
"""Quantiles that are printed; ``summary.json`` holds more."""


def simulate(
    model: Annotated[
        str, typer.Argument(help="Name of a built-in model, an SBML file (.xml, .sbml) or an Antimony file (.ant).")
    ],
    population: Annotated[
        Path | None,
        typer.Option(help="YAML of distributions by name, or Parquet or CSV with one row per patient."),
    ] = None,
    patients: Annotated[int | None, typer.Option(help="Virtual patients.")] = None,
    dose: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TARGET=AMOUNT@DAY[,DAY]",
            help="Add an amount to a state at times; AMOUNT may be a name of the population. Repeatable.",
        ),
    ] = None,
    days: Annotated[
        float | None, typer.Option(help="End, in the model's unit of time; the last time asked for.")
    ] = None,
    start: Annotated[float | None, typer.Option(help="Start; 0, or -7 for built-in models.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIMES", help="Times of the courses: 0,1,7 or first:last:step.")
    ] = None,
    functional: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND:NAME",
            help="A number per patient: max:psa, days_below:neutrophils_per_ul<500, value_at:psa@28 ... Repeatable.",
        ),
    ] = None,
    observe: Annotated[
        str | None, typer.Option(metavar="NAMES", help="What the courses show, separated by commas; all states.")
    ] = None,
    rtol: Annotated[float, typer.Option(help="Relative tolerance per step.")] = 1e-6,
    max_steps: Annotated[int, typer.Option(help="Steps tried per patient before it is given up.")] = 100_000,
    allow_negative: Annotated[
        bool, typer.Option("--allow-negative", help="Keep patients in whom a species falls below zero.")
    ] = False,
    method: Annotated[
        str, typer.Option(help="rodas5p, or rodas4 to screen: cheaper steps of lower order.")
    ] = "rodas5p",
    precision: Annotated[
        str, typer.Option(help="double, or single to screen: faster, at --rtol 1e-5 or more.")
    ] = "double",
    gpu: Annotated[bool, typer.Option("--gpu", help="Solve on a CUDA device, one patient a thread.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of every random stream.")] = 1,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Replace the value of one parameter.")
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Parameters to write for each patient: all, none, or names with commas."),
    ] = None,
    gradients: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Exact derivatives of courses and functionals with respect to these parameters or dose amounts.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; below ./runs by default.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; results do not depend on it.")] = None,
    shard: Annotated[
        int | None, typer.Option(min=1, help="Patients per piece of work; results do not depend on it.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers do the work, or 'local'.")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Simulate a model over a population. The same command resumes an interrupted run."""
    from carwright import api
    from carwright.cli.terminal import watch

    with interruptible(), watch(quiet=quiet) as progress:
        finished = api.simulate(
            model,
            population=population,
            patients=patients,
            doses=dose or [],
            days=days,
            start=start,
            at=at,
            functionals=functional or [],
            observe=_names(observe),
            values=_values(values or []),
            relative_tolerance=rtol,
            method=method,
            precision=precision,
            gpu=gpu,
            seed=seed,
            keep=None if keep is None else _names(keep),
            gradients=_names(gradients),
            max_steps=max_steps,
            allow_negative=allow_negative,
            out=out,
            threads=threads,
            shard=shard,
            scheduler=scheduler,
            progress=progress,
            command=command_line(),
        )
    summary = finished.summary
    if as_json:
        show_json({**summary, "folder": str(finished.folder)})
        return
    show(_head(summary))
    if "precision" in summary:
        show(summary["precision"]["error"])
    if summary["functionals"]:
        show(_functionals(summary))
    elif summary["courses"]["times"]:
        show(_courses(summary))
    if "gradients" in summary:
        show(_gradients(summary["gradients"]))
    show(_outcomes(summary))
    show(summary["notice"])
    show(str(finished.folder))


def _values(given: Sequence[str]) -> dict[str, Any]:
    if not given:
        return {}
    from carwright.study.overrides import parse_override

    return dict(parse_override(text) for text in given)


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _head(summary: Mapping[str, Any]) -> str:
    count = summary["patients"]
    return f"{summary['simulation']}: {count:,} patient{'s' * (count > 1)}, {summary['start']:g} to {summary['end']:g}"


def _functionals(summary: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            *("-" if (value := entry["quantiles"][q]) is None else number(value) for q in SHOWN),
            entry["unit"],
            f"{entry['without_value']:,}" if entry["without_value"] else "",
        ]
        for name, entry in summary["functionals"].items()
    ]
    return columns(rows, ["functional", *(percent(float(q)) for q in SHOWN), "unit", "never"])


def _courses(summary: Mapping[str, Any]) -> str:
    observed = summary["courses"]["observed"]
    shown = ", ".join(observed[:6]) + (", ..." if len(observed) > 6 else "")
    return f"courses of {len(observed)} names ({shown}) at {summary['courses']['times']:,} times"


def _gradients(told: Mapping[str, Any]) -> str:
    text = f"{told['derivatives']:,} derivatives with respect to {', '.join(told['names'])}"
    return text + (f"; {told['undefined']:,} more have none" if told["undefined"] else "")


def _outcomes(summary: Mapping[str, Any]) -> str:
    outcomes = summary["outcomes"]
    text = "Every patient was solved."
    if outcomes["failed"]:
        codes = ", ".join(f"{name}: {count:,}" for name, count in outcomes["by_code"].items())
        text = (
            f"{outcomes['failed']:,} of {summary['patients']:,} patients FAILED ({codes}); they take no part in any "
            "result. See 'carwright explain'."
        )
    if allowed := summary["negative_species"] - outcomes["by_code"].get("negative", 0):
        text += f" In {allowed:,} a species fell below zero by more than the tolerance explains."
    return text
