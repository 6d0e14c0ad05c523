"""What may stand behind --emotion: labels as ever, words, examples, and sums of them."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

import emosplat
from emosplat.blendshapes.emotion import (
    EMOTION_AXES,
    EMOTIONS,
    EmotionArc,
    EmotionMix,
    EmotionSum,
    EmotionTrack,
    FromVoice,
    parse_emotion,
    settled,
)
from emosplat.blendshapes.emotion_text import read_emotion_text
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import save_face_motion
from emosplat.blendshapes.models.speaking import heard
from emosplat.blendshapes.score import Score
from emosplat.cli import app
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.request import ClipRequest
from emosplat.pipeline.clip.source import open_source
from emosplat.pipeline.emotion import check_examples, explained, listens, placed, read_emotion, spelled
from emosplat.pipeline.settings import read_settings

SOURCES = ["angry", "joy:0.3", "sad:.2,fear:0.1", "auto", "a bit sad", "nervous", "her.mp4", "calm, then furious"]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def smile(path: Path, amount: float = 0.5) -> Path:
    """A face motion whose named emotion is joy."""
    save_face_motion(path, FaceMotion.rest(50, fps=25.0).with_column("emotion.happy", amount))
    return path


def point(emotion: object) -> dict[str, float]:
    assert isinstance(emotion, EmotionMix)
    return {axis: value for axis, value in zip(EMOTION_AXES, emotion.point, strict=True) if value}


@given(
    st.lists(st.tuples(st.sampled_from(SOURCES), st.sampled_from(["", ":0.5", " : 1", ":0"])), min_size=1, max_size=4)
)
@example([("auto", ":0.5"), ("a bit sad", ":0.5")])
def test_canonical_spelling_is_its_own_and_means_the_same(parts: list[tuple[str, str]]) -> None:
    text = " + ".join(f"{source}{weight}" if ":" not in source else source for source, weight in parts)
    sources = [source for source, _ in parts]
    if set(sources) <= {"angry", "joy:0.3", "sad:.2,fear:0.1"} and len(set(sources)) < len(sources):
        with pytest.raises(InputError, match="twice"):
            spelled(text)
        return
    told = spelled(text)
    assert spelled(told) == told
    assert listens(text) == listens(told) == ("auto" in text)


@given(st.text(max_size=60) | st.text("happysad :+,.0123456789aut", max_size=30))
def test_any_text_is_an_emotion_or_one_line(text: str) -> None:
    try:
        emotion = read_emotion(text)
    except InputError as error:
        complaint = str(error)
    else:
        complaint = ""
        assert isinstance(emotion, EmotionMix | EmotionArc | EmotionSum | FromVoice)
    assert "\n" not in complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("angrry", "found 'angrry'; did you mean angry"),
        ("angrry:0.6,sad:0.2", "found 'angrry'; did you mean angry"),
        ("angrry:0.6", "found 'angrry'; did you mean angry"),
        ("happy, sadd", "found 'sadd'; did you mean sad"),
        ("joy,happy", "'happy' twice"),
        ("happy:1.5", "weight of 'happy'"),
        ("a bit sad:1.5", "weight of 'a bit sad'"),
        ("nervous:0.4,sad:0.2", r"nervous:0.5 \+ sad:0.5"),
        ("zyx wvu", "not understood: 'zyx', 'wvu'"),
        ("happy +", "expected one of neutral"),
    ],
)
def test_what_is_wrong_is_said(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        spelled(text)


def test_a_label_is_never_a_file_and_a_file_is_looked_for_when_it_is_needed(here: Path) -> None:
    Path("sad").write_text("", encoding="utf-8")
    assert point(read_emotion("sad")) == {"sad": 1.0}
    assert spelled("nobody.mp4") == "nobody.mp4"
    for need in (read_emotion, check_examples):
        with pytest.raises(InputError, match=r"found none: nobody\.mp4"):
            need("angry:0.5 + nobody.mp4:0.5")


def test_a_sum_adds_points_with_their_weights() -> None:
    score = Score(duration=4.0, emotion=read_emotion("angry:0.25 + a bit sad:0.5"))
    nearly = read_emotion_text("a bit sad").points[0, EMOTIONS.index("sad")]
    assert point(heard(score).emotion) == pytest.approx({"angry": 0.25, "sad": 0.5 * nearly})
    full = heard(Score(duration=4.0, emotion=read_emotion("angry + fearful + fearful, wide-eyed"))).emotion
    assert isinstance(full, EmotionMix)
    assert sum(full.point[: len(EMOTIONS)]) == pytest.approx(1)
    assert point(full)["fearful"] > point(full)["angry"] > 0 < point(full)["lid_raise"] <= 1


def test_a_sum_with_a_way_or_a_voice_changes_over_time() -> None:
    track = EmotionTrack(np.array([1.0, 3.0]), np.eye(len(EMOTION_AXES))[[1, 5]])
    emotion = EmotionSum(((FromVoice(), 0.5), (EmotionArc(track.points), 0.5)))
    with pytest.raises(InputError, match="known length"):
        settled(emotion, duration=None, listen=lambda: track)
    found = settled(emotion, duration=4.0, listen=lambda: track)
    assert isinstance(found, EmotionTrack)
    np.testing.assert_allclose(found.at(np.array([0.0, 4.0])), track.points)
    assert (np.diff(found.times) > 0).all()


def test_files_may_be_placed_elsewhere_within_a_sum() -> None:
    def place(name: str) -> str:
        return f"there/{name}" if name.endswith(".mp4") else name

    assert placed("her.mp4", place) == "there/her.mp4"
    assert placed("auto:0.5 + her.mp4:0.5 + a bit sad", place) == "auto:0.5 + there/her.mp4:0.5 + a bit sad"
    for text in ("angry:0.6,sad:0.2", "auto", "a bit sad:0.5 + happy"):
        assert placed(text, place) == text


def test_a_face_motion_a_track_and_a_voice_are_examples(here: Path, babble: Path) -> None:
    assert point(read_emotion(str(smile(here / "her.json")))) == {"happy": 0.5}
    assert point(read_emotion(str(smile(here / "her.json", 0.75)))) == {"happy": 0.75}  # read anew when it changes
    Path("mood.csv").write_text("time_s,sad\n0,1\n2,0\n", encoding="utf-8")
    assert isinstance(read_emotion("mood.csv"), EmotionTrack)
    notes: list[str] = []
    assert isinstance(read_emotion(str(babble), note=notes.append), EmotionMix)
    soundfile.write("silence.wav", np.zeros(16_000), 16_000)
    assert point(read_emotion("silence.wav", note=notes.append)) == {}
    assert any("no emotion is sure" in note for note in notes)
    Path("noise.mp4").write_bytes(b"no film")
    with pytest.raises(InputError, match=r"noise\.mp4"):
        read_emotion("noise.mp4")


def test_a_film_is_tracked(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import contextmanager
    from dataclasses import replace

    from emosplat.avatars.arkit import ARKIT_52
    from emosplat.pipeline.tracking import drive, tracker

    from .tracking.pretend import PretendTracker, film

    class Smiling(PretendTracker):
        def find(self, picture: np.ndarray) -> list[tracker.Face]:
            weights = np.zeros(len(ARKIT_52), np.float32)
            for shape, weight in {"mouthSmile": 0.74, "eyeSquint": 0.45, "mouthUpperUp": 0.25}.items():
                weights[[ARKIT_52.index(f"{shape}{side}") for side in ("Left", "Right")]] = weight
            return [replace(face, weights=weights) for face in super().find(picture)]

    @contextmanager
    def smiling(_given: Path | None = None) -> Iterator[PretendTracker]:
        yield Smiling()

    monkeypatch.setattr(drive, "open_tracker", smiling)
    found = point(read_emotion(str(film(here / "her.mp4", [0.1, None, *[0.1] * 8]))))
    assert max(found, key=found.__getitem__) == "happy"


def test_words_of_a_clip_are_told_in_its_record_and_what_was_not_understood_in_its_notes(
    babble: Path, tmp_path: Path
) -> None:
    clip = emosplat.speak(babble, emotion="a little nervous but smiling, zyxwv", size=(32, 32), duration=0.4)
    assert clip.warnings == ("emotion: not understood and left out: 'zyxwv'",)
    told = clip.save(tmp_path / "a.npz")["settings"]
    assert told["emotion_asked"] == "a little nervous but smiling, zyxwv"
    assert told["emotion"]["corner_pull"] > told["emotion"]["fearful"] > 0
    assert not told["emotion_from_voice"]
    both = emosplat.speak(babble, emotion="auto:0.5 + calm, then sad:0.5", duration=0.4).save(tmp_path / "b.npz")
    assert both["settings"]["emotion_from_voice"]
    assert len(both["settings"]["emotion"]["sad"]) == len(both["settings"]["emotion"]["time_s"]) > 1
    with pytest.raises(InputError, match="speech to listen to"):
        open_source(
            ClipRequest(tmp_path / "a.npz", tmp_path / "c.npz", read_settings({"emotion": "auto:0.5 + sad"})),
            LoadedModels("cpu"),
        )


def test_labels_keep_their_spelling_and_objects_pass() -> None:
    assert read_settings({"emotion": "Anger:.5 + sadness:0.2"}).emotion == "angry:.5,sad:0.2"
    assert read_settings({"emotion": "Nervous"}).emotion == "Nervous"
    for emotion in (parse_emotion("sad"), read_emotion_text("calm, then sad").emotion, EmotionSum(())):
        assert read_settings({"emotion": emotion}).emotion is emotion


def test_what_a_text_means_can_be_seen_beforehand(here: Path) -> None:
    smile(here / "her.json")
    lines = list(explained("auto:0.5 + calm, then furious:0.25 + her.json + angry at zyxwv"))
    assert lines[:2] == ["0.5 of what the voice tells", "0.25 of part 1 of 2: neutral 0.6"]
    assert lines[3] == "1 of happy 0.5"
    assert lines[-1] == "note: emotion: not understood and left out: 'zyxwv'"
    shown = CliRunner().invoke(app, ["inspect", "--emotion", "a smile"])
    assert (shown.exit_code, "corner_pull" in shown.output) == (0, True)
    for wrong in (["inspect"], ["inspect", "her.json", "-e", "sad"]):
        assert CliRunner().invoke(app, wrong).exit_code == 2
