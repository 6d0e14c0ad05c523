"""Files that several data sets share: folders, vertex arrays in .npy files, and audio."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.pickles import read_pickle
from ...core.errors import InputError

F32 = NDArray[np.float32]

AUDIO_RATE = 16_000  # Hz
MAX_SECONDS = 3600  # of one recording
MAX_FRAMES_BYTES = 4 << 30  # of one recording
# named lists keep playlists, which make FFmpeg open other files, out of its reach
READ_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": "aac,flac,mov,mp3,ogg,wav"}


def require(folder: Path, names: Iterable[str], *, kind: str, source: str) -> None:
    """Raise InputError unless `folder` holds all `names`; `source` says where people get them."""
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        raise InputError(
            f"{folder}: expected {kind}, found no {', '.join(missing)}; get it from {source} (see docs/datasets.md)"
        )


def open_vertices(path: Path, vertices: int) -> NDArray[np.floating[Any]]:
    """Vertex positions [T,V,3] of a .npy file [T,V,3] or [T,3V] with floats, mapped into memory, not read."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected a .npy file of vertex positions, found something else ({error})") from error
    if array.dtype.kind != "f" or array.shape[1:] not in ((vertices, 3), (3 * vertices,)):
        found = f"{array.dtype} {list(array.shape)}"
        raise InputError(f"{path}: expected floats [T, {vertices}, 3] or [T, {3 * vertices}], found {found}")
    return array.reshape(-1, vertices, 3)


def read_vertices(path: Path, vertices: int, *, scale: float = 1.0) -> F32:
    """Vertex positions [T,V,3] of a .npy file as float32, multiplied by `scale`; raises InputError."""
    mapped = open_vertices(path, vertices)
    if 4 * mapped.size > MAX_FRAMES_BYTES:
        raise InputError(f"{path}: expected at most {MAX_FRAMES_BYTES >> 30} GiB of frames, found {len(mapped)} frames")
    return mapped.astype(np.float32) * np.float32(scale)


def read_templates(path: Path, vertices: int, *, scale: float = 1.0) -> dict[str, F32]:
    """Neutral faces [V,3] by subject of a templates.pkl, multiplied by `scale`; raises InputError."""
    found = read_pickle(path)
    if not isinstance(found, dict) or not found:
        raise InputError(f"{path}: expected a dict of neutral faces by subject, found {type(found).__name__}")
    for subject, template in found.items():
        shape = template.shape if isinstance(template, np.ndarray) else type(template).__name__
        if shape != (vertices, 3):
            raise InputError(f"{path}: {subject}: expected a neutral face ({vertices}, 3), found {shape}")
    return {str(subject): template.astype(np.float32) * np.float32(scale) for subject, template in found.items()}


def read_audio(path: Path) -> F32:
    """The sound of a media file as mono 16 kHz [n]; raises InputError."""
    import av
    from av.error import FFmpegError

    blocks: list[F32] = []
    samples = 0
    try:
        with av.open(str(path), options=READ_OPTIONS) as container:
            resampler = av.AudioResampler(format="flt", layout="mono", rate=AUDIO_RATE)
            for frame in chain(container.decode(audio=0), [None]):
                for block in resampler.resample(frame):
                    blocks.append(block.to_ndarray()[0])
                    samples += block.samples
                if samples > MAX_SECONDS * AUDIO_RATE:
                    raise InputError(f"{path}: expected at most {MAX_SECONDS} s of sound, found more")
    except (FFmpegError, IndexError, OSError) as error:
        raise InputError(f"{path}: expected a file with sound, found something else ({error})") from error
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def resampled(samples: NDArray[Any], rate: float, where: str) -> F32:
    """Samples [n] (integers, or floats in -1..1 or of 16 bits) at `rate` Hz as mono 16 kHz."""
    import soxr

    samples = np.asarray(samples)
    if samples.ndim != 1 or samples.dtype.kind not in "fi" or not 8_000 <= rate <= 192_000:
        raise InputError(f"{where}: expected sound [n] at 8 to 192 kHz, found {list(samples.shape)} at {rate} Hz")
    scale = np.iinfo(samples.dtype).max + 1 if samples.dtype.kind == "i" else 1
    if samples.dtype.kind == "f" and len(samples) and np.abs(samples).max() > 1.5:
        scale = 32768  # floats, but not normalised
    return soxr.resample((samples / scale).astype(np.float32), rate, AUDIO_RATE)
