"""Figures of ``carwright design`` as one HTML page of plain SVG, readable offline and printable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from carwright.report.palette import FAINT, INK, MUTED, STUDY, THRESHOLD, node_colours, translucent

if TYPE_CHECKING:
    from carwright.trial.case import Case
    from carwright.trial.characteristics import OperatingCharacteristics
    from carwright.trial.paths import Path

WIDTH, HEIGHT, LEFT, BOTTOM = 460, 260, 46, 40
SMALLEST = 0.003
"""Branches of the tree below this probability are left out."""

_STYLE = f"""
body {{ font: 15px/1.5 system-ui, sans-serif; color: {INK}; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; }} h2 {{ font-size: 1.05rem; margin: 0 0 .3rem; }}
.figures {{ display: flex; flex-wrap: wrap; gap: 1.5rem; }} figure {{ margin: 0; max-width: 100%; }}
figcaption {{ color: {MUTED}; font-size: .85rem; max-width: 29rem; }}
svg {{ max-width: 100%; height: auto; }} svg text {{ font: 12px system-ui, sans-serif; fill: {INK}; }}
pre {{ white-space: pre-wrap; font-size: .8rem; background: #f5f7f9; padding: .8rem; }}
"""


def simulation_page(case: Case, found: OperatingCharacteristics) -> str:
    """Dose and toxicity, what is recommended, who is treated where, and how many patients a trial needs."""
    labels = list(case.design.space.labels)
    shares = {label or "none": share for label, share in found.recommended.items()}
    errors = {label or "none": error for label, error in found.errors.get("recommended", {}).items()}
    figures = [
        _figure(
            "Dose and toxicity",
            "True probability of dose-limiting toxicity; the line is the target of the design where it has one.",
            _bars(labels, case.truth or {}, 1.0, line=getattr(_core(case), "target", None)),
        ),
        _figure(
            "Recommended dose",
            "Share of trials that recommend each dose, or none"
            + ("." if found.trials is None else "; whiskers are 1.96 standard errors."),
            _bars(["none", *labels], shares, 1.0, errors=errors),
        ),
        _figure(
            "Patients and toxicities",
            "Mean number of evaluable patients at each dose; the dark part had a dose-limiting toxicity.",
            _bars(labels, found.patients, None, inner=found.dlts, errors=found.errors.get("patients", {})),
        ),
        _figure(
            "Size of the trial",
            "Probability of each number of evaluable patients.",
            _bars([str(size) for size in found.sizes], {str(n): share for n, share in found.sizes.items()}, 1.0),
        ),
    ]
    if found.undelivered is not None:
        meant = {label: found.patients[label] + found.undelivered[label] for label in labels}
        figures.append(
            _figure(
                "From assigned to delivered",
                "Mean number of patients for whom each dose was meant; the dark part received it.",
                _bars(labels, meant, None, inner=found.patients),
            )
        )
    lines = [
        "exact" if found.trials is None else f"{found.trials:,} simulated trials, seed {case.seed}",
        f"{found.expected_patients:.2f} patients and {found.expected_dlts:.2f} toxicities on average",
    ]
    if found.duration is not None:
        lines.append(f"{found.duration:.2f} windows of observation from the first patient to the end")
    return _page(case, "; ".join(lines), figures)


def paths_page(case: Case, paths: Sequence[Path]) -> str:
    """The tree of all paths: cohorts from left to right, heights are probabilities."""
    drawn = _tree(case, paths)
    caption = (
        "Each box is a cohort: dose, then toxicities of patients. Its height is the probability of coming this way"
        + ("" if case.truth else " if toxicity has probability 0.5 everywhere")
        + f"; below {SMALLEST:g} it is left out. The recommended dose stands to the right of each end."
    )
    return _page(case, f"{len(paths):,} paths", [_figure("Paths", caption, drawn)])


def _core(case: Case) -> object:
    from carwright.trial.rules.rule import core_of

    return core_of(case.design)


def _page(case: Case, summary: str, figures: Sequence[str]) -> str:
    from carwright.trial.record import record_of
    from carwright.yamlfile import write_yaml

    title = f"Dose finding: {case.design.name}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n<body>'
        f"<h1>{escape(title)}</h1><p>{escape(summary)}.</p>\n"
        f'<div class="figures">{"".join(figures)}</div>\n'
        f"<h2>Design record</h2><pre>{escape(write_yaml(record_of(case.design)))}</pre>"
        "<p>Research software: never for treatment decisions.</p></body></html>\n"
    )


def _figure(title: str, caption: str, drawing: str) -> str:
    return f"<figure><h2>{escape(title)}</h2>{drawing}<figcaption>{escape(caption)}</figcaption></figure>\n"


def _bars(
    labels: Sequence[str],
    values: Mapping[str, float],
    most: float | None,
    *,
    inner: Mapping[str, float] | None = None,
    errors: Mapping[str, float] | Mapping[str | None, float] | None = None,
    line: float | None = None,
) -> str:
    """Bars by label from 0 to ``most``; ``inner`` is a darker part, ``errors`` are standard errors."""
    top = most or 4.0 * _round_step(max([*values.values(), 1e-9]) / 4.0)
    plot = HEIGHT - BOTTOM - 10
    step = (WIDTH - LEFT - 10) / max(len(labels), 1)

    def height(value: float) -> float:
        return plot * min(value, top) / top

    parts = []
    for tick in range(5):
        at = 10 + plot - plot * tick / 4
        number = f"{top * tick / 4:.0%}" if most == 1.0 else f"{top * tick / 4:.3g}"
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{at:.1f}" y2="{at:.1f}" stroke="{FAINT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{number}</text>')
    for place, label in enumerate(labels):
        value, centre, bar = values.get(label, 0.0), LEFT + step * (place + 0.5), min(0.7 * step, 48.0)
        tip = f"<title>{escape(label)}: {value:.4g}</title>"
        for part, colour in ((value, translucent(STUDY, 0.45)), (None if inner is None else inner[label], STUDY)):
            if part is not None:
                parts.append(
                    f'<rect x="{centre - bar / 2:.1f}" y="{10 + plot - height(part):.1f}" width="{bar:.1f}" '
                    f'height="{height(part):.1f}" fill="{colour}">{tip}</rect>'
                )
        error = 1.96 * dict(errors or {}).get(label, 0.0)
        if error:
            low, high = (10 + plot - height(max(0.0, value + sign * error)) for sign in (-1, 1))
            parts.append(
                f'<line x1="{centre:.1f}" x2="{centre:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{INK}" '
                'stroke-width="1.5"/>'
            )
        if len(labels) <= 12 or place % (len(labels) // 12 + 1) == 0:
            parts.append(f'<text x="{centre:.1f}" y="{HEIGHT - 18}" text-anchor="middle">{escape(label)}</text>')
    if line is not None:
        at = 10 + plot - height(line)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{at:.1f}" y2="{at:.1f}" stroke="{THRESHOLD}" '
            f'stroke-dasharray="5 4"/>'
        )
    said = ", ".join(f"{label} {values.get(label, 0.0):.3g}" for label in labels)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="{escape(said)}">'
        f"{''.join(parts)}</svg>"
    )


def _round_step(least: float) -> float:
    """Smallest of 1, 2, 2.5 and 5 times a power of ten that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * power >= least * (1.0 - 1e-9))


def _tree(case: Case, paths: Sequence[Path]) -> str:
    """Icicle of cohorts."""
    colours = node_colours(case.design.space.labels)
    deepest = max((len(path.history) for path in paths), default=1)
    column, tall = max(70, min(150, 900 // max(deepest, 1))), 640
    parts: list[str] = []

    def draw(branch: Sequence[Path], depth: int, top: float) -> None:
        ends = [path for path in branch if len(path.history) == depth]
        at = top
        for path in ends:
            size = tall * path.probability
            if path.probability >= 4 * SMALLEST:
                parts.append(
                    f'<text x="{depth * column + 6}" y="{at + size / 2 + 4:.1f}">'
                    f"{escape(path.recommended or 'none')}</text>"
                )
            at += size
        following: dict[object, list[Path]] = {}
        for path in branch:
            if len(path.history) > depth:
                following.setdefault(path.history[depth], []).append(path)
        for cohort, inside in following.items():
            share = sum(path.probability for path in inside)
            if share >= SMALLEST:
                one = inside[0].history[depth]
                text = f"{one.node}: {one.dlts}/{one.patients}"
                shade = translucent(colours[one.node], 0.25 + 0.6 * one.dlts / max(one.patients, 1))
                tip = f"<title>{escape(text)}, probability {share:.4f}</title>"
                parts.append(
                    f'<rect x="{depth * column}" y="{at:.1f}" width="{column - 2}" '
                    f'height="{max(tall * share - 1, 1):.1f}" fill="{shade}">{tip}</rect>'
                )
                if tall * share > 13:
                    parts.append(
                        f'<text x="{depth * column + 5}" y="{at + tall * share / 2 + 4:.1f}">{escape(text)}</text>'
                    )
                draw(following[cohort], depth + 1, at)
            at += tall * share

    draw(paths, 0, 0.0)
    wide = deepest * column + 60
    return (
        f'<svg viewBox="0 0 {wide} {tall}" width="{wide}" role="img" aria-label="Tree of paths">{"".join(parts)}</svg>'
    )
