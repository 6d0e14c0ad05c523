"""Films as a corpus: of each the face as motion, what was measured, and the sound, with a line in a manifest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ...avatars.library import builtin_head
from ...blendshapes.data.tracked import AUDIO, FACES, FORMAT, MANIFEST, read_manifest
from ...blendshapes.face_motion_files import save_face_motion
from ...blendshapes.speech.features import RATE
from ...core.errors import InputError
from ...core.npz import save_npz
from ...core.whole_files import whole_file, write_whole
from ..clip.loaded import LoadedModels
from ..clip.sidecar import file_sha256
from ..media.audio import open_audio
from ..settings import DEFAULTS
from .compare import find_offset, listened, mesh_take, performed
from .film import track_film
from .landmarks import POINTS
from .motion import face_motion
from .tracker import Tracker

CURVES = "curves"
LEAST_SOUND = 5.0  # seconds of film from which an offset of its sound is believed
UNSAFE = re.compile(r"[^\w.-]+")


def track_films(
    films: Iterable[Path],
    out: Path,
    tracker: Tracker,
    *,
    report: Callable[[Path, int], None] = lambda _film, _done: None,
) -> Iterator[dict[str, Any] | InputError]:
    """Write every film's `faces/NAME.json`, `curves/NAME.npz` and `audio/NAME.flac` into `out`, and its line into
    `manifest.jsonl`; yields that line, or why a film could not be used, which stops none of the others.

    A film that is in the folder already, by its bytes, is done anew. Raises InputError where the folder holds something
    else.
    """
    lines = {row["id"]: row for row in read_manifest(out)} if (out / MANIFEST).exists() else {}
    for folder in (FACES, CURVES, AUDIO):
        _made(out / folder)
    loaded = LoadedModels()
    for film in films:
        try:
            name = _name(film, lines)
            line = _track(film, name, out, tracker, loaded, lambda done, film=film: report(film, done))
        except InputError as error:
            yield error
            continue
        lines[name] = line
        write_whole(
            out / MANIFEST, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in lines.values()).encode()
        )
        yield line


def _track(
    path: Path, name: str, out: Path, tracker: Tracker, loaded: LoadedModels, report: Callable[[int], None]
) -> dict[str, Any]:
    audio = open_audio(path)
    film = track_film(path, tracker, report=report)
    heard = listened(audio, DEFAULTS)
    ours = mesh_take(performed(path, DEFAULTS, loaded, fps=film.fps), DEFAULTS, loaded, heard)
    offset = find_offset(film.take(heard), ours)
    believed = offset.told and audio.duration >= LEAST_SOUND
    delay = offset.ms / 1000 if believed else 0.0
    motion = face_motion(film, builtin_head(), seconds=audio.duration, delay=delay)
    take = film.take(heard, delay=delay)
    with whole_file(out / FACES / f"{name}.json") as partial:
        save_face_motion(partial, motion)
    arrays = {f"curve_{curve}": values.astype(np.float32) for curve, values in take.curves.items()}
    save_npz(
        out / CURVES / f"{name}.npz",
        arrays
        | {
            "fps": np.array(take.fps),
            "start": np.array(take.start),
            "times": film.times,
            "points": film.points.astype(np.float32),
            "point_numbers": np.array(POINTS, np.int32),
            "weights": film.weights.astype(np.float32),
            "poses": film.poses.astype(np.float32),
            "faces": film.faces.astype(np.int32),
        },
    )
    with whole_file(out / AUDIO / f"{name}.flac", keep_suffix=True) as partial:
        soundfile.write(partial, np.concatenate(list(audio.blocks(rate=RATE))), RATE, subtype="PCM_16", format="FLAC")
    return {
        "format": FORMAT,
        "id": name,
        "file": f"{AUDIO}/{name}.flac",
        "face": f"{FACES}/{name}.json",
        "curves": f"{CURVES}/{name}.npz",
        "speaker": None,
        "text": "",
        "source": path.name,
        "source_sha256": file_sha256(path),
        "fps": film.fps,
        "frames": len(motion),
        "seen": round(float(film.seen.mean()), 4),
        "offset_ms": round(1000 * delay, 1) if believed else None,
        "notes": [*film.warnings, *audio.warnings],
    }


def _name(film: Path, lines: dict[str, dict[str, Any]]) -> str:
    """The film's name, or with a number where another film has it, of another folder say."""
    stem = UNSAFE.sub("_", film.stem).strip(".") or "film"
    name, number = stem, 2
    while name in lines and not _is_of(lines[name], film):
        name, number = f"{stem}-{number}", number + 1
    return name


def _is_of(line: dict[str, Any], film: Path) -> bool:
    """Whether a line of the manifest tells of this film."""
    return line["source"] == film.name and film.is_file() and line.get("source_sha256") == file_sha256(film)


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror})") from error
