"""Syllables of a word's sounds, and which of them are sung on which of the notes that a word is written under."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from ..speech.phones import DIPHTHONGS, VOWELS

NUCLEI = VOWELS | DIPHTHONGS.keys()
_STOPS = frozenset({"P", "B", "T", "D", "K", "G"})
_BEFORE_LIQUIDS = _STOPS | {"F", "TH", "SH", "V"}
_AFTER_S = frozenset({"P", "T", "K", "M", "N", "L", "W", "F"})
_RARE = frozenset({("T", "L"), ("D", "L"), ("TH", "L"), ("V", "L"), ("V", "R"), ("P", "W"), ("B", "W"), ("F", "W")})
_SONORITY = (  # what carries a note that has no vowel
    frozenset({"M", "N", "NG", "L", "R", "W", "Y"}),
    frozenset({"S", "Z", "SH", "ZH", "F", "V", "TH", "DH", "HH", "X"}),
)
_VOWEL_SIGNS = re.compile(r"[aeiouyæœøıаеёиоуыэюяіїєαεηιουω]+")


def syllables(phones: Sequence[str]) -> list[list[str]]:
    """The phones of a word by syllables: between vowels as many consonants as can begin a word go to the second.

    Without a vowel all is one syllable.

    >>> syllables("AE M B UH L AX N S".split())
    [['AE', 'M'], ['B', 'UH'], ['L', 'AX', 'N', 'S']]
    """
    cuts = []
    vowels = [i for i, phone in enumerate(phones) if phone in NUCLEI]
    for first, second in pairwise(vowels):
        cuts.append(next(i for i in range(first + 1, second + 1) if _begins(phones[i:second])))
    return [list(phones[a:b]) for a, b in zip([0, *cuts], [*cuts, len(phones)], strict=True)]


def _begins(cluster: Sequence[str]) -> bool:
    """Whether a word can begin with these consonants."""
    if len(cluster) < 2:
        return "NG" not in cluster
    if cluster[0] == "S":
        return cluster[1] in _AFTER_S and (len(cluster) == 2 or (len(cluster) == 3 and _begins(cluster[1:])))
    if len(cluster) > 2 or tuple(cluster) in _RARE:
        return False
    return (cluster[0] in _BEFORE_LIQUIDS and cluster[1] in ("L", "R", "W")) or (
        cluster[1] == "Y" and cluster[0] in _BEFORE_LIQUIDS | {"HH", "M", "N"}
    )


def parted(phones: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """What lies before the vowels of a note, from the first to the last of them, and after them.

    Where none is, the most sonorous sound carries the note.

    >>> parted("S T AA R Z".split()), parted(["HH", "M"])
    ((['S', 'T'], ['AA'], ['R', 'Z']), (['HH'], ['M'], []))
    """
    carriers: list[int] = []
    for kind in (NUCLEI, *_SONORITY):
        carriers = [i for i, phone in enumerate(phones) if phone in kind]
        if carriers:
            break
    first, last = (carriers[0], carriers[-1]) if carriers else (0, 0)
    return list(phones[:first]), list(phones[first : last + 1]), list(phones[last + 1 :])


def spread(texts: Sequence[str], sung: int) -> list[int]:
    """How many of a word's `sung` syllables each written one takes: as their vowels tell, the first at least one.

    0: the syllable before goes on.

    >>> spread(["ev", "ery"], 3), spread(["ra", "dia", "ting"], 4), spread(["lo", "o", "ove"], 1)
    ([1, 2], [1, 2, 1], [1, 0, 0])
    """
    counts = [_written_vowels(text) for text in texts]
    letters = [len("".join(_VOWEL_SIGNS.findall(text.lower()))) for text in texts]
    while sum(counts) > sung:
        most = max(range(len(counts)), key=lambda i: (counts[i], i))
        counts[most] -= 1
    while sum(counts) < sung:
        longest = max(range(len(counts)), key=lambda i: (letters[i] - counts[i], len(texts[i]) / max(counts[i], 1), i))
        counts[longest] += 1
    return counts


def _written_vowels(text: str) -> int:
    """Groups of vowels in a spelling, an e at the end not counted, at least one."""
    plain = "".join(s for s in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(s))
    return max(1, len(_VOWEL_SIGNS.findall(re.sub(r"(?<=[^aeiouy])e$", "", plain))))
