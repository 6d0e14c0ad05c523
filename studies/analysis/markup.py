"""What a report consists of: text, tables and figures, numbered, as HTML. Everything that is text is escaped here."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MINUS = "\N{MINUS SIGN}"
_NUMBER = re.compile(rf"[-+<>.\d\[–{MINUS}]")  # how a cell begins that is one


@dataclass(frozen=True)
class Text:
    """A paragraph or heading, as HTML."""

    html: str


@dataclass(frozen=True)
class Table:
    """Cells as formatted text."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers, that stand to the right."""
        return [all(_NUMBER.match(cell) for cell in column) for column in zip(*self.rows, strict=True)]


@dataclass(frozen=True)
class Picture:
    """A figure and what it shows."""

    figure: Figure
    caption: str


Block = Text | Table | Picture
Blocks = tuple[Block, ...]


def table(head: Sequence[str], rows: Sequence[Sequence[object]], *, caption: str = "") -> Blocks:
    """A table; numbers are expected as formatted text. Nothing where there are no rows."""
    return (Table(head, [[str(cell) for cell in row] for row in rows], caption),) if rows else ()


def paragraph(text: str, *, kind: str = "") -> Blocks:
    """A paragraph, of a class if given."""
    return (Text(f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"),)


def heading(text: str, level: int = 2) -> Blocks:
    """A heading."""
    return (Text(f"<h{level}>{escape(text)}</h{level}>"),)


def picture(figure: Figure, caption: str) -> Blocks:
    """A figure."""
    return (Picture(figure, caption),)


def html_of(blocks: Blocks, svgs: Sequence[bytes]) -> str:
    """The blocks as HTML, tables and figures numbered from 1; `svgs` are the figures in order, which go into it."""
    parts: list[str] = []
    tables = figures = 0
    for block in blocks:
        match block:
            case Text():
                parts.append(block.html)
            case Table():
                tables += 1
                parts.append(_table(block, f"Table {tables}."))
            case Picture():
                parts.append(_picture(svgs[figures], block.caption, f"Figure {figures + 1}."))
                figures += 1
    return "\n".join(parts)


def p_value(p: float) -> str:
    """As papers write it; a dash for none."""
    if math.isnan(p):
        return "–"
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def interval(low: float, high: float, digits: int = 2) -> str:
    """[low, high], or a dash where there is none."""
    return f"[{number(low, digits)}, {number(high, digits)}]" if math.isfinite(low) and math.isfinite(high) else "–"


def number(value: float, digits: int = 2) -> str:
    """With a minus sign that is one; a dash for what is none."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.{digits}f}".replace("-", MINUS)


def named(name: str) -> str:
    """The name of a test as papers write it."""
    return name.replace(" - ", f" {MINUS} ").replace(" x ", " × ")


def signed(value: float) -> str:
    """A whole number with its sign; 0 has none."""
    return f"{value:+.0f}".replace("-", MINUS) if value else "0"


def share(value: float) -> str:
    """In percent."""
    return f"{100 * value:.0f} %"


def _table(found: Table, label: str) -> str:
    kinds = [' class="number"' if numeric else "" for numeric in found.numeric]
    cells = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in zip(found.head, kinds, strict=True))
    body = "".join(f"<tr>{_cells(row, kinds)}</tr>" for row in found.rows)
    caption = f"<figcaption><strong>{label}</strong> {escape(found.caption)}</figcaption>"
    rows = f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
    return f'<figure class="table">{caption}{rows}</figure>'


def _cells(row: Sequence[str], kinds: Sequence[str]) -> str:
    return "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True))


def _picture(svg: bytes, caption: str, label: str) -> str:
    data = base64.b64encode(svg).decode()
    image = f'<img alt="{escape(caption)}" src="data:image/svg+xml;base64,{data}">'
    return f"<figure>{image}<figcaption><strong>{label}</strong> {escape(caption)}</figcaption></figure>"
