"""What an avatar can be written as: one table that help, errors, documentation and tests follow.

Who writes each format stands in `formats.py`; nothing heavy is imported here, for the sake of `render --help`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ...core.errors import InputError

AXES = ("y-up", "y-down")  # our world's and glTF's, face towards +Z; and those of scanned scenes, face towards -Z
USD_SUFFIXES = ("usda", "usdc", "usdz")  # text, binary, and binary in a zip file
SPZ_VERSION = 3  # read by everybody; 2 for older readers, 4 for those that know nothing else
SPZ_VERSIONS = (2, 3, 4)
NUMBERED = re.compile(r"[^%]*%0?\d{0,2}d[^%]*\.ply", re.IGNORECASE)


class Content(Enum):
    """What is in a file."""

    POSE = "the Gaussians of one pose"
    FRAMES = "the Gaussians of one pose, or of every frame of a motion"
    MESH = "the mesh with shapes and joints, at rest"
    ACTED = "the mesh with shapes and joints, and a motion"
    SEQUENCE = "a file per frame"
    FOLDER = "a folder"


@dataclass(frozen=True)
class ExportFormat:
    """One kind of output."""

    name: str  # of `--format`, and how names of such files end
    what: str
    content: Content
    axes: str = "y-up"  # one of AXES: what its readers take it for
    fixed: bool = True  # whether the format itself says which axes

    @property
    def is_file(self) -> bool:
        """Whether it is one file."""
        return self.content not in {Content.SEQUENCE, Content.FOLDER}

    @property
    def takes_emotion(self) -> bool:
        """Whether it shows a pose."""
        return self.content in {Content.POSE, Content.FRAMES}

    @property
    def takes_motion(self) -> bool:
        """Whether it moves."""
        return self.content in {Content.FRAMES, Content.ACTED, Content.SEQUENCE}


_ALL = (
    ExportFormat("ply", "3D Gaussian splatting's PLY", Content.POSE, "y-down", fixed=False),
    ExportFormat("compressed.ply", "PlayCanvas' compressed PLY", Content.POSE, "y-down", fixed=False),
    ExportFormat("splat", "antimatter15's .splat", Content.POSE, "y-down", fixed=False),
    ExportFormat("sog", "PlayCanvas' SOG", Content.POSE, "y-down", fixed=False),
    ExportFormat("spz", "Niantic's SPZ", Content.POSE),
    ExportFormat("splat.glb", "glTF with KHR_gaussian_splatting", Content.FRAMES),
    *(ExportFormat(f"splat.{usd}", "OpenUSD's ParticleField3DGaussianSplat", Content.FRAMES) for usd in USD_SUFFIXES),
    ExportFormat("glb", "glTF", Content.ACTED),
    ExportFormat("vrm", "VRM 1.0", Content.MESH),
    *(ExportFormat(usd, "OpenUSD", Content.ACTED) for usd in USD_SUFFIXES),
    ExportFormat("ply-sequence", "a PLY per frame", Content.SEQUENCE, "y-down", fixed=False),
    ExportFormat("ga", "GaussianAvatars' folder", Content.FOLDER),
)
TABLE = {known.name: known for known in _ALL}


def suffixes(wanted: Callable[[ExportFormat], bool] = lambda _: True) -> str:
    """Suffixes of the files that are wanted, for help and messages: ".ply .splat ..."."""
    return " ".join(f".{known.name}" for known in _ALL if known.is_file and wanted(known))


def find_format(out: Path, asked: str | None = None) -> ExportFormat:
    """The format that is asked for or that the output's name means; raises InputError."""
    suffix = out.suffix.lower()
    ends = [known.name for known in _ALL if known.is_file and out.name.lower().endswith(f".{known.name}")]
    named = max(ends, key=len, default=None if suffix else "ga")
    if named == "ply" and NUMBERED.fullmatch(out.name):
        named = "ply-sequence"
    chosen = asked or named
    if chosen not in TABLE:
        what = f"--format {chosen!r}" if asked else f"{out}: unknown suffix {suffix!r}"
        raise InputError(f"{what}: expected one of {', '.join(TABLE)}")
    # what ends in .glb may be asked to be splat.glb, for its readers are told nothing by a longer name
    fits = {"ga": not suffix, "ply-sequence": not suffix or named == "ply-sequence"}
    if not fits.get(chosen, named is not None and (chosen == named or chosen.endswith(f".{named}"))):
        raise InputError(f"{out}: expected {_wanted_name(chosen)} for --format {chosen}")
    return TABLE[chosen]


def _wanted_name(kind: str) -> str:
    names = {"ga": "the name of a folder", "ply-sequence": "a folder or a pattern such as frames/%06d.ply"}
    return names.get(kind, f"a name that ends in .{kind}")
