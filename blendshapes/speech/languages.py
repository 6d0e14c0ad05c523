"""How words of any language sound, by espeak-ng, and which English phones come nearest: what an aligner listens for.

espeak-ng (GPL-3) is a program of its own that people install; nothing of it is in here. It reads numbers, signs and
abbreviations out in each language.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from ...core.errors import InputError
from .phones import IPA, IPA_PAIRS

PROGRAM = "espeak-ng"
INSTALL = "Debian, Ubuntu: apt install espeak-ng; macOS: brew install espeak-ng"
ENGLISH = "en"
_ALSO_ENGLISH = frozenset({"en", "eng", "english"})
PATIENCE = 120  # seconds
MAX_TEXT = 1 << 17  # characters: half an hour, the longest sound that is aligned, has a third of it

# Sounds that an ear for English takes for something else than the lips would
_HEARD = {
    **dict.fromkeys("ʁʀɻɽ", "R"),
    **dict.fromkeys("ɣʕ", "G"),
    **dict.fromkeys("xχħ", "HH"),
    **{"ç": "SH", "β": "V", "y": "UW", "ʏ": "UH", "ø": "ER", "œ": "ER", "ɲ": "N Y", "ʎ": "L Y", "ʔ": ""},
}
# and those phones of ours that pocketsphinx' English model has no name for
_MODEL = {"AX": "AH", "YY": "UW", "OE": "ER", "OW1": "OW", "EY1": "EY", "X": "HH"}
_COINS = "$€£¥₹₽₩₺"
_AMOUNT = r"\d+(?:[.,]\d{3})*"


class Sound(NamedTuple):
    """A sound of a word: its IPA symbol and the English phones that come nearest, in ARPABET."""

    ipa: str
    heard: tuple[str, ...]


Word = tuple[Sound, ...]


def canonical_language(language: str) -> str:
    """A language's name as espeak-ng takes it, `en` for any English; raises InputError for what can be none.

    >>> [canonical_language(name) for name in ("pt_BR", "German", "en-GB")]
    ['pt-br', 'german', 'en']
    """
    name = language.strip().lower().replace("_", "-")
    if not re.fullmatch(r"[a-z]{2,20}(-[a-z0-9]{1,10}){0,3}", name):
        raise InputError(f"--language: expected a language such as de or pt-br, found {language[:40]!r}")
    return ENGLISH if name.split("-")[0] in _ALSO_ENGLISH else name


def check_spoken(language: str) -> None:
    """Raise InputError where espeak-ng is missing or does not speak the language."""
    _espeak("", language)


def pronounced(text: str, language: str) -> list[Word]:
    """The words of a text as they are said in a language (`canonical_language`), numbers and signs written out.

    Sounds that espeak-ng runs together are one word (French `les amis`). Raises InputError without espeak-ng, for a
    language it does not speak, and for a text it cannot read.
    """
    said = _espeak(_readable(text), language)
    switched = re.search(r"\(en\)", said)
    if switched and not re.search("[A-Za-z]", text):  # it names signs that it cannot read in English
        raise InputError(f"transcript: {PROGRAM} cannot read this text as {language!r}; write it as it is pronounced")
    words = [tuple(_sounds(word)) for word in _spoken_words(said)]
    words = [word for word in words if any(sound.heard for sound in word)]
    if not words:
        raise InputError(f"transcript: expected words of {language!r}, found {text.strip()[:40]!r}")
    return words


def transcribed(text: str, language: str) -> str:
    """A text in IPA with stress and length, words parted by single spaces; raises InputError as `pronounced`."""
    return " ".join(_spoken_words(_espeak(_readable(text), language)))


def _spoken_words(said: str) -> list[str]:
    """The words of what espeak-ng says, without its marks of another language."""
    return re.sub(r"\([a-z-]+\)", " ", said).split()


def _espeak(text: str, language: str) -> str:
    """IPA of a text, words parted by spaces."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise InputError(f"--language {language}: needs the program {PROGRAM}. {INSTALL}")
    try:
        done = subprocess.run(
            [program, "-q", "--ipa", "-v", language, "--stdin"],
            input=text.encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"transcript: {PROGRAM} did not read it within {PATIENCE} s; cut it") from None
    except OSError as error:
        raise InputError(f"--language {language}: {PROGRAM} cannot be started: {error}") from error
    if done.returncode != 0:
        raise InputError(f"--language: expected one that {PROGRAM} --voices lists, found {language!r}")
    return done.stdout.decode(errors="replace")


def _readable(text: str) -> str:
    """The text as espeak-ng reads it best: money as it is said (5,50 € is 5 € 50), nothing it takes for commands."""
    if len(text) > MAX_TEXT:
        raise InputError(f"transcript: expected at most {MAX_TEXT} characters, found {len(text)}")
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if unicodedata.category(sign) in ("Cc", "Cf", "Cs") or sign in "[]<>" else sign for sign in text)
    text = re.sub(rf"(?<!\d)(?<!\d\s)([{_COINS}])\s?({_AMOUNT}(?:[.,]\d\d)?)(?!\d)", r"\2 \1", text)
    return re.sub(rf"({_AMOUNT})[.,](\d\d)\s?([{_COINS}])", r"\1 \3 \2", text)


def _sounds(word: str) -> Iterator[Sound]:
    """The sounds of a word in IPA; marks of stress, length and tone are left out."""
    composed = unicodedata.normalize("NFC", word)  # ç is a sound of its own, ä a marked a
    symbols = [s for sign in composed if (s := sign if sign in IPA else unicodedata.normalize("NFD", sign)[0]) in IPA]
    while symbols:
        pair = "".join(symbols[:2])
        ipa = pair if pair in IPA_PAIRS else symbols[0]
        del symbols[: len(ipa)]
        yield Sound(ipa, tuple(nearest(ipa).split()))


def nearest(ipa: str) -> str:
    """ARPABET of the English phones that sound most like one of IPA.

    >>> [nearest(sound) for sound in ("ʁ", "ɲ", "ø", "aɪ")]
    ['R', 'N Y', 'ER', 'AY']
    """
    phone = _HEARD.get(ipa) if ipa in _HEARD else IPA_PAIRS.get(ipa) or IPA[ipa]
    return _MODEL.get(phone or "", phone or "")
