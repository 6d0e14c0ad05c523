"""Tables and figures of a report as files that a paper can take: CSV and LaTeX, SVG and PDF."""

from __future__ import annotations

import re
from pathlib import Path

from ...core.tables import csv_text
from ...core.whole_files import write_whole
from .figures import drawn
from .markup import MINUS, Blocks, Picture, Table

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    MINUS: r"$-$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "χ": r"$\chi$",
    "²": r"$^2$",
    "₀": r"$_0$",
    "₁": r"$_1$",
    "₂": r"$_2$",
    "–": "--",
    "“": "``",
    "”": "''",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_SPECIAL = re.compile("|".join(map(re.escape, SPECIAL)))


def write_papers(blocks: Blocks, folder: Path, *, width_mm: float) -> list[bytes]:
    """Write `tables/table_N.csv` and `.tex`, `figures/figure_N.svg` and `.pdf`, numbered as on the page; all SVGs.

    Those of an earlier report in the same folder are replaced or removed. Raises InputError.
    """
    for old in (*folder.glob("tables/table_[0-9]*.*"), *folder.glob("figures/figure_[0-9]*.*")):
        old.unlink(missing_ok=True)
    for number, table in enumerate((b for b in blocks if isinstance(b, Table)), start=1):
        path = folder / "tables" / f"table_{number}"
        write_whole(path.with_suffix(".csv"), csv_of(table).encode())
        write_whole(path.with_suffix(".tex"), latex_of(table, f"tab:{number}").encode())
    svgs: list[bytes] = []
    for number, picture in enumerate((b for b in blocks if isinstance(b, Picture)), start=1):
        path = folder / "figures" / f"figure_{number}"
        svgs.append(drawn(picture.figure, "svg", width_mm=width_mm))
        write_whole(path.with_suffix(".svg"), svgs[-1])
        write_whole(path.with_suffix(".pdf"), drawn(picture.figure, "pdf", width_mm=width_mm))
    return svgs


def csv_of(table: Table) -> str:
    """The cells as they stand in the report, with plain minus signs."""
    head, *rows = ([cell.replace(MINUS, "-") for cell in row] for row in (table.head, *table.rows))
    return csv_text(head, rows)


def latex_of(table: Table, label: str) -> str:
    """A floating table in the manner of the package booktabs, which it needs."""
    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    rows = [" & ".join(map(escaped, row)) + r" \\" for row in (table.head, *table.rows)]
    lines = [
        r"\begin{table}",
        rf"  \caption{{{escaped(table.caption)}}}",
        rf"  \label{{{label}}}",
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        f"    {rows[0]}",
        r"    \midrule",
        *(f"    {row}" for row in rows[1:]),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text whose signs mean nothing to LaTeX."""
    words = _SPECIAL.sub(lambda found: SPECIAL[found[0]], text)
    return f"{{}}{words}" if words.startswith("[") else words  # which \\ would take as its argument
