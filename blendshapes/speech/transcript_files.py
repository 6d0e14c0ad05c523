"""Transcripts as recognisers and annotators write them: subtitles, label files of phonetics, JSON; the words alone.

A reader gives cues, a text with its time where the file tells one.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Any

TEXTS = ("transcript", "DisplayText", "display")  # the last two are Azure's
SLOWEST = 0.3  # seconds that a letter may take
SILENCE = {"", "sil", "sp", "spn", "pau", "eps", "<eps>", "<sil>", "<p:>", "<unk>", "h#", "#", "_"}
HTK_TICKS = 1e7  # per second
DAMAGED = 0.2  # share of lines that may be, of a table
TIMIT_RATE = 16_000  # of the samples that TIMIT and its kin count
ROLLING = 0.05  # seconds: captions that follow each other closer may roll
WORD_TIERS = re.compile(r"word|ort|transcri|text|utterance|sentence", re.IGNORECASE)
PHONE_TIERS = re.compile(r"phon|seg|mau|kan|syll", re.IGNORECASE)


@dataclass(frozen=True)
class Cue:
    """Something that is said, and when: seconds, unknown as 0 to infinity."""

    text: str
    start: float = 0.0
    end: float = math.inf


def subtitles(text: str) -> Iterator[Cue]:
    """SubRip (.srt) and WebVTT (.vtt): without numbers, styles, speakers and sounds in brackets.

    Captions that roll, as YouTube's, show a line twice; it is taken once.
    """
    before: tuple[list[str], float] = ([], 0.0)
    for timing, lines in _timed_blocks(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
        start, _, end = timing.partition("-->")
        cue = Cue("", _clock(start), _clock(end.split()[0] if end.split() else ""))
        shown = [said for line in lines if (said := _shown(line))]
        rolled = shown
        if abs(cue.start - before[1]) < ROLLING and (len(shown) > 1 or cue.end - cue.start < ROLLING):
            count = next((n for n in range(len(shown), 0, -1) if before[0][-n:] == shown[:n]), 0)
            rolled = shown[count:]
        before = (shown, cue.end)
        yield replace(cue, text=" ".join(rolled))


def _timed_blocks(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The line of times and the lines of text of each cue, which an empty line ends, or the next cue."""
    starts = [i for i, line in enumerate(lines) if "-->" in line]
    for start, after in pairwise([*starts, len(lines)]):
        block = lines[start + 1 : after]
        end = next((i for i, line in enumerate(block) if not line.strip()), None)
        if end is None and after < len(lines) and block and block[-1].strip().isdigit():
            end = len(block) - 1  # the next cue's number
        yield lines[start], block[:end]


def _shown(line: str) -> str:
    """The words of a line of subtitles."""
    line = re.sub(r"<v(?:\.\S*)? [^>]*>|</?[^>]*>|\{[^}]*\}", "", line).replace("\\N", " ").replace("\\n", " ")
    line = re.sub(r"\[[^\]]*\]|\([^)]*\)|[♪♫]|^\s*(?:>>|-)\s*", " ", html.unescape(line))
    return " ".join(line.split())


def substation(text: str) -> Iterator[Cue]:
    """SubStation Alpha (.ass, .ssa): the texts of its dialogue."""
    fields = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
    for line in text.splitlines():
        kind, _, rest = line.partition(":")
        if kind.strip().lower() == "format" and "text" in rest.lower():
            fields = [name.strip().lower() for name in rest.split(",")]
        if kind.strip().lower() != "dialogue":
            continue
        cells = dict(zip(fields, rest.split(",", len(fields) - 1), strict=False))
        yield Cue(_shown(cells.get("text", "")), _clock(cells.get("start", "")), _clock(cells.get("end", "")))


def youtube(text: str) -> Iterator[Cue]:
    """SubViewer (.sbv): two times parted by a comma, then lines of text."""
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        first, *lines = block.strip().split("\n")
        if first:
            start, _, end = first.partition(",")
            yield Cue(" ".join(map(_shown, lines)), _clock(start), _clock(end))


def lyrics(text: str) -> Iterator[Cue]:
    """.lrc: lines with the times at which they begin, several where they are sung again; words may have their own.

    A line ends where the next begins.
    """
    offset = re.search(r"\[offset:\s*([+-]?\d{1,6})\s*\]", text, re.IGNORECASE)
    earlier = int(offset[1]) / 1000 if offset else 0.0
    begun: list[tuple[float, str]] = []
    for line in text.splitlines():
        tags = re.match(rf"\s*((?:{_LRC_LINE}\s*)+)", line)
        if tags is None:
            continue
        rest = line[tags.end() :]
        for time in re.findall(_LRC_LINE, tags[1]):
            begun.append((_lrc_clock(time), re.split(_LRC_WORD, rest)[0]))
        begun += [(_lrc_clock(time), said) for time, said in re.findall(rf"({_LRC_WORD})([^<]*)", rest)]
    begun = sorted((max(time - earlier, 0.0), " ".join(said.split())) for time, said in begun)
    if not begun:
        raise ValueError("no line with a time, [mm:ss.xx]")
    for (start, said), after in zip(begun, [*(time for time, _ in begun[1:]), math.inf], strict=True):
        yield Cue(said, start, after)


def as_lyrics(cues: Sequence[Cue]) -> str:
    """Cues as .lrc; a line of its own, without words, ends one after which there is a pause.

    >>> print(as_lyrics([Cue("la la", 0.5, 2.0), Cue("lo", 3.25)]))
    [00:00.500]la la
    [00:02.000]
    [00:03.250]lo
    """

    def line(seconds: float, text: str) -> str:
        moment = round(1000 * seconds)
        return f"[{moment // 60_000:02}:{moment // 1000 % 60:02}.{moment % 1000:03}]{text}"

    lines: list[str] = []
    for cue, after in pairwise([*cues, Cue("", math.inf)]):
        lines += [line(cue.start, cue.text), *([line(cue.end, "")] if cue.end < after.start else [])]
    return "\n".join(lines)


def are_lyrics(text: str) -> bool:
    """Whether a text, not a file, is .lrc: it begins with the time of a line."""
    return re.match(rf"\s*{_LRC_LINE}", text) is not None


_LRC_LINE, _LRC_WORD = r"\[\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?\]", r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>"


def _lrc_clock(tag: str) -> float:
    minutes, seconds, *fraction = re.split(r"[.:]", tag[1:-1])
    return int(minutes) * 60 + int(seconds) + sum(int(f) / 10 ** len(f) for f in fraction)


def whisper_table(text: str) -> Iterator[Cue]:
    """Whisper's .tsv: start and end in milliseconds, and text."""
    for number, line in enumerate(text.splitlines()):
        cells = line.split("\t", 2)
        if number == 0 and [cell.strip().lower() for cell in cells] == ["start", "end", "text"]:
            continue
        if not line.strip():
            continue
        if len(cells) < 3 or not _is_number(cells[0]) or not _is_number(cells[1]):
            raise ValueError(f"the line {line.strip()[:40]!r}")
        yield Cue(cells[2], float(cells[0]) / 1000, float(cells[1]) / 1000)


def textgrid(text: str) -> Iterator[Cue]:
    """Praat's TextGrid, long or short: the tier of words, else the first that is none of phones; where the Montreal
    Forced Aligner tells several speakers' words apart, those of all, for all are heard."""
    tiers = textgrid_tiers(text)
    speakers = [cues for name, cues in tiers if re.fullmatch(r".+ - words", name)]
    if len(speakers) > 1:
        yield from in_order(cue for cues in speakers for cue in _heard(cues))
        return
    chosen = [cues for name, cues in tiers if WORD_TIERS.search(name)]
    chosen += [cues for name, cues in tiers if not PHONE_TIERS.search(name)]
    if not chosen:
        raise ValueError(f"no tier of words, only {', '.join(name for name, _ in tiers)[:60] or 'none at all'}")
    yield from _heard(chosen[0])


def textgrid_tiers(text: str) -> list[tuple[str, list[Cue]]]:
    """Names and labels of a TextGrid's tiers; raises ValueError."""
    values = re.findall(r'"(?:[^"]|"")*"|<exists>|-?\d+(?:\.\d+)?(?:e-?\d+)?', re.sub(r"\[\d*\]", "", text))
    tiers: list[tuple[str, list[Cue]]] = []
    at = 0
    while at < len(values):
        if values[at] not in ('"IntervalTier"', '"TextTier"'):
            at += 1
            continue
        if at + 4 >= len(values):
            raise ValueError("a tier without content")
        spans = 3 if values[at] == '"IntervalTier"' else 2
        name, count = _label(values[at + 1]), int(values[at + 4])
        rows = values[at + 5 : at + 5 + spans * count]
        if count < 0 or len(rows) < spans * count:
            raise ValueError(f"a tier of {count} labels that ends early")
        cues = [
            Cue(_label(rows[i + spans - 1]), float(rows[i]), float(rows[i + spans - 2]))
            for i in range(0, len(rows), spans)
        ]
        tiers.append((name, cues))
        at += 5 + len(rows)
    return tiers


def labels(text: str) -> Iterator[Cue]:
    """.lab: lines of start, end and word as HTK (100 ns) and Audacity (s) write them, or plain text as for MFA."""
    lines = [line.split(maxsplit=2) for line in text.splitlines() if line.strip()]
    lines = [[*(cell.replace(",", ".") for cell in line[:2]), *line[2:]] for line in lines]
    timed = [len(line) == 3 and _is_number(line[0]) and _is_number(line[1]) for line in lines]
    if not mostly(sum(timed), len(timed)):
        yield Cue(text)
        return
    if not all(timed):
        raise ValueError(f"the line {' '.join(lines[timed.index(False)])[:40]!r}")
    ticks = 1.0 if any("." in word for line in lines for word in line[:2]) else HTK_TICKS
    yield from _heard([Cue(_unscored(said), float(start) / ticks, float(end) / ticks) for start, end, said in lines])


def mostly(whole: int, lines: int) -> bool:
    """Whether so many whole lines of a table make the others damaged ones, rather than all of them something else.

    >>> mostly(3, 3), mostly(2, 3), mostly(1, 2), mostly(80, 100), mostly(0, 0)
    (True, True, False, True, False)
    """
    damaged = lines - whole
    return whole > 0 and (damaged == 0 or (whole > 1 and damaged <= max(1, DAMAGED * lines)))


def timed_lines(text: str) -> list[Cue]:
    """Lines of start, end and text as of Audacity (s, tabs) or TIMIT (samples); nothing of other text."""
    number = r"(\d+(?:[.,]\d+)?)"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    rows = [row for line in lines if (row := re.fullmatch(rf"{number}(\s+){number}\s+(\D.*)", line))]
    times = [float(row[i].replace(",", ".")) for row in rows for i in (1, 3)]
    meant = bool(rows) and (rows[0][2] == "\t" or "." in rows[0][1] or times[0] == 0)  # not two numbers that are said
    if len(rows) < len(lines) or not meant or times != sorted(times):
        return []
    ticks = TIMIT_RATE if all(time.is_integer() for time in times) else 1
    spans = zip(rows, times[::2], times[1::2], strict=True)
    return list(_heard([Cue(row[4], start / ticks, end / ticks) for row, start, end in spans]))


def _unscored(said: str) -> str:
    """A label without the numbers that HTK writes behind it."""
    first, *rest = said.split()
    return " ".join([first, *takewhile(lambda word: not _is_number(word.removeprefix("-")), rest)])


def ctm(text: str) -> Iterator[Cue]:
    """NIST's CTM: file, channel, start, duration, word, perhaps a confidence."""
    rows = list(ctm_rows(text))
    _check_alone(name for name, _ in rows)
    return _heard([cue for _, cue in rows])


def ctm_rows(text: str) -> Iterator[tuple[str, Cue]]:
    """The lines of a CTM, each with the name of its file; raises ValueError."""
    for line in text.splitlines():
        fields = line.split()
        if not fields or line.lstrip().startswith(";;"):
            continue
        if len(fields) > 4 and fields[4].startswith("<ALT"):
            continue  # marks of alternatives
        if len(fields) < 5 or not _is_number(fields[2]) or not _is_number(fields[3]):
            raise ValueError(f"the line {line.strip()[:40]!r}")
        yield fields[0], Cue(fields[4], float(fields[2]), float(fields[2]) + float(fields[3]))


def _check_alone(recordings: Iterable[str]) -> None:
    """Raise ValueError where words of several recordings stand in one file, each on its own clock."""
    names = list(dict.fromkeys(recordings))
    if len(names) > 1:
        raise ValueError(
            f"words of {len(names)} recordings ({names[0][:40]}, {names[1][:40]} ...), expected those of one"
        )


def stm(text: str) -> Iterator[Cue]:
    """NIST's STM: file, channel, speaker, start, end, perhaps <labels>, text."""
    _check_alone(
        fields[0] for line in text.splitlines() if (fields := line.split(maxsplit=1)) and fields[0][:2] != ";;"
    )
    for line in text.splitlines():
        fields = line.split(maxsplit=5)
        if not fields or fields[0].startswith(";;"):
            continue
        if len(fields) < 5 or not _is_number(fields[3]) or not _is_number(fields[4]):
            raise ValueError(f"the line {line.strip()[:40]!r}")
        said = re.sub(r"^<\S*>\s*", "", fields[5] if len(fields) > 5 else "")
        if said != "ignore_time_segment_in_scoring":
            yield Cue(said, float(fields[3]), float(fields[4]))


def recogniser_json(text: str) -> Iterator[Cue]:
    """JSON of Whisper and its relatives: segments with a text, or one text; else what is called transcript."""
    found = json.loads(text)
    segments: Any = found
    if isinstance(found, dict):
        if isinstance(found.get("events"), list):
            yield from _caption_events(found["events"])
            return
        segments = next((found[name] for name in ("segments", "transcription", "chunks") if found.get(name)), [found])
    if not isinstance(segments, list) or not all(isinstance(s, dict) and "text" in s for s in segments):
        said = list(_transcripts(found))
        if not said:
            raise ValueError("no text in it")
        yield Cue(" ".join(said))
        return
    for segment in segments:
        if not isinstance(segment["text"] or "", str):
            raise ValueError("no text in it")
        start, end = segment.get("start"), segment.get("end")
        timed = type(start) in (int, float) and type(end) in (int, float)
        yield Cue(segment["text"] or "", start, end) if timed else Cue(segment["text"] or "")


def _caption_events(events: list[Any]) -> Iterator[Cue]:
    """YouTube's .json3: events with pieces of text, times in milliseconds."""
    for event in events:
        pieces = event.get("segs") if isinstance(event, dict) else None
        if not isinstance(pieces, list):
            continue
        said = "".join(str(piece.get("utf8", "")) for piece in pieces if isinstance(piece, dict))
        start, lasts = event.get("tStartMs"), event.get("dDurationMs", 0)
        if isinstance(start, int | float) and isinstance(lasts, int | float):
            yield Cue(said, start / 1000, (start + lasts) / 1000)
        else:
            yield Cue(said)


def _transcripts(found: Any) -> Iterator[str]:
    """Texts that recognisers on servers nest under one of `TEXTS`; of alternatives and channels the first."""
    if isinstance(found, dict):
        if (name := next((n for n in TEXTS if isinstance(found.get(n), str)), None)) is not None:
            yield found[name]
            return
        if "combinedRecognizedPhrases" in found:
            yield from _transcripts(found["combinedRecognizedPhrases"])
            return
        for name, value in found.items():
            yield from _transcripts(
                value[:1] if name in ("alternatives", "channels") and isinstance(value, list) else value
            )
    elif isinstance(found, list):
        for value in found:
            yield from _transcripts(value)


READERS: dict[str, Callable[[str], Iterator[Cue]]] = {
    ".srt": subtitles,
    ".vtt": subtitles,
    ".ass": substation,
    ".ssa": substation,
    ".sbv": youtube,
    ".lrc": lyrics,
    ".tsv": whisper_table,
    ".textgrid": textgrid,
    ".lab": labels,
    ".ctm": ctm,
    ".stm": stm,
    ".json": recogniser_json,
    ".json3": recogniser_json,
}


def said_within(cues: Iterable[Cue], *, start: float, duration: float | None) -> list[Cue]:
    """The cues with words whose middle lies in a stretch of the recording, on its clock; of untimed ones all."""
    end = math.inf if duration is None else start + duration

    def inside(cue: Cue) -> bool:
        if math.isinf(cue.end):
            return not cue.start or start <= cue.start < end
        last = min(cue.end, cue.start + SLOWEST * len(cue.text))  # what rests before the next line is not said
        return start <= (cue.start + last) / 2 < end

    kept = (cue for cue in cues if cue.text.strip() and inside(cue))
    return [replace(cue, start=max(cue.start - start, 0.0), end=cue.end - start) for cue in kept]


def in_order(cues: Iterable[Cue]) -> list[Cue]:
    """Cues by when they begin, as subtitles need not stand in their file; where some tell no time, as they stand."""
    cues = list(cues)
    timed = all(cue.start or math.isfinite(cue.end) for cue in cues)
    return sorted(cues, key=lambda cue: cue.start) if timed else cues


def _heard(cues: list[Cue]) -> Iterator[Cue]:
    return (cue for cue in cues if cue.text.strip().lower() not in SILENCE)


def _label(quoted: str) -> str:
    return quoted[1:-1].replace('""', '"')


def _clock(text: str) -> float:
    """Seconds of [hours:]minutes:seconds,thousandths."""
    match = re.fullmatch(r"\s*(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2})[.,](\d{1,3})\s*", text)
    if match is None:
        raise ValueError(f"the time {text.strip()[:20]!r}")
    hours, minutes, seconds, fraction = match.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction) / 10 ** len(fraction)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(?:\.\d+)?", text) is not None
