"""Brows and head of a singer."""

import numpy as np
import pytest

from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.singing.gestures import BROWS, MOST_BROWS, singing
from emosplat.blendshapes.singing.notes import Note
from emosplat.blendshapes.singing.song import RATE, Song

N = 10 * RATE
TIMES = np.arange(N) / RATE


def made(sung: float = 1.0) -> Song:
    """Low for two seconds, high for two, after a breath low again."""
    pitch = np.where((TIMES > 3) & (TIMES < 5), 69.0, 60.0)
    voice = ((TIMES > 1) & (TIMES < 5)) | (TIMES > 6)
    notes = (Note(1, 3, 60), Note(3, 5, 69), Note(6, 10, 60))
    return Song(pitch, voice.astype(float), np.zeros(N), notes, np.full(N, sung))


def at(face: FaceMotion, name: str, time: float) -> float:
    return float(np.interp(time, face.times, face.column(name)))


def test_brows_and_head_go_up_with_the_pitch():
    face = singing(FaceMotion.rest(250, fps=25), made(), seed=1)
    assert at(face, "browInnerUp", 4) > 4 * BROWS > 2 * at(face, "browInnerUp", 2)
    assert at(face, "browInnerUp", 4) <= 1.3 * MOST_BROWS
    assert at(face, "headPitch", 4) < at(face, "headPitch", 2)
    assert at(face, "gazeLeftPitch", 4) == pytest.approx(-at(face, "headPitch", 4))


def test_the_head_goes_up_for_breath_and_down_at_the_end():
    face = singing(FaceMotion.rest(250, fps=25), made(), seed=1)
    assert at(face, "headPitch", 0.8) < 0
    assert at(face, "headPitch", 9.8) > 0


def test_pieces_equal_the_whole():
    rest, song = FaceMotion.rest(250, fps=25), made()
    whole = singing(rest, song, seed=3)
    for name in whole.columns:
        parts = np.concatenate([singing(piece, song, seed=3).column(name) for piece in rest.chunks(32)])
        np.testing.assert_allclose(parts, whole.column(name), atol=1e-12, err_msg=name)


def test_speech_is_left_alone_and_brows_stay_within_their_range():
    rest = FaceMotion.rest(250, fps=25)
    assert singing(rest, made(0.0), seed=3) is rest
    raised = rest.with_columns({"browInnerUp": np.full(250, 0.95)})
    assert singing(raised, made(), seed=3).column("browInnerUp").max() <= 1


def test_people_differ():
    rest = FaceMotion.rest(250, fps=25)
    one, other = (singing(rest, made(), seed=seed).column("headRoll") for seed in (1, 2))
    assert not np.allclose(one, other)


@pytest.mark.parametrize("frames", [1, 10, 25])
def test_a_clip_that_is_shorter_than_a_gesture(frames):
    song = made()
    short = Song(song.pitch[:frames], song.voice[:frames], song.bright[:frames], (), song.sung[:frames])
    face = singing(FaceMotion.rest(frames, fps=50), short, seed=1)
    assert all(np.isfinite(face.column(name)).all() for name in face.columns)


def test_a_song_goes_on_to_the_last_frame():
    song = made()
    face = singing(FaceMotion.rest(252, fps=25), song, seed=1)  # a frame more than the song has
    pitch = face.column("headPitch")[240:]
    assert np.abs(np.diff(pitch)).max() < 0.1 * np.abs(pitch).max()
