"""Data sets as sources of a batch: recordings of `blendshapes/data`, and AudioFolder, whose tables are manifests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from ...blendshapes.data import CORPORA
from ...blendshapes.data.recordings import Reader, Recording, Unused, labelled
from ...core.errors import InputError
from ...core.media_formats import FILM, SOUND
from .sources import Clip, Listing, Skip, Tree, read_manifest

AUDIOFOLDER = "audiofolder"
SPLITS = {"", "train", "training", "dev", "val", "valid", "validation", "test", "eval", "data", "audio", "wav", "wavs"}


def read_dataset(name: str, root: str) -> Listing:
    """The clips of a data set below `root`, and what was skipped and why; raises InputError.

    The name may be spelt as its authors do: `CREMA-D` is `cremad`.
    """
    told, name = name, re.sub(r"[\W_]", "", name.lower())
    readers = {corpus: read for corpus, about in CORPORA.items() if (read := about.recordings) is not None}
    if name not in (*readers, AUDIOFOLDER):
        raise InputError(f"--dataset {told!r}: expected one of {', '.join((*readers, AUDIOFOLDER))}")
    tree = Tree(root)
    found = list(_audiofolder(tree) if name == AUDIOFOLDER else _corpus(tree, readers[name]))
    clips = [f for f in found if isinstance(f, Clip)]
    skipped = [f for f in found if isinstance(f, Skip)]
    if not clips:
        why = f" ({skipped[0].name}: {skipped[0].reason})" if skipped else ""
        raise InputError(f"{root}: expected the files of {name}, found none{why}; is this the right folder?")
    return Listing(clips, [*tree.left_out, *skipped])


def _corpus(tree: Tree, read: Reader) -> Iterator[Clip | Skip]:
    return (_clip(tree, found) for found in read(tree))


def _audiofolder(tree: Tree) -> Iterator[Clip | Skip]:
    """Hugging Face AudioFolder: `metadata.csv|jsonl|parquet` with file_name, or one folder per label."""
    tables = [n for n in tree.names if re.fullmatch(r"(.*/)?metadata\.(csv|tsv|jsonl|parquet)", n)]
    listed: set[str] = set()
    for table in tables:
        listing = read_manifest(tree.url(table))
        yield from listing.skipped
        for clip in listing.clips:
            relative = clip.audio.removeprefix(f"{tree.root}/")
            listed.add(relative)
            if relative in tree:
                yield _with_label(replace(clip, id=str(PurePosixPath(relative).with_suffix("")), origin=relative))
            else:
                yield Skip(relative, f"is in {table}, but there is no such file")
    for name in tree.names:
        path = PurePosixPath(name)
        if name in listed or name in tables:
            continue
        if path.suffix.lower() not in SOUND | FILM:
            yield Skip(name, "is no recording by its suffix")
        elif tables:
            yield Skip(name, f"is not in {tables[0]}")
        else:
            label = path.parent.name
            recording = Recording(name, str(path.with_suffix("")), extra={"label": label})
            yield _clip(tree, recording if label.lower() in SPLITS else labelled(recording, label))


def _with_label(clip: Clip) -> Clip | Skip:
    """A table's clip with the emotion that its column `label` names, unless another column tells it."""
    label = clip.extra.get("label", "").strip()
    if "emotion" in clip.settings or not label:
        return clip
    told = labelled(Recording(clip.origin, clip.id), label)
    if isinstance(told, Unused):
        return Skip(told.file, told.reason)
    return replace(clip, settings=clip.settings | {"emotion": told.emotion})


def _clip(tree: Tree, found: Recording | Unused) -> Clip | Skip:
    if isinstance(found, Unused):
        return Skip(found.file, found.reason)
    told = {"emotion": found.emotion, "intensity": found.intensity}
    settings = {name: value for name, value in told.items() if value is not None}
    return Clip(found.id, tree.url(found.file), found.file, settings=settings, extra=dict(found.extra))
