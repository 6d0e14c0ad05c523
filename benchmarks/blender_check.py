"""Our animated .glb and .usdc in Blender: `python -m pip install bpy` (5.0 for Python 3.11, later ones for 3.13), then
`python benchmarks/blender_check.py FILE [FPS FRAMES]`.

bpy comes with a Python of its own, so that emosplat is not imported here. Imports the file, runs the script that
docs/viewer-and-exports.md gives to people, and fails unless shapes, ranges, rate and last key are what that page says.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import bpy  # pyright: ignore[reportMissingImports]

MANUAL = Path(__file__).parent.parent / "docs" / "viewer-and-exports.md"


def main(file: str, fps: str = "25", frames: str = "0") -> None:
    """Import a file and print what has arrived."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    namespace: dict[str, object] = {"FILE": file, "FPS": float(fps)}
    exec(_script(), namespace)
    scene = bpy.context.scene
    (keys,) = (mesh.shape_keys for mesh in bpy.data.meshes if mesh.shape_keys)
    blocks = keys.key_blocks
    rate = scene.render.fps / scene.render.fps_base
    print(f"Blender {bpy.app.version_string}, {file}")
    print(f"{len(blocks)} shape keys, {blocks[0].name}, {blocks[1].name} ... {blocks[-1].name}")
    print(f"sliders {min(b.slider_min for b in blocks):g} to {max(b.slider_max for b in blocks):g}")
    print(f"{rate:g} frames/s, frames {scene.frame_start} to {scene.frame_end}")
    assert {"Basis", "jawOpen", "mouthSmileLeft", "viseme_PP"} <= {block.name for block in blocks}
    assert all(block.slider_min == 0 and block.slider_max == 1 for block in blocks)
    assert rate == float(fps)
    ranges = {action.name: tuple(action.frame_range) for action in bpy.data.actions}
    print(f"keys {ranges}")
    if int(frames):
        assert (scene.frame_start, scene.frame_end) == (1, int(frames))
        assert all(abs(first - 1) < 1e-3 and abs(last - int(frames)) < 1e-3 for first, last in ranges.values())


def _script() -> str:
    """The Python of the manual's section on Blender."""
    section = MANUAL.read_text("utf-8").split("### Blender")[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


if __name__ == "__main__":
    main(*sys.argv[1:])
