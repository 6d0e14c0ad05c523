"""Japanese as it is sung, kana or romaji: the sounds of each mora, from the names that Unicode gives to kana.

The sounds follow the IPA of the standard language (Vance, The Sounds of Japanese, 2008).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

CLOSURE = "っ"  # stands among phones until the one that follows is known
MORAIC_N = "ん"
_VOWELS = {"A": "AA", "I": "IY", "U": "UW", "E": "EH", "O": "OW1"}  # OW1 is a plain o
# Nihon-shiki, as Unicode names kana, and Hepburn, as most people write
_CONSONANTS: dict[str, tuple[str, ...]] = {
    "": (), "K": ("K",), "G": ("G",), "S": ("S",), "SH": ("SH",), "Z": ("Z",), "J": ("JH",), "T": ("T",),
    "CH": ("CH",), "TS": ("T", "S"), "D": ("D",), "N": ("N",), "H": ("HH",), "F": ("F",), "B": ("B",), "P": ("P",),
    "M": ("M",), "Y": ("Y",), "R": ("D",), "W": ("W",), "V": ("V",), "SY": ("SH",), "ZY": ("JH",), "JY": ("JH",),
    "TY": ("CH",), "CY": ("CH",), "DY": ("JH",), "KW": ("K", "W"), "GW": ("G", "W"),
    **{f"{sign}Y": (phone, "Y") for sign, phone in
       (("K", "K"), ("G", "G"), ("N", "N"), ("H", "HH"), ("B", "B"), ("P", "P"), ("M", "M"), ("R", "D"), ("V", "V"))},
}  # fmt: skip
_BEFORE = {  # consonants that the vowel changes, and を, which is said o
    "SI": ("SH",), "ZI": ("JH",), "TI": ("CH",), "DI": ("JH",), "TU": ("T", "S"), "DU": ("Z",), "HU": ("F",),
    "WO": (),
}  # fmt: skip
_MORA = re.compile(rf"({'|'.join(sorted(_CONSONANTS, key=len, reverse=True))})([AIUEO])|N(?![AIUEOY])'?|NN|-")
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc]")
_CLOSURES = frozenset({"CL", "Q", "XTU", "XTSU"})
_DAKUTEN = str.maketrans("", "", "\u3099\u309a\u309b\u309c")


def has_kana(text: str) -> bool:
    """Whether a text has hiragana or katakana in it."""
    return _KANA.search(unicodedata.normalize("NFKC", text)) is not None


def kana_of(text: str) -> str:
    """The first kana of a text that stand together, in full width: what is sung of "a か_C4".

    >>> kana_of("a か_C4")
    'か'
    """
    found = re.search(rf"{_KANA.pattern}+", unicodedata.normalize("NFKC", text).translate(_DAKUTEN))
    return found[0] if found else ""


def phones_of_kana(text: str) -> list[str]:
    """The phones of the kana in a text; `CLOSURE` and `MORAIC_N` stand for what the sound after them tells (`settled`).

    >>> phones_of_kana("きゃっと")
    ['K', 'Y', 'AA', 'っ', 'T', 'OW1']
    """
    found: list[tuple[tuple[str, ...], str]] = []  # consonants and vowel of each mora
    for sign in _KANA.findall(text):
        *_, size, name = unicodedata.name(sign).split()
        small = size == "SMALL"
        if name == "TU" and small:
            found.append(((), CLOSURE))
        elif name == "N":
            found.append(((), MORAIC_N))
        elif small and found and found[-1][1] in _VOWELS and (fused := _fused(*found[-1], name)):
            found[-1] = fused
        elif name[-1:] in _VOWELS and len(name) <= 3:
            found.append((_consonants(name[:-1], name[-1]), name[-1]))
    return [phone for consonants, vowel in found for phone in (*consonants, _VOWELS.get(vowel, vowel))]


def _consonants(sign: str, vowel: str) -> tuple[str, ...]:
    return _BEFORE.get(sign + vowel, _CONSONANTS.get(sign, ()))


def _fused(consonants: tuple[str, ...], vowel: str, small: str) -> tuple[tuple[str, ...], str] | None:
    """A mora with a small kana behind it as one: KI and YA are kya, HU and A fa; None where it stays by itself."""
    glide, after = small[:-1], small[-1]
    if after == vowel and not glide:
        return consonants, vowel
    if glide not in ("", "Y", "W"):
        return None
    if glide:
        soft = consonants[-1:] in (("SH",), ("CH",), ("JH",))
        return ((*consonants, *(() if soft and glide == "Y" else (glide,))), after) if vowel in "IUE" else None
    if vowel == "U":
        return (*consonants, *(("W",) if consonants in ((), ("K",), ("G",)) else ())), after
    if vowel == "I":
        return (consonants or ("Y",)), after
    return (consonants, after) if consonants in (("T",), ("D",)) and vowel + after in ("EI", "OU") else None


def phones_of_romaji(text: str) -> list[str] | None:
    """The phones of romaji, Hepburn or Kunrei, of one mora or several; None for what is none.

    >>> phones_of_romaji("shinpai"), phones_of_romaji("hello")
    (['SH', 'IY', 'ん', 'P', 'AA', 'IY'], None)
    """
    rest = unicodedata.normalize("NFD", text).upper()
    rest = re.sub("[AIUEO][\u0304\u0302]", lambda m: m[0][0], rest)  # long vowels
    if rest in _CLOSURES:
        return [CLOSURE]
    phones: list[str] = []
    while rest:
        if len(rest) > 1 and rest[0] in "KSTPGZDBCFJ" and (rest[1] == rest[0] or rest[:2] == "TC"):
            phones.append(CLOSURE)
            rest = rest[1:]
            continue
        mora = _MORA.match(rest)
        if mora is None or (mora[0] == "-" and not phones):
            return None
        if mora[2]:
            phones += [*_consonants(mora[1], mora[2]), _VOWELS[mora[2]]]
        elif mora[0] != "-":
            phones.append(MORAIC_N)
        rest = rest[mora.end() :]
    return phones


def is_mora(text: str) -> bool:
    """Whether romaji is a single mora.

    >>> [is_mora(text) for text in ("kya", "n", "man", "sakura", "the")]
    [True, True, False, False, False]
    """
    match = _MORA.fullmatch(text.upper())
    return text.upper() in _CLOSURES or (match is not None and match[0] != "-")


def settled(phones: Sequence[str]) -> Iterator[str]:
    """Phones with っ as a longer consonant (at the end a stop in the throat) and ん at the place of what follows."""
    after = ""
    backwards = []
    for phone in reversed(phones):
        if phone == CLOSURE:
            after = after if after and after not in _VOWELS.values() else "X"
        elif phone == MORAIC_N:
            after = {"P": "M", "B": "M", "M": "M", "K": "NG", "G": "NG"}.get(after, "N")
        else:
            after = phone
        backwards.append(after)
    return reversed(backwards)
