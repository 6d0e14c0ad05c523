"""Labels, mixes, tracks, and the expressions they put on the built-in head."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emosplat.avatars.geometry import part_of_face
from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.emotion import (
    EMOTION_AXES,
    EMOTIONS,
    FAINT,
    EmotionMix,
    EmotionPoses,
    Mood,
    canonical_emotion,
    envelope,
    expressions,
    parse_emotion,
    parse_emotion_track,
    read_emotion_track,
)
from emosplat.core.errors import InputError

TIMES = np.arange(0, 20, 0.04)


@lru_cache
def head() -> HeadModel:
    return builtin_head()


def weights(**amounts: float) -> np.ndarray:
    return np.array([amounts.get(label, 0.0) for label in EMOTION_AXES])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        *((e, e) for e in EMOTIONS),
        *(("ANG", "angry"), ("Irritated1", "angry"), ("05", "angry"), ("DIS", "disgusted"), ("Afraid", "fearful")),
        *(("FEA", "fearful"), ("joy", "happy"), ("Smile2", "happy"), ("grief", "sad"), ("Sad1", "sad")),
        *(("amazement", "surprised"), ("NEU", "neutral"), ("01", "neutral"), (" Surprise ", "surprised")),
    ],
)
def test_every_data_sets_name_is_understood(name: str, label: str) -> None:
    assert canonical_emotion(name) == label


def test_unknown_label_names_the_choices_and_the_nearest() -> None:
    with pytest.raises(InputError, match=r"neutral, angry.*'hapy'; did you mean happy\?"):
        parse_emotion("hapy")


def test_mix() -> None:
    np.testing.assert_allclose(parse_emotion("angry").point, weights(angry=1))
    np.testing.assert_allclose(parse_emotion("Anger:0.6, sad:.2").point, weights(angry=0.6, sad=0.2))
    np.testing.assert_allclose(parse_emotion("happy,sad").point, weights(happy=0.5, sad=0.5))
    assert parse_emotion("happy:0.5,neutral:0.5") == EmotionMix(tuple(weights(happy=0.5, neutral=0.5)))


@pytest.mark.parametrize("text", ["", ",", "happy:", "happy:x", "happy:nan", "happy:-1", "happy:1.5", "joy,happy"])
def test_bad_mix_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse_emotion(text)
    assert "\n" not in str(error.value)


def test_track_is_linear_between_rows_and_constant_outside() -> None:
    track = parse_emotion_track("time_s,Happy,SAD\n1,0,1\n\n3.0,1,0\n")
    got = track.at(np.array([0, 1, 1.5, 3, 9]))
    np.testing.assert_allclose(got[:, EMOTIONS.index("happy")], [0, 0, 0.25, 1, 1])
    np.testing.assert_allclose(got[:, EMOTIONS.index("sad")], [1, 1, 0.75, 0, 0])


BAD_TRACKS = {
    "empty": "",
    "header only": "time_s,happy\n",
    "no time column": "happy,sad\n0,1\n",
    "no emotion": "time_s\n0\n",
    "unknown column": "time_s,hungry\n0,1\n",
    "emotion twice": "time_s,joy,happy\n0,1,1\n",
    "unsorted": "time_s,happy\n1,0\n0,1\n",
    "same time": "time_s,happy\n1,0\n1,1\n",
    "negative time": "time_s,happy\n-1,0\n",
    "not a number": "time_s,happy\n0,nan\n",
    "infinite time": "time_s,happy\ninf,1\n",
    "negative weight": "time_s,happy\n0,-0.5\n",
    "huge weight": "time_s,happy\n0,1e300\n",
    "short row": "time_s,happy,sad\n0,1\n",
    "long row": "time_s,happy\n0,1,2\n",
    "words": "time_s,happy\nzero,one\n",
    "NUL": "time_s,happy\n0,\0\n",
}


@pytest.mark.parametrize("text", BAD_TRACKS.values(), ids=BAD_TRACKS)
def test_bad_track_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match=r"^my track: ") as error:
        parse_emotion_track(text, source="my track")
    assert "\n" not in str(error.value)


@given(st.one_of(st.text(), st.text('time_s,happysad0123456789.-e\n\r"', max_size=200).map("time_s,happy\n".__add__)))
@example("time_s,happy\n0,1e999")
@example('time_s,"happy\n0,1')
def test_track_parser_gives_a_sound_track_or_an_input_error(text: str) -> None:
    try:
        track = parse_emotion_track(text)
    except InputError:
        return
    assert np.isfinite(track.times).all()
    assert (np.diff(track.times) > 0).all()
    assert (track.points >= 0).all()
    assert (track.points.sum(axis=1) <= 1 + 1e-9).all()


def test_track_files(tmp_path) -> None:
    good, binary, huge = tmp_path / "good.csv", tmp_path / "binary.csv", tmp_path / "huge.csv"
    good.write_bytes(b"\xef\xbb\xbftime_s,angry\r\n0,0.5\r\n")
    assert read_emotion_track(good).points[0, EMOTIONS.index("angry")] == 0.5
    binary.write_bytes(b"time_s,happy\n\xff\xfe")
    with huge.open("wb") as file:
        file.truncate(1 << 25)
    for bad in (binary, huge, tmp_path / "missing.csv", tmp_path):
        with pytest.raises(InputError, match=str(bad)):
            read_emotion_track(bad)


def test_a_track_that_a_spreadsheet_saved_as_unicode_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "mood.txt").write_bytes("time_s\tangry\r\n0\t0,5\r\n1,5\t1\r\n".encode("utf-16"))
    track = read_emotion_track(tmp_path / "mood.txt")
    assert track.times.tolist() == [0, 1.5]
    assert track.points.max() == 1


def test_a_track_of_a_spreadsheet_with_decimal_commas_is_the_same() -> None:
    plain = parse_emotion_track("time_s,angry\n0,0.5\n1.5,1\n")
    excel = parse_emotion_track("Time;angry\r\n0;0,5\r\n1,5;1\r\n")
    np.testing.assert_array_equal(excel.times, plain.times)
    np.testing.assert_array_equal(excel.points, plain.points)


def test_envelope_begins_and_ends_neutral_and_holds_in_between() -> None:
    for duration in (0.2, 1.0, 8.0):
        e = envelope(np.linspace(0, duration, 201), duration)
        assert e[0] == e[-1] == 0
        assert e[100] == 1
        assert (np.diff(e)[:100] >= 0).all()
        assert (np.diff(e)[100:] <= 0).all()


def test_half_an_emotion_is_the_same_pose_and_poses_follow_the_seed() -> None:
    poses = EmotionPoses(head())
    full = np.tile(weights(angry=1), (len(TIMES), 1))
    one, one_jaw = poses.at(full, TIMES, seed=3)
    half, half_jaw = poses.at(0.5 * full, TIMES, seed=3)
    np.testing.assert_allclose(half, 0.5 * (1 + FAINT / 2) * one, atol=1e-9)
    np.testing.assert_allclose(half_jaw, 0.5 * (1 + FAINT / 2) * one_jaw, atol=1e-9)
    assert np.abs(poses.at(full, TIMES, seed=4)[0] - one).max() > 0.05
    np.testing.assert_array_equal(poses.at(full[:50], TIMES[:50], seed=3)[0], one[:50])


def test_held_emotion_drifts_slowly_but_stays_itself() -> None:
    pose, _ = EmotionPoses(head()).at(np.tile(weights(happy=1), (len(TIMES), 1)), TIMES, seed=0)
    mean = pose.mean(axis=0)
    away = np.linalg.norm(pose - mean, axis=1) / np.linalg.norm(mean)
    assert 0.01 < away.mean() < 0.25
    assert np.linalg.norm(np.diff(pose, axis=0), axis=1).max() < 0.03 * np.linalg.norm(mean)


def test_mouth_part_moves_the_mouth_and_the_rest_the_brows() -> None:
    model = head()
    mouth = part_of_face(model, model.lip_pairs.reshape(-1), full=0.014, none=0.04)
    row = model.emotions.expr[model.emotions.rows("surprised")[0]].astype(float)
    part = row @ mouth

    def motion(expr: np.ndarray, region: str) -> float:
        return float(np.linalg.norm(model.exprdirs[model.regions[region]] @ expr, axis=1).max())

    assert motion(row - part, "lips") < 0.15 * motion(row, "lips")
    assert motion(part, "brows") < 0.15 * motion(row, "brows")


def test_emotion_that_the_head_lacks_is_refused() -> None:
    from dataclasses import replace

    from emosplat.avatars.head import ExpressionTable

    model = head()
    bare = replace(model, emotions=ExpressionTable.empty(model.expressions))
    poses = EmotionPoses(bare)
    poses.check(parse_emotion("neutral"))
    with pytest.raises(InputError, match="'happy'"):
        poses.check(parse_emotion("sad:0,happy:0.1"))


def test_a_mood_is_what_it_is_now_and_takes_no_wrong_numbers() -> None:
    mood = Mood()
    np.testing.assert_array_equal(mood.at(np.zeros(2)), parse_emotion("neutral").at(np.zeros(2)))
    mood.emotion, mood.intensity = parse_emotion("happy:0.5"), 0.5
    assert expressions(mood.at(np.zeros(1)))[0, EMOTIONS.index("happy")] == 0.25
    for wrong in (-0.1, 1.1, float("nan"), "much"):
        with pytest.raises(InputError, match="intensity: expected a number"):
            setattr(mood, "intensity", wrong)  # noqa: B010
    for gaze in ((0.0, 2.0), (float("nan"), 0.0), (0.1,)):
        with pytest.raises(InputError, match="gaze: expected pitch and yaw"):
            setattr(mood, "gaze", gaze)  # noqa: B010
    assert (mood.intensity, mood.gaze) == (0.5, (0.0, 0.0))
