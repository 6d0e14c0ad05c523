"""From the words of a subtitle to what it asks of a region, and from that to cues of a score."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from ...core.errors import InputError
from ..emotion import EMOTION_AXES, EMOTIONS
from ..emotion_text import read_emotion_text
from ..face_motion import EMOTION, SIDES
from ..score import Cue
from .vocabulary import DEGREES, FACE, PROTOTYPES, REGIONS, SYNONYMS, VOCABULARY

ATTACK, RELEASE = Cue.attack, Cue.release  # seconds, where none are told
BEAT = 0.5  # seconds of a nod, down and up, or of a shake, there and back
SHUT, OPENS = 0.08, 0.16  # seconds in which lids fall and rise in a blink
FAINT = 0.05  # of an emotion's prototype: less is not worth a cue
SPAN = 60.0  # seconds that an attack or a release may take
_TIMES = re.compile(r"\b(attack|release)\s*[=:]?\s*(\d+(?:\.\d+)?)\s*s?\b")
_NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s*(%?)(?![\w.])")


@dataclass(frozen=True)
class Wish:
    """What one line asks of one region."""

    region: str
    action: str  # of the vocabulary; of other words, these words
    intensity: float  # 0..1
    side: str = ""  # "left" or "right": of that side alone
    attack: float = ATTACK  # seconds before the cue
    release: float = RELEASE  # seconds after it
    columns: Mapping[str, float] | None = None  # what other words were taken for
    line: int = field(default=0, compare=False)  # of the file

    @property
    def written(self) -> str:
        """As a line of the file."""
        words = f"{self.region}: {self.action}{f' {self.side}' if self.side else ''} {self.intensity:g}"
        words += f" attack {self.attack:g}" if self.attack != ATTACK else ""
        return words + (f" release {self.release:g}" if self.release != RELEASE else "")

    @property
    def told(self) -> str:
        """The line, with what words for a feeling were taken for."""
        if self.columns is None:
            return self.written
        meant = ", ".join(f"{name} {value:.2f}" for name, value in self.columns.items() if value) or "nothing felt"
        return f"{self.written} = {meant}"


def region_named(name: str, where: str) -> str | None:
    """The region of this name; None for words that are none. Raises InputError for one that is nearly one."""
    word = name.strip().lower()
    if word in REGIONS:
        return word
    singular = {r.removesuffix("s"): r for r in REGIONS} | {"eyebrows": "brows", "eyebrow": "brows", "mouth": "lips"}
    if word in singular:
        return singular[word]
    if near := get_close_matches(word, [*REGIONS, *singular], n=1, cutoff=0.75):
        known = singular.get(near[0], near[0])
        raise InputError(f"{where}: expected a region of {', '.join(REGIONS)}, found {name.strip()[:40]!r}; {known}?")
    return None


def wish_of(region: str, asked: str, *, where: str = "subtitle", line: int = 0) -> Wish:
    """Read what is asked of a region: an action of the vocabulary, or words for how it looks; raises InputError.

    >>> wish_of("brows", "raise slightly, left").told
    'brows: raise left 0.25'
    >>> wish_of("brows", "furious").told
    'brows: furious 1 = browDownLeft 0.90, browDownRight 0.90'
    """
    text, spans = _spans(asked.strip().lower(), where)
    words, number = _intensity(text, where)
    plain, degree = _without_degree(words)
    action, side = _action(region, plain)
    if action is not None:
        usual = VOCABULARY[region][action].usual
        intensity = number if number is not None else usual if degree is None else degree
        return Wish(region, action, intensity, side, *spans, line=line)
    columns = _meant(region, words, where)
    return Wish(region, words, 1.0 if number is None else number, "", *spans, columns, line)


def cues_of(wish: Wish, start: float, end: float) -> Iterator[Cue]:
    """The cues of a score that do what is asked from `start` to `end`, seconds."""
    if wish.columns is not None:
        columns = {name: wish.intensity * value for name, value in wish.columns.items()}
        for mode in ("to", "add"):
            some = {name: v for name, v in columns.items() if name.startswith("head") == (mode == "add")}
            if some:
                yield Cue(start, end, some, wish.attack, wish.release, mode)
        return
    action = VOCABULARY[wish.region][wish.action]
    columns = {n: wish.intensity * v for n, v in action.columns.items() if n.endswith(wish.side.capitalize() or "")}
    if action.way == "blink":
        yield Cue(start, min(end, start + 0.04), columns, SHUT, OPENS, action.mode)
    elif action.way in ("nod", "shake"):
        yield from _beats(columns, start, end)
    else:
        yield Cue(start, end, columns, wish.attack, wish.release, action.mode)
        if action.fades:
            gone = dict.fromkeys((n for n in action.fades if _same_side(n, wish.side)), 0.0)
            yield Cue(start, end, gone, wish.attack, wish.release, "to")


def _beats(columns: Mapping[str, float], start: float, end: float) -> Iterator[Cue]:
    """As many movements there and back as fit, at least one, from `start` to `end`."""
    count = max(1, round((end - start) / BEAT))
    half = max(end - start, BEAT) / (2 * count + 1)
    for i in range(2 * count):
        top = start + (i + 1) * half
        yield Cue(top, top, {n: v if i % 2 == 0 else -v for n, v in columns.items()}, half, half, "add")


def _same_side(name: str, side: str) -> bool:
    return not side or name.endswith(side.capitalize()) or not name.endswith(SIDES)


def _spans(text: str, where: str) -> tuple[str, tuple[float, float]]:
    """The text without its attack and release, and these."""
    spans = {"attack": ATTACK, "release": RELEASE}
    for name, value in _TIMES.findall(text):
        spans[name] = float(value)
        if not 0 <= spans[name] <= SPAN:
            raise InputError(f"{where}: {name}: expected seconds in 0..{SPAN:g}, found {value}")
    return _TIMES.sub(" ", text), (spans["attack"], spans["release"])


def _intensity(text: str, where: str) -> tuple[str, float | None]:
    numbers = _NUMBER.findall(text)
    words = " ".join(re.sub(r"[,()]", " ", _NUMBER.sub(" ", text)).split())
    if len(numbers) > 1:
        raise InputError(f"{where}: expected one intensity, found {len(numbers)} numbers in {text[:60]!r}")
    if not words:
        raise InputError(f"{where}: expected an action, found {text[:60]!r}")
    if not numbers:
        return words, None
    value = float(numbers[0][0]) / (100 if numbers[0][1] else 1)
    if not 0 <= value <= 1:
        raise InputError(f"{where}: expected an intensity in 0..1 or 0..100%, found {''.join(numbers[0])}")
    return words, value


def _without_degree(words: str) -> tuple[str, float | None]:
    for degree in sorted(DEGREES, key=len, reverse=True):
        found = re.sub(rf"\b{degree}\b", " ", words)
        if found != words and found.strip():
            return " ".join(found.split()), DEGREES[degree]
    return words, None


def _action(region: str, words: str) -> tuple[str | None, str]:
    """The action of the vocabulary and the side that the words name; None where they name none."""
    if region == FACE:
        return None, ""
    known: Mapping[str, str] = {**{name: name for name in VOCABULARY[region]}, **SYNONYMS.get(region, {})}
    if words in known:
        return known[words], ""
    for side in ("left", "right"):
        rest = " ".join(re.sub(rf"\b{side}\b(?: side| one)?", " ", words).split())
        if rest != words and rest in known and VOCABULARY[region][known[rest]].sided:
            return known[rest], side
    return None, ""


def _meant(region: str, words: str, where: str) -> dict[str, float]:
    """Columns of a region for words that describe a feeling; raises InputError where they describe none."""
    try:
        reading = read_emotion_text(words)
    except InputError:
        known = ", ".join(VOCABULARY.get(region, EMOTIONS))
        raise InputError(
            f"{where}: {region}: expected one of {known}, or words for a feeling, found {words[:60]!r}"
        ) from None
    point = dict(zip(EMOTION_AXES, reading.points[-1].tolist(), strict=True))
    felt = {label: point[label] for label in EMOTIONS if label != "neutral" and point[label] > FAINT}
    if region == FACE:
        return {EMOTION + label: felt.get(label, 0.0) for label in EMOTIONS if label != "neutral"}
    columns: dict[str, float] = {}
    for label, weight in felt.items():
        for name, amount in PROTOTYPES[label].get(region, {}).items():
            for column, value in VOCABULARY[region][name].columns.items():
                columns[column] = max(columns.get(column, 0.0), weight * amount * value, key=abs)
    if not columns:
        raise InputError(f"{where}: {region}: {words[:60]!r} is not shown there; name an action, or ask it of the face")
    return columns


def conflicts(wishes: Sequence[tuple[float, float, Wish]]) -> list[str]:
    """A line for every two wishes that ask different things of one column at one time; the later one wins."""
    found: list[str] = []
    lasting = [(s, e, w, {n for c in cues_of(w, s, e) if c.mode != "add" for n in c.columns}) for s, e, w in wishes]
    for i, (start, end, later, columns) in enumerate(lasting):
        for before, until, earlier, others in lasting[max(0, i - 64) : i]:
            if min(end, until) > max(start, before) and (shared := sorted(columns & others)):
                found.append(
                    f"line {later.line}: {later.written} overlaps line {earlier.line}: "
                    f"{earlier.written} ({', '.join(shared[:3])}); the later one wins"
                )
    return found
