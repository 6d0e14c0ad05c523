"""Words of recordings and songs: what belongs together, what does not, and what a score does to a clip."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

import emosplat
from emosplat.blendshapes.bundle import Bundle
from emosplat.blendshapes.face_motion_files import load_face_motion
from emosplat.blendshapes.speech.encoder import AXES
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.render import render_clip
from emosplat.pipeline.clip.request import ClipRequest
from emosplat.pipeline.edit import Edits, Studio, render_edit
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.settings import DEFAULTS, read_settings
from emosplat.pipeline.words import song_of, words_of

RATE = 16_000
UST = """[#SETTING]
Tempo=120.00
[#0000]
Length=480
Lyric=R
NoteNum=60
[#0001]
Length=960
Lyric=ma
NoteNum=60
[#0002]
Length=960
Lyric=ma
NoteNum=64
[#0003]
Length=960
Lyric=ma
NoteNum=67
[#TRACKEND]
"""
M_AT = (0.5, 1.5, 2.5)  # seconds of the notes, before which the lips close


def voice() -> np.ndarray:
    """Half a second of silence, then three notes of harmonics of one second each (synthetic)."""
    pitches = np.repeat([60.0, 64.0, 67.0], RATE)
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((pitches - 69) / 12)) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 16))
    return np.concatenate([np.zeros(RATE // 2), 0.1 * tone]).astype(np.float32)


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    soundfile.write(path, voice(), RATE)
    return path


@pytest.fixture
def score(tmp_path):
    path = tmp_path / "song.ust"
    path.write_text(UST, encoding="utf-8")
    return path


def face(song, tmp_path, **settings):
    out = tmp_path / "face.json"
    values = {"model": "procedural", **settings}
    render_clip(ClipRequest(song, out, read_settings(values), overwrite=True))
    return load_face_motion(out), json.loads((tmp_path / "face.json.json").read_text(encoding="utf-8"))


def at(motion, axis, time):
    return float(np.interp(time, motion.times, motion.column(f"speech.{axis}")))


def test_a_score_says_when_the_lips_close_and_open(song, score, tmp_path):
    motion, record = face(song, tmp_path, lyrics=str(score))
    assert "close" in AXES
    for note in M_AT:
        near = np.abs(motion.times - note) < 0.12
        assert motion.column("speech.close")[near].max() > 0.9
        held = (motion.times > note + 0.3) & (motion.times < note + 0.8)
        assert motion.column("speech.close")[held].max() < 0.1
        assert motion.column("speech.jaw")[held].min() > 0.2
    assert record["lyrics"] == str(score)
    assert record["sung"] == 1


def test_a_stretch_of_a_song_has_that_stretch_of_the_score(song, score, tmp_path):
    whole, _ = face(song, tmp_path, lyrics=str(score))
    part, _ = face(song, tmp_path, lyrics=str(score), start=1.0)
    assert at(part, "close", 0.48) == pytest.approx(at(whole, "close", 1.48), abs=0.1)


def test_singing_can_be_told_and_denied(song):
    audio, encoder = open_audio(song), Bundle().encoder
    assert song_of(audio, "no", encoder) is None
    told = song_of(audio, "yes", encoder)
    assert told is not None
    assert told.sung.min() == 1


def test_speech_is_as_it_was(babble, tmp_path):
    spoken, _ = face(babble, tmp_path, singing="no")
    heard, record = face(babble, tmp_path)
    np.testing.assert_array_equal(spoken.values, heard.values)
    assert "sung" not in record


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"lyrics": "la la", "transcript": "la la"}, "--lyrics: expected them or --transcript, found both"),
        ({"lyrics": "la la", "singing": "no"}, "--lyrics: expected --singing auto or yes, found no"),
        ({"singing": "maybe"}, "--singing 'maybe': expected one of auto, yes, no"),
        ({"lyrics": "missing.lrc"}, "missing.lrc"),
    ],
)
def test_what_does_not_go_together(song, settings, words):
    with pytest.raises(InputError, match=words):
        words_of(open_audio(song), read_settings(settings), Bundle().encoder)


def test_a_path_is_no_text(song):
    with pytest.raises(InputError, match=r"^la: no such file"):
        emosplat.speak(song, lyrics=Path("la"))
    with pytest.raises(InputError, match=r"^la: no such file"):
        emosplat.speak(song, transcript=Path("la"))
    with pytest.raises(InputError, match=r"^la: no such file"):
        emosplat.edit("face.json", replace=[(1, 2)], sound=song, lyrics=Path("la"))


def test_a_score_of_another_song_is_refused(score, tmp_path):
    late = tmp_path / "late.wav"
    soundfile.write(late, np.concatenate([np.zeros(6 * RATE), voice()]).astype(np.float32), RATE)
    with pytest.raises(InputError, match=r"song\.ust: expected the score of this recording, in step; found a voice in"):
        words_of(open_audio(late), read_settings({"lyrics": str(score)}), Bundle().encoder)


def test_a_motion_has_no_lyrics(song, tmp_path):
    face(song, tmp_path)
    with pytest.raises(InputError, match="--lyrics: expected speech to align them with"):
        render_clip(ClipRequest(tmp_path / "face.json", tmp_path / "b.json", read_settings({"lyrics": "la"})))
    with pytest.raises(InputError, match="--singing yes: expected speech to be sung, found the motion"):
        render_clip(ClipRequest(tmp_path / "face.json", tmp_path / "b.json", read_settings({"singing": "yes"})))


def test_an_edit_knows_what_was_sung(song, score, tmp_path):
    made, _ = face(song, tmp_path, lyrics=str(score))
    path = tmp_path / "face.json"
    again = emosplat.edit(path, replace=[(1, 2)], sound=song)
    np.testing.assert_allclose(again.column("speech.close"), made.column("speech.close"), atol=1e-5)
    spoken = emosplat.edit(path, replace=[(1, 2)], sound=song, singing="no")  # what is recorded gives way
    assert np.abs(spoken.column("speech.jaw") - made.column("speech.jaw")).max() > 0.05
    with pytest.raises(InputError, match="retime: expected lyrics as text"):
        emosplat.edit(path, retime=song, sound=song, lyrics=score)


def test_the_record_of_an_edit_has_no_times_of_another_recording(song, score, tmp_path):
    path = tmp_path / "face.json"
    for recorded, after in (("[00:00.500]ma ma\n[00:02.500]ma", "ma ma ma"), (str(score), None)):
        face(song, tmp_path)
        record = json.loads((tmp_path / "face.json.json").read_text(encoding="utf-8"))
        (tmp_path / "face.json.json").write_text(json.dumps(record | {"lyrics": recorded}), encoding="utf-8")
        request = ClipRequest(path, tmp_path / "b.json", DEFAULTS, sound=song, overwrite=True)
        studio = Studio(LoadedModels("cpu"), lambda: pytest.fail("no film"))
        assert render_edit(request, Edits(retime=song), {}, studio).get("lyrics") == after


def test_the_record_has_times_and_language_of_lyrics(song, tmp_path):
    pytest.importorskip("pocketsphinx")
    timed = tmp_path / "song.lrc"
    timed.write_text("[00:00.45]ma\n[00:01.50]ma\n[00:02.50]ma", encoding="utf-8")
    motion, record = face(song, tmp_path, lyrics=str(timed), language="en-us")
    assert record["lyrics"] == "[00:00.450]ma\n[00:01.500]ma\n[00:02.500]ma"
    assert record["settings"]["language"] == "en-us"
    again, _ = face(song, tmp_path, lyrics=record["lyrics"])
    np.testing.assert_array_equal(again.values, motion.values)
