"""MEAD: actors speak with eight emotions at three levels; recordings, and FLAME parameters that EMOTE tracked, 25
fps (Wang et al., "MEAD", ECCV 2020; Danecek et al., "Emotional Speech-Driven Animation with Content-Emotion
Disentanglement", SIGGRAPH Asia 2023)."""

from __future__ import annotations

import importlib
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...avatars.head import HeadModel
from ...core.errors import InputError
from .files import F32
from .flame_fits import Fit, check_head, fitted_sequence
from .recordings import Files, Found, Recording, Unused, labelled, sound_and_film, stem_of
from .sequence import DataSet, Label, Part, collected, find_emotion

KIND = "mead"
SOURCE = "download.is.tue.mpg.de/emote (EMOTE's reconstructions of MEAD)"
FPS = 25.0
LEVELS = {"level_1": 1 / 3, "level_2": 2 / 3, "level_3": 1.0}
MAX_FRAMES, MAX_COEFFICIENTS = 200_000, 400  # of one recording
# EMOTE's split `random_by_identityV2`: ids by sex
PEOPLE: dict[Part, str] = {
    "train": "M003 M005 M007 M009 M011 M012 M013 M019 M022 M023 M024 M025 M026 M027 M028 M029 M030 M031 "
    "W009 W011 W014 W015 W016 W018 W019 W021 W023 W024 W025 W026 W028 W029",
    "val": "M032 M033 M034 M035 W033 W035 W036",
    "test": "M037 M039 M040 M041 M042 W037 W038 W040",
}
PARTS: dict[str, Part] = {person: part for part, people in PEOPLE.items() for person in people.split()}


def recordings(files: Files) -> Found:
    """`M003/audio/angry/level_3/001.m4a`; videos where there is no audio; or flat, as `M003_front_angry_level_3_001`.

    The flat names of re-cuts part the words with _, - or #.
    """
    nested = re.compile(r"(?:.*/)?([MW]\d{3})/(audio|video/([^/]+))/([^/]+)/(?:level_)?([^/]+)/(\d+)")
    flat = re.compile(
        r"([MW]\d{3})[_#-](?:([a-z]+(?:[_#-]\d+)?)[_#-])?((?!level)[a-z]+)[_#-](?:level[_#-]?)?(\d)[_#-](\d+)",
        re.IGNORECASE,
    )
    found = [(path.parent / stem_of(path), name) for name, path in sound_and_film(files)]
    heard = {m.group(1, 4, 5, 6) for path, _ in found if (m := nested.fullmatch(str(path))) and not m[3]}
    seen: set[tuple[str, ...]] = set()
    for path, name in found:
        if match := nested.fullmatch(str(path)):
            actor, _, view, emotion, level, number = match.groups()
        elif match := flat.fullmatch(path.name):
            actor, view, emotion, level, number = match.groups()
        else:
            yield Unused(name, "is not named ACTOR/audio/EMOTION/level_N/NNN")
            continue
        emotion = emotion.lower()
        take = (actor, emotion, level, number)
        if view and (take in heard or take in seen):
            yield Unused(name, "its sound comes from the audio folder or another view")
            continue
        seen.add(take)
        if f"level_{level}" not in LEVELS:
            yield Unused(name, f"level {level} is none of MEAD's 1, 2, 3")
            continue
        extra = {"actor": actor, "level": level, "take": number}
        intensity = None if emotion == "neutral" else round(LEVELS[f"level_{level}"], 2)
        clip = f"{actor}_{emotion}_level_{level}_{number}"
        yield labelled(Recording(name, clip, intensity=intensity, extra=extra), emotion)


def open_mead(folder: Path, head: HeadModel) -> DataSet:
    """`<person>/front/<emotion>/level_<n>/<NNN>/shape_pose_cam.hdf5` and MEAD's own sound beside it,
    `<person>/audio/<emotion>/level_<n>/<NNN>.m4a`; other views show the same performances again.

    Needs h5py. Raises InputError.
    """
    check_head(head)
    _h5py()
    sequences, skipped = [], []
    for file in sorted(folder.glob("*/**/front/*/*/*/shape_pose_cam.hdf5")):
        person, *_, emotion, level, clip = file.relative_to(folder).parent.parts
        if level not in LEVELS:
            skipped.append(f"{file}: no level_1 to level_3")
            continue
        canonical = find_emotion(emotion)
        strength = 1.0 if canonical == "neutral" else LEVELS[level]
        sequences.append(
            fitted_sequence(
                head,
                partial(_read, file),
                subject=person,
                person=f"{KIND}/{person}",
                name=f"{emotion}_{level}_{clip}",
                part=PARTS.get(person),
                label=Label(emotion, canonical, level=strength),
                fps=FPS,
                sound=folder / person / "audio" / emotion / level / f"{clip}.m4a",
            )
        )
    return collected(folder, KIND, head.version, sequences, skipped, source=SOURCE)


def _h5py() -> Any:
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise InputError(
            "MEAD's fits are HDF5 files: expected h5py, found none; install it: pip install h5py"
        ) from error


def _read(path: Path) -> Fit:
    """Keys shape, exp and jaw, each [1,T,D]; the tracker's identity varies a little over time, so its mean is used."""
    try:
        with _h5py().File(path, "r") as file:
            shape, expr, jaw = (_hdf5_rows(file, key, path) for key in ("shape", "exp", "jaw"))
    except OSError as error:
        raise InputError(f"{path}: expected an HDF5 file, found something else ({error})") from error
    if not len(shape) == len(expr) == len(jaw) or jaw.shape[1] != 3:
        raise InputError(
            f"{path}: expected shape, exp [T, D] and jaw [T, 3], found {shape.shape}, {expr.shape}, {jaw.shape}"
        )
    return Fit(expr=expr, jaw=jaw, shape=shape.mean(axis=0))


def _hdf5_rows(file: Any, key: str, path: Path) -> F32:
    h5py = _h5py()
    own = isinstance(file.get(key, getlink=True), h5py.HardLink)  # and no link to another file
    data: Any = file.get(key) if own else None
    if not isinstance(data, h5py.Dataset) or data.external or data.dtype.kind != "f":
        raise InputError(f"{path}: {key}: expected an array of floats, found none")
    if data.ndim != 3 or data.shape[0] != 1 or not 0 < data.shape[1] <= MAX_FRAMES or data.shape[2] > MAX_COEFFICIENTS:
        raise InputError(f"{path}: {key}: expected floats [1, T, D], found {list(data.shape)}")
    return data[0].astype(np.float32)
