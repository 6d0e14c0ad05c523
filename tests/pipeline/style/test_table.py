"""Words for numbers: they say what the motion does."""

import math

import numpy as np
import pytest

from emosplat.blendshapes.acting.bands import BESIDE_SOUND
from emosplat.blendshapes.acting.style import STATISTICS, style_of
from emosplat.blendshapes.acting.style_files import Example, LearnedStyle
from emosplat.blendshapes.acting.weights import ActingWeights
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.score import Style
from emosplat.pipeline.style.table import Trait, table, traits, usual_statistics

FPS, SECONDS = 25.0, 20
USUAL = dict.fromkeys(STATISTICS, 0.0) | {"lid.blinks": math.log1p(17)}  # sizes of 1 in the model's units


def said(columns: dict[str, np.ndarray], blinks: int = 0) -> dict[str, Trait]:
    face = FaceMotion.rest(round(FPS * SECONDS), fps=FPS)
    lids = np.full(len(face), 0.05)
    for start in np.linspace(10, len(face) - 10, blinks).astype(int):
        lids[start : start + 5] = 1
    face = face.with_columns(columns | {"lidLeft": lids, "lidRight": lids})
    return {trait.name: trait for trait in traits(style_of(face, "a").statistics, USUAL)}


TIMES = (np.arange(round(FPS * SECONDS)) + 0.5) / FPS


def test_sizes_are_those_of_the_motion() -> None:
    nods = np.radians(6) * np.sqrt(2) * np.sin(2 * np.pi * 0.5 * TIMES)  # a standard deviation of 6 degrees
    head = said({"headPitch": nods, "headYaw": nods, "headRoll": nods})["head turns and nods"]
    assert head.value == pytest.approx(6, rel=0.01)
    assert head.words == "much more"
    still = said({"headPitch": nods / 100, "headYaw": nods / 100, "headRoll": nods / 100})
    assert still["head turns and nods"].words == "much less"


def test_a_smile_that_is_held_does_not_come_and_go() -> None:
    smile = said({"mouthSmileLeft": np.full(len(TIMES), 0.5), "mouthSmileRight": np.full(len(TIMES), 0.5)})
    assert (smile["smiles"].value, smile["smiles"].words) == (pytest.approx(0.5), "much more")
    assert smile["smile comes and goes"].words == "much less"
    frown = said({"mouthFrownLeft": np.full(len(TIMES), 0.5), "mouthFrownRight": np.full(len(TIMES), 0.5)})
    assert frown["smiles"].words == "much less"


@pytest.mark.parametrize(("count", "words"), [(0, "much less"), (6, "as usual"), (15, "much more")])
def test_blinks_are_counted(count: int, words: str) -> None:
    blinks = said({}, count)["blinks"]
    assert blinks.value == pytest.approx(60 * count / SECONDS, abs=0.01)
    assert blinks.words == words


def test_the_mouth_beside_the_sound_is_told_where_it_was_measured() -> None:
    usual = usual_statistics(ActingWeights.load())
    found = {trait.name: trait for trait in traits({"round.slow": 1.6 * usual["round.slow"]}, usual)}
    assert found["rounds the lips"].value == pytest.approx(1.6 * found["rounds the lips"].usual)
    assert found["rounds the lips"].words == "more"
    assert "opens the mouth" not in found


def test_what_is_usual_is_called_so() -> None:
    face = FaceMotion.rest(200, fps=FPS).with_columns({"headYaw": np.linspace(0, 0.8, 200)})
    usual = USUAL | dict(style_of(face, "a").statistics)
    assert {trait.words for trait in traits(usual, usual)} == {"as usual"}
    assert traits({}, usual) == []


def test_numbers_that_are_missing_are_usual() -> None:
    found = {trait.name: trait for trait in traits({"lid.blinks": 0.0}, USUAL)}
    assert found.pop("blinks").value == 0
    assert {trait.words for trait in found.values()} == {"as usual"}


def test_the_weights_know_what_is_usual() -> None:
    usual = usual_statistics(ActingWeights.load())
    assert usual.keys() == {*STATISTICS, *BESIDE_SOUND}
    found = {trait.name: trait for trait in traits(usual, usual)}
    assert 5 < found["blinks"].value < 40  # per minute
    assert 0.5 < found["head turns and nods"].value < 8  # degrees


def test_the_table_tells_name_examples_and_gains() -> None:
    learned = LearnedStyle(Style("calm", {"head": 0.4}, poses=({},)), (Example("film", "talk.mp4", 31.23),))
    text = "\n".join(table(learned, USUAL))
    for words in ("style calm", "talk.mp4 (film, 31.2 s)", "head moves", "0.40", "much less", "1 key poses"):
        assert words in text


@pytest.mark.parametrize("number", [-1e6, 0.0, 1e6])
def test_any_number_that_a_file_may_hold_can_be_shown(number: float) -> None:
    for trait in traits(dict.fromkeys(STATISTICS, number), USUAL):
        assert math.isfinite(trait.value)
        assert trait.words
