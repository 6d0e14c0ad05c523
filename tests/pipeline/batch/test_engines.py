"""Real worker processes, Ray actors and Slurm's launcher: equal results, and nothing lost when they are killed."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from emosplat.core.errors import InputError
from emosplat.pipeline.batch.engines import open_engine
from emosplat.pipeline.batch.engines.base import Agenda, Engine, Event
from emosplat.pipeline.batch.engines.local import LocalEngine, local_engine
from emosplat.pipeline.batch.items import Item
from emosplat.pipeline.batch.plan import BatchRequest
from emosplat.pipeline.batch.run import BatchResult, run_batch
from emosplat.pipeline.settings import ClipSettings

SMALL = ClipSettings(size=(64, 64), device="cpu")
pytestmark = pytest.mark.slow

Ask = Callable[..., BatchRequest]
Pictures = Callable[[Path], dict[str, list[bytes]]]

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the extra [ray] is not installed")
needs_submitit = pytest.mark.skipif(
    importlib.util.find_spec("submitit") is None, reason="the extra [slurm] is not installed"
)


@pytest.fixture(scope="module")
def whole(clips: Path, here: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The batch as it must be, made in one piece."""
    out = tmp_path_factory.mktemp("whole")
    assert run_batch(BatchRequest(str(clips), str(out), settings=SMALL), here).exit_code == 0
    return out


def assert_same(out: Path, whole: Path, pictures: Pictures) -> None:
    assert pictures(out) == pictures(whole)
    assert (out / "manifest.csv").read_bytes() == (whole / "manifest.csv").read_bytes()
    assert list(out.glob(".emosplat-*")) == []
    assert list((out / ".emosplat" / "claims").iterdir()) == []


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def below(pid: int) -> list[int]:
    """All processes that descend from `pid`."""
    return [process for child in children(pid) for process in (child, *below(child))]


def all_done(result: BatchResult) -> int:
    """Items that are there, also those whose worker was killed after the last rename and before it could say so."""
    return result.rendered + result.found


def is_worker(pid: int) -> bool:
    return b"spawn_main" in read(Path(f"/proc/{pid}/cmdline"))


def test_two_local_workers(clips: Path, whole: Path, tmp_path: Path, ask: Ask, pictures: Pictures) -> None:
    events: list[Event] = []
    result = run_batch(ask(clips, tmp_path), LocalEngine(2), watch=events.append)
    assert (result.rendered, result.exit_code) == (4, 0)
    assert {event.worker for event in events} == {"worker 1", "worker 2"}
    assert_same(tmp_path, whole, pictures)


def test_a_killed_worker_loses_only_its_item(
    clips: Path, whole: Path, tmp_path: Path, ask: Ask, pictures: Pictures
) -> None:
    killed: list[int] = []

    def watch(event: Event) -> None:
        if event.outcome is not None and not killed:
            killed.append(next(pid for pid in children(os.getpid()) if is_worker(pid)))
            os.kill(killed[0], signal.SIGKILL)

    result = run_batch(ask(clips, tmp_path), LocalEngine(1), watch=watch)
    assert killed
    assert (all_done(result), result.exit_code) == (4, 0)
    assert_same(tmp_path, whole, pictures)


def test_an_item_that_kills_its_workers_is_reported(clips: Path, tmp_path: Path, ask: Ask) -> None:
    """A thread kills whichever worker holds the claim of one item, as the system does when memory runs out."""
    request = ask(clips, tmp_path)
    done = threading.Event()

    def murder() -> None:
        while not done.wait(0.005):
            for pid in children(os.getpid()):
                if is_worker(pid) and any(b"clip2.wav" in read(f) for f in open_files(pid)):
                    with suppress(ProcessLookupError):  # it had ended meanwhile
                        os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=murder)
    thread.start()
    try:
        result = run_batch(request, LocalEngine(1))
    finally:
        done.set()
        thread.join()
    assert [failure.item.id for failure in result.failures] == ["clip2"]
    assert "ended twice" in result.failures[0].reason
    assert "SIGKILL" in result.failures[0].reason
    assert all_done(result) == 3
    assert run_batch(request, LocalEngine(1)).exit_code == 0  # it was not the clip's own fault


def open_files(pid: int) -> list[Path]:
    """The command lines of a worker's encoders name the sound that they read."""
    return [Path(f"/proc/{child}/cmdline") for child in children(pid)]


def read(path: Path) -> bytes:
    """A file's bytes; nothing when its process has ended meanwhile."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def command(source: Path, out: Path, *options: str) -> list[str]:
    fixed = ["--size", "64x64", "--device", "cpu", "--quiet", "--workers", "2"]
    return [sys.executable, "-m", "emosplat", "batch", str(source), "-o", str(out), *fixed, *options]


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_the_whole_run_is_ended_and_started_again(
    clips: Path, whole: Path, tmp_path: Path, pictures: Pictures, stop: signal.Signals
) -> None:
    process = subprocess.Popen(command(clips, tmp_path), start_new_session=True, stderr=subprocess.PIPE)
    wait_for(lambda: list(tmp_path.glob("*.mp4.json")) or list(tmp_path.glob(".emosplat-*")))
    if stop == signal.SIGKILL:
        os.killpg(process.pid, stop)
    else:
        process.send_signal(stop)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (-9 if stop == signal.SIGKILL else 130)
    assert b"Traceback" not in errors
    if stop != signal.SIGKILL:
        assert b"start again" in errors
        assert list(tmp_path.glob(".emosplat-*")) == []
    assert subprocess.run(command(clips, tmp_path), check=False).returncode == 0
    assert_same(tmp_path, whole, pictures)


def test_two_runs_share_a_folder(clips: Path, whole: Path, tmp_path: Path, pictures: Pictures) -> None:
    runs = [
        subprocess.Popen([*command(clips, tmp_path), "--json"], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    import json

    reports = [json.loads(run.communicate(timeout=120)[0]) for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sum(report["rendered"] for report in reports) == 4  # nothing twice
    assert_same(tmp_path, whole, pictures)


@needs_ray
def test_ray_with_two_workers(clips: Path, whole: Path, tmp_path: Path, ask: Ask, pictures: Pictures) -> None:
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        engine = open_engine("ray", device="cpu", workers=2, address=None)
        events: list[Event] = []
        result = run_batch(ask(clips, tmp_path), engine, watch=events.append)
        assert (result.rendered, result.exit_code) == (4, 0)
        assert {event.worker for event in events} == {"actor 1", "actor 2"}
        assert_same(tmp_path, whole, pictures)
    finally:
        ray.shutdown()


@needs_ray
def test_a_machine_of_ray_vanishes(clips: Path, whole: Path, tmp_path: Path, ask: Ask, pictures: Pictures) -> None:
    """An actor that is killed, as with its machine, costs no clip."""
    import ray

    victims: list[int] = []

    def watch(event: Event) -> None:
        if not victims:
            victims.extend(p for p in below(os.getpid()) if b"ray::RayWorker" in read(Path(f"/proc/{p}/cmdline")))
            os.kill(victims[0], signal.SIGKILL)

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        engine = open_engine("ray", device="cpu", workers=1, address=None)
        result = run_batch(ask(clips, tmp_path), engine, watch=watch)
        assert len(victims) == 1
        assert result.whole is not None
        assert (result.whole.done, result.exit_code) == (4, 0)
        assert_same(tmp_path, whole, pictures)
    finally:
        ray.shutdown()


@needs_ray
def test_ray_is_killed_and_resumed(clips: Path, whole: Path, tmp_path: Path, pictures: Pictures) -> None:
    process = subprocess.Popen(command(clips, tmp_path, "--engine", "ray"), start_new_session=True)
    wait_for(lambda: list(tmp_path.glob("*.mp4.json")) or list(tmp_path.glob(".emosplat-*")), seconds=120)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert subprocess.run(command(clips, tmp_path, "--engine", "ray"), check=False).returncode == 0
    assert_same(tmp_path, whole, pictures)


@needs_submitit
def test_slurm_launches_shards(clips: Path, whole: Path, tmp_path: Path, ask: Ask, pictures: Pictures) -> None:
    """submitit's local executor stands in for Slurm: the same pickled function, in processes of their own."""
    from emosplat.pipeline.batch.engines.slurm import submit_shards

    jobs = submit_shards(ask(clips, tmp_path), shards=2, parameters="cluster=local timeout_min=5", workers=1)
    assert [job.result() for job in jobs] == [0, 0]
    assert_same(tmp_path, whole, pictures)


@needs_submitit
@pytest.mark.parametrize("parameters", ["partition", "nonsense=1", "cluster=mars", "2x=3"])
def test_wrong_slurm_parameters(clips: Path, tmp_path: Path, ask: Ask, parameters: str) -> None:
    from emosplat.pipeline.batch.engines.slurm import submit_shards

    with pytest.raises(InputError, match="--slurm"):
        submit_shards(ask(clips, tmp_path), shards=2, parameters=parameters, workers=1)


def test_wrong_engines() -> None:
    with pytest.raises(InputError, match="--engine"):
        open_engine("dask", device="cpu", workers=None, address=None)
    with pytest.raises(InputError, match="--workers"):
        open_engine("local", device="cpu", workers=0, address=None)


def test_local_workers_fit_the_machine() -> None:
    engine = local_engine("cpu", None)
    assert 1 <= engine.workers <= len(os.sched_getaffinity(0))
    assert local_engine("cpu", 7).workers == 7


def test_the_agenda_tries_suspects_alone_and_once() -> None:
    items = [Item(f"i{n}", "a.wav", f"i{n}.mp4") for n in range(3)]
    now = [0.0]
    agenda = Agenda(items, clock=lambda: now[0])
    first, second = agenda.next(), agenda.next()
    assert first is not None
    assert second is not None
    assert agenda.died(first)
    assert agenda.died(second)
    assert agenda.next() == items[2]
    assert agenda.next() is None
    assert agenda.next_suspect() == first
    assert not agenda.died(first)
    agenda.wait(items[2])
    assert agenda.next() is None
    now[0] = 10.0
    assert agenda.next() == items[2]
    assert len(agenda) == 1
