"""Motion subtitles on disk: WebVTT whose lines say `region: action intensity`.

    WEBVTT

    00:01.200 --> 00:02.500
    brows: raise 0.8
    head: nod slightly

Any subtitle editor opens such a file. Notes, styles and regions of WebVTT are passed over; lines without the name of a
region are captions and move nothing. What a cue holds is written back as it was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...core.errors import InputError
from ...core.tables import read_text
from ...core.whole_files import write_whole
from .actions import Wish, region_named, wish_of

MAX_BYTES = 16 << 20
MOST_CUES = 100_000
LONGEST = 1e6  # seconds
_TIMES = re.compile(r"\s*(\S+)\s+-->\s+(\S+)(?:\s+(.*))?")
_CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2})[.,](\d{3})")
Refused = Callable[[InputError], None] | None  # is told what is wrong and left out; None: that raises
_BLOCKS = ("NOTE", "STYLE", "REGION")  # of WebVTT that show nothing


@dataclass(frozen=True)
class Subtitle:
    """A cue of motion subtitles: what is to be seen from `start` to `end`, seconds. `subtitle` makes one of lines.

    lines: as they are written; wishes: what they ask for; name, layout: WebVTT's identifier and settings of the cue;
    line: of the file, where the cue's times are

    >>> import emosplat
    >>> cue = emosplat.subtitle(1.2, 2.5, "brows: raise 0.8", "head: nod slightly")
    >>> clip = emosplat.speak(emosplat.example_speech(), subtitles=[cue], duration=0.4)
    >>> len(cue.wishes)
    2
    """

    start: float
    end: float
    lines: tuple[str, ...]  # as they are written
    wishes: tuple[Wish, ...] = ()  # what they ask for
    name: str = ""  # WebVTT's identifier
    layout: str = ""  # WebVTT's settings of the cue
    line: int = field(default=0, compare=False)  # of the file, where the cue's times are


def read_subtitles(path: Path) -> tuple[Subtitle, ...]:
    """Read a .vtt (UTF-8); raises InputError that names the file and the line."""
    return parse_subtitles(read_text(path, most=MAX_BYTES), source=str(path))


def parse_subtitles(text: str, *, source: str = "subtitles", refused: Refused = None) -> tuple[Subtitle, ...]:
    """Read the text of such a file; `source` names it in errors.

    With `refused` what is wrong in a cue is told to it and left out; only a text that is no WebVTT raises then.

    >>> [cue] = parse_subtitles("WEBVTT\\n\\n00:01.000 --> 00:02.000\\nbrows: raise 0.8\\n")
    >>> cue.start, cue.wishes[0].region, cue.wishes[0].action, cue.wishes[0].intensity
    (1.0, 'brows', 'raise', 0.8)
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not re.fullmatch(r"WEBVTT(?:[ \t].*)?", lines[0]):
        raise InputError(f"{source}: line 1: expected WEBVTT, found {lines[0][:40]!r}")
    found: list[Subtitle] = []
    for first, block in _blocks(lines):
        try:
            cue = _cue(block, first, source, refused)
        except InputError as error:
            if refused is None:
                raise
            refused(error)
            continue
        if cue is None:
            continue
        found.append(cue)
        if len(found) > MOST_CUES:
            raise InputError(f"{source}: expected at most {MOST_CUES} cues, found more")
    return tuple(found)


def subtitle(start: float, end: float, *lines: str) -> Subtitle:
    """A cue of motion subtitles that says these lines (docs/subtitles.md) from `start` to `end`, seconds.

    Raises InputError for a line that asks for something unknown.

    >>> import emosplat
    >>> emosplat.subtitle(0.5, 1.0, "gaze: left").wishes[0].action
    'left'
    """
    return Subtitle(start, end, lines, tuple(_wishes(lines, "subtitle", None, first=1)))


def write_subtitles(path: Path, cues: Iterable[Subtitle], *, notes: Iterable[str] = ()) -> None:
    """Write what `read_subtitles` reads, times to a millisecond; raises InputError where that is impossible."""
    write_whole(path, subtitles_text(cues, notes=notes).encode())


def subtitles_text(cues: Iterable[Subtitle], *, notes: Iterable[str] = ()) -> str:
    """The file as text; `notes` come first, for people."""
    blocks = ["WEBVTT", *(f"NOTE {' '.join(note.replace('-->', '->').split())}" for note in notes)]
    for cue in cues:
        times = f"{_clock(cue.start)} --> {_clock(cue.end)}" + (f" {cue.layout}" if cue.layout else "")
        blocks.append("\n".join([*([cue.name] if cue.name else []), times, *cue.lines]))
    return "\n\n".join(blocks) + "\n"


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Lines between empty ones, with the number of their first, after the file's header."""
    block: list[str] = []
    header = True
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip():
            block.append(line)
            continue
        if block and not header:
            yield number - len(block), block
        header = header and not block
        block = []


def _cue(block: list[str], first: int, source: str, refused: Refused) -> Subtitle | None:
    at = next((i for i, line in enumerate(block[:2]) if "-->" in line), None)
    if at is None:
        if block[0].split()[0] in _BLOCKS:
            return None
        raise _no_times(source, first, block[0])
    if at == 1 and block[0].split()[0] == "NOTE":
        return None
    line = first + at
    times = _TIMES.fullmatch(block[at])
    start, end = (_seconds(times[i]) for i in (1, 2)) if times else (None, None)
    if times is None or start is None or end is None:
        raise _no_times(source, line, block[at])
    if not 0 <= start <= end <= LONGEST:
        raise InputError(f"{source}: line {line}: expected an end after the beginning, found {_short(block[at])}")
    shown = tuple(block[at + 1 :])
    wishes = tuple(_wishes(shown, source, refused, first=line + 1))
    return Subtitle(start, end, shown, wishes, block[0] if at else "", (times[3] or "").strip(), line)


def _wishes(lines: tuple[str, ...], source: str, refused: Refused, *, first: int) -> Iterator[Wish]:
    for number, line in enumerate(lines, start=first):
        for part in re.sub(r"<[^>]*>", "", line).split(";"):
            name, colon, asked = part.partition(":")
            try:
                if colon and (region := region_named(name, f"{source}: line {number}")):
                    yield wish_of(region, asked, where=f"{source}: line {number}", line=number)
            except InputError as error:
                if refused is None:
                    raise
                refused(error)


def _seconds(clock: str) -> float | None:
    found = _CLOCK.fullmatch(clock)
    if found is None:
        return None
    hours, minutes, seconds, thousandths = (int(part or 0) for part in found.groups())
    whole = 3600 * hours + 60 * minutes + seconds
    return None if minutes > 59 or seconds > 59 else (1000 * whole + thousandths) / 1000


def _clock(time: float) -> str:
    thousandths = round(1000 * time)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def _no_times(source: str, line: int, found: str) -> InputError:
    return InputError(f"{source}: line {line}: expected times such as 00:01.000 --> 00:02.000, found {_short(found)}")


def _short(text: str) -> str:
    return repr(text[:60])
