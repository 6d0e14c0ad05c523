"""The examples: whole designs, the factors that they promise, and stand-ins that say what they are."""

import json
from itertools import product
from pathlib import Path

import pytest

from emosplat.core.errors import InputError
from emosplat.pipeline.media.probe import probe
from emosplat.studies.balance import check_balance
from emosplat.studies.design import load_study
from emosplat.studies.example import EMOTIONS, write_example
from emosplat.studies.lists import make_lists


def test_emotions_cross_emotion_intensity_and_person() -> None:
    study = load_study(EMOTIONS)
    ours = [one for one in study.conditions.values() if one.videos is None]
    cells = {(one.emotion, one.intensity, one.avatar) for one in ours}
    emotions, strengths, people = (sorted(set(column)) for column in zip(*cells, strict=True))
    assert (len(emotions), len(strengths), len(people), len(study.shown)) == (4, 2, 2, 3)
    assert cells == set(product(emotions, strengths, people))
    assert set(study.conditions) - {n for n, one in study.conditions.items() if one.videos is None} == {"filmed"}
    counts = [
        count for count in check_balance(study, make_lists(study)) if "x" in count.what or "follows" in count.what
    ]
    assert all(count.exact for count in counts)


def test_an_unknown_example_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--example faces: expected one of tasks, emotions"):
        write_example(tmp_path / "new", "faces")
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_stand_ins_fit_their_clips_and_say_what_they_are(tmp_path: Path) -> None:
    study = load_study(write_example(tmp_path / "new", "emotions"))
    folder = tmp_path / "new" / "filmed"
    assert "Nobody was filmed" in (folder / "README.txt").read_text()
    for clip in study.clips:
        picture = probe(folder / f"{clip.id}.mp4").picture
        assert picture is not None
        assert picture.duration == pytest.approx(clip.duration, abs=0.05)
        record = json.loads((folder / f"{clip.id}.mp4.json").read_text())
        assert record["settings"]["model"] == "acting"
    with pytest.raises(InputError, match="already exists"):
        write_example(tmp_path / "new", "emotions")
