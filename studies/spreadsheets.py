"""What participants wrote, in tables that people open with a spreadsheet: it must not take words for a formula.

Excel shows `-nothing` as `#NAME?` and saves that; what somebody means to be a formula (`=HYPERLINK(...)`) it may run.
An apostrophe before keeps both text, as OWASP's ASVS asks for (1.2.10). Reading takes it away again.
"""

from __future__ import annotations

import re

# how what a spreadsheet works out begins, also in full width; and what has apostrophes before it already, which stay
FORMULA = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"[+-]?[0-9., %]*")  # is a number there, too


def as_text(words: str) -> str:
    """The words as a cell that stays as it is.

    >>> as_text("=1+1"), as_text("-5.2"), as_text("well-known")
    ("'=1+1", '-5.2', 'well-known')
    """
    return f"'{words}" if FORMULA.match(words) and not NUMBER.fullmatch(words) else words


def as_written(cell: str) -> str:
    """The words that such a cell holds."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
