"""Who knows the words knows the phones: forced alignment of a transcript.

Needs pocketsphinx (`pip install emosplat[transcript]`) and its English model, which listens to other languages too: for
each of their sounds it is given the nearest English phone, and the sound keeps its own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.tables import read_text
from ...core.whole_files import is_file
from .features import RATE as SAMPLE_RATE
from .languages import ENGLISH, Word, canonical_language, check_spoken, pronounced
from .phones import Segment, from_arpabet, from_ipa
from .spoken import spoken
from .transcript_files import READERS, Cue, are_lyrics, in_order, lyrics, said_within, timed_lines

F32 = NDArray[np.float32]

LONGEST = 1800  # seconds: the search holds the whole clip in memory
MOST_TOLD = 12  # of the words that are not in the dictionary
MAX_TEXT = 1 << 20  # characters
MOST_BYTES = 16 << 20  # of a file; times and tiers take more than words

FLOOR = 0.0301  # seconds, the least that the aligner gives a phone
NO_PHONES = {"", "SIL", "+NSN+", "+SPN+"}  # silence and noise in an alignment
FLOOR_SHARE, FLOOR_COUNT = 0.3, 3  # of the phones, and besides, may be that short; else it has lost the words

_BEAMS = {"beam": 1e-60, "wbeam": 1e-40, "pbeam": 1e-60}  # wide: an alignment has only one sentence to find
_NO_BEAMS = dict.fromkeys(_BEAMS, 0.0)  # for sounds that the model knows only roughly
NOISE = 4  # root mean square in steps of 16 bits: digital silence is like no sound that the model knows
_FRAME = 0.01  # seconds
# How spellings sound that are no words: enough to find a word in the sound
_LETTERS = {
    **{"a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH"},
    **{"k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T"},
    **{"u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z", "'": "", "'s": "Z", "ch": "CH", "sh": "SH"},
    **{"th": "TH", "ph": "F", "wh": "W", "qu": "K W", "ck": "K", "ng": "NG", "gh": "G", "ee": "IY", "ea": "IY"},
    **{"oo": "UW", "ou": "AW", "ow": "OW", "ai": "EY", "ay": "EY", "oi": "OY", "oy": "OY", "au": "AO", "er": "ER"},
}


Label = tuple[float, float, str]  # start and end in seconds, and a phone


@dataclass(frozen=True)
class Alignment:
    """The phones and words of a clip, and which are not in the dictionary, with the pronunciation assumed for them."""

    phones: list[Segment]
    guessed: dict[str, str]
    words: list[Label] = field(default_factory=list)  # English as it is said, other languages in IPA

    @property
    def warnings(self) -> list[str]:
        """What the person should know."""
        said = [f"{word} ({phones})" for word, phones in self.guessed.items()]
        if len(said) > MOST_TOLD:
            said[MOST_TOLD:] = [f"{len(said) - MOST_TOLD} more (--language says other languages)"]
        return [f"not in the dictionary, pronounced like this: {', '.join(said)}"] if said else []


def read_transcript(text_or_file: str, *, start: float = 0.0, duration: float | None = None) -> str:
    """The text of `--transcript`, as `read_lines` finds it; raises InputError."""
    return " ".join(line.text for line in read_lines(text_or_file, start=start, duration=duration))


def read_lines(text_or_file: str, *, start: float = 0.0, duration: float | None = None) -> list[Cue]:
    """What is said, with its times where they are known: a text, or a file's if there is one of that name.

    Subtitles (.srt, .vtt, .ass, .sbv, .lrc), Praat's .TextGrid, .lab, .ctm and recognisers' .json and .tsv are read as
    such, a text with the times of .lrc as that; of those that tell times only what is said from `start` seconds on for
    `duration` seconds. Raises InputError, also where nothing is said then.
    """
    cues = _cues(text_or_file)
    kept = said_within(cues, start=start, duration=duration)
    if not kept and duration is not None and (worded := [cue for cue in cues if cue.text.strip()]):
        raise InputError(
            f"{text_or_file[:200]}: expected words from {start:g} to {start + duration:g} s, where the recording is, "
            f"found the first at {worded[0].start:g} s"
        )
    return kept


def _cues(text_or_file: str) -> list[Cue]:
    """All that is said, as far as it is told when."""
    if not is_file(text_or_file):
        if _names_file(text_or_file):
            raise InputError(f"{text_or_file}: no such file")
        if are_lyrics(text_or_file):
            return list(lyrics(text_or_file))
        return [Cue(text_or_file)]
    text = read_text(Path(text_or_file), most=MOST_BYTES, utf16=True)  # Praat writes both
    kind = Path(text_or_file).suffix.lower()
    if kind not in READERS:
        if found := _no_text(text):
            kinds = ", ".join(READERS)
            raise InputError(f"{text_or_file}: expected a transcript ({kinds} or plain text), found {found}")
        return timed_lines(text) or [Cue(text)]
    try:
        return [replace(cue, text=" ".join(cue.text.split())) for cue in in_order(READERS[kind](text))]
    except (ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"{text_or_file}: expected a transcript as {kind} files hold it, found {error}") from error


def _no_text(text: str) -> str:
    """What something is that was decoded as text and is none; empty where it may be text."""
    if re.search(r"[\x00-\x08\x0e-\x1f]", text):
        return "no text (a document of a word processor is saved as plain text first)"
    begin = text.lstrip()
    markup = begin.startswith(("<?xml", "<!DOCTYPE", "<html", "{\\rtf")) or (begin.startswith("<") and "</" in begin)
    return "markup" if markup else ""


def _names_file(text: str) -> bool:
    """Whether a text can only be meant for the name of a file, which may have blanks."""
    kinds = "|".join(kind[1:] for kind in (".txt", ".trn", ".xml", *READERS))
    return re.fullmatch(rf"[^\r\n]{{1,250}}\.({kinds})", text, re.IGNORECASE) is not None


def words_of(text: str) -> list[str]:
    """Lower-case words of an English transcript, numbers and signs as they are spoken, without accents.

    Raises InputError for none, and for other scripts.
    """
    if len(text) > MAX_TEXT:
        raise InputError(f"transcript: expected at most {MAX_TEXT} characters, found {len(text)}")
    plain = spoken(text)
    odd = [word for word in plain.split() if re.search(r"[^\W_a-z]", word)]
    if odd:
        found = ", ".join(repr(word[:20]) for word in odd[:5])
        raise InputError(f"transcript: expected English words, found {found} (--language says others)")
    words = [word.strip("'") for word in re.sub(r"[^a-z']", " ", plain).split()]
    if not any(words):
        raise InputError(f"transcript: expected at least one word, found {text.strip()[:40]!r}")
    return [word for word in words if word]


class Aligner:
    """Finds when each phone of a transcript sounds. English by a dictionary, other languages by espeak-ng."""

    def __init__(self, language: str = ENGLISH) -> None:
        """Raises InputError when pocketsphinx is not installed, or espeak-ng for another language, or lacks it."""
        self.language = canonical_language(language)
        try:
            from pocketsphinx import get_model_path
        except ImportError as error:
            raise InputError("transcripts and lyrics need pocketsphinx: pip install 'emosplat[transcript]'") from error
        if self.language != ENGLISH:
            check_spoken(self.language)
        model = Path(get_model_path()) / "en-us"
        self._options = {"hmm": str(model / "en-us"), "dict": str(model / "cmudict-en-us.dict")}

    @cached_property
    def pronunciations(self) -> dict[str, str]:
        """ARPABET of every word of the dictionary; of several the first."""
        lines = Path(self._options["dict"]).read_text(encoding="utf-8").splitlines()
        return {word: phones for word, _, phones in (line.partition(" ") for line in reversed(lines))}

    def align(self, audio: Iterable[F32], text: str) -> Alignment:
        """The phones of `audio` (blocks of mono 16 kHz), which says `text`.

        An English word that is not in the dictionary is pronounced like the fewest known pieces that spell it.
        Raises InputError when the text is not words of the language or does not fit the audio.
        """
        if self.language == ENGLISH:
            return self._align_english(audio, text)
        words = pronounced(text, self.language)
        samples = _samples(audio, noise=NOISE)
        names = {word: f"word{i}" for i, word in enumerate(dict.fromkeys(words))}
        decoder = self._decoder(_NO_BEAMS)
        for word, name in names.items():
            decoder.add_word(name, " ".join(phone for sound in word for phone in sound.heard), True)
        found = self._found(decoder, [names[word] for word in words], samples, said=text)
        sounds = {name: word for word, name in names.items()}
        labels = [label for name, phones in found for label in _named(phones, sounds.get(name))]
        _check_fit(labels, text, self.language)
        said = [
            (phones[0][0], phones[-1][1], "".join(sound.ipa for sound in sounds[name]))
            for name, phones in found
            if name in sounds
        ]
        return Alignment(from_ipa(labels), {}, said)

    def _align_english(self, audio: Iterable[F32], text: str) -> Alignment:
        words = words_of(text)
        samples = _samples(audio)
        decoder = self._decoder(_BEAMS)
        guessed = {word: self.guess(word) for word in dict.fromkeys(words) if decoder.lookup_word(word) is None}
        for word, phones in guessed.items():
            decoder.add_word(word, phones, True)
        found = self._found(decoder, words, samples, said=text)
        labels = [label for _, phones in found for label in phones]
        _check_fit(labels, text, ENGLISH)
        said = [
            (phones[0][0], phones[-1][1], re.sub(r"\(\d+\)$", "", name))
            for name, phones in found
            if not all(phone in NO_PHONES for _, _, phone in phones)
        ]
        return Alignment(from_arpabet(labels), guessed, said)

    def _decoder(self, beams: dict[str, float]) -> Any:
        from pocketsphinx import Decoder

        return Decoder(lm=None, bestpath=False, loglevel="FATAL", **beams, **self._options)

    def _found(self, decoder: Any, words: Sequence[str], samples: bytes, *, said: str) -> list[tuple[str, list[Label]]]:
        """The words where they sound, with silences between them, and the phones of each."""
        decoder.set_align_text(" ".join(words))
        try:
            _decode(decoder, samples)  # the words,
            decoder.set_alignment()
            _decode(decoder, samples)  # then their phones
            found = [(word.name, [_label(phone) for phone in word]) for word in decoder.get_alignment() or []]
        except RuntimeError as error:
            raise InputError(_mismatch(said, samples, self.language)) from error
        if not found:
            raise InputError(_mismatch(said, samples, self.language))
        return found

    def guess(self, word: str) -> str:
        """Pronunciation by the fewest known words of three letters or more that spell it, else letter by letter."""
        best: list[tuple[float, str]] = [(0, "")]  # cost and phones of every beginning of the word
        for end in range(1, len(word) + 1):
            pieces = [(start, word[start:end]) for start in range(end)]
            best.append(
                min(
                    (best[start][0] + cost, f"{best[start][1]} {phones}")
                    for start, piece in pieces
                    for cost, phones in self._sounds(piece)
                )
            )
        return " ".join(best[-1][1].split()) or "AH"

    def english(self, text: str) -> Iterator[tuple[str, str, bool]]:
        """Words of an English text, their ARPABET, and whether that is a guess. Raises InputError as `words_of`."""
        for word in words_of(text):
            known = self.pronunciations.get(word)
            yield word, self.guess(word) if known is None else known, known is None

    def _sounds(self, piece: str) -> Iterator[tuple[float, str]]:
        """Ways to say a piece of a word, with their costs."""
        if piece in _LETTERS:
            yield 3, _LETTERS[piece]
        if len(piece) > 2 and piece in self.pronunciations and re.search("[aeiouy]", piece):
            yield 1 + 1 / len(piece), self.pronunciations[piece]


def _samples(audio: Iterable[F32], *, noise: float = 0) -> bytes:
    """16-bit samples of the whole clip, with a noise that is always the same; raises InputError when it is too long."""
    parts: list[bytes] = []
    rng = np.random.default_rng(0)
    count = 0
    for block in audio:
        count += len(block)
        if count > LONGEST * SAMPLE_RATE:
            raise InputError(f"--transcript: expected at most {LONGEST // 60} minutes of audio, found more; cut it")
        heard = np.clip(block, -1, 1) * 32767
        if noise:
            heard = np.clip(heard + rng.normal(0, noise, len(block)), -32768, 32767)
        parts.append(heard.astype(np.int16).tobytes())
    return b"".join(parts)


def _decode(decoder: Any, samples: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()


def _label(phone: Any) -> Label:
    return phone.start * _FRAME, (phone.start + phone.duration) * _FRAME, phone.name


def _named(phones: Sequence[Label], word: Word | None) -> Iterator[Label]:
    """The phones of a word under the names of its sounds; without a word it is silence."""
    if word is None:
        yield from ((start, end, "") for start, end, _ in phones)
        return
    rest = iter(phones)
    for sound in word:
        heard = [next(rest) for _ in sound.heard]
        if heard:
            yield heard[0][0], heard[-1][1], sound.ipa


def _check_fit(labels: Iterable[Label], text: str, language: str) -> None:
    """Raise InputError where too many phones are as short as the aligner can make them: it has lost the words."""
    lengths = [end - start for start, end, name in labels if name not in NO_PHONES]
    short = sum(length <= FLOOR for length in lengths)
    if not lengths or short > FLOOR_SHARE * len(lengths) + FLOOR_COUNT:
        raise InputError(
            f"transcript: {_beginning(text)} does not fit the sound ({short} of its {len(lengths)} phones would be as "
            f"short as can be); expected exactly what is said, {_in(language)}"
        )


def _mismatch(text: str, samples: bytes, language: str) -> str:
    seconds = len(samples) / 2 / SAMPLE_RATE
    return (
        f"transcript: {_beginning(text)} does not fit {seconds:.1f} s of audio; expected exactly what is said, "
        f"{_in(language)}"
    )


def _beginning(text: str) -> str:
    words = text.split()
    return f"{len(words)} words ({' '.join(words[:4])[:60]}{' ...' if len(words) > 4 else ''})"


def _in(language: str) -> str:
    return "in English (--language says another)" if language == ENGLISH else f"in the language {language!r}"
