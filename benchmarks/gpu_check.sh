#!/usr/bin/env bash
# All that only a machine with an NVIDIA GPU can tell, within eight minutes, as one table; details in OUT/*.log.
#
#     bash benchmarks/gpu_check.sh [OUT]          # OUT: a new folder, gpu_check by default
#     PYTHON=.venv/bin/python bash benchmarks/gpu_check.sh
#
# Needs nvcc, as gsplat compiles its kernels. Exits with 2 where there is no CUDA device, with 1 where a step failed.
set -u
cd "$(dirname "$0")/.." || exit 1
case ${1:-} in -*) sed -n '2,7s/^# \{0,1\}//p' "benchmarks/$(basename "$0")"; exit 2 ;; esac
python=${PYTHON:-python}
out=${1:-gpu_check}
whole=480 # seconds

if ! "$python" -c 'import sys, torch; sys.exit(0 if torch.cuda.is_available() else 2)'; then
  echo "gpu_check: expected a CUDA device that PyTorch can use, found none" >&2
  exit 2
fi
if [ -e "$out" ]; then
  echo "gpu_check: $out: expected a new folder, found one that is there already" >&2
  exit 2
fi
mkdir -p "$out"
rows=()
failed=0

# step NAME SECONDS PATTERN COMMAND...: run it for at most so long; a row is made of the log's lines that match.
step() {
  local name=$1 most=$2 pattern=$3 begin=$SECONDS code left
  shift 3
  left=$((whole - SECONDS))
  if ((left < 5)); then
    rows+=("$name|-|not run, no time left")
    failed=1
    return
  fi
  echo "$name ..." >&2
  timeout "$((most < left ? most : left))" "$@" >"$out/$name.log" 2>&1
  code=$?
  ((code == 0)) || { [ "$name" = fit ] && ((code == 124)); } || failed=1
  while IFS= read -r line; do
    rows+=("$name|$((SECONDS - begin)) s|$line")
  done < <(grep -aE "$pattern" "$out/$name.log" | tail -n 10 || true)
  ((code == 0 || code == 124)) || rows+=("$name|$((SECONDS - begin)) s|exit $code: $(tail -n 1 "$out/$name.log")")
  ((code != 124)) || rows+=("$name|$((SECONDS - begin)) s|ended by the clock")
}

ffmpeg=$("$python" -c 'import shutil, imageio_ffmpeg; print(shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe())')
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | tee "$out/device.log"

step build 150 'ready' "$python" -c '
from emosplat.renderer import open_rasterizer
rasterizer = open_rasterizer("cuda")
rasterizer.warm()
print("gsplat is ready:", rasterizer.reason)'
step tests 100 'passed|failed|skipped|error' "$python" -m pytest -q -p no:cacheprovider -m gpu \
  tests/renderer tests/pipeline/clip/test_cuda_frames.py tests/avatars
step parity 60 'dB' "$python" benchmarks/gpu_parity.py
step speed-512 40 'frames/s|ratio|peak' "$python" benchmarks/gpu.py --size 512x512 --batches 1 4 16 64
step speed-1024 40 'frames/s|ratio|peak' "$python" benchmarks/gpu.py --size 1024x1024 --batches 1 4 16 64
if "$ffmpeg" -hide_banner -encoders 2>/dev/null | grep -q h264_nvenc; then
  step nvenc 20 'fps=' "$ffmpeg" -hide_banner -f lavfi -i testsrc2=size=512x512:rate=25 -frames:v 5000 \
    -c:v h264_nvenc -f null -
else
  rows+=("nvenc|-|$ffmpeg has no h264_nvenc")
fi
step clip 30 'rendered in' "$python" -m emosplat assets/demo/hello.flac -o "$out/clip.mp4" --device cuda
step people 40 'union' "$python" benchmarks/fit.py --make "$out/captured" --size 512 --device cuda
step fit 180 'dB|ms per picture' "$python" -m emosplat avatar fit "$out/captured/union" -o "$out/fitted" \
  --head open --preset quality --device cuda

printf '\n| step | time | found |\n|---|---|---|\n' | tee "$out/table.md"
for row in "${rows[@]}"; do
  printf '| %s |\n' "${row//|/ | }"
done | tee -a "$out/table.md"
exit "$failed"
