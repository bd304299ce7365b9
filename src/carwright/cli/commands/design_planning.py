"""Commands of ``carwright design`` that plan a trial: skeletons, two-stage designs, boundaries."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from carwright.cli.output import JSON, columns, show, show_json
from carwright.errors import CarwrightError, Problem


def register(app: typer.Typer) -> None:
    """Add the commands to ``carwright design``."""
    app.command("skeleton")(skeleton)
    app.command("sample-size")(sample_size)
    app.command("two-stage")(two_stage)
    app.command("toxicity-boundary")(toxicity_boundary)
    app.command("bop2")(bop2)


def skeleton(
    target: Annotated[float, typer.Option(help="Probability of dose-limiting toxicity aimed at.")] = 0.3,
    levels: Annotated[int, typer.Option(help="Number of doses.")] = 5,
    halfwidth: Annotated[
        float | None, typer.Option(help="Half-width of the indifference interval; a quarter of the target by default.")
    ] = None,
    prior_level: Annotated[
        int | None, typer.Option(help="Dose, from 1, whose prior guess is the target; the middle one by default.")
    ] = None,
    skeleton: Annotated[
        str | None, typer.Option(help="Instead of the last three: prior guesses, to judge them.")
    ] = None,
    model: Annotated[str, typer.Option(help="Working model: empiric or logistic.")] = "empiric",
    intercept: Annotated[float, typer.Option(help="Intercept of the logistic model.")] = 3.0,
    prior_variance: Annotated[float, typer.Option(help="Variance of the prior of the parameter.")] = 1.34,
    plan: Annotated[
        str | None,
        typer.Option(help="Dose of each patient while nobody has a toxicity, such as 1,1,1,2,2,2: is it coherent?"),
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Prior guesses of a CRM from the indifference interval, their home sets, and the coherence of a first stage."""
    from carwright.trial.posterior.crm import CrmPosterior
    from carwright.trial.posterior.skeleton import incoherent_after, indifference, skeleton_from_halfwidth
    from carwright.trial.posterior.working_models import working_model

    if not 1 <= levels <= 100:
        raise CarwrightError(_out_of_range("levels", levels, "1 to 100"))
    if skeleton is not None:
        guesses = _list(skeleton, "skeleton", float)
    else:
        width = 0.25 * target if halfwidth is None else halfwidth
        middle = (levels + 1) // 2 if prior_level is None else prior_level
        guesses = skeleton_from_halfwidth(width, target, middle, levels, model, intercept)
    working = working_model(model, guesses, intercept)
    if not 0.0 < target < 1.0:
        raise CarwrightError(_out_of_range("target", target, "above 0 and below 1"))
    if not 0.0 < prior_variance < 1e6:
        raise CarwrightError(_out_of_range("prior-variance", prior_variance, "above 0 and below 1e6"))
    found: dict[str, Any] = {"target": target, "model": model, "intercept": intercept, "skeleton": list(guesses)}
    if len(guesses) > 1:
        sets = indifference(working, target)
        found["home_sets"] = sets.home_sets.tolist()
        found["indifference_intervals"] = [
            [None if end != end else end for end in pair]  # NaN where there is no neighbour
            for pair in sets.intervals.tolist()
        ]
    if plan is not None:
        first = _list(plan, "plan", int)
        if not all(1 <= level <= len(guesses) for level in first) or len(first) < 2:
            raise CarwrightError(_out_of_range("plan", plan, f"two or more doses, each 1 to {len(guesses)}"))
        breaks = incoherent_after(CrmPosterior(working, prior_variance).fit, len(guesses), target, first)
        found["coherent"] = not breaks
        found["incoherent"] = [{"patient": patient, "level": level} for patient, level in breaks]
    if as_json:
        show_json(found)
        return
    rows = []
    for level, guess in enumerate(guesses):
        row = [str(level + 1), f"{guess:.4f}"]
        for name in ("home_sets", "indifference_intervals"):
            pair = found[name][level] if name in found else (None, None)
            row += ["-" if end is None else f"{end:.4f}" for end in pair]
        rows.append(row)
    show(columns(rows, ["dose", "prior guess", "home set from", "to", "indifferent from", "to"]))
    if plan is not None:
        show("the first stage is coherent" if found["coherent"] else "the first stage is not coherent")
        for one in found["incoherent"]:
            show(f"a first toxicity in patient {one['patient']} would escalate to dose {one['level']}")


def sample_size(
    correct: Annotated[float, typer.Option(help="Probability of correct selection, averaged over the doses.")] = 0.5,
    target: Annotated[float, typer.Option(help="Probability of dose-limiting toxicity aimed at.")] = 0.3,
    levels: Annotated[int, typer.Option(help="Number of doses.")] = 5,
    odds_ratio: Annotated[float, typer.Option(help="Ratio of the odds of toxicity between neighbouring doses.")] = 2.0,
    continuity_correction: Annotated[
        bool, typer.Option("--correction/--no-correction", help="Whether to correct for whole numbers of patients.")
    ] = True,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Patients that a CRM needs: a formula to start from (Cheung 2013); check it by simulation."""
    from carwright.trial.posterior import sample_size as size

    found = size.sample_size(correct, target, levels, odds_ratio, continuity_correction=continuity_correction)
    if as_json:
        show_json(asdict(found))
        return
    show(f"{found.patients} patients ({found.exact:.1f}); no design can do with fewer than {found.benchmark:.1f}")
    show(f"efficiency relative to the optimal benchmark: {found.efficiency:.3f}")
    if not found.validated:
        show("the formula was not fitted for such a trial: simulate it")


def two_stage(
    uninteresting: Annotated[float, typer.Option(help="Response rate that is not worth pursuing.")] = 0.1,
    interesting: Annotated[float, typer.Option(help="Response rate that is.")] = 0.3,
    type_1_error: Annotated[float, typer.Option(help="Largest type 1 error.")] = 0.05,
    type_2_error: Annotated[float, typer.Option(help="Largest type 2 error.")] = 0.2,
    largest: Annotated[int, typer.Option(min=2, max=200, help="Largest number of patients to consider.")] = 100,
    rule: Annotated[
        str | None, typer.Option("--stages", help="Instead of searching: properties of r1/n1,r/n, such as 1/10,5/29.")
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Simon's optimal and minimax two-stage designs for a response rate, exact."""
    from carwright.trial import simon

    if rule is None:
        both = simon.simon(uninteresting, interesting, type_1_error, type_2_error, largest)
        found = {"optimal": asdict(both.optimal), "minimax": asdict(both.minimax)}
    else:
        numbers = _list(rule.replace("/", ","), "stages", int)
        if len(numbers) != 4 or not (0 <= numbers[0] < numbers[1] < numbers[3] <= 1000 and numbers[2] < numbers[3]):
            raise CarwrightError(_out_of_range("stages", rule, "r1/n1,r/n with r1 < n1 < n and r < n"))
        simon.check_rates(uninteresting, interesting)
        found = {"given": asdict(simon.two_stage(*numbers, uninteresting, interesting))}
    if as_json:
        show_json(found)
        return
    rows = [
        [
            name,
            f"{one['first_responses']}/{one['first']}",
            f"{one['responses']}/{one['patients']}",
            *(f"{one[key]:.4f}" for key in ("expected_patients", "stops_early", "type_1_error", "power")),
        ]
        for name, one in found.items()
    ]
    header = ["design", "stop at", "not promising at", "expected patients", "stops early", "type 1 error", "power"]
    show(columns(rows, header))


def toxicity_boundary(
    acceptable: Annotated[float, typer.Option(help="Rate of toxicity that is acceptable.")] = 0.2,
    looks: Annotated[str, typer.Option(help="Patients at which toxicity is looked at.")] = "3,6,9,12,15,18,21,24,27,30",
    stopping: Annotated[float, typer.Option(help="Probability of stopping under that rate.")] = 0.1,
    rate: Annotated[float | None, typer.Option(help="Also give the probability of stopping under this rate.")] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Boundaries that stop an expansion for toxicity: the most toxicities with which it goes on, by look."""
    from carwright.trial import toxicity_boundary as boundary

    found = boundary.toxicity_boundary(acceptable, _list(looks, "looks", int), stopping)
    if rate is not None and not 0.0 <= rate <= 1.0:
        raise CarwrightError(_out_of_range("rate", rate, "0 to 1"))
    rates = [acceptable] if rate is None else [acceptable, rate]
    chances = {
        name: [boundary.crossing_probability(found.looks, limits, each) for each in rates]
        for name, limits in (("low", found.low), ("high", found.high))
    }
    if as_json:
        show_json({**asdict(found), "rates": rates, "stopping": chances})
        return
    rows = [[str(n), str(low), str(high)] for n, low, high in zip(found.looks, found.low, found.high, strict=True)]
    rows += [
        [f"stops at rate {each:g}", f"{low:.4f}", f"{high:.4f}"]
        for each, low, high in zip(rates, chances["low"], chances["high"], strict=True)
    ]
    show(columns(rows, ["patients", "stops more often", "stops less often"]))


def bop2(
    uninteresting: Annotated[float, typer.Option(help="Response rate that is not worth pursuing.")] = 0.2,
    interesting: Annotated[float, typer.Option(help="Response rate that is.")] = 0.4,
    looks: Annotated[str, typer.Option(help="Numbers of patients at the looks; the last is all.")] = "10,20,30",
    type_1_error: Annotated[float, typer.Option(help="Largest type 1 error.")] = 0.1,
    toxic: Annotated[float | None, typer.Option(help="Toxicity that is too high; no such look by default.")] = None,
    safe: Annotated[float | None, typer.Option(help="Toxicity under which the power is counted.")] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Bayesian optimal phase 2 design: looks for futility, and if wanted for toxicity, exact."""
    from carwright.trial import bop2 as optimal

    found = optimal.bop2(
        _list(looks, "looks", int), optimal.Rates(uninteresting, interesting, toxic, safe), type_1_error
    )
    if as_json:
        show_json(asdict(found))
        return
    most = found.most_toxicities or [None] * len(found.looks)
    rows = [
        [str(n), str(fewest), "-" if toxicities is None else str(toxicities)]
        for n, fewest, toxicities in zip(found.looks, found.fewest_responses, most, strict=True)
    ]
    show(columns(rows, ["patients", "goes on with responses", "and toxicities at most"]))
    show(
        f"type 1 error {found.type_1_error:.4f}, power {found.power:.4f}, stops early {found.stops_early:.4f}; "
        f"{found.expected_patients[0]:.2f} patients expected under the uninteresting rate, "
        f"{found.expected_patients[1]:.2f} under the interesting one"
    )


def _list(text: str, name: str, kind: type) -> tuple[Any, ...]:
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        problem = Problem("CLI004", f"the {name} are no list of numbers", f"--{name}", text[:80], "such as 1,2,3")
        raise CarwrightError(problem) from None


def _out_of_range(name: str, found: object, allowed: str) -> Problem:
    return Problem("CLI009", f"{name} cannot be used", f"--{name}", str(found), allowed, "correct it")
