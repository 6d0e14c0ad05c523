import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.avatars import Motion
from emosplat.avatars.arkit import ARKIT_52, ArkitSolver
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion_files import KEYS, load_motion, motion_rate, save_motion, write_live_link
from emosplat.core.errors import InputError

HEAD = builtin_head()


def smiling(frames: int = 3) -> Motion:
    rest = Motion.rest(frames, HEAD.expressions, 30.0)
    row = HEAD.arkit.rows("mouthSmileLeft")[0]
    expr = np.linspace(0, 1, frames, dtype=np.float32)[:, None] * HEAD.arkit.expr[row]
    jaw = np.linspace(0, 0.2, frames, dtype=np.float32)[:, None] * np.array([1, 0, 0], np.float32)
    return replace(rest, expr=expr, jaw=jaw)


def test_npz_has_every_key_the_gaussian_avatars_viewer_reads(tmp_path: Path) -> None:
    save_motion(tmp_path / "m.npz", smiling(), vertices=7)
    with np.load(tmp_path / "m.npz") as found:
        keys = ("expr", "rotation", "neck_pose", "jaw_pose", "eyes_pose", "translation", "dynamic_offset")
        assert {k for k in found if found[k].dtype == np.float32} == set(keys)  # the viewer drops all others
        assert found["dynamic_offset"].shape == (3, 7, 3)


def test_npz_round_trip(tmp_path: Path) -> None:
    save_motion(tmp_path / "m.npz", smiling(), vertices=7)
    back = load_motion(tmp_path / "m.npz", expressions=HEAD.expressions, fps=30.0)
    np.testing.assert_array_equal(back.expr, smiling().expr)
    np.testing.assert_array_equal(back.jaw, smiling().jaw)


def test_padded_expressions_are_accepted_and_foreign_ones_refused(tmp_path: Path) -> None:
    motion = smiling()
    wide = np.pad(motion.expr, ((0, 0), (0, 100 - HEAD.expressions)))
    save_motion(tmp_path / "m.npz", replace(motion, expr=wide), vertices=7)
    back = load_motion(tmp_path / "m.npz", expressions=HEAD.expressions, fps=30.0)
    np.testing.assert_array_equal(back.expr, motion.expr)
    wide[0, -1] = 1
    save_motion(tmp_path / "m.npz", replace(motion, expr=wide), vertices=7)
    with pytest.raises(InputError, match="expr: expected at most"):
        load_motion(tmp_path / "m.npz", expressions=HEAD.expressions, fps=30.0)


def plain(**more: object) -> dict[str, object]:
    return {"expr": np.zeros((4, 50), np.float32), "jaw_pose": np.zeros((4, 3), np.float32)} | more


def test_one_row_stands_for_all_frames(tmp_path: Path) -> None:
    rotation, translation = np.array([[0, 0.5, 0]], np.float32), np.array([0, 0, 1], np.float32)
    curves = {"expr": np.zeros((3, 5), np.float32), "jaw_pose": np.zeros((3, 3), np.float32)}
    np.savez(tmp_path / "m.npz", allow_pickle=False, rotation=rotation, translation=translation, **curves)
    motion = load_motion(tmp_path / "m.npz", expressions=5, fps=25)
    np.testing.assert_array_equal(motion.rotation, np.tile(rotation, (3, 1)))
    np.testing.assert_array_equal(motion.translation, np.tile(translation, (3, 1)))


def test_no_frames_are_no_motion(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", expr=np.zeros((0, 5), np.float32), jaw_pose=np.zeros((0, 3), np.float32))
    with pytest.raises(InputError, match="expr: expected at least one frame, found none"):
        load_motion(tmp_path / "m.npz", expressions=5, fps=25)


@pytest.mark.parametrize(("name", "value", "fps"), [("frame_time", 0.02, 50), ("dt", 1 / 24, 24)])
def test_the_time_of_a_frame_tells_the_rate(tmp_path: Path, name: str, value: float, fps: float) -> None:
    np.savez(tmp_path / "m.npz", allow_pickle=False, **{name: np.array(value)})
    assert motion_rate(tmp_path / "m.npz") == pytest.approx(fps)
    np.savez(tmp_path / "m.npz", allow_pickle=False, **{name: np.array(0.0)})
    with pytest.raises(InputError, match=r"frames per second in 1\.\.240, found inf"):
        motion_rate(tmp_path / "m.npz")


@given(
    rate=st.floats(1, 240),
    name=st.sampled_from(["fps", "FPS", "mocap_frame_rate", "mocap_framerate", "frame_rate", "framerate"]),
    form=st.sampled_from([np.float32, np.float64, lambda v: np.array([[v]]), lambda v: np.array(str(v))]),
)
def test_the_files_own_frame_rate_is_found_however_it_is_called(
    tmp_path_factory: pytest.TempPathFactory, rate: float, name: str, form: Callable[[float], object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "rate.npz"
    np.savez(path, **plain(**{name: form(rate)}))  # pyright: ignore[reportArgumentType]
    assert motion_rate(path) == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize("value", [0, -1, 1000, np.nan, np.inf])
def test_what_is_no_frame_rate_is_named(tmp_path: Path, value: float) -> None:
    np.savez(tmp_path / "m.npz", **plain(fps=value))  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=r"m\.npz: fps: expected frames per second"):
        motion_rate(tmp_path / "m.npz")


@pytest.mark.parametrize("value", [None, {"a": 1}, np.zeros(3), "fast"])
def test_what_tells_no_frame_rate_is_passed_over(tmp_path: Path, value: object) -> None:
    np.savez(tmp_path / "m.npz", **plain(fps=np.array(value)))  # pyright: ignore[reportArgumentType]
    assert motion_rate(tmp_path / "m.npz") is None


@given(there=st.sets(st.sampled_from(["neck_pose", "eyes_pose", "rotation", "translation"])))
def test_joints_that_a_file_leaves_out_are_at_rest(tmp_path_factory: pytest.TempPathFactory, there: set[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "some.npz"
    given_curves = {key: np.ones((4, 6 if key == "eyes_pose" else 3), np.float32) for key in there}
    np.savez(path, **plain(**given_curves))  # pyright: ignore[reportArgumentType]
    motion = load_motion(path, expressions=HEAD.expressions, fps=25)
    for field in ("neck", "eyes", "rotation", "translation"):
        assert (getattr(motion, field) == (KEYS[field] in there)).all()


def others(**arrays: np.ndarray) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    core = {"expr": rng.normal(size=(4, 3)), "jaw": rng.normal(0, 0.1, (4, 3)), "rotation": rng.normal(0, 0.1, (4, 3))}
    return {name: core[name].astype(np.float32) for name in ("expr", "jaw", "rotation")} | arrays


@pytest.mark.parametrize(
    "named",
    [
        lambda a: {"expression": a["expr"], "jaw": a["jaw"], "rotation": a["rotation"]},
        lambda a: {"expressions": a["expr"], "jaw_pose": a["jaw"], "rotation": a["rotation"]},
        lambda a: {"exp": a["expr"], "pose": np.concatenate([a["rotation"], a["jaw"]], axis=1)},
        lambda a: {"expr": a["expr"][None], "jaw_pose": a["jaw"][None], "rotation": a["rotation"][None]},
    ],
)
def test_trackers_names_and_lists_of_one_are_read(
    tmp_path: Path, named: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
) -> None:
    arrays = others()
    np.savez(tmp_path / "m.npz", **named(arrays))  # pyright: ignore[reportArgumentType]
    notes: list[str] = []
    motion = load_motion(tmp_path / "m.npz", expressions=3, fps=25, note=notes.append)
    for name, array in arrays.items():
        np.testing.assert_array_equal(getattr(motion, name), array)
    assert not notes


def test_degrees_are_pointed_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", expr=np.zeros((2, 3)), jaw_pose=np.full((2, 3), 15.0))
    notes: list[str] = []
    load_motion(tmp_path / "m.npz", expressions=3, fps=25, note=notes.append)
    assert len(notes) == 1
    assert "jaw_pose: turns by up to 15, expected radians; are these degrees?" in notes[0]


def test_without_expression_or_jaw_it_is_no_face_motion(tmp_path: Path) -> None:
    for key in ("expr", "jaw_pose"):
        arrays = plain()
        del arrays[key]
        np.savez(tmp_path / "m.npz", **arrays)  # pyright: ignore[reportArgumentType]
        with pytest.raises(InputError, match=key):
            load_motion(tmp_path / "m.npz", expressions=HEAD.expressions, fps=25)


def test_arkit_weights_are_recovered() -> None:
    """A face made of known weights gives these weights back."""
    rng = np.random.default_rng(0)
    shapes = [n for n in ARKIT_52 if n in HEAD.arkit.names and not n.startswith("eyeLook") and n != "jawOpen"]
    weights = (rng.random((6, len(shapes))) < 0.15) * rng.random((6, len(shapes)))
    rows = HEAD.arkit.expr[[HEAD.arkit.rows(n)[0] for n in shapes]]
    motion = replace(Motion.rest(6, HEAD.expressions, 25.0), expr=(weights @ rows).astype(np.float32))
    found = ArkitSolver(HEAD).weights(motion)[:, [ARKIT_52.index(n) for n in shapes]]
    assert np.abs(found - weights).mean() < 0.01
    assert found.min() >= 0
    assert found.max() <= 1


def test_live_link_csv_is_read_back_by_name() -> None:
    stream = io.StringIO()
    write_live_link(stream, smiling(), HEAD)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert len(rows) == 3
    assert rows[0]["BlendShapeCount"] == "61"
    assert float(rows[2]["MouthSmileLeft"]) == pytest.approx(1, abs=0.02)
    assert float(rows[2]["MouthSmileRight"]) == pytest.approx(0, abs=0.02)
    full = HEAD.arkit.jaw[HEAD.arkit.rows("jawOpen")[0]]
    assert float(rows[2]["JawOpen"]) == pytest.approx(0.2 / full, abs=1e-4)
    assert rows[2]["Timecode"] == "00:00:00:02.000"
