"""What a batch will cost, measured on a piece of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from ...core.errors import InputError
from ..clip.loaded import LoadedModels
from ..clip.render import make_clip
from ..clip.source import open_source
from .items import Item, Rules
from .remote import local_copy

TRIAL = 1.0  # seconds of video that are rendered to measure speed and size
SAMPLES = 200  # recordings whose length is looked up
TRIES = 3  # recordings that may turn out to be bad


@dataclass(frozen=True)
class Estimate:
    """Sums over all items; the last two are None where no recording could be rendered for a trial."""

    minutes: float  # of video
    seconds: float | None  # that one worker needs
    bytes: float | None


def estimate(items: Sequence[Item], rules: Rules) -> Estimate:
    """Look up lengths, all or a sample of them, and render a second of one item; nothing is kept."""
    step = max(1, ceil(len(items) / SAMPLES))
    sample = {item.audio: item for item in items[::step]}
    lengths = {audio: seconds for audio in sample if (seconds := _length(audio)) is not None}
    if not lengths:
        return Estimate(0.0, *((None, None) if items else (0.0, 0.0)))
    minutes = sum(lengths.values()) / len(lengths) * len(items) / 60
    by_length = sorted((sample[a] for a in lengths), key=lambda item: lengths[item.audio])
    middle = len(by_length) // 2
    for item in [*by_length[middle:], *by_length[:middle]][:TRIES]:
        with suppress(InputError):
            speed, size = _trial(item, rules)
            return Estimate(minutes, 60 * minutes * speed, 60 * minutes * size)
    return Estimate(minutes, None, None)


def _length(audio: str) -> float | None:
    """Seconds by the header of a local recording; None where that cannot be read. What is far away is read whole."""
    import av
    from av.error import FFmpegError

    try:
        with local_copy(audio) as path, av.open(f"file:{path.absolute()}", metadata_errors="ignore") as container:
            return None if container.duration is None else container.duration / 1e6
    except (FFmpegError, OSError, InputError):
        return None


def _trial(item: Item, rules: Rules) -> tuple[float, float]:
    """Seconds of work and bytes per second of video, of one worker."""
    loaded = LoadedModels(rules.device, threads=1)
    with tempfile.TemporaryDirectory() as folder, local_copy(item.audio) as audio:
        out = Path(folder) / f"trial{Path(item.out).suffix}"
        request = item.request(replace(rules, max_duration=TRIAL - 1), audio=audio, track=None, out=out)
        request = replace(request, overwrite=True)
        make_clip(request, open_source(request, loaded), loaded)  # loads models and compiles
        began = time.perf_counter()
        record = make_clip(request, open_source(request, loaded), loaded)
        spent, seconds = time.perf_counter() - began, record["result"]["duration_s"]
        return spent / seconds, out.stat().st_size / seconds
