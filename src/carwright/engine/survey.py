"""Vector code that takes a step of all lanes into functionals and flags lanes that need a closer look.

Most steps change a functional in a plain way: a running maximum rises with the last sample, a threshold is
nowhere near. That is done
here for the patients of a register at once. A maximum between samples, a corner under an integral or a
crossing is flagged and left to the scalar code of ``lanes/``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from carwright.engine.layout import SAMPLES

Cell = Callable[[str, int], str]
"""Text of a cell: section name and row within the section."""


def functional_lines(
    functionals: Sequence[tuple[str, int]], watched: int, kinked: AbstractSet[int], cell: Cell
) -> list[str]:
    """Body of the loop over lanes for (kind, watched column) pairs; ``cell`` prints a place in W.

    ``kinked`` are columns that may have corners: no slope tells where their summits lie, and no rule of few points what
    lies below them. A spike between two samples stays unseen.
    """
    lines = [f"{name} = {cell(section, 0)}" for name, section in _STEP.items()]
    lines += _samples(range(watched), watched, cell)
    spans = sorted({(column, _sign(kind)) for kind, column in functionals if kind not in {"integral", "value_at"}})
    peaks = {(column, _sign(kind)) for kind, column in functionals if kind.endswith("mum")}
    for column, sign in spans:
        lines += _span(column, sign)
        if (column, sign) in peaks:
            lines += _peak(column, sign, smooth=column not in kinked)
    lines.append("attention = 0.0")
    for f, (kind, column) in enumerate(functionals):
        window = f"({cell('FROM', f)} <= t) & (t < {cell('UNTIL', f)})"
        values = {"v": f"v{column}", "s": f"{column}{_sign(kind)}", "acc": cell("ACC", f), "best": cell("BEST", f)}
        values |= {"level": cell("LEVEL", f), "until": cell("UNTIL", f), "rtol": cell("RTOL", 0)}
        rules = _CORNERS if kind == "integral" and column in kinked else _RULES[kind]
        lines += [f"w = kept if {window} else 0.0", "flag = 0.0"]
        lines += [line.format(**values) for line in rules]
        lines += [f"{cell('FLAG', f)} = flag", "attention = attention + flag"]
    total = " + ".join(f"v{c}_{k}" for c in range(watched) for k in range(1, SAMPLES))
    # 0 times infinity or NaN is NaN: one test for all samples of the step.
    return [
        *lines,
        f"{cell('ATTENTION', 0)} = attention",
        f"finite = ({total}) * 0.0",
        f"{cell('FINITE', 0)} = finite",
        f"{cell('EVENT', 0)} = 1.0 if (kept > 0.0) & (finite != finite) else {cell('EVENT', 0)}",
    ]


def trigger_lines(columns: Sequence[int], watched: int, cell: Cell) -> list[str]:
    """Body of the loop over lanes for triggers that follow the given watched columns."""
    lines = [f"{name} = {cell(section, 0)}" for name, section in _STEP.items()]
    lines += _samples(sorted(set(columns)), watched, cell)
    lines.append("attention = 0.0")
    for j, column in enumerate(columns):
        armed, may = (
            cell("ARMED", j),
            f"({cell('LEFT', j)} > 0.0) & ({cell('OPEN', j)} <= t) & (t < {cell('CLOSE', j)})",
        )
        lines.append(f"top = v{column}_0")
        lines += [f"top = v{column}_{k} if v{column}_{k} > top else top" for k in range(1, SAMPLES)]
        lines += [
            f"{armed} = 1.0 if (kept > 0.0) & (top <= 0.0) else {armed}",
            f"attention = attention + (kept if (top > 0.0) & {may} else 0.0)",
        ]
    lines.append(f"{cell('ATTENTION', 0)} = attention")
    return lines


_STEP: Mapping[str, str] = {"t": "T", "t1": "T1", "h": "HE", "kept": "KEPT"}


def _samples(columns: Sequence[int], watched: int, cell: Cell) -> list[str]:
    return [f"v{c}_{k} = {cell('SAMPLE', k * watched + c)}" for c in columns for k in range(SAMPLES)]


def _sign(kind: str) -> str:
    return "n" if kind in {"minimum", "time_of_minimum", "days_below", "first_day_below"} else "p"


def _span(column: int, sign: str) -> list[str]:
    """Largest and smallest sample of sign * value."""
    s = f"{column}{sign}"
    lines = [f"a{s}_{k} = {'-' if sign == 'n' else ''}v{column}_{k}" for k in range(SAMPLES)]
    lines += [f"top{s} = a{s}_0", f"low{s} = a{s}_0"]
    for k in range(1, SAMPLES):
        lines.append(f"top{s} = a{s}_{k} if a{s}_{k} > top{s} else top{s}")
        lines.append(f"low{s} = a{s}_{k} if a{s}_{k} < low{s} else low{s}")
    return lines


def _peak(column: int, sign: str, *, smooth: bool) -> list[str]:
    """Where the largest sample lies, and whether the observable may rise above it between samples."""
    s = f"{column}{sign}"
    lines = [f"place{s} = 1.0"]
    lines += [f"place{s} = {0.25 * k} if a{s}_{k} >= top{s} else place{s}" for k in range(SAMPLES - 2, -1, -1)]
    if not smooth:
        return [*lines, f"edge = top{s} <= low{s}", *_reach(s)]
    return [
        *lines,
        f"rise = 25.0 * a{s}_4 - 48.0 * a{s}_3 + 36.0 * a{s}_2 - 16.0 * a{s}_1 + 3.0 * a{s}_0",
        f"fall = 25.0 * a{s}_0 - 48.0 * a{s}_1 + 36.0 * a{s}_2 - 16.0 * a{s}_3 + 3.0 * a{s}_4",
        f"edge = ((a{s}_4 >= top{s}) & (rise >= 0.0)) | ((a{s}_0 >= top{s}) & (fall >= 0.0)) | (top{s} <= low{s})",
        *_reach(s),
    ]


def _reach(s: str) -> list[str]:
    # A summit between samples stands above them by less than a quarter of their span, if they show it at all.
    return [f"reach{s} = low{s} - 1.0 if edge else top{s} + 0.25 * (top{s} - low{s})"]


def _extremum(result: str) -> list[str]:
    return [
        "flag = w if reach{s} >= {best} else 0.0",
        "better = (w > 0.0) & (top{s} > {best})",
        f"{{acc}} = {result} if better else {{acc}}",
        "{best} = top{s} if better else {best}",
    ]


def _days(level: str) -> list[str]:
    return [
        f"{{acc}} = {{acc}} + (h if (w > 0.0) & (low{{s}} > {level}) else 0.0)",
        f"flag = w if (top{{s}} > {level}) & (low{{s}} <= {level}) else 0.0",
    ]


def _first(level: str) -> list[str]:
    return [f"flag = w if (top{{s}} > {level}) & ({{acc}} != {{acc}}) else 0.0"]


_AREA = "area = h * (7.0 * ({v}_0 + {v}_4) + 32.0 * ({v}_1 + {v}_3) + 12.0 * {v}_2) * (1.0 / 90.0)"
"""Boole's rule."""

_CORNERS: Sequence[str] = [
    _AREA,
    # A corner sets it and Simpson's rule on every other sample apart.
    "apart = abs(area - h * ({v}_0 + 4.0 * {v}_2 + {v}_4) * (1.0 / 6.0))",
    "flag = w if apart > {rtol} * h * (abs({v}_0) + abs({v}_2) + abs({v}_4)) else 0.0",
    "{acc} = {acc} + (area if (w > 0.0) & (flag <= 0.0) else 0.0)",
]

_RULES: Mapping[str, Sequence[str]] = {
    "maximum": _extremum("top{s}"),
    "time_of_maximum": _extremum("t + h * place{s}"),
    "minimum": _extremum("-top{s}"),
    "time_of_minimum": _extremum("t + h * place{s}"),
    "integral": [_AREA, "{acc} = {acc} + (area if w > 0.0 else 0.0)"],
    "days_below": _days("-{level}"),
    "days_above": _days("{level}"),
    "first_day_above": _first("{level}"),
    "first_day_below": _first("-{level}"),
    "last_day_above": [
        "{acc} = t1 if (w > 0.0) & (low{s} > {level}) else {acc}",
        "flag = w if (top{s} > {level}) & (low{s} <= {level}) else 0.0",
    ],
    "value_at": [
        "{acc} = {v}_4 if (kept > 0.0) & (t1 == {until}) else {acc}",
        "{acc} = {v}_0 if (kept > 0.0) & (t == {until}) else {acc}",
    ],
}
