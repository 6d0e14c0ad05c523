"""`emosplat.live`: frames for programs, from sound of any kind, in order, and no server loaded for it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest

import emosplat
from emosplat.core.errors import InputError

BLOCKS = np.random.default_rng(0).uniform(-0.1, 0.1, (60, 160)).astype(np.float32)  # 0.6 s


async def frames_of(source: object, **options: object) -> list:
    return [frame async for frame in emosplat.live(source, **options)]  # pyright: ignore[reportArgumentType]


async def coming() -> AsyncIterator[np.ndarray]:
    for block in BLOCKS:
        await asyncio.sleep(0)
        yield block


def test_blocks_of_any_kind_are_the_same_frames() -> None:
    once = asyncio.run(frames_of(BLOCKS, seed=2))
    assert [frame.index for frame in once] == list(range(18))
    again = asyncio.run(frames_of(iter([BLOCKS.ravel()]), seed=2))
    later = asyncio.run(frames_of(coming(), seed=2))
    for other in (again, later):
        np.testing.assert_array_equal([f.weights for f in other], [f.weights for f in once])


def test_a_file_is_watched_in_real_time(babble: Path) -> None:
    frames = asyncio.run(frames_of(babble, fps=10))
    numbers = [frame.index for frame in frames]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 12


def test_the_face_is_steered() -> None:
    async def watch() -> tuple[float, float]:
        face, smiles = emosplat.live(np.zeros((300, 160), np.float32)), []
        async for frame in face:
            smiles.append(frame.arkit["mouthSmileLeft"])
            if frame.index == 30:
                face.change(emotion={"happy": 1}, look_left=10)
        assert face.latency is not None
        assert face.control.state()["look_left"] == 10
        return smiles[30], smiles[-1]

    before, after = asyncio.run(watch())
    assert after > before + 0.2


def test_who_leaves_early_leaves_nothing_running() -> None:
    async def watch() -> int:
        async for frame in emosplat.live(repeat(np.zeros(160, np.float32))):
            if frame.index == 3:
                return frame.index
        return -1

    assert asyncio.run(watch()) == 3


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ([np.zeros(4, np.int16)], {}, "expected float samples"),
        ([np.zeros((4, 2))], {}, "expected float samples"),
        (BLOCKS, {"rate": 5}, "rate"),
        (BLOCKS, {"emotion": "auto"}, "emotion"),
        (BLOCKS, {"effort": "calm.wav"}, r"effort: calm\.wav: expected auto or a number"),
        (BLOCKS, {"model": "none"}, "motion model"),
        ("nothing.wav", {}, "no such audio file"),
    ],
)
def test_what_is_wrong_is_one_error(source: object, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        asyncio.run(frames_of(source, **options))


@pytest.mark.filterwarnings("error")
def test_what_is_no_number_is_silent() -> None:
    def jaws(blocks: list[np.ndarray]) -> list[float]:
        return [frame.arkit["jawOpen"] for frame in asyncio.run(frames_of(blocks))]

    broken = [block.copy() for block in BLOCKS]
    broken[1][:] = np.nan
    silent = [block.copy() for block in BLOCKS]
    silent[1][:] = 0
    assert jaws(broken) == jaws(silent)


def test_a_wrong_change_changes_nothing() -> None:
    face = emosplat.live(BLOCKS)
    before = face.control.state()
    for wrong in ({"emotion": "no such"}, {"intensity": 2}, {"gaze": 1}, {"emotion": {"hapy": 1}}):
        with pytest.raises(InputError):
            face.change(**wrong)
    assert face.control.state() == before


def test_no_server_is_loaded() -> None:
    told = "import sys; import emosplat.pipeline.live.stream; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split()
    assert not {"starlette", "uvicorn", "sounddevice", "pythonosc", "torch"} & set(loaded)
