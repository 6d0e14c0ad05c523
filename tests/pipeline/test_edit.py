"""Edits of files: what is untouched is the same in the file, takes follow their record, faces of films are met."""

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import emosplat
from emosplat.blendshapes.editing.keys import PoseOf, Wish, parse_key
from emosplat.blendshapes.editing.spans import Span, turning
from emosplat.blendshapes.emotion import EmotionMix, EmotionTrack
from emosplat.blendshapes.face_motion import FaceMotion, join, region_of
from emosplat.blendshapes.face_motion_files import load_face_motion, save_face_motion
from emosplat.blendshapes.score import Score, shaped
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.render import render_clip
from emosplat.pipeline.clip.request import ClipRequest
from emosplat.pipeline.edit import Edits, Studio, as_made, edited, render_edit
from emosplat.pipeline.settings import DEFAULTS, read_settings

from .tracking.pretend import SIZE, WIDEST, film, pretended

SECONDS = 4.0
LOADED = LoadedModels("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound, and the face motion of it: happy, with the record beside it."""
    path = tmp_path_factory.mktemp("edit")
    times = np.arange(int(SECONDS * 16_000)) / 16_000
    buzz = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 25)) * (np.sin(2 * np.pi * 1.7 * times) > 0)
    soundfile.write(path / "sound.wav", (0.1 * buzz).astype(np.float32), 16_000)
    asked = read_settings({"emotion": "happy:0.7", "seed": 3, "head_motion": "lively", "model": "procedural"})
    render_clip(ClipRequest(path / "sound.wav", path / "face.json", asked, varied=True), loaded=LOADED)
    return path


def studio() -> Studio:
    return Studio(LOADED, lambda: pretended(None))


def edit(
    folder: Path, out: Path, given: dict[str, Any] | None = None, **edits: Any
) -> tuple[FaceMotion, dict[str, Any]]:
    given = given or {}
    request = ClipRequest(folder / "face.json", out, read_settings(given), sound=folder / "sound.wav", overwrite=True)
    record = render_edit(request, Edits(**edits), given, studio(), words=["--key"])
    return load_face_motion(out), record


def texts(path: Path) -> tuple[list[str], list[list[str]]]:
    """Columns and the numbers of every frame as they are written."""
    found = json.loads(path.read_text(encoding="utf-8"), parse_float=str, parse_int=str)
    return found["columns"], found["frames"]


@pytest.mark.parametrize(
    ("edits", "touched"),
    [
        ({"keys": [parse_key("2.0=smile:0.6,turn:10")], "reach": 0.4}, (1.59, 2.45)),
        ({"replace": [Span(1.5, 2.5)]}, (1.2, 2.8)),
        ({"between": [Span(1.5, 2.5)]}, (1.5, 2.5)),
    ],
    ids=["keys", "replace", "between"],
)
def test_what_is_untouched_is_the_same_in_the_file(
    folder: Path, tmp_path: Path, edits: dict[str, Any], touched: tuple[float, float]
) -> None:
    after, record = edit(folder, tmp_path / "out.json", {"seed": 8}, **edits)
    before = load_face_motion(folder / "face.json")
    assert record["edits"] == ["--key"]
    columns, frames = texts(folder / "face.json")
    now_columns, now = texts(tmp_path / "out.json")
    away = np.flatnonzero((before.times < touched[0]) | (before.times > touched[1]))
    changed = 0
    for name in {*columns, *now_columns}:
        k, n = (c.index(name) if name in c else None for c in (columns, now_columns))
        for t in range(len(frames)):
            was, then = ("0.0" if at is None else rows[t][at] for at, rows in ((k, frames), (n, now)))
            assert t not in away or was == then, (name, t)
            changed += was != then
    assert changed > 10
    assert len(after) == len(before)


def test_a_head_that_the_model_would_not_have_moved_so_does_not_spin() -> None:
    """Turned away, as filmed ones are, and moved by rule: no chance leads `acting` there."""
    sound = emosplat.example_speech()
    spoken = emosplat.speak(sound, duration=3.0, model="procedural", seed=1).face
    face = replace(spoken, head=spoken.head + np.radians([0, 20, 0, 0, 0, 0]))
    asked = {"model": "acting", "head_motion": "lively"}
    for seed in (0, 1, 6):
        after = edited(face, Edits(replace=[Span(1.0, 2.0)]), asked | {"seed": seed}, studio(), sound=Path(sound))
        assert np.degrees(turning(after)) < 170  # 199, 202 and 215 where it is told to go on from there
        np.testing.assert_array_equal(after.head[:17], face.head[:17])


def test_the_same_seed_as_the_record_tells_changes_nothing(folder: Path, tmp_path: Path) -> None:
    """Emotion, intensity, head motion: a new take is made as the motion was, unless somebody chooses otherwise."""
    after, record = edit(folder, tmp_path / "same.json", {"seed": 3}, replace=[Span(1.5, 2.5)])
    before = load_face_motion(folder / "face.json")
    assert record["warnings"] == ["nothing has changed"]
    for name in before.columns:
        np.testing.assert_array_equal(after.column(name), before.column(name))
    sad, record = edit(folder, tmp_path / "sad.json", {"seed": 3, "emotion": "sad"}, replace=[Span(1.5, 2.5)])
    assert record["warnings"] == []
    assert sad.column("emotion.sad")[50] > 0.5
    assert sad.column("emotion.happy")[50] < 0.1
    assert sad.column("emotion.happy")[20] == before.column("emotion.happy")[20]


def test_a_new_take_is_acted_in_the_style_of_the_motion_or_another(folder: Path, tmp_path: Path) -> None:
    calm = tmp_path / "calm.style.json"
    calm.write_text('{"format": "emosplat-style-1", "name": "calm", "gains": {"head": 0.0}}')
    span = {"replace": [Span(1.5, 2.5)]}
    usual, _ = edit(folder, tmp_path / "usual.json", {"seed": 8}, **span)
    still, _ = edit(folder, tmp_path / "still.json", {"seed": 8, "style": str(calm)}, **span)
    middle = slice(48, 52)
    assert (
        np.abs(np.diff(still.column("headYaw")[middle])).max() < np.abs(np.diff(usual.column("headYaw")[middle])).max()
    )
    with pytest.raises(InputError, match="unknown style 'nobody'"):
        edit(folder, tmp_path / "nobody.json", {"style": "nobody"}, **span)
    # what the record says goes for edits of the motion, as long as that style is there
    told = {"settings": {"emotion": {"happy": 0.7}, "model": "procedural", "head_motion": "lively", "style": str(calm)}}
    asked, notes = Edits(replace=span["replace"]), studio()
    face = load_face_motion(folder / "face.json")
    again = edited(face, asked, {"seed": 8}, notes, sound=folder / "sound.wav", record=told)
    np.testing.assert_allclose(again.column("headYaw"), still.column("headYaw"), atol=1e-6)
    assert notes.notes == []
    calm.unlink()
    edited(face, asked, {"seed": 8}, notes, sound=folder / "sound.wav", record=told)
    assert "as people usually move" in "".join(notes.notes)


def test_a_recording_that_the_record_names_and_that_is_gone_stops_no_edit(folder: Path) -> None:
    told = {"settings": {"emotion": {"happy": 0.7}, "model": "procedural", "head_motion": "lively", "effort": "no.wav"}}
    asked, notes, face = Edits(replace=[Span(1.5, 2.5)]), studio(), load_face_motion(folder / "face.json")
    edited(face, asked, {"seed": 3}, notes, sound=folder / "sound.wav", record=told)
    assert "effort: no.wav: no such file; effort as the voice tells" in notes.notes
    with pytest.raises(InputError, match=r"effort: no\.wav: no such file"):
        edited(face, asked, {"seed": 3, "effort": "no.wav"}, studio(), sound=folder / "sound.wav", record=told)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(("happy", "2", "")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("time_s", "happy", "sad")), inner),
    max_leaves=6,
)


@given(JSON, JSON, JSON, JSON)
def test_a_record_that_somebody_has_changed_is_usable_or_passed_over(
    emotion: Any, one: Any, two: Any, three: Any
) -> None:
    told = {"emotion": emotion, "intensity": one, "blink": two, "head_motion": three}
    score = as_made({"settings": told}).score()
    assert isinstance(score.emotion, EmotionMix | EmotionTrack)
    points = score.emotion.at(np.linspace(0, 3, 5))
    assert ((points >= 0) & (points <= 1)).all()
    assert 0 <= score.intensity <= 1
    assert as_made({"settings": emotion}) is not None


def test_without_a_record_the_expression_stays(folder: Path) -> None:
    face = load_face_motion(folder / "face.json")
    asked = Edits(replace=[Span(1.5, 2.5)])
    after = edited(face, asked, {"seed": 8}, studio(), sound=folder / "sound.wav")
    for name in {*face.columns, *after.columns}:
        same = np.array_equal(after.column(name), face.column(name))
        assert same or region_of(name) != "emotion", name
    assert not np.array_equal(after.column("headYaw"), face.column("headYaw"))


def test_an_edit_of_an_edit_knows_how_the_motion_was_made(folder: Path, tmp_path: Path) -> None:
    edit(folder, tmp_path / "face.json", keys=[parse_key("0.5=smile:0.5")])
    asked = {"folder": tmp_path, "replace": [Span(1.5, 2.5)]}
    (tmp_path / "sound.wav").write_bytes((folder / "sound.wav").read_bytes())
    again, record = edit(out=tmp_path / "again.json", given={"seed": 3}, **asked)
    assert record["warnings"] == ["nothing has changed"]
    assert record["settings"]["seed"] == 3
    # a motion that was merely played has a record that says nothing of it: the expression stays
    played = ClipRequest(folder / "face.json", tmp_path / "face.json", read_settings({}), overwrite=True)
    render_clip(played, loaded=LOADED)
    after, _ = edit(out=tmp_path / "after.json", given={"seed": 8}, **asked)
    np.testing.assert_array_equal(after.column("emotion.happy"), again.column("emotion.happy"))


def test_any_motion_model_is_told_what_to_keep(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that turns the head slowly, asked through its protocol alone; it may use `Score.fixed` as it likes."""
    told: list[Score] = []

    class Turning:
        def plan(self, score: Score) -> FaceMotion:
            told.append(score)
            assert score.frames is not None
            own = FaceMotion.rest(score.frames, fps=score.fps)
            return join(shaped([own.with_column("headYaw", 0.05 * np.sin(own.times))], score))

    talking = SimpleNamespace(model=Turning(), solver=LOADED.talking_head().solver)
    monkeypatch.setattr(LoadedModels, "talking_head", lambda *_: talking)
    face = load_face_motion(folder / "face.json")
    after = edited(face, Edits(replace=[Span(1.5, 2.5)]), {"emotion": "sad"}, studio(), sound=folder / "sound.wav")
    (score,) = told
    assert score.sound is not None
    assert score.frames == len(face)
    kept = np.concatenate([face.times[(face.times > f.start) & (face.times < f.end)] for f in score.fixed])
    assert set(face.times[(face.times < 1.2) | (face.times > 2.8)]) <= set(kept)
    assert not ((kept > 1.5) & (kept < 2.5)).any()
    for part in score.fixed:
        np.testing.assert_array_equal(part.motion.values, face.values)
    assert not after.column("speech.jaw")[38:62].any()
    assert np.array_equal(after.head[:30], face.head[:30])


def test_regions_that_are_kept_stay(folder: Path, tmp_path: Path) -> None:
    regions = ("brows", "head")
    after, _ = edit(folder, tmp_path / "o.json", {"seed": 8}, replace=[Span(1, 3)], regions=regions)
    before = load_face_motion(folder / "face.json")
    changed = {
        region_of(n) for n in {*before.columns, *after.columns} if not np.array_equal(after.column(n), before.column(n))
    }
    assert changed == set(regions)


def test_a_motion_follows_another_recording(folder: Path, tmp_path: Path) -> None:
    """The same sound with half a second of silence before it: everything comes as much later, and the sound is new."""
    samples, rate = soundfile.read(folder / "sound.wav", dtype="float32")
    soundfile.write(tmp_path / "late.wav", np.concatenate([np.zeros(rate // 2, np.float32), samples]), rate)
    after, record = edit(folder, tmp_path / "late.json", retime=tmp_path / "late.wav")
    before = load_face_motion(folder / "face.json")
    assert len(after) == len(before) + 13
    assert record["audio"] == str(tmp_path / "late.wav")
    later = np.interp(before.times + 0.5, after.times, after.column("speech.jaw"))
    assert np.corrcoef(later, before.column("speech.jaw"))[0, 1] > 0.97


def test_a_sound_that_the_motion_does_not_say_is_told(folder: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(folder / "sound.wav", dtype="float32")
    soundfile.write(tmp_path / "short.wav", samples[: 2 * rate], rate)
    request = ClipRequest(folder / "face.json", tmp_path / "o.json", DEFAULTS, sound=tmp_path / "short.wav")
    record = render_edit(request, Edits(retime=folder / "sound.wav"), {}, studio())
    assert [w for w in record["warnings"] if w.endswith("its audio 2.00 s")]


def test_the_face_of_a_film_is_met(folder: Path, tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", [WIDEST * (i / 50) for i in range(50)])
    after, _ = edit(folder, tmp_path / "o.json", keys=[Wish(2.0, PoseOf(path, 1.9))], regions=("mouth", "jaw"))
    shut, _ = edit(folder, tmp_path / "p.json", keys=[Wish(2.0, PoseOf(path, 0.0))], regions=("mouth", "jaw"))
    head = LOADED.talking_head().solver
    wide, closed = (head(face[50:51]).jaw[0, 0] for face in (after, shut))
    assert wide > np.radians(12)
    assert closed < np.radians(2)
    with pytest.raises(InputError, match="expected a time within the film, found 9 s"):
        edit(folder, tmp_path / "q.json", keys=[Wish(2.0, PoseOf(path, 9.0))])


def test_the_face_of_a_picture_is_met(folder: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.full((SIZE, SIZE, 3), 200, np.uint8)).save(tmp_path / "open.png")
    after, _ = edit(folder, tmp_path / "o.json", keys=[parse_key(f"2.0={tmp_path / 'open.png'}")])
    assert LOADED.talking_head().solver(after[50:51]).jaw[0, 0] > np.radians(10)
    before = load_face_motion(folder / "face.json")
    assert after.column("emotion.happy")[50] == 0  # what the picture shows is in the shapes
    np.testing.assert_array_equal(after.gaze, before.gaze)  # where somebody looks, a picture does not tell
    Image.fromarray(np.zeros((SIZE, SIZE, 3), np.uint8)).save(tmp_path / "nobody.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    for name, message in (("nobody", "expected a face, found none"), ("broken", "expected a picture")):
        with pytest.raises(InputError, match=message):
            edit(folder, tmp_path / "p.json", keys=[parse_key(f"2.0={tmp_path / name}.png")])


def test_python_edits_as_the_command_does(folder: Path, tmp_path: Path) -> None:
    given = {"seed": 8}
    asked = {"keys": [parse_key("0.5=smile:0.6,turn:10")], "replace": [Span(1.5, 2.5)], "regions": ("mouth", "head")}
    theirs, _ = edit(folder, tmp_path / "o.json", given, **asked)
    ours = emosplat.edit(
        folder / "face.json",
        keys={0.5: {"smile": 0.6, "turn": 10}},
        replace=[(1.5, 2.5)],
        regions=["mouth", "head"],
        sound=folder / "sound.wav",
        seed=8,
    )
    for name in {*ours.columns, *theirs.columns}:
        np.testing.assert_array_equal(ours.column(name), theirs.column(name))
    with pytest.raises(InputError, match=r"^replace: expected the sound that the motion says, sound SOUND, found none"):
        emosplat.edit(ours, replace=[(1.5, 2.5)])
    with pytest.raises(InputError, match="keep: expected regions of mouth"):
        emosplat.edit(ours, keys={1: {"smile": 0.1}}, keep=["ears"])


def test_a_clip_of_an_edit_has_its_sound_and_its_head(folder: Path, tmp_path: Path) -> None:
    given = {"size": (64, 64), "avatar": "person2-light"}
    request = ClipRequest(folder / "face.json", tmp_path / "o.mkv", read_settings(given), sound=folder / "sound.wav")
    asked = Edits(keys=[parse_key("2.0=turn:40")], reach=0.5)
    record = render_edit(request, asked, given, studio(), words=["--key 2.0=turn:40"])
    assert record["edits"] == ["--key 2.0=turn:40"]
    assert record["avatar"] == "person2-light"
    assert record["motion"] == str(folder / "face.json")
    assert record["curves"]["head_yaw_deg"][50] == pytest.approx(40, abs=0.1)
    assert soundfile.info(folder / "sound.wav").duration == pytest.approx(record["result"]["duration_s"])
    assert (tmp_path / "o.mkv").stat().st_size > 1000


def test_a_stopped_edit_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    @contextmanager
    def gone():
        raise Stop
        yield

    path = film(folder / "short.mp4", [0.1] * 5)
    request = ClipRequest(folder / "face.json", tmp_path / "o.json", read_settings({}))
    with pytest.raises(Stop):
        render_edit(request, Edits(keys=[parse_key(f"1={path}@0.1")]), {}, replace(studio(), tracker=gone))
    assert list(tmp_path.iterdir()) == []


def test_times_count_from_the_beginning_of_the_file(folder: Path, tmp_path: Path) -> None:
    """An excerpt keeps its place in its clip, and is edited by what a player shows."""
    part = load_face_motion(folder / "face.json")[50:]
    save_face_motion(tmp_path / "part.json", part)
    after = edited(part, Edits(keys=[parse_key("1.0=turn:30")]), {}, studio())
    assert np.degrees(after.column("headYaw")[25]) == pytest.approx(30)
    assert after.first == 50
    bridged = edited(part, Edits(between=[Span(0.5, 1.0)]), {}, studio())
    np.testing.assert_array_equal(bridged.column("headYaw")[:12], part.column("headYaw")[:12])
    assert bridged.first == 50


def test_moments_that_stood_out_do_so_again_as_long_as_their_file_is_there(tmp_path: Path) -> None:
    moments = tmp_path / "moments.csv"
    moments.write_text("time_s,kind,strength\n0.5,stress,1\n", encoding="utf-8")
    record = {"settings": {"accents": str(moments)}}
    assert as_made(record).accents == moments
    moments.unlink()
    assert as_made(record).accents is None
