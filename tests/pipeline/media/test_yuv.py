"""RGB to YUV 4:2:0, on the processor and on a device, against the conversion of the ffmpeg that encodes."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.pipeline.media.outputs import Pixels, video_format
from emosplat.pipeline.media.planes import planes_of
from emosplat.pipeline.media.probe import probe
from emosplat.pipeline.media.video import VideoWriter

torch = pytest.importorskip("torch")

from emosplat.pipeline.media.yuv import to_yuv420  # noqa: E402

HEIGHT, WIDTH = 50, 64


def by_ffmpeg(pictures: np.ndarray) -> np.ndarray:
    """Planes [T, H W 3/2], converted by the very filter of our mp4 files."""
    import imageio_ffmpeg

    mp4 = video_format("o.mp4")
    arguments = mp4.video("rgb24")
    filters = arguments[arguments.index("-vf") + 1]
    _, height, width, _ = pictures.shape
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-video_size", f"{width}x{height}", "-i", "pipe:0", "-vf", filters, "-f", "rawvideo", "pipe:1"]
    planes = subprocess.run(command, input=pictures.tobytes(), capture_output=True, check=True).stdout
    return np.frombuffer(planes, np.uint8).reshape(len(pictures), -1)


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, HEIGHT, WIDTH, 3)).astype(np.uint8)


def smooth() -> np.ndarray:
    return np.stack([cv2.GaussianBlur(picture, (0, 0), 2) for picture in noise()])


def edges() -> np.ndarray:
    """Saturated halves: chroma in the wrong place would show."""
    pictures = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    pictures[0, :, : WIDTH // 2 + 1, 0] = 255
    pictures[1, : HEIGHT // 2, :, 2] = 255
    return pictures


def on_a_device(pictures: np.ndarray) -> np.ndarray:
    return to_yuv420(torch.from_numpy(pictures).float() / 255).numpy()


def on_the_processor(pictures: np.ndarray) -> np.ndarray:
    return np.stack([planes_of(picture) for picture in pictures])


@pytest.mark.parametrize("convert", [on_a_device, on_the_processor])
@pytest.mark.parametrize("pictures", [noise(), smooth(), edges()], ids=["noise", "smooth", "edges"])
def test_equals_ffmpeg(pictures: np.ndarray, convert: Callable[[np.ndarray], np.ndarray]) -> None:
    ours = convert(pictures).astype(int)
    theirs = by_ffmpeg(pictures)
    assert np.abs(ours - theirs).max() <= 1
    assert np.abs((ours - theirs).mean()) < 0.05  # neither darker nor tinted


def test_black_white_and_what_lies_beyond() -> None:
    for value, luma in ((0.0, 16), (1.0, 235), (-3.0, 16), (7.0, 235)):
        planes = to_yuv420(torch.full((1, 2, 2, 3), value))[0].tolist()
        assert planes == [luma] * 4 + [128, 128]


@given(st.integers(1, 70), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_both_are_alike_at_any_size(half_width: int, half_height: int, seed: int) -> None:
    shape = (1, 2 * half_height, 2 * half_width, 3)
    pictures = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    difference = np.abs(on_the_processor(pictures).astype(int) - on_a_device(pictures))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize(("name", "transparent", "pixels"), [
    ("o.mp4", False, "yuv420p"), ("o.webm", True, "rgba"), ("o.mov", False, "rgb24"), ("frames", False, "rgb24"),
])  # fmt: skip
def test_pixels_that_each_target_gets(name: str, transparent: bool, pixels: Pixels) -> None:
    assert video_format(name).pixels(transparent=transparent) == pixels


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_videos_from_planes_have_the_same_colors(tmp_path: Path, suffix: str) -> None:
    pictures = smooth()
    planes = on_the_processor(pictures)
    kinds: dict[Pixels, np.ndarray] = {"rgb24": pictures, "yuv420p": planes}
    for pixels, frames in kinds.items():
        target = tmp_path / f"{pixels}{suffix}"
        with VideoWriter(target, width=WIDTH, height=HEIGHT, fps=25, pixels=pixels) as writer:
            for frame in frames:
                writer.write(frame)
    from_rgb, from_planes = (probe(tmp_path / f"{pixels}{suffix}").picture for pixels in kinds)
    assert from_rgb is not None
    assert from_rgb == from_planes  # codec, pixels, colour tags
    difference = np.subtract(*(decoded(tmp_path / f"{pixels}{suffix}") for pixels in kinds))
    assert np.abs(difference).mean() < 2  # of two lossy encodings
    assert np.abs(difference.mean(axis=(0, 1, 2))).max() < 0.5  # neither darker nor tinted


def test_planes_of_the_wrong_size_are_refused(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "o.mp4", width=WIDTH, height=HEIGHT, fps=25, pixels="yuv420p") as writer:
        with pytest.raises(ValueError, match="expected uint8"):
            writer.write(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        writer.write(np.zeros(HEIGHT * WIDTH * 3 // 2, np.uint8))


def decoded(path: Path) -> np.ndarray:
    """RGB [T, H, W, 3], converted by the file's own colour tags."""
    import av

    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)]).astype(int)
