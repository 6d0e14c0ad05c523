"""Transcripts as recognisers and annotators write them: subtitles, label files of phonetics, JSON; the words alone.

A reader gives cues, a text with its time where the file tells one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

SILENCE = {"", "sil", "sp", "spn", "pau", "eps", "<eps>", "<sil>", "<p:>", "<unk>", "h#", "#", "_"}
HTK_TICKS = 1e7  # per second
WORD_TIERS = re.compile(r"word|ort|transcri|text|utterance|sentence", re.IGNORECASE)
PHONE_TIERS = re.compile(r"phon|seg|mau|kan|syll", re.IGNORECASE)


@dataclass(frozen=True)
class Cue:
    """Something that is said, and when: seconds, unknown as 0 to infinity."""

    text: str
    start: float = 0.0
    end: float = math.inf


def subtitles(text: str) -> Iterator[Cue]:
    """SubRip (.srt) and WebVTT (.vtt): without numbers, styles, speakers and sounds in brackets."""
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.split("\n")
        timed = next((i for i, line in enumerate(lines) if "-->" in line), None)
        if timed is None:
            continue  # a header, a note, a style
        start, _, end = lines[timed].partition("-->")
        said = " ".join(re.sub(r"<v(?:\.\S*)? [^>]*>|</?[^>]*>|\{[^}]*\}", "", line) for line in lines[timed + 1 :])
        said = re.sub(r"\[[^\]]*\]|\([^)]*\)|[♪♫]|^\s*(?:>>|-)\s*", " ", said)
        yield Cue(said, _clock(start), _clock(end.split()[0] if end.split() else ""))


def textgrid(text: str) -> Iterator[Cue]:
    """Praat's TextGrid, long or short: the tier of words, else the first that is none of phones."""
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
    chosen = [cues for name, cues in tiers if WORD_TIERS.search(name)]
    chosen += [cues for name, cues in tiers if not PHONE_TIERS.search(name)]
    if not chosen:
        raise ValueError(f"no tier of words, only {', '.join(name for name, _ in tiers)[:60] or 'none at all'}")
    yield from _heard(chosen[0])


def labels(text: str) -> Iterator[Cue]:
    """.lab: lines of start, end and word as HTK (100 ns) and Audacity (s) write them, or plain text as for MFA."""
    lines = [line.split(maxsplit=2) for line in text.splitlines() if line.strip()]
    if not all(len(line) == 3 and _is_number(line[0]) and _is_number(line[1]) for line in lines):
        yield Cue(text)
        return
    ticks = 1.0 if any("." in word for line in lines for word in line[:2]) else HTK_TICKS
    yield from _heard([Cue(word.split()[0], float(start) / ticks, float(end) / ticks) for start, end, word in lines])


def ctm(text: str) -> Iterator[Cue]:
    """NIST's CTM: file, channel, start, duration, word, perhaps a confidence."""
    for line in text.splitlines():
        fields = line.split()
        if not fields or line.lstrip().startswith(";;"):
            continue
        if len(fields) < 5 or not _is_number(fields[2]) or not _is_number(fields[3]):
            raise ValueError(f"the line {line.strip()[:40]!r}")
        yield from _heard([Cue(fields[4], float(fields[2]), float(fields[2]) + float(fields[3]))])


def recogniser_json(text: str) -> Iterator[Cue]:
    """JSON of Whisper and its relatives: a list of segments with a text, or one text."""
    found = json.loads(text)
    segments: Any = found
    if isinstance(found, dict):
        segments = next((found[name] for name in ("segments", "transcription", "chunks") if found.get(name)), [found])
    if not isinstance(segments, list) or not all(
        isinstance(s, dict) and isinstance(s.get("text"), str) for s in segments
    ):
        raise ValueError("no text in it")
    for segment in segments:
        start, end = segment.get("start"), segment.get("end")
        timed = type(start) in (int, float) and type(end) in (int, float)
        yield Cue(segment["text"], start, end) if timed else Cue(segment["text"])


READERS: dict[str, Callable[[str], Iterator[Cue]]] = {
    ".srt": subtitles,
    ".vtt": subtitles,
    ".textgrid": textgrid,
    ".lab": labels,
    ".ctm": ctm,
    ".json": recogniser_json,
}


def said_within(cues: Iterator[Cue], *, start: float, duration: float | None) -> str:
    """The texts of the cues whose middle lies in a stretch of the recording, in order; of untimed ones all."""
    end = math.inf if duration is None else start + duration
    kept = [c for c in cues if math.isinf(c.end) or start <= (c.start + c.end) / 2 < end]
    return " ".join(" ".join(cue.text.split()) for cue in kept).strip()


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
