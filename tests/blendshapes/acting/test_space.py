"""Coordinates and columns: two ways to say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emosplat import example_speech
from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.acting.space import (
    COORDINATES,
    HEAD,
    INDEX,
    LID,
    MOUTH,
    RAISED,
    REGION,
    SCALE,
    SHAPED,
    columns,
    coordinates,
    of_column,
)
from emosplat.blendshapes.data.files import read_audio
from emosplat.blendshapes.face_motion import REGIONS, FaceMotion
from emosplat.blendshapes.models.procedural import Procedural
from emosplat.blendshapes.score import Score
from emosplat.blendshapes.solve.fusion import FusionModel
from emosplat.blendshapes.solve.solver import Solver
from emosplat.blendshapes.speech.encoder import SpeechEncoder

UNSIGNED = ("brow_inner", "cheek")  # nothing stands for what is below them
weights = st.floats(-0.6, 0.6)


@given(st.dictionaries(st.sampled_from([*SHAPED, *HEAD]), weights))
def test_columns_give_the_coordinates_back(wanted: dict[str, float]) -> None:
    wanted = {name: abs(w) if name in UNSIGNED else w for name, w in wanted.items()}
    values = np.zeros((2, len(COORDINATES)))
    for name, weight in wanted.items():
        values[:, INDEX[name]] = weight
    face = FaceMotion.rest(2, fps=25).with_columns(columns(values))
    found = coordinates(face)
    assert_allclose(found[:, [INDEX[n] for n in (*SHAPED, *HEAD)]], values[:, [INDEX[n] for n in (*SHAPED, *HEAD)]],
                    atol=1e-12)  # fmt: skip


def test_the_mouth_is_read_from_articulation_or_else_from_shapes() -> None:
    spoken = FaceMotion.rest(1, fps=25).with_columns({"speech.jaw": 0.5, "speech.round": 0.2})
    assert_allclose(coordinates(spoken)[0, : len(MOUTH)], [0.5, 0.2, 0, 0, 0])
    tracked = FaceMotion.rest(1, fps=25).with_columns({"jawPitch": 0.1, "mouthPucker": 0.3, "mouthUpperUpLeft": 0.4})
    found = dict(zip(COORDINATES, coordinates(tracked)[0], strict=True))
    assert found["jaw"] > 0.2
    assert 0.1 < found["round"] < 0.3
    assert found["upper_lip"] > 0.2
    assert found["wide"] == 0


def test_shapes_of_our_speaking_head_tell_its_articulation() -> None:
    """The demo's sentence on the built-in head, read by its ARKit shapes: in size and place, too."""
    wave = read_audio(Path(example_speech()))
    face = Procedural(SpeechEncoder.load()).plan(Score(len(wave) / 16_000, 25.0, lambda: [wave]))
    wanted = face.table([f"speech.{name}" for name in MOUTH])
    solver = Solver(builtin_head(), FusionModel.built_in())
    found = coordinates(solver.face_motion(solver(face)))[:, : len(MOUTH)]
    for k, name in enumerate(MOUTH):
        assert np.corrcoef(found[:, k], wanted[:, k])[0, 1] > 0.8, name
        assert 0.75 < found[:, k].std() / wanted[:, k].std() < 1.35, name
        assert abs(found[:, k].mean() - wanted[:, k].mean()) < 0.1, name


def test_the_gaze_is_in_the_room_and_lids_are_the_mean_of_both() -> None:
    face = FaceMotion.rest(1, fps=25).with_columns(
        {"headYaw": 0.2, "gazeLeftYaw": -0.2, "gazeRightYaw": -0.2, "lidLeft": 1.0}
    )
    found = dict(zip(COORDINATES, coordinates(face)[0], strict=True))
    assert found["gaze_yaw"] == pytest.approx(0)
    assert found[LID] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("headYaw", 0.1, [("head_yaw", 0.1)]),
        ("speech.round", 0.4, [("round", 0.4)]),
        ("mouthSmileLeft", 0.3, [("smile_left", 0.3)]),
        ("mouthFrownLeft", 0.3, [("smile_left", -0.3)]),
        ("mouthFrownLeft", 0.0, []),  # says nothing about a smile
        ("browInnerUp", 0.3, [("brow_inner", 0.3)]),
        ("tongueOut", 1.0, []),
    ],
)
def test_a_column_tells_coordinates(column: str, value: float, expected: list[tuple[str, float]]) -> None:
    assert of_column(column, value) == [(INDEX[name], v) for name, v in expected]


def test_every_coordinate_has_a_scale_and_a_region() -> None:
    assert len(SCALE) == len(COORDINATES) == len(REGION)
    assert (SCALE > 0).all()
    assert set(REGION.values()) <= set(REGIONS)


def test_brows_have_units_of_their_own_both_ways() -> None:
    """A key of a brow's column asks for the coordinate that shows as just this column."""
    for name, value in (
        ("browOuterUpLeft", 0.5),
        ("browDownRight", 0.3),
        ("browInnerUp", 0.2),
        ("eyeSquintRight", 0.4),
    ):
        values = np.zeros((1, len(COORDINATES)))
        for index, told in of_column(name, value):
            values[0, index] = told
        assert_allclose(columns(values)[name], value)
    raised = np.zeros((1, len(COORDINATES)))
    raised[0, INDEX["brow_left"]] = 0.25
    assert_allclose(columns(raised)["browOuterUpLeft"], 0.25 * RAISED)
