"""MusicXML scores (.musicxml, .xml, and .mxl, which is a zip of them): the melody and the words of one voice.

Format: MusicXML 4.0, W3C Music Notation Community Group, 2021, and before (1.0 to 3.1), `score-partwise` or
`score-timewise`. Read are pitches (transposed as sounding), durations, ties, rests, tempi of every part, and lyrics.

- Of a chord the highest note is sung; grace notes take no time, notes of another instrument's cue none at all.
- Repeats, their endings and one jump (da capo, dal segno; al fine, al coda) are played out, the n-th time with the n-th
  verse where there is one.
- Nothing outside the file is ever read, and entities of its own are refused. At most `MOST_BYTES` of XML.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element

from ...core.errors import InputError
from .melody import FASTEST, SLOWEST, USUAL_TEMPO, Lyric, LyricNote, TempoMap, one_voice
from .musicxml_elements import MOST_BYTES, attribute, child_text, parse_number, parse_xml, short_error
from .musicxml_order import MOST_MEASURES, playing_order

ROOTS = ("score-partwise", "score-timewise")
MOST_MEMBERS = 1000
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_QUARTERS = {
    "long": 16.0, "breve": 8.0, "whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25, "32nd": 0.125,
}  # fmt: skip
_BETWEEN_WORDS = r"[\s\u035c\u203f]+"  # ties below and between letters, too: words that share a note
_SAME = 1e-6  # quarter notes


def read_musicxml(data: bytes, *, source: str, voice: str | None = None) -> list[LyricNote]:
    """Notes and syllables of one voice: of the first part with words, or the one that `voice` names.

    `voice` is a part's name or id, a number of a voice within the first such part, or both: `Soprano/2`. Raises
    InputError, which `source` begins.
    """
    parts = _parts(parse_xml(data, source=source), source)
    part, number = _chosen(parts, voice, source)
    measures = [_measure(part, place, number) for place in part.places()]
    order = playing_order([part.elements for part in parts], len(measures), source)
    return one_voice(_notes(measures, order, _tempi(parts, len(measures), source)), source=source)


def read_mxl(data: bytes, *, source: str, voice: str | None = None) -> list[LyricNote]:
    """`read_musicxml` of the first score of a compressed file, which META-INF/container.xml names."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(archive.infolist()) > MOST_MEMBERS:
                raise InputError(f"{source}: expected at most {MOST_MEMBERS} files in it, found more")
            container = parse_xml(_member(archive, "META-INF/container.xml", source), source=source)
            names = [attribute(root, "full-path") for root in container.iter("rootfile")]
            if not names or not names[0]:
                raise InputError(f"{source}: META-INF/container.xml: expected a rootfile with full-path, found none")
            score = _member(archive, names[0], source)
    except InputError:
        raise
    except Exception as error:  # a hostile file can fail in any way inside zipfile
        raise InputError(f"{source}: expected a zip with a MusicXML score, found {short_error(error)}") from error
    return read_musicxml(score, source=source, voice=voice)


def _member(archive: zipfile.ZipFile, name: str, source: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InputError(f"{source}: {name[:60]!r}: expected at most {MOST_BYTES >> 20} MiB, found more")
    return data


@dataclass(frozen=True)
class _Place:
    """A measure of a part: its element, and what holds for it from the measures before."""

    element: Element
    name: str  # measure number, for errors
    divisions: float
    transpose: float


@dataclass
class _Part:
    id: str
    name: str
    source: str
    elements: list[tuple[str, Element]] = field(default_factory=list)  # measures, and what each is called

    def places(self) -> Iterator[_Place]:
        """The measures with divisions and transposition that hold where they begin."""
        divisions, transpose = 1.0, 0.0
        for name, element in self.elements:
            yield _Place(element, name, divisions, transpose)
            for attributes in element.iterfind("attributes"):
                divisions = _divisions(attributes, divisions, f"{self.source}: measure {name}")
                transpose = _transpose(attributes, transpose, f"{self.source}: measure {name}")


@dataclass
class _Note:
    """A note within its measure: times in quarter notes, syllables by verse."""

    start: float
    length: float
    pitch: float
    verses: dict[str, tuple[Lyric, ...]]
    tied: bool  # goes on from the one before
    ties: bool  # goes on in the next


_Held = tuple[_Note, float, str]  # a note, its start in the song in quarter notes, its measure


@dataclass
class _Measure:
    name: str
    notes: list[_Note]
    length: float


def _parts(root: Element, source: str) -> list[_Part]:
    if root.tag not in ROOTS:
        raise InputError(f"{source}: expected a score ({' or '.join(ROOTS)}), found {root.tag[:40]!r}")
    names = {attribute(part, "id"): child_text(part, "part-name") for part in root.iterfind("part-list/score-part")}
    parts: dict[str, _Part] = {}
    for outer in root.iterfind("part" if root.tag == ROOTS[0] else "measure"):
        for inner in outer.iterfind("measure" if root.tag == ROOTS[0] else "part"):
            part, measure = (outer, inner) if root.tag == ROOTS[0] else (inner, outer)
            id = attribute(part, "id")
            found = parts.setdefault(id, _Part(id, names.get(id, ""), source))
            number = attribute(measure, "number")[:20] or str(len(found.elements) + 1)
            found.elements.append((number, inner))
    if not parts:
        raise InputError(f"{source}: expected at least one part with measures, found none")
    if max(len(part.elements) for part in parts.values()) > MOST_MEASURES:
        raise InputError(f"{source}: expected at most {MOST_MEASURES} measures, found more")
    return list(parts.values())


def _chosen(parts: Sequence[_Part], voice: str | None, source: str) -> tuple[_Part, str]:
    """The part to sing, and the number of the voice in it."""
    if voice is None:
        part = next((part for part in parts if _voices(part, words=True)), parts[0])
        return part, _first_voice(part)
    named = _named(parts, voice)
    if named is not None:
        return named, _first_voice(named)
    name, _, number = voice.rpartition("/")
    part = _named(parts, name) if name else next((part for part in parts if _voices(part, words=True)), parts[0])
    if part is not None and number.strip() in _voices(part, words=False):
        return part, number.strip()
    known = ", ".join(part.name or part.id for part in parts[:12])
    raise InputError(f"{source}: expected a voice of this score ({known[:200]}), found {voice[:40]!r}")


def _named(parts: Sequence[_Part], name: str) -> _Part | None:
    wanted = name.strip().lower()
    return next((part for part in parts if wanted in (part.id.lower(), " ".join(part.name.lower().split()))), None)


def _voices(part: _Part, *, words: bool) -> list[str]:
    """Numbers of the voices of a part, in order, with or without regard to words."""
    notes = (note for _, measure in part.elements for note in measure.iterfind("note"))
    return list(
        dict.fromkeys(
            _voice(note)
            for note in notes
            if (note.find("lyric/text") is not None if words else note.find("rest") is None)
        )
    )


def _first_voice(part: _Part) -> str:
    return next(iter(_voices(part, words=True) or _voices(part, words=False)), "1")


def _voice(note: Element) -> str:
    return child_text(note, "voice") or "1"


def _measure(part: _Part, place: _Place, voice: str) -> _Measure:
    """The notes of one voice in a measure."""
    where = f"{part.source}: measure {place.name}"
    divisions, transpose = place.divisions, place.transpose
    at = end = begun = 0.0
    notes: list[_Note] = []
    grace: dict[str, tuple[Lyric, ...]] = {}
    for element in place.element:
        if element.tag == "attributes":
            divisions = _divisions(element, divisions, where)
            transpose = _transpose(element, transpose, where)
        elif element.tag in ("backup", "forward"):
            length = _quarters(element, divisions, where)
            at = max(0.0, at - length) if element.tag == "backup" else round(at + length, 9)
        elif element.tag == "note":
            mine = _voice(element) == voice
            if element.find("grace") is not None:
                grace = (_verses(element) or grace) if mine else grace
                continue
            length = _quarters(element, divisions, where)
            if element.find("chord") is None:
                begun, at = at, round(at + length, 9)
            if mine and element.find("rest") is None and element.find("cue") is None:
                verses, grace = _verses(element) or grace, {}
                ties = {attribute(tie, "type") for tie in (*element.iterfind("tie"), *element.iterfind(".//tied"))}
                pitch = _pitch(element, where) + transpose
                notes.append(_Note(begun, length, pitch, verses, "stop" in ties and not verses, "start" in ties))
        end = max(end, at)
    return _Measure(place.name, _tops(notes), end)


def _tops(notes: Sequence[_Note]) -> list[_Note]:
    """Of each chord the highest note, with the syllables of any; in order of time."""
    tops: list[_Note] = []
    for note in sorted(notes, key=lambda note: (note.start, note.pitch)):
        if tops and note.start - tops[-1].start < _SAME:
            lower = tops.pop()
            tops.append(replace(note, verses=lower.verses | note.verses, tied=note.tied and not lower.verses))
        else:
            tops.append(note)
    return tops


def _notes(measures: Sequence[_Measure], order: Sequence[tuple[int, int]], tempi: _Tempi) -> Iterator[LyricNote]:
    """The notes as they are played, in seconds, ties joined."""
    numbers = _verse_numbers(measures)
    lengths = [max(measure.length, length) for measure, length in zip(measures, tempi.lengths, strict=True)]
    starts = [0.0]
    changes: list[tuple[float, float]] = []
    standing = _standing(tempi.changes)
    for index, _ in order:
        changes.append((starts[-1], standing[index]))
        changes += [(starts[-1] + position, tempo) for position, tempo in tempi.changes[index]]
        starts.append(round(starts[-1] + lengths[index], 9))
    clock = TempoMap(changes)
    held: _Held | None = None
    for (index, time), start in zip(order, starts, strict=False):
        verse = numbers[min(time, len(numbers)) - 1] if numbers else ""
        plain = not any(verse in note.verses for note in measures[index].notes)
        for note in measures[index].notes:
            begun = start + note.start
            if held is not None and _goes_on(held, note, begun):
                held = (replace(held[0], length=held[0].length + note.length, ties=note.ties), *held[1:])
                continue
            if held is not None:
                yield _in_seconds(held, clock)
            lyrics = note.verses.get(numbers[0] if plain else verse, ()) if numbers else ()
            held = (replace(note, verses={"": lyrics}), begun, measures[index].name)
    if held is not None:
        yield _in_seconds(held, clock)


def _goes_on(held: _Held, note: _Note, begun: float) -> bool:
    """Whether a note that begins there is tied to the one that is held."""
    before, start, _ = held
    tied = before.ties and note.tied and note.pitch == before.pitch
    return tied and abs(start + before.length - begun) < _SAME


def _in_seconds(held: _Held, clock: TempoMap) -> LyricNote:
    note, start, name = held
    end = clock.seconds(start + note.length)
    return LyricNote(clock.seconds(start), end, note.pitch, note.verses[""], f"measure {name}")


def _verse_numbers(measures: Sequence[_Measure]) -> list[str]:
    """How the verses are numbered, the first one first."""
    found = {number for measure in measures for note in measure.notes for number in note.verses}
    return sorted(found, key=lambda number: [(len(part), part) for part in re.findall(r"\d+|\D+", number)])


@dataclass
class _Tempi:
    """Of each measure the changes of tempo of all parts, in quarter notes from its start, and its length there."""

    changes: list[list[tuple[float, float]]]
    lengths: list[float]


def _tempi(parts: Sequence[_Part], count: int, source: str) -> _Tempi:
    tempi = _Tempi([[] for _ in range(count)], [0.0] * count)
    for part in parts:
        for index, place in zip(range(count), part.places(), strict=False):
            at, divisions, where = 0.0, place.divisions, f"{source}: measure {place.name}"
            for element in place.element:
                if element.tag == "attributes":
                    divisions = _divisions(element, divisions, where)
                elif element.tag in ("backup", "forward", "note") and element.find("grace") is None:
                    length = 0.0 if element.find("chord") is not None else _quarters(element, divisions, where)
                    at = max(0.0, at - length) if element.tag == "backup" else round(at + length, 9)
                    tempi.lengths[index] = max(tempi.lengths[index], at)
                elif element.tag in ("direction", "sound"):
                    offset = parse_number(child_text(element, "offset") or "0", f"{where}: offset") / divisions
                    if (tempo := _tempo(element, where)) is not None:
                        tempi.changes[index].append((max(0.0, at + offset), tempo))
    return tempi


def _standing(changes: Sequence[Sequence[tuple[float, float]]]) -> list[float]:
    """The tempo at which each measure begins, whatever was played before it."""
    tempi = [USUAL_TEMPO]
    for measure in changes:
        tempi.append(sorted(measure, key=lambda change: change[0])[-1][1] if measure else tempi[-1])
    return tempi


def _tempo(element: Element, where: str) -> float | None:
    """Quarter notes per minute that a direction sets: as it is to sound, else as the metronome mark says."""
    sound = element if element.tag == "sound" else element.find("sound")
    tempo = attribute(sound, "tempo") if sound is not None else ""
    if tempo:
        return parse_number(tempo, f"{where}: tempo", low=SLOWEST, high=FASTEST)
    metronome = element.find("direction-type/metronome")
    said = re.search(r"\d{1,4}(?:\.\d{1,6})?", child_text(metronome, "per-minute")) if metronome is not None else None
    if metronome is None or said is None:
        return None
    unit = _QUARTERS.get(child_text(metronome, "beat-unit"), 1.0)
    dots = min(len(metronome.findall("beat-unit-dot")), 3)
    quarters = round(float(said[0]) * unit * (2 - 0.5**dots), 6)
    return parse_number(str(quarters), f"{where}: metronome", low=SLOWEST, high=FASTEST)


def _verses(note: Element) -> dict[str, tuple[Lyric, ...]]:
    """The syllables of a note by verse; several where words run together."""
    verses: dict[str, tuple[Lyric, ...]] = {}
    for lyric in note.iterfind("lyric"):
        begins, found = True, []
        if lyric.find("humming") is not None:
            found.append(Lyric("mm"))
        for element in lyric:
            if element.tag == "syllabic":
                begins = (element.text or "").strip() not in ("middle", "end")
            elif element.tag == "text":
                said = re.sub(r"^\s*\d+\s*\.\s*(?=\D)", "", "".join(element.itertext()))  # the verse's number
                for i, word in enumerate(re.split(_BETWEEN_WORDS, said.strip())):
                    found += [Lyric(word, begins or i > 0)] if word else []
                begins = True
        if found:
            verses.setdefault(attribute(lyric, "number") or "1", tuple(found))
    return verses


def _pitch(note: Element, where: str) -> float:
    """MIDI's number of a note; what has no pitch of its own is middle C."""
    pitch = note.find("pitch")
    if pitch is None:
        if note.find("unpitched") is None:
            raise InputError(f"{where}: note: expected pitch, unpitched or rest, found none of them")
        return 60.0
    step = child_text(pitch, "step")
    if step not in _STEPS:
        raise InputError(f"{where}: step: expected one of {', '.join(_STEPS)}, found {step[:20]!r}")
    octave = parse_number(child_text(pitch, "octave"), f"{where}: octave", low=0, high=9)
    alter = parse_number(child_text(pitch, "alter") or "0", f"{where}: alter", low=-4, high=4)
    return 12 * (octave + 1) + _STEPS[step] + alter


def _quarters(element: Element, divisions: float, where: str) -> float:
    """The duration of a note, backup or forward in quarter notes."""
    return parse_number(child_text(element, "duration"), f"{where}: duration", low=0, high=1e9) / divisions


def _divisions(attributes: Element, before: float, where: str) -> float:
    text = child_text(attributes, "divisions")
    return parse_number(text, f"{where}: divisions", low=1e-3, high=1e6) if text else before


def _transpose(attributes: Element, before: float, where: str) -> float:
    found = attributes.find("transpose")
    if found is None:
        return before
    octaves = parse_number(child_text(found, "octave-change") or "0", f"{where}: octave-change", low=-5, high=5)
    return parse_number(child_text(found, "chromatic") or "0", f"{where}: chromatic", low=-60, high=60) + 12 * octaves
