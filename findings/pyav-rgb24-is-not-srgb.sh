#!/usr/bin/env bash
# Finding:  PyAV's rgb24 of a film in HLG, which phones make by default, is not what the film shows: it keeps the HLG numbers.
# Packages: av==18.1.0 imageio-ffmpeg==0.8.1 numpy==2.4.6
# Expected: to_ndarray(format="rgb24") of a white wall (graphics white, HLG signal 0.75) is white, 255, or there is a warning.
# Found:    it is the grey 190: matrix and range of BT.2020 are heeded, its transfer curve and primaries are not, without a word.
#           The frame tells its transfer (color_trc 18), so that whoever asks can mend it. Faces come out dark and pale.
# Here:     pipeline/media/hdr.py turns HLG and PQ into sRGB.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet av==18.1.0 imageio-ffmpeg==0.8.1 numpy==2.4.6
venv/bin/python - <<'EOF'
import subprocess
import sys

import av
import imageio_ffmpeg
import numpy as np

wall = np.full((64, 64, 3), round(0.75 * 65535), "<u2")
told = "setparams=color_trc=arib-std-b67:color_primaries=bt2020:colorspace=bt2020nc"
words = "-v error -f rawvideo -pix_fmt rgb48le -s 64x64 -r 25 -i - -vf"
words = [*words.split(), f"scale=out_color_matrix=bt2020:out_range=tv,{told}"]
words += "-pix_fmt yuv420p10le -c:v libx265 -x265-params log-level=none wall.mp4".split()
subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *words], input=wall.tobytes() * 3, check=True)
with av.open("wall.mp4") as film:
    frame = next(film.decode(video=0))
grey = frame.to_ndarray(format="rgb24")[32, 32]
print("av", av.__version__, "- transfer", int(frame.color_trc), "- graphics white as rgb24:", grey)
sys.exit(not (int(frame.color_trc) == 18 and 185 < grey.mean() < 195))
EOF
