"""HLG and PQ become the sRGB that was filmed."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.pipeline.media.film import pictures
from emosplat.pipeline.media.hdr import HLG, PEAK, PQ, WHITE, standard

F64 = NDArray[np.float64]
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])  # ITU-R BT.2087
PATCHES = np.array([[0.8, 0.3, 0.2], [0.1, 0.4, 0.8], [0.5, 0.5, 0.5], [0.85, 0.65, 0.55], [0.0, 0.0, 0.0]])


def signal(srgb: F64, transfer: int) -> F64:
    """sRGB [n, 3] 0..1 as a camera writes it, 0..1, by the forward formulas of ITU-R BT.2100."""
    light = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4) @ TO_2020.T * WHITE
    if transfer == PQ:
        y = (light / 10_000) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375
    luminance = np.maximum(light @ [0.2627, 0.6780, 0.0593], 1e-9)[:, None] / PEAK
    scene = light / PEAK * luminance ** (1 / 1.2 - 1)
    linear = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * np.maximum(scene, 0)), linear)


@pytest.mark.parametrize("transfer", [HLG, PQ])
def test_what_was_filmed_comes_back(transfer: int) -> None:
    found = standard((signal(PATCHES, transfer) * 65535).round().astype(np.uint16), transfer)
    assert found / 255 == pytest.approx(PATCHES, abs=0.012)


@pytest.mark.parametrize("transfer", [HLG, PQ])
@given(st.lists(st.integers(0, 65535), min_size=2, max_size=9))
def test_more_light_is_never_darker(transfer: int, levels: list[int]) -> None:
    greys = np.repeat(np.sort(np.array(levels, np.uint16))[:, None], 3, axis=1)
    assert (np.diff(standard(greys, transfer).astype(int), axis=0) >= 0).all()


def test_a_film_in_hlg_has_the_colours_that_it_shows(tmp_path: Path) -> None:
    raw = np.repeat(np.repeat((signal(PATCHES, HLG) * 65535).round().astype("<u2")[None], 64, 0), 64, 1)
    told = "color_trc=arib-std-b67:color_primaries=bt2020:colorspace=bt2020nc"
    layout = f"scale=out_color_matrix=bt2020:out_range=tv,setparams={told}"
    words = f"-v error -f rawvideo -pix_fmt rgb48le -s 320x64 -r 25 -i - -vf {layout} -pix_fmt yuv420p10le"
    words += f" -c:v libx265 -x265-params log-level=none {tmp_path}/phone.mp4"
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *words.split()], input=raw.tobytes() * 3, check=True)
    pixels = next(pictures(tmp_path / "phone.mp4")).pixels
    assert pixels[32, 32::64] / 255 == pytest.approx(PATCHES, abs=0.025)
