"""The training loop: Gaussians and FLAME parameters learned from pictures (Qian et al. 2024; Kerbl et al. 2023).

The folder it writes:

  checkpoint.safetensors   everything that a run needs to go on, bit for bit on one machine
  curve.csv                a row per report: step, seconds, Gaussians, loss, PSNR
  samples/STEP.png         pictures of the held-out camera, and below what is drawn of them
"""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from ...core.errors import InputError
from ...core.whole_files import whole_file
from ..avatar import Avatar
from ..motion import CURVES, Motion
from ..torch_pose import TorchPoser
from .dataset import FPS, DataSet, View, spread
from .densify import MOMENTS, Pull, densify, reset_opacity
from .losses import binding_loss, picture_loss, psnr
from .model import BoundGaussians, Tracking, Wrinkles
from .painters import Drawing, Painter

CHECKPOINT, CURVE, SAMPLES = "checkpoint.safetensors", "curve.csv", "samples"
GAUSSIANS = ("means", "log_scales", "quats", "logits", "dc", "rest")
TRACKING = ("expr", "pose", "translation")
WATCHED = 4  # held-out pictures that a report looks at
PICTURE_BYTES = 2 << 30  # of decoded pictures kept in memory


@dataclass(frozen=True)
class FitConfig:
    """Numbers of the published recipe; steps count pictures."""

    iterations: int
    densify_from: int
    densify_every: int
    densify_until: float  # share of the iterations
    reset_every: int  # of opacities
    sh_every: int = 1_000  # steps until the next degree of spherical harmonics is used
    sh_degree: int = 3
    most_gaussians: int = 500_000
    report_every: int = 1_000
    seed: int = 0
    means: tuple[float, float] = (5e-3, 5e-5)  # learning rate, first and last
    log_scales: float = 0.017
    quats: float = 0.001
    logits: float = 0.05
    dc: float = 2.5e-3
    rest: float = 2.5e-3 / 20
    expr: float = 1e-3
    pose: float = 1e-5
    translation: float = 1e-6
    hold: float = 0.0  # cost of leaving the first Gaussians: squares of places, log sizes, logits of opacity
    backgrounds: bool = False  # a colour at random behind each picture, so that no Gaussian takes it for its own
    eps: float = 1e-15  # of Adam: gradients far below it move nothing, as those of what is hidden


PRESETS = {
    # the schedule of 3D Gaussian splatting (Kerbl et al. 2023) with everything else from GaussianAvatars
    "fast": FitConfig(iterations=30_000, densify_from=500, densify_every=100, densify_until=0.5, reset_every=3_000),
    # as published for GaussianAvatars (Qian et al. 2024)
    "quality": FitConfig(
        iterations=600_000,
        densify_from=10_000,
        densify_every=2_000,
        densify_until=1.0,
        reset_every=60_000,
        report_every=5_000,
    ),
}


@dataclass(frozen=True)
class FitProgress:
    """How far training is; means since the last report."""

    step: int
    steps: int
    gaussians: int
    loss: float
    psnr: float  # of the training pictures, decibels
    held_out: float | None  # PSNR of the held-out camera, at milestones
    seconds: float  # of training so far, in all runs
    milestone: bool  # curve, sample and checkpoint have been written


Report = Callable[[FitProgress], None]


class Fit:
    """One run: model, optimiser and what densification has gathered."""

    def __init__(self, data: DataSet, config: FitConfig, painter: Painter, start: Avatar | None = None) -> None:
        """`start`: an avatar on the same triangles whose Gaussians are there from the beginning, and whose neutral face
        is the person's; without one there is a grey Gaussian per triangle.
        """
        self.data, self.config, self.painter, self.start = data, config, painter, start
        device = painter.device
        self.poser = TorchPoser(data.head, device)
        if start is None:
            self.gaussians = BoundGaussians.one_per_face(len(data.head.faces), config.sh_degree, device)
            self.wrinkles = None
        else:
            self.gaussians = BoundGaussians.of(start, config.sh_degree, device)
            self.wrinkles = Wrinkles.of(start, device)
        self._home = {n: getattr(self.gaussians, n).detach().clone() for n in ("means", "log_scales", "logits")}
        self.tracking = Tracking.of(data.motion, device)
        self.pull = Pull.none(len(self.gaussians), device)
        self.step, self.seconds = 0, 0.0
        groups = [{"name": n, "params": [getattr(self.gaussians, n)], "lr": _rate(config, n, 0)} for n in GAUSSIANS]
        groups += [{"name": n, "params": [getattr(self.tracking, n)], "lr": _rate(config, n, 0)} for n in TRACKING]
        self.optimiser = torch.optim.Adam(groups, eps=config.eps, fused=True)
        self._pictures = _Pictures(device)
        with torch.no_grad():
            rest = self.poser.transforms(self.tracking.at(0))[0]
            self._triangles = torch.linalg.vector_norm(rest[:, :, 0], dim=1)
        self._extent = data.extent()

    def draw(self, view: View, background: Tensor | None = None) -> Drawing:
        """What the camera of a view sees of the present state, over a colour [3] or white."""
        moved = self.tracking.at(view.timestep)
        transforms = self.poser.transforms(moved)[0]
        change = self.wrinkles.change(self.gaussians.origin, moved) if self.wrinkles else None
        eye = torch.tensor(view.camera.position, dtype=torch.float32, device=transforms.device)
        degree = min(self.step // self.config.sh_every, self.config.sh_degree)
        return self.painter.draw(self.gaussians.posed(transforms, eye, degree, change), view.camera, background)

    def train_step(self) -> tuple[float, float]:
        """Learn from one picture; returns loss and PSNR."""
        view = self._next_view()
        background = self._background()
        truth = self._pictures.get(view, background)
        self.optimiser.param_groups[0]["lr"] = _rate(self.config, "means", self.step)
        drawing = self.draw(view, background)
        seen = drawing.visible
        loss = picture_loss(drawing.image, truth)
        loss = loss + self._leaving(seen)
        self.optimiser.zero_grad(set_to_none=False)
        loss.backward()
        self.pull.add(drawing)
        self.optimiser.step()
        self.step += 1
        self._change_population()
        return float(loss.detach()), psnr(drawing.image.detach(), truth)

    def _leaving(self, seen: Tensor) -> Tensor:
        """What the visible Gaussians [N] cost that are not where they belong."""
        g = self.gaussians
        if self.start is None:
            return binding_loss(g.means[seen], g.scales()[seen])
        here = {name: getattr(g, name)[seen] for name in self._home}
        home = {name: kept[g.origin[seen]] for name, kept in self._home.items()}
        cost = binding_loss(here["means"], here["log_scales"].exp(), home["means"], home["log_scales"].exp())
        return cost + self.config.hold * sum(((here[n] - home[n]) ** 2).sum() for n in home) / max(1, len(seen))

    @torch.no_grad()
    def look(self, path: Path) -> float | None:
        """Write a few held-out pictures, and below what is drawn of them; their mean PSNR if a camera is held out.

        Without one it shows pictures of the training.
        """
        from PIL import Image

        views = spread(self.data.val or self.data.train, WATCHED)
        truth, drawn = [self._pictures.get(v) for v in views], [self.draw(v).image.clamp(0, 1) for v in views]
        # cameras may differ in size: each column is as wide as its picture, all are as high as the highest
        height = max(len(picture) for picture in truth)
        rows = [torch.cat([_padded(picture, height) for picture in row], 1) for row in (truth, drawn)]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(torch.cat(rows).mul(255).round().byte().cpu().numpy()).save(path)
        return float(np.mean(list(map(psnr, drawn, truth)))) if self.data.val else None

    def avatar(self, name: str) -> tuple[Avatar, Motion]:
        """The person with the mean expression of the training as neutral face, and the refined motion from there.

        A person that was trained from another avatar is neutral where that one is.
        """
        motion = self.tracking.motion(FPS)
        head = self.data.head
        if self.start is not None:
            shading = self.wrinkles.shading(self.gaussians.origin) if self.wrinkles else None
            binding = self.gaussians.binding.cpu().numpy().astype(np.int32)
            return Avatar(name, head, self.gaussians.numpy(), binding, shading=shading), motion
        neutral = motion.expr[self.data.timesteps()].mean(axis=0)
        joints = head.joints if head.joint_exprdirs is None else head.joints + head.joint_exprdirs @ neutral
        person = replace(head, v_template=head.v_template + head.exprdirs @ neutral, joints=joints)
        binding = self.gaussians.binding.cpu().numpy().astype(np.int32)
        avatar = Avatar(name, person, self.gaussians.numpy(), binding, neutral=neutral)
        return avatar, replace(motion, expr=motion.expr - neutral)

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        from safetensors.torch import save_file

        tensors = {"binding": self.gaussians.binding, "origin": self.gaussians.origin}
        tensors |= {"pull.total": self.pull.total, "pull.views": self.pull.views}
        for group in self.optimiser.param_groups:
            leaf = group["params"][0]
            tensors[group["name"]] = leaf.detach()
            for key, value in self.optimiser.state[leaf].items():
                tensors[f"{key}.{group['name']}"] = value
        metadata = {"step": str(self.step), "seconds": str(self.seconds), **self._identity()}
        with whole_file(path) as partial:
            save_file({n: t.contiguous() for n, t in tensors.items()}, partial, metadata)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint if there is one; raises InputError for one of another run."""
        if not path.exists():
            return
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt", device=str(self.painter.device)) as file:
                metadata = file.metadata() or {}
                other = [key for key, value in self._identity().items() if metadata.get(key) != value]
                if other:
                    raise InputError(
                        f"{path}: expected a checkpoint of these {other[0]}, found one of others; use an empty folder"
                    )
                self.step, self.seconds = int(metadata["step"]), float(metadata["seconds"])
                self._restore({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        except InputError:
            raise
        except (SafetensorError, KeyError, ValueError) as error:
            raise InputError(f"{path}: expected a checkpoint, found something else ({error}); remove it") from error

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        self.gaussians.binding, self.gaussians.origin = tensors["binding"], tensors["origin"]
        self.pull = Pull(tensors["pull.total"], tensors["pull.views"])
        for group in self.optimiser.param_groups:
            name = group["name"]
            leaf = Parameter(tensors[name])
            self.optimiser.state.pop(group["params"][0], None)
            memory = {key: tensors[f"{key}.{name}"] for key in ("step", *MOMENTS) if f"{key}.{name}" in tensors}
            self.optimiser.state[leaf] = memory
            group["params"] = [leaf]
            setattr(self.gaussians if name in GAUSSIANS else self.tracking, name, leaf)

    def _identity(self) -> dict[str, str]:
        """What a checkpoint can only go on with: the configuration, and a hash of person, motion, cameras and pictures,
        these by their names and sizes."""
        content = hashlib.sha256(self.data.head.version.encode())
        for array in (self.data.head.v_template, *(getattr(self.data.motion, curve) for curve in CURVES)):
            content.update(array.tobytes())
        if self.start is not None:
            content.update(self.start.gaussians.means.tobytes() + self.start.gaussians.sh.tobytes())
        for view in self.data.train:
            size = view.picture.stat().st_size if view.picture.exists() else 0  # what lacks is told when it is read
            content.update(f"{view.picture.name} {size} {view.timestep}".encode() + view.camera.view.tobytes())
        return {"settings": json.dumps(asdict(self.config)), "data": content.hexdigest()}

    def _next_view(self) -> View:
        """Every picture once per round, in an order of its own; no state to save."""
        views = self.data.train
        turn, index = divmod(self.step, len(views))
        return views[np.random.default_rng([self.config.seed, turn]).permutation(len(views))[index]]

    def _background(self) -> Tensor | None:
        """The colour [3] behind the next picture; None: white."""
        if not self.config.backgrounds:
            return None
        colour = np.random.default_rng([self.config.seed, self.step, 1]).uniform(size=3)
        return torch.from_numpy(colour).to(self.painter.device, torch.float32)

    def _change_population(self) -> None:
        config = self.config
        if config.densify_from < self.step < config.densify_until * config.iterations:
            if self.step % config.densify_every == 0:
                densify(
                    self.gaussians,
                    self.optimiser,
                    self.pull.mean(),
                    triangles=self._triangles,
                    extent=self._extent,
                    limit=config.most_gaussians,
                    generator=torch.Generator().manual_seed(config.seed * config.iterations + self.step),
                )
                self.pull = Pull.none(len(self.gaussians), self.painter.device)
            if self.step % config.reset_every == 0:
                reset_opacity(self.gaussians, self.optimiser)


def train(fit: Fit, out: Path, report: Report) -> None:
    """Run to the last iteration, from the checkpoint in `out` if there is one; raises InputError."""
    out.mkdir(parents=True, exist_ok=True)
    fit.resume(out / CHECKPOINT)
    if not fit.step:
        (out / CURVE).unlink(missing_ok=True)
    config, started = fit.config, time.perf_counter() - fit.seconds
    total, count = np.zeros(2), 0
    while fit.step < config.iterations:
        total, count = total + fit.train_step(), count + 1
        fit.seconds = time.perf_counter() - started
        milestone = fit.step % config.report_every == 0 or fit.step == config.iterations
        progress = FitProgress(
            step=fit.step,
            steps=config.iterations,
            gaussians=len(fit.gaussians),
            loss=float(total[0] / count),
            psnr=float(total[1] / count),
            held_out=fit.look(out / SAMPLES / f"{fit.step:06d}.png") if milestone else None,
            seconds=fit.seconds,
            milestone=milestone,
        )
        if milestone:
            total, count = np.zeros(2), 0
            fit.save(out / CHECKPOINT)
            _append(out / CURVE, progress)
        report(progress)


class _Pictures:
    """Decoded pictures, as many as fit `PICTURE_BYTES`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._kept: dict[Path, Tensor] = {}
        self._free = PICTURE_BYTES

    def get(self, view: View, background: Tensor | None = None) -> Tensor:
        """The picture [H, W, 3] in 0..1 on the device, what is transparent over a colour [3] or white."""
        found = self._kept.get(view.picture)
        if found is None:
            found = torch.from_numpy(view.cut_out().copy())
            if found.numel() <= self._free:
                self._free -= found.numel()
                self._kept[view.picture] = found
        picture = found.to(self._device).float() / 255
        behind = 1.0 if background is None else background
        return picture[..., :3] * picture[..., 3:] + (1 - picture[..., 3:]) * behind


def _rate(config: FitConfig, name: str, step: int) -> float:
    """Learning rate of a group; that of the means falls exponentially."""
    rate = getattr(config, name)
    if name != "means":
        return rate
    first, last = rate
    return first * (last / first) ** (step / config.iterations)


def _padded(picture: Tensor, height: int) -> Tensor:
    """White below a picture [H, W, 3]."""
    return torch.cat([picture, picture.new_ones(height - len(picture), *picture.shape[1:])])


def _append(path: Path, progress: FitProgress) -> None:
    """A row of the curve."""
    row = {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(progress).items() if k != "milestone"}
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)
