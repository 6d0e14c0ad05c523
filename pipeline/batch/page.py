"""A page to look through a batch: posters that play on hover, filters by status and emotion. Needs no network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from ..style.library import style_name

SHOWN = (
    "id",
    "out",
    "status",
    "reason",
    "avatar",
    "emotion",
    "intensity",
    "duration_s",
    "fps_achieved",
    "loudness_lufs",
)


def contact_sheet(rows: Sequence[Mapping[str, Any]], posters: Sequence[str], *, items: int) -> str:
    """The page as HTML; videos are linked by their names relative to it, posters lie inside.

    `items`: how many there are, of which `rows` may be the first.
    """
    cards = [
        {
            **{name: row[name] for name in SHOWN},
            "style": style_name(row["style"]),
            "url": quote(row["out"]),
            "poster": poster,
        }
        for row, poster in zip(rows, posters, strict=True)
    ]
    # "<" could end the script element
    data = json.dumps(cards, ensure_ascii=False).replace("<", "\\u003c")
    template = files("emosplat.pipeline.batch").joinpath("page.html").read_text(encoding="utf-8")
    cut = f": the first {len(rows)} of {items} items" if len(rows) < items else ""
    return template.replace("__CUT__", cut).replace("__CARDS__", data)
