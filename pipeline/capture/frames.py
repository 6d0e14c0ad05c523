"""Which pictures of a film an avatar learns from, which judge it, and what part of them shows the head."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...renderer import Camera
from ..media.film import Picture

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

MOST_TRAINED, MOST_HELD_OUT = 200, 24  # pictures
HELD_OUT = 0.08  # share of the film at its end, and as much in its middle, that nothing is learned from
BLURRED = 0.4  # of the usual sharpness: below it a picture is left out
TURN, JAW, SHAPE = 1 / 0.10, 1 / 0.05, 1.0  # per radian and per standard deviation: how much apart pictures are
# Metres from the lips to below the chin, from there to the collar, and of the head
CHIN, CHEST, HEAD = 0.05, 0.06, 0.22
HAIR = 0.35  # of the head's height: room for hair above and beside it


def grey_pictures(film: Iterable[Picture], rows: I64) -> list[U8]:
    """The film's pictures of these numbers, ascending, without colour, [H, W] each."""
    import cv2

    wanted = set(rows.tolist())
    shown = (picture.pixels for i, picture in enumerate(film) if i in wanted)
    return [np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8) for pixels in shown]


@dataclass(frozen=True, eq=False)
class Chosen:
    """Numbers of pictures of a film, ascending."""

    train: I64
    held_out: I64

    @property
    def all(self) -> I64:
        """Both, ascending."""
        return np.sort(np.concatenate([self.train, self.held_out]))


def choose(motion: Motion, good: NDArray[np.bool_], sharpness: F64, *, most: int = MOST_TRAINED) -> Chosen:
    """Sharp pictures spread over the poses and mouths of a film, and others, apart in time, to judge by.

    motion: what was solved, a row per picture
    good: [T] whether a picture may be used
    sharpness: [T] of each picture, any unit
    """
    usable = good & (sharpness >= BLURRED * np.median(sharpness[good])) if good.any() else good
    frames = np.flatnonzero(usable)
    apart = np.zeros(len(good), bool)
    block = round(HELD_OUT * len(good))
    apart[len(good) - block :] = True
    apart[len(good) // 2 - block // 2 : len(good) // 2 - block // 2 + block] = True
    kept, judged = frames[~apart[frames]], frames[apart[frames]]
    if len(kept) < 2:
        kept, judged = frames, frames[:0]
    return Chosen(np.sort(_spread(motion, kept, sharpness, most)), judged[:: -(-len(judged) // MOST_HELD_OUT) or 1])


def _spread(motion: Motion, frames: I64, sharpness: F64, most: int) -> I64:
    """Of some pictures those furthest apart in pose and face, the sharper the sooner."""
    if len(frames) <= most:
        return frames
    rows = np.concatenate(
        [
            TURN * (motion.rotation + motion.neck)[frames],
            JAW * motion.jaw[frames, :1],
            SHAPE * motion.expr[frames] / np.sqrt(motion.expr.shape[1]),
        ],
        axis=1,
    )
    weight = np.clip(sharpness[frames] / np.median(sharpness[frames]), 0.5, 1.5)
    picked = [int(weight.argmax())]
    nearest = np.linalg.norm(rows - rows[picked[0]], axis=1)
    while len(picked) < most:
        following = int((nearest * weight).argmax())
        picked.append(following)
        nearest = np.minimum(nearest, np.linalg.norm(rows - rows[following], axis=1))
    return frames[picked]


@dataclass(frozen=True)
class Crop:
    """A part of the film's pictures, made smaller."""

    x: int  # pixels of the film
    y: int
    width: int
    height: int
    scale: float  # pixels here per pixel of the film, at most 1

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels here."""
        return max(8, round(self.width * self.scale)), max(8, round(self.height * self.scale))

    def cut(self, picture: U8) -> U8:
        """The part of a picture [H, W, ...] of the film."""
        part = picture[self.y : self.y + self.height, self.x : self.x + self.width]
        return smaller(part, self.size)

    def camera(self, camera: Camera) -> Camera:
        """The camera of the film as it sees this part."""
        (width, height), K = self.size, camera.K.copy()
        across, down = width / self.width, height / self.height
        K[0] *= across
        K[1] *= down
        K[0, 2] -= self.x * across
        K[1, 2] -= self.y * down
        return Camera(camera.view, K, width, height)


def crop_to_head(head: HeadModel, camera: Camera, motion: Motion, *, size: int) -> Crop:
    """The part of a film that shows the head with its hair and collar in every moment of `motion`; the longer side
    becomes at most `size` pixels.
    """
    poser = Poser(head)
    chin = head.v_template[head.regions["lips"]].mean(axis=0)[1] - CHIN if "lips" in head.regions else 0.0
    shown = np.flatnonzero(head.v_template[:, 1] > chin)
    low, high, bottom = np.full(2, np.inf), np.full(2, -np.inf), -np.inf
    for still in motion.chunks(1):
        pixels, _ = camera.project(poser.vertices(still)[0, shown])
        low, high = np.minimum(low, pixels.min(axis=0)), np.maximum(high, pixels.max(axis=0))
        bottom = max(bottom, pixels[:, 1].max() + CHEST / HEAD * np.ptp(pixels[:, 1]))
    room = HAIR * (high[1] - low[1]) * np.array([0.5, 0.6])
    low, bottom, right = np.maximum(low - room, 0), min(bottom, camera.height), min(high[0] + room[0], camera.width)
    x, y = np.floor(np.minimum(low, [camera.width - 8, camera.height - 8])).astype(int)
    width, height = max(8, int(np.ceil(right - x))), max(8, int(np.ceil(bottom - y)))
    return Crop(int(x), int(y), width, height, min(1.0, size / max(width, height)))


def smaller(picture: U8, size: tuple[int, int]) -> U8:
    """A picture [H, W, ...] in another size (w, h), each pixel the mean of what it covers."""
    import cv2

    if size == picture.shape[1::-1]:
        return picture.copy()
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
