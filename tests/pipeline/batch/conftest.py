"""Small folders of synthetic sounds, and an engine that works in this process, which spares the start of workers."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emosplat.pipeline.batch.engines.base import Event
from emosplat.pipeline.batch.items import Item, Rules
from emosplat.pipeline.batch.plan import BatchRequest
from emosplat.pipeline.batch.worker import Worker
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.settings import ClipSettings, read_settings

RATE = 16_000


def write_babble(path: Path, seconds: float, seed: int = 0) -> Path:
    """A buzz that comes and goes like syllables (synthetic)."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * RATE)) / RATE
    pitch = 100 + 40 * rng.random()
    buzz = sum(np.sin(2 * np.pi * pitch * k * times) / k for k in range(1, 20))
    spoken = np.sin(2 * np.pi * (2 + rng.random()) * times) > -0.5
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, (0.1 * buzz * spoken).astype(np.float32), RATE)
    return path


@pytest.fixture(scope="session")
def babble() -> Callable[..., Path]:
    return write_babble


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four clips of 0.4 to 0.7 s."""
    folder = tmp_path_factory.mktemp("clips")
    for i in range(4):
        write_babble(folder / f"clip{i}.wav", 0.4 + 0.1 * i, seed=i)
    return folder


@dataclass
class HereEngine:
    """Runs items in this process, one after the other."""

    loaded: LoadedModels
    workers: int = 1

    def run(self, rules: Rules, place: str, items: Sequence[Item]) -> Generator[Event]:
        worker = Worker(rules, place, loaded=self.loaded)
        try:
            for item in items:
                yield Event("here", item, outcome=worker.run(item))
        finally:
            worker.close()


@pytest.fixture(scope="session")
def here() -> HereEngine:
    return HereEngine(LoadedModels("cpu", threads=2))


@pytest.fixture
def ask() -> Callable[..., BatchRequest]:
    def request(source: Path | str, out: Path | str, **changes: object) -> BatchRequest:
        small: dict[str, object] = {"size": "64x64", "device": "cpu"}
        told = {name: value for name, value in changes.items() if name in ClipSettings.model_fields}
        others = {name: value for name, value in changes.items() if name not in told}
        settings = read_settings(small | told)
        return BatchRequest(str(source), str(out), settings=settings, **others)  # pyright: ignore[reportArgumentType]

    return request


@pytest.fixture(scope="session")
def pictures() -> Callable[[Path], dict[str, list[bytes]]]:
    """All decoded frames of all videos below a folder, by relative name."""

    def decoded(folder: Path) -> dict[str, list[bytes]]:
        import av

        found: dict[str, list[bytes]] = {}
        for path in sorted(folder.rglob("*.mp4")):
            with av.open(str(path)) as container:
                frames = [frame.to_ndarray(format="rgb24").tobytes() for frame in container.decode(video=0)]
            found[path.relative_to(folder).as_posix()] = frames
        return found

    return decoded
