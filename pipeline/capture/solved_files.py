"""What was tracked and solved, kept so that a run that was stopped need not begin anew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...avatars.head import HeadModel
from ...avatars.motion import CURVES, Motion
from ...core.errors import InputError
from ...core.npz import NpzFields, save_npz
from ...renderer import Camera
from .solve import Solution
from .track import FaceFilm

FORMAT, TRACKED = "emosplat-solved-1", "emosplat-tracked-1"
WIDTHS = {"expr": "E", "jaw": 3, "neck": 3, "eyes": 6, "rotation": 3, "translation": 3}


def save_faces(path: Path, sha256: str, film: FaceFilm) -> None:
    """Write a film's faces to the last bit, to be solved later; `sha256` is the film's."""
    arrays = {name: getattr(film, name) for name in ("times", "points", "weights", "poses", "faces", "sharpness")}
    size = np.array([film.width, film.height], np.int32)
    save_npz(path, {"format": np.array(TRACKED), "film": np.array(sha256), "size": size, **arrays})


def load_faces(path: Path, sha256: str, source: Path) -> FaceFilm | None:
    """What `save_faces` wrote for a film with this hash; None without, or where it is of another."""
    if not path.is_file():
        return None
    try:
        fields = NpzFields(path)
        same = (fields.text("format"), fields.text("film")) == (TRACKED, sha256)
        return _film(fields, source) if same else None
    except InputError:
        return None


def save_solution(path: Path, sha256: str, film: FaceFilm, solution: Solution) -> None:
    """Write a film's faces and their solution; `sha256` is the film's."""
    camera, motion = solution.camera, solution.motion
    save_npz(
        path,
        {
            "format": np.array(FORMAT),
            "film": np.array(sha256),
            "head": np.array(solution.head.version),
            "size": np.array([film.width, film.height], np.int32),
            "times": film.times,
            "points": film.points.astype(np.float32),
            "weights": film.weights.astype(np.float32),
            "poses": film.poses.astype(np.float32),
            "faces": film.faces.astype(np.int32),
            "sharpness": film.sharpness.astype(np.float32),
            "view": camera.view,
            "K": camera.K,
            "v_template": solution.head.v_template,
            "joints": solution.head.joints,
            "identity": solution.identity,
            "offset": solution.offset.astype(np.float32),
            "seen": solution.seen.astype(np.int32),
            "sure": solution.sure.astype(np.int32),
            "error": solution.error,
            "key": solution.key.astype(np.int32),
            "numbers": np.array(json.dumps(solution.numbers)),
            "fps": np.array(motion.fps),
            **{name: getattr(motion, name) for name in CURVES},
        },
    )


def load_solution(path: Path, sha256: str, source: Path, generic: HeadModel) -> tuple[FaceFilm, Solution] | None:
    """What `save_solution` wrote for a film with this hash and this head; None without, or where it is of another."""
    if not path.is_file():
        return None
    try:
        fields = NpzFields(path)
        if (fields.text("format"), fields.text("film"), fields.text("head")) != (FORMAT, sha256, generic.version):
            return None
        return _film(fields, source), _solution(fields, generic)
    except InputError:
        return None  # of another version, or cut short: it is made anew


def _film(fields: NpzFields, source: Path) -> FaceFilm:
    width, height = fields.indices("size", (2,), 1 << 16)
    return FaceFilm(
        path=source,
        width=int(width),
        height=int(height),
        times=_plain(fields, "times"),
        points=_plain(fields, "points"),
        weights=_plain(fields, "weights"),
        poses=_plain(fields, "poses"),
        faces=fields.indices("faces", ("N",), 1 << 16).astype(np.int64),
        sharpness=_plain(fields, "sharpness"),
    )


def _solution(fields: NpzFields, generic: HeadModel) -> Solution:
    width, height = fields.indices("size", (2,), 1 << 16)
    vertices = len(generic.v_template)
    head = replace(
        generic, v_template=fields.floats("v_template", (vertices, 3)), joints=fields.floats("joints", (5, 3))
    )
    curves = {name: fields.floats(name, ("N", width)) for name, width in WIDTHS.items()}
    count = len(curves["expr"])
    return Solution(
        camera=Camera(_plain(fields, "view"), _plain(fields, "K"), int(width), int(height)),
        head=head,
        identity=_plain(fields, "identity"),
        offset=_plain(fields, "offset"),
        motion=Motion(**curves, fps=float(fields.single("fps"))),
        seen=fields.indices("seen", ("N",), 2).astype(bool),
        sure=fields.indices("sure", ("N",), 2).astype(bool),
        error=_plain(fields, "error"),
        key=fields.indices("key", ("K",), count).astype(np.int64),
        numbers=json.loads(fields.text("numbers")),
    )


def _plain(fields: NpzFields, name: str) -> np.ndarray:
    """An array of numbers of any shape that may hold NaN, as landmarks of no face do."""
    return np.asarray(fields.get(name, fields.shape(name), "f"), np.float64)
