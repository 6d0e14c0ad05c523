"""The parsers of files from outside, as `fuzz.py` calls them. Each may read a file or raise InputError in one line."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import atheris  # pyright: ignore[reportMissingImports]
import numpy as np
from fuzz_seeds import TEXTS
from pydantic import ValidationError

with atheris.instrument_imports(include=["emosplat"]):  # pyright: ignore[reportAttributeAccessIssue]
    from emosplat.avatars.avatar import load_avatar
    from emosplat.avatars.fitting.dataset import read_dataset
    from emosplat.avatars.flame_import import CHUMPY, SPARSE, _array
    from emosplat.avatars.gnm import read_gnm
    from emosplat.avatars.head import load_head
    from emosplat.avatars.library import builtin_head, read_record
    from emosplat.avatars.motion_files import load_motion
    from emosplat.avatars.pickles import StandIn, read_pickle
    from emosplat.avatars.ply import read_ply
    from emosplat.blendshapes.acting.style_files import load_style
    from emosplat.blendshapes.data.ply import read_ply_vertices
    from emosplat.blendshapes.data.tracked import read_manifest as read_tracked
    from emosplat.blendshapes.editing.keys import parse_key, parse_pose
    from emosplat.blendshapes.editing.spans import parse_span
    from emosplat.blendshapes.emotion import parse_emotion, read_emotion_track
    from emosplat.blendshapes.emotion_text import read_emotion_text
    from emosplat.blendshapes.face_motion_files import load_face_motion
    from emosplat.blendshapes.singing.score_files import READERS, is_score, read_score
    from emosplat.blendshapes.speech.accent_files import read_accents
    from emosplat.blendshapes.speech.encoder import read_network
    from emosplat.blendshapes.speech.languages import IPA, _readable, _sounds, canonical_language
    from emosplat.blendshapes.speech.transcript import read_transcript, words_of
    from emosplat.blendshapes.subtitles.webvtt import read_subtitles
    from emosplat.blendshapes.training.recordings import read_recordings
    from emosplat.core.errors import InputError
    from emosplat.core.npz import NpzFields
    from emosplat.pipeline.batch.datasets import read_dataset as read_clips
    from emosplat.pipeline.batch.grid import parse_grid
    from emosplat.pipeline.batch.sources import read_manifest
    from emosplat.pipeline.camera.path import open_camera
    from emosplat.pipeline.clip.sidecar import read_sidecar
    from emosplat.pipeline.live.control import read_change
    from emosplat.pipeline.robot.babble import load_babble
    from emosplat.pipeline.robot.command_files import read_commands
    from emosplat.pipeline.robot.description import load_robot
    from emosplat.pipeline.robot.self_model import load_self
    from emosplat.pipeline.service.asked import Asked
    from emosplat.pipeline.settings import read_settings
    from emosplat.studies.analysis.key import Shown
    from emosplat.studies.analysis.responses import read_responses
    from emosplat.studies.answers import Arrival, Submission
    from emosplat.studies.design import load_study

HEAD = builtin_head()
FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
(FOLDER / "study.yaml").write_text(TEXTS["study"][0], "utf-8")
STUDY = load_study(FOLDER / "study.yaml")
SHOWN = Shown(0, 0, "main", "q", "a", "x", "", {"x.mp4": "x"}, "")
ROBOT = load_robot("morpheus-like")


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
    floats: Callable[[Path], Any] = lambda p: NpzFields(p).floats("expr", ("T", "E"))  # noqa: E731
    for read in (load_head, lambda p: load_avatar(p, HEAD), read_gnm, load_babble, floats):
        try:
            read(path)
        except InputError as error:
            one_line(error)


def track(path: Path) -> None:
    """An emotion track, and an emotion as typed."""
    try:
        parse_emotion(path.read_bytes().decode("latin-1"))
    except InputError as error:
        one_line(error)
    read_emotion_track(path)


def styles(path: Path) -> None:
    """Styles, and the moments that stand out."""
    _each(path, (("a.style.json", load_style), ("a.csv", read_accents)))


def json_files(path: Path) -> None:
    """The records beside outputs and library entries."""
    try:
        read_record(path.with_suffix(".npz"))
    except InputError as error:
        one_line(error)
    read_sidecar(path.with_suffix(""))


def ply(path: Path) -> None:
    """Gaussians, and the vertices of a mesh."""
    try:
        read_ply(path)
    except InputError as error:
        one_line(error)
    read_ply_vertices(path)


def _each(path: Path, readers: Iterable[tuple[str, Callable[[Path], Any]]]) -> None:
    """The bytes under names of several kinds, each to its reader."""
    data = path.read_bytes()
    for name, read in readers:
        file = path.with_name(name)
        file.write_bytes(data)
        try:
            read(file)
        except InputError as error:
            one_line(error)


def faces(path: Path) -> None:
    """Curves of Live Link Face and Audio2Face, and face motion of our own."""
    _each(path, [("face.csv", load_face_motion), ("face.json", load_face_motion)])


def manifests(path: Path) -> None:
    """Lists of clips, and the tables of data sets."""
    kinds = ("csv", "tsv", "json", "jsonl")
    _each(path, [(f"list.{kind}", lambda file: read_manifest(str(file))) for kind in kinds])
    table = path.parent / "clips" / "metadata.csv"
    table.parent.mkdir(exist_ok=True)
    table.write_bytes(path.read_bytes())
    (table.parent / "a.wav").touch()
    read_clips("audiofolder", str(table.parent))


def transcripts(path: Path) -> None:
    """Every kind of transcript; English words, and what is handed to espeak-ng and comes back from it."""
    kinds = ("txt", "srt", "vtt", "TextGrid", "lab", "ctm", "json")
    _each(path, [(f"said.{kind}", lambda f: words_of(read_transcript(str(f), start=1, duration=9))) for kind in kinds])
    text = path.read_bytes().decode("utf-8", "replace")
    assert all(sound.ipa[0] in IPA for sound in _sounds(text))
    _readable(text)
    canonical_language(text)


def scores(path: Path) -> None:
    """Every kind of song score; the bytes as a score that is packed, too."""
    data = path.read_bytes()
    packed = path.with_name("packed.mxl")
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("META-INF/container.xml", '<container><rootfile full-path="a"/></container>')
        archive.writestr("a", data)
    try:
        read_score(packed)
    except InputError as error:
        one_line(error)
    _each(path, [(f"song{kind}", lambda file: (is_score(file), read_score(file))) for kind in READERS])


def cameras(path: Path) -> None:
    """Camera files of ours and of other programs."""
    open_camera(str(path), HEAD, width=64, height=64)


def recordings(path: Path) -> None:
    """A folder of recordings to train on, whose manifest and phones are the bytes."""
    folder = path.parent / "voices"
    folder.mkdir(exist_ok=True)
    (folder / "LICENCE").write_text("CC0")
    for name in ("manifest.jsonl", "phones.jsonl"):
        (folder / name).write_bytes(path.read_bytes())
    read_recordings(folder)


def captured(path: Path) -> None:
    """A data set of pictures with cameras, and the FLAME parameters of a frame."""
    folder = path.parent / "captured"
    (folder / "flame_param").mkdir(parents=True, exist_ok=True)
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / "a.png").touch()
    (folder / "transforms_train.json").write_bytes(path.read_bytes())
    (folder / "flame_param" / "00000.npz").write_bytes(path.read_bytes())
    read_dataset(folder, HEAD)


def typed(path: Path) -> None:
    """Settings as words, and a grid of them."""
    text = path.read_bytes().decode("utf-8", "replace")
    for line in text.split("\n")[:20]:
        name, _, value = line.partition("=")
        try:
            read_settings({name: value})
        except InputError as error:
            one_line(error)
    parse_grid(text)


def robots(path: Path) -> None:
    """Descriptions of robots, and recorded commands."""
    _each(path, (("a.yaml", lambda file: load_robot(str(file))), ("a.csv", lambda file: read_commands(file, ROBOT))))


def subtitles(path: Path) -> None:
    """Motion subtitles, and keys and spans as they are typed."""
    text = path.read_bytes().decode("utf-8", "replace")
    for read in (parse_key, parse_pose, lambda t: parse_span(t, what="--replace")):
        try:
            read(text)
        except InputError as error:
            one_line(error)
    read_subtitles(path)


def messages(path: Path) -> None:
    """What live faces, the service and participants' pages are sent."""
    data = path.read_bytes()
    for message in (Arrival, Submission):
        with suppress(ValidationError):
            message.model_validate_json(data)
    try:
        fields = json.loads(data)
        if isinstance(fields, dict):
            Asked.parse({name: value for name, value in fields.items() if isinstance(value, str)})
    except InputError as error:
        one_line(error)
    except (ValueError, RecursionError):
        pass
    read_change(data)


def answers(path: Path) -> None:
    """Answers to a study, as its server and other tools write them."""
    kinds = ("a.csv", "a.jsonl")
    _each(path, [(name, lambda file: read_responses([file], STUDY, {(0, 0): SHOWN})) for name in kinds])


def tracked(path: Path) -> None:
    """The manifest of tracked films."""
    folder = path.parent / "tracked"
    folder.mkdir(exist_ok=True)
    (folder / "manifest.jsonl").write_bytes(path.read_bytes())
    read_tracked(folder)


def tensors(path: Path) -> None:
    """Self-models and speech weights."""
    for read in (load_self, read_network):
        try:
            read(path)
        except InputError as error:
            one_line(error)


def one_line(error: InputError) -> None:
    assert "\n" not in str(error), str(error)


PARSERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "pickle": (read_pickle, "a.pkl"),
    "flame": (flame_pickle, "a.pkl"),
    "ply": (ply, "a.ply"),
    "npz": (npz, "a.npz"),
    "json": (json_files, "a.json"),
    "csv": (track, "a.csv"),
    "faces": (faces, "a.bin"),
    "manifests": (manifests, "a.bin"),
    "transcripts": (transcripts, "a.bin"),
    "scores": (scores, "a.bin"),
    "styles": (styles, "a.bin"),
    "cameras": (cameras, "a.json"),
    "recordings": (recordings, "a.bin"),
    "captured": (captured, "a.bin"),
    "typed": (typed, "a.bin"),
    "study": (load_study, "a.yaml"),
    "robots": (robots, "a.bin"),
    "subtitles": (subtitles, "a.vtt"),
    "words": (lambda file: read_emotion_text(file.read_bytes().decode("utf-8", "replace")), "a.txt"),
    "messages": (messages, "a.json"),
    "answers": (answers, "a.bin"),
    "tracked": (tracked, "a.bin"),
    "tensors": (tensors, "a.safetensors"),
}
