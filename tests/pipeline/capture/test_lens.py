"""The focal length that files tell."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from emosplat.pipeline.capture.lens import AS_35MM, EXIF, told_focal


def photo(path: Path, focal: int | None) -> Path:
    exif = Image.Exif()
    if focal is not None:
        exif.get_ifd(EXIF)[AS_35MM] = focal
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path, exif=exif)
    return path


def film(path: Path, *words: str) -> Path:
    colour = ("-f", "lavfi", "-i", "color=size=64x48:duration=0.2")
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *colour, *words, str(path)], check=True)
    return path


@pytest.mark.parametrize(("told", "found"), [(26, 26.0), (None, None), (0, None), (5000, None)])
def test_a_photo_tells_its_lens(tmp_path: Path, told: int | None, found: float | None) -> None:
    assert told_focal(photo(tmp_path / "a.jpg", told), photo=True) == found


@pytest.mark.parametrize(("told", "found"), [("24", 24.0), ("many", None), ("-1", None)])
def test_a_film_tells_its_lens(tmp_path: Path, told: str, found: float | None) -> None:
    name = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
    path = film(tmp_path / "a.mov", "-movflags", "use_metadata_tags", "-metadata", f"{name}={told}")
    assert told_focal(path, photo=False) == found


def test_files_that_tell_nothing(tmp_path: Path) -> None:
    assert told_focal(film(tmp_path / "a.mp4"), photo=False) is None
    (tmp_path / "b.mp4").write_bytes(b"no film")
    (tmp_path / "b.jpg").write_bytes(b"no photo")
    assert told_focal(tmp_path / "b.mp4", photo=False) is None
    assert told_focal(tmp_path / "b.jpg", photo=True) is None
