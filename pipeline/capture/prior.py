"""What no camera saw of a person: taken from a built-in person whose Gaussians stand on the same triangles.

The built-in people share the open head's mesh, so that the Gaussians of one, left on their triangles, cover the face of
another. They are toned to the film's colours, and what was not seen follows its mirrored counterpart that was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ...avatars.avatar import SH0, Avatar
from ...avatars.fitting.dataset import View
from ...avatars.fitting.model import BoundGaussians, Wrinkles
from ...avatars.fitting.painters import CpuPainter
from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...avatars.torch_pose import TorchPoser, parameters
from ...core.maths import smoothstep
from ...renderer.autograd import composite, project_axes

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

GROUPS = 10  # colours that a person is made of
HEIGHT_WEIGHT = 2.0  # colour per metre: brows and hair, lips and cheeks are toned apart
HIDDEN, SHOWN = 0.01, 0.05  # share of a Gaussian that is shown: up to which it is unseen, from which surely seen
DARKEST = 0.02  # colour below which its logarithm is not taken
MOST_TONE = 2.5  # of the logarithm of a colour
MIRROR_REACH, SIDE_REACH = 0.004, 0.015  # metres to a counterpart on the other side, and to a neighbour
COUNTERPARTS = 6
ON_SKIN = 0.003  # metres off the mesh up to which a Gaussian is skin: its backing lies 2.2 mm deep
LEAST = np.float32(0.9)  # of its first size: smaller than that no skin becomes
ALIKE = 0.15  # difference of colour up to which Gaussians count as of one kind


def as_person(prior: Avatar, head: HeadModel, name: str) -> Avatar:
    """The Gaussians of `prior` on the head of another, in one colour from all sides: that seen from the front."""
    colours = _colours_from(prior.gaussians.sh, _places(prior), np.array([0, 0.05, 0.6], np.float32))
    sh = ((colours - 0.5) / SH0)[:, None].astype(np.float32)
    return Avatar(name, head, replace(prior.gaussians, sh=sh), prior.binding, shading=prior.shading)


def _colours_from(sh: F32, means: F32, eye: F32) -> F32:
    """Colours [N, 3] as seen from a place."""
    from ...renderer.device_pose import sh_bases

    directions = torch.nn.functional.normalize(torch.from_numpy(means - eye), dim=1).T[None]
    colours = 0.5 + SH0 * sh[:, 0]
    for basis, coefficients in zip(sh_bases(directions), sh[:, 1:].transpose(1, 0, 2), strict=False):
        colours = colours + basis[0].numpy()[:, None] * coefficients
    return np.clip(colours, 0.0, 1.0)


def seen_colours(avatar: Avatar, motion: Motion, views: Sequence[View]) -> tuple[F32, F32]:
    """What pictures show of each Gaussian: mean colour [N, 3] where it lies, and the most that is seen of it, [N] 0..1.

    A picture is the sum of the Gaussians' colours, each times what it covers of a pixel. So the pixels that a Gaussian
    covers, and their mean colour, are gradients of the picture.
    """
    device = torch.device("cpu")
    gaussians, poser = BoundGaussians.of(avatar, 0, device), TorchPoser(avatar.head, device)
    filled, most, colour = (torch.zeros(len(avatar.gaussians), n) for n in (1, 1, 3))
    rows = torch.from_numpy(parameters(motion))
    for view in views:
        camera = view.camera
        size = camera.width, camera.height
        with torch.no_grad():
            transforms = poser.transforms(rows[view.timestep : view.timestep + 1])[0]
            splats = gaussians.posed(transforms, torch.tensor(camera.position, dtype=torch.float32), 0)
            screen, conics, depths, _ = project_axes(splats.means, splats.axes, camera=camera)
            xx, xy, yy = conics.unbind(1)
            inside = ((screen > 0) & (screen < torch.tensor(size))).all(1)
            whole = splats.opacities * 2 * torch.pi / (xx * yy - xy * xy).clamp_min(1e-12).sqrt()
        picture, share = _with_alpha(view)
        shown = splats.colours.clone().requires_grad_()
        drawn = composite(screen, conics, depths, splats.opacities, shown, width=size[0], height=size[1])[..., :3]
        colour += torch.autograd.grad(drawn, shown, (picture * share).contiguous(), retain_graph=True)[0]
        found = torch.autograd.grad(drawn, shown, share.expand(-1, -1, 3).contiguous())[0][:, :1]
        filled += found
        most = torch.maximum(most, inside[:, None] * found / whole.clamp_min(1e-3)[:, None])
    return (colour / filled.clamp_min(1e-6)).numpy(), most.clamp(0, 1)[:, 0].numpy()


def _with_alpha(view: View) -> tuple[torch.Tensor, torch.Tensor]:
    """Colour [H, W, 3] and coverage [H, W, 1] of a picture, 0..1."""
    rgba = torch.from_numpy(view.cut_out().astype(np.float32) / 255)
    return rgba[..., :3], rgba[..., 3:]


def toned(avatar: Avatar, seen: F32, shown: F32, *, seed: int = 0) -> Avatar:
    """The avatar with each of its colours moved to what the pictures show where it lies.

    The Gaussians are sorted into groups of like colour, and each group's colours are multiplied by one factor, which
    leaves texture and shading as they are. seen, shown: from `seen_colours`.
    """
    own = colours_of(avatar)
    groups = _groups(avatar, own, seed)
    weight = np.where(shown > HIDDEN, shown, 0) * avatar.gaussians.opacities * _areas(avatar)
    overall = _tone(own, seen, weight)
    tones = np.tile(overall, (GROUPS, 1))
    for k in range(GROUPS):
        mine = np.where(groups == k, weight, 0)
        trust = mine.sum() / (mine.sum() + 0.002 * weight.sum() + 1e-6)
        tones[k] = trust * _tone(own, seen, mine) + (1 - trust) * overall
    return with_colours(avatar, own * np.exp(tones[groups]))


def _groups(avatar: Avatar, colours: F32, seed: int) -> NDArray[np.int32]:
    """[N] which group of like colour and height each Gaussian is in."""
    import cv2

    height = avatar.head.v_template[avatar.head.faces[avatar.binding]].mean(axis=1)[:, 1:2]
    rows = np.concatenate([np.log(np.maximum(colours, DARKEST)) / 2, HEIGHT_WEIGHT * height], axis=1).astype(np.float32)
    rule = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 1e-3)
    cv2.setRNGSeed(seed)
    return cv2.kmeans(rows, GROUPS, None, rule, 1, cv2.KMEANS_PP_CENTERS)[1][:, 0]  # pyright: ignore


def _tone(own: F32, seen: F32, weight: F32) -> F64:
    """Mean change [3] of the logarithm of colours."""
    if weight.sum() <= 0:
        return np.zeros(3)
    change = np.log(np.maximum(seen, DARKEST)) - np.log(np.maximum(own, DARKEST))
    return np.clip(np.average(change, axis=0, weights=weight), -MOST_TONE, MOST_TONE)


def completed(start: Avatar, trained: Avatar, origin: NDArray[np.int64], shown: F32) -> Avatar:
    """The trained avatar with what no picture showed coloured as its mirrored counterpart, or else its neighbours.

    Each Gaussian that was not seen takes the change of colour that those near it, or near its mirror image, took from
    `start`; far from everything seen it keeps the start's. origin: [N] the Gaussian of `start` that each descends from.
    shown: [N] from `seen_colours`.
    """
    from scipy.spatial import KDTree

    places = _places(trained)
    before, after = colours_of(start)[origin], colours_of(trained)
    change = np.log(np.maximum(after, DARKEST)) - np.log(np.maximum(before, DARKEST))
    trust = smoothstep((shown - HIDDEN) / (SHOWN - HIDDEN))
    known, doubtful = shown >= SHOWN, np.flatnonzero(trust < 1)
    if not known.any() or not len(doubtful):
        return trained
    tree = KDTree(places[known])
    own, changes = before[known], change[known]
    count = min(COUNTERPARTS, int(known.sum()))
    wanted, total = np.zeros((len(doubtful), 3)), np.zeros((len(doubtful), 1))
    for turn, reach, worth in (((-1, 1, 1), MIRROR_REACH, 4.0), ((1, 1, 1), SIDE_REACH, 1.0)):
        distance, index = tree.query(places[doubtful] * np.array(turn), count, distance_upper_bound=3 * reach)
        distance, index = distance.reshape(len(doubtful), count), index.reshape(len(doubtful), count)
        near = np.isfinite(distance)
        index = np.where(near, index, 0)
        alike = np.exp(-(((own[index] - before[doubtful, None]) / ALIKE) ** 2).sum(axis=2))
        weight = worth * near * alike * np.exp(-((np.where(near, distance, 0) / reach) ** 2))
        wanted += (weight[..., None] * changes[index]).sum(axis=1)
        total += weight.sum(axis=1, keepdims=True)
    guess = smoothstep(total / 0.5) * wanted / np.maximum(total, 1e-6)
    share = trust[doubtful, None]
    moved = share * change[doubtful] + (1 - share) * np.clip(guess, -MOST_TONE, MOST_TONE)
    colours = after.copy()
    colours[doubtful] = before[doubtful] * np.exp(moved)
    return with_colours(trained, colours)


def solid(start: Avatar, trained: Avatar, origin: NDArray[np.int64]) -> Avatar:
    """The trained avatar with skin as opaque, and nearly as large, as `start` has it.

    Where the head's outline was found a little beside the picture's, training makes the skin there transparent and
    small, and the room would shine through the cheeks. Hair, which lies off the skin, may be as thin as it was learned.
    """
    head = trained.head
    skin = np.zeros(len(head.v_template), bool)
    skin[head.regions["skin"]] = True
    normals = _carriers(trained)[:, :, 1]
    above = np.abs(start.gaussians.means[origin, 1]) * np.linalg.norm(normals, axis=1)
    on_skin = skin[head.faces[trained.binding]].all(axis=1) & (above < ON_SKIN)
    g, before = trained.gaussians, start.gaussians.select(origin)
    opaque = np.where(on_skin, np.maximum(g.opacities, before.opacities), g.opacities)
    large = np.where(on_skin[:, None], np.maximum(g.scales, LEAST * before.scales), g.scales)
    return replace(trained, gaussians=replace(g, opacities=opaque, scales=large.astype(np.float32)))


def _areas(avatar: Avatar) -> F32:
    """About how much surface each Gaussian covers, [N], square metres."""
    sizes = np.sort(avatar.gaussians.scales, axis=1) * np.linalg.norm(_carriers(avatar)[:, :, 0], axis=1)[:, None]
    return sizes[:, 1] * sizes[:, 2]


def _places(avatar: Avatar) -> F32:
    """Where the Gaussians are at rest, [N, 3] metres."""
    rest = _carriers(avatar)
    return np.einsum("nij,nj->ni", rest[:, :, :3], avatar.gaussians.means) + rest[:, :, 3]


def _carriers(avatar: Avatar) -> F32:
    """[N, 3, 4] of each Gaussian, from its triangle's coordinates to the world's, at rest."""
    return Poser(avatar.head).transforms(Motion.rest(1, avatar.head.expressions, 25.0))[0][avatar.binding]


def colours_of(avatar: Avatar) -> F32:
    """Colours [N, 3] that do not depend on the view."""
    return 0.5 + SH0 * avatar.gaussians.sh[:, 0]


def with_colours(avatar: Avatar, colours: NDArray[np.floating]) -> Avatar:
    """The avatar in other colours [N, 3]."""
    sh = avatar.gaussians.sh.copy()
    sh[:, 0] = (np.clip(colours, 0, 1) - 0.5) / SH0
    return replace(avatar, gaussians=replace(avatar.gaussians, sh=sh))


def closeness(avatar: Avatar, motion: Motion, views: Sequence[View]) -> float:
    """How unlike the avatar, over white, is to pictures: mean absolute difference, 0..1."""
    device = torch.device("cpu")
    gaussians, poser, wrinkles = (
        BoundGaussians.of(avatar, 0, device),
        TorchPoser(avatar.head, device),
        Wrinkles.of(avatar, device),
    )
    rows, found = torch.from_numpy(parameters(motion)), []
    with torch.no_grad():
        for view in views:
            camera, moved = view.camera, rows[view.timestep : view.timestep + 1]
            change = wrinkles.change(gaussians.origin, moved) if wrinkles else None
            eye = torch.tensor(camera.position, dtype=torch.float32)
            splats = gaussians.posed(poser.transforms(moved)[0], eye, 0, change)
            picture, share = _with_alpha(view)
            apart = CpuPainter().draw(splats, camera).image - (picture * share + 1 - share)
            found.append(float(apart.abs().mean()))
    return float(np.mean(found))
