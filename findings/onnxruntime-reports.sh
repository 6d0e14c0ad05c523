#!/usr/bin/env bash
# Finding:  onnxruntime keeps an identifier of the machine and a queue of events for its maker, on Linux as well.
# Packages: onnxruntime==1.32.0 swift-f0==0.3.0 numpy==2.4.6
# Expected: a library that runs a network on the processor writes nothing to the home folder and reports to nobody.
# Found:    The first session makes ~/.cache/Microsoft/DeveloperTools/.onnxruntime with `deviceid` and `onnxruntime.db`; the
#           library names https://mobile.events.data.microsoft.com/OneCollector/1.0/ as where events go.
# Here:     blendshapes/singing/song.py sets ORT_DISABLE_TELEMETRY=1 before it is imported, unless you have set it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet onnxruntime==1.32.0 swift-f0==0.3.0 numpy==2.4.6
mkdir usual quiet
HOME="$work/usual" venv/bin/python -c "import swift_f0; swift_f0.SwiftF0()"
HOME="$work/quiet" ORT_DISABLE_TELEMETRY=1 venv/bin/python -c "import swift_f0; swift_f0.SwiftF0()"
echo "usually: $(cd usual && find . -type f | sort | paste -sd' ')"
echo "with ORT_DISABLE_TELEMETRY=1: $(cd quiet && find . -type f | paste -sd' ')"
test -f usual/.cache/Microsoft/DeveloperTools/.onnxruntime/deviceid
test -z "$(find quiet -type f)"
grep -qa "mobile.events.data.microsoft.com" venv/lib/python3*/site-packages/onnxruntime/capi/*.so
echo "as found"
