"""What each splat format loses: `python benchmarks/formats.py [PERSON] [--splat-transform COMMAND]`.

Every format is written, read back by another program and compared with the avatar, Gaussian by Gaussian and as drawn by
our renderer. PLY, compressed PLY, .splat, SOG and SPZ are read by PlayCanvas' splat-transform (`npx --yes
@playcanvas/splat-transform@2.7.1` if nothing else is said), USD by usd-core, glTF by the lines below.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from emosplat.avatars.avatar import Avatar
from emosplat.avatars.library import open_avatar
from emosplat.avatars.ply import read_ply
from emosplat.pipeline.camera.views import named_camera
from emosplat.pipeline.export.formats import ExportRequest, export
from emosplat.pipeline.export.order import morton_order
from emosplat.pipeline.export.splat import turned_over
from emosplat.pipeline.export.still import emotion_still, world_gaussians
from emosplat.renderer import Gaussians, open_rasterizer

SPLAT_TRANSFORM = "npx --yes @playcanvas/splat-transform@2.7.1"
PIXELS = 512
SPLAT_GLB = "KHR_gaussian_splatting"


def main() -> None:
    """Print the table of docs/viewer-and-exports.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("person", nargs="?", default="person1")
    parser.add_argument("--splat-transform", default=SPLAT_TRANSFORM)
    given = parser.parse_args()
    avatar = open_avatar(given.person)
    (true,) = world_gaussians(avatar, emotion_still(avatar.head, "neutral"))
    print("| file | size | position | scale | rotation | colour | opacity | picture |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, found, order, size in _read_back(given, true, Path(folder)):
            differences = _differences(true, found, order)
            print(f"| {name} | {size / 1e6:.1f} MB | {differences} | {_psnr(avatar, true, found)} |")


def _read_back(
    given: argparse.Namespace, true: Gaussians, folder: Path
) -> Iterator[tuple[str, Gaussians, NDArray[np.int64], int]]:
    """Format, Gaussians in our axes, which of the true ones each is, bytes."""
    same = np.arange(len(true))
    morton = morton_order(turned_over(true).means)
    visible = np.argsort(-true.opacities * true.scales.prod(axis=1), kind="stable")
    scenes = {".ply": same, ".compressed.ply": morton, ".splat": visible, ".sog": morton}
    cases = [(suffix, order, 3) for suffix, order in scenes.items()] + [(".spz", same, v) for v in (2, 3, 4)]
    for suffix, order, version in cases:
        out, back = folder / f"a{suffix}", folder / "back.ply"
        export(ExportRequest(given.person, out, spz_version=version))
        command = [*shlex.split(given.splat_transform), "--quiet", "--overwrite", str(out), str(back)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        name = f"`{suffix}` version {version}" if suffix == ".spz" else f"`{suffix}`"
        yield name, turned_over(read_ply(back)[0]), order, out.stat().st_size
    for suffix, reader in ((".splat.glb", _read_glb), (".splat.usdc", _read_usd)):
        out = folder / f"a{suffix}"
        export(ExportRequest(given.person, out))
        yield f"`{suffix}`", reader(out), same, out.stat().st_size


def _read_glb(path: Path) -> Gaussians:
    data = path.read_bytes()
    size = struct.unpack_from("<I", data, 12)[0]
    document, binary = json.loads(data[20 : 20 + size]), data[28 + size :]
    attributes = document["meshes"][0]["primitives"][0]["attributes"]

    def values(name: str) -> NDArray[np.float32]:
        accessor = document["accessors"][attributes[name]]
        start = document["bufferViews"][accessor["bufferView"]]["byteOffset"]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        kind = {5126: "<f4", 5122: "<i2"}[accessor["componentType"]]
        rows = np.frombuffer(binary, kind, accessor["count"] * width, start).reshape(-1, width)
        return rows.astype(np.float32) / np.float32(32767 if kind == "<i2" else 1)

    bands = [name for name in attributes if ":SH_DEGREE" in name]
    return Gaussians(
        values("POSITION"),
        values(f"{SPLAT_GLB}:ROTATION")[:, [3, 0, 1, 2]],
        values(f"{SPLAT_GLB}:SCALE"),
        values(f"{SPLAT_GLB}:OPACITY")[:, 0],
        np.stack([values(name) for name in bands], axis=1),
    )


def _read_usd(path: Path) -> Gaussians:
    from pxr import Usd, UsdVol  # pyright: ignore[reportMissingImports]

    stage = Usd.Stage.Open(str(path))  # must live as long as its prims  # pyright: ignore[reportAttributeAccessIssue]
    field = UsdVol.ParticleField3DGaussianSplat(stage.GetDefaultPrim())  # pyright: ignore[reportAttributeAccessIssue]
    quats = np.array(field.GetOrientationshAttr().Get(), np.float32)  # x y z w in memory
    sh = np.array(field.GetRadianceSphericalHarmonicsCoefficientshAttr().Get(), np.float32)
    return Gaussians(
        np.array(field.GetPositionsAttr().Get(), np.float32),
        np.ascontiguousarray(quats[:, [3, 0, 1, 2]]),
        np.array(field.GetScaleshAttr().Get(), np.float32),
        np.array(field.GetOpacitieshAttr().Get(), np.float32),
        np.ascontiguousarray(sh.reshape(len(quats), -1, 3)),
    )


def _differences(true: Gaussians, found: Gaussians, order: NDArray[np.int64]) -> str:
    """Root mean square, and in brackets the greatest, of each kind of number."""
    quats = [q / np.linalg.norm(q.astype(np.float64), axis=1, keepdims=True) for q in (true.quats[order], found.quats)]
    w, x, y, z = quats[1].T  # half a turn about an own axis changes nothing about a Gaussian
    alike = np.array([[w, x, y, z], [-x, w, z, -y], [-y, -z, w, x], [-z, y, -x, w]]).transpose(0, 2, 1)
    chord = np.min([np.linalg.norm(quats[0] - sign * q, axis=1) for q in alike for sign in (1, -1)], axis=0)
    colour = 255 * 0.28209479 * (found.sh[:, 0] - true.sh[order, 0])
    kinds = (
        ("{:.3f} mm", 1000 * np.linalg.norm(found.means - true.means[order], axis=1)),
        ("{:.1f} %", 100 * np.abs(found.scales / true.scales[order] - 1)),
        ("{:.2f}°", np.degrees(4 * np.arcsin(np.minimum(chord / 2, 1)))),
        ("{:.2f}/255", np.abs(colour)),
        ("{:.2f}/255", 255 * np.abs(found.opacities - true.opacities[order])),
    )
    return " | ".join(f"{form.format(np.sqrt(np.square(x).mean()))} ({x.max():.2g})" for form, x in kinds)


def _psnr(avatar: Avatar, true: Gaussians, found: Gaussians) -> str:
    """Of the mean of three views."""
    rasterizer, squares = open_rasterizer("cpu"), []
    for view in ("front", "three-quarter", "profile"):
        camera = named_camera(view, avatar.head, width=PIXELS, height=PIXELS)
        pictures = [rasterizer.load(g).render(camera)[0].rgb.astype(np.float64) for g in (true, found)]
        squares.append(np.square(pictures[0] - pictures[1]).mean())
    return "the same" if not any(squares) else f"{10 * np.log10(255**2 / np.mean(squares)):.1f} dB"


if __name__ == "__main__":
    main()
