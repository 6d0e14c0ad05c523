"""Conditions: morphs in even steps, and what cannot be together is refused with its line."""

from pathlib import Path

import pytest

from emosplat.blendshapes.emotion import EMOTIONS, EmotionMix
from emosplat.core.errors import InputError
from emosplat.pipeline.emotion import read_emotion
from emosplat.studies.conditions import Condition
from emosplat.studies.design import load_study
from emosplat.studies.lists import levels

DESIGN = """title: Shown and heard
seed: 5
participants: 2
clips:
  - {id: ba, audio: ba.wav}
  - {id: ga, audio: ga.wav}
conditions:
  plain: {emotion: happy}
  odd: {ODD}
tasks:
  - {id: t1, type: rating, question: "How good?", conditions: [odd]}
"""


def study(tmp_path: Path, odd: str, tasks: str = ""):
    path = tmp_path / "study.yaml"
    path.write_text(DESIGN.replace("{ODD}", odd) + tasks, encoding="utf-8")
    return load_study(path)


def point(text: str) -> dict[str, float]:
    emotion = read_emotion(text)
    assert isinstance(emotion, EmotionMix)
    return dict(zip(EMOTIONS, emotion.point, strict=False))


def test_a_morph_becomes_conditions_in_even_steps(tmp_path: Path) -> None:
    found = study(tmp_path, "{morph: {from: joy, to: anger, steps: 5}, avatar: person2}")
    names = ["odd_1", "odd_2", "odd_3", "odd_4", "odd_5"]
    assert list(found.conditions) == ["plain", *names]
    assert levels(found, found.tasks[0]) == names  # the morph's name stands for its steps
    steps = [found.conditions[name] for name in names]
    assert [step.level for step in steps] == [0, 25, 50, 75, 100]
    assert {step.avatar for step in steps} == {"person2"}
    assert [step.emotion for step in steps][::4] == ["happy", "angry"]
    for step, share in zip(steps, (0, 0.25, 0.5, 0.75, 1), strict=True):
        weights = point(step.emotion)
        assert weights["angry"] == pytest.approx(share)
        assert weights["happy"] == pytest.approx(1 - share)


def test_words_are_morphed_as_they_stand_in_emotion(tmp_path: Path) -> None:
    found = study(tmp_path, "{morph: {from: a little nervous, to: happy, steps: 3}}")
    assert found.conditions["odd_2"].emotion == "a little nervous:0.5 + happy:0.5"


@pytest.mark.parametrize(
    ("odd", "field", "problem"),
    [
        ("{sound: da}", "conditions.odd.sound", r"expected a clip's id \(ba, ga\), other or silent, found 'da'"),
        ("{sound: silent, snr: 0}", "conditions.odd", "expected a sound for vocoded and snr"),
        ("{vocoded: 0}", "conditions.odd.vocoded", "greater than or equal to 1"),
        ("{snr: 99}", "conditions.odd.snr", "less than or equal to 40"),
        ("{blur: 0}", "conditions.odd.blur", "greater than 0"),
        ("{only: nose}", "conditions.odd.only", "'mouth' or 'eyes'"),
        ("{only: mouth, box: [1, 2, 30, 40]}", "conditions.odd", "belong to a condition with videos"),
        ("{videos: 'x/{clip}.mp4', only: mouth}", "conditions.odd", r"expected only and box: \[left, top"),
        (
            "{videos: 'x/{clip}.mp4', only: eyes, box: [500, 0, 30, 30]}",
            "conditions.odd.box",
            r"expected a part of 512x512 pixels, found \[500, 0, 30, 30\]",
        ),
        ("{videos: 'x/{clip}.mp4', point_light: true}", "conditions.odd", "landmarks of our faces"),
        ("{morph: {from: happy, to: 'angry:0.5'}}", "conditions.odd.morph.to", "one emotion without a weight"),
        ("{morph: {from: happy, to: angry, steps: 1}}", "conditions.odd.morph.steps", "greater than or equal to 2"),
        ("{morph: {from: hapy, to: angry}}", "conditions.odd.morph.from", "expected one of"),
        ("{morph: {from: happy, to: sad}, emotion: sad}", "conditions.odd", "expected neither beside it"),
    ],
)
def test_what_cannot_be_is_named_with_its_line(tmp_path: Path, odd: str, field: str, problem: str) -> None:
    with pytest.raises(InputError, match=rf"study\.yaml: line 9: {field}: .*{problem}"):
        study(tmp_path, odd)


def test_names_that_mean_something_else(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(DESIGN.replace("{ODD}", "{sound: ba}").replace("id: ga", "id: other"), encoding="utf-8")
    with pytest.raises(InputError, match=r"line 6: clips\.1\.id: expected another id"):
        load_study(path)
    path.write_text(DESIGN.replace("{ODD}", "{sound: other}").replace("  - {id: ga, audio: ga.wav}\n", ""))
    with pytest.raises(InputError, match=r"line 8: conditions\.odd\.sound: other: expected at least two clips"):
        load_study(path)
    path.write_text(DESIGN.replace("{ODD}", "{morph: {from: sad, to: happy}}").replace("plain:", "odd_2:"))
    with pytest.raises(InputError, match="odd_2 is a step of the morph odd"):
        load_study(path)


def test_a_pair_has_one_sound(tmp_path: Path) -> None:
    pair = '  - {id: t2, type: preference, question: "Which?", pairs: [[plain, odd]]}\n'
    assert study(tmp_path, "{blur: 0.1}", pair).tasks[1].id == "t2"
    with pytest.raises(InputError, match="plain and odd are heard together: expected the same sound"):
        study(tmp_path, "{sound: ba}", pair)


def test_others_videos_may_be_degraded_as_ours() -> None:
    fields = {"sound": "other", "vocoded": 4, "snr": 3, "blur": 0.1, "inverted": True, "level": 3}
    theirs = Condition(videos="{clip}.mp4", only="mouth", box=(1, 2, 30, 40), **fields)
    assert theirs.heard == Condition(**fields).heard == ("other", 4, 3)
