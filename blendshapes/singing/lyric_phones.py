"""From notes with syllables to phones in time: words are pronounced, and their sounds laid under the notes.

English is pronounced as transcripts are (pocketsphinx' dictionary), other languages by espeak-ng, kana and romaji mora
by mora. Notes without a syllable hold the vowel of the one before; where none was, they are sung "ah".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from ...core.errors import InputError
from ..speech.languages import ENGLISH, canonical_language, pronounced
from ..speech.phones import IPA, IPA_PAIRS, Segment
from ..speech.transcript import Aligner
from .kana import has_kana, is_mora, kana_of, phones_of_kana, phones_of_romaji, settled
from .melody import LyricNote
from .note_phones import SungSyllable, phones_in_time
from .syllables import spread, syllables

JAPANESE = "ja"
LONGEST_WORD = 100  # letters, or syllables
VOCALISE = "AA"


@dataclass
class _Written:
    """A word and the notes its syllables are written under, with their texts."""

    note: int
    texts: list[str] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)


def lyric_phones(notes: Sequence[LyricNote], *, language: str, source: str) -> list[Segment]:
    """The phones of a song, from 0 to the end of its last note, rests as silence; none where no note has a syllable.

    Raises InputError, which `source` begins, for words that the language does not know how to say, and without the
    program or package that does.
    """
    language = canonical_language(language)
    sounds: list[list[str]] = [[] for _ in notes]
    for word in _words(notes, language):
        where = f"{source}: {notes[word.note].place}: lyric"
        _lay(word, _word_phones("".join(word.texts), language, where), sounds)
    if not any(sounds):
        return []
    return phones_in_time(_sung(notes, _settled(sounds)))


def japanese(texts: Sequence[str]) -> bool:
    """Whether these are lyrics in Japanese: kana among them, or every one a mora in romaji."""
    return any(map(has_kana, texts)) or (bool(texts) and all(map(is_mora, texts)))


def _words(notes: Sequence[LyricNote], language: str) -> list[_Written]:
    """Words of all notes, each from a syllable that begins one to the next such; in Japanese every mora is one."""
    words: list[_Written] = []
    for i, note in enumerate(notes):
        for lyric in note.lyrics:
            text = lyric.text.strip("-_ \t\u2010\u2011\u2013\u2014")
            if lyric.text and not _is_sung(text):
                continue
            if text and (lyric.begins or not words or _is_japanese(text, language)):
                words.append(_Written(i))
            if words and len(words[-1].texts) < LONGEST_WORD:
                words[-1].texts.append(text)
                words[-1].notes.append(i)
    return words


def _is_sung(text: str) -> bool:
    """Whether a text has sounds of its own; with a dash, a star or ー the syllable before goes on."""
    if has_kana(text):
        return bool(phones_of_kana(kana_of(text)))
    return any(sign.isalnum() for sign in text)


def _is_japanese(text: str, language: str) -> bool:
    return has_kana(text) or (language == JAPANESE and phones_of_romaji(text) is not None)


def _lay(word: _Written, phones: Sequence[str], sounds: list[list[str]]) -> None:
    """Add the syllables of a word to the notes they are written under."""
    rest = iter(syllables(phones))
    heard = len(syllables(phones))
    for note, count in zip(word.notes, spread(word.texts, heard), strict=True):
        for _ in range(count):
            sounds[note] += next(rest)


def _sung(notes: Sequence[LyricNote], sounds: Sequence[Sequence[str]]) -> list[SungSyllable]:
    """Syllables with the notes that they are held over."""
    sung: list[SungSyllable] = []
    for note, phones in zip(notes, sounds, strict=True):
        span = (note.start, note.end)
        if phones or not sung:
            sung.append(SungSyllable(tuple(phones) or (VOCALISE,), (span,)))
        else:
            sung[-1] = SungSyllable(sung[-1].phones, (*sung[-1].spans, span))
    return sung


def _settled(sounds: Sequence[Sequence[str]]) -> list[list[str]]:
    """The phones of each note with what Japanese leaves open told by the note after it."""
    rest = settled([phone for phones in sounds for phone in phones])
    return [[next(rest) for _ in phones] for phones in sounds]


def _word_phones(word: str, language: str, where: str) -> Sequence[str]:
    """The phones of a word, of `TARGETS` and `DIPHTHONGS`, and of Japanese the two that are still open."""
    if len(word) > LONGEST_WORD:
        raise InputError(f"{where}: expected words of at most {LONGEST_WORD} letters, found {word[:20]!r} and so on")
    if has_kana(word):
        return phones_of_kana(kana_of(word))
    if language == JAPANESE:
        romaji = phones_of_romaji(word)
        if romaji:
            return romaji
        if re.search(r"[^\W\d_a-zA-Z]", unicodedata.normalize("NFKD", word)):
            raise InputError(f"{where}: expected Japanese in kana or romaji, found {word[:20]!r}")
        language = ENGLISH  # as in most songs from Japan
    try:
        return _english(word) if language == ENGLISH else _foreign(word, language)
    except InputError as error:
        raise InputError(f"{where}: {str(error).removeprefix('transcript: ')}") from error


@lru_cache(maxsize=4096)
def _english(text: str) -> Sequence[str]:
    return [phone for _, said, _ in _aligner().english(text) for phone in said.split()]


@cache
def _aligner() -> Aligner:
    """The English dictionary, read once."""
    return Aligner()


@lru_cache(maxsize=4096)
def _foreign(text: str, language: str) -> Sequence[str]:
    return [IPA_PAIRS.get(sound.ipa) or IPA[sound.ipa] for word in pronounced(text, language) for sound in word]
