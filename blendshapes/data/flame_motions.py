"""FLAME parameters over time beside sounds, in pairs of files, as trackers write them: `x.npz` and `x.wav`.

HDTF, TFHP, CelebV and films of one's own are measured so; arrays are found by the names that `avatars.motion_files`
knows.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ...avatars.head import HeadModel
from ...avatars.motion_files import load_motion, motion_rate
from ...avatars.pose import Poser
from ...core.errors import InputError
from .faces import CHUNK, neutral_of, pairs
from .files import F32, read_audio
from .flame_fits import check_head, of_skin
from .sequence import DataSet, Sequence, collected, hashed_part

KIND = "flame"
SOURCE = "a FLAME tracker (docs/datasets.md)"
FPS = 25.0  # frames per second of files that tell no rate
SUFFIX = ".npz"


def open_flame_motions(folder: Path, head: HeadModel) -> DataSet:
    """FLAME motions with a sound of the same name; the folders of `folder` are the people. Raises InputError."""
    check_head(head)
    found, skipped = pairs(folder, (SUFFIX,))
    sequences = []
    for pair in found:
        try:
            fps = motion_rate(pair.motion) or FPS
        except InputError as error:
            skipped.append(str(error))
            continue
        sequences.append(
            Sequence(
                subject=pair.who,
                person=f"{KIND}/{pair.who}",
                name=pair.name,
                part=hashed_part(f"{KIND}/{pair.who}"),
                label=pair.label,
                fps=fps,
                vertices=partial(_vertices, pair.motion, head, fps),
                neutral=partial(neutral_of, head),
                audio=partial(read_audio, pair.sound),
                performed=partial(load_motion, pair.motion, expressions=head.expressions, fps=fps),
            )
        )
    return collected(folder, KIND, head.version, sequences, skipped, source=SOURCE)


def _vertices(path: Path, head: HeadModel, fps: float) -> F32:
    """Vertices [T,V,3] of the face; the head keeps still."""
    motion = load_motion(path, expressions=head.expressions, fps=fps)
    poser = Poser(head)
    return np.concatenate([poser.vertices(piece) for piece in of_skin(motion).chunks(CHUNK)])
