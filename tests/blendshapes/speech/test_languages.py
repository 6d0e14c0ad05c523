"""Languages: their names, how their words sound, and where the sounds of a recording are found."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.blendshapes.speech import languages
from emosplat.blendshapes.speech.languages import canonical_language, check_spoken, nearest, pronounced
from emosplat.blendshapes.speech.phones import IPA, IPA_PAIRS, Segment, from_ipa
from emosplat.blendshapes.speech.transcript import Aligner
from emosplat.core.errors import InputError

needs_espeak = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")

SENTENCES = {
    "de": "Meine Großmutter backt am Sonntag immer einen Apfelkuchen.",
    "fr": "La petite fille a perdu son parapluie bleu.",
    "es": "Un buen vino blanco acompaña bien al pescado.",
    "it": "Mi piace molto viaggiare quando piove.",
    "pl": "Jutro jedziemy pociągiem do Krakowa.",
    "nl": "De hond slaapt onder de oude keukentafel.",
}
BETWEEN_SILENCES = "Morgen fahren wir mit dem Zug nach Hamburg."  # which nothing is in: no noise, not a bit
# Speech with the times of its sounds, in a process of its own: espeak-ng's library can be opened only once
SAY = """
import json, sys
import soundfile, soxr
from emosplat.blendshapes.training.espeak import Espeak

library = Espeak()
for voice, text in json.loads(sys.argv[2]).items():
    wave, phones = library.say(text, voice, speed=140)
    soundfile.write(f"{sys.argv[1]}/{voice}.wav", soxr.resample(wave, library.rate, 16_000), 16_000)
    open(f"{sys.argv[1]}/{voice}.json", "w").write(json.dumps(phones))
"""


def ipa(text: str, language: str) -> list[str]:
    return ["".join(sound.ipa for sound in word) for word in pronounced(text, language)]


class TestNames:
    def test_the_usual_spellings(self) -> None:
        assert [canonical_language(name) for name in ("de", "pt_BR", " German ")] == ["de", "pt-br", "german"]
        assert {canonical_language(name) for name in ("en", "en-GB", "EN_us", "eng", "English")} == {"en"}

    @pytest.mark.parametrize("name", ["", "x", "../de", "de;ls", "!v/f1", "f1", "-v", "de" * 60, "日本語"])
    def test_what_can_be_no_language_never_reaches_the_program(self, name: str) -> None:
        with pytest.raises(InputError, match="--language: expected a language"):
            canonical_language(name)

    def test_a_missing_program_is_named_with_its_remedy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "which", lambda _: None)
        with pytest.raises(InputError, match=r"needs the program espeak-ng.*apt install espeak-ng"):
            check_spoken("de")

    @needs_espeak
    def test_a_language_that_nobody_speaks(self) -> None:
        check_spoken("de")
        with pytest.raises(InputError, match="espeak-ng --voices lists, found 'xx'"):
            check_spoken("xx")


def test_every_sound_has_english_phones_that_the_model_knows() -> None:
    pocketsphinx = pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    known = {line.split()[1] for line in _dictionary(pocketsphinx) if len(line.split()) > 1}
    heard = {phone for sound in (*IPA, *IPA_PAIRS) for phone in nearest(sound).split()}
    assert heard <= known
    assert not nearest("ʔ")  # the model has no phone for it


def _dictionary(pocketsphinx: object) -> list[str]:
    folder = Path(pocketsphinx.get_model_path())  # type: ignore[attr-defined]
    words = (folder / "en-us" / "cmudict-en-us.dict").read_text().splitlines()
    return [f"{word} {phone}" for word, *phones in map(str.split, words) for phone in phones]


@needs_espeak
class TestWords:
    def test_words_and_their_sounds(self) -> None:
        assert ipa("Zwei Bäume!", "de") == ["tsvaɪ", "bɔømə"]
        assert ipa("guten\nTag", "de") == ["ɡutən", "tɑk"]
        (word,) = pronounced("montaña", "es")
        assert [sound.heard for sound in word if sound.ipa == "ɲ"] == [("N", "Y")]

    def test_numbers_and_money_are_said_as_in_the_language(self) -> None:
        assert "".join(ipa("21", "de")) == "".join(ipa("einundzwanzig", "de"))
        assert "".join(ipa("1984", "es")) == "".join(ipa("mil novecientos ochenta y cuatro", "es"))
        assert ipa("5,50 €", "de") == ipa("5 € 50", "de")
        assert ipa("$12", "fr") == ipa("12 $", "fr")
        assert ipa("1.234,50 €", "de") == ipa("1.234 € 50", "de")

    def test_nothing_in_a_text_is_a_command(self) -> None:
        assert ipa("[[hEl]] <break/>", "de") == ipa("hEl break/", "de")

    def test_what_cannot_be_read_is_refused(self) -> None:
        with pytest.raises(InputError, match="cannot read this text as 'ja'"):
            pronounced("東京", "ja")
        with pytest.raises(InputError, match=r"expected words of 'de', found '\.\.\.'"):
            pronounced("...", "de")
        with pytest.raises(InputError, match="at most"):
            pronounced("a " * languages.MAX_TEXT, "de")

    @settings(max_examples=20)
    @given(st.text(max_size=40), st.sampled_from(["de", "fr", "ru"]))
    def test_any_text_gives_sounds_or_one_clear_error(self, text: str, language: str) -> None:
        with contextlib.suppress(InputError):
            for word in pronounced(text, language):
                assert all(sound.ipa in IPA or sound.ipa in IPA_PAIRS for sound in word)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of every sentence, and its phones."""
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    folder = tmp_path_factory.mktemp("spoken")
    said = {f"{language}+f3": text for language, text in SENTENCES.items()} | {"de+m3": BETWEEN_SILENCES}
    subprocess.run([sys.executable, "-c", SAY, folder, json.dumps(said)], check=True)
    return folder


def heard(path: Path) -> NDArray[np.float32]:
    return np.asarray(soundfile.read(path, dtype="float32")[0], np.float32)


@needs_espeak
class TestAlignment:
    @pytest.mark.parametrize("language", SENTENCES)
    def test_sounds_are_found_where_they_were_made(self, spoken: Path, language: str) -> None:
        wave = heard(spoken / f"{language}+f3.wav")
        found = Aligner(language).align([wave], SENTENCES[language])
        made = [Segment(*phone) for phone in json.loads((spoken / f"{language}+f3.json").read_text())]
        told, placed = ([s for s in phones if s.phone != "SIL"] for phones in (made, found.phones))
        assert [s.phone for s in placed] == [s.phone for s in told]
        off = np.abs([a.start - b.start for a, b in zip(told, placed, strict=True)])
        assert np.median(off) < 0.03
        assert np.mean(off < 0.1) > 0.9
        assert found.warnings == []

    def test_digital_silence_around_does_not_matter_and_the_noise_against_it_is_the_same_each_time(
        self, spoken: Path
    ) -> None:
        wave = heard(spoken / "de+m3.wav")
        found = [Aligner("de").align([wave], BETWEEN_SILENCES) for _ in range(2)]
        assert found[0] == found[1]
        assert len(found[0].words) == len(BETWEEN_SILENCES.split())
        made = [phone for phone in json.loads((spoken / "de+m3.json").read_text()) if phone[2] != "SIL"]
        assert abs(found[0].words[0][0] - made[0][0]) < 0.1
        assert abs(found[0].words[-1][1] - made[-1][1]) < 0.1

    def test_another_text_of_that_language_is_refused(self, spoken: Path) -> None:
        wave = heard(spoken / "it+f3.wav")
        with pytest.raises(InputError, match=r"does not fit .* in the language 'de'"):
            Aligner("de").align([wave], "Die Kinder spielen heute draußen im Garten, obwohl es seit Stunden regnet.")


def test_the_sounds_of_a_word_are_those_of_the_lips() -> None:
    """The names that an alignment gives back are read by the rules of the lips."""
    assert all(from_ipa([(0.0, 0.1, sound)])[0].phone != "SIL" for sound in (*IPA, *IPA_PAIRS))


def test_long_vowels_of_other_languages_do_not_glide() -> None:
    assert [s.phone for s in from_ipa([(0.0, 0.2, "eː"), (0.2, 0.4, "oː"), (0.4, 0.6, "eɪ")])] == [
        *("EY1", "OW1"),
        *("EY1", "Y2"),
    ]
