"""A data set predicted and measured, on a performer whose faces are known."""

import csv
from pathlib import Path

import numpy as np
import pytest

from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.blendshapes.data import DataSet, Label, Part, Sequence
from emosplat.blendshapes.data.sequence import constant, some_of
from emosplat.blendshapes.evaluation.evaluate import Evaluation, evaluate, measures
from emosplat.blendshapes.evaluation.report import markdown, write_report
from emosplat.core.errors import InputError

HEAD = builtin_head()
FPS, FRAMES = 50.0, 60
SOUND = np.zeros(int(FRAMES / FPS * 16_000), np.float32)


class Parrot:
    """Opens and closes the jaw three times a second, the same whatever it hears; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked = []

    def motion(self, score):
        self.asked.append((sum(map(len, score.sound())), score))
        motion = Motion.rest(score.frames, HEAD.expressions, score.fps)
        motion.jaw[:, 0] = jaw(0, len(motion))
        return motion


def jaw(delay: int, frames: int = FRAMES) -> np.ndarray:
    return 0.1 * (1 - np.cos(2 * np.pi * 3 * (np.arange(frames) - delay) / FPS))


def recorded(delay: int, *, shift: float = 0.0) -> np.ndarray:
    """Vertices of somebody who opens the jaw `delay` frames later, and whose whole head lies `shift` metres higher."""
    motion = Motion.rest(FRAMES, HEAD.expressions, FPS)
    motion.jaw[:, 0] = jaw(delay)
    return (Poser(HEAD).vertices(motion) + np.array([0, shift, 0])).astype(np.float32)


def sequence(
    vertices: np.ndarray,
    neutral: np.ndarray,
    *,
    name: str = "a",
    sound: np.ndarray | None = SOUND,
    part: Part = "test",
) -> Sequence:
    audio = None if sound is None else constant(sound)
    label = Label("sad", "sad", level=0.5)
    return Sequence("somebody", "somebody", name, part, label, FPS, constant(vertices), constant(neutral), audio)


def data(*sequences: Sequence) -> DataSet:
    return DataSet("miniature", HEAD.version, sequences)


def run(*sequences: Sequence) -> tuple[Evaluation, Parrot]:
    parrot = Parrot()
    return evaluate(data(*sequences), HEAD, parrot), parrot  # type: ignore[arg-type]


def test_a_perfect_prediction_has_no_error_whoever_speaks() -> None:
    higher = (HEAD.v_template + np.array([0, 0.3, 0], np.float32)).astype(np.float32)
    result, _ = run(sequence(recorded(0), HEAD.v_template), sequence(recorded(0, shift=0.3), higher, name="b"))
    table = {m.name: m.value for m in measures(result)}
    for name in ("LVE", "LVE in mm", "FDD", "FDD, absolute", "MVE", "lip-closure error", "sync offset", "diversity"):
        assert table[name] == pytest.approx(0, abs=1e-3), name
    assert table["acceleration"] == pytest.approx(table["acceleration of the truth"], rel=1e-3)
    assert result.error.max() < 1e-6


def test_an_early_prediction_is_found_early() -> None:
    result, _ = run(sequence(recorded(3), HEAD.v_template))
    assert result.rows[0].offset_ms == pytest.approx(-60, abs=3)
    assert result.scores.lve_mm > 1


def test_the_performer_is_asked_for_the_label_and_for_sound_half_a_frame_late() -> None:
    _, parrot = run(sequence(recorded(0), HEAD.v_template))
    samples, score = parrot.asked[0]
    assert (samples, score.duration, score.fps) == (len(SOUND), FRAMES / FPS, FPS)
    assert (score.intensity, score.blink, score.head_motion) == (0.5, False, "none")
    assert max(score.emotion.point) == 1


def test_what_has_no_sound_is_left_out_and_counted() -> None:
    result, _ = run(
        sequence(recorded(0), HEAD.v_template), sequence(recorded(0), HEAD.v_template, name="b", sound=None)
    )
    assert (len(result.rows), result.silent) == (1, 1)
    with pytest.raises(InputError, match="expected sequences with sound, found none among 1"):
        run(sequence(recorded(0), HEAD.v_template, sound=None))


def test_another_topology_is_refused() -> None:
    small = np.zeros((FRAMES, 5023, 3), np.float32)
    with pytest.raises(InputError, match=r"somebody/a: expected the 6581 vertices.*found 5023.*--head"):
        run(sequence(small, small[0]))


def test_report(tmp_path: Path) -> None:
    result, _ = run(sequence(recorded(2), HEAD.v_template))
    paths = write_report(result, HEAD, tmp_path / "report")
    assert all(path.stat().st_size > 100 for path in paths)
    rows = list(csv.DictReader((tmp_path / "report" / "sequences.csv").open()))
    assert rows[0]["name"] == "somebody/a"
    assert float(rows[0]["lve_mm"]) == pytest.approx(result.scores.lve_mm)
    for measure in measures(result):
        assert f"| {measure.name} |" in markdown(result)
        assert measure.unit
        assert measure.formula


def test_some_sequences_of_a_part() -> None:
    clips = [sequence(recorded(0), HEAD.v_template, name=str(i), part="test" if i % 2 else "train") for i in range(8)]
    assert [s.name for s in some_of(data(*clips), part="test")] == ["1", "3", "5", "7"]
    assert [s.name for s in some_of(data(*clips), part="test", limit=2)] == ["1", "5"]
    assert len(some_of(data(*clips), part="all", limit=100)) == 8
    with pytest.raises(InputError, match="--part all_of_it: expected one of train, val, test, all"):
        some_of(data(*clips), part="all_of_it")
    with pytest.raises(InputError, match="found none"):
        some_of(data(*clips), part="val")
