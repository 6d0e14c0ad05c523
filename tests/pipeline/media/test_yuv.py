"""The device's RGB to YUV 4:2:0 against the conversion of the ffmpeg that encodes."""

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from emosplat.pipeline.media.outputs import Pixels, video_format
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


@pytest.mark.parametrize("pictures", [noise(), smooth(), edges()], ids=["noise", "smooth", "edges"])
def test_equals_ffmpeg(pictures: np.ndarray) -> None:
    ours = to_yuv420(torch.from_numpy(pictures).float() / 255).numpy().astype(int)
    theirs = by_ffmpeg(pictures)
    assert np.abs(ours - theirs).max() <= 1
    assert np.abs((ours - theirs).mean()) < 0.05  # neither darker nor tinted


def test_black_white_and_what_lies_beyond() -> None:
    for value, luma in ((0.0, 16), (1.0, 235), (-3.0, 16), (7.0, 235)):
        planes = to_yuv420(torch.full((1, 2, 2, 3), value))[0].tolist()
        assert planes == [luma] * 4 + [128, 128]


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_videos_from_planes_have_the_same_colors(tmp_path: Path, suffix: str) -> None:
    pictures = smooth()
    planes = to_yuv420(torch.from_numpy(pictures).float() / 255).numpy()
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
