#!/usr/bin/env bash
# Finding:  x264 makes other pictures of the same frames on a machine with more cores.
# Packages: imageio-ffmpeg==0.8.1
# Expected: Equal frames and equal arguments give equal video.
# Found:    Decoded pictures differ with the number of threads, which ffmpeg takes from the cores (3 threads for 2 cores, 6 for 4)
#           unless it is told; with one number they are equal every time.
# Here:     pipeline/media/encoders.py tells it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet imageio-ffmpeg==0.8.1
venv/bin/python - <<'EOF'
import subprocess
import sys

import imageio_ffmpeg

ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
print("ffmpeg", imageio_ffmpeg.get_ffmpeg_version())


def pictures(threads: int) -> str:
    """MD5 of what is decoded."""
    film = ["-f", "lavfi", "-i", "testsrc2=size=512x512:rate=25:duration=4"]
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-threads", str(threads), "-f", "matroska", "-"]
    video = subprocess.run([ffmpeg, "-v", "error", *film, *coded], check=True, capture_output=True).stdout
    md5 = [ffmpeg, "-v", "error", "-i", "-", "-map", "0:v", "-f", "md5", "-"]
    return subprocess.run(md5, input=video, check=True, capture_output=True).stdout.decode().strip()


found = {threads: pictures(threads) for threads in (1, 3, 6, 12)}
for threads, md5 in found.items():
    print(f"{threads:2} threads: {md5}")
again = pictures(6) == found[6]
print("the same number again:", "equal" if again else "other pictures")
sys.exit(not (again and len(set(found.values())) > 1))
EOF
