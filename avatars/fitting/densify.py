"""More Gaussians where the picture asks for them, fewer where they are transparent (Kerbl et al. 2023, section 5.2).

Children inherit their parent's triangle, and no triangle loses its last Gaussian (Qian et al. 2024). gsplat's
strategies know no such bond (`DefaultStrategy` prunes freely, `MCMCStrategy` moves Gaussians to others' places), so
neither serves here; thresholds are those of `DefaultStrategy`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Parameter

from ...renderer.autograd import rotations
from .model import BoundGaussians
from .painters import Drawing

PULL = 2e-4  # mean gradient on screen from which a Gaussian is multiplied
DENSE = 0.01  # of the extent: larger Gaussians are split, smaller ones cloned
SHRINK = 1.6  # children of a split are so much smaller
TRANSPARENT = 0.005  # opacity below which a Gaussian is dropped
RESET = 0.01  # opacity that none exceeds after a reset
MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(eq=False)
class Pull:
    """What the pictures since the last densification asked of each Gaussian."""

    total: Tensor  # [N] sum of gradients on screen
    views: Tensor  # [N] pictures in which it was visible

    @staticmethod
    def none(count: int, device: torch.device) -> Pull:
        """Before the first picture."""
        return Pull(torch.zeros(count, device=device), torch.zeros(count, device=device))

    def add(self, drawing: Drawing) -> None:
        """Count a picture whose loss has been differentiated."""
        self.total += torch.where(drawing.visible, drawing.pull(), 0.0)
        self.views += drawing.visible

    def mean(self) -> Tensor:
        """Mean gradient [N] over the pictures that showed the Gaussian."""
        return self.total / self.views.clamp_min(1)


@torch.no_grad()
def densify(
    gaussians: BoundGaussians,
    optimiser: torch.optim.Optimizer,
    pull: Tensor,  # [N]
    *,
    triangles: Tensor,  # [F] scale of each triangle, metres
    extent: float,  # metres, of the cameras
    limit: int,
    generator: torch.Generator,
) -> None:
    """Clone small and split large Gaussians that are pulled strongly, then drop the transparent."""
    hot = pull > PULL
    room = max(0, limit - len(gaussians))
    if int(hot.sum()) > room:
        hot = torch.zeros_like(hot).scatter(0, pull.topk(room).indices, True)
    large = gaussians.scales().amax(1) * triangles[gaussians.binding] > DENSE * extent
    rows = torch.arange(len(gaussians), device=pull.device)
    clones, splits = rows[hot & ~large], rows[hot & large]
    kept = rows[~(hot & large)]
    children = _children(gaussians, torch.cat([splits, splits]), generator)
    _regrow(gaussians, optimiser, torch.cat([kept, clones, splits, splits]), old=len(kept))
    if len(splits):
        gaussians.means[-2 * len(splits) :], gaussians.log_scales[-2 * len(splits) :] = children
    kept = torch.nonzero(_worth_keeping(gaussians))[:, 0]
    _regrow(gaussians, optimiser, kept, old=len(kept))


@torch.no_grad()
def reset_opacity(gaussians: BoundGaussians, optimiser: torch.optim.Optimizer) -> None:
    """Make all Gaussians nearly transparent, so that those which no picture needs fade away."""
    gaussians.logits.clamp_(max=float(torch.tensor(RESET).logit()))
    for moment in MOMENTS:
        optimiser.state[gaussians.logits][moment].zero_()


def _children(gaussians: BoundGaussians, parents: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Means and log scales of smaller Gaussians drawn from the parents' own distribution."""
    scales = gaussians.scales()[parents]
    noise = torch.randn(scales.shape, generator=generator).to(scales.device)
    offsets = (rotations(gaussians.quats[parents]) @ (scales * noise)[:, :, None])[:, :, 0]
    return gaussians.means[parents] + offsets, (scales / SHRINK).log()


def _worth_keeping(gaussians: BoundGaussians) -> Tensor:
    """[N] opaque enough, or the most opaque of its triangle."""
    order = torch.argsort(gaussians.logits, stable=True)
    order = order[torch.argsort(gaussians.binding[order], stable=True)]
    face = gaussians.binding[order]
    keep = gaussians.logits.sigmoid() >= TRANSPARENT
    keep[order[torch.cat([face[1:] != face[:-1], face.new_ones(1, dtype=torch.bool)])]] = True
    return keep


def _regrow(gaussians: BoundGaussians, optimiser: torch.optim.Optimizer, source: Tensor, *, old: int) -> None:
    """Let row i be what row source[i] was; rows from `old` on start without the optimiser's memory."""
    for group in optimiser.param_groups:
        if not hasattr(gaussians, group["name"]):
            continue
        leaf = group["params"][0]
        state = optimiser.state.pop(leaf, {})
        for moment in state.keys() & MOMENTS:  # none yet for harmonics that are not in use
            state[moment] = state[moment][source]
            state[moment][old:] = 0
        grown = Parameter(leaf[source])
        optimiser.state[grown] = state
        group["params"] = [grown]
        setattr(gaussians, group["name"], grown)
    gaussians.binding, gaussians.origin = gaussians.binding[source], gaussians.origin[source]
