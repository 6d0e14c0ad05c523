"""A built study: whole, blind, equally loud, and the same again from the same seed."""

import csv
import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from emosplat.blendshapes.acting.style_files import LearnedStyle, save_style
from emosplat.blendshapes.score import Style
from emosplat.core.errors import InputError
from emosplat.pipeline.media.probe import probe
from emosplat.studies.build import build_study
from emosplat.studies.finish import GAP
from emosplat.studies.journal import only_writer

from .conftest import DESIGN, write_design

pytestmark = pytest.mark.slow


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def frames(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def stimulus(built: Path, **wanted: str) -> Path:
    row = next(r for r in rows(built / "key" / "unblind.csv") if all(r[k] == v for k, v in wanted.items()))
    return built / "public" / "stimuli" / row["stimulus"]


def test_all_files_are_there_and_whole(built: Path) -> None:
    manifest = rows(built / "manifest.csv")
    files = sorted(f.name for f in (built / "public" / "stimuli").iterdir())
    assert [row["stimulus"] for row in manifest] == files
    assert {(r["frames"], r["duration_s"], r["av_offset_ms"], r["bytes"]) for r in manifest} == {
        (manifest[0]["frames"], manifest[0]["duration_s"], "0.0", manifest[0]["bytes"])
    }
    assert {r["lufs"] for r in manifest} == {"-23.0"}
    assert all(float(r["true_peak_dbtp"]) <= -1 for r in manifest)
    for number in range(4):
        pages = json.loads((built / "public" / "lists" / f"list_{number:03}.json").read_text())["trials"]
        assert {s for page in pages for s in page["stimuli"]} <= set(files)
        assert len(rows(built / "lists" / f"list_{number:03}.csv")) == len(pages)
    assert not (built / ".work").exists()


def test_every_player_sees_picture_and_sound(built: Path) -> None:
    for file in (built / "public" / "stimuli").iterdir():
        found = probe(file)
        assert found.picture is not None
        assert found.sound is not None
        assert found.picture.width in (64, 64 * 2 + GAP)


def test_the_served_folder_gives_nothing_away(built: Path) -> None:
    """Neither names, bytes, sizes, times nor metadata differ between two conditions that look the same."""
    files = list((built / "public" / "stimuli").iterdir())
    assert len({f.stat().st_size for f in files}) == 1
    assert len({f.stat().st_mtime for f in files}) == 1
    for clip in ("hello", "welcome"):
        plain = stimulus(built, clip=clip, condition="plainface", manner="plain", open_reference="0")
        twin = stimulus(built, clip=clip, condition="twinface")
        assert plain.read_bytes() == twin.read_bytes()
        assert plain.name != twin.name
    for file in (built / "public").rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            words = [b"plainface", b"twinface", b"gladface", b"person1"]
            if file.suffix != ".js":  # programs, the same for every study, whose language has such words
                words += [b"frozen", b"catch", b"expected"]
            for word in words:
                assert word not in data, f"{word!r} in {file.name}"
    with av.open(str(files[0])) as container:
        assert not {"title", "comment", "creation_time"} & set(container.metadata)


@pytest.mark.parametrize(("manner", "lag"), [("shift+250", 3), ("shift-250", -3)])  # 250 ms at 12 frames per second
def test_sync_stimuli_shift_the_picture_under_the_same_sound(built: Path, manner: str, lag: int) -> None:
    def mouth(manner: str) -> np.ndarray:
        file = stimulus(built, clip="welcome", condition="plainface", manner=manner, open_reference="0")
        return frames(file)[:, 39:50, 23:41].astype(float).mean(axis=(1, 2, 3))

    plain, moved = mouth("plain")[2:-2], mouth(manner)[2:-2]  # without the fades

    def agreement(by: int) -> float:
        inner = slice(max(by, 0), len(plain) + min(by, 0))
        return float(np.corrcoef(plain[inner], np.roll(moved, by)[inner])[0, 1])

    # where the sound comes after the picture, the picture must be moved later to agree
    assert agreement(lag) > 0.6  # the frames at the ends are others
    assert agreement(lag) > max(agreement(0), agreement(-lag))


def test_the_anchor_does_not_speak(built: Path) -> None:
    mouth = np.s_[3:-3, 36:54, 20:44]
    frozen = frames(stimulus(built, clip="hello", manner="frozen")).astype(float)[mouth]
    spoken = frames(stimulus(built, clip="hello", condition="plainface", manner="plain")).astype(float)[mouth]
    assert frozen.std(axis=0).mean() < 0.5 * spoken.std(axis=0).mean()


def test_side_by_side_shows_both(built: Path) -> None:
    pair = next(r for r in rows(built / "key" / "unblind.csv") if r["condition"] == "gladface/plainface")
    both = frames(built / "public" / "stimuli" / pair["stimulus"])[10].astype(float)
    left, right = both[:, :64], both[:, -64:]
    glad = frames(stimulus(built, clip=pair["clip"], condition="gladface"))[10]
    plain = frames(stimulus(built, clip=pair["clip"], condition="plainface", manner="plain"))[10]
    assert np.abs(left - glad).mean() < np.abs(left - plain).mean()
    assert np.abs(right - plain).mean() < np.abs(right - glad).mean()


def test_the_same_seed_builds_the_same_study(built: Path, tmp_path: Path) -> None:
    again = build_study(write_design(tmp_path), tmp_path / "again").folder
    for name in ("manifest.csv", "key/unblind.csv", "key/trials.csv", "lists/list_002.csv"):
        assert (again / name).read_bytes() == (built / name).read_bytes(), name


def test_others_videos_are_fitted_in(built: Path, tmp_path: Path) -> None:
    source = stimulus(built, clip="hello", condition="gladface")
    design = DESIGN.replace("gladface: {avatar: person1, emotion: happy}", 'gladface: {videos: "theirs/{clip}.mp4"}')
    path = write_design(tmp_path, design)
    with pytest.raises(InputError, match=r"theirs.*no such video"):
        build_study(path, tmp_path / "out")
    (tmp_path / "theirs").mkdir()
    for clip in ("hello", "welcome", "name"):
        (tmp_path / "theirs" / f"{clip}.mp4").write_bytes(source.read_bytes())
    with pytest.raises(InputError, match=r"hello.mp4: expected 0.85 s like its clip, found"):
        build_study(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_things_is_not_touched(tmp_path: Path) -> None:
    design = write_design(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(InputError, match="expected an empty folder"):
        build_study(design, tmp_path / "out")


def test_what_participants_said_is_not_built_over(built: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(built, tmp_path / "out"))
    design = write_design(tmp_path)
    with only_writer(out), pytest.raises(InputError, match="by another process"):
        build_study(design, out)
    (out / "participants.jsonl").write_text('{"participant": "anna", "event": "consent"}\n')
    with pytest.raises(InputError, match="what participants said"):
        build_study(design, out)
    assert (out / "participants.jsonl").exists()


def test_weights_of_ones_own_are_a_condition(bent_weights: Path, tmp_path: Path) -> None:
    """Other weights, other pictures; without the folder one line says which condition lacks it."""
    other = "conditions:\n  otherface: {avatar: person1, weights: mine}"
    task = '  - {id: t1, type: preference, question: "Which one?", pairs: [[plainface, otherface]]}\n'
    text = DESIGN[: DESIGN.index("tasks:")].replace("conditions:", other) + "tasks:\n" + task
    design = write_design(tmp_path, text)
    with pytest.raises(InputError, match=r"conditions\.otherface\.weights: .*mine: expected a folder with"):
        build_study(design, tmp_path / "built")
    assert not (tmp_path / "built").exists()
    (tmp_path / "mine").symlink_to(bent_weights)
    built = build_study(design, tmp_path / "built").folder
    sides = frames(stimulus(built, condition="plainface/otherface"))
    width = (sides.shape[2] - GAP) // 2
    assert (sides[:, :, :width] != sides[:, :, -width:]).mean() > 0.01


def test_a_style_is_a_condition(tmp_path: Path) -> None:
    """It moves that condition alone, wherever it stands in the file; one that is missing is told."""
    design = """
title: Styles
seed: 5
participants: 2
clips: [{id: hello, audio: hello.flac, duration: 0.85}]
conditions:
  boldface: {avatar: person1, style: bold.style.json, style_strength: 1.5, variety: 0.5}
  plainface: {avatar: person1}
  twinface: {avatar: person1}
stimuli: {size: 64x64, fps: 12, lead: 0.2, tail: 0.2, fade: 0.1}
tasks:
  - {id: t1, type: rating, question: "How good?", conditions: [boldface, plainface, twinface]}
"""
    path = write_design(tmp_path, design)
    with pytest.raises(InputError, match=r"conditions\.boldface\.style: unknown style 'bold\.style\.json'"):
        build_study(path, tmp_path / "built")
    save_style(tmp_path / "bold.style.json", LearnedStyle(Style("bold", {"head": 4.0, "brows": 4.0})))
    built = build_study(path, tmp_path / "built").folder
    bold, plain, twin = (frames(stimulus(built, condition=f"{name}face")) for name in ("bold", "plain", "twin"))
    np.testing.assert_array_equal(plain, twin)
    assert (bold != plain).mean() > 0.01
