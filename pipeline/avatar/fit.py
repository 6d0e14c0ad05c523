"""From a captured data set to a person of one's own: train, write the avatar, say how good it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...avatars.avatar import save_avatar
from ...avatars.fitting.dataset import SPLITS, DataSet, read_dataset, spread
from ...avatars.fitting.evaluate import evaluate, open_lpips
from ...avatars.fitting.painters import CpuPainter, open_painter
from ...avatars.fitting.train import CHECKPOINT, PRESETS, Fit, FitConfig, FitProgress, Report, train
from ...avatars.gaussian_avatars import VERTICES, write_gaussian_avatar
from ...avatars.head import HeadModel, load_head
from ...avatars.motion_files import save_motion
from ...core.errors import InputError
from ...renderer import open_rasterizer
from .own import flame_head

AVATAR, TRACKED, SCORES, FOLDER = "avatar.npz", "tracked.npz", "evaluation.json", "gaussian_avatars"
WARMED_UP = 20  # iterations after which the time that is left can be told
REPORTS = 10  # of a run that is shorter than its preset
SH_DEGREES = (0, 1, 2, 3)
TRAIN_JUDGED = 100  # pictures of the training that are compared at the end


@dataclass(frozen=True)
class FitRequest:
    """What `render avatar fit` was asked for."""

    dataset: Path
    out: Path
    head: str | None = None  # imported head that the data set was tracked with; None: the only one
    preset: str = "fast"
    iterations: int | None = None  # fewer than the preset's
    sh_degree: int | None = None  # of the colours; None: 3, or 0 for a single camera, which cannot tell them apart
    device: str = "auto"

    def config(self, *, cameras: int = 2) -> FitConfig:
        """The preset for pictures of so many cameras, shortened if asked for; raises InputError."""
        if self.preset not in PRESETS:
            raise InputError(f"--preset: expected {' or '.join(PRESETS)}, found {self.preset!r}")
        if self.sh_degree not in (None, *SH_DEGREES):
            raise InputError(f"--sh-degree: expected one of {', '.join(map(str, SH_DEGREES))}, found {self.sh_degree}")
        config = PRESETS[self.preset]
        if self.sh_degree is not None or cameras < 2:
            config = replace(config, sh_degree=self.sh_degree or 0)
        if self.iterations is None:
            return config
        if self.iterations < 1:
            raise InputError(f"--iterations: expected at least 1, found {self.iterations}")
        every = min(config.report_every, max(1, self.iterations // REPORTS))
        return replace(config, iterations=self.iterations, report_every=every)


def fit_avatar(request: FitRequest, *, say: Callable[[str], None], report: Report = lambda _: None) -> dict[str, Any]:
    """Train on a data set and write `avatar.npz`, `tracked.npz` (the refined motion, which plays on it),
    `evaluation.json` and, on a FLAME head, a folder for GaussianAvatars' viewer; returns the evaluation.

    An interrupted run goes on from its checkpoint, and leaves the avatar of that. Raises InputError, also where an
    avatar lies in the folder without the checkpoint that it comes of.
    """
    request.config()  # what is wrong with it is said before the pictures are read
    if (request.out / AVATAR).exists() and not (request.out / CHECKPOINT).exists():
        raise InputError(f"{request.out / AVATAR}: expected a folder without an avatar, or with its {CHECKPOINT}, too")
    painter, why = open_painter(request.device)
    generic = load_head(flame_head(request.head))
    data = read_dataset(request.dataset, generic)
    say(", ".join(f"{len(getattr(data, split))} pictures {split}" for split in SPLITS))
    if isinstance(painter, CpuPainter):
        say(f"training on the processor, which suits small pictures and short runs ({why})")
    cameras = len({view.camera_index for view in data.train})
    config = request.config(cameras=cameras)
    if cameras < 2 and request.sh_degree is None:
        say("one camera: colours that look the same from all sides (--sh-degree 3 for others)")
    fit = Fit(data, config, painter)
    train(fit, request.out, _Commentary(fit, request.out / AVATAR, say, report))
    return _write(request, fit, data, generic, say)


class _Commentary:
    """Says how long it will take and what is reported at intervals; keeps the avatar of each report."""

    def __init__(self, fit: Fit, avatar: Path, say: Callable[[str], None], report: Report) -> None:
        self._fit, self._avatar, self._say, self._report = fit, avatar, say, report
        self._first: FitProgress | None = None
        self._last: FitProgress | None = None  # when the pace was last told

    def __call__(self, progress: FitProgress) -> None:
        self._first = self._first or progress
        self._last = self._last or progress
        if progress.step - self._first.step == WARMED_UP:
            pace, minutes = self._pace(progress)
            self._say(
                f"{pace * 1000:.0f} ms per picture: about {minutes:.0f} min, up to twice that as Gaussians are added"
            )
        if progress.milestone:
            save_avatar(self._avatar, self._fit.avatar(self._avatar.resolve().parent.name)[0])
            held_out = "" if progress.held_out is None else f", held-out camera {progress.held_out:.2f} dB"
            self._say(
                f"{progress.step}/{progress.steps}: {progress.gaussians} Gaussians, "
                f"PSNR {progress.psnr:.2f} dB{held_out}, {self._pace(progress)[1]:.0f} min left"
            )
            self._last = progress
        self._report(progress)

    def _pace(self, progress: FitProgress) -> tuple[float, float]:
        """Seconds per picture since it was last told, and the minutes that are left at that pace."""
        last = self._last or progress
        pace = (progress.seconds - last.seconds) / max(1, progress.step - last.step)
        return pace, pace * (progress.steps - progress.step) / 60


def _write(
    request: FitRequest, fit: Fit, data: DataSet, generic: HeadModel, say: Callable[[str], None]
) -> dict[str, Any]:
    """The avatar in our format and in GaussianAvatars', its motion and its scores."""
    out = request.out
    avatar, motion = fit.avatar(out.resolve().name)
    save_avatar(out / AVATAR, avatar)
    save_motion(out / TRACKED, motion, len(generic.v_template), neutral=avatar.neutral)
    if len(generic.v_template) == VERTICES:
        shutil.rmtree(out / FOLDER, ignore_errors=True)
        write_gaussian_avatar(out / FOLDER, avatar, generic)
    else:
        say(f"no folder for GaussianAvatars, whose viewer knows FLAME only: this is head {generic.version}")
    rasterizer = open_rasterizer(request.device)
    lpips, about = open_lpips()
    say(f"comparing with the pictures ({about})")
    judged = {"train": spread(data.train, TRAIN_JUDGED), "val": data.val, "test": data.test}
    scores = {split: evaluate(avatar, motion, views, rasterizer, lpips=lpips) for split, views in judged.items()}
    record = {
        "dataset": str(request.dataset.resolve()),
        "head": generic.version,
        "preset": request.preset,
        "iterations": fit.step,
        "gaussians": len(avatar.gaussians),
        **{split: asdict(found) for split, found in scores.items() if found},
    }
    (out / SCORES).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return record
