"""The person cut out of the film: by GrabCut from where the solved head is, or by masks that another program made.

No network that segments people comes with emosplat. What is certain is drawn: the solved head's own outline is person,
what lies far from it is background. Between them GrabCut (Rother et al. 2004, as OpenCV has it) decides by colour, and
where the camera stood still also by the picture of the room that is seen when the head is elsewhere. What stands close
beside the head all through the film is room, too, where nothing of the person has its colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...core.errors import InputError
from ...renderer import Camera
from .frames import Crop, smaller
from .request import PHOTOS

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

INSIDE, HAIR_ROOM = 0.02, 0.50  # of the head's width: how far in the outline is certain, and how far out hair may be
GRABCUT_SIDE = 256  # pixels of the longer side at which GrabCut works
# of the head's width: as far out a pixel is as likely hair as not, and from where on most are background
HAIR, FAR = 0.15, 0.32
LITTLE = 0.2  # share of the picture
ROUNDS = 1
BINS, SMOOTH = 24, 0.8  # of a histogram of colours along each axis, and by how many it is blurred
STEADY, SAME, OTHER = 6.0, 14.0, 40.0  # levels: a room that stands still, what looks like it, and what surely does not
FEWEST_SEEN = 4  # pictures that must show a part of the room
# Beside the head the room is looked for where the head is farthest: from this quantile of its distances on, at least so
# many of the head's widths away; how likely a colour is the person's that is taken for the room's
FARTHEST, BESIDE, STRANGE = 0.7, 0.08, 0.1
SOFT = 4  # pixels over which a mask follows the picture's edges


def silhouettes(head: HeadModel, camera: Camera, motion: Motion) -> Iterator[U8]:
    """The outline of the mesh in each moment, [H, W] of 0 and 255."""
    import cv2

    poser = Poser(head)
    for still in motion.chunks(1):
        pixels, _ = camera.project(poser.vertices(still)[0])
        mask = np.zeros((camera.height, camera.width), np.uint8)
        corners = np.clip(pixels * 16, -(2**20), 2**20).round().astype(np.int32)[head.faces]
        for triangle in corners:
            cv2.fillConvexPoly(mask, triangle, 255, shift=4)
        yield mask


def cut_out(pictures: Sequence[U8], outlines: Sequence[U8], *, head_width: float) -> list[U8]:
    """How much of each pixel is the person, [H, W] of 0..255, for pictures [H, W, 3] of one film.

    outlines: [H, W] of each picture, from `silhouettes`
    head_width: pixels
    """
    import cv2

    height, width = outlines[0].shape
    scale = min(1.0, GRABCUT_SIDE / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = [smaller(p, size) for p in pictures]
    shapes = [np.asarray(cv2.resize(o, size, interpolation=cv2.INTER_NEAREST)) for o in outlines]
    inside = _disc(INSIDE * head_width * scale)
    around = _disc(HAIR_ROOM * head_width * scale)
    certain = [cv2.erode(s, inside) > 0 for s in shapes]
    outside = [cv2.dilate(s, around) == 0 for s in shapes]
    room, known = _room(small, outside)
    away = [
        np.asarray(cv2.distanceTransform((~person).astype(np.uint8), cv2.DIST_L2, 5), np.float32) / (head_width * scale)
        for person in certain
    ]
    scarce = np.mean(outside) < LITTLE  # of the room hardly anything is seen for certain
    apart = [distance > FAR for distance in away] if scarce else outside
    room, known = _steady_room(small, certain, away, apart, room, known)
    uncovered = [known & (np.abs(picture - room).max(axis=2) < SAME) for picture in small]
    likely = _likely(
        small, certain, [far | seen & ~person for far, seen, person in zip(apart, uncovered, certain, strict=True)]
    )
    cut = []
    for picture, person, beyond, distance, large in zip(small, certain, outside, away, pictures, strict=True):
        alike = likely[_bins(picture)] > 1 / (1 + np.exp(1 - distance / HAIR))
        mask = _grabbed(picture, person, beyond, alike, room, known)
        mask = _one_piece(mask, person)
        share = np.asarray(cv2.resize(mask.astype(np.float32), (width, height)), np.float32)
        soft = _follow(large, share, radius=SOFT)
        cut.append(np.clip(255 * (soft - 0.08) / 0.84, 0, 255).round().astype(np.uint8))
    return cut


def _grabbed(
    picture: U8,
    person: NDArray[np.bool_],
    beyond: NDArray[np.bool_],
    alike: NDArray[np.bool_],
    room: F32,
    known: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """One picture by GrabCut; `alike` [H, W]: near enough for its colour to be the person's."""
    import cv2

    labels = np.full(person.shape, cv2.GC_PR_BGD, np.uint8)
    apart = np.abs(picture.astype(np.float32) - room).max(axis=2)
    labels[known & (apart > OTHER)] = cv2.GC_PR_FGD
    labels[alike] = cv2.GC_PR_FGD
    labels[known & (apart < SAME)] = cv2.GC_BGD
    labels[beyond] = cv2.GC_BGD
    labels[person] = cv2.GC_FGD
    if not beyond.any() or person.all():
        return ~beyond
    background, person_model = np.zeros((1, 65)), np.zeros((1, 65))
    nowhere = (0, 0, 1, 1)  # the rectangle that is not used
    bgr = np.ascontiguousarray(picture[..., ::-1])
    cv2.setRNGSeed(0)
    cv2.grabCut(bgr, labels, nowhere, background, person_model, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def _likely(pictures: Sequence[U8], persons: Sequence[NDArray[np.bool_]], outside: Sequence[NDArray[np.bool_]]) -> F32:
    """How likely each colour [BINS, BINS, BINS] is the person's, 0..1, by what is (nearly) certain in all pictures."""
    from scipy.ndimage import gaussian_filter

    def histogram(where: Sequence[NDArray[np.bool_]]) -> NDArray[np.float64]:
        counts = np.zeros((BINS,) * 3)
        for picture, mask in zip(pictures, where, strict=True):
            np.add.at(counts, tuple(axis[mask] for axis in _bins(picture)), 1)
        return gaussian_filter(counts / max(counts.sum(), 1), SMOOTH) + 1e-7

    person, room = histogram(persons), histogram(outside)
    return (person / (person + room)).astype(np.float32)


def _bins(picture: U8) -> tuple[NDArray[np.int64], ...]:
    """In which bin of each axis the pixels [H, W] of a picture are."""
    return tuple(np.moveaxis(picture.astype(np.int64) * BINS // 256, -1, 0))


def _room(pictures: Sequence[U8], outside: Sequence[NDArray[np.bool_]]) -> tuple[F32, NDArray[np.bool_]]:
    """The background [H, W, 3] where it was seen and stood still, and where that is [H, W]."""
    stack = np.stack(pictures).astype(np.float32)
    stack[~np.stack(outside)] = np.nan
    seen = np.isfinite(stack[..., 0]).sum(axis=0)
    stack[:, seen == 0] = 0
    room = np.nanmedian(stack, axis=0)
    spread = np.nanmedian(np.abs(stack - room), axis=0).max(axis=2)
    return room.astype(np.float32), (seen >= min(FEWEST_SEEN, len(pictures) + 1)) & (spread < STEADY)


def _steady_room(
    pictures: Sequence[U8],
    persons: Sequence[NDArray[np.bool_]],
    away: Sequence[F32],
    apart: Sequence[NDArray[np.bool_]],
    room: F32,
    known: NDArray[np.bool_],
) -> tuple[F32, NDArray[np.bool_]]:
    """The room and where it is known, with what is never seen far from the head, where it stands still and has a colour
    that the person has not.

    away: [H, W] of each picture, head's widths from what is certainly the person
    """
    least = np.maximum(np.quantile(np.stack(away), FARTHEST, axis=0), BESIDE)
    beside, steady = _room(pictures, [distance >= least for distance in away])
    steady &= ~known
    near = [steady & (distance > BESIDE) | beyond for distance, beyond in zip(away, apart, strict=True)]
    unlike = _likely(pictures, persons, near)[_bins(beside.astype(np.uint8))] < STRANGE
    found = steady & unlike
    return np.where(found[..., None], beside, room), known | found


def _one_piece(mask: NDArray[np.bool_], person: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What hangs together with the person, without holes."""
    import cv2

    _, parts = cv2.connectedComponents(mask.astype(np.uint8))
    kept = np.isin(parts, np.unique(parts[person & mask])) & mask
    _, holes, sizes, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    edge = np.unique(np.concatenate([holes[0], holes[-1], holes[:, 0], holes[:, -1]]))
    small = [i for i in range(1, len(sizes)) if i not in edge and sizes[i, cv2.CC_STAT_AREA] < 0.002 * mask.size]
    return kept | np.isin(holes, small) & ~kept


def _follow(picture: U8, mask: F32, *, radius: int) -> F32:
    """The mask [H, W] in 0..1 led along the edges of the picture (guided filter, He et al. 2010)."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    size = (2 * radius + 1, 2 * radius + 1)
    mean, share = cv2.blur(grey, size), cv2.blur(mask, size)
    slope = (cv2.blur(grey * mask, size) - mean * share) / (cv2.blur(grey * grey, size) - mean * mean + 1e-4)
    return np.asarray(cv2.blur(slope, size) * grey + cv2.blur(share - slope * mean, size), np.float32)


def _disc(radius: float) -> U8:
    import cv2

    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def without_background(picture: U8, mask: U8, *, radius: int = 6) -> U8:
    """RGBA [H, W, 4] with the room's colour taken out of the half transparent edge."""
    import cv2

    share = mask.astype(np.float32) / 255
    behind, colour = (1 - share) ** 4, picture.astype(np.float32)
    size = (4 * radius + 1, 4 * radius + 1)
    total = cv2.blur(behind, size)[..., None]
    room = cv2.blur(colour * behind[..., None], size) / np.maximum(total, 1e-4)
    clean = (colour - (1 - share[..., None]) * room) / np.maximum(share[..., None], 0.15)
    edge = ((share > 0.02) & (share < 0.98))[..., None] & (total > 1e-3)
    rgb = np.where(edge, clean, colour)
    return np.dstack([np.clip(rgb, 0, 255).round().astype(np.uint8), mask])


@dataclass(frozen=True)
class GivenMasks:
    """Masks that another program made: a picture per frame of the film in a folder, or a film of them.

    White is the person; of pictures the transparency counts where they have any. In a folder the order of names counts.
    """

    path: Path

    def read(self, frames: Sequence[int], count: int) -> dict[int, U8]:
        """The masks [H, W] of some of the film's `count` frames, as large as they are; raises InputError."""
        wanted = set(map(int, frames))
        if self.path.is_dir():
            files = self._files(count)
            return {i: _mask_of(files[i]) for i in wanted}
        found = {i: m for i, m in enumerate(_mask_film(self.path)) if i in wanted}
        if missing := wanted - found.keys():
            raise InputError(
                f"{self.path}: expected a mask for each of the film's {count} pictures, found none for {min(missing)}"
            )
        return found

    def files(self) -> list[Path]:
        """The film of masks, or the pictures in the order of their names."""
        if not self.path.is_dir():
            return [self.path]
        return sorted(p for p in self.path.iterdir() if p.suffix.lower() in PHOTOS)

    def _files(self, count: int) -> list[Path]:
        files = self.files()
        if len(files) != count:
            raise InputError(
                f"{self.path}: expected a mask for each of the film's {count} pictures, found {len(files)}"
            )
        return files


def _mask_of(path: Path) -> U8:
    from PIL import Image

    try:
        with Image.open(path) as image:
            transparent = image.mode in ("RGBA", "LA", "PA")
            return np.asarray(image.getchannel("A") if transparent else image.convert("L")).copy()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: expected a picture, found something else ({error})") from error


def _mask_film(path: Path) -> Iterator[U8]:
    """The masks of a film."""
    from ..media.film import pictures

    return (picture.pixels.max(axis=2) for picture in pictures(path))


def fitted(mask: U8, crop: Crop, film_size: tuple[int, int]) -> U8:
    """The part of a mask of any size that belongs to a crop of a film of `film_size` (w, h)."""
    return crop.cut(smaller(mask, film_size))
