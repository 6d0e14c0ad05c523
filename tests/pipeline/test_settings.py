"""Every setting once: text and objects mean the same, what is wrong is one line, and nobody spells a default again."""

import inspect
import pickle
import re
from fractions import Fraction
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import emosplat
from emosplat.blendshapes import score
from emosplat.blendshapes.emotion import EmotionTrack, FromVoice, parse_emotion
from emosplat.blendshapes.models import DEFAULT
from emosplat.blendshapes.speech.accents import Accent
from emosplat.blendshapes.speech.effort import Habit
from emosplat.commands import batch, clip, view
from emosplat.core.errors import InputError
from emosplat.pipeline.batch.plan import BatchRequest
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.settings import DEFAULTS, ClipSettings, HeadMotion, read_settings
from emosplat.studies.conditions import Condition, Look


def test_text_and_values_mean_the_same() -> None:
    words = {"size": " 802X550 ", "fps": "30000/1001", "seed": "7", "intensity": "0.5", "blink": "false"}
    values = {"size": (802, 550), "fps": Fraction(30000, 1001), "seed": 7, "intensity": 0.5, "blink": False}
    assert read_settings(words) == read_settings(values)
    assert read_settings({"emotion": "Anger:.5, sadness:0.2"}).emotion == "angry:.5,sad:0.2"


def test_what_is_not_told_stays() -> None:
    base = read_settings({"avatar": "person3", "seed": 5})
    assert read_settings({"seed": 6}, base=base) == read_settings({"avatar": "person3", "seed": 6})
    assert read_settings({"seed": 0}, base=base).seed == 0


def test_settings_can_be_sent_and_compared() -> None:
    settings = read_settings({"fps": "24000/1001", "emotion": "sad:0.3", "weights": "mine"})
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert hash(settings) == hash(settings.model_copy()) != hash(DEFAULTS)


def test_emotions_of_all_kinds_reach_the_score(tmp_path: Path) -> None:
    assert read_settings({"emotion": " Auto "}).score().emotion == FromVoice()
    assert read_settings({"emotion": "happy:0.5"}).score().emotion == parse_emotion("happy:0.5")
    assert read_settings({"emotion": parse_emotion("sad")}).score().emotion == parse_emotion("sad")
    (tmp_path / "t.csv").write_text("time_s,sad\n0,1\n")
    assert isinstance(read_settings({"emotion_track": tmp_path / "t.csv"}).score().emotion, EmotionTrack)
    with pytest.raises(InputError, match=r"missing\.csv"):
        read_settings({"emotion_track": "missing.csv"}).score()


def test_effort_is_a_number_or_how_the_voice_usually_speaks(tmp_path: Path) -> None:
    assert [read_settings({"effort": told}).score().effort for told in ("auto", " Auto ", "1.5", 2)] == [
        *(None, None, 1.5, 2.0),
    ]
    noise = tmp_path / "noise.wav"
    soundfile.write(noise, 0.05 * np.random.default_rng(0).standard_normal(16000), 16000)
    with pytest.raises(InputError, match=r"effort: .*noise\.wav: expected the voice's ordinary speech, found a sound"):
        read_settings({"effort": noise}).score()
    calm = emosplat.example_speech()
    told = read_settings({"effort": calm})
    assert told.effort == str(calm)
    assert told.score().effort == Habit.of(open_audio(calm).blocks)
    for gone in ("gone.wav", "x" * 300 + ".wav"):
        with pytest.raises(InputError, match=rf"effort: {gone}: no such file"):
            read_settings({"effort": gone}).score()
    for wrong in ("3", "", "loud", "nan"):
        with pytest.raises(InputError, match=r"expected auto, a number from 0\.5 to 2, or a recording"):
            read_settings({"effort": wrong})


def test_doubts_about_a_recording_of_ordinary_speech_are_told_and_silence_is_refused(tmp_path: Path) -> None:
    loud, silent, notes = tmp_path / "loud.wav", tmp_path / "silent.wav", []
    speech, rate = soundfile.read(emosplat.example_speech())
    soundfile.write(loud, np.clip(50 * speech, -1, 1), rate)
    soundfile.write(silent, np.zeros(8000), 16000)
    read_settings({"effort": loud}).score(note=notes.append)
    assert len(notes) == 1
    assert notes[0].startswith(f"{loud}: the audio is clipped")
    with pytest.raises(InputError, match=rf"effort: {silent}: expected the voice's ordinary speech, found silence"):
        read_settings({"effort": silent}).score()


def test_what_is_asked_of_acting_reaches_the_score(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time_s,kind,strength\n1,stress,0.5\n")
    told = {"variety": "0.25", "guidance": " style: 1.50, emotion:0 ", "accents": tmp_path / "a.csv"}
    settings = read_settings(told)
    assert settings.guidance == "emotion:0,style:1.5"
    asked = settings.score(score.Style("anna"))
    assert (asked.variety, asked.guidance, asked.style) == (0.25, {"emotion": 0, "style": 1.5}, score.Style("anna"))
    assert asked.accents == (Accent(1.0, "stress", 0.5),)
    plain = DEFAULTS.score()
    assert (plain.variety, plain.guidance, plain.style, plain.accents) == (1.0, {}, None, None)
    with pytest.raises(InputError, match=r"gone\.csv"):
        read_settings({"accents": "gone.csv"}).score()


@pytest.mark.parametrize("text", ["", "512", "0x512", "-4x4", "512x", "9999x9999", "axb", "8x8", None, (1, 2, 3)])
def test_impossible_sizes(text: object) -> None:
    with pytest.raises(InputError, match="--size"):
        read_settings({"size": text})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"intensity": 1.2}, "--intensity 1.2: expected a number from 0 to 1"),
        ({"intensity": float("nan")}, "--intensity nan: expected"),
        ({"head_motion": "wild"}, "--head-motion 'wild': expected one of none, subtle, lively"),
        ({"variety": 1.1}, "--variety 1.1: expected a number from 0 to 1"),
        ({"style_strength": "-0.1"}, "--style-strength '-0.1': expected a number from 0 to 2"),
        ({"guidance": "tone:1"}, "--guidance 'tone:1': expected NAME:AMOUNT, .* sound, accents, emotion, style"),
        ({"guidance": "style:1,style:2"}, "--guidance .* each once"),
        ({"guidance": "style:5"}, "--guidance 'style:5': style: expected a number from 0 to 4"),
        ({"guidance": "style:nan"}, "--guidance .* expected a number from 0 to 4"),
        ({"guidance": "style"}, "--guidance 'style': expected NAME:AMOUNT"),
        ({"seed": -1}, "--seed -1: expected an integer"),
        ({"seed": 2**63}, "--seed"),
        ({"seed": True}, "--seed True"),
        ({"emotion": "agry"}, "--emotion: expected one of .* did you mean angry"),
        ({"emotion": 3}, "--emotion 3: expected text"),
        ({"fps": "fast"}, "--fps: expected a number or fraction"),
        ({"start": float("inf")}, "--start inf: expected seconds from 0 on"),
        ({"duration": -1}, "--duration -1: expected seconds"),
        ({"device": "tpu"}, "--device 'tpu': expected one of auto, cpu, cuda"),
        ({"colour": "red"}, "--colour: there is no such setting, expected one of avatar, emotion"),
    ],
)
def test_what_is_wrong_names_the_option(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_settings(change)


def test_whoever_asks_names_it() -> None:
    with pytest.raises(InputError, match=r"^list\.csv: line 3: head_motion 'wild'"):
        read_settings({"head_motion": "wild"}, named=lambda name: f"list.csv: line 3: {name}")


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.tuples(st.integers(), st.text())


@given(st.sampled_from(sorted(ClipSettings.model_fields)), anything)
def test_any_value_is_read_or_refused_in_one_line(name: str, value: object) -> None:
    assert re.fullmatch(r"|--[a-z-]+[ :].+", _complaint(name, value))


def _complaint(name: str, value: object) -> str:
    try:
        read_settings({name: value})
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("function", [emosplat.speak, emosplat.play])
def test_python_has_the_same_defaults(function: object) -> None:
    shared = inspect.signature(function).parameters.keys() & ClipSettings.model_fields.keys()  # pyright: ignore[reportArgumentType]
    told = {name: inspect.signature(function).parameters[name].default for name in shared}  # pyright: ignore[reportArgumentType]
    assert told == {name: getattr(DEFAULTS, name) for name in shared}
    assert function is not emosplat.speak or shared == ClipSettings.model_fields.keys()


def test_every_command_offers_the_settings() -> None:
    def options(command: object) -> set[str]:
        return set(inspect.signature(command).parameters)  # pyright: ignore[reportArgumentType]

    settings = ClipSettings.model_fields.keys()
    assert settings <= options(clip.clip)
    assert settings - options(batch.batch) == {"start", "duration"}
    assert {"weights", "model", "seed", "blink", "head_motion", "fps"} <= options(view.view)


def test_batches_and_studies_start_from_the_same_settings() -> None:
    assert BatchRequest("in", "out").settings == DEFAULTS
    shared = [name for model in (Condition, Look) for name in model.model_fields if name in ClipSettings.model_fields]
    assert {"avatar", "emotion", "intensity", "weights", "model", "size", "camera_lock", "background"} <= set(shared)
    own = Condition().model_dump() | Look().model_dump()
    # a condition's start is that of its videos; its model is one whose gestures are the same in every condition
    assert own["model"] == "procedural"
    same = [n for n in shared if n not in {"fps", "start", "model"}]
    assert {n: own[n] for n in same} == {n: getattr(DEFAULTS, n) for n in same}


def test_words_that_stand_twice_are_the_same() -> None:
    assert get_args(score.HeadMotion) == get_args(HeadMotion)
    assert DEFAULTS.model == DEFAULT


def test_subtitles_of_what_is_said_move_nothing_and_that_is_told(tmp_path: Path) -> None:
    notes: list[str] = []
    for text, told in (("Hello there", 1), ("brows: raise 0.8", 0)):
        path = tmp_path / f"{told}.vtt"
        path.write_text(f"WEBVTT\n\n00:00.000 --> 00:01.000\n{text}\n")
        ClipSettings(subtitles=path).score(note=notes.append)
        assert sum("nothing in it moves a face" in note for note in notes) == 1
