"""The user's own avatars: imported with a preview picture and their provenance, and written for GaussianAvatars."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar, save_avatar
from ...avatars.gaussian_avatars import PARAMETERS, find_ply, read_gaussian_avatar, write_gaussian_avatar
from ...avatars.head import load_head
from ...avatars.library import (
    check_bound,
    find_head,
    head_of_version,
    head_versions,
    new_entry,
    open_avatar,
    own_heads,
    read_record,
    write_record,
)
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...core.errors import InputError
from ...core.npz import NpzFields
from ...core.whole_files import whole_file
from ...renderer import Rasterizer
from ..camera.views import named_camera
from ..clip.sidecar import file_sha256
from .portraits import write_picture

PREVIEW = 320  # pixels
NOT_STATED = "not stated; FLAME's terms and those of the recordings apply"


def import_avatar(
    source: Path,
    name: str,
    rasterizer: Rasterizer,
    *,
    head: str | None = None,
    licence: str = "",
    overwrite: bool = False,
    note: Callable[[str], None] = lambda _: None,
) -> Path:
    """Make a GaussianAvatars folder, or an avatar npz of ours, one of the user's avatars; returns its file.

    `head` names the imported FLAME head that the avatar was trained with; `note` is told what was left out. Raises
    InputError.
    """
    entry = new_entry("avatar", name, overwrite=overwrite)
    check_bound(source)
    if source.suffix.lower() == ".npz":
        avatar = open_avatar(str(source))
        origin, files = "avatar npz", [source]
    else:
        ply = find_ply(source)
        avatar = read_gaussian_avatar(source, load_head(flame_head(head)), name=name, note=note)
        origin, files = "GaussianAvatars folder", [ply, ply.with_name(PARAMETERS)]
    preview = portrait(avatar, rasterizer)
    if source.suffix.lower() == ".npz":
        entry.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(entry) as partial:
            shutil.copyfile(source, partial)
    else:
        save_avatar(entry, avatar)
    write_picture(entry.with_suffix(".png"), preview)
    record = {
        "avatar": name,
        "head": avatar.head.version,
        "gaussians": len(avatar.gaussians),
        "licence": licence or avatar.licence or NOT_STATED,
        "origin": origin,
        "source": str(source.resolve()),
        "sha256": {path.name: file_sha256(path) for path in files},
        "imported": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_record(entry, record)
    return entry


def flame_head(name: str | None) -> Path:
    """The named head, or the only imported one."""
    if name is not None:
        return find_head(name)
    own = own_heads()
    if len(own) == 1:
        return find_head(own[0])
    found = (
        f"{len(own)} of them ({', '.join(own)})"
        if own
        else "none; import FLAME with: render head import FILE --name NAME"
    )
    raise InputError(f"--head: expected the name of the FLAME head that the avatar was trained with, found {found}")


def portrait(avatar: Avatar, rasterizer: Rasterizer, *, size: int = PREVIEW) -> NDArray[np.uint8]:
    """The person at rest from the front, [size, size, 3]."""
    camera = named_camera("front", avatar.head, width=size, height=size)
    rest = Poser(avatar.head).transforms(Motion.rest(1, avatar.head.expressions, 25.0))
    return rasterizer.load(avatar.gaussians, avatar.binding).render(camera, rest)[0].rgb


def export_folder(name: str, out: Path) -> Path:
    """Write an avatar as a GaussianAvatars folder; raises InputError for one that is not on a FLAME head."""
    avatar = open_avatar(name)
    generic = load_head(head_of_version(avatar.head.version, wanted_by=name))
    return write_gaussian_avatar(out, avatar, generic)


def describe(path: Path) -> dict[str, Any]:
    """What is known about an avatar's file: head, Gaussians, size, provenance."""
    fields = NpzFields(path)
    names = {version: name for name, version in head_versions().items()}
    version = fields.text("head_version")
    return {
        "head": version,
        "head_name": names.get(version, "not here"),
        "gaussians": fields.count("binding"),
        "megabytes": round(path.stat().st_size / 1e6, 2),
    } | read_record(path)
