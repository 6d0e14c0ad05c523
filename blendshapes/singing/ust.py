"""UTAU's sequences (.ust) and OpenUtau's projects (.ustx): the notes and lyrics of one voice.

Formats: .ust as UTAU 0.4 writes it and its community describes it (there is no specification): sections [#SETTING],
[#0000] ..., of lines name=value, in Shift-JIS or what `Charset` says, 480 ticks a quarter note. .ustx: YAML of
OpenUtau, `ustx_version` 0.1 to 0.9.

Aliases of voice banks are cut down to what is sung: of "a か", "- か", "か_C4" か, of "a k" nothing new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ...core.errors import InputError
from .kana import has_kana, is_mora, kana_of
from .melody import FASTEST, SLOWEST, USUAL_TEMPO, Lyric, LyricNote, TempoMap, one_voice

TICKS = 480  # per quarter note
MOST_YAML = 4 << 20
_RESTS = frozenset({"", "r", "rest", "pau", "sil", "sp", "br", "ap", "breath", "息", "吸", "吸気"})
_GOES_ON = frozenset({"-", "+~", "+*", "ー"})
_NEXT_SYLLABLE = "+"
_SUFFIX = re.compile(r"(?:_[^_]*|(?<=[a-zN])[A-G][#b♯♭]?\d|[\d↑↓]+)$")  # of voice banks for several pitches
_VOWEL = frozenset("aiueonN-*")  # what an alias may begin with, the sound before
_CONSONANT = re.compile(r"[bcdfghjkmnpqrstvwyz]{1,2}|cl", re.IGNORECASE)
_ENDS = re.compile(r"[aiueonN] ?[R-]")
_NUMBER = re.compile(r"[-+]?\d{1,9}(?:[.,]\d{0,20})?")
DEEPEST, MOST_VALUES = 40, 600_000  # of YAML: levels, events of the parser


def read_ust(data: bytes, *, source: str, voice: str | None = None) -> list[LyricNote]:
    """The notes of a .ust; raises InputError, which `source` begins, also for a `voice`: there is only one."""
    if voice is not None:
        raise InputError(f"{source}: expected no choice of a voice, since it has only one, found {voice[:40]!r}")
    position, clock = 0.0, [(0.0, USUAL_TEMPO)]
    found: list[tuple[float, float, float, str, str]] = []
    for line, name, fields in _sections(_decoded(data, source)):
        where = f"{source}: line {line}"
        if name != "SETTING" and not name.isdecimal():
            continue
        if "Tempo" in fields:
            clock.append((position, _number(fields["Tempo"], f"{where}: Tempo", SLOWEST, FASTEST)))
        if name == "SETTING":
            continue
        length = _number(fields.get("Length", ""), f"{where}: Length", 0, 1e9) / TICKS
        lyric = fields.get("Lyric", "")
        if not _is_rest(lyric):
            pitch = _number(fields.get("NoteNum", ""), f"{where}: NoteNum", 0, 127)
            found.append((position, position + length, pitch, lyric, f"line {line}"))
        position += length
    return _notes(found, TempoMap(clock), source)


def read_ustx(data: bytes, *, source: str, voice: str | None = None) -> list[LyricNote]:
    """The notes of a .ustx: of the first track that has some, or the one whose name or number (from 1) `voice` is."""
    project = _yaml(data, source)
    ticks = _number(project.get("resolution", str(TICKS)), f"{source}: resolution", 1, 1e6)
    tempi = [(0.0, _number(project.get("bpm", str(USUAL_TEMPO)), f"{source}: bpm", SLOWEST, FASTEST))]
    for i, tempo in enumerate(_dicts(project, "tempos", source)):
        where = f"{source}: tempos: {i + 1}"
        position = _number(tempo.get("position"), f"{where}: position", 0, 1e9)
        tempi.append((position / ticks, _number(tempo.get("bpm"), f"{where}: bpm", SLOWEST, FASTEST)))
    parts = _dicts(project, "voice_parts", source)
    tracks = [_number(part.get("track_no", "0"), f"{source}: track_no", 0, 10_000) for part in parts]
    sung = [track for track, part in zip(tracks, parts, strict=True) if part.get("notes")]
    track = _track(project, voice, source) if voice is not None else min(sung, default=0)
    found: list[tuple[float, float, float, str, str]] = []
    for i, part in enumerate(parts):
        where = f"{source}: voice_parts: {i + 1}"
        if tracks[i] != track:
            continue
        begin = _number(part.get("position", "0"), f"{where}: position", 0, 1e9)
        for k, note in enumerate(_dicts(part, "notes", where)):
            place = f"voice_parts: {i + 1}: note {k + 1}"
            start = begin + _number(note.get("position"), f"{source}: {place}: position", -1e9, 1e9)
            length = _number(note.get("duration"), f"{source}: {place}: duration", 0, 1e9)
            pitch = _number(note.get("tone"), f"{source}: {place}: tone", 0, 127)
            lyric = note.get("lyric", "")
            lyric = lyric if isinstance(lyric, str) else ""
            if start >= 0 and not _is_rest(lyric):
                found.append((start / ticks, (start + length) / ticks, pitch, lyric, place))
    return _notes(found, TempoMap(tempi), source)


def _notes(found: Sequence[tuple[float, float, float, str, str]], clock: TempoMap, source: str) -> list[LyricNote]:
    """Notes of (start, end in quarter notes, pitch, lyric, place)."""
    notes = [
        LyricNote(clock.seconds(start), clock.seconds(end), pitch, tuple(_lyrics(lyric)), place)
        for start, end, pitch, lyric, place in found
    ]
    return one_voice(notes, source=source)


def _is_rest(lyric: str) -> bool:
    """Whether nothing is sung: R, a breath, or an alias that ends a voice ("a R")."""
    return lyric.strip().lower() in _RESTS or _ENDS.fullmatch(lyric.strip()) is not None


def _lyrics(lyric: str) -> Iterator[Lyric]:
    """What is sung on a note: nothing of its own where it goes on, else a syllable or word.

    >>> [list(_lyrics(text)) for text in ("a か_C4", "a k", "hello[hh ah]")]
    [[Lyric(text='か', begins=True)], [], [Lyric(text='hello', begins=True)]]
    """
    text = re.sub(r"\[[^\]]*\]", "", lyric).strip().lstrip("?*")
    if not text or text in _GOES_ON:
        return
    if text == _NEXT_SYLLABLE:
        yield Lyric("", begins=False)
    elif has_kana(text):
        yield Lyric(kana_of(text))
    else:
        *before, last = text.split()
        last = _SUFFIX.sub("", last) or last
        joined = len(before) == 1 and before[0] in _VOWEL
        if joined and not is_mora(last) and _CONSONANT.fullmatch(last):
            return  # the consonant comes with the next note
        yield from (Lyric(word) for word in ([last] if joined else [*before, last]))


def _sections(text: str) -> Iterator[tuple[int, str, dict[str, str]]]:
    """Number of the line that begins it, name and fields of every section."""
    begun: tuple[int, str, dict[str, str]] | None = None
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        header = re.fullmatch(r"\s*\[#(\w+)\]\s*", line)
        if header:
            if begun:
                yield begun
            begun = (number, header[1].upper(), {})
        elif begun and "=" in line:
            name, _, value = line.partition("=")
            begun[2].setdefault(name.strip(), value.strip())
    if begun:
        yield begun


def _decoded(data: bytes, source: str) -> str:
    """The text of a .ust: UTF-8 if it says so or is, else Shift-JIS as Windows has it."""
    said = re.search(rb"^\s*Charset\s*=\s*([\w-]{1,20})", data[:4096], re.IGNORECASE | re.MULTILINE)
    encodings = ("utf-8-sig", "cp932")
    if said and said[1].lower().replace(b"_", b"-") in (b"shift-jis", b"sjis", b"cp932"):
        encodings = ("cp932",)
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(f"{source}: expected text in UTF-8 or Shift-JIS, found other bytes")


def _yaml(data: bytes, source: str) -> dict[str, Any]:
    import yaml

    if len(data) > MOST_YAML:
        raise InputError(f"{source}: expected a project of at most {MOST_YAML >> 20} MiB, found more")
    # All values as text, since a lyric is `no` and not false; libyaml's is ten times as fast where it is there
    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        text = data.decode("utf-8-sig")
        depth = 0
        for count, event in enumerate(yaml.parse(text, Loader=loader)):
            begins = isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
            depth += begins - isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
            if isinstance(event, yaml.AliasEvent):
                raise InputError(f"{source}: expected a project without YAML aliases, found one")
            if depth > DEEPEST or count > MOST_VALUES:
                raise InputError(f"{source}: expected at most {MOST_VALUES} values, {DEEPEST} levels deep, found more")
        project = yaml.load(text, Loader=loader)
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: expected UTF-8 text, found byte {data[error.start]:#04x}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{source}: line {line}: expected YAML, found: {error.problem or 'something else'}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{source}: expected YAML, found: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(project, dict) or "voice_parts" not in project:
        raise InputError(f"{source}: expected an OpenUtau project with voice_parts, found none")
    return project


def _dicts(values: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    """A list of mappings, which may be missing or empty."""
    found = values.get(name) or []
    if not isinstance(found, list) or not all(isinstance(value, dict) for value in found):
        raise InputError(f"{where}: {name}: expected a list of mappings, found {str(found)[:40]!r}")
    return found


def _track(project: dict[str, Any], voice: str, source: str) -> int:
    names = [str(track.get("track_name", "")) for track in _dicts(project, "tracks", source)]
    for i, name in enumerate(names):
        if voice.strip().lower() in (name.strip().lower(), str(i + 1)):
            return i
    known = ", ".join(name or str(i + 1) for i, name in enumerate(names[:12]))
    raise InputError(f"{source}: expected a track of this project ({known[:200]}), found {voice[:40]!r}")


def _number(value: Any, where: str, low: float, high: float) -> float:
    text = value.strip() if isinstance(value, str) else ""
    number = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None
    if number is None or not low <= number <= high:
        raise InputError(f"{where}: expected a number in {low:g}..{high:g}, found {str(value)[:20]!r}")
    return number
