"""A data set in VHAP's layout, rendered from an avatar: to try training, and to measure it against the truth."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...renderer import Camera, Rasterizer
from ..avatar import Avatar
from ..head import ExpressionTable, HeadModel
from ..motion import Motion
from ..pose import Poser
from ..scene import load_scene
from ..shading import Shader
from .dataset import WIDTHS

SEQUENCE = "sequence"


def ring(count: int, *, size: int, distance: float = 0.8, fov_y: float = 0.42) -> list[Camera]:
    """`count` cameras around the face, the last of them in front; metres and radians."""
    turns = np.linspace(-1.1, 1.1, count - 1)
    heights = np.where(np.arange(count - 1) % 2, 0.2, -0.12)
    eyes = [distance * np.array([np.sin(a), h, np.cos(a)]) for a, h in zip(turns, heights, strict=True)]
    return [
        Camera.look_at(eye, (0, 0, 0), fov_y=fov_y, width=size, height=size)
        for eye in (*eyes, np.array([0, 0, distance]))
    ]


def expressive_motion(head: HeadModel, count: int, *, seed: int = 0) -> Motion:
    """`count` mixtures of an emotion and a viseme, every sixth with a blink, and small turns of head and eyes.

    Each emotion and viseme comes up before any does again.
    """
    rng = np.random.default_rng(seed)

    def dealt(table: ExpressionTable) -> np.ndarray:
        rounds = [rng.permutation(len(table.names)) for _ in range(count // len(table.names) + 1)]
        return np.concatenate(rounds)[:count]

    def small(width: int, size: float) -> np.ndarray:
        return rng.normal(0, size, (count, width)).astype(np.float32)

    emotion, viseme = dealt(head.emotions), dealt(head.visemes)
    share = rng.uniform(0, 1, (2, count)).astype(np.float32)
    opening = share[0] * head.emotions.jaw[emotion] + share[1] * head.visemes.jaw[viseme]
    expr = share[0, :, None] * head.emotions.expr[emotion] + share[1, :, None] * head.visemes.expr[viseme]
    blink = sum(head.arkit.expr[head.arkit.rows(f"eyeBlink{side}")[0]] for side in ("Left", "Right"))
    expr[5::6] += rng.uniform(0, 1, (count // 6, 1)) * blink
    return Motion(
        expr=expr.astype(np.float32),
        jaw=np.stack([opening, 0 * opening, 0 * opening], axis=1),
        neck=small(3, 0.05),
        eyes=np.tile(small(3, 0.08), 2),
        rotation=small(3, 0.03),
        translation=small(3, 0.003),
        fps=25.0,
    )


def write_dataset(
    folder: Path,
    avatar: Avatar,
    generic: HeadModel,
    motion: Motion,
    cameras: Sequence[Camera],
    rasterizer: Rasterizer,
    *,
    held_out: Collection[int] = (),
) -> Path:
    """Render every timestep from every camera; returns the folder to train on, `folder/union`.

    The last camera is the validation, the timesteps `held_out` are the test. `generic` is the head without identity.
    """
    sequence, union = folder / SEQUENCE, folder / "union"
    for part in (sequence / "images", sequence / "fg_masks", sequence / "flame_param", union):
        part.mkdir(parents=True, exist_ok=True)
    scene = load_scene(avatar, rasterizer)
    poser, shader = Poser(avatar.head), Shader(avatar)
    splits: dict[str, list[dict[str, Any]]] = {"train": [], "val": [], "test": []}
    for t in range(len(motion)):
        still = motion[t : t + 1]
        _write_parameters(sequence / "flame_param" / f"{t:05d}.npz", avatar, generic, still)
        transforms, weights = poser.transforms(still), shader.weights(still)
        for c, camera in enumerate(cameras):
            frame = scene.render(camera, transforms, shading_weights=weights)[0]
            _write_picture(sequence / "images" / f"{t:05d}_{c:02d}.png", frame.rgb)
            _write_picture(sequence / "fg_masks" / f"{t:05d}_{c:02d}.png", frame.alpha)
            split = "test" if t in held_out else "val" if c == len(cameras) - 1 else "train"
            splits[split].append(_frame(t, c, camera))
    for split, frames in splits.items():
        if frames:
            (union / f"transforms_{split}.json").write_text(json.dumps({"frames": frames}, indent=1), encoding="utf-8")
    return union


def _write_parameters(path: Path, avatar: Avatar, generic: HeadModel, still: Motion) -> None:
    """FLAME parameters of one timestep; the person's identity is the static offset."""
    neutral = np.zeros(generic.expressions, np.float32) if avatar.neutral is None else avatar.neutral
    offset = avatar.head.v_template - generic.v_template - generic.exprdirs @ neutral
    arrays = {key: getattr(still, field) for field, (key, _) in WIDTHS.items()}
    arrays |= {
        "expr": still.expr + neutral,
        "shape": np.zeros(generic.shapedirs.shape[2], np.float32),
        "static_offset": offset[None].astype(np.float32),
    }
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]


def _write_picture(path: Path, pixels: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(path)


def _frame(timestep: int, index: int, camera: Camera) -> dict[str, Any]:
    """A frame's entry; the camera in OpenGL's axes."""
    pose = np.linalg.inv(camera.view)
    pose[:3, 1:3] *= -1
    (fx, _, cx), (_, fy, cy) = camera.K[:2].tolist()
    stem = f"{timestep:05d}_{index:02d}.png"
    return {
        "timestep_index": timestep,
        "camera_index": index,
        "camera_id": f"{index:02d}",
        "cx": cx,
        "cy": cy,
        "fl_x": fx,
        "fl_y": fy,
        "w": camera.width,
        "h": camera.height,
        "camera_angle_x": 2 * float(np.arctan(0.5 * camera.width / fx)),
        "camera_angle_y": 2 * float(np.arctan(0.5 * camera.height / fy)),
        "transform_matrix": pose.tolist(),
        "file_path": f"../{SEQUENCE}/images/{stem}",
        "fg_mask_path": f"../{SEQUENCE}/fg_masks/{stem}",
        "flame_param_path": f"../{SEQUENCE}/flame_param/{timestep:05d}.npz",
    }
