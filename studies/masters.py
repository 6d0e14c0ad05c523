"""Masters: every showing once, without loss: rendered as a batch, or read from other systems' videos."""

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
from ..pipeline.batch.engines import open_engine
from ..pipeline.batch.engines.base import Event
from ..pipeline.batch.items import item_seed
from ..pipeline.batch.plan import BatchRequest
from ..pipeline.batch.run import run_batch
from ..pipeline.clip.loaded import LoadedModels
from ..pipeline.clip.objects import write_motion
from ..pipeline.media.audio import open_audio
from ..pipeline.media.probe import probe
from ..pipeline.settings import read_settings
from ..pipeline.style.library import style_file
from .design import Study
from .framing import SQUARE, decoder, fitted, shown_part
from .lowpass import smeared
from .sounds import RATE, Sound
from .stimuli import FROZEN, Showing

U8 = NDArray[np.uint8]
LENGTH_TOLERANCE = 0.12  # seconds that an external video may be longer or shorter than its clip


def render_masters(
    study: Study,
    showings: Iterable[Showing],
    sounds: Mapping[str, Sound],
    work: Path,
    folder: Path,
    *,
    device: str,
    watch: Callable[[Event], None],
) -> None:
    """Render what is ours and not there yet into `work`; may be interrupted. Raises InputError.

    Paths in the study are relative to `folder`.
    """
    ours = sorted(s for s in showings if study.conditions[s.condition].videos is None)
    if not ours:
        return
    request = BatchRequest(
        source=str(_write_manifest(study, ours, sounds, work, folder)),
        out=str(work),
        format="mkv",
        # what a row leaves blank is not what another condition has
        settings=read_settings(
            {"device": device, "weights": None, "style": None}, base=study.settings(ours[0].condition, folder)
        ),
    )
    result = run_batch(request, open_engine("local", device=device, workers=None, address=None), watch=watch)
    if result.failures:
        first = result.failures[0]
        raise InputError(f"{first.item.id}: could not be rendered: {first.reason}")


def master_frames(
    showing: Showing, study: Study, work: Path, folder: Path, *, frames: int, speech: float, blank: U8
) -> Iterator[U8]:
    """The pictures of a showing, [H, W, 3], exactly `frames` of them; raises InputError.

    `speech`: seconds that the clip itself lasts; `blank`: what is seen where another system's pictures leave a margin.
    """
    condition = study.conditions[showing.condition]
    if condition.videos is None:
        return _decode(work / master_file(showing), study, [], lead=0, frames=frames, blank=blank)
    path = folder / condition.videos.format(clip=showing.clip)
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
        path = folder / condition.videos.format(clip=showing.clip)
        if not path.is_file():
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


def _write_manifest(
    study: Study, showings: Iterable[Showing], sounds: Mapping[str, Sound], work: Path, folder: Path
) -> Path:
    work.mkdir(parents=True, exist_ok=True)
    loaded = LoadedModels("cpu")  # for motion alone
    manifest = work / "masters.csv"
    with manifest.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        told = (  # what conditions differ in
            *("avatar", "emotion", "intensity", "style", "style_strength", "variety"),
            *("weights", "model", "camera", "seed"),
        )
        rows.writerow(["id", "audio", *told, "out"])
        for showing in showings:
            # one seed per clip: all conditions blink at the same times
            settings = read_settings(
                {"seed": item_seed(study.seed, showing.clip)}, base=study.settings(showing.condition, folder)
            )
            driving = _write_driving(showing, sounds[showing.clip], work)
            if showing.cutoff is not None:
                actor, speech = loaded.talking_head(settings), open_audio(work / driving)
                style = loaded.style(settings)
                motion = smeared(actor, speech, settings.score(style), fps=study.stimuli.fps, cutoff=showing.cutoff)
                driving = str(Path(master_file(showing)).with_suffix(".npz"))
                write_motion(work / driving, motion, loaded.avatar(settings.avatar))
                # all of it is in the motion
                settings = read_settings(
                    {"emotion": "neutral", "intensity": 1, "weights": None, "style": None}, base=settings
                )
            out = master_file(showing)
            rows.writerow([out, driving, *(settings.plain(name) for name in told), out])
    return manifest


def _write_driving(showing: Showing, sound: Sound, work: Path) -> str:
    """The sound that drives the face of a showing, as a file; its name."""
    import soundfile

    name = f"{showing.clip}.{showing.manner}.wav"
    samples = sound.frozen() if showing.manner == FROZEN else sound.driving(showing.shift_ms)
    soundfile.write(work / name, samples, RATE, subtype="FLOAT")
    return name


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
