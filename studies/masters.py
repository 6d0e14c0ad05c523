"""Masters: every showing once, without loss: drawn as a batch, or read from other systems' videos."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..blendshapes.bundle import find_bundle
from ..core.errors import InputError
from ..core.whole_files import is_file
from ..pipeline.batch.engines import open_engine
from ..pipeline.batch.engines.base import Event
from ..pipeline.batch.plan import BatchRequest
from ..pipeline.batch.run import run_batch
from ..pipeline.media.probe import probe
from ..pipeline.settings import read_settings
from ..pipeline.style.library import style_file
from .degraded_picture import degraded, dots_of_light
from .design import Study
from .face_points import FacePoints
from .framing import SQUARE, decoder, fitted, shown_part
from .motions import follows_face, motion_file, points_file
from .stimuli import Showing

U8 = NDArray[np.uint8]
LENGTH_TOLERANCE = 0.12  # seconds that an external video may be longer or shorter than its clip


def render_masters(
    study: Study,
    showings: Iterable[Showing],
    work: Path,
    folder: Path,
    *,
    device: str,
    watch: Callable[[Event], None],
) -> None:
    """Draw what is ours and not there yet, from the motions in `work`; may be interrupted. Raises InputError.

    Paths in the study are relative to `folder`.
    """
    ours = sorted(showing for showing in showings if drawn(study, showing))
    if not ours:
        return
    # all that is acted is in the motion
    changes = {"device": device, "emotion": "neutral", "intensity": 1, "weights": None, "style": None}
    request = BatchRequest(
        source=str(_write_manifest(study, ours, work, folder)),
        out=str(work),
        format="mkv",
        settings=read_settings(changes, base=study.settings(ours[0].condition, folder)),
    )
    result = run_batch(request, open_engine("local", device=device, workers=None, address=None), watch=watch)
    if result.failures:
        first = result.failures[0]
        raise InputError(f"{first.item.id}: could not be rendered: {first.reason}")


def drawn(study: Study, showing: Showing) -> bool:
    """Whether a showing is one of ours that shows a face rather than dots."""
    condition = study.conditions[showing.condition]
    return condition.videos is None and not condition.point_light


def shown_frames(
    showing: Showing, study: Study, work: Path, folder: Path, *, frames: int, speech: float, blank: U8, face: float
) -> Iterator[U8]:
    """The pictures of a showing as its condition shows them, [H, W, 3], exactly `frames` of them; raises InputError.

    `face`: pixels of a face's width, which blur and the like are measured by, the same for all conditions.
    """
    condition = study.conditions[showing.condition]
    points = FacePoints.load(work / points_file(showing)) if follows_face(condition) else None
    if condition.point_light:
        assert points is not None
        pictures = dots_of_light(points, frames, study.stimuli.size, face=face)
    else:
        pictures = master_frames(showing, study, work, folder, frames=frames, speech=speech, blank=blank)
    return degraded(pictures, condition, face=face, points=points, blank=blank)


def master_frames(
    showing: Showing, study: Study, work: Path, folder: Path, *, frames: int, speech: float, blank: U8
) -> Iterator[U8]:
    """The pictures of a showing before anything is done to them, as `shown_frames`; raises InputError.

    `speech`: seconds that the clip itself lasts; `blank`: what is seen where another system's pictures leave a margin.
    """
    condition = study.conditions[showing.condition]
    if condition.videos is None:
        return _decode(work / master_file(showing), study, [], lead=0, frames=frames, blank=blank)
    path = condition.video(showing.clip, folder)
    part = shown_part(path, condition)
    width, height = study.stimuli.size
    fill = condition.fit == "fill"
    scaled = fitted((part.width, part.height), (width, height), fill=fill)
    steps = [SQUARE, part.filter, f"scale={scaled[0]}:{scaled[1]}", *([f"crop={width}:{height}"] if fill else [])]
    if condition.start is not None:
        steps.insert(0, f"trim=start={condition.start}:duration={speech},setpts=PTS-STARTPTS")
    size = (width, height) if fill else scaled
    lead = round(study.stimuli.lead * study.stimuli.fps)
    return _decode(path, study, steps, lead=lead, frames=frames, blank=blank, size=size)


def check_external(study: Study, showings: Iterable[Showing], folder: Path, lengths: Mapping[str, float]) -> None:
    """Raise InputError unless every external video is there and as long as its clip (`lengths`, seconds).

    Where a condition tells when the speech starts, its videos may go on after the clip.
    """
    for showing in sorted(showings):
        condition = study.conditions[showing.condition]
        if condition.videos is None:
            continue
        path = condition.video(showing.clip, folder)
        if not is_file(str(path)):
            raise InputError(f"{path}: no such video, expected for clip {showing.clip} in {showing.condition}")
        picture = probe(path).picture
        seconds = None if picture is None else picture.duration
        if seconds is None:
            raise InputError(f"{path}: expected a video, found no moving picture in it")
        expected = lengths[showing.clip]
        if condition.start is not None:
            if seconds - condition.start < expected - LENGTH_TOLERANCE:
                raise InputError(
                    f"{path}: expected {expected:.2f} s like its clip from {condition.start:g} s on, "
                    f"found {max(0.0, seconds - condition.start):.2f} s"
                )
        elif abs(seconds - expected) > LENGTH_TOLERANCE:
            raise InputError(
                f"{path}: expected {expected:.2f} s like its clip, found {seconds:.2f} s; start says where it begins"
            )
        shown_part(path, condition)


def check_files(study: Study, folder: Path) -> None:
    """Raise InputError unless the weights and the style of every condition are there."""
    for name, condition in study.conditions.items():
        try:
            style_file(study.settings(name, folder).style)
        except InputError as error:
            raise InputError(f"conditions.{name}.style: {error}") from None
        if condition.weights is not None:
            try:
                find_bundle(folder / condition.weights)
            except InputError as error:
                raise InputError(f"conditions.{name}.weights: {error}") from None


def master_file(showing: Showing) -> str:
    """Name of a master in the working folder."""
    return f"{showing.clip}.{showing.condition}.{showing.manner}.mkv"


def _write_manifest(study: Study, showings: Iterable[Showing], work: Path, folder: Path) -> Path:
    manifest = work / "masters.csv"
    with manifest.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        told = ("avatar", "camera")  # what pictures of conditions differ in besides their motion
        rows.writerow(["id", "audio", *told, "out"])
        for showing in showings:
            settings, out = study.settings(showing.condition, folder), master_file(showing)
            rows.writerow([out, motion_file(showing), *(settings.plain(name) for name in told), out])
    return manifest


def _decode(
    path: Path,
    study: Study,
    steps: list[str],
    *,
    lead: int,
    frames: int,
    blank: U8,
    size: tuple[int, int] | None = None,
) -> Iterator[U8]:
    """Frames at the study's rate, `steps` of FFmpeg's taken on them, in the middle of `blank` [H, W, 3].

    The first (`lead` times more) and the last are held. `size`: width and height after the steps; None: the study's.
    """
    width, height = study.stimuli.size if size is None else size
    rate = Fraction(study.stimuli.fps).limit_denominator(1001)
    command = [*decoder(path), "-vf", ",".join([*steps, f"fps={rate}", "setsar=1"])]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    count = width * height * 3
    left, top = (blank.shape[1] - width) // 2, (blank.shape[0] - height) // 2
    picture = None
    shown = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            while shown < frames and len(data := process.stdout.read(count)) == count:
                picture = blank.copy()
                picture[top : top + height, left : left + width] = np.frombuffer(data, np.uint8).reshape(
                    height, width, 3
                )
                for _ in range(lead + 1 if shown == 0 else 1):
                    yield picture
                    shown += 1
        finally:
            process.kill()
    if picture is None:
        raise InputError(f"{path}: expected a video, found nothing that can be decoded")
    for _ in range(frames - shown):
        yield picture
