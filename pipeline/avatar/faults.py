"""Faults of an avatar that show in one picture, found by holding the picture against the posed mesh.

Thresholds are what can be seen in a portrait of 1024 x 1024 pixels, where a pixel is 0.3 mm on the face.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import SH0, Avatar
from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...avatars.scene import load_scene
from ...avatars.shading import Shader
from ...renderer import Camera, Gaussians, Rasterizer
from ...renderer.mesh import MeshView, view_mesh
from ..camera.views import DISTANCE

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

GREY = 0.5, 0.5, 0.5  # background
BLACK = 0.0, 0.0, 0.0

# Share of a pixel's colour from which one sees through: 13 grey levels on dark skin before white (a difference of 255),
# or where the inside of the head differs by 85 levels from the skin
CLEAR, HOLLOW = 0.05, 0.15
BEHIND = 0.006  # metres behind all of the mesh nearby from which a Gaussian is no layer of its surface any more
NEARBY = 0.012  # metres around a Gaussian's centre over which it spreads
OUTLINE = 0.002  # metres from an outline in which surfaces may blend; smoothing rounds ears and nose
STEP = 0.0015  # metres of depth between neighbouring pixels that make an outline

SPECK_WINDOW = 11  # pixels, of the local median: 3.4 mm
CREASE = 17  # pixels: what goes on for more than half of this length along a straight line is a crease or an edge
SPOT_NEAR, SPOT_SHARE = 3, 0.4  # pixels around, and share of a dot's contrast, in which the neutral face must show it
COVERED = 0.04  # share of hair, lashes or clothes in a pixel from which it is no bare skin

THROUGH_SHARE = 0.25  # of a pixel's colour
DEEPER, DEEPEST = 0.15e-3, 4e-3  # metres by which skin lies behind what it should cover
BESIDE = 0.0015  # metres from the opening in which eye or teeth may blend with its rim
GRAZING = np.cos(np.radians(70.0))  # a surface seen at a flatter angle legitimately hides what is behind it

STRAND = 2.5  # ratio of the two longest axes from which a Gaussian is hair
ABOVE_SKIN = 0.0012  # metres over its triangle from which a Gaussian is hair or clothes

COVER, EYE, TEETH = range(3)  # channels of the picture of labels


@dataclass(frozen=True)
class Piece:
    """Connected pixels."""

    pixels: int
    peak: float  # the largest of the values under them
    x: int
    y: int


class Parts:
    """Masks [F] of the triangles of a head's parts, from whatever regions it names."""

    def __init__(self, head: HeadModel) -> None:
        self.eyes = _triangles(head, "left_eye", "right_eye")
        self.teeth = _triangles(head, "teeth_upper", "teeth_lower")
        self.skin = ~(self.eyes | self.teeth | _triangles(head, "tongue", "mouth_bag"))


def _triangles(head: HeadModel, *regions: str) -> Mask:
    """Triangles whose vertices all lie in one of the regions."""
    inside = np.zeros(len(head.v_template), bool)
    for name in regions:
        inside[head.regions.get(name, np.zeros(0, np.int32))] = True
    return np.asarray(inside[head.faces].all(axis=1))


class Observer:
    """Looks at one avatar."""

    def __init__(self, avatar: Avatar, rasterizer: Rasterizer) -> None:
        self.avatar = avatar
        self.parts = Parts(avatar.head)
        self._rasterizer = rasterizer
        self._poser = Poser(avatar.head)
        self._shader = Shader(avatar)
        self._scene = load_scene(avatar, rasterizer)
        self._cover = self._covering()
        self._labels = rasterizer.load(self._labelled(), avatar.binding)

    def picture(self, motion: Motion, camera: Camera) -> U8:
        """The picture [H, W, 3] of a motion of one frame, over white."""
        transforms, weights = self._poser.transforms(motion), self._shader.weights(motion)
        return self._scene.render(camera, transforms, shading_weights=weights)[0].rgb

    def view(self, motion: Motion, camera: Camera) -> View:
        """Everything that can be told about a motion of one frame."""
        head = self.avatar.head
        vertices, transforms = self._poser.vertices(motion)[0], self._poser.transforms(motion)
        mesh = view_mesh(vertices, head.faces, camera)
        weights = self._shader.weights(motion)
        frame = self._scene.render(camera, transforms, shading_weights=weights, background=GREY)[0]
        away = ~_facing(vertices, head.faces, camera, 0.0)[self.avatar.binding] & ~self._cover
        inside = self._rasterizer.load(self._inside(mesh, camera, transforms[0], away), self.avatar.binding)
        return View(
            camera=camera,
            vertices=vertices,
            faces=head.faces,
            parts=self.parts,
            mesh=mesh,
            picture=frame.rgb,
            alpha=frame.alpha,
            draw_labels=lambda: self._labels.render(camera, transforms, background=BLACK)[0].rgb,
            inside=inside.render(camera, transforms, background=BLACK)[0].rgb[..., 0],
        )

    def _covering(self) -> Mask:
        """Which Gaussians are hair or clothes: long ones, and those well above the skin, [N]."""
        g, binding = self.avatar.gaussians, self.avatar.binding
        rest = self._poser.transforms(Motion.rest(1, self.avatar.head.expressions, 25.0))[0]
        above = g.means[:, 1] * np.linalg.norm(rest[:, :, 0], axis=1)[binding]
        axes = np.sort(g.scales, axis=1)
        return self.parts.skin[binding] & ((axes[:, 2] > STRAND * axes[:, 1]) | (above > ABOVE_SKIN))

    def _labelled(self) -> Gaussians:
        """The Gaussians in false colours: hair and clothes red, eyeballs green, teeth blue, the rest black."""
        binding = self.avatar.binding
        rgb = np.zeros((len(binding), 3), np.float32)
        rgb[:, COVER], rgb[:, EYE], rgb[:, TEETH] = self._cover, self.parts.eyes[binding], self.parts.teeth[binding]
        return _coloured(self.avatar.gaussians, rgb)

    def _inside(self, mesh: MeshView, camera: Camera, transforms: F32, away: Mask) -> Gaussians:
        """White where a Gaussian that is turned `away` [N] lies behind all that the mesh shows around it; else black.

        One that lies behind only a part of that belongs to skin that curves away under an ear's rim or beside the nose:
        it shows where it spreads past the edge, and hides nothing.
        """
        g, carried = self.avatar.gaussians, transforms[self.avatar.binding]
        means = np.einsum("nij,nj->ni", carried[:, :, :3], g.means) + carried[:, :, 3]
        pixels, depth = camera.project(means)
        x, y = np.floor(pixels).astype(np.int64).T
        hidden = away & (x >= 0) & (x < camera.width) & (y >= 0) & (y < camera.height) & (depth > 0)
        hidden[hidden] = depth[hidden] > _deepest(mesh.depth, camera)[y[hidden], x[hidden]] + BEHIND
        return _coloured(g, np.repeat(hidden[:, None], 3, axis=1).astype(np.float32))


def _deepest(depth: F32, camera: Camera) -> F32:
    """The greatest finite depth [H, W] in a square around each pixel."""
    import cv2

    size = 2 * round(NEARBY * float(camera.K[0, 0]) / DISTANCE) + 1
    return np.asarray(cv2.dilate(np.where(np.isfinite(depth), depth, 0), np.ones((size, size), np.uint8)), np.float32)


def _coloured(g: Gaussians, rgb: F32) -> Gaussians:
    return Gaussians(g.means, g.quats, g.scales, g.opacities, ((rgb - 0.5) / SH0)[:, None].astype(np.float32))


@dataclass(frozen=True, eq=False)
class View:
    """One pose from one camera: as a picture, as labels and as a mesh."""

    camera: Camera
    vertices: F32  # [V, 3] posed
    faces: NDArray[np.int32]  # [F, 3]
    parts: Parts
    mesh: MeshView
    picture: U8  # [H, W, 3] over grey
    alpha: U8  # [H, W]
    draw_labels: Callable[[], U8]
    inside: U8  # [H, W] coverage by surfaces that should be hidden and are seen from their back

    @cached_property
    def labels(self) -> U8:
        """Coverage by hair or clothes, eyeballs, teeth, [H, W, 3]."""
        return self.draw_labels()

    @property
    def pixel(self) -> float:
        """Width of a pixel on the face, metres."""
        return DISTANCE / float(self.camera.K[0, 0])

    @property
    def pixel_area(self) -> float:
        """Square metres."""
        return self.pixel**2

    def share(self, label: int) -> F32:
        """How much of each pixel's colour comes from the Gaussians of a label, [H, W] 0..1."""
        return (self.labels[..., label] / np.maximum(self.alpha, np.float32(1))).astype(np.float32)

    def holes(self, *, least: float = 1.0) -> Mask:
        """Pixels well inside an outline in which background, or the inside of the head, shines through.

        `least` scales how much of it counts.
        """
        clear = _eroded(self.mesh.triangle >= 0, OUTLINE / self.pixel) & (self.alpha < 255 * (1 - least * CLEAR))
        skin = _eroded(self._shows(self.parts.skin) & ~self._steps, OUTLINE / self.pixel)
        return clear | (skin & (self.inside > 255 * least * HOLLOW))

    @cached_property
    def contrast(self) -> F32:
        """Grey levels by which pixels [H, W] are brighter than the median around them."""
        import cv2

        return (self._grey.astype(np.float32) - cv2.medianBlur(self._grey, SPECK_WINDOW)).astype(np.float32)

    def texture(self) -> tuple[F32, Mask]:
        """Grey levels by which pixels differ from the median around them, and where bare skin is."""
        difference = np.abs(self.contrast)
        bare = self._shows(self.parts.skin) & (self.share(COVER) < COVERED) & ~self._steps
        return difference.astype(np.float32), _eroded(bare, SPECK_WINDOW // 2)

    def specks(self, threshold: float) -> list[Piece]:
        """Dots on bare skin that differ by more than `threshold` grey levels from what is around and beside them."""
        difference, skin = self.texture()
        dots = (difference > threshold) & skin
        dots[dots] = _off_line(self._grey, np.argwhere(dots)) > threshold
        return pieces(dots, at_least=1, values=difference)

    def is_spot(self, dot: Piece, neutral: View) -> bool:
        """Whether a dot is a mole or the root of a hair and no fault.

        It is darker than what is around it, and the `neutral` face shows it at the same place of the skin.
        """
        if self.contrast[dot.y, dot.x] > 0:
            return False
        place = self._same_place(dot.x, dot.y, neutral)
        if place is None:
            return False
        rows, columns = (slice(max(v - SPOT_NEAR, 0), v + SPOT_NEAR + 1) for v in reversed(place))
        return bool(neutral.contrast[rows, columns].min(initial=0) <= -SPOT_SHARE * dot.peak)

    def _same_place(self, x: int, y: int, other: View) -> tuple[int, int] | None:
        """The pixel (x, y) of another view that shows the mesh's point under this one's; None where it is hidden."""
        triangle = self.mesh.triangle[y, x]
        if triangle < 0:
            return None
        corners = self.faces[triangle]
        (a, b, c), _ = self.camera.project(self.vertices[corners])
        area = np.stack([b - a, c - a], axis=1)
        if abs(np.linalg.det(area)) < 1e-6:
            return None
        s, t = np.linalg.solve(area, np.array([x + 0.5, y + 0.5]) - a)
        seen, depth = other.camera.project(other.vertices[corners])
        weight = np.array([1 - s - t, s, t])
        column, row = np.floor(weight @ seen).astype(int)
        if not (0 <= column < other.camera.width and 0 <= row < other.camera.height):
            return None
        hidden = abs(other.mesh.depth[row, column] - weight @ depth) > STEP
        return None if hidden else (int(column), int(row))

    def through(self, part: Mask, outer: Mask, *, label: int) -> Mask:
        """Pixels in which `part` [F], also known by its `label`, shows although skin of `outer` [F] should cover it."""
        shown, skin = self._shows(part), self._shows(outer)
        if not part.any():
            return shown
        cover = np.flatnonzero(outer & _facing(self.vertices, self.faces, self.camera, 0.0))
        depth = view_mesh(self.vertices, self.faces[cover], self.camera).depth
        behind = depth - np.where(shown, self.mesh.depth, 0)
        steep = self._shows(_facing(self.vertices, self.faces, self.camera, GRAZING))
        pierced = shown & steep & (behind > DEEPER) & (behind < DEEPEST)
        shining = _eroded(skin, BESIDE / self.pixel) & (self.share(label) > THROUGH_SHARE)
        return pierced | shining

    @cached_property
    def _grey(self) -> U8:
        """The picture's luminance, [H, W]."""
        import cv2

        return np.asarray(cv2.cvtColor(self.picture, cv2.COLOR_RGB2GRAY), np.uint8)

    def _shows(self, part: Mask) -> Mask:
        """Pixels in which the mesh shows a triangle of `part` [F]."""
        return np.append(part, False)[self.mesh.triangle]

    @cached_property
    def _steps(self) -> Mask:
        """Pixels where one part of the face ends in front of another."""
        depth = np.where(np.isfinite(self.mesh.depth), self.mesh.depth, 10)
        steps = np.zeros(depth.shape, bool)
        for axis in (0, 1):
            jump = np.abs(np.diff(depth, axis=axis)) > STEP
            steps |= np.pad(jump, [(0, 1) if a == axis else (0, 0) for a in (0, 1)])
        return steps


def _facing(vertices: F32, faces: NDArray[np.int32], camera: Camera, cosine: float) -> Mask:
    """Triangles [F] whose front is turned to the camera by more than `cosine`."""
    a, b, c = vertices[faces.T]
    normal = np.cross(b - a, c - a)
    sight = camera.position - a
    lengths = np.linalg.norm(normal, axis=1) * np.linalg.norm(sight, axis=1)
    return np.asarray((normal * sight).sum(axis=1) > cosine * lengths)


def pieces(mask: Mask, *, at_least: float, values: F32 | None = None) -> list[Piece]:
    """Connected pieces of `mask` [H, W] of at least so many pixels, with the peak of `values` [H, W] in each."""
    import cv2

    if not mask.any():
        return []
    count, label, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    peak = np.zeros(count)
    if values is not None:
        np.maximum.at(peak, label[mask].astype(np.int64), values[mask])
    return [
        Piece(int(size), float(peak[i]), *(round(v) for v in centres[i]))
        for i, size in enumerate(stats[:, cv2.CC_STAT_AREA])
        if i > 0 and size >= at_least
    ]


def _off_line(grey: U8, places: NDArray[np.int64]) -> F32:
    """Grey levels by which pixels [n] (row, column) differ from every line through them; small on creases and edges."""
    reach = np.arange(-(CREASE // 2), CREASE // 2 + 1)
    steps = np.array([(0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1)])
    offsets = np.round(steps[:, None] * (reach[:, None] / np.abs(steps).max(axis=1)[:, None, None])).astype(np.int64)
    row, column = np.moveaxis(places[:, None, None] + offsets, -1, 0)  # [n, directions, length]
    inside = np.clip(row, 0, grey.shape[0] - 1), np.clip(column, 0, grey.shape[1] - 1)
    along = np.median(grey[inside].astype(np.float32), axis=2)
    return np.abs(along - grey[places[:, 0], places[:, 1], None]).min(axis=1).astype(np.float32)


def _eroded(mask: Mask, pixels: float) -> Mask:
    return ~_dilated(~mask, pixels)


def _dilated(mask: Mask, pixels: float) -> Mask:
    import cv2

    radius = round(pixels)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask.astype(np.uint8), disc, borderType=cv2.BORDER_CONSTANT, borderValue=(0,)) > 0
