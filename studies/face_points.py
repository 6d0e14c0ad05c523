"""Where our faces are in the picture: dots for point-light displays, the mouth, the eyes; and how wide a face is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..avatars.head import JOINTS, HeadModel
from ..avatars.motion import Motion
from ..avatars.pose import Poser
from ..avatars.surface import Surface
from ..pipeline.camera.path import MovingCamera, head_poses, open_camera
from ..pipeline.settings import ClipSettings

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

DOTS = 100  # about as many as Bassili (1978) scattered over a face
LIP_DOTS = 14  # of which so many are on the inner edge of the lips
NOT_SKIN = ("left_eye", "right_eye", "mouth_bag", "tongue", "teeth_upper", "teeth_lower")
FACING = 0.2  # cosine to the line of sight from which on skin is seen
CHUNK = 50  # frames that are posed at a time
# Of the distance between the eyes' centres
HALF_WIDTH, FOREHEAD, CHIN = 1.3, 1.1, 0.85  # from the midline, above the eyes, below the mouth
EYE_SIDE, EYE_ABOVE, EYE_BELOW = 0.5, 0.65, 0.35


@dataclass(frozen=True, eq=False)
class FacePoints:
    """Points of one face over T frames, pixels (x, y) from the picture's upper left corner."""

    dots: F32  # [T, D, 2]
    seen: NDArray[np.bool_]  # [T, D] whether a dot faces the camera
    mouth: F32  # [T, M, 2] all around the lips
    eyes: F32  # [T, E, 2] lids and brows of both

    def save(self, path: Path) -> None:
        """Write them for `load`."""
        np.savez(path, dots=self.dots, seen=self.seen, mouth=self.mouth, eyes=self.eyes)

    @staticmethod
    def load(path: Path) -> FacePoints:
        """What `save` wrote."""
        with np.load(path) as file:
            return FacePoints(**{name: file[name] for name in ("dots", "seen", "mouth", "eyes")})


class FaceMarks:
    """Which vertices of a head are dots, mouth and eyes, by its joints and the corners of its mouth."""

    def __init__(self, head: HeadModel) -> None:
        self.head = head
        points = head.v_template.astype(np.float64)
        left, right = (head.joints[JOINTS.index(f"{side}_eye")].astype(np.float64) for side in ("left", "right"))
        unit = float(np.linalg.norm(left - right))
        middle, mouth = (left + right) / 2, points[head.mouth_corners].mean(axis=0)
        normals = Surface(points, head.faces).normals
        skin = np.ones(len(points), bool)
        for name in NOT_SKIN:
            skin[head.regions.get(name, np.zeros(0, int))] = False
        x, y, z = points.T
        across, up = np.abs(x - middle[0]) / unit, (y - middle[1]) / unit
        face = skin & (normals[:, 2] > FACING) & (across < HALF_WIDTH) & (up < FOREHEAD)
        face &= (y > mouth[1] - CHIN * unit) & (z > head.joints[JOINTS.index("jaw")][2])
        near = np.minimum(*(np.abs(x - eye[0]) / unit for eye in (left, right)))
        self.eyes = np.flatnonzero(face & (near < EYE_SIDE) & (up < EYE_ABOVE) & (up > -EYE_BELOW))
        lips = head.regions.get("lips", head.lip_pairs.ravel())
        self.mouth = np.unique(np.concatenate([lips, head.mouth_corners, head.lip_pairs.ravel()]))
        on_lips = head.lip_pairs[np.linspace(0, len(head.lip_pairs) - 1, LIP_DOTS // 2).round().astype(int)]
        self.dots = _spread(points, np.flatnonzero(face), first=np.unique(on_lips), count=DOTS)
        self._sight = normals[self.dots]
        self._sight[np.isin(self.dots, on_lips)] = (0, 0, 1)  # their edges turn inwards and are seen all the same
        self.width = float(np.ptp(points[face, 0]))  # metres
        self.centre = (middle + mouth) / 2

    def facing(self, motion: Motion, eye: F64) -> NDArray[np.bool_]:
        """Whether the dots [T, D] face a camera at `eye` [T, 3]; their normals turn with the head."""
        poses = head_poses(self.head, motion)  # [T, 3, 4]
        sight = np.einsum("tab,nb->tna", poses[:, :, :3], self._sight)
        places = np.einsum("tab,nb->tna", poses[:, :, :3], self.head.v_template[self.dots]) + poses[:, None, :, 3]
        towards = eye[:, None] - places
        towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
        return (sight * towards).sum(axis=-1) > FACING / 2


def face_points(motion: Motion, head: HeadModel, settings: ClipSettings) -> FacePoints:
    """The points of a face that moves so, before the settings' camera; raises InputError."""
    marks, poser = FaceMarks(head), Poser(head)
    path = open_camera(settings.camera, head, width=settings.width, height=settings.height)
    groups = {"dots": marks.dots, "mouth": marks.mouth, "eyes": marks.eyes}
    found: dict[str, list[F32]] = {name: [] for name in groups}
    seen: list[NDArray[np.bool_]] = []
    for chunk, filmed in MovingCamera(path, head, lock=settings.camera_lock).follow(motion.chunks(CHUNK)):
        cameras = filmed * len(chunk) if len(filmed) == 1 else filmed
        vertices = poser.vertices(chunk)
        for name, vertex in groups.items():
            pixels = [camera.project(frame[vertex])[0] for camera, frame in zip(cameras, vertices, strict=True)]
            found[name].append(np.array(pixels, np.float32))
        seen.append(marks.facing(chunk, np.array([camera.position for camera in cameras])))
    return FacePoints(
        **{name: np.concatenate(parts) for name, parts in found.items()},
        seen=np.concatenate(seen),
    )


def face_width(head: HeadModel, settings: ClipSettings) -> float:
    """Pixels from cheek to cheek of a head at rest before the settings' camera, as if it were seen from the front."""
    marks = FaceMarks(head)
    camera = open_camera(settings.camera, head, width=settings.width, height=settings.height).at(0.0)
    _, depth = camera.project(marks.centre)
    return float(camera.K[0, 0] * marks.width / max(float(depth), 1e-6))


def _spread(points: F64, among: I64, *, first: NDArray[np.integer], count: int) -> I64:
    """`first`, and vertices `among` which each is the farthest from all before it, `count` in all."""
    chosen = [*first]
    distance = np.min(np.linalg.norm(points[among][:, None] - points[first], axis=-1), axis=1)
    while len(chosen) < min(count, len(among)):
        k = int(distance.argmax())
        chosen.append(among[k])
        distance = np.minimum(distance, np.linalg.norm(points[among] - points[among[k]], axis=1))
    return np.array(chosen)
