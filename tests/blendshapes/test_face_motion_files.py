"""Face motion on disk: ours bit for bit, others' by name, and nothing but InputError for what is neither."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emosplat.avatars.arkit import ARKIT_52, EYE_RANGE, ArkitSolver
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.motion_files import ANGLES, write_live_link
from emosplat.blendshapes.face_motion import JAW_OPEN, FaceMotion
from emosplat.blendshapes.face_motion_files import load_face_motion, save_face_motion
from emosplat.core.errors import InputError

from .made_up import assert_same, face_motions

PRINTED = 0.5e-10  # Live Link's ten decimals
ANY_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def live_link(codes: list[str], weights: list[float], *, name: str = "JawOpen", separator: str = ",") -> str:
    rows = [["Timecode", "BlendShapeCount", name], *([c, "61", str(w)] for c, w in zip(codes, weights, strict=True))]
    return "\n".join(separator.join(row) for row in rows)


def jaw_open(path: Path, **given: Any) -> tuple[list[float], float]:
    """Weights of jawOpen that a file says, and its frame rate."""
    motion = load_face_motion(path, **given)
    return (motion.jaw[:, 0] / JAW_OPEN).round(9).tolist(), motion.fps


# ours


@ANY_FILE
@given(motion=face_motions())
def test_written_and_read_bit_for_bit(tmp_path: Path, motion: FaceMotion) -> None:
    path = tmp_path / "face.json"
    save_face_motion(path, motion)
    assert_same(load_face_motion(path), motion)


def test_numbers_keep_their_last_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(40, 5)) * 10.0 ** np.arange(-4, 1)
    motion = FaceMotion.rest(40, fps=30000 / 1001, seed=2**62 + 1).with_columns(
        dict(zip(("headYaw", "cheekPuff", "speech.jaw", "emotion.sad", "basis:head:2"), values.T, strict=True))
    )
    save_face_motion(tmp_path / "face.json", motion)
    assert_same(load_face_motion(tmp_path / "face.json"), motion)


def test_the_file_is_plain_json_with_a_line_per_frame(tmp_path: Path) -> None:
    """docs/formats.md: anybody can read and write it without us."""
    motion = FaceMotion.rest(3, fps=25).with_columns({"headYaw": 0.25, "mouthPucker": 0.5, "cheekPuff": 0.0})
    given = motion.given.copy()
    given[1:, 3] = False
    save_face_motion(tmp_path / "face.json", replace(motion, given=given))
    text = (tmp_path / "face.json").read_text()
    found = json.loads(text)
    assert found["format"] == "emosplat-face-motion-1"
    assert found["columns"] == ["mouthPucker", "headYaw"]  # those that stay at 0 are left out
    assert found["frames"] == [[0.5, 0.25]] * 3
    assert found["given"]["brows"] == [[0, 1]]
    assert found["given"]["mouth"] == [[0, 3]]
    assert sum(line.strip().startswith("[0.5") for line in text.splitlines()) == 3


def test_a_face_motion_by_hand_is_read(tmp_path: Path) -> None:
    text = '{"format": "emosplat-face-motion-1", "fps": 25, "columns": ["browInnerUp"], "frames": [[0], [0.5]]}'
    motion = load_face_motion(written(tmp_path / "by hand.json", text))
    assert motion.column("browInnerUp").tolist() == [0, 0.5]
    assert (motion.fps, motion.first, motion.seed, bool(motion.given.all())) == (25, 0, 0, True)


def test_the_example_of_the_documentation_is_read(tmp_path: Path) -> None:
    formats = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    example = formats.split("## Face motion")[1].split("```json\n")[1].split("```")[0]
    motion = load_face_motion(written(tmp_path / "example.json", example))
    assert len(motion) == 2
    assert motion.column("emotion.happy").tolist() == [0.7, 0.7]
    assert motion.given.sum(axis=1).tolist() == [2, 1]


OURS: dict[str, Any] = {"format": "emosplat-face-motion-1", "fps": 25, "columns": ["cheekPuff"], "frames": [[0.5]]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "emosplat-face-motion-2"}, "format: expected 'emosplat-face-motion-1', found 'emosplat-face-mot"),
        ({"fps": 0}, "fps: expected a number above 0, at most 1000, found '0'"),
        ({"fps": True}, "fps: expected a number above 0"),
        ({"first": -1}, r"first: expected an integer in 0\.\."),
        ({"first": 2**60}, r"first: expected an integer in 0\.\."),
        ({"seed": 1.5}, r"seed: expected an integer in 0\.\."),
        ({"columns": ["cheekPuf"]}, "columns: face motion: expected a channel such as"),
        ({"columns": ["basis:head:one"]}, "columns: face motion: expected a channel such as"),
        ({"columns": ["jawOpen"] * 2, "frames": [[0, 0]]}, "columns: expected each name once, found .jawOpen. twice"),
        ({"columns": "cheekPuff"}, "columns: expected a list"),
        ({"frames": [[0.5], [0.5, 1]]}, r"frames\[1\]: expected 1 numbers, found \[0.5, 1\]"),
        ({"frames": [["0.5"]]}, r"frames\[0\]: expected 1 numbers"),
        ({"frames": [[10**400]]}, "frames: expected finite numbers"),
        ({"frames": [[-2000]]}, "cheekPuff: expected numbers within 1000, found 2000"),
        ({"frames": 3}, "frames: expected a list"),
        ({"given": {"ears": [[0, 1]]}}, "given: expected an object with regions"),
        ({"given": {"mouth": [[0, 2]]}}, r"given\.mouth: expected pairs of frames within 0\.\.1"),
        ({"given": {"mouth": [0, 1]}}, r"given\.mouth: expected pairs of frames"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = written(tmp_path / "face.json", json.dumps(OURS | change))
    with pytest.raises(InputError, match=f"face.json: {message}"):
        load_face_motion(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected JSON"),
        ("[1, 2]", "expected a JSON object, found list"),
        (
            '{"format": "emosplat-face-motion-1", "fps": NaN, "columns": [], "frames": []}',
            "fps: expected a number above 0",
        ),
        ("[" * 100_000, "expected JSON"),
        (b"\xff\xfe", "expected UTF-8 text, found byte 0xff"),
    ],
)
def test_what_is_no_json_object_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=rf"face.json: .*{message}"):
        load_face_motion(written(tmp_path / "face.json", text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing.json: expected a readable file"):
        load_face_motion(tmp_path / "nothing.json")


# Live Link Face


def test_our_live_link_csv_comes_back(tmp_path: Path) -> None:
    head = builtin_head()
    rng = np.random.default_rng(3)
    motion = Motion.rest(70, head.expressions, 30.0)
    motion.expr[:] = (rng.random((70, len(head.arkit.names))) ** 6) @ head.arkit.expr
    motion.jaw[:, 0] = 0.2 * rng.random(70)
    motion.eyes[:] = rng.normal(size=(70, 6)) * 0.1
    motion.neck[:] = rng.normal(size=(70, 3)) * 0.1
    stream = io.StringIO()
    write_live_link(stream, motion, head)
    face = load_face_motion(written(tmp_path / "face.csv", stream.getvalue()))
    assert (len(face), face.fps, face.first) == (70, 30, 0)
    weights = dict(zip(ARKIT_52, ArkitSolver(head).weights(motion).T.astype(np.float64), strict=True))
    for name, weight in weights.items():
        if name in face.channels:
            np.testing.assert_allclose(face.column(name), weight, atol=PRINTED)
    assert set(weights) - set(face.channels) == {n for n in ARKIT_52 if n.startswith(("eyeBlink", "eyeLook"))} | {
        "jawOpen"
    }
    np.testing.assert_allclose(face.jaw[:, 0], JAW_OPEN * weights["jawOpen"], atol=PRINTED)
    for side, name in enumerate(("eyeBlinkLeft", "eyeBlinkRight")):
        np.testing.assert_allclose(face.lids[:, side], weights[name], atol=PRINTED)
    np.testing.assert_allclose(face.head[:, :3], motion.neck, atol=PRINTED)
    np.testing.assert_allclose(face.gaze.reshape(70, 4), motion.eyes[:, [0, 1, 3, 4]], atol=PRINTED)


@pytest.mark.parametrize("fps", [24, 25, 30, 48, 60, 120])
@pytest.mark.parametrize("frames", [1, 20, 200])
def test_our_time_codes_tell_length_and_rate(tmp_path: Path, fps: int, frames: int) -> None:
    head = builtin_head()
    stream = io.StringIO()
    write_live_link(stream, Motion.rest(frames, head.expressions, float(fps)), head)
    face = load_face_motion(written(tmp_path / "face.csv", stream.getvalue()))
    assert len(face) == frames
    if frames > 2 * fps:  # as long as every frame of a second has been seen
        assert face.fps == fps


def test_frames_that_were_dropped_are_interpolated(tmp_path: Path) -> None:
    """A device that keeps every second of 60 frames, as it does when it is hot, and one gap of three."""
    frames = [f for f in range(180) if f % 2 == 0 and f not in (60, 62)]
    codes = [f"16:55:{f // 60:02d}:{f % 60:02d}.453" for f in frames]
    path = written(tmp_path / "face.csv", live_link(codes, [f / 1000 for f in frames]))
    weights, fps = jaw_open(path)
    assert fps == 60
    np.testing.assert_allclose(weights, np.arange(179) / 1000, atol=1e-9)


def test_a_second_may_end_late_and_a_day_at_midnight(tmp_path: Path) -> None:
    frames = range(95)
    codes = [f"{h:02d}:{m:02d}:{s:02d}:{f % 30:02d}.100" for f in frames for h, m, s in [_clock(86_398 + f // 30)]]
    assert codes[0].startswith("23:59:58")
    assert codes[-1].startswith("00:00:01")
    weights, fps = jaw_open(written(tmp_path / "face.csv", live_link(codes, [f / 100 for f in frames])))
    assert fps == 30
    np.testing.assert_allclose(weights, np.arange(95) / 100, atol=1e-9)


def _clock(second: int) -> tuple[int, int, int]:
    return second // 3600 % 24, second // 60 % 60, second % 60


def test_fractions_of_a_frame_count(tmp_path: Path) -> None:
    codes = [f"00:00:{f // 25:02d}:{f % 25:02d}.{500 if f % 2 else 0:03d}" for f in range(100)]
    given = [(f + (0.5 if f % 2 else 0)) / 200 for f in range(100)]  # linear in true time
    weights, fps = jaw_open(written(tmp_path / "face.csv", live_link(codes, given)))
    assert fps == 25
    np.testing.assert_allclose(weights[:100], np.arange(100) / 200, atol=1e-9)


def test_the_rate_may_be_told(tmp_path: Path) -> None:
    codes = [f"00:00:00:{f:02d}" for f in range(10)]
    path = written(tmp_path / "face.csv", live_link(codes, [0.5] * 10))
    assert jaw_open(path)[1] == 24  # the least usual rate that has such frames
    assert jaw_open(path, fps=50)[1] == 50


def test_names_count_in_any_order_and_case_and_unknown_columns_do_not(tmp_path: Path) -> None:
    text = "HEADYAW,mood,mouthsmileLEFT,TimeCode\n0.1,glad,0.25,00:00:00:00\n0.2,,0.75,00:00:00:01\n"
    face = load_face_motion(written(tmp_path / "face.csv", text))
    assert face.channels == ("mouthSmileLeft",)
    assert face.column("mouthSmileLeft").tolist() == [0.25, 0.75]
    assert face.column("headYaw").tolist() == [0.1, 0.2]


def test_semicolons_and_decimal_commas_are_read(tmp_path: Path) -> None:
    text = live_link(["00:00:00:00", "00:00:00:01"], [0.25, 0.5], separator=";").replace(".", ",")
    assert jaw_open(written(tmp_path / "face.csv", text))[0] == [0.25, 0.5]


def test_a_byte_order_mark_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    text = "\ufeff" + live_link(["00:00:00:00", "00:00:00:01"], [0.25, 0.5]).replace("\n", "\r\n\r\n")
    assert jaw_open(written(tmp_path / "face.csv", text))[0] == [0.25, 0.5]


@pytest.mark.parametrize(
    ("codes", "line", "message"),
    [
        (["00:00:00:05", "00:00:00:04"], 3, "expected increasing times, found '00:00:00:04'"),
        (["00:00:00:05", "00:00:00:05"], 3, "expected increasing times, found '00:00:00:05'"),
        (["00:00:01:00", "00:00:00:04"], 3, "expected increasing times"),
        (["00:00:00:00", "00:60:00:00"], 3, "expected a time of day"),
        (["00:00:00:00", "00:00:01"], 3, "expected hours:minutes:seconds:frame"),
        (["a:b:c:d", "00:00:00:01"], 2, "expected hours:minutes:seconds:frame"),
        (["00:00:00:nan", "00:00:00:01"], 2, "expected a finite number"),
        (["0.2", "0.1"], 3, "expected increasing times, found '0.1'"),
        (["0.2", "soon"], 3, "expected a number, found 'soon'"),
    ],
)
def test_a_wrong_time_code_is_named_with_its_line(tmp_path: Path, codes: list[str], line: int, message: str) -> None:
    path = written(tmp_path / "face.csv", live_link(codes, [0, 0]))
    with pytest.raises(InputError, match=rf"face.csv: line {line}: Timecode: {message}"):
        load_face_motion(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Timecode,JawOpen\n", "expected a header with ARKit names and at least one frame, found 1 lines"),
        ("JawOpen\n0.5\n", "line 1: expected a column Timecode, found JawOpen"),
        ("Timecode,Mood\n0,1\n", "expected columns of ARKit's 52 names, found none"),
        ("Timecode,JawOpen\n0\n", "line 2: expected 2 cells and a time, found 1 cells"),
        ("Timecode,JawOpen\n0,wide\n", "expected numbers, found mostly something else in JawOpen"),
        ("Timecode,JawOpen,jawOpen\n0,1,1\n", "expected each column once, found 'jawOpen' twice"),
        ("Timecode,JawOpen\n0,1e9\n", "jawPitch: expected numbers within 1000"),
        ("Timecode,JawOpen\n00:00:00:00,0\n09:00:00:00,0\n", "Timecode: expected consecutive frames, found 2 of"),
        ("Timecode,JawOpen\n0,0\n1e-9,0\n", "Timecode: expected at most 1000 frames per second"),
        ("Timecode,JawOpen\n-1e308,0\n1e308,0\n", r"Timecode: expected seconds within 1e\+07"),
    ],
)
def test_what_is_wrong_in_a_csv_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"face.csv: {message}"):
        load_face_motion(written(tmp_path / "face.csv", text))


def test_cells_without_a_number_are_taken_from_the_frames_around(tmp_path: Path) -> None:
    told: list[str] = []
    cells = ["0", "0.1", "nan", "0.3", "", "0.5", "inf", "0.7", "-"]
    rows = [f"{i / 25:.2f},{cell},{'' if i else '0.5'}" for i, cell in enumerate(cells)]
    text = "\n".join(["Timecode,JawOpen,CheekPuff", *rows, "0.36,0.7"])  # broken off
    face = load_face_motion(written(tmp_path / "face.csv", text), note=told.append)
    np.testing.assert_allclose(face.jaw[:, 0] / JAW_OPEN, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.7], atol=1e-6)
    assert not face.column("cheekPuff").any()
    assert len(told) == 3
    assert "1 lines left out that miss cells or the time, the first line 11" in told[0]
    assert "most of it is no numbers: CheekPuff" in told[1]
    assert "4 cells are no numbers, the first JawOpen at 0.08 s" in told[2]


def test_what_is_mostly_no_numbers_is_refused(tmp_path: Path) -> None:
    rows = [f"{i / 25:.2f},{'0.5' if i < 2 else 'nan'}" for i in range(5)]
    with pytest.raises(InputError, match="found mostly something else in JawOpen"):
        load_face_motion(written(tmp_path / "face.csv", "\n".join(["Timecode,JawOpen", *rows])))
    rows = [f"{i / 25:.2f},0.5{',' * (i > 1)}" for i in range(5)]
    with pytest.raises(InputError, match="line 4: expected 2 cells and a time, found 3 cells"):
        load_face_motion(written(tmp_path / "face.csv", "\n".join(["Timecode,JawOpen", *rows])))


# Audio2Face


def test_audio2face_json_with_gaps(tmp_path: Path) -> None:
    text = '{"facsNames": ["jawOpen"], "exportFps": 30, "weightMat": [[0.2], [NaN], [null], [0.5], [0.6]]}'
    told: list[str] = []
    face = load_face_motion(written(tmp_path / "a.json", text), note=told.append)
    np.testing.assert_allclose(face.jaw[:, 0] / JAW_OPEN, [0.2, 0.3, 0.4, 0.5, 0.6], atol=1e-6)
    assert "2 cells are no numbers" in told[0]


def test_audio2face_csv_with_seconds(tmp_path: Path) -> None:
    """Its own header: an index without a name, timeCode in seconds, names after a dot."""
    header = ",timeCode,blendShapes.JawOpen,blendShapes.EyeBlinkLeft,blendShapes.EyeBlinkRight"
    rows = [f"{i},{i / 30:.4f},{i / 100},{i / 50},0.0" for i in range(45)]
    face = load_face_motion(written(tmp_path / "animation_frames.csv", "\n".join([header, *rows])))
    assert (face.fps, len(face)) == (30, 45)
    np.testing.assert_allclose(face.jaw[:, 0] / JAW_OPEN, np.arange(45) / 100, atol=1e-4)  # times are rounded
    np.testing.assert_allclose(face.lids, np.stack([np.arange(45) / 50, np.zeros(45)], 1), atol=1e-3)


@pytest.mark.parametrize("case", [str, str.upper, lambda n: n[0].upper() + n[1:]])
def test_audio2face_json_by_name_in_any_order_and_case(tmp_path: Path, case: Callable[[str], str]) -> None:
    rng = np.random.default_rng(1)
    names = list(rng.permutation([*ARKIT_52, "tongueTipUp"]))
    weights = rng.random((7, len(names)))
    record = {"exportFps": 60.0, "trackPath": "x.wav", "numPoses": 53, "numFrames": 7}
    record |= {"facsNames": [case(n) for n in names], "weightMat": weights.tolist(), "joints": []}
    face = load_face_motion(written(tmp_path / "a2f.json", json.dumps(record)))
    of = dict(zip(names, weights.T, strict=True))
    assert (len(face), face.fps) == (7, 60)
    assert "tongueTipUp" not in face.channels
    for name in face.channels:
        np.testing.assert_array_equal(face.column(name), of[name])
    np.testing.assert_array_equal(face.jaw[:, 0], JAW_OPEN * of["jawOpen"])
    np.testing.assert_array_equal(face.lids, np.stack([of["eyeBlinkLeft"], of["eyeBlinkRight"]], 1))
    pitch = EYE_RANGE * (of["eyeLookDownLeft"] - of["eyeLookUpLeft"])
    np.testing.assert_array_equal(face.gaze[:, 0, 0], pitch)
    yaw = EYE_RANGE * (of["eyeLookInRight"] - of["eyeLookOutRight"])  # the right eye looks in to the person's left
    np.testing.assert_allclose(face.gaze[:, 1, 1], yaw, atol=1e-15)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"facsNames": ["browLowerL"]}, "expected columns of ARKit's 52 names, found browLowerL"),
        ({"facsNames": None}, "facsNames: expected a list"),
        ({"weightMat": None}, "weightMat: expected a list of frames, found None"),
        ({"weightMat": [[0.1], []]}, r"weightMat\[1\]: expected 1 numbers"),
        ({"exportFps": "30"}, "exportFps: expected a number above 0"),
        ({"facsNames": ["jawOpen", "JawOpen"], "weightMat": [[0, 0]]}, "expected each column once"),
    ],
)
def test_what_is_wrong_in_audio2face_json_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    record = {"exportFps": 30, "facsNames": ["jawOpen"], "weightMat": [[0.1]]} | change
    with pytest.raises(InputError, match=f"a2f.json: {message}"):
        load_face_motion(written(tmp_path / "a2f.json", json.dumps(record)))


# whatever a file holds


def read_or_refused(path: Path) -> None:
    """A motion of finite numbers, or InputError that names the file."""
    refused = ""
    try:
        motion = load_face_motion(path)
        assert np.isfinite(motion.table(motion.columns)).all()
        assert motion.times.shape == (len(motion),)
    except InputError as error:
        refused = str(error)
    assert not refused or path.name in refused
    assert "\n" not in refused


SAMPLES = [
    json.dumps(OURS | {"given": {"mouth": [[0, 1]]}, "first": 3, "seed": 4}).encode(),
    json.dumps({"exportFps": 30.0, "facsNames": ["jawOpen", "mouthClose"], "weightMat": [[0.1, 0], [0.2, 0]]}).encode(),
    live_link(["23:59:59:29.5", "00:00:00:00.5", "00:00:00:02.5"], [0.1, 0.2, 0.3]).encode(),
    b"timeCode,blendShapes.JawOpen,mood\n0.0,0.5,x\n0.0333,0.25,y\n0.0667,1e-3,z\n",
    b"Timecode;JawOpen\n00:00:00:01;0,5\n00:00:00:02;0,25\n",
]


@ANY_FILE
@given(data=st.binary(max_size=200), suffix=st.sampled_from([".json", ".csv"]))
def test_any_bytes_are_refused_or_read(tmp_path: Path, data: bytes, suffix: str) -> None:
    read_or_refused(written(tmp_path / f"any{suffix}", data))


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), sample=st.sampled_from(SAMPLES))
def test_a_damaged_file_is_refused_or_read(tmp_path: Path, data: st.DataObject, sample: bytes) -> None:
    pieces = [
        b"",
        b"0",
        b"9",
        b"-",
        b"1e308",
        b"-1e308",
        b"1e-320",
        b"nan",
        b":",
        b";",
        b",",
        b'"',
        b"\n",
        b"[",
        b"{}",
        b"null",
    ]
    damaged = sample
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged)))
        end = min(len(damaged), start + data.draw(st.integers(0, 6)))
        damaged = damaged[:start] + data.draw(st.sampled_from(pieces)) + damaged[end:]
    suffix = ".json" if sample.startswith(b"{") else ".csv"
    read_or_refused(written(tmp_path / f"damaged{suffix}", damaged))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@ANY_FILE
@given(field=st.sampled_from(["fps", "first", "seed", "columns", "frames", "given", "format"]), value=JSON)
def test_any_json_in_a_field_is_refused_or_read(tmp_path: Path, field: str, value: Any) -> None:
    read_or_refused(written(tmp_path / "ours.json", json.dumps(OURS | {field: value})))


TENTHS = [i / 10 for i in range(6)]
TABLES = {  # six frames in which the jaw opens by tenths, 25 or 30 frames per second, as others write them
    "seconds.csv": "time,_neutral,jawOpen\n" + "\n".join(f"{i / 25},0,{w}" for i, w in enumerate(TENTHS)),
    "milliseconds.csv": "timestamp,jawOpen\n" + "\n".join(f"{1000 + 40 * i},{w}" for i, w in enumerate(TENTHS)),
    "epoch.csv": "Timestamp\tjawOpen\n" + "\n".join(f"{17e17 + 4e7 * i:.0f}\t{w}" for i, w in enumerate(TENTHS)),
    "named.csv": "time_ms,jawOpen\n" + "\n".join(f"{40 * i},{w}" for i, w in enumerate(TENTHS)),
    "frames.csv": "Frame,JawOpen\n" + "\n".join(f"{i + 1},{w}" for i, w in enumerate(TENTHS)),
    "percent.csv": "time,JawOpen,HeadYaw\n" + "\n".join(f"{i / 25},{100 * w},0.1" for i, w in enumerate(TENTHS)),
    "dropped.csv": "Timecode,JawOpen\n" + "\n".join(f"00:00:{i // 30:02};{i}.0,{w}" for i, w in enumerate(TENTHS)),
    "clock.csv": "Timecode,JawOpen\n" + "\n".join(f"10:00:00.{40 * i:03},{w}" for i, w in enumerate(TENTHS)),
    "lam.json": json.dumps(
        {"names": ["jawOpen"], "metadata": {"fps": 25}, "frames": [{"weights": [w]} for w in TENTHS]}
    ),
    "list.json": json.dumps([{"time": i / 25, "jawOpen": w} for i, w in enumerate(TENTHS)]),
    "inside.json": json.dumps({"fps": 25, "frames": [{"blendShapes": {"jawOpen": w}} for w in TENTHS]}),
    "silent.json": json.dumps([{"blendShapes": {"jawOpen": w}} for w in TENTHS]),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_others_are_read(tmp_path: Path, name: str) -> None:
    notes: list[str] = []
    face = load_face_motion(written(tmp_path / name, TABLES[name]), note=notes.append)
    np.testing.assert_allclose(face.jaw[:, 0], JAW_OPEN * np.array(TENTHS), atol=1e-9)
    guessed = name in ("frames.csv", "silent.json")
    assert face.fps == (30 if guessed else 24 if name == "dropped.csv" else 25)
    told = guessed or name in ("milliseconds.csv", "epoch.csv", "named.csv", "percent.csv")
    assert len(notes) == told


@ANY_FILE
@given(
    times=st.lists(st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 10), min_size=1, max_size=4),
    codes=st.booleans(),
)
def test_any_times_are_refused_or_read(tmp_path: Path, times: list[float], codes: bool) -> None:
    cells = [f"00:00:00:{t}" if codes else str(t) for t in times]
    read_or_refused(written(tmp_path / "times.csv", live_link(cells, [0.0] * len(times))))


def test_every_angle_of_our_writer_is_read_or_known_not_to_be(tmp_path: Path) -> None:
    """Eyes do not roll; everything else that the writer tells arrives in a column."""
    stream = io.StringIO()
    head = builtin_head()
    write_live_link(stream, Motion.rest(1, head.expressions, 25.0), head)
    header = next(csv.reader(io.StringIO(stream.getvalue())))
    for name in ANGLES:
        text = "\n".join([",".join(header), ",".join("0.1" if n == name else "0" for n in header)])
        face = load_face_motion(written(tmp_path / "face.csv", text))
        moved = face.table(face.columns).any()
        assert moved == (name not in ("LeftEyeRoll", "RightEyeRoll")), name
