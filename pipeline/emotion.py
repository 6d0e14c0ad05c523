"""What may stand behind --emotion: a label, a mix, auto, words, an example, or several of these with weights.

angry                                    a label
angry:0.6,sad:0.2                        a mix of labels
auto                                     what the voice tells
a little nervous but smiling             words (`emotion_text`)
her.mp4                                  an example: a film, a voice, a face motion, or an emotion track
auto:0.5 + a little nervous + her.mp4:0.3    a sum; each source has a weight of 0..1 behind its last colon
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..blendshapes.emotion import (
    EMOTION_AXES,
    Emotion,
    EmotionArc,
    EmotionMix,
    EmotionSum,
    EmotionTrack,
    FromVoice,
    canonical_emotion,
    is_label,
    parse_emotion,
)
from ..blendshapes.emotion_text import knows, read_emotion_text
from ..core.errors import InputError
from ..core.tables import number
from ..core.whole_files import is_file

FROM_VOICE = "auto"
PLUS = "+"
WEIGHTED = re.compile(r"(.*\S)\s*:\s*([-+]?[\d.]+(?:e[-+]?\d+)?)", re.DOTALL | re.IGNORECASE)
LIKE_A_FILE = re.compile(r"\S+\.[a-z]\w{1,4}", re.IGNORECASE | re.ASCII)
Note = Callable[[str], None]
Source = tuple[str, float]


def spelled(text: str) -> str:
    """The text with canonical labels and even spaces; raises InputError for what `read_emotion` cannot read.

    Files are looked up when they are needed.

    >>> spelled(" Anger:.5, sadness "), spelled("joy:0.2+AUTO"), spelled("a  bit  sad:0.5 + her.mp4")
    ('angry:.5,sad', 'happy:0.2 + auto', 'a bit sad:0.5 + her.mp4')
    """
    sources = list(_sources(text))
    if all(_is_mix(source) for source, _ in sources):
        mix = ",".join(source for source, _ in sources)
        parse_emotion(mix)
        return mix
    return f" {PLUS} ".join(source if weight == 1 else f"{source}:{weight:g}" for source, weight in sources)


def read_emotion(text: str, *, weights: Path | None = None, note: Note = lambda _: None) -> Emotion:
    """The emotion that a text asks for; files are read, films tracked. Raises InputError.

    `weights`: the folder whose weights hear the voice of an example; `note` is told what was not understood, and of
    doubtful files.
    """
    parts = tuple((_read(source, weights, note), weight) for source, weight in _sources(text))
    return parts[0][0] if len(parts) == 1 and parts[0][1] == 1 else EmotionSum(parts)


def explained(text: str) -> Iterator[str]:
    """What a text is taken to mean, a line for each point; then notes. Raises InputError.

    >>> list(explained("calm, then furious"))
    ['part 1 of 2: neutral 0.6', 'part 2 of 2: angry 1']
    """
    notes: list[str] = []
    yield from _lines(read_emotion(text, note=notes.append))
    yield from (f"note: {note}" for note in notes)


def _lines(emotion: Emotion) -> Iterator[str]:
    match emotion:
        case EmotionMix():
            yield _axes(emotion.point)
        case EmotionArc():
            count = len(emotion.points)
            yield from (f"part {k} of {count}: {_axes(row)}" for k, row in enumerate(emotion.points, start=1))
        case EmotionTrack():
            points = zip(emotion.times, emotion.points, strict=True)
            yield from (f"at {time:.2f} s: {_axes(row)}" for time, row in points)
        case EmotionSum():
            yield from (f"{weight:g} of {line}" for part, weight in emotion.parts for line in _lines(part))
        case FromVoice():
            yield "what the voice tells"


def _axes(point: Iterable[float]) -> str:
    shown = [f"{axis} {value:.3g}" for axis, value in zip(EMOTION_AXES, point, strict=True) if value]
    return ", ".join(shown) or "nothing"


def names_files(text: str) -> bool:
    """Whether some of what is asked for is an example in a file, whether or not that is there. Raises InputError.

    >>> names_files("auto:0.5 + her.mp4:0.5"), names_files("a little nervous")
    (True, False)
    """
    return any(_is_named(source) for source, _ in _sources(text))


def check_examples(text: str) -> None:
    """Raise InputError where a file that the text names is not there."""
    for source, _ in _sources(text):
        if _is_named(source):
            _check_file(source)


def placed(text: str, place: Callable[[str], str]) -> str:
    """The text with files where `place` has them, which gives every other word back as it is.

    >>> placed("auto:0.5 + her.mp4:0.5", lambda name: f"films/{name}" if name.endswith(".mp4") else name)
    'auto:0.5 + films/her.mp4:0.5'
    """
    if (whole := place(text.strip())) != text.strip():
        return whole
    parts = [part.strip() for part in text.split(PLUS)]
    weighed = [WEIGHTED.fullmatch(part) if place(part) == part else None for part in parts]
    return f" {PLUS} ".join(
        f"{place(found[1])}:{found[2]}" if found else place(part) for part, found in zip(parts, weighed, strict=True)
    )


def listens(asked: str | Emotion) -> bool:
    """Whether some of what is asked, text or object, is left to the voice."""
    if isinstance(asked, str):
        return any(source == FROM_VOICE for source, _ in _sources(asked))
    parts = asked.parts if isinstance(asked, EmotionSum) else ()
    return isinstance(asked, FromVoice) or any(listens(part) for part, _ in parts)


def _read(source: str, weights: Path | None, note: Note) -> Emotion:
    if source == FROM_VOICE:
        return FromVoice()
    if _is_mix(source):
        return parse_emotion(source)
    if _is_named(source):
        from .example import read_example

        _check_file(source)
        emotion, notes = read_example(Path(source), weights)
    else:
        reading = read_emotion_text(source)
        emotion, notes = reading.emotion, reading.notes
    for line in notes:
        note(line)
    return emotion


def _sources(text: str) -> Iterator[Source]:
    """What is added up, in canonical spelling, each with its weight; raises InputError."""
    whole = PLUS in text and is_file(text)  # a name with a plus
    for part in [text] if whole else text.split(PLUS):
        source, weight = part.strip(), 1.0
        if not (_is_mix(source) or is_file(source)) and (weighted := WEIGHTED.fullmatch(source)):
            source, weight = weighted[1], number(weighted[2], f"emotion: weight of {weighted[1][:40]!r}", low=0, high=1)
        yield _checked(source), weight


def _checked(source: str) -> str:
    """A source in canonical spelling; raises InputError where it is none."""
    if source.lower() == FROM_VOICE:
        return FROM_VOICE
    items = [item.partition(":") for item in source.split(",")]
    if _is_mix(source) or not (_is_named(source) or _is_text(items)):
        parse_emotion(source)
        return ",".join(canonical_emotion(name) + colon + weight.strip() for name, colon, weight in items)
    if not _is_named(source):
        read_emotion_text(source)
    return source if is_file(source) else " ".join(source.split())


def _is_mix(source: str) -> bool:
    return all(is_label(item.partition(":")[0]) for item in source.split(","))


def _is_named(source: str) -> bool:
    """Whether a source is the name of a file, whether or not that is there."""
    return not _is_mix(source) and (is_file(source) or LIKE_A_FILE.fullmatch(source) is not None)


def _check_file(source: str) -> None:
    if not is_file(source):
        raise InputError(f"emotion: expected a readable file, found none: {source[:200]}")


def _is_text(items: list[tuple[str, str, str]]) -> bool:
    """Whether the items between commas are words rather than labels, some of which are misspelt.

    A single word that the lexicon does not know is taken for a misspelt label.
    """
    names = [name.strip() for name, _, _ in items]
    if any(len(name.split()) > 1 for name in names):
        return True
    known = all(is_label(name) or knows(name) for name in names)
    if known and any(colon for _, colon, _ in items):
        told = f" {PLUS} ".join(f"{name}:0.5" for name in names[:2])
        raise InputError(
            f"emotion: expected labels in a mix, found other words; those are added up with {PLUS}: {told}"
        )
    return known
