#!/usr/bin/env bash
# Finding:  imageio-ffmpeg's writer makes pictures larger, and does not say which YUV matrix it used.
# Packages: imageio-ffmpeg==0.8.1 av==18.1.0 numpy==2.4.6
# Expected: Frames of 100 x 70 make a video of 100 x 70, whose colours every player shows alike.
# Found:    The video is 112 x 80 (macro_block_size=16; a warning is logged), its pixels are converted by BT.601 and its
#           matrix is untagged: a player that takes BT.709 for granted shows another green.
# Here:     pipeline/media/outputs.py converts by BT.709, says so in the file, and refuses odd sizes instead.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet imageio-ffmpeg==0.8.1 av==18.1.0 numpy==2.4.6
venv/bin/python - <<'EOF'
import sys

import av
import imageio_ffmpeg
import numpy as np

UNSPECIFIED = 2  # of the matrices in ISO/IEC 23091-2
print("imageio-ffmpeg", imageio_ffmpeg.__version__, "- PyAV", av.__version__)
green = np.zeros((70, 100, 3), np.uint8)
green[..., 1] = 200
writer = imageio_ffmpeg.write_frames("green.mp4", (100, 70), fps=25)
writer.send(None)
for _ in range(10):
    writer.send(green)
writer.close()
with av.open("green.mp4") as container:
    picture = next(container.decode(video=0))
planes = picture.reformat(format="yuv444p").to_ndarray()  # [3, H, W]: no matrix is applied on this way
luma = int(np.median(planes[0]))
expected = {name: round(16 + 219 * share * 200 / 255) for name, share in (("BT.601", 0.587), ("BT.709", 0.7152))}
print(f"written 100x70, found {picture.width}x{picture.height}")
print(f"matrix {int(picture.colorspace)} ({UNSPECIFIED}: not told)")
print(f"luma of green {luma}; by {expected}")
resized = (picture.width, picture.height) == (112, 80)
sys.exit(not (resized and int(picture.colorspace) == UNSPECIFIED and abs(luma - expected["BT.601"]) <= 2))
EOF
