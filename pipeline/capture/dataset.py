"""A solved film as an ordinary data set with one camera, as `render avatar fit` and others read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np

from ...avatars.fitting.dataset import WIDTHS
from ...core.npz import save_npz
from ...core.whole_files import write_whole
from .solve import Solution

PARAMETERS = "flame_param"


def write_tracking(
    folder: Path,
    solution: Solution,
    frames: Sequence[int],
    *,
    picture: Callable[[int], str] = "images/{:05d}.png".format,
    held_out: Collection[int] = (),
) -> None:
    """Write camera and parameters of some `frames` of the film; the pictures are the caller's.

    folder: gets `transforms_train.json`, for those `held_out` `transforms_test.json`, and `flame_param/`
    picture: name of a frame's picture in the folder, of the camera's size, with a white or transparent background
    """
    (folder / PARAMETERS).mkdir(parents=True, exist_ok=True)
    camera, motion = solution.camera, solution.motion
    pose = np.linalg.inv(camera.view)
    pose[:, 1:3] *= -1  # OpenGL's axes
    shot = {
        "fl_x": camera.K[0, 0],
        "fl_y": camera.K[1, 1],
        "cx": camera.K[0, 2],
        "cy": camera.K[1, 2],
        "w": camera.width,
        "h": camera.height,
    }
    rows: dict[str, list[dict[str, object]]] = {"train": [], "test": []}
    for frame in frames:
        name = f"{PARAMETERS}/{frame:05d}.npz"
        arrays = {key: getattr(motion, field)[frame : frame + 1] for field, (key, _) in WIDTHS.items()}
        person = {"shape": solution.identity, "static_offset": solution.offset[None]}
        arrays |= {"expr": motion.expr[frame : frame + 1], **person}
        save_npz(folder / name, {n: np.asarray(a, np.float32) for n, a in arrays.items()})
        rows["test" if frame in held_out else "train"].append(
            {
                "file_path": picture(frame),
                "flame_param_path": name,
                "transform_matrix": pose.tolist(),
                "camera_index": 0,
                "timestep_index": int(frame),
            }
        )
    for split, found in rows.items():
        if found or split == "train":
            text = json.dumps({**shot, "frames": found}, indent=1) + "\n"
            write_whole(folder / f"transforms_{split}.json", text.encode())
