"""A sweep over plausible poses and cameras that counts what a viewer would take for a fault of the avatar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...blendshapes.solve.articulation import LipGap
from ...renderer import Camera, Rasterizer
from ...renderer.mesh import view_mesh
from ..camera.views import orbit_camera
from .faults import EYE, TEETH, THROUGH_SHARE, Observer, Piece, View, pieces
from .poses import plausible_poses

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SIZE = 1024  # pixels
YAW, PITCH = 60.0, 15.0  # degrees either way
NEUTRAL_STEP = 20.0  # degrees between the views of the neutral face that tell moles from specks

KINDS = {  # unit of the amount, and meaning
    "hole": ("pixels", "background, or the inside of the head, shines through"),
    "speck": ("grey levels", "isolated dot on the skin that the neutral face has not"),
    "eye through lid": ("mm2", "eyeball in front of skin that should cover it"),
    "teeth through lip": ("mm2", "tooth in front of skin that should cover it"),
    "eye open in blink": ("mm2", "eyeball visible although the lids are closed"),
    "lips apart": ("mm", "lips do not meet at /p b m/"),
}

# What counts as seen
HOLE = 2  # pixels in one piece
SPECK_LEVELS = 16.0  # grey levels from what is around: a dot that is seen at a glance
SPECK_SPREAD = 8.0  # robust standard deviations of the neutral skin's texture; the larger of the two counts
SPECK_LARGEST = 30  # pixels, a dot of 2 mm; larger ones are features
THROUGH = 0.4e-6  # square metres in one piece: a dot of 0.7 mm
EYE_OPEN = 1e-6  # square metres of eyeball in one piece: a slit of 0.3 x 3 mm
APART = 0.0005  # metres


@dataclass(frozen=True)
class Fault:
    """One fault in one pose."""

    kind: str  # of `KINDS`
    pose: int
    amount: float  # in the unit of its kind
    x: int = SIZE // 2
    y: int = SIZE // 2  # where in the picture


@dataclass(frozen=True, eq=False)
class CheckResult:
    """What a sweep found."""

    avatar: str
    poses: int
    closed_lids: int  # poses in which the lids must be shut
    closed_lips: int  # poses in which the lips must be
    widest_closed_lips_mm: float
    speck_threshold: float  # grey levels
    faults: list[Fault]

    def count(self, kind: str) -> tuple[int, int]:
        """Faults of a kind, and poses that show one."""
        found = [f.pose for f in self.faults if f.kind == kind]
        return len(found), len(set(found))

    def worst(self, kind: str) -> Fault | None:
        """The largest fault of a kind."""
        return max((f for f in self.faults if f.kind == kind), key=lambda f: f.amount, default=None)

    def lines(self) -> Iterator[str]:
        """The result in words."""
        closed = f"{self.closed_lids} with closed lids, {self.closed_lips} with closed lips"
        yield f"{self.avatar}: {self.poses} poses, {closed}"
        for kind, (unit, meaning) in KINDS.items():
            faults, poses = self.count(kind)
            worst = self.worst(kind)
            largest = "" if worst is None else f", worst {worst.amount:.1f} {unit} in pose {worst.pose}"
            yield f"{kind + ':':<18} {faults} in {poses} poses{largest}   ({meaning})"
        if self.closed_lips:
            yield f"lips at /p b m/ are at most {self.widest_closed_lips_mm:.2f} mm apart"

    def record(self) -> dict[str, Any]:
        """The result as plain values for JSON."""
        kinds = {}
        for kind in KINDS:
            faults, poses = self.count(kind)
            worst = self.worst(kind)
            kinds[kind] = {"faults": faults, "poses": poses, "worst": None if worst is None else round(worst.amount, 2)}
        return {
            "avatar": self.avatar,
            "poses": self.poses,
            "closed_lids": self.closed_lids,
            "closed_lips": self.closed_lips,
            "widest_closed_lips_mm": round(self.widest_closed_lips_mm, 3) if self.closed_lips else None,
            "speck_threshold": round(self.speck_threshold, 1),
            "kinds": kinds,
        }


class AvatarCheck:
    """Holds one avatar against plausible poses, seen from cameras up to 60 degrees to the side."""

    def __init__(self, avatar: Avatar, rasterizer: Rasterizer, *, poses: int = 500, seed: int = 0) -> None:
        self.avatar = avatar
        self.poses = plausible_poses(avatar.head, poses, seed=seed)
        self._observer = Observer(avatar, rasterizer)
        self._neutrals: dict[tuple[int, int], View] = {}
        rng = np.random.default_rng([seed, 1])
        self._angles = rng.uniform((-YAW, -PITCH), (YAW, PITCH), (len(self.poses.shut), 2))

    def run(self, report: Callable[[int, int], None] = lambda done, total: None) -> CheckResult:
        """Look at every pose; `report` gets the poses done and their number."""
        count = len(self.poses.shut)
        gaps = self._closed_gaps()
        faults = [
            Fault("lips apart", int(pose), 1000 * float(gap))
            for pose, gap in zip(np.flatnonzero(self.poses.sealed), gaps, strict=False)
            if gap > APART
        ]
        for pose in range(count):
            faults += self._faults(pose)
            report(pose + 1, count)
        return CheckResult(
            avatar=self.avatar.name,
            poses=count,
            closed_lids=int(self.poses.shut.sum()),
            closed_lips=len(gaps),
            widest_closed_lips_mm=1000 * float(gaps.max(initial=-np.inf)),
            speck_threshold=self._speck_threshold,
            faults=faults,
        )

    def view(self, pose: int) -> View:
        """Everything that can be told about one pose of the sweep."""
        return self._observer.view(self.poses.motion[pose : pose + 1], self._camera(*self._angles[pose]))

    def picture(self, pose: int) -> U8:
        """The picture [1024, 1024, 3] of one pose of the sweep, over white."""
        return self._observer.picture(self.poses.motion[pose : pose + 1], self._camera(*self._angles[pose]))

    def _neutral(self, yaw: float, pitch: float) -> View:
        """The neutral face from about there."""
        key = round(yaw / NEUTRAL_STEP), 1 if pitch > 0 else -1
        if key not in self._neutrals:
            self._neutrals[key] = self._observer.view(
                self._rest, self._camera(NEUTRAL_STEP * key[0], PITCH / 2 * key[1])
            )
        return self._neutrals[key]

    @property
    def _rest(self) -> Motion:
        return Motion.rest(1, self.avatar.head.expressions, 25.0)

    def _camera(self, yaw: float, pitch: float) -> Camera:
        return orbit_camera(self.avatar.head, yaw=yaw, pitch=pitch, width=SIZE, height=SIZE)

    def _faults(self, pose: int) -> Iterator[Fault]:
        view = self.view(pose)
        for piece in pieces(view.holes(), at_least=HOLE):
            yield _fault("hole", pose, piece, piece.pixels)
        dots = [p for p in view.specks(self._speck_threshold) if p.pixels <= SPECK_LARGEST]
        for piece in dots:
            if not view.is_spot(piece, self._neutral(*self._angles[pose])):
                yield _fault("speck", pose, piece, piece.peak)
        for kind, mask, smallest in self._areas(view, shut=bool(self.poses.shut[pose])):
            for piece in pieces(mask, at_least=smallest / view.pixel_area):
                yield _fault(kind, pose, piece, 1e6 * piece.pixels * view.pixel_area)

    def _areas(self, view: View, *, shut: bool) -> Iterator[tuple[str, Mask, float]]:
        """Kinds of fault, where they are, and the smallest area that counts, square metres."""
        parts = self._observer.parts
        yield "eye through lid", view.through(parts.eyes, self._outer, label=EYE), THROUGH
        yield "teeth through lip", view.through(parts.teeth, self._outer, label=TEETH), THROUGH
        if shut:
            yield "eye open in blink", view.share(EYE) > THROUGH_SHARE, EYE_OPEN

    @cached_property
    def _speck_threshold(self) -> float:
        """Grey levels: what is visible, or what stands out from the texture of this person's neutral skin."""
        spreads = [0.0]
        for yaw in (-40.0, 0.0, 40.0):
            difference, skin = self._observer.view(self._rest, self._camera(yaw, 0)).texture()
            if skin.any():
                spreads.append(1.4826 * float(np.median(difference[skin])))
        return max(SPECK_LEVELS, SPECK_SPREAD * max(spreads))

    @cached_property
    def _outer(self) -> Mask:
        """Triangles of skin that are seen with lids and lips closed, were there no eyeballs or teeth behind them."""
        head = self.avatar.head
        motion = Motion.rest(1, head.expressions, 25.0)
        rows = [i for side in ("Left", "Right") for i in head.arkit.rows(f"eyeBlink{side}")]
        motion.expr[0] = head.arkit.expr[rows].sum(axis=0)
        vertices = Poser(head).vertices(motion)[0]
        skin = np.flatnonzero(self._observer.parts.skin)
        outer = np.zeros(len(head.faces), bool)
        for yaw in (-40.0, 0.0, 40.0):
            for pitch in (-20.0, 20.0):
                seen = np.unique(view_mesh(vertices, head.faces[skin], self._camera(yaw, pitch)).triangle)
                outer[skin[seen[seen >= 0]]] = True
        return outer

    def _closed_gaps(self) -> F64:
        """The widest opening along the lips in each pose where they are sealed, [n] metres."""
        head, motion, sealed = self.avatar.head, self.poses.motion, self.poses.sealed
        if not len(head.lip_pairs):
            return np.zeros(0)
        gaps = LipGap(head)(motion.expr[sealed].astype(np.float64), motion.jaw[sealed, 0].astype(np.float64))
        return gaps.max(axis=1)


def worst_faults(check: AvatarCheck, result: CheckResult) -> U8:
    """The worst fault of each kind that was found: the whole picture and the place four times enlarged, [H, W, 3]."""
    import cv2

    half, tiles = SIZE // 2, []
    for fault in filter(None, map(result.worst, KINDS)):
        picture = check.picture(fault.pose)
        margin = half // 8
        x, y = (min(max(v, margin), SIZE - margin) for v in (fault.x, fault.y))
        near = picture[y - margin : y + margin, x - margin : x + margin]
        near = cv2.resize(near, (half, half), interpolation=cv2.INTER_NEAREST)
        cv2.circle(picture, (fault.x, fault.y), 30, (255, 0, 0), 2)
        whole = cv2.resize(picture, (half, half), interpolation=cv2.INTER_AREA)
        text = f"{fault.kind}: {fault.amount:.1f} {KINDS[fault.kind][0]}, pose {fault.pose}"
        cv2.putText(whole, text, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (60, 60, 60), 1, cv2.LINE_AA)
        tiles.append(np.concatenate([whole, near], axis=1))
    return np.concatenate(tiles) if tiles else np.full((half, SIZE, 3), 255, np.uint8)


def _fault(kind: str, pose: int, piece: Piece, amount: float) -> Fault:
    return Fault(kind, pose, amount, piece.x, piece.y)
