"""Emotion from words: "a little nervous but smiling" as a point of emotion space, by a lexicon that is read offline.

The lexicon (assets/lexicon/emotions.toml) says what words and phrases put on a face. The grammar is that of short
descriptions: degrees multiply what follows, a denial takes what comes next in its clause, of several words each axis
has the greatest, and words of time part the text into stages that follow each other in a clip.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .emotion import EMOTION_AXES, EMOTIONS, LABELS, EmotionArc, EmotionMix, point, within

F64 = NDArray[np.float64]

BUILT_IN = Path(__file__).parents[1] / "assets" / "lexicon" / "emotions.toml"
LONGEST = 500  # characters of a description
FAINT = 0.25  # of an emotion that has only begun to grow, or has faded
YIELDS = 0.5  # share of calm that is left where something is felt
SKIPPED = 3  # words such as "her" that may stand between those of a phrase
TYPO = 6  # letters of a word in which one may be missing, doubled or swapped
WRONG_LETTER = 8  # letters of a word in which one may be another
WORDS = re.compile(r"->|→|[^\W_]+(?:'[^\W_]+)*|[,.;:!?()/&—–…]")
NOTHING = np.zeros(len(EMOTION_AXES))
FELT = slice(0, len(EMOTIONS))  # axes

# Endings and what may have stood in their place
ENDINGS = {
    "iness": ("y",), "ness": ("",), "ily": ("y",), "ally": ("",), "ly": ("", "le"), "iest": ("y",), "est": ("", "e"),
    "ier": ("y",), "er": ("", "e"), "ies": ("y",), "ied": ("y",), "ying": ("ie",), "ing": ("", "e"), "ed": ("", "e"),
    "es": ("",), "s": ("",), "'s": ("",), "ful": ("",), "ment": ("",), "y": ("",),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Entry:
    """What a word or phrase does to the reading."""

    kind: str  # "meaning", "degree", "not", "then", "rise", "fall", "from", "to", "break", "or", "plain"
    point: F64 = field(default_factory=NOTHING.copy)  # [D] what it always puts on the face
    alone: F64 = field(default_factory=NOTHING.copy)  # [D] what it means where no feeling is named
    factor: float = 1.0  # of a degree


@dataclass(frozen=True)
class Item:
    """A word or phrase of the text."""

    entry: Entry
    words: str
    denied: bool = False  # by its own first or last syllable: un-, -less


BREAK, PLAIN, UNKNOWN = Entry("break"), Entry("plain"), Entry("unknown")


@dataclass(frozen=True, eq=False)
class Reading:
    """What a text was taken to mean."""

    points: F64  # [K, D], one for each stage
    unknown: tuple[str, ...]  # words that were not understood
    mended: tuple[tuple[str, str], ...]  # words that were taken for misspelt ones, and for which

    @property
    def emotion(self) -> EmotionMix | EmotionArc:
        """The point, or the way that is spread over the clip."""
        return EmotionMix(tuple(self.points[0].tolist())) if len(self.points) == 1 else EmotionArc(self.points)

    @property
    def notes(self) -> list[str]:
        """What a person should know, a line each."""
        notes = [f"emotion: {word!r} was read as {taken!r}" for word, taken in self.mended]
        if self.unknown:
            notes.append(f"emotion: not understood and left out: {_quoted(self.unknown)}")
        return notes


def read_emotion_text(text: str) -> Reading:
    """Read a description of an emotion in English; raises InputError where nothing of it is understood.

    >>> read_emotion_text("starts calm, ends furious").points.round(1)[:, :3]
    array([[0.6, 0. , 0. ],
           [0. , 1. , 0. ]])
    """
    if len(text) > LONGEST:
        raise InputError(f"emotion: expected at most {LONGEST} characters, found {len(text)}")
    lexicon = Lexicon.built_in()
    items, mended = [], []
    for item in lexicon.items(_words(text)):
        taken = lexicon.near(item.words) if item.entry is UNKNOWN else None
        if taken:
            mended.append((item.words, taken.words))
        items.append(taken or item)
    unknown = tuple(dict.fromkeys(item.words for item in items if item.entry is UNKNOWN))
    if not any(item.entry.kind == "meaning" for item in items):
        raise InputError(
            f"emotion: expected one of {', '.join(LABELS)}, a mix, auto, a file, or words for a feeling or a face; "
            f"not understood: {_quoted(unknown) or repr(text[:40])}"
        )
    return Reading(_points(items), unknown, tuple(mended))


def knows(word: str) -> bool:
    """Whether one word alone says something of a feeling or a face."""
    return any(item.entry.kind == "meaning" for item in Lexicon.built_in().items(_words(word)))


def _words(text: str) -> list[str]:
    return WORDS.findall(text.lower().replace("’", "'"))


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(repr(word[:40]) for word in words[:8]) + (" ..." if len(words) > 8 else "")


# ---- from words to items ----


class Lexicon:
    """Words and phrases with what they do, found by their first word."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._phrases: dict[str, list[tuple[tuple[str, ...], Entry]]] = defaultdict(list)
        for entry, words in _entries(data):
            for phrase in phrases(words):
                self._phrases[phrase[0]].append((phrase[1:], entry))
        self.opposites = {label: np.array(point(**axes)) for label, axes in data["negation"]["opposite"].items()}
        self._skipped = {phrase[0] for phrase in phrases(data["clause"]["skipped"])}
        single = {word: entry.kind for word, found in self._phrases.items() for rest, entry in found if not rest}
        self._meant = sorted(word for word, kind in single.items() if kind == "meaning")
        self._final = {word for word, kind in single.items() if kind != "plain"}  # are no inflections of others

    @staticmethod
    @cache
    def built_in() -> Lexicon:
        """The lexicon that comes with emosplat."""
        return Lexicon(tomllib.loads(BUILT_IN.read_text(encoding="utf-8")))

    def items(self, words: Sequence[str]) -> Iterator[Item]:
        """The phrases of a text in order, longest first where several begin with the same word."""
        at = 0
        while at < len(words):
            item, length = self._found(words, at)
            yield item
            at += length

    def near(self, word: str) -> Item | None:
        """The word of a feeling or a face that a misspelt one is taken for."""
        found = next((known for known in self._meant if misspelt(word, known)), None)
        return None if found is None else next(self.items([found]))

    def _found(self, words: Sequence[str], at: int) -> tuple[Item, int]:
        word = words[at]
        if not word[0].isalnum() and word not in self._phrases:
            return Item(BREAK, word), 1
        if (found := self._longest(words, at, word)) is not None:
            return found
        for denied in (word.removeprefix("un"), word.removesuffix("less")):
            found = self._longest([denied], 0, denied) if denied not in ("", word) else None
            if found is not None and found[0].entry.kind == "meaning":
                return Item(found[0].entry, word, denied=True), 1
        return Item(PLAIN if word.isdigit() else UNKNOWN, word), 1

    def _longest(self, words: Sequence[str], at: int, word: str) -> tuple[Item, int] | None:
        best: tuple[Item, int] | None = None
        for form in forms(word):
            for rest, entry in self._phrases.get(form, ()):
                length = 1 + self._follows(words, at + 1, rest)
                if (length > 1 or not rest) and (best is None or length > best[1]):
                    best = Item(entry, " ".join(words[at : at + length])), length
        return best

    def _follows(self, words: Sequence[str], start: int, rest: Sequence[str]) -> int:
        """How many words from `start` on say the rest of a phrase; 0 where they do not."""
        at = start
        for wanted in rest:
            passed = 0
            while at < len(words) and not self._says(words[at], wanted):
                if words[at] not in self._skipped or passed == SKIPPED:
                    return 0
                at, passed = at + 1, passed + 1
            if at == len(words):
                return 0
            at += 1
        return at - start

    def _says(self, word: str, wanted: str) -> bool:
        """Whether a word is another or an inflection of it: "bitter" is none of "bit"."""
        return word == wanted or (word not in self._final and wanted in forms(word))


def _entries(data: dict[str, Any]) -> Iterator[tuple[Entry, str]]:
    """Every group of words of the lexicon; of a word in several groups the first counts."""
    for group in data["meaning"]:
        always, alone = (np.array(point(**group.get(name, {}))) for name in ("point", "alone"))
        yield Entry("meaning", always, alone), group["words"]
    for group in data["degree"]:
        yield Entry("degree", factor=group["factor"]), group["words"]
    yield Entry("not"), data["negation"]["words"]
    yield PLAIN, data["negation"]["spared"]
    for kind, words in data["time"].items():
        yield Entry(kind), words
    yield BREAK, data["clause"]["breaks"]
    yield Entry("or"), data["clause"]["goes_on"]
    yield PLAIN, data["plain"]["words"]


def phrases(words: str) -> Iterator[tuple[str, ...]]:
    """The phrases of a group, choices spelled out.

    >>> list(phrases("glad, lost mother|father"))
    [('glad',), ('lost', 'mother'), ('lost', 'father')]
    """
    for phrase in re.sub(r"\|\s+", "|", words).split(","):
        yield from product(*(word.split("|") for word in phrase.split()))


def forms(word: str, *, deep: int = 2) -> list[str]:
    """A word and what it may be an inflection of, likeliest first.

    >>> forms("grinning")[:3]
    ['grinning', 'grinn', 'grin']
    """
    found = [word]
    for ending, stems in ENDINGS.items():
        base = word.removesuffix(ending)
        if base == word or len(base) < 2 or base[-1] == ending == "y":  # "happyy" is misspelt
            continue
        found += [base + stem for stem in stems if len(base + stem) > 2]
        if len(base) > 3 and base[-1] == base[-2]:
            found.append(base[:-1])
    if deep > 1:
        found += [base for form in found[1:] for base in forms(form, deep=deep - 1)[1:]]
    return list(dict.fromkeys(found))


def misspelt(word: str, known: str) -> bool:
    """Whether a long word is another but for one letter.

    >>> misspelt("nervuos", "nervous"), misspelt("stepped", "stopped")
    (True, False)
    """
    if len(word) < TYPO or word[0] != known[0] or abs(len(word) - len(known)) > 1:
        return False
    if len(word) != len(known):
        short, long = sorted((word, known), key=len)
        return any(long[:k] + long[k + 1 :] == short for k in range(len(long)))
    wrong = [k for k, pair in enumerate(zip(word, known, strict=True)) if len(set(pair)) > 1]
    swapped = len(wrong) == 2 and word[wrong[0]] == known[wrong[1]] and word[wrong[1]] == known[wrong[0]]
    return (swapped and wrong[1] == wrong[0] + 1) or (len(wrong) == 1 and len(word) >= WRONG_LETTER)


# ---- from items to points ----


def _points(items: Sequence[Item]) -> F64:
    """A point for each stage [K, D]."""
    points: list[F64] = []
    for kind, stage in _stages(items):
        said = _point(stage)
        if said is None:
            if kind == "fall" and points:
                points.append(FAINT * points[-1])
        elif kind == "rise" and not points:
            points += [FAINT * said, said]
        elif kind == "fall":
            points += [said, FAINT * said]
        else:
            points.append(said)
    return within(np.array(points))


def _stages(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    """The items between words of time, with the kind of the word before."""
    kind, stage, begun = "then", list[Item](), False
    for item in items:
        begun = item.entry.kind == "from" or (begun and item.words not in ".;!?")
        if item.entry.kind in ("then", "rise", "fall") or (begun and item.entry.kind == "to"):
            yield kind, stage
            kind, stage = item.entry.kind, []
        else:
            stage.append(item)
    yield kind, stage


@dataclass
class _Said:
    """A meaning with what its clause does to it."""

    entry: Entry
    factor: float
    denied: bool


def _point(stage: Sequence[Item]) -> F64 | None:
    """The point [D] of one stage; None where nothing is said."""
    said = _said(stage)
    if not said:
        return None
    shown = [s.factor * s.entry.point for s in said if not s.denied]
    named = any(row[FELT].any() for row in shown)
    if not named:
        shown += [s.factor * s.entry.alone for s in said if not s.denied]
        shown += [_denied(s.entry.point) for s in said if s.denied]
    found = np.max([NOTHING, *shown], axis=0)
    if named and found[FELT][1:].any():
        found[0] *= YIELDS  # of neutral
    return within(found[None])[0] if found.any() else np.array(LABELS["neutral"])


def _denied(meant: F64) -> F64:
    """What is left of a meaning [D] that is denied: of what the face does, nothing."""
    if not meant[FELT].any():
        return NOTHING
    return Lexicon.built_in().opposites[EMOTIONS[int(meant[FELT].argmax())]]


def _said(stage: Sequence[Item]) -> list[_Said]:
    """The meanings of a stage, weighed by degrees and denied by the words of their clause."""
    said: list[_Said] = []
    factor, denied = 1.0, False

    def close() -> None:
        if factor != 1 and said:  # "smiling a little", "smiling, but only a little"
            said[-1].factor *= factor

    last = False  # whether what was said last is denied, which "or" goes on with
    for item in stage:
        match item.entry.kind:
            case "degree":
                factor *= item.entry.factor
            case "not":
                denied = True
            case "or":
                denied = last
            case "break":
                close()
                factor, denied, last = 1.0, False, False
            case "meaning":
                last = denied != item.denied
                said.append(_Said(item.entry, factor, last))
                factor, denied = 1.0, False
    close()
    return said
