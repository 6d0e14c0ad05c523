"""XML of scores, read safely: bounded in size and depth, without entities; and what its elements hold."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from ...core.errors import InputError

MOST_BYTES = 32 << 20
MOST_ELEMENTS = 2_000_000
DEEPEST = 100
_NUMBER = re.compile(r"\s*[-+]?\d{1,9}(?:\.\d{0,20})?\s*|\s*[-+]?\.\d{1,20}\s*")


def parse_xml(data: bytes, *, source: str) -> Element:
    """The tree of an XML file; raises InputError for what is none, declares entities, or is too large or too deep."""
    builder, parser = TreeBuilder(), expat.ParserCreate()
    parser.buffer_text = True
    depth = count = 0

    def refuse(*_: object) -> None:
        raise InputError(f"{source}: line {parser.CurrentLineNumber}: expected no entity declarations, found one")

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > DEEPEST or count > MOST_ELEMENTS:
            raise InputError(
                f"{source}: line {parser.CurrentLineNumber}: expected at most {MOST_ELEMENTS} elements, "
                f"{DEEPEST} deep, found more"
            )
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser.EntityDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, builder.data
    if len(data) > MOST_BYTES:
        raise InputError(f"{source}: expected at most {MOST_BYTES >> 20} MiB of XML, found more")
    try:
        parser.Parse(data, True)
        return builder.close()
    except InputError:
        raise
    except expat.ExpatError as error:
        raise InputError(
            f"{source}: line {error.lineno}: expected XML, found {expat.ErrorString(error.code)}"
        ) from None
    except (LookupError, ValueError, TypeError) as error:  # an encoding that nobody knows
        raise InputError(f"{source}: expected XML, found {short_error(error)}") from None


def parse_number(text: str, where: str, *, low: float = -1e9, high: float = 1e9) -> float:
    if _NUMBER.fullmatch(text) and low <= float(text) <= high:
        return float(text)
    raise InputError(f"{where}: expected a number in {low:g}..{high:g}, found {text.strip()[:20]!r}")


def attribute(element: Element, name: str) -> str:
    return element.get(name, "").strip()


def child_text(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def short_error(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
