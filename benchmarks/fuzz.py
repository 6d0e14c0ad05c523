"""Millions of mutated files for every parser of files from outside, by coverage-guided fuzzing (needs `atheris`).

    python benchmarks/fuzz.py pickle --runs 1000000

A parser may refuse a file (InputError, one line) or read it. Anything else counts as a find: another exception, more
than 5 s, more than 2 GiB of memory, a process started or a connection made by what was read.
"""

from __future__ import annotations

import argparse
import io
import os
import pickle
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris  # pyright: ignore[reportMissingImports]
import numpy as np

with atheris.instrument_imports(include=["emosplat"]):  # pyright: ignore[reportAttributeAccessIssue]
    from emosplat.avatars.avatar import load_avatar
    from emosplat.avatars.flame_import import CHUMPY, SPARSE, _array
    from emosplat.avatars.head import load_head
    from emosplat.avatars.library import builtin_head, read_record
    from emosplat.avatars.motion_files import load_motion
    from emosplat.avatars.pickles import StandIn, read_pickle
    from emosplat.avatars.ply import read_ply, write_ply
    from emosplat.blendshapes.data.ply import read_ply_vertices
    from emosplat.blendshapes.emotion import parse_emotion, read_emotion_track
    from emosplat.core.errors import InputError
    from emosplat.core.npz import NpzFields
    from emosplat.pipeline.clip.sidecar import read_sidecar
    from emosplat.renderer import Gaussians

FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove", "subprocess", "socket.connect")
HEAD = builtin_head()
FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
watching = False


def forbid(event: str, arguments: tuple[Any, ...]) -> None:
    """End the program when what is read makes it do something."""
    if watching and event.startswith(FORBIDDEN):
        print(f"find: {event} {arguments}", file=sys.stderr)
        os._exit(77)


def flame_pickle(path: Path) -> None:
    """A pickle with foreign classes, and the arrays in them."""
    found = read_pickle(path, classes=(*CHUMPY, *SPARSE))
    for value in found.values() if isinstance(found, dict) else ():
        if isinstance(value, StandIn | np.ndarray):
            try:
                _array(value)
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                raise InputError(str(error)[:100].replace("\n", " ")) from error


def npz(path: Path) -> None:
    """The bytes as an npz, and as one array of an npz that is otherwise right."""
    data = path.read_bytes()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("expr.npy", data)
        for name, width in (("jaw_pose", 3), ("neck_pose", 3), ("eyes_pose", 6), ("rotation", 3), ("translation", 3)):
            member = io.BytesIO()
            np.save(member, np.zeros((2, width), np.float32))
            archive.writestr(f"{name}.npy", member.getvalue())
    for content, read in ((data, _any_npz), (whole.getvalue(), lambda p: load_motion(p, expressions=100, fps=25))):
        path.write_bytes(content)
        read(path)


def _any_npz(path: Path) -> None:
    for read in (load_head, lambda p: load_avatar(p, HEAD), lambda p: NpzFields(p).floats("expr", ("T", "E"))):
        try:
            read(path)
        except InputError as error:
            _one_line(error)


def track(path: Path) -> None:
    """An emotion track, and an emotion as typed."""
    try:
        parse_emotion(path.read_bytes().decode("latin-1"))
    except InputError as error:
        _one_line(error)
    read_emotion_track(path)


def json_files(path: Path) -> None:
    """The records beside outputs and library entries."""
    try:
        read_record(path.with_suffix(".npz"))
    except InputError as error:
        _one_line(error)
    read_sidecar(path.with_suffix(""))


def ply(path: Path) -> None:
    """Gaussians, and the vertices of a mesh."""
    try:
        read_ply(path)
    except InputError as error:
        _one_line(error)
    read_ply_vertices(path)


def _one_line(error: InputError) -> None:
    assert "\n" not in str(error), str(error)


PARSERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "pickle": (read_pickle, "a.pkl"),
    "flame": (flame_pickle, "a.pkl"),
    "ply": (ply, "a.ply"),
    "npz": (npz, "a.npz"),
    "json": (json_files, "a.json"),
    "csv": (track, "a.csv"),
}


def seeds(kind: str) -> list[bytes]:
    """Files that are right, from which mutation begins."""
    if kind in ("pickle", "flame"):
        value = {"a": np.arange(6.0).reshape(2, 3), "b": [1, "x", (2.5, None)], "c": np.float32(1)}
        files = [pickle.dumps(value, protocol) for protocol in range(6)]
        if kind == "flame":
            from scipy.sparse import csc_matrix

            files += [pickle.dumps({"J_regressor": csc_matrix(np.eye(5))}, protocol) for protocol in (0, 2, 4)]
            leaf = b"\x80\x02}U\x01ccchumpy.ch\nCh\n)\x81}U\x01x"
            files.append(leaf + pickle.dumps(np.zeros(3), 2)[2:-1] + b"sbs.")
        return files
    if kind == "ply":
        rng = np.random.default_rng(0)
        files = []
        for bands in (1, 4):
            g = Gaussians(*(rng.random(s).astype(np.float32) for s in ((2, 3), (2, 4), (2, 3), (2,), (2, bands, 3))))
            write_ply(FOLDER / "seed.ply", g, binding=np.zeros(2, np.int32))
            files.append((FOLDER / "seed.ply").read_bytes())
        return [
            *files,
            b"ply\nformat ascii 1.0\nelement vertex 1\n" + b"property float x\n" * 3 + b"end_header\n1 2 3\n",
        ]
    if kind == "npz":
        member, whole = io.BytesIO(), io.BytesIO()
        np.save(member, np.zeros((2, 100), np.float32))
        np.savez(whole, format=np.array("emosplat-head-1"), expr=np.zeros((2, 3), np.float32))
        return [member.getvalue(), whole.getvalue()]
    if kind == "json":
        return [b'{"head": "open-1", "result": {"fps": 25.0}}']
    return [b"time_s,angry,sad\n0,0.5,0\n1.5,0,1\n", b"angry:0.6,sad:0.2"]


def main() -> None:
    """Fuzz one parser."""
    parser = argparse.ArgumentParser(description="Fuzz one parser.")
    parser.add_argument("parser", choices=PARSERS)
    parser.add_argument("--runs", type=int, default=1_000_000)
    options = parser.parse_args()
    read, name = PARSERS[options.parser]
    path, corpus = FOLDER / name, FOLDER / "corpus"
    corpus.mkdir()
    for i, data in enumerate(seeds(options.parser)):
        (corpus / f"{i}").write_bytes(data)

    def one(data: bytes) -> None:
        global watching  # noqa: PLW0603  # the audit hook cannot be taken off again
        path.write_bytes(data)
        watching = True
        try:
            read(path)
        except InputError as error:
            _one_line(error)
        finally:
            watching = False

    sys.addaudithook(forbid)
    limits = ["-max_len=4096", "-timeout=5", "-rss_limit_mb=2048", "-print_final_stats=1"]
    os.chdir(FOLDER)  # finds are written here
    print(f"finds and corpus: {FOLDER}")
    atheris.Setup([sys.argv[0], f"-runs={options.runs}", *limits, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
