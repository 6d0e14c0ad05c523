"""Takes: several seeds of one clip, all or none, and a picture of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emosplat.core.errors import InputError
from emosplat.pipeline.clip import takes
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.render import render_clip
from emosplat.pipeline.clip.request import ClipRequest
from emosplat.pipeline.clip.sidecar import read_sidecar
from emosplat.pipeline.clip.takes import render_takes, sheet_path, take_path
from emosplat.pipeline.clip.thumbnails import HEIGHT
from emosplat.pipeline.settings import read_settings


@pytest.fixture(scope="module")
def loaded() -> LoadedModels:
    return LoadedModels("cpu")


def request(source: Path, out: Path, *, overwrite: bool = False, **changes: object) -> ClipRequest:
    settings = read_settings({"size": (64, 64), **changes})
    return ClipRequest(source, out, settings, overwrite=overwrite, varied=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def decoded(path: Path) -> np.ndarray:
    """All frames of a video, [T, H, W, 3]."""
    import av

    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


@pytest.mark.slow
def test_each_take_is_what_its_seed_alone_gives(babble: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    out = tmp_path / "talk.mkv"
    records = render_takes(request(babble, out, seed=5), 2, loaded=loaded)
    assert names(tmp_path) == [
        *("talk-take1.mkv", "talk-take1.mkv.json", "talk-take2.mkv", "talk-take2.mkv.json", "talk-takes.png"),
    ]
    for number, record in enumerate(records, start=1):
        path = take_path(out, number)
        written = read_sidecar(path)
        assert len(written.pop("curves")["jaw_open_deg"]) == record["result"]["frames"]
        assert record == written
        assert (record["settings"]["seed"], record["result"]["out"]) == (4 + number, str(path))
        alone = tmp_path / "alone" / path.name
        render_clip(request(babble, alone, seed=record["settings"]["seed"]), loaded=loaded)
        np.testing.assert_array_equal(decoded(alone), decoded(path))  # lossless
    assert (decoded(take_path(out, 1)) != decoded(take_path(out, 2))).any()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["talk.npz", "talk.csv", "frames"])
def test_takes_of_every_kind_have_a_picture(babble: Path, tmp_path: Path, loaded: LoadedModels, name: str) -> None:
    out = tmp_path / name
    render_takes(request(babble, out), 2, loaded=loaded)
    assert take_path(out, 2).exists()
    sheet = cv2.imread(str(sheet_path(out)))
    assert sheet is not None
    height, width = len(sheet) // 2, sheet.shape[1] // takes.SHOWN
    assert (height, width) == (26 + HEIGHT, HEIGHT)
    rows = [sheet[i * height + 26 :][:HEIGHT].astype(int) for i in range(2)]
    assert all(row[:, i * width :][:, :width].std() > 10 for row in rows for i in range(takes.SHOWN))  # faces
    assert (rows[0] != rows[1]).any()
    with pytest.raises(InputError, match=r"already|overwrite"):
        render_takes(request(babble, out), 2, loaded=loaded)
    before = names(tmp_path)
    render_takes(request(babble, out, seed=9, overwrite=True), 2, loaded=loaded)
    assert names(tmp_path) == before
    assert read_sidecar(take_path(out, 1))["settings"]["seed"] == 9


@pytest.mark.slow
def test_all_takes_or_none(babble: Path, tmp_path: Path, loaded: LoadedModels, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    make: Callable[..., dict[str, Any]] = takes.make_clip

    def fails_later(request: ClipRequest, *rest: Any, **more: Any) -> dict[str, Any]:
        if made:
            raise InputError("the disk is full")
        made.append(request.out)
        return make(request, *rest, **more)

    monkeypatch.setattr(takes, "make_clip", fails_later)
    with pytest.raises(InputError, match="the disk is full"):
        render_takes(request(babble, tmp_path / "talk.npz"), 2, loaded=loaded)
    assert made
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "count", "seed", "problem"),
    [
        ("talk.mp4", 0, 0, "--takes 0: expected 1 to 64"),
        ("talk.mp4", 65, 0, "--takes 65"),
        ("talk.avi", 2, 0, "unknown suffix"),
        ("talk.mp4", 2, 2**63 - 1, "--seed"),
        ("frames/%06d.png", 2, 0, "--takes: expected the name of a file or folder, found the pattern"),
    ],
)
def test_what_cannot_be_taken(
    babble: Path, tmp_path: Path, loaded: LoadedModels, name: str, count: int, seed: int, problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        render_takes(request(babble, tmp_path / name, seed=seed), count, loaded=loaded)
    assert not list(tmp_path.rglob("*take*"))


def test_nothing_is_drawn_over_a_file_that_is_there(babble: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    for taken in (take_path(tmp_path / "talk.mp4", 2), sheet_path(tmp_path / "talk.mp4")):
        taken.touch()
        with pytest.raises(InputError, match="already exists"):
            render_takes(request(babble, tmp_path / "talk.mp4"), 2, loaded=loaded)
        assert names(tmp_path) == [taken.name]
        taken.unlink()
