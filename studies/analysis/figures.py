"""The figures of a report, in vectors."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..possible import STEP_MS
from .clusters import Floats, Test
from .contrasts import Mean, Scored
from .factorial import Factorial
from .identification import Confusion
from .markup import signed
from .order import Psychometric
from .preference import Strength
from .psychometric import AtOffset
from .sync import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, GREY, PALE = "#2563a8", "#777777", "#b9cde4"
THICK, THIN = 3.0, 1.0  # lines of intervals: for these clips, and for new ones
LINES = (BLUE, "#d1712a", "#3c8f5a", "#8c4fa3", "#777777", "#c0394b", "#2aa0a8", "#a08020")  # of a factor's levels
WIDTH = 160 / 25.4  # inches, before `drawn` gives a figure its own
LEGEND: dict[str, Any] = {"frameon": False, "fontsize": 8, "title_fontsize": 8}
STYLE = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "emosplat",
    "pdf.fonttype": 42,  # TrueType, which publishers take; letters of an SVG are drawn as shapes
}


def drawn(figure: Figure, kind: Literal["svg", "pdf"], *, width_mm: float) -> bytes:
    """A figure as a file, so wide; the same bytes for the same figure."""
    from matplotlib import rc_context

    out = io.BytesIO()
    with rc_context(_style()):
        figure.set_size_inches(width_mm / 25.4, figure.get_figheight())
        figure.savefig(out, format=kind, metadata={"Date" if kind == "svg" else "CreationDate": None})
    return out.getvalue()


def factorial_figure(found: Factorial, means: Sequence[Mean]) -> Figure:
    """Means of all combinations: the factor with most levels along the axis, the next as lines, others as panels."""
    factors = sorted(found.layout.factors, key=lambda name: -len(found.layout.factors[name]))
    axis, lines, panels = factors[0], factors[1] if len(factors) > 1 else None, factors[2:]
    which = {name: dict(zip(found.layout.factors, cell, strict=True)) for name, cell in found.layout.cells.items()}
    titles = list(dict.fromkeys(", ".join(which[name][p] for p in panels) for name in which))
    figure, axes = _figure(3.0, panels=len(titles))
    levels = found.layout.factors[axis]
    entries = found.layout.factors[lines] if lines else [""]
    apart = 0.5 / max(len(entries), 1)
    for panel, title in zip(axes, titles, strict=True):
        for i, entry in enumerate(entries):
            cells = [
                (levels.index(which[m.condition][axis]) + (i - (len(entries) - 1) / 2) * apart, m.estimate)
                for m in means
                if ", ".join(which[m.condition][p] for p in panels) == title
                and (lines is None or which[m.condition][lines] == entry)
            ]
            colour = LINES[i % len(LINES)]
            for x, mean in cells:
                panel.vlines(x, mean.low_these, mean.high_these, color=colour, lw=THICK)
                panel.vlines(x, mean.low, mean.high, color=colour, lw=THIN)
            points = sorted((x, mean.value) for x, mean in cells)
            panel.plot(*zip(*points, strict=True), "o-", color=colour, ms=5, lw=0.8, label=entry)
        panel.set_xticks(range(len(levels)), levels)
        panel.set(xlabel=axis, xlim=(-0.6, len(levels) - 0.4), title=title)
    axes[0].set_ylabel(found.measure.name if not found.measure.binary else f"share {found.measure.name}")
    if lines:
        figure.legend(*axes[0].get_legend_handles_labels(), title=lines, loc="outside right upper", **LEGEND)
    return figure


def preference_figure(tests: Sequence[Test]) -> Figure:
    """Share that chose the first of each pair, with intervals and the line of indifference."""
    figure, (axes,) = _figure(0.7 + 0.42 * len(tests))
    rows = np.arange(len(tests))[::-1]
    for row, test in zip(rows, tests, strict=True):
        found = test.estimate
        _dot(axes, found.value, row, found.low_these, found.high_these)
        axes.hlines(row, found.low, found.high, color=BLUE, lw=THIN)
    axes.axvline(0.5, color=GREY, lw=1, ls="--")
    _rows(axes, [test.name for test in tests], rows)
    axes.set(xlim=(0, 1), xlabel="share that chose the first")
    return figure


def strength_figure(strengths: Sequence[Strength]) -> Figure:
    """Conditions on the Bradley-Terry scale."""
    figure, (axes,) = _figure(0.7 + 0.42 * len(strengths))
    ordered = sorted(strengths, key=lambda s: s.value)
    for row, one in enumerate(ordered):
        _dot(axes, one.value, row, one.low, one.high)
    axes.axvline(0, color=GREY, lw=1, ls="--")
    _rows(axes, [one.condition for one in ordered], np.arange(len(ordered)))
    axes.set(xlabel="Bradley-Terry strength (logits), with 95 % interval")
    return figure


def score_figure(scored: Scored, means: Sequence[Mean], *, label: str) -> Figure:
    """Participants' means as dots, and each condition's mean with its interval."""
    figure, (axes,) = _figure(3.0)
    rng = np.random.default_rng(0)
    low, high = scored.limits
    margin = 0.04 * (high - low)
    for column, mean in enumerate(means):
        own = _participant_means(scored, mean.condition)
        axes.scatter(column - 0.16 + rng.uniform(-0.07, 0.07, len(own)), own, s=12, color=PALE, zorder=1)
        found = mean.estimate
        axes.vlines(column, found.low_these, found.high_these, color=BLUE, lw=THICK, zorder=2)
        axes.vlines(column, found.low, found.high, color=BLUE, lw=THIN, zorder=2)
        axes.plot(column, found.value, "o", color=BLUE, ms=6, zorder=3)
    axes.set_xticks(range(len(means)), [mean.condition for mean in means])
    axes.set(ylabel=label, ylim=(low - margin, high + margin), xlim=(-0.6, len(means) - 0.4))
    return figure


def confusion_figure(found: Confusion) -> Figure:
    """Answers in % of each condition's showings."""
    shown = np.maximum(found.counts.sum(axis=1, keepdims=True), 1)
    shares = 100 * found.counts / shown
    figure, (axes,) = _figure(1.0 + 0.42 * len(found.conditions))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for (row, column), value in np.ndenumerate(shares):
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", color="white" if value > 55 else "black")
    axes.set_xticks(range(len(found.choices)), found.choices)
    axes.set_yticks(range(len(found.conditions)), found.conditions)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set(xlabel="answer (% of showings)", ylabel="shown")
    return figure


def sync_figure(
    points: Sequence[AtOffset], curve: Curve | Psychometric | None, *, label: str = "share “in sync”"
) -> Figure:
    """Share of an answer by offset, the fitted curve, its centre, and its window if it has one."""
    figure, (axes,) = _figure(3.0)
    offsets = np.array([point.offset_ms for point in points], dtype=np.float64)
    margin = 0.08 * np.ptp(offsets) if len(offsets) > 1 else 50.0
    if curve is not None:
        x = np.linspace(offsets.min() - margin, offsets.max() + margin, 300)
        centre, half = (curve.centre, curve.window / 2) if isinstance(curve, Curve) else (curve.pss, curve.jnd)
        axes.axvspan(centre - half, centre + half, color=PALE, alpha=0.35, lw=0)
        axes.plot(x, curve.at(x), color=BLUE, lw=1.5)
        axes.axvline(centre, color=BLUE, lw=1, ls=":")
    for point in points:
        axes.vlines(point.offset_ms, *point.wilson, color=GREY, lw=1.5)
        axes.plot(point.offset_ms, point.said / point.answers, "o", color="black", ms=5)
    axes.set_xticks(offsets, [signed(offset) for offset in offsets])
    axes.set(xlabel="sound after the picture (ms)", ylabel=label, ylim=(-0.02, 1.02))
    axes.set_xlim(float(offsets.min() - margin), float(offsets.max() + margin))
    return figure


def course_figure(courses: Mapping[str, Floats]) -> Figure:
    """Mean traces, 0 to 100, over the time of the video."""
    figure, (axes,) = _figure(3.0)
    for place, (name, values) in enumerate(courses.items()):
        style = ("-", "--", "-.", ":")[place % 4]
        axes.plot(np.arange(len(values)) * STEP_MS / 1000, values, style, lw=1.5, label=name)
    axes.set(xlabel="time of the video (s)", ylabel="rating (0 to 100)", ylim=(-2, 102))
    axes.legend(frameon=False)
    return figure


def _participant_means(scored: Scored, condition: str) -> list[float]:
    given: dict[str, list[float]] = {}
    for who, what, score in zip(scored.participants, scored.conditions, scored.scores, strict=True):
        if what == condition:
            given.setdefault(who, []).append(float(score))
    return [float(np.mean(scores)) for scores in given.values()]


def _figure(height: float, *, panels: int = 1) -> tuple[Figure, Sequence[Axes]]:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_style()):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        return figure, figure.subplots(1, panels, sharey=True, squeeze=False)[0]


def _dot(axes: Axes, value: float, row: float, low: float, high: float) -> None:
    axes.hlines(row, low, high, color=BLUE, lw=THICK)
    axes.plot(value, row, "o", color=BLUE, ms=7)


def _rows(axes: Axes, names: Sequence[str], rows: np.ndarray) -> None:
    axes.set_yticks(rows, names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.tick_params(axis="y", length=0)


def _style() -> dict[Any, Any]:  # the type of the keys is a long Literal in some versions
    return dict(STYLE)
