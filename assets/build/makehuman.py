"""Reads MakeHuman / MPFB2 data (CC0): base mesh, morph targets, rig weights and texture masks."""

from __future__ import annotations

import gzip
import json
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .people import Shape

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

DECIMETRE = 0.1
HEAD_SHARE = {"neck01": 0.25, "neck02": 0.7, "neck03": 0.95, "head": 1.0}  # of each bone's motion


class MakeHuman:
    """The hm08 base mesh and everything that deforms it; lengths in metres, Y up, facing +Z."""

    def __init__(self, data: Path) -> None:
        self._mpfb = data / "mpfb2"
        self._units = data / "faceunits01" / "targets" / "faceunits"
        self._targets: dict[Path, F64] = {}
        self._read_mesh()

    def _read_mesh(self) -> None:
        vertices, uv, quads, quad_uv, group = [], [], [], [], []
        name = ""
        for line in (self._mpfb / "3dobjs" / "base.obj").read_text().splitlines():
            kind, *words = line.split() or [""]
            if kind == "v":
                vertices.append([float(w) for w in words[:3]])
            elif kind == "vt":
                uv.append([float(w) for w in words[:2]])
            elif kind == "g":
                name = words[0]
            elif kind == "f":
                corners = [w.split("/") for w in words]
                quads.append([int(c[0]) - 1 for c in corners])
                quad_uv.append([int(c[1]) - 1 for c in corners])
                group.append(name)
        self.vertices: F64 = np.array(vertices) * DECIMETRE
        self.quads: I64 = np.array(quads)
        self.quad_uv: F64 = np.array(uv)[np.array(quad_uv)]  # [Q, 4, 2]
        self.quad_group = np.array(group)
        self.groups = {g: np.unique(self.quads[self.quad_group == g]) for g in sorted(set(group))}

    def target(self, path: Path) -> F64:
        """Vertex offsets [V, 3] of a target file."""
        if path not in self._targets:
            text = (
                gzip.decompress(path.read_bytes()).decode()
                if path.suffix == ".gz"
                else path.read_text(encoding="utf-8")
            )
            rows = [line.split()[:4] for line in text.splitlines() if line.strip() and not line.startswith("#")]
            offsets = np.zeros_like(self.vertices)
            for index, *offset in rows:
                offsets[int(index)] = [float(x) * DECIMETRE for x in offset]
            self._targets[path] = offsets
        return self._targets[path]

    def _named(self, name: str) -> Path:
        return self._mpfb / "targets" / f"{name}.target.gz"

    def person(self, shape: Shape) -> F64:
        """Vertices [V, 3] of a person; MakeHuman's macro targets are mixed multilinearly, details added."""
        vertices = self.vertices.copy()
        for name, weight in _macro_targets(shape).items():
            if weight > 1e-6 and self._named(name).is_file():
                vertices += weight * self.target(self._named(name))
        for name, weight in shape.details.items():
            # "x-" stands for the left and the right target
            for side in ("l-", "r-") if "/x-" in name else ("x-",):
                vertices += weight * self.target(self._named(name.replace("/x-", f"/{side}")))
        return vertices

    @cached_property
    def face_units(self) -> dict[str, F64]:
        """The 52 ARKit shapes as vertex offsets."""
        return {p.stem: self.target(p) for p in sorted(self._units.glob("*.target"))}

    @cached_property
    def expression_units(self) -> dict[str, F64]:
        """MakeHuman's own expression units; its mouth-open is left to the jaw joint."""
        folder = self._mpfb / "targets" / "expression" / "units" / "caucasian"
        units = {p.name.split(".")[0]: self.target(p) for p in sorted(folder.glob("*.target.gz"))}
        del units["mouth-open"]
        return units

    @cached_property
    def head_weights(self) -> F64:
        """How far each vertex [V] follows the head rather than the chest, 0..1, from the standard rig."""
        folder = self._mpfb / "rigs" / "standard"
        bones = json.loads((folder / "rig.default.json").read_text())
        bones = bones.get("bones", bones)
        weights = json.loads((folder / "weights.default.json").read_text())["weights"]
        total, head = np.zeros(len(self.vertices)), np.zeros(len(self.vertices))
        for bone, rows in weights.items():
            ancestor = bone
            while ancestor and ancestor not in HEAD_SHARE:
                ancestor = bones[ancestor]["parent"]
            index, value = np.array([r[0] for r in rows], int), np.array([r[1] for r in rows], float)
            np.add.at(total, index, value)
            np.add.at(head, index, value * HEAD_SHARE.get(ancestor, 0.0))
        return head / np.maximum(total, 1e-9)

    def mask(self, name: str, uv: F64) -> F64:
        """A texture mask (lips, ears, eyelids, inside-mouth) at texture coordinates [n, 2], 0..1."""
        pixels = self._mask(name)
        side = len(pixels)
        column = np.clip((uv[:, 0] * side).astype(int), 0, side - 1)
        row = np.clip(((1 - uv[:, 1]) * side).astype(int), 0, side - 1)
        return pixels[row, column]

    def _mask(self, name: str) -> F64:
        if name not in (masks := self.__dict__.setdefault("_masks", {})):
            masks[name] = np.asarray(Image.open(self._mpfb / "textures" / f"mpfb_{name}.jpg").convert("L"), float) / 255
        return masks[name]


def _macro_targets(shape: Shape) -> dict[str, float]:
    """Target name -> weight of MakeHuman's race, gender, age, muscle, weight and proportion axes."""
    genders = {"female": 1 - shape.gender, "male": shape.gender}
    ages = _between(shape.age, {0: "baby", 0.1875: "child", 0.5: "young", 1: "old"})
    muscles = _between(shape.muscle, {0: "minmuscle", 0.5: "averagemuscle", 1: "maxmuscle"})
    weights = _between(shape.weight, {0: "minweight", 0.5: "averageweight", 1: "maxweight"})
    proportions = {
        "uncommonproportions": max(0.0, 1 - 2 * shape.proportions),
        "idealproportions": max(0.0, 2 * shape.proportions - 1),
    }
    out: dict[str, float] = {}
    for (race, a), (gender, b), (age, c) in product(shape.race.items(), genders.items(), ages.items()):
        out[f"macrodetails/{race}-{gender}-{age}"] = a * b * c
    for (gender, a), (age, b), (muscle, c), (weight, d) in product(
        genders.items(), ages.items(), muscles.items(), weights.items()
    ):
        body = f"{gender}-{age}-{muscle}-{weight}"
        out[f"macrodetails/universal-{body}"] = a * b * c * d
        for proportion, e in proportions.items():
            out[f"macrodetails/proportions/{body}-{proportion}"] = a * b * c * d * e
    return out


def _between(x: float, stops: dict[float, str]) -> dict[str, float]:
    values = list(stops)
    return {n: float(np.interp(x, values, np.eye(len(values))[i])) for i, n in enumerate(stops.values())}
