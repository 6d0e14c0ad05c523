"""Faults that are real: processes killed at random instants, a full disk, a read-only target.

`EMOSPLAT_KILLS=50 pytest tests/pipeline/batch/test_faults.py` kills more often than the suite does.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emosplat.pipeline.batch.engines.base import Engine
from emosplat.pipeline.batch.plan import BatchRequest
from emosplat.pipeline.batch.run import run_batch
from emosplat.pipeline.media.probe import probe
from emosplat.pipeline.settings import ClipSettings

SMALL = ClipSettings(size=(64, 64), device="cpu")
pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("EMOSPLAT_KILLS", "3"))
CLIPS = max(8, 2 * KILLS)
FIXED = ["--size", "64x64", "--device", "cpu", "--workers", "2", "--json"]

Pictures = Callable[[Path], dict[str, list[bytes]]]


@pytest.fixture(scope="module")
def many(babble: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for i in range(CLIPS):
        babble(folder / f"c{i:03d}.wav", 0.3 + 0.02 * (i % 20), seed=i)
    return folder


@pytest.fixture(scope="module")
def whole(many: Path, here: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The batch without any fault."""
    out = tmp_path_factory.mktemp("whole")
    assert run_batch(BatchRequest(str(many), str(out), settings=SMALL), here).exit_code == 0
    return out


def start(source: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "emosplat", "batch", str(source), "-o", str(out), *FIXED]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def workers_of(pid: int) -> list[int]:
    """Worker processes below a run."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
        return [int(p) for p in children if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]
    except OSError:
        return []


def activity(out: Path) -> set[str]:
    """What shows that a run is at work: claims that come and go, files that appear."""
    return {str(p) for p in [*out.glob("*"), *out.glob(".emosplat-*/*"), *(out / ".emosplat" / "claims").glob("*")]}


def assert_finished_files_are_whole(out: Path) -> int:
    """Every video that its sidecar vouches for holds all of its frames and sound."""
    records = [json.loads(path.read_text()) for path in out.glob("*.mp4.json")]
    for record in records:
        info = probe(out / record["result"]["out"])
        assert info.picture is not None
        assert info.sound is not None
        assert info.picture.frames == record["result"]["frames"]
    return len(records)


def test_killed_at_random_instants(many: Path, whole: Path, tmp_path: Path, pictures: Pictures) -> None:
    chance = random.Random(7)
    killed = {"worker": 0, "run": 0}
    while sum(killed.values()) < KILLS:
        run = start(many, tmp_path)
        before = activity(tmp_path)
        while run.poll() is None and activity(tmp_path) == before:
            time.sleep(0.01)
        while run.poll() is None and sum(killed.values()) < KILLS:
            time.sleep(chance.uniform(0, 0.8))
            workers = workers_of(run.pid)
            if workers and chance.random() < 0.5:
                os.kill(chance.choice(workers), signal.SIGKILL)
                killed["worker"] += 1
            elif run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
                killed["run"] += 1
                break
        run.wait()
        if assert_finished_files_are_whole(tmp_path) == CLIPS:  # too fast: throw some work away
            for path in chance.sample(sorted(tmp_path.glob("*.mp4.json")), CLIPS // 2):
                path.unlink()
    print(f"killed {killed}, {len(list(tmp_path.glob('*.mp4.json')))} of {CLIPS} were done")
    last = start(many, tmp_path)
    report = json.loads(last.communicate(timeout=600)[0])
    assert (last.returncode, report["done"], report["failed"]) == (0, CLIPS, 0)
    assert pictures(tmp_path) == pictures(whole)
    assert (tmp_path / "manifest.csv").read_bytes() == (whole / "manifest.csv").read_bytes()
    assert list(tmp_path.glob(".emosplat-*")) == []
    assert list((tmp_path / ".emosplat" / "claims").iterdir()) == []


@contextmanager
def mounted(point: Path, options: str) -> Iterator[Path]:
    """A file system in memory; skips the test where mounting is not allowed."""
    point.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(point)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=True)


def test_a_full_disk(many: Path, whole: Path, tmp_path: Path, pictures: Pictures) -> None:
    with mounted(tmp_path / "small", "size=100k") as small:
        run = start(many, small)
        _, errors = run.communicate(timeout=300)
        assert run.returncode in (1, 2)
        assert "Traceback" not in errors
        assert assert_finished_files_are_whole(small) < CLIPS
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        run = start(many, small)
        run.communicate(timeout=300)
        assert run.returncode == 0
        assert pictures(small) == pictures(whole)


def test_a_read_only_target(many: Path, tmp_path: Path) -> None:
    with mounted(tmp_path / "sealed", "ro,size=1m") as sealed:
        run = start(many, sealed)
        _, errors = run.communicate(timeout=300)
        assert run.returncode == 2
        assert errors.count("\n") == 1
        assert "cannot be written" in errors
