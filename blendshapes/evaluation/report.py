"""An evaluation on disk: the table as CSV and Markdown, every sequence as CSV, and plots."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ..speech.features import RATE
from .evaluate import Curve, Evaluation, Row, measures, rates

F64 = NDArray[np.float64]

FILES = ("table.md", "table.csv", "sequences.csv", "curves.png", "error.png")
BLUE, GREY, INK = "#2a6fb0", "#b9bec6", "#30343b"


def summary(e: Evaluation) -> str:
    """What was compared, in one line."""
    silent = f", {e.silent} without sound left out" if e.silent else ""
    frames = sum(row.scores.frames for row in e.rows)
    return f"{e.kind}: {len(e.rows)} sequences, {frames} frames at {rates(e.rows)}, head {e.head}{silent}"


def markdown(e: Evaluation) -> str:
    """The table for people."""
    lines = ["| measure | value | unit | vertices | formula |", "|---|---:|---|---|---|"]
    lines += [
        f"| {m.name} | {m.value:.4g} | {m.unit} | {m.where} | {m.formula.replace('|', chr(92) + '|')} |"
        for m in measures(e)
    ]
    return f"{summary(e)}\n\nx prediction, y truth, n the neutral face.\n\n" + "\n".join(lines) + "\n"


def write_report(e: Evaluation, head: HeadModel, out: Path) -> list[Path]:
    """Write `FILES` into `out`; returns their paths."""
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / name for name in FILES]
    paths[0].write_text(markdown(e), encoding="utf-8")
    _write_csv(paths[1], [asdict(m) for m in measures(e)])
    _write_csv(paths[2], [_flat(row) for row in e.rows])
    draw_curves(e.curves, paths[3])
    draw_error(e.error, head, paths[4])
    return paths


def _flat(row: Row) -> dict[str, object]:
    values = asdict(row)
    return values.pop("scores") | values


def _write_csv(path: Path, rows: Iterable[dict[str, object]]) -> None:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def draw_curves(curves: tuple[Curve, ...], path: Path) -> None:
    """Opening of the mouth over the waveform, prediction and truth."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 1.9 * len(curves)), layout="constrained")
    for axes, curve in zip(np.atleast_1d(figure.subplots(len(curves), sharex=False)), curves, strict=True):
        sound = axes.twinx()
        sound.plot(np.arange(len(curve.sound)) / RATE, curve.sound, color=GREY, lw=0.4, zorder=0)
        sound.set(yticks=[], ylim=(-1, 1))
        for gap, colour, label in ((curve.truth, INK, "truth"), (curve.predicted, BLUE, "predicted")):
            axes.plot(np.arange(len(gap)) / curve.fps, 1000 * gap, color=colour, lw=1.3, label=label)
        axes.set_zorder(sound.get_zorder() + 1)
        axes.patch.set_visible(False)
        axes.set_title(curve.name, fontsize=9, loc="left")
        axes.set_ylabel("lip gap, mm", fontsize=8)
        axes.margins(x=0)
        axes.tick_params(labelsize=8)
        for side in (axes, sound):
            side.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(frameon=False, fontsize=8, ncols=2, loc="upper right")
    figure.axes[2 * len(curves) - 2].set_xlabel("seconds", fontsize=8)
    figure.savefig(path, dpi=110)


def draw_error(error: F64, head: HeadModel, path: Path) -> None:
    """Mean distance of every vertex on the face, seen from the front."""
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    points = head.v_template
    corners = points[head.faces]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] > 0
    order = np.argsort(corners[facing].mean(axis=1)[:, 2])
    faces = head.faces[facing][order]
    figure = Figure(figsize=(4.6, 5), layout="constrained")
    axes = figure.add_subplot()
    colours = 1000 * error[faces].mean(axis=1)
    skin = PolyCollection(list(1000 * points[faces][:, :, :2]), array=colours, cmap="magma", edgecolors="face", lw=0.2)
    axes.add_collection(skin)
    axes.set_aspect("equal")
    left, right = 1000 * points[head.mouth_corners, :2]
    middle, eyes = (left + right) / 2, 1000 * head.joints[3, 1]
    reach = 2.2 * (eyes - middle[1])  # the face: the rest of the head hardly moves
    axes.set(xlim=middle[0] + reach * np.array([-0.8, 0.8]), ylim=(middle[1] - 0.6 * reach, middle[1] + 1.2 * reach))
    axes.axis("off")
    figure.colorbar(skin, ax=axes, shrink=0.6, label="mean distance, mm")
    figure.savefig(path, dpi=110)
