"""Tables beside the stimuli: one each, true to what is seen and heard, and not served."""

import csv
from pathlib import Path

import numpy as np
import pytest

from emosplat.core.errors import InputError
from emosplat.studies.design import load_study
from emosplat.studies.sounds import prepare_sounds
from emosplat.studies.stimuli import Showing, Stimulus
from emosplat.studies.tables import Tables

from .conftest import DESIGN, write_design
from .test_build import rows, stimulus

pytestmark = pytest.mark.slow


def table(built: Path, name: str) -> dict[str, list[str]]:
    with (built / "key" / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    return {column: [line[column] for line in lines] for column in lines[0]}


def numbers(columns: dict[str, list[str]], name: str) -> np.ndarray:
    return np.array(columns[name], float)


def test_every_stimulus_has_its_tables(built: Path) -> None:
    expected = set()
    for row in rows(built / "key" / "unblind.csv"):
        stem = row["stimulus"].removesuffix(".mp4")
        expected |= {f"{stem}{side}" for side in (("",) if "/" not in row["condition"] else (".left", ".right"))}
    files = [file.name for file in (built / "key" / "tables").iterdir()]
    assert set(files) == {f"{stem}{suffix}" for stem in expected for suffix in (".csv", ".parquet")}
    frames = int(rows(built / "manifest.csv")[0]["frames"])
    assert len(table(built, files[0].removesuffix(".csv").removesuffix(".parquet"))["time_s"]) == frames


def test_they_tell_what_is_seen(built: Path) -> None:
    def of(**wanted: str) -> dict[str, list[str]]:
        return table(built, stimulus(built, **wanted).stem)

    plain = of(clip="welcome", condition="plainface", manner="plain", open_reference="0")
    glad = of(clip="welcome", condition="gladface")
    frozen = of(clip="welcome", condition="plainface", manner="frozen")
    late = of(clip="welcome", condition="plainface", manner="shift+250")
    assert numbers(glad, "AU12_left").mean() > numbers(plain, "AU12_left").mean() + 0.2
    assert numbers(glad, "emotion_happy").max() > 0.9
    assert numbers(plain, "emotion_happy").max() == 0
    assert np.ptp(numbers(plain, "mouth_opening_mm")) > 3 * np.ptp(numbers(frozen, "mouth_opening_mm"))
    assert set(frozen["phone"]) == {"SIL"}
    assert "W" in plain["phone"]
    assert plain["phone"] == plain["heard_phone"]
    # 250 ms at 12 frames per second: the face says it three frames before it is heard
    assert late["phone"][:-3] == late["heard_phone"][3:]
    assert late["heard_phone"] == plain["heard_phone"]


def test_what_is_heard_is_told_of_mismatched_sounds(tmp_path: Path) -> None:
    """A filmed face with another clip's voice: the face says its own clip, and nothing of its motion is known."""
    theirs = '\n  theirs: {videos: "{clip}.mp4", sound: hello}\n  twinface:'
    text = DESIGN.replace("\n  twinface:", theirs).replace("duration: 0.9}", "duration: 0.9, transcript: and welcome}")
    study = load_study(write_design(tmp_path, text))
    showing, out = Showing("welcome", "theirs"), tmp_path / "key" / "tables"
    sounds = prepare_sounds(study, tmp_path)
    (tmp_path / "work").mkdir()
    tables = Tables(study, {"v1": Stimulus(showing)}, sounds, out=out, work=tmp_path / "work", folder=tmp_path)
    tables.write(showing)
    found = table(tmp_path, "v1")
    assert list(found) == ["time_s", "phone", "viseme", "heard_phone", "heard_viseme"]
    said = [phone for phone, before in zip(found["phone"], ["", *found["phone"]], strict=False) if phone != before]
    assert [phone for phone in said if phone in {"W", "M", "K"}] == ["W", "K", "M"]
    assert "HH" in found["heard_phone"] or "L" in found["heard_phone"]
    assert found["phone"] != found["heard_phone"]


def test_a_transcript_without_words_is_named_by_its_clip(tmp_path: Path) -> None:
    study = load_study(write_design(tmp_path, DESIGN.replace("duration: 0.9}", "duration: 0.9, transcript: '...'}")))
    stimuli = {"v1": Stimulus(Showing("welcome", "plainface"))}
    (tmp_path / "work").mkdir()
    tables = Tables(
        study,
        stimuli,
        prepare_sounds(study, tmp_path),
        out=tmp_path / "tables",
        work=tmp_path / "work",
        folder=tmp_path,
    )
    with pytest.raises(InputError, match="clips: welcome: transcript: expected at least one word"):
        tables.write(Showing("welcome", "plainface"))
