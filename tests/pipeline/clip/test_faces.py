"""Clips from face motion and to it: equal frames with the detour over a file, others' curves, what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import CURVES, Motion
from emosplat.avatars.motion_files import load_motion
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import load_face_motion, save_face_motion
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.render import render_clip
from emosplat.pipeline.clip.request import ClipRequest
from emosplat.pipeline.settings import read_settings


@pytest.fixture(scope="module")
def loaded() -> LoadedModels:
    return LoadedModels("cpu")


def request(source: Path, out: Path, **changes: object) -> ClipRequest:
    return ClipRequest(source, out, read_settings({"emotion": "happy", "size": (64, 64), **changes}))


def moved(path: Path) -> Motion:
    return load_motion(path, expressions=builtin_head().expressions, fps=25.0)


def test_a_clip_by_way_of_face_motion_is_the_clip(babble: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    """Bit for bit: the file holds everything that the solver needs."""
    render_clip(request(babble, tmp_path / "face.json"), loaded=loaded)
    render_clip(request(babble, tmp_path / "direct.npz"), loaded=loaded)
    record = render_clip(request(tmp_path / "face.json", tmp_path / "solved.npz"), loaded=loaded)
    assert record["result"]["frames"] == len(load_face_motion(tmp_path / "face.json")) == 33
    for name in CURVES:
        direct, solved = (getattr(moved(tmp_path / f"{n}.npz"), name) for n in ("direct", "solved"))
        np.testing.assert_array_equal(solved, direct)


def test_others_curves_move_our_head_and_ours_theirs(tmp_path: Path, loaded: LoadedModels) -> None:
    table = ["timeCode,blendShapes.JawOpen,blendShapes.EyeBlinkLeft"]
    table += [f"{i / 30:.4f},{i / 60:.3f},{1 if i > 20 else 0}" for i in range(30)]
    (tmp_path / "theirs.csv").write_text("\n".join(table))
    render_clip(request(tmp_path / "theirs.csv", tmp_path / "ours.csv"), loaded=loaded)
    back = load_face_motion(tmp_path / "ours.csv")
    theirs = load_face_motion(tmp_path / "theirs.csv")
    assert (len(back), back.fps) == (30, 30)
    np.testing.assert_allclose(back.jaw[:, 0], theirs.jaw[:, 0], atol=1e-4)
    np.testing.assert_allclose(back.lids[:, 0], theirs.lids[:, 0], atol=0.05)


def test_a_stretch_at_another_rate_keeps_its_time(tmp_path: Path, loaded: LoadedModels) -> None:
    face = FaceMotion.rest(50, fps=25)
    save_face_motion(tmp_path / "turn.json", face.with_column("headYaw", 0.1 * face.times))
    asked = request(tmp_path / "turn.json", tmp_path / "part.json", start=0.5, duration=1.0, fps=60)
    render_clip(asked, loaded=loaded)
    part = load_face_motion(tmp_path / "part.json")
    assert (len(part), part.fps) == (60, 60)
    np.testing.assert_allclose(part.column("headYaw"), 0.1 * part.times, atol=1e-6)
    assert part.times[0] == pytest.approx(0.5 + 0.5 / 60)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fps": 0.5}, r"face.json: expected 1\.\.240 frames/s, found 0.5; give --fps"),
        ({"frames": []}, "face.json: --start 0 lies past the end of the motion"),
        ({"columns": ["ears"]}, "face.json: columns: face motion: expected a channel"),
    ],
)
def test_what_cannot_be_shown_is_one_line_and_no_file(
    tmp_path: Path, loaded: LoadedModels, change: dict[str, object], message: str
) -> None:
    record = {"format": "emosplat-face-motion-1", "fps": 25, "columns": ["cheekPuff"], "frames": [[0.5]]} | change
    (tmp_path / "face.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=message):
        render_clip(request(tmp_path / "face.json", tmp_path / "out.npz"), loaded=loaded)
    assert [path.name for path in tmp_path.iterdir()] == ["face.json"]
