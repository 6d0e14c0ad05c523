#!/usr/bin/env bash
# Finding:  FFmpeg's VP9 decoder, which programs get unless they name libvpx's, drops the alpha of a transparent .webm.
# Packages: imageio-ffmpeg==0.8.1 av==18.1.0 numpy==2.4.6
# Expected: Pixels that were written transparent are transparent when the file is read as RGBA.
# Found:    Alpha is 255 everywhere, in imageio-ffmpeg and in PyAV; only `-c:v libvpx-vp9` before `-i` brings it back.
# Here:     tests/pipeline/media/test_video.py reads our transparent .webm with libvpx's decoder.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet imageio-ffmpeg==0.8.1 av==18.1.0 numpy==2.4.6
venv/bin/python - <<'EOF'
import subprocess
import sys

import av
import imageio_ffmpeg
import numpy as np

ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
print("ffmpeg", imageio_ffmpeg.get_ffmpeg_version(), "- PyAV", av.__version__)

frames = np.zeros((8, 64, 64, 4), np.uint8)
frames[..., 0] = 255  # red all over,
frames[:, 16:48, 16:48, 3] = 255  # opaque in the middle only
raw = ["-f", "rawvideo", "-pix_fmt", "rgba"]
encode = ["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "a.webm"]
subprocess.run(
    [ffmpeg, "-v", "error", *raw, "-s", "64x64", "-r", "25", "-i", "-", *encode], input=frames.tobytes(), check=True
)


def corner(*decoder):
    """Alpha of the first pixel, as ffmpeg reads it."""
    command = [ffmpeg, "-v", "error", *decoder, "-i", "a.webm", *raw, "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout[3]


usual, named = corner(), corner("-c:v", "libvpx-vp9")
reader = imageio_ffmpeg.read_frames("a.webm", pix_fmt="rgba", bits_per_pixel=32)
next(reader)
read = next(reader)[3]
reader.close()
with av.open("a.webm") as container:
    picture = next(container.decode(video=0))
    decoded = int(picture.to_ndarray(format="rgba")[0, 0, 3])
print(f"alpha of a transparent pixel: ffmpeg {usual}, imageio-ffmpeg {read}, PyAV {decoded} ({picture.format.name});")
print(f"with -c:v libvpx-vp9: {named}")
sys.exit(not (usual == read == decoded == 255 and named == 0))
EOF
