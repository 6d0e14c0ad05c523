"""Films beside ours on paper: the tables of sync and naturalness as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...blendshapes.evaluation import naturalness as n
from ...core.whole_files import write_whole
from .compare import Comparison, medians

Emotions = Mapping[str, Mapping[str, float]]
FILES = ("report.md", "films.csv", "statistics.csv", "report.json")
WHOSE = ("real", "ours seen", "ours")


def markdown(comparisons: Sequence[Comparison], emotions: Emotions | None = None) -> str:
    """All tables."""
    parts = [_films(comparisons), _sync(comparisons)]
    table = medians(comparisons)
    parts += [_naturalness(section, table) for section in (n.LIPS, n.NARROWING, n.SIZE, n.REST)]
    parts += [_emotions(emotions)] if emotions else []
    return "\n\n".join(part for part in parts if part) + "\n"


def write_report(comparisons: Sequence[Comparison], emotions: Emotions | None, out: Path) -> list[Path]:
    """Write `FILES` into `out`; returns their paths."""
    films = [_film_row(c) for c in comparisons]
    rows = [
        {"film": str(c.film.path), "whose": whose, **{name: _plain(v) for name, v in measured.items()}}
        for c in comparisons
        for whose, measured in c.statistics.items()
    ]
    found = {
        "films": films,
        "sync": [{"film": str(c.film.path), **_plain_all(asdict(s))} for c in comparisons for s in c.sync],
        "statistics": rows,
        "formulas": {s.name: {"unit": s.unit, "section": s.section, "formula": s.formula} for s in n.STATISTICS},
        "people": {name: _plain_all(asdict(norm)) for name, norm in n.PEOPLE.items()},
        "emotions": {e: _plain_all(units) for e, units in (emotions or {}).items()},
    }
    texts = (markdown(comparisons, emotions), _csv(films), _csv(rows), json.dumps(found, indent=1) + "\n")
    for name, text in zip(FILES, texts, strict=True):
        write_whole(out / name, text.encode())
    return [out / name for name in FILES]


def _film_row(c: Comparison) -> dict[str, Any]:
    row: dict[str, Any] = {
        "film": str(c.film.path),
        "seconds": round(len(c.takes["real"]) / c.film.fps, 2),
        "fps": round(c.film.fps, 3),
        "seen": round(float(c.film.seen.mean()), 3),
        "offset_ms": round(c.offset.ms) if c.offset.told else None,
        "offset_r": _plain(round(c.offset.r, 3)),
    }
    for s in c.sync:
        told = {"r": s.r, "best": s.best, "delay_ms": s.delay_ms, "loudness": s.loudness}
        row |= {f"{s.curve}_{name}": _plain(round(v, 3)) for name, v in told.items()}
    return row | {"notes": "; ".join(c.warnings)}


def _films(comparisons: Sequence[Comparison]) -> str:
    lines = ["| film | seconds | frames/s | face seen | picture late, ms | notes |", "|---|---:|---:|---:|---:|---|"]
    for c in comparisons:
        row = _film_row(c)
        late = "not told" if row["offset_ms"] is None else f"{row['offset_ms']:+d}"
        name = _cell(c.film.path.name)
        lines.append(f"| {name} | {row['seconds']:g} | {row['fps']:g} | {row['seen']:.0%} | {late} | {row['notes']} |")
    return "\n".join(lines)


def _sync(comparisons: Sequence[Comparison]) -> str:
    """Medians over films of what is correlated."""
    lines = [
        "Ours from the film's sound against the film, its offset taken away: correlation at no delay, the best and its "
        "delay; of loudness alone, the best.",
        "",
        "| curve | r | best r | delay, ms | loudness |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in dict.fromkeys(s.curve for c in comparisons for s in c.sync):
        rows = [s for c in comparisons for s in c.sync if s.curve == name]
        values = [_median([getattr(s, field) for s in rows]) for field in ("r", "best", "delay_ms", "loudness")]
        lines.append(f"| {name} | {values[0]:.2f} | {values[1]:.2f} | {values[2]:+.0f} | {values[3]:.2f} |")
    return "\n".join(lines)


def _naturalness(section: str, table: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> str:
    """One section: the films' people, people as published, ours in pictures and on the mesh."""
    rows = [s for s in n.STATISTICS if s.section == section and not math.isnan(table["real"][s.name][0])]
    if not rows:
        return ""
    lines = [
        f"**{section[0].upper()}{section[1:]}**",
        "",
        "| | unit | these people | people before | ours in pictures | ours on the mesh | factor | what |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    ]
    for s in rows:
        real, seen, mesh = (table[whose][s.name] for whose in WHOSE)
        norm = n.PEOPLE.get(s.name)
        before = "" if norm is None else _spread((norm.value, norm.low, norm.high))
        factor = "" if s.unit in ("ms", "r") else _factor(seen[0], real[0])
        lines.append(
            f"| {s.name} | {s.unit} | {_spread(real)} | {before} | {_number(seen[0])} | {_number(mesh[0])} | {factor} "
            f"| {s.formula} |"
        )
    return "\n".join(lines)


def _emotions(emotions: Emotions) -> str:
    units = list(next(iter(emotions.values())))
    lines = [
        "**Emotions of ours as the tracker sees them** (intensity as asked, median weights while speaking)",
        "",
        "| | " + " | ".join(units) + " |",
        "|---|" + "---:|" * len(units),
    ]
    lines += [f"| {name} | " + " | ".join(f"{row[u]:.2f}" for u in units) + " |" for name, row in emotions.items()]
    return "\n".join(lines)


def _spread(values: tuple[float, float, float]) -> str:
    value, low, high = values
    if math.isnan(low) or low == high:
        return _number(value)
    return f"{_number(value)} [{_number(low)} {_number(high)}]"


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _factor(ours: float, real: float) -> str:
    return "" if math.isnan(ours) or math.isnan(real) or real == 0 else f"{ours / real:.2f}"


def _median(values: Sequence[float]) -> float:
    known = sorted(v for v in values if not math.isnan(v))
    return float(known[len(known) // 2] + known[(len(known) - 1) // 2]) / 2 if known else math.nan


def _plain(value: float) -> float | None:
    """A number that JSON and CSV can hold; None for none."""
    return None if isinstance(value, float) and math.isnan(value) else float(value)


def _plain_all(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) if isinstance(value, float) else value for name, value in row.items()}


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
