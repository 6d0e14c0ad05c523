"""Several performances of one clip, each of another seed, with a picture by which a person chooses."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.errors import InputError
from ...core.whole_files import check_free
from ..avatar.portraits import U8, titled, write_picture, written
from ..media.outputs import PATTERN, VideoFormat, output_format
from ..settings import read_settings
from .loaded import LoadedModels
from .render import ClipProgress, Report, make_clip
from .request import ClipRequest
from .sidecar import check_output, sidecar_path, write_sidecar
from .source import motion_of_file, open_source
from .thumbnails import motion_thumbnails, spread, video_thumbnails

MOST = 64
SHOWN = 8  # frames of each take in the picture


def take_path(out: Path, take: int) -> Path:
    """Where a take of `out` lies.

    >>> take_path(Path("talk.mp4"), 2).name
    'talk-take2.mp4'
    """
    return out.with_name(f"{out.stem}-take{take}{out.suffix}")


def sheet_path(out: Path) -> Path:
    """Where the picture of all takes lies."""
    return out.with_name(f"{out.stem}-takes.png")


def render_takes(
    request: ClipRequest, count: int, *, report: Report = lambda _: None, loaded: LoadedModels | None = None
) -> list[dict[str, Any]]:
    """Make `count` takes with seeds from the request's on, each with its record, and the picture.

    Returns the records without their curves, which are on disk.

    All of them appear, or none. Raises InputError for anything wrong with the request or its files.
    """
    if not 1 <= count <= MOST:
        raise InputError(f"--takes {count}: expected 1 to {MOST}")
    out, settings = request.out, request.settings
    if PATTERN.fullmatch(out.name):
        raise InputError(f"--takes: expected the name of a file or folder, found the pattern {out}")
    loaded = loaded or LoadedModels(settings.device)
    finals = [take_path(out, take) for take in range(1, count + 1)]
    for path in finals:
        check_output(path, overwrite=request.overwrite)
    check_free(sheet_path(out), overwrite=request.overwrite)
    all_settings = [read_settings({"seed": settings.seed + i}, base=settings) for i in range(count)]
    with tempfile.TemporaryDirectory(prefix=".emosplat-", dir=out.absolute().parent) as folder:
        staged = [Path(folder, path.name) for path in finals]
        takes = [
            replace(request, out=path, settings=own, overwrite=False)
            for path, own in zip(staged, all_settings, strict=True)
        ]
        records = [
            _made(take, final, i, count, loaded, report)
            for i, (take, final) in enumerate(zip(takes, finals, strict=True), start=1)
        ]
        write_picture(Path(folder, sheet_path(out).name), _sheet(takes, records, loaded))
        _publish(Path(folder), [*staged, *map(sidecar_path, staged), Path(folder, sheet_path(out).name)], out.parent)
    return records


def _made(
    take: ClipRequest, final: Path, number: int, count: int, loaded: LoadedModels, report: Report
) -> dict[str, Any]:
    started = time.perf_counter()

    def told(progress: ClipProgress) -> None:
        of_frames = progress.unit == "frames"
        report(replace(progress, stage=f"take {number} of {count}: {progress.stage}") if of_frames else progress)

    told(ClipProgress("reading"))
    record = make_clip(take, open_source(take, loaded), loaded, report=told, started=started)
    record["result"]["out"] = str(final)
    record["take"] = {"number": number, "of": count}
    write_sidecar(take.out, record)
    del record["curves"]  # of a long clip they take more memory than all else
    return record


def _sheet(takes: list[ClipRequest], records: list[dict[str, Any]], loaded: LoadedModels) -> U8:
    """A row of frames per take, at the same times."""
    rows: list[tuple[str, list[U8]]] = []
    for number, (take, record) in enumerate(zip(takes, records, strict=True), start=1):
        result = record["result"]
        times = [(i + 0.5) / result["fps"] for i in spread(result["frames"], SHOWN)]
        shown = [written(p, f"{t:.1f} s", (6, 16)) for p, t in zip(_frames(take, loaded), times, strict=True)]
        rows.append((f"take {number}: --seed {take.settings.seed}", shown))
    return titled(rows)


def _frames(take: ClipRequest, loaded: LoadedModels) -> Iterator[U8]:
    if isinstance(output_format(take.out), VideoFormat):
        return video_thumbnails(take.out, frames=SHOWN)
    avatar = take.settings.avatar
    return motion_thumbnails(motion_of_file(take.out, loaded, avatar), avatar, loaded, frames=SHOWN)


def _publish(stage: Path, files: list[Path], folder: Path) -> None:
    """Move what is finished to its place; a folder of earlier pictures goes with the stage."""
    replaced = stage / "replaced"
    replaced.mkdir()
    try:
        for file in files:
            final = folder / file.name
            if final.is_dir():
                final.rename(replaced / final.name)
            os.replace(file, final)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from None
