"""What is trained: Gaussians in the frames of a head's triangles, and the FLAME parameters that move them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from ...renderer.autograd import rotations
from ...renderer.device_pose import SH0, sh_bases
from ...renderer.gaussians import Gaussians, Shading
from ..avatar import Avatar, ExpressionShading
from ..motion import Motion
from ..shading import MOST
from ..torch_pose import parameters

OPACITY = 0.1  # of a Gaussian at the start
OPAQUE, CLEAR = 0.999, 0.002  # opacities that can still be learned from
POSE = ("rotation", "neck", "jaw", "eyes")


@dataclass(frozen=True, eq=False)
class Splats:
    """Gaussians in world space, as one camera sees them."""

    means: Tensor  # [N, 3]
    axes: Tensor  # [N, 3, 3] half axes in columns: covariance = axes axes^T
    opacities: Tensor  # [N]
    colours: Tensor  # [N, 3]


@dataclass(eq=False)
class BoundGaussians:
    """N Gaussians bound to triangles, as numbers without bounds; lengths in units of the triangle's scale."""

    means: Parameter  # [N, 3]
    log_scales: Parameter  # [N, 3]
    quats: Parameter  # [N, 4] wxyz, of any length
    logits: Parameter  # [N] of opacity
    dc: Parameter  # [N, 1, 3] spherical harmonics of degree 0
    rest: Parameter  # [N, K - 1, 3] and above
    binding: Tensor  # [N] int64
    origin: Tensor  # [N] int64, which of the first Gaussians each descends from

    @staticmethod
    def one_per_face(faces: int, sh_degree: int, device: torch.device) -> BoundGaussians:
        """Round, grey, nearly transparent, as large as their triangles (Qian et al. 2024)."""
        quats = torch.zeros(faces, 4)
        quats[:, 0] = 1
        values = {
            "means": torch.zeros(faces, 3),
            "log_scales": torch.zeros(faces, 3),
            "quats": quats,
            "logits": torch.full((faces,), OPACITY).logit(),
            "dc": torch.zeros(faces, 1, 3),
            "rest": torch.zeros(faces, (sh_degree + 1) ** 2 - 1, 3),
        }
        leaves = {name: Parameter(value.to(device)) for name, value in values.items()}
        return BoundGaussians(
            **leaves, binding=torch.arange(faces, device=device), origin=torch.arange(faces, device=device)
        )

    @staticmethod
    def of(avatar: Avatar, sh_degree: int, device: torch.device) -> BoundGaussians:
        """Those of an avatar; harmonics above `sh_degree` are left out, ones that it lacks are 0."""
        g, count = avatar.gaussians, (sh_degree + 1) ** 2
        sh = np.zeros((len(g), count, 3), np.float32)
        sh[:, : g.sh.shape[1]] = g.sh[:, :count]
        values = {
            "means": torch.from_numpy(g.means.copy()),
            "log_scales": torch.from_numpy(g.scales).log(),
            "quats": torch.from_numpy(g.quats.copy()),
            "logits": torch.from_numpy(g.opacities).clamp(CLEAR, OPAQUE).logit(),
            "dc": torch.from_numpy(sh[:, :1].copy()),
            "rest": torch.from_numpy(sh[:, 1:].copy()),
        }
        leaves = {name: Parameter(value.float().to(device)) for name, value in values.items()}
        binding = torch.from_numpy(avatar.binding.astype(np.int64)).to(device)
        return BoundGaussians(**leaves, binding=binding, origin=torch.arange(len(g), device=device))

    def __len__(self) -> int:
        return len(self.binding)

    def scales(self) -> Tensor:
        """Sizes [N, 3] in units of the triangle's scale."""
        return self.log_scales.exp()

    def posed(self, transforms: Tensor, eye: Tensor, sh_degree: int, change: Tensor | None = None) -> Splats:
        """Carried by world-from-triangle transforms [F, 3, 4], coloured as seen from eye [3]; `change` [N, 3] is added
        to the colours.
        """
        carriers = transforms.flatten(1).index_select(0, self.binding).view(-1, 3, 4)
        linear = carriers[:, :, :3]
        means = (linear * self.means[:, None]).sum(-1) + carriers[:, :, 3]
        return Splats(
            means=means,
            axes=linear @ (rotations(self.quats) * self.scales()[:, None]),
            opacities=self.logits.sigmoid(),
            colours=self._colours(means - eye, sh_degree, change),
        )

    def _colours(self, views: Tensor, sh_degree: int, change: Tensor | None) -> Tensor:
        """max(0, 0.5 + SH + change) along the directions [N, 3] from the eye."""
        colours = 0.5 + SH0 * self.dc[:, 0]
        if sh_degree:
            count = (sh_degree + 1) ** 2 - 1
            bases = _first(sh_bases(torch.nn.functional.normalize(views, dim=1).T[None]), count)
            colours = colours + (torch.stack(bases, -1)[0, :, :, None] * self.rest[:, :count]).sum(1)
        if change is not None:
            colours = colours + change
        return colours.clamp_min(0)

    def numpy(self) -> Gaussians:
        """The same in the renderer's conventions."""
        fields = (
            self.means,
            torch.nn.functional.normalize(self.quats, dim=1),
            self.scales(),
            self.logits.sigmoid(),
            torch.cat([self.dc, self.rest], 1),
        )
        return Gaussians(*(field.detach().cpu().numpy() for field in fields))


def _first(bases: Iterator[Tensor], count: int) -> list[Tensor]:
    return [basis for _, basis in zip(range(count), bases, strict=False)]


@dataclass(frozen=True, eq=False)
class Wrinkles:
    """Colour changes that follow the face, of the Gaussians that a training began with (`ExpressionShading`)."""

    row: Tensor  # [N0] int64: where the first Gaussians stand in `delta`; S: they do not change
    delta: Tensor  # [M, S + 1, 3], the last for those that do not change
    expr: Tensor  # [M, E]
    jaw: Tensor  # [M]
    threshold: Tensor  # [M]

    @staticmethod
    def of(avatar: Avatar, device: torch.device) -> Wrinkles | None:
        """Those of an avatar, if it has any."""
        shading = avatar.shading
        if shading is None:
            return None
        index, delta = shading.colours.index, shading.colours.delta
        row = np.full(len(avatar.gaussians), len(index), np.int64)
        row[index] = np.arange(len(index))
        still = np.zeros_like(delta[:, :1])
        arrays = (row, np.concatenate([delta, still], axis=1), shading.expr, shading.jaw, shading.threshold)
        return Wrinkles(*(torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in arrays))

    def change(self, origin: Tensor, moved: Tensor) -> Tensor:
        """Change of colour [N, 3] of descendants of `origin` [N], moved by parameters [1, E + 18]."""
        expressions = self.expr.shape[1]
        opening = moved[0, expressions + 3 * POSE.index("jaw")]
        driven = self.expr @ moved[0, :expressions] + self.jaw * opening - self.threshold
        return torch.einsum("m,msc->sc", driven.clamp(0, MOST), self.delta)[self.row[origin]]

    def shading(self, origin: Tensor) -> ExpressionShading:
        """The same for descendants of `origin` [N], as an avatar keeps it."""
        row = self.row[origin]
        index = torch.nonzero(row < self.delta.shape[1] - 1)[:, 0]
        delta = self.delta[:, row[index]]
        arrays = (x.cpu().numpy() for x in (self.expr, self.jaw, self.threshold))
        return ExpressionShading(Shading(index.cpu().numpy().astype(np.int32), delta.cpu().numpy()), *arrays)


@dataclass(eq=False)
class Tracking:
    """FLAME parameters of T timesteps, to be refined with the Gaussians; shape and offsets stay as tracked."""

    expr: Parameter  # [T, E]
    pose: Parameter  # [T, 15] rotation, neck, jaw, eyes
    translation: Parameter  # [T, 3]

    @staticmethod
    def of(motion: Motion, device: torch.device) -> Tracking:
        """As tracked."""
        rows = torch.from_numpy(parameters(motion)).to(device)
        widths = (motion.expr.shape[1], rows.shape[1] - motion.expr.shape[1] - 3, 3)
        return Tracking(*(Parameter(part.contiguous()) for part in rows.split(widths, dim=1)))

    def at(self, timestep: int) -> Tensor:
        """All that moves the head in one timestep, [1, E + 18] as `TorchPoser` takes it."""
        return torch.cat([self.expr[timestep], self.pose[timestep], self.translation[timestep]])[None]

    def motion(self, fps: float) -> Motion:
        """The refined parameters."""
        expr, pose, translation = (p.detach().cpu().numpy() for p in (self.expr, self.pose, self.translation))
        parts = np.split(pose, [3, 6, 9], axis=1)
        return Motion(expr=expr, translation=translation, fps=fps, **dict(zip(POSE, parts, strict=True)))
