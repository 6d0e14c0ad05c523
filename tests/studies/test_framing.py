"""Other systems' pictures in the study's frame: bars go, margins are the background, heads stay."""

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.core.errors import InputError
from emosplat.studies.conditions import Condition, Look
from emosplat.studies.framing import BLURRED, Crop, between_bars, fitted, sampled, shown_part
from emosplat.studies.masters import check_external, master_frames
from emosplat.studies.stimuli import Showing

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


def scene(seed: int, *, height: int = 60, width: int = 80, wall: int = 120) -> np.ndarray:
    """A round head in front of a plain wall, [3, H, W, 3]."""
    y, x = np.mgrid[:height, :width]
    rng = np.random.default_rng(seed)
    frames = np.full((3, height, width, 3), wall, np.uint8)
    for n in range(3):
        frames[n][(x - width / 2 - n) ** 2 + (y - height / 2) ** 2 < (0.4 * height) ** 2] = rng.integers(0, 255, 3)
    return frames


@settings(max_examples=60)
@given(
    across=st.integers(0, 20), down=st.integers(0, 20), colour=COLOURS, seed=st.integers(0, 99), noise=st.integers(0, 4)
)
def test_bars_are_found_to_the_pixel(
    across: int, down: int, colour: tuple[int, int, int], seed: int, noise: int
) -> None:
    picture = scene(seed)
    if np.abs(np.subtract(colour, picture[0, 0, 0].astype(int))).max() < 40:
        return  # bars of the wall's own colour are part of it
    framed = np.empty((3, 60 + 2 * down, 80 + 2 * across, 3), np.uint8)
    framed[:] = colour
    framed[:, down : down + 60, across : across + 80] = picture
    shaken = framed.astype(int) + np.random.default_rng(seed).integers(-noise, noise + 1, framed.shape)
    crop = between_bars(np.clip(shaken, 0, 255).astype(np.uint8))
    edges = (across + BLURRED if across else 0, down + BLURRED if down else 0)
    assert crop == Crop(*edges, 80 + 2 * across - 2 * edges[0], 60 + 2 * down - 2 * edges[1])


@given(seed=st.integers(0, 99), wall=st.integers(0, 255))
def test_a_plain_wall_is_no_bar(seed: int, wall: int) -> None:
    assert between_bars(scene(seed, wall=wall)) == Crop(0, 0, 80, 60)
    assert between_bars(np.full((3, 60, 80, 3), wall, np.uint8)) == Crop(0, 0, 80, 60)


@given(st.tuples(*[st.integers(1, 4000)] * 2), st.tuples(*[st.integers(16, 1000)] * 2), st.booleans())
def test_pictures_keep_their_shape(theirs: tuple[int, int], size: tuple[int, int], fill: bool) -> None:
    width, height = fitted(theirs, size, fill=fill)
    within, covers = width <= size[0] and height <= size[1], width >= size[0] and height >= size[1]
    assert covers if fill else within
    assert width == size[0] or height == size[1]
    assert abs(width * theirs[1] - height * theirs[0]) <= max(theirs)  # half a pixel


def video(path: Path, *filters: str, size: str = "120x80", seconds: float = 1.0) -> Path:
    """A grey picture with a red square at its centre."""
    drawn = [f"color=0x808080:s={size}:r=25:d={seconds}", "drawbox=x=(iw-20)/2:y=(ih-20)/2:w=20:h=20:color=red:t=fill"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "lavfi", "-i", ",".join([*drawn, *filters])]
    subprocess.run([*command, "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv444p", str(path)], check=True)
    return path


def shown(folder: Path, **condition: Any) -> np.ndarray:
    study: Any = SimpleNamespace(
        conditions={"theirs": Condition(videos="{clip}.mp4", **condition)},
        stimuli=Look(size=(64, 64), fps=25, lead=0.4, background="#202020"),
    )
    blank = np.full((64, 64, 3), 32, np.uint8)
    showing = Showing("clip", "theirs")
    check_external(study, [showing], folder, {"clip": 1.0})
    return np.stack(list(master_frames(showing, study, folder, folder, frames=40, speech=1.0, blank=blank)))


@pytest.mark.parametrize("bars", ["pad=120:120:0:20:black", "pad=200:80:40:0:white", "null"])
def test_nothing_tells_others_videos_from_ours(tmp_path: Path, bars: str) -> None:
    video(tmp_path / "clip.mp4", bars)
    frames = shown(tmp_path)
    assert frames.shape == (40, 64, 64, 3)
    assert np.abs(frames[:, [0, -1]].astype(int) - 128).max() < 12
    assert np.abs(frames[:, :, [0, -1]].astype(int) - 128).max() < 12
    assert frames[0, 32, 32, 0] > 150 > frames[0, 32, 32, 1]


def test_margins_are_of_the_background(tmp_path: Path) -> None:
    video(tmp_path / "clip.mp4")
    frames = shown(tmp_path, fit="pad")
    assert (frames[:, :10] == 32).all()
    assert (frames[:, -10:] == 32).all()
    assert np.abs(frames[:, 14:50, :10].astype(int) - 128).max() < 12


def test_a_part_and_a_stretch_can_be_told(tmp_path: Path) -> None:
    video(tmp_path / "clip.mp4", "fade=t=in:st=0.8:d=0.04:color=blue", seconds=2.2)
    frames = shown(tmp_path, crop=[50, 30, 20, 20], start=1.0)  # the square alone, after the fade
    assert frames[..., 0].min() > 200
    assert frames[..., 2].max() < 60
    with pytest.raises(InputError, match=r"crop: expected a part of 120x80 pixels, found \[110, 0, 20, 20\]"):
        shown(tmp_path, crop=[110, 0, 20, 20], start=1.0)
    with pytest.raises(InputError, match=r"expected 1.00 s like its clip from 1.5 s on, found 0.70 s"):
        shown(tmp_path, start=1.5)
    with pytest.raises(InputError, match="start says where it begins"):
        shown(tmp_path)


def test_turned_and_stretched_pictures_are_seen_as_players_show_them(tmp_path: Path) -> None:
    video(tmp_path / "clip.mp4", "setsar=1/2")
    assert next(sampled(tmp_path / "clip.mp4")).shape == (80, 60, 3)
    (tmp_path / "none.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match="nothing that can be decoded"):
        shown_part(tmp_path / "none.mp4", Condition(videos="{clip}.mp4"))


@pytest.mark.parametrize("wrong", [{"avatar": "person1"}, {"crop": [0, 0, 5, 5]}, {"fit": "stretch"}, {"start": -1}])
def test_what_others_videos_cannot_have(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no other field|greater than|Input should be"):
        Condition(videos="{clip}.mp4", **wrong)
    with pytest.raises(ValueError, match="belong to a condition with videos"):
        Condition(fit="pad")
