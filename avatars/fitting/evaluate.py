"""How well a finished avatar shows pictures that it was not trained on."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...renderer import Rasterizer
from ..avatar import Avatar
from ..motion import Motion
from ..pose import Poser
from ..scene import load_scene
from ..shading import Shader
from .dataset import View
from .losses import psnr, ssim

ALEXNET = "alexnet-owt-7be5be79.pth"  # ImageNet weights as torchvision names them
Distance = Callable[[Tensor, Tensor], float]  # of pictures [H, W, 3] in 0..1


@dataclass(frozen=True)
class Scores:
    """Means over pictures."""

    pictures: int
    psnr: float  # decibels
    ssim: float
    lpips: float | None  # None where it cannot be computed


def evaluate(
    avatar: Avatar, motion: Motion, views: Sequence[View], rasterizer: Rasterizer, *, lpips: Distance | None = None
) -> Scores | None:
    """Compare the avatar, drawn as `render` draws it (8 bits, over white), with the pictures; None without any.

    `motion` counts from the avatar's neutral face; `lpips` is what `open_lpips` found.
    """
    if not views:
        return None
    scene = load_scene(avatar, rasterizer)
    poser, shader = Poser(avatar.head), Shader(avatar)
    scores = []
    for view in views:
        still = motion[view.timestep : view.timestep + 1]
        frame = scene.render(view.camera, poser.transforms(still), shading_weights=shader.weights(still))[0]
        drawn, truth = (torch.from_numpy(p.astype(np.float32) / 255) for p in (frame.rgb, view.pixels()))
        scores.append((psnr(drawn, truth), float(ssim(drawn, truth)), lpips(drawn, truth) if lpips else np.nan))
    mean = [round(float(value), 4) for value in np.mean(scores, axis=0)]
    return Scores(len(views), mean[0], mean[1], mean[2] if lpips else None)


def open_lpips() -> tuple[Distance | None, str]:
    """LPIPS (Zhang et al. 2018) by AlexNet, as GaussianAvatars' training reports it; or None and what it needs.

    Nothing is downloaded: AlexNet's ImageNet weights must lie where torchvision keeps them.
    """
    if not all(map(importlib.util.find_spec, ("torchmetrics", "torchvision"))):
        return None, "no LPIPS: it needs torchmetrics and torchvision"
    weights = Path(torch.hub.get_dir(), "checkpoints", ALEXNET)
    if not weights.is_file():
        return None, f"no LPIPS: it needs AlexNet's weights as {weights}"
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    network = LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True)

    @torch.no_grad()
    def distance(a: Tensor, b: Tensor) -> float:
        return float(network.forward(*(picture.permute(2, 0, 1)[None] for picture in (a, b))))

    return distance, "LPIPS by AlexNet"
