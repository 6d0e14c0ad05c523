"""Colour that follows the face: wrinkles where the skin is compressed, and the light that reaches moved parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from .closed_lids import closed_lids
from .geometry import smoothstep, tangent, unit
from .lashes import closed_edges
from .light import AMBIENT, LIGHTS, Lighting, illuminate, sh_basis, to_linear, to_srgb
from .noise import throw_darts
from .portrait import mouth_bag_triangles, mouth_light, scattered, skin_light
from .splats import Kind, Splats
from .surface import Figure, Pose
from .wrinkles import Skin

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MM = 1e-3
PROBE_SPACING = 1.9 * MM  # of the points where the light of each pose is traced
PROBE_BLUR = 1.6 * MM  # smooths their Monte Carlo noise
EVEN, EVEN_NEIGHBOURS = 0.55 * MM, 12  # over which changes are evened
LEAST_RATIO, MOST_RATIO = 0.35, 1.7  # of light in a pose to light at rest
CHEEK_RATIO = 0.85  # least inside the mouth, which takes light through the cheeks; or modes would add up to black
VISIBLE = 1.5 / 255  # changes below this are not stored
FURROW_SHADOW = 0.5  # share of light lost at the bottom of the deepest furrow
WRINKLE_CONTRAST = np.array([0.6, 0.9, 1.0])  # red light scatters farthest under the skin and fills furrows
DARK = 0.02  # light so little that relief does not show
TOGETHER = 1.3  # shade of modes that act together, in units of the strongest
PENUMBRA = 0.15  # of the lights' edges
RIDGE = 1e-3  # of the fit of displacements
THRESHOLD = 0.04  # of each weight, below which nothing shows


@dataclass(frozen=True)
class Mode:
    """A pose whose colours are stored; one with `sides` is stored for the left and the right half apart."""

    pose: Pose
    sides: bool = False
    wrinkles: float = 1.0  # depth of the wrinkles where the skin is compressed
    folds: float = 1.0  # and of the folds beside the nose
    frowns: bool = False  # one of those that act together in anger and disgust
    closes: bool = False  # the upper lids, which show as such then


BROWS_DOWN = {"unit_eyebrows-left-down": 0.7, "unit_eyebrows-right-down": 0.7, "browDown": 0.45}
MODES = (
    Mode(Pose({"browInnerUp": 1.0})),
    Mode(Pose({"browOuterUp": 1.0}), sides=True),
    Mode(Pose(BROWS_DOWN), frowns=True),
    Mode(Pose({"eyeSquint": 0.6, "cheekSquint": 0.9}), sides=True, frowns=True),
    Mode(Pose({"mouthSmile": 0.7, "mouthDimple": 0.5}), sides=True, folds=2.0),
    Mode(Pose({"noseSneer": 1.0, "mouthUpperUp": 0.4}), frowns=True),
    Mode(Pose({"mouthUpperUp": 0.7, "mouthLowerDown": 0.6}), wrinkles=0.5),
    Mode(Pose({"mouthFrown": 0.8})),
    Mode(Pose({"mouthStretch": 0.8})),
    Mode(Pose({"mouthPucker": 0.6, "mouthFunnel": 0.4})),
    Mode(Pose({"mouthPress": 0.6, "mouthRollLower": 0.5, "mouthRollUpper": 0.5})),
    Mode(Pose({"mouthShrugLower": 0.8})),
    Mode(Pose({"eyeBlink": 1.0}), sides=True, wrinkles=0, closes=True),
    Mode(Pose({"eyeWide": 1.0}), wrinkles=0.5),
    Mode(Pose(jaw=20.0), wrinkles=0.3),
)


@dataclass(frozen=True, eq=False)
class ShadingTable:
    """M colour changes of S Gaussians and what drives them, as the avatar file stores them."""

    index: I64  # [S] Gaussians
    delta: F64  # [M, S, 3] displayed colour at weight 1
    expr: F64  # [M, E] weight per unit of expression
    jaw: F64  # [M] per radian of opening
    threshold: F64  # [M]


def shading_table(figure: Figure, splats: Splats, sh: F64, modes: F64) -> ShadingTable:
    """Colour changes of a person's Gaussians with harmonics `sh` [N, 16, 3]; `modes` [V, 3, E] are its expressions."""
    deltas = _deltas(figure, splats, sh)
    index = np.flatnonzero(np.abs(deltas).max((0, 2)) > VISIBLE)
    deltas = np.where(np.abs(deltas[:, index]) > 0.5 * VISIBLE, deltas[:, index], 0)
    return ShadingTable(index, deltas, *_drivers(figure, modes))


def _sides(mode: Mode) -> tuple[int, ...]:
    """What a mode is stored for: the whole face (0), or the left (1) and the right half (-1)."""
    return (1, -1) if mode.sides else (0,)


def _drivers(figure: Figure, modes: F64) -> tuple[F64, F64, F64]:
    """Rates of expression and jaw, and thresholds: the mixture of the modes' poses that comes nearest to a face."""
    halves = [(mode, side) for mode in MODES for side in _sides(mode)]
    skin = figure.topology.parts["skin"]
    poses = np.stack([_offsets(figure, mode.pose, side)[skin].ravel() for mode, side in halves])
    overlap = poses @ poses.T
    own = np.diag(overlap).copy()
    damped = overlap + np.diag(np.where(own > 0, RIDGE * own, 1))
    expr = np.linalg.solve(damped, poses @ modes[skin].reshape(-1, modes.shape[2]))
    jaw = np.array([1 / np.radians(mode.pose.jaw) if mode.pose.jaw else 0.0 for mode, _ in halves])
    scale = (1 + THRESHOLD) / np.maximum(np.linalg.solve(damped, overlap).diagonal(), 1e-6)
    expr = np.where(own > 0, scale, 0)[:, None] * expr.astype(np.float64)
    return expr, jaw * (1 + THRESHOLD), np.repeat(THRESHOLD, len(halves))


def _offsets(figure: Figure, pose: Pose, side: int) -> F64:
    """Displacement [V, 3] of a pose's shapes before the joints turn."""
    out = np.zeros_like(figure.head.vertices)
    for name, weight in pose.weights.items():
        for full in (name,) if name in figure.shapes else (name + "Left", name + "Right"):
            if side * (full.endswith("Left") - full.endswith("Right")) >= 0:
                out += weight * figure.shapes[full]
    return out


def _deltas(figure: Figure, splats: Splats, sh: F64) -> F64:
    """Changes [M, N, 3] of the displayed colour."""
    rows = np.flatnonzero(_on_face(figure, splats))
    face = splats.take(rows)
    colour = _frontal_colour(sh[rows])
    field = LightField(figure, face)
    even = _Evened(face, EVEN * figure.coarseness)
    changes = []
    for mode in MODES:
        ratio = even(field.ratio(mode))
        if mode.closes:
            ratio *= field.lids(mode)  # not evened, which would take the crease away
        change = to_srgb(to_linear(np.clip(colour, 0, 1)) * ratio) - np.clip(colour, 0, 1)
        changes += [change * _half(face.position[:, 0], side)[:, None] for side in _sides(mode)]
    out = np.zeros((len(changes), len(splats), 3))
    out[:, rows] = _darkened_once(np.array(changes))
    return out


def _darkened_once(changes: F64) -> F64:
    """Changes [M, n, 3] of which those that act together in a frown do not add up to far more than the strongest.

    Each alone holds the shade of the fold that they press together.
    """
    rows = [i for i, (mode, _) in enumerate((m, s) for m in MODES for s in _sides(m)) if mode.frowns]
    dark = np.clip(-changes[rows].mean(-1), 0, None)
    limit, total = TOGETHER * dark.max(0), dark.sum(0)
    factor = np.minimum(1, limit / np.maximum(total, 1e-9))
    out = changes.copy()
    out[rows] = np.where(changes[rows] < 0, changes[rows] * np.where(total > 0, factor, 1)[:, None], changes[rows])
    return out


class _Evened:
    """Averages over the Gaussians next to one: none alone may turn dark, for it grows where the skin is stretched."""

    def __init__(self, face: Splats, radius: float) -> None:
        distance, self._near = KDTree(face.position).query(face.position, k=EVEN_NEIGHBOURS)
        alike = (face.normal[self._near] * face.normal[:, None]).sum(-1) > 0.5
        alike &= face.kind[self._near] == face.kind[:, None]
        weight = np.exp(-0.5 * (distance / radius) ** 2) * alike
        self._weight = weight / weight.sum(1, keepdims=True)

    def __call__(self, values: F64) -> F64:
        """Values [n, 3] averaged."""
        return np.einsum("nk,nkc->nc", self._weight, values[self._near])


def _half(x: F64, side: int) -> F64:
    """Share [n] of a change that belongs to a side, with a soft seam on the midline."""
    return smoothstep(-4 * MM, 4 * MM, side * x) if side else np.ones(len(x))


def _on_face(figure: Figure, splats: Splats) -> NDArray[np.bool_]:
    p = splats.position
    face = (p[:, 2] > -0.02) & (p[:, 1] > figure.chin[1] - 0.03) & (p[:, 1] < 0.12)
    return (splats.kind == Kind.MOUTH) | ((splats.kind == Kind.SKIN) & face)


def _frontal_colour(sh: F64) -> F64:
    """Displayed colour [n, 3] averaged over views from the front."""
    yaw, pitch = np.meshgrid(np.radians([-45, -22, 0, 22, 45]), np.radians([-15, 0, 15]))
    views = np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], -1).reshape(-1, 3)
    return 0.5 + np.einsum("k,nkc->nc", sh_basis(-views).mean(0), sh)


class LightField:
    """Light on the face in any pose relative to the light that is baked in, at coarse probes and at every Gaussian."""

    def __init__(self, figure: Figure, face: Splats) -> None:
        self.figure, self.face = figure, face
        self.seed = 1000 + figure.person.seed
        chosen = np.random.default_rng(self.seed).permutation(len(face))
        chosen = chosen[face.depth[chosen] == 0]
        self.probes = face.take(chosen[throw_darts(face.position[chosen], np.full(len(chosen), PROBE_SPACING))])
        self.baked = self._baked()
        self.rest = self._traced(figure.head.vertices)
        self.skin = Skin(figure, face.position, face.normal)
        distance, self.near = KDTree(self.probes.position).query(face.position, k=16)
        alike = (self.probes.normal[self.near] * face.normal[:, None]).sum(-1) > 0.4
        alike &= self.probes.kind[self.near] == face.kind[:, None]
        weight = np.exp(-0.5 * (distance / PROBE_BLUR) ** 2) * alike + 1e-9
        self.weight = weight / weight.sum(1, keepdims=True)
        soft = np.union1d(mouth_bag_triangles(figure), figure.topology.triangles_of("tongue"))
        self.least = np.where(np.isin(face.triangle, soft), CHEEK_RATIO, 0)[:, None]

    def ratio(self, mode: Mode) -> F64:
        """Light in the mode's pose over baked light, [n, 3]."""
        posed = self.figure.posed(mode.pose)
        light = self._traced(posed)
        change = np.where(
            light.irradiance < self.rest.irradiance,
            light.irradiance - self.rest.irradiance,
            np.maximum(light.irradiance - np.maximum(self.rest.irradiance, self.baked), 0),
        )
        ratio = np.exp(self._spread(np.log(np.clip(1 + change / self.baked, LEAST_RATIO, MOST_RATIO))))
        ratio = ratio * self._wrinkled(mode, posed, light) if mode.wrinkles else ratio
        return np.maximum(ratio, self.least)

    def _baked(self) -> F64:
        """The light at the probes that the portrait holds."""
        out = np.zeros((len(self.probes), 3))
        for kind, light in ((Kind.SKIN, skin_light), (Kind.MOUTH, mouth_light)):
            rows = self.probes.kind == kind
            out[rows] = light(self.figure, self.probes.take(rows), np.random.default_rng(self.seed)).irradiance
        return np.maximum(out, DARK)

    def _traced(self, vertices: F64) -> Lighting:
        """Light at the probes on the posed mesh, scattered; the same random rays for every pose."""
        moved = self.probes.carried(self.figure.head.vertices, vertices, self.figure.topology.faces)
        scene = self.figure.ray_scene(vertices)
        light = illuminate(moved.position, moved.normal, scene, np.random.default_rng(self.seed), sky=64)
        return Lighting(scattered(self.probes, light.irradiance), light.ambient, light.visible)

    def _spread(self, values: F64) -> F64:
        """Values at the probes [p, ...] carried to all Gaussians."""
        return np.einsum("nk,nk...->n...", self.weight, values[self.near])

    def lids(self, mode: Mode) -> F64:
        """What the crease, the tone and the edge of closed upper lids do to the light, [n, 3]."""
        posed = self.figure.posed(mode.pose)
        moved = self.face.carried(self.figure.head.vertices, posed, self.figure.topology.faces)
        return closed_lids(closed_edges(self.figure, posed), moved.position, moved.scale.max(1))

    def _wrinkled(self, mode: Mode, posed: F64, light: Lighting) -> F64:
        """What the relief of the mode's wrinkles does to the light, [n, 3]."""
        relief = self.skin.relief(posed, folds=mode.folds)  # none in the mouth, which lies behind the lips
        moved = self.face.carried(self.figure.head.vertices, posed, self.figure.topology.faces)
        tilted = unit(moved.normal - mode.wrinkles * tangent(relief.slope, moved.normal))
        ambient, visible = self._spread(light.ambient), self._spread(light.visible)
        flat, bumpy = (diffuse(normal, ambient, visible) for normal in (moved.normal, tilted))
        ratio = (
            np.clip((bumpy + DARK) / (flat + DARK), 0.4, 1.8)
            * (1 - FURROW_SHADOW * mode.wrinkles * relief.depth)[:, None]
        )
        return 1 + WRINKLE_CONTRAST * (ratio - 1)


def diffuse(normal: F64, ambient: F64, visible: F64) -> F64:
    """Irradiance over pi [n, 3] of points that see these shares of the sky and of each light."""
    out = ambient[:, None] * AMBIENT
    for i, light in enumerate(LIGHTS):
        facing = np.clip((normal @ light.axis + PENUMBRA) / (1 + PENUMBRA), 0, 1)
        out += (visible[:, i] * facing * light.intensity)[:, None] * np.array(light.colour)
    return out
