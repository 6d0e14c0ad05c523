"""Tables per frame: the columns measure what the motion does, and both formats hold the same."""

from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

from emosplat.avatars import Motion
from emosplat.avatars.arkit import ARKIT_52
from emosplat.avatars.facs import ACTION_UNITS
from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.curves import CurveReader
from emosplat.pipeline.clip.frame_table import emotion_columns, motion_columns, speech_columns, write_table


@pytest.fixture(scope="module")
def columns() -> dict[str, np.ndarray]:
    motion = Motion.rest(3, builtin_head().expressions, 25.0)
    motion.jaw[1, 0] = 0.2
    motion.neck[2] = np.radians([5, -10, 2])
    motion.eyes[2] = np.radians([3, 8, 0, 4, 6, 0])
    motion.translation[2] = [0.01, 0, -0.02]
    return motion_columns(motion, CurveReader(builtin_head()))


def test_columns_measure_the_motion(columns: dict[str, np.ndarray]) -> None:
    assert {*ARKIT_52, *ACTION_UNITS} <= set(columns)
    assert {len(column) for column in columns.values()} == {3}
    assert columns["mouth_opening_mm"][1] > columns["mouth_opening_mm"][0] + 5
    turned = {name: round(float(columns[name][2]), 3) for name in columns if name.endswith(("_deg", "_mm"))}
    assert (turned["head_pitch_deg"], turned["head_yaw_deg"], turned["head_roll_deg"]) == (5, -10, 2)
    assert [turned[f"head_{axis}_mm"] for axis in "xyz"] == [10, 0, -20]
    gaze = [turned[f"gaze_{side}_{angle}_deg"] for side in ("left", "right") for angle in ("pitch", "yaw")]
    assert gaze == [3, 8, 4, 6]
    np.testing.assert_array_equal(columns["AU26"], columns["jawOpen"])


def test_emotions_are_those_of_the_face() -> None:
    face = FaceMotion.rest(2, fps=25).with_columns({"emotion.happy": 0.5, "browInnerUp": 0.1})
    assert {name: column.tolist() for name, column in emotion_columns(face).items()} == {"emotion_happy": [0.5, 0.5]}


def test_both_formats_hold_the_same(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    table = {"time_s": np.array([0.02, 0.06, 0.1])} | speech_columns(["B", "AA", "SIL"]) | columns
    table["pitch_hz"] = np.array([100, np.nan, 102.25])
    for suffix in ("csv", "parquet"):
        write_table(tmp_path / f"t.{suffix}", table)
    text, binary = pyarrow.csv.read_csv(tmp_path / "t.csv"), pyarrow.parquet.read_table(tmp_path / "t.parquet")
    assert text.column_names == binary.column_names == [*table]
    assert binary["viseme"].to_pylist() == ["PP", "aa", "sil"]
    assert binary["pitch_hz"].to_pylist() == [100, None, 102.25]
    for name in text.column_names:
        if name not in {"phone", "viseme"}:
            written, exact = (np.array(t[name].to_pylist(), float) for t in (text, binary))
            np.testing.assert_allclose(written, exact, atol=6e-4)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_table(tmp_path / "file" / "t.csv", {"time_s": np.zeros(1)})
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
