#!/usr/bin/env bash
# Finding:  The same AAC begins 1024 samples later, and is longer, in some containers than in others.
# Packages: imageio-ffmpeg==0.8.1 av==18.1.0 numpy==2.4.6
# Expected: A click at 0.5 s of a recording of 1.0 s is decoded at 0.5 s, and 1.0 s is decoded, whatever the container.
# Found:    .aac and .ts give 1024 samples of the encoder's priming first (64 ms at 16 kHz); .m4a, .mov and .mkv give none, but
#           all give padding at the end, although the .m4a tells its length. .flac is exact.
# Here:     pipeline/media/audio.py counts time from the first sample that is presented and cuts what an .m4a pads.
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

RATE = 16_000
ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
print("ffmpeg", imageio_ffmpeg.get_ffmpeg_version(), "- PyAV", av.__version__)
click = np.zeros(RATE, np.int16)
click[RATE // 2] = 20_000
late, long = {}, {}
for suffix in ("flac", "m4a", "mov", "mkv", "aac", "ts"):
    codec = [] if suffix == "flac" else ["-c:a", "aac"]
    command = [ffmpeg, "-v", "error", "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-", *codec, f"a.{suffix}"]
    subprocess.run(command, input=click.tobytes(), check=True)
    with av.open(f"a.{suffix}") as container:
        stream = container.streams.audio[0]
        samples = np.concatenate([f.to_ndarray().reshape(-1).astype(float) for f in container.decode(stream)])
        told = None if stream.duration is None else float(stream.duration * stream.time_base)
    late[suffix], long[suffix] = int(np.abs(samples).argmax()) - RATE // 2, len(samples) - RATE
    print(f".{suffix:5} click {late[suffix]:5} samples late, {long[suffix]:5} samples too many, length told: {told}")
shifted = late["aac"] == late["ts"] == 1024 and not any(late[s] for s in ("flac", "m4a", "mov", "mkv"))
sys.exit(not (shifted and long["flac"] == 0 and all(long[s] > 0 for s in ("m4a", "mov", "mkv", "aac", "ts"))))
EOF
