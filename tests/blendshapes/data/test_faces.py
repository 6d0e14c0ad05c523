"""Motions beside sounds: whose they are, what they show, and that nothing is lost without a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.avatars.arkit import ARKIT_52
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.motion_files import save_motion
from emosplat.avatars.pose import Poser
from emosplat.blendshapes.data import open_dataset
from emosplat.blendshapes.data.beat import LAST, label_of
from emosplat.blendshapes.data.faces import FACE_FILES, FPS, facing, pairs
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import load_face_motion, save_face_motion
from emosplat.core.errors import InputError
from emosplat.core.rotation import axis_angles, rotation_matrices

from ..made_up import face_motions
from . import miniatures as mini

HEAD = builtin_head()
CURVES = "Timecode,BlendShapeCount,JawOpen\n" + "".join(f"10:00:00:{k:02d}.000,61,0.{k}\n" for k in range(8))


def put(folder: Path, *names: str, text: str = CURVES) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            path.write_text(text)
        elif path.suffix == ".json":
            save_face_motion(path, FaceMotion.rest(8, fps=30).with_column("browInnerUp", 0.3))
        else:
            soundfile.write(path, np.zeros(4800, np.float32), 16_000, format="WAV")


def test_folders_tell_who_and_what_they_show(tmp_path: Path) -> None:
    put(tmp_path, "anna/one.csv", "anna/one.wav", "anna/angry/two.csv", "anna/angry/two.mov", "ben/x/three.json")
    put(tmp_path, "ben/x/three.wav", "sad/four.csv", "sad/four.wav")
    found = {s.name: (s.subject, s.label and s.label.emotion) for s in open_dataset("faces", tmp_path, head=HEAD)}
    assert found == {
        "one": ("anna", None),
        "angry/two": ("anna", "angry"),
        "x/three": ("ben", None),
        "sad/four": (tmp_path.name, "sad"),
    }


def test_a_phone_take_is_read_once_and_calibrated_curves_first(tmp_path: Path) -> None:
    put(tmp_path, "take/MySlate_1_iPhone.csv", "take/MySlate_1_iPhone.mov", "take/MySlate_1_iPhone_cal.csv")
    put(tmp_path, "take/frame_log.csv", "take/frame_log.wav", text="a,b\n1,2\n")
    found, skipped = pairs(tmp_path, FACE_FILES)
    assert [p.motion.name for p in found] == ["MySlate_1_iPhone_cal.csv"]
    assert sorted(skipped) == [
        "take/MySlate_1_iPhone.csv: the sound goes with MySlate_1_iPhone_cal.csv",
        "take/frame_log.csv: no column of ARKit's 52 names",
    ]


def test_a_table_that_may_not_be_read_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "anna/a.csv", "anna/a.wav", "anna/b.csv", "anna/b.wav")
    opened = Path.open

    def locked(path: Path, *words: Any, **more: Any) -> Any:
        if path.name == "b.csv":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *words, **more)

    monkeypatch.setattr(Path, "open", locked)
    found, skipped = pairs(tmp_path, FACE_FILES)
    assert [pair.name for pair in found] == ["a"]
    assert skipped == ["anna/b.csv: cannot be read (Permission denied)"]


def test_records_of_how_a_motion_was_made_are_no_motions(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "a.wav", "a.csv.json", "b.mp4", "b.mp4.json")
    found, skipped = pairs(tmp_path, FACE_FILES)
    assert ([p.motion.name for p in found], skipped) == (["a.csv"], [])


NAMES = st.lists(
    st.tuples(st.sampled_from(["", "a/", "a/happy/", ".b/"]), st.sampled_from(["x", "y", "x_cal"]),
              st.sampled_from([".csv", ".CSV", ".json", ".wav", ".mp4", ".txt"])),
    unique=True, max_size=10,
)  # fmt: skip


@settings(max_examples=60)
@given(names=NAMES)
def test_every_motion_is_used_or_has_a_reason(tmp_path_factory: pytest.TempPathFactory, names: list) -> None:
    folder = tmp_path_factory.mktemp("any")
    for where, stem, suffix in names:
        path = folder / where / f"{stem}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CURVES)
    found, skipped = pairs(folder, FACE_FILES)
    motions = [f for f in folder.rglob("*") if f.suffix.lower() in FACE_FILES]
    assert len(found) + len(skipped) == len(motions)
    assert len({p.sound for p in found}) == len(found)
    for pair in found:
        assert pair.motion.parent == pair.sound.parent
        assert pair.motion.stem in (pair.sound.stem, f"{pair.sound.stem}_cal")


def test_face_motions_are_a_data_set_on_any_head(tmp_path: Path) -> None:
    put(tmp_path, "anna/one.csv", "anna/one.wav")
    (sequence,) = open_dataset("faces", tmp_path, head=HEAD)
    assert sequence.audio is not None
    assert sequence.performed is not None
    assert (sequence.fps, len(sequence.audio())) == (FPS, 4800 - round(0.5 / FPS * 16_000))
    moved = sequence.displacements()
    assert moved.shape[1:] == HEAD.v_template.shape
    assert np.abs(moved[-1]).max() > 0.005  # the jaw opens


@given(face_motions(), st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_where_the_camera_was_does_not_matter(face: FaceMotion, turn: list[float]) -> None:
    """The same motion before a camera that stands elsewhere."""
    if len(face) < 2:
        return
    face.head[:] *= 0.3
    other = face.with_columns({"headX": face.head[:, 3]})
    fixed = rotation_matrices(np.array(turn, np.float32)).astype(np.float64)
    own = rotation_matrices(face.head[:, :3].astype(np.float32)).astype(np.float64)
    other.head[:, :3] = axis_angles(fixed @ own)
    np.testing.assert_allclose(facing(other).head[:, :3], facing(face).head[:, :3], atol=1e-5)


def beat_frames(frames: int) -> str:
    names = [n for n in ARKIT_52 if n != "tongueOut"]
    rows = [{"weights": [0.01 * (k + i) % 1 for i in range(51)], "time": k / 60, "rotation": []} for k in range(frames)]
    return json.dumps({"names": names, "frames": rows})


def test_beat(tmp_path: Path) -> None:
    """As its README has it: 51 weights at 60 fps, emotions as tables of the same name, which are no faces."""
    put(tmp_path, "1/1_wayne_0_65_65.wav", "1/1_wayne_0_65_65.csv", "2/2_scott_1_2_2.wav", "2/other.wav", text="x\n")
    for name in ("1/1_wayne_0_65_65.json", "2/2_scott_1_2_2.json", "2/other.json"):
        (tmp_path / name).write_text(beat_frames(9))
    data = open_dataset("beat", tmp_path, head=HEAD)
    told = [(s.subject, s.person, s.name, s.label and s.label.emotion) for s in data]
    assert told == [
        ("wayne", "beat/wayne", "1_wayne_0_65_65", "happy"),
        ("scott", "beat/scott", "2_scott_1_2_2", "neutral"),
    ]
    assert data.skipped == ("2/other.json: no name like 1_wayne_0_1_8",)
    face = data.sequences[0].performed
    assert face is not None
    assert face().fps == 60
    np.testing.assert_allclose(
        load_face_motion(tmp_path / "1/1_wayne_0_65_65.json").column("browDownLeft")[1], 0.01 * (1 + 41) % 1
    )


@given(st.integers(0, 7), st.integers(0, 200))
def test_the_number_of_what_is_said_tells_the_emotion(kind: int, number: int) -> None:
    label = label_of(f"3_solomon_{kind}_{number}_{number}")
    if kind % 2:
        assert label is not None
        assert label.emotion == "neutral"
    elif number > max(LAST):
        assert label is None
    else:
        assert label is not None
        assert label.emotion == LAST[min(last for last in LAST if last >= number)]


@given(st.text(max_size=30))
def test_other_names_tell_no_emotion(stem: str) -> None:
    assert label_of(stem) is None or stem.count("_") == 4


def test_flame_motions(tmp_path: Path) -> None:
    head = mini.flame_head(3)
    motion = Motion.rest(6, 3, 30.0)
    motion.expr[:, 1], motion.jaw[:, 0], motion.neck[:, 1] = 0.5, np.linspace(0, 0.3, 6), 0.1
    (tmp_path / "anna").mkdir()
    save_motion(tmp_path / "anna/one.npz", motion, 5023)
    put(tmp_path, "anna/one.wav")
    (tmp_path / "anna/bad.npz").write_bytes(b"none")
    put(tmp_path, "anna/bad.wav")
    data = open_dataset("flame", tmp_path, head=head)
    assert len(data.skipped) == 1
    (sequence,) = data
    assert (sequence.subject, sequence.fps) == ("anna", 30.0)
    motion.neck[:] = 0  # the head keeps still
    np.testing.assert_allclose(sequence.displacements(), Poser(head).vertices(motion) - head.v_template, atol=1e-6)
    with pytest.raises(InputError, match="expected a FLAME head"):
        open_dataset("flame", tmp_path, head=HEAD)
