"""Tables, figures and numbers as HTML. Everything that is text is escaped here."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Sequence
from html import escape

MINUS = "\N{MINUS SIGN}"
_NUMBER = re.compile(rf"[-+<.\d\[–{MINUS}]")  # how a cell begins that is one


def table(head: Sequence[str], rows: Sequence[Sequence[object]], *, caption: str = "") -> str:
    """A table; numbers are expected as formatted text. Nothing where there are no rows."""
    if not rows:
        return ""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    kinds = [
        ' class="number"' if all(_NUMBER.match(str(cell)) for cell in column) else ""
        for column in zip(*rows, strict=True)
    ]
    cells = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in zip(head, kinds, strict=True))
    body = "".join(f"<tr>{_cells(row, kinds)}</tr>" for row in rows)
    return f"<table>{title}<thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def paragraph(text: str, *, kind: str = "") -> str:
    """A paragraph, of a class if given."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text: str, level: int = 2) -> str:
    """A heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def picture(svg: bytes, caption: str) -> str:
    """A figure inside the page itself."""
    data = base64.b64encode(svg).decode()
    image = f'<img alt="{escape(caption)}" src="data:image/svg+xml;base64,{data}">'
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def p_value(p: float) -> str:
    """As papers write it."""
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def interval(low: float, high: float, digits: int = 2) -> str:
    """[low, high], or a dash where there is none."""
    return f"[{number(low, digits)}, {number(high, digits)}]" if math.isfinite(low) and math.isfinite(high) else "–"


def number(value: float, digits: int = 2) -> str:
    """With a minus sign that is one."""
    return f"{value:.{digits}f}".replace("-", MINUS)


def signed(value: float) -> str:
    """A whole number with its sign; 0 has none."""
    return f"{value:+.0f}".replace("-", MINUS) if value else "0"


def _cells(row: Sequence[object], kinds: Sequence[str]) -> str:
    return "".join(f"<td{kind}>{escape(str(cell))}</td>" for cell, kind in zip(row, kinds, strict=True))


def share(value: float) -> str:
    """In percent."""
    return f"{100 * value:.0f} %"
