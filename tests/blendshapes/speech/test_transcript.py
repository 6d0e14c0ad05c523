"""Transcripts: words, guessed pronunciations, alignment, and what it does to the articulation."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.speech import encoder as speech
from emosplat.blendshapes.speech.encoder import AXES, Articulation
from emosplat.blendshapes.speech.phones import Segment
from emosplat.blendshapes.speech.rules import corrected
from emosplat.blendshapes.speech.transcript import Aligner, Alignment, read_transcript, words_of
from emosplat.core.errors import InputError

CLOSE, JAW = AXES.index("close"), AXES.index("jaw")
DEMO = Path(speech.__file__).parents[2] / "assets" / "demo" / "hello.flac"
SAID = [Segment(0.2, 0.3, "AA"), Segment(0.3, 0.4, "M"), Segment(0.4, 0.6, "AA")]


def articulation(frames: int, *, level: float = 0.2) -> Articulation:
    return Articulation(
        np.full((frames, 8), level, np.float32), np.ones(frames, np.float32), np.zeros(frames, np.float32)
    )


class TestWords:
    def test_punctuation_and_case_do_not_matter(self) -> None:
        assert words_of("Don\u2019t stop -- 'Mother', (PLEASE)!") == ["don't", "stop", "mother", "please"]

    @pytest.mark.parametrize("text", ["", " -- ", "привет", "five лодок", "日本"])
    def test_what_is_no_english_word_is_named(self, text: str) -> None:
        with pytest.raises(InputError, match="transcript: expected"):
            words_of(text)

    def test_accents_and_numbers_are_words(self) -> None:
        said = ["cafe", "five", "dollars", "fifty", "cents", "in", "nineteen", "eighty", "four"]
        assert words_of("Café: $5.50 in 1984") == said
        assert words_of("cafe\u0301 gr\u00fc\u00dfe") == ["cafe", "grusse"]

    @given(st.text(max_size=60))
    def test_any_text_gives_words_or_one_clear_error(self, text: str) -> None:
        words: list[str] = []
        with contextlib.suppress(InputError):
            words = words_of(text)
        assert all(set(word) <= set("abcdefghijklmnopqrstuvwxyz'") and word.strip("'") for word in words)

    def test_text_or_file(self, tmp_path: Path) -> None:
        path = tmp_path / "said.txt"
        path.write_text("hello there", encoding="utf-8")
        assert read_transcript(str(path)) == "hello there"
        assert read_transcript("hello there") == "hello there"
        assert read_transcript("x" * 5000) == "x" * 5000
        for missing in ("no such.lrc", "missing.TextGrid", "folder/missing.xml", "my words.txt"):
            with pytest.raises(InputError, match=f"{missing}: no such file"):
                read_transcript(missing)
        assert read_transcript("Open song.lrc, please.") == "Open song.lrc, please."
        path.write_bytes(b"\xff\xfd")
        with pytest.raises(InputError, match="UTF-8"):
            read_transcript(str(path))


def test_few_of_many_unknown_words_are_told() -> None:
    assert Alignment([], {}).warnings == []
    assert Alignment([], {"ako": "AE K OW"}).warnings == ["not in the dictionary, pronounced like this: ako (AE K OW)"]
    (told,) = Alignment([], {f"word{k}": "AH" for k in range(40)}).warnings
    assert "word11 (AH), 28 more (--language says other languages)" in told
    assert "word12" not in told


class TestCorrection:
    def test_contacts_are_those_of_the_phones(self) -> None:
        (piece,) = corrected([articulation(40)], SAID)
        assert piece.axes[:, CLOSE].max() == pytest.approx(1)
        assert piece.axes[18, CLOSE] > 0.9
        assert piece.axes[11, CLOSE] < 0.01

    def test_pieces_equal_the_whole(self) -> None:
        (whole,) = corrected([articulation(40)], SAID)
        pieces = list(corrected([articulation(13), articulation(20), articulation(7)], SAID))
        np.testing.assert_array_equal(np.concatenate([p.axes for p in pieces]), whole.axes)

    def test_without_phones_nothing_changes(self) -> None:
        (piece,) = corrected([articulation(40)], [])
        np.testing.assert_array_equal(piece.axes, articulation(40).axes)


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    return Aligner()


class TestAligner:
    def test_unknown_words_are_pronounced_by_their_parts(self, aligner: Aligner) -> None:
        assert aligner.guess("moonboat") == "M UW N B OW T"
        assert aligner.guess("emosplat").endswith("S P L AE T")
        assert aligner.guess("xq") == "K S K"
        assert aligner.guess("beauty's").endswith("Z")

    def test_demo(self, aligner: Aligner) -> None:
        wave, rate = soundfile.read(DEMO, dtype="float32")
        wave = soxr.resample(wave, rate, 16_000)
        text = DEMO.with_suffix(".txt").read_text()
        found = aligner.align((wave[i : i + 999] for i in range(0, len(wave), 999)), text.replace("Emma", "Emmah"))
        assert list(found.guessed) == ["emmah"]
        assert "emmah" in found.warnings[0]
        starts = [phone.start for phone in found.phones]
        assert starts == sorted(starts)
        assert found.phones[-1].end <= len(wave) / 16_000 + 0.05

    def test_text_that_does_not_fit(self, aligner: Aligner) -> None:
        with pytest.raises(InputError, match="does not fit"):
            aligner.align([np.zeros(1600, np.float32)], "far too many words for a tenth of a second")
