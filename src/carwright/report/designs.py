"""Designs compared on the same virtual patients: the numbers of ``summary.json`` as figures and text need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from carwright.report.figure import Key, Trace
from carwright.report.palette import design_marks, translucent
from carwright.report.run import Run, Unavailable
from carwright.report.wording import is_share, percent, points, rule_label, span

MONTH = 365.25 / 12
"""Days."""

WHAT_INTERVALS_MEAN = (
    "Thick bars: Monte Carlo error, 90 %, which more simulated populations and trials would shrink. Thin bars: where "
    "the number lies in a population like those drawn, which they would not."
)

_SHAPES = {"circle-open": "open", "diamond-open": "open-diamond", "square-open": "square"}

Reading = Mapping[str, Any]


@dataclass(frozen=True)
class Comparison:
    """The entry ``designs`` of a summary."""

    run: Run
    data: Mapping[str, Any]

    @property
    def own(self) -> str:
        """Name of the study's own design."""
        return str(self.data["own"])

    @property
    def names(self) -> list[str]:
        """Names of the designs, the study's own first."""
        names = list(self.data["by_design"])
        return [self.own, *(name for name in names if name != self.own)]

    @property
    def rules(self) -> list[str]:
        """Adjudication rules, the study's own first."""
        return list(self.data["rules"])

    def label(self, name: str) -> str:
        """Name of a design for readers."""
        return design_label(name) + (" (the study’s)" if name == self.own else "")

    def reading(self, name: str, key: str, rule: str | None = None, what: str = "characteristics") -> Reading:
        """One number with both intervals; durations in months."""
        found: Reading = self.data["by_design"][name][rule or self.rules[0]][what][key]
        return _in_months(found) if self.data["units"][key] == "days" else found

    def unit(self, key: str) -> str:
        """Unit of a characteristic as shown."""
        unit = str(self.data["units"][key])
        return "months" if unit == "days" else unit

    def row(self, key: str) -> str:
        """Label of a characteristic, with a true minus sign in names of nodes."""
        return str(self.data["labels"][key]).replace("node -", "node −")

    def text(self, name: str, key: str, rule: str | None = None) -> str:
        """Estimate with its Monte Carlo interval."""
        found, unit = self.reading(name, key, rule), self.unit(key)
        return text_of(found, unit)

    def difference(self, name: str, key: str) -> str:
        """Paired difference from the study's own design with its Monte Carlo interval."""
        return difference_text(self.reading(name, key, what="differences"), self.unit(key))

    @property
    def keys(self) -> list[Key]:
        """Legend of the designs."""
        marks = design_marks(self.names)
        return [Key(name, self.label(name), marks[name][0], shape_of(marks[name][1])) for name in self.names]


def comparison(run: Run) -> Comparison:
    """Read the comparison of a run.

    Raises
    ------
    Unavailable
        The study compares no designs.
    """
    data = run.summary.get("designs")
    if not data:
        message = "the study compares no designs (key compare_designs)"
        raise Unavailable(message)
    return Comparison(run, data)


def design_label(name: str) -> str:
    """Name of a registered design as the literature writes it; other names as they are."""
    known = {"boin12": "BOIN12", "efftox": "EffTox", "wages-tait": "Wages–Tait", "pocrm": "POCRM", "mtpi": "mTPI"}
    if name in known:
        return known[name]
    words = {"boin", "crm", "blrm", "tite", "bf", "tpi"}
    return "-".join(part.upper() if part in words else "mTPI" if part == "mtpi" else part for part in name.split("-"))


def text_of(found: Reading, unit: str) -> str:
    """An estimate with its Monte Carlo interval."""
    ends = found["monte_carlo"]
    if is_share(unit):
        return f"{percent(found['estimate'])} ({span(ends, unit)})"
    return f"{count(found['estimate'])} ({count(ends['lo'])} to {count(ends['hi'])})"


def count(value: float | None) -> str:
    """A mean number of patients or months: two decimals below 10, one from there on."""
    if value is None:
        return "–"
    return f"{value:.{1 if abs(value) >= 9.995 else 2}f}".replace("-", "−")


def difference_text(found: Reading, unit: str) -> str:
    """A difference with its Monte Carlo interval; shares in percentage points."""
    ends = found["monte_carlo"]
    if is_share(unit):
        return f"{points(found['estimate'])} ({points(ends['lo'])} to {points(ends['hi'])})"
    return f"{signed(found['estimate'])} ({signed(ends['lo'])} to {signed(ends['hi'])})"


def signed(value: float | None) -> str:
    """A number with its sign."""
    return f"+{count(value)}" if value is not None and value > 0 else count(value)


def clear(found: Reading) -> bool:
    """Whether the Monte Carlo interval of a difference stays off zero."""
    ends = found["monte_carlo"]
    return ends["lo"] is not None and (ends["lo"] > 0 or ends["hi"] < 0)


def shape_of(symbol: str) -> str:
    """Shape in the legend of a marker in the plot."""
    return _SHAPES.get(symbol, symbol)


def marks(
    readings: Sequence[Reading],
    places: Sequence[float],
    *,
    group: str,
    mark: tuple[str, str],
    hover: Sequence[str],
) -> list[Trace]:
    """Estimates along x, one row each, with the population's interval thin and the Monte Carlo interval thick."""
    colour, symbol = mark
    estimates = [reading["estimate"] for reading in readings]

    def bars(ends: Sequence[Mapping[str, Any]], shade: str, width: float) -> dict[str, Any]:
        return {
            "type": "data",
            "symmetric": False,
            "array": [_length(end["hi"], middle) for end, middle in zip(ends, estimates, strict=True)],
            "arrayminus": [_length(middle, end["lo"]) for end, middle in zip(ends, estimates, strict=True)],
            "color": shade,
            "thickness": width,
            "width": 0,
        }

    shared: Trace = {"type": "scatter", "mode": "markers", "x": estimates, "y": list(places), "legendgroup": group}
    return [
        {
            **shared,
            "marker": {"color": colour, "size": 1},
            "error_x": bars(readings, translucent(colour, 0.45), 1.5),
            "hoverinfo": "skip",
        },
        {
            **shared,
            "marker": {"color": colour, "symbol": symbol, "size": 10, "line": {"color": "#ffffff", "width": 1}},
            "error_x": bars([reading["monte_carlo"] for reading in readings], colour, 4),
            "text": list(hover),
            "hovertemplate": "%{text}<extra></extra>",
        },
    ]


def hover_text(title: str, reading: Reading, unit: str) -> str:
    """Estimate and both intervals in words."""
    return (
        f"{title}<br>{text_of(reading, unit)} by Monte Carlo error;<br>"
        f"in a population like those drawn {span(reading, unit)}"
    )


def shifts(count: int) -> list[float]:
    """Where within a row of height 1 each of ``count`` marks stands, the first highest."""
    step = 0.66 / max(1, count)
    return [((count - 1) / 2 - place) * step for place in range(count)]


def node_name(run: Run, name: str) -> str:
    """Label of a node, or of none."""
    return next((node.label for node in run.nodes if node.name == name), "no node")


@dataclass(frozen=True)
class Cell:
    """A number of one design, and its paired difference from the study's own."""

    text: str
    difference: str
    clear: bool


@dataclass(frozen=True)
class Row:
    """One characteristic of all designs."""

    label: str
    unit: str
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    """Designs side by side."""

    names: list[str]
    rows: list[Row]
    set_up: list[tuple[str, str]]


def design_rows(run: Run) -> Table | None:
    """The table of designs; None where none are compared."""
    try:
        found = comparison(run)
    except Unavailable:
        return None
    rows = []
    for key in found.data["labels"]:
        unit = found.unit(key)
        cells = [
            Cell(
                found.text(name, key),
                "" if name == found.own else found.difference(name, key),
                clear(found.reading(name, key, what="differences")),
            )
            for name in found.names
        ]
        rows.append(Row(found.row(key), "months" if unit == "months" else "", cells))
    set_up = [(found.label(name), _set_up(found.data["records"][name])) for name in found.names]
    return Table([found.label(name) for name in found.names], rows, set_up)


def _set_up(record: Mapping[str, Any]) -> str:
    """Options and rules of a design record that were given or have a default, in a line."""
    parts = [_options(record["options"])]
    parts += [
        f"{name} ({text})" if (text := _options(rule[name])) else name for rule in record["rules"] for name in rule
    ]
    return "; ".join(part for part in parts if part)


def _options(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in options.items() if value not in (None, [], {}))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return " ".join(_shown(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def takeaways(run: Run) -> list[str]:
    """Sentences composed from the numbers, each with its uncertainty; empty where no designs are compared."""
    try:
        found = comparison(run)
    except Unavailable:
        return []
    sentences = [_truth(found), *_accuracy(found), *_costs(found), _definitions(found), _shortage(found)]
    return [sentence for sentence in sentences if sentence]


def _truth(found: Comparison) -> str:
    shares = found.data["truth"][found.rules[0]]["highest_tolerated"]
    best = max(shares, key=lambda name: shares[name])
    target = percent(found.data["target"])
    what = f"{node_name(found.run, best)} is a highest tolerated node" if best != "none" else "no node is tolerated"
    return (
        f"In {percent(shares[best])} of the virtual populations {what}: at most {target} of its patients have a "
        "dose-limiting toxicity there, and at every node below."
    )


def _accuracy(found: Comparison) -> list[str]:
    own = found.own
    right, toxic = found.text(own, "correct"), found.text(own, "too_toxic")
    first = f"{design_label(own)}, the study’s design, recommends such a node in {right} of trials"
    lines = [f"{first} and one that is too toxic in {toxic}."]
    for name in found.names[1:]:
        difference = found.reading(name, "correct", what="differences")
        shown = f"{found.difference(name, 'correct')} percentage points"
        spread = f"{points(difference['lo'])} to {points(difference['hi'])} from population to population"
        if not clear(difference):
            lines.append(
                f"{design_label(name)} cannot be told from it by this run: a difference of {shown}, paired on the same "
                f"patients ({spread})."
            )
            continue
        verb = "more" if difference["estimate"] > 0 else "less"
        lines.append(
            f"{design_label(name)} does so {verb} often: {found.text(name, 'correct')}, a difference of {shown}, "
            f"paired on the same patients; it is {spread}."
        )
    return lines


def _costs(found: Comparison) -> list[str]:
    lines = []
    for name in found.names[1:]:
        parts = [
            _change(found.reading(name, key, what="differences"), words)
            for key, words in (
                ("infused", "patients"),
                ("dlts", "dose-limiting toxicities"),
                ("infused_above", "patients at nodes above the target"),
                ("duration_days", "months"),
            )
        ]
        lines.append(f"Against {design_label(found.own)}, a trial with {design_label(name)} takes {_listed(parts)}.")
    return lines


def _change(found: Reading, words: str) -> str:
    """A difference as more or fewer, such as ``8.3 (8.0 to 8.6) more patients``."""
    down = found["estimate"] < 0
    ends = [found["monte_carlo"][end] for end in (("hi", "lo") if down else ("lo", "hi"))]
    low, high = (count(None if end is None else -end if down else end) for end in ends)
    return f"{count(abs(found['estimate']))} ({low} to {high}) {'fewer' if down else 'more'} {words}"


def _definitions(found: Comparison) -> str:
    """How far the definition of toxicity moves the recommendation, beside how far the design does."""
    nodes = [f"recommends_{name}" for name in (*found.run.node_names, "none")]
    moves = [
        (abs(reading["estimate"]), name, rule, key, reading)
        for name in found.names
        for rule in found.rules[1:]
        for key in nodes
        if (reading := found.reading(name, key, rule, "moves"))
    ]
    if not moves:
        return ""
    _, name, rule, key, most = max(moves, key=lambda item: item[0])
    node = node_name(found.run, key.removeprefix("recommends_"))
    share = found.text(name, key, rule)
    text = (
        f"The definition of toxicity counts as well: judged by “{rule_label(rule)}” instead of "
        f"“{rule_label(found.rules[0])}”, {design_label(name)} recommends {node} in {share} "
        f"instead of {found.text(name, key)} of trials, a move of {difference_text(most, 'probability')} "
        "percentage points"
    )
    others = [found.reading(other, place, what="differences") for other in found.names[1:] for place in nodes]
    if not others:
        return f"{text}."
    other = max(others, key=lambda reading: abs(reading["estimate"]))
    return (
        f"{text}. Under one definition, the choice between these designs moves no node by more than "
        f"{difference_text(other, 'probability')}."
    )


def _shortage(found: Comparison) -> str:
    short = [name for name in found.names if found.reading(name, "ran_out")["estimate"] > 0.01]
    if not short:
        return ""
    shares = _listed([f"{found.text(name, 'ran_out')} with {design_label(name)}" for name in short])
    return (
        f"Trials that met every patient of their population and so recommend nothing: {shares}. Draw larger "
        "populations (population.patients_per_population)."
    )


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _in_months(found: Reading) -> Reading:
    def months(value: float | None) -> float | None:
        return None if value is None else value / MONTH

    ends = found["monte_carlo"]
    return {
        **{key: months(found[key]) for key in ("estimate", "lo", "hi")},
        "monte_carlo": {key: months(ends[key]) for key in ("lo", "hi")},
    }


def _length(high: float | None, low: float | None) -> float:
    return 0.0 if high is None or low is None else max(0.0, high - low)
