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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import atheris  # pyright: ignore[reportMissingImports]
import numpy as np

with atheris.instrument_imports(include=["emosplat"]):  # pyright: ignore[reportAttributeAccessIssue]
    from emosplat.avatars.avatar import load_avatar
    from emosplat.avatars.fitting.dataset import read_dataset
    from emosplat.avatars.flame_import import CHUMPY, SPARSE, _array
    from emosplat.avatars.head import load_head
    from emosplat.avatars.library import builtin_head, read_record
    from emosplat.avatars.motion_files import load_motion
    from emosplat.avatars.pickles import StandIn, read_pickle
    from emosplat.avatars.ply import read_ply, write_ply
    from emosplat.blendshapes.acting.style_files import load_style
    from emosplat.blendshapes.data.ply import read_ply_vertices
    from emosplat.blendshapes.emotion import parse_emotion, read_emotion_track
    from emosplat.blendshapes.face_motion_files import load_face_motion
    from emosplat.blendshapes.singing.score_files import READERS, is_score, read_score
    from emosplat.blendshapes.speech.accent_files import read_accents
    from emosplat.blendshapes.speech.languages import IPA, _readable, _sounds, canonical_language
    from emosplat.blendshapes.speech.transcript import read_transcript, words_of
    from emosplat.blendshapes.training.recordings import read_recordings
    from emosplat.core.errors import InputError
    from emosplat.core.npz import NpzFields
    from emosplat.pipeline.batch.datasets import read_dataset as read_clips
    from emosplat.pipeline.batch.grid import parse_grid
    from emosplat.pipeline.batch.sources import read_manifest
    from emosplat.pipeline.camera.path import open_camera
    from emosplat.pipeline.clip.sidecar import read_sidecar
    from emosplat.pipeline.settings import read_settings
    from emosplat.renderer import Gaussians
    from emosplat.studies.design import load_study

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


def styles(path: Path) -> None:
    """Styles, and the moments that stand out."""
    _each(path, (("a.style.json", load_style), ("a.csv", read_accents)))


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


def _each(path: Path, readers: Iterable[tuple[str, Callable[[Path], Any]]]) -> None:
    """The bytes under names of several kinds, each to its reader."""
    data = path.read_bytes()
    for name, read in readers:
        file = path.with_name(name)
        file.write_bytes(data)
        try:
            read(file)
        except InputError as error:
            _one_line(error)


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
        _one_line(error)
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
            _one_line(error)
    parse_grid(text)


def _one_line(error: InputError) -> None:
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
}
TEXTS: dict[str, list[str]] = {  # right ones
    "faces": [
        "Timecode,BlendShapeCount,JawOpen,EyeBlinkLeft,HeadYaw\n00:00:01:02.5,61,0.5,0,0.1\n00:00:01:03.5,61,,0,0.1\n",
        ",timeCode,blendShapes.JawOpen\n0,0.0,0.1\n1,0.033,nan\n2,0.066,0.2\n",
        "timeCode;JawOpen\n0,0;0,5\n0,1;0,6\n",
        '{"facsNames": ["jawOpen"], "weightMat": [[0.1], [null], [NaN], [0.2], [0.3]], "exportFps": 60}',
        '{"format": "emosplat-face-motion-1", "fps": 25, "columns": ["jawPitch", "mouthPucker"], "frames": [[0.1, 0]],'
        ' "given": {"jaw": [[0, 1]]}}',
    ],
    "manifests": [
        "audio,emotion,intensity,text,language\na.wav,happy,0.5,hello,de\n",
        "audio;id;emotion_track\na.wav;b;c.csv\n",
        "client_id\tpath\tsentence\tlocale\nx\ta.mp3\thallo\tde\n",
        '[{"audio": "a.wav", "intensity": 0.5}]',
        '{"audio": "a.wav", "seed": 3}\n{"file_name": "b.wav", "out": "b"}\n',
        "file_name,label\na.wav,angry\n",
    ],
    "transcripts": [
        "$5.50 in 1984, 3/4 at 10:30 on the 21st",
        "1\n00:00:01,000 --> 00:00:02,500\n<i>hello</i> {x}\n\n2\n00:00:03,000 --> 00:00:04,000\nthere\n",
        "WEBVTT\n\n00:01.000 --> 00:02.000 align:left\n<v Anna>hello [music]\n",
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2\n<exists>\n1\n'
        '"IntervalTier"\n"words"\n0\n2\n1\n0\n2\n"hi"\n',
        "0 1000000 sil\n1000000 5000000 hello\n",
        "a 1 0.5 0.3 hello 0.9\n",
        '{"segments": [{"text": "hello", "start": 0.5, "end": 1}]}',
        "ɡˈuːtən tˈɑːk tʃ ts øː ʁ ɲ",
        "pt_BR",
    ],
    "scores": [
        "<score-partwise><part-list><score-part id='a'><part-name>b</part-name></score-part></part-list><part id='a'>"
        "<measure number='1'><attributes><divisions>2</divisions><transpose><chromatic>1</chromatic></transpose>"
        "</attributes><direction><direction-type><metronome><beat-unit>half</beat-unit><per-minute>90</per-minute>"
        "</metronome></direction-type></direction><note><pitch><step>C</step><octave>4</octave></pitch>"
        "<duration>3</duration><tie type='start'/><lyric number='1'><syllabic>begin</syllabic><text>hel</text></lyric>"
        "</note></measure></part></score-partwise>",
        "<score-timewise><measure><part id='a'><note><rest/><duration>1</duration></note><note><chord/><unpitched/>"
        "<duration>1</duration><lyric><text>two</text><elision/><text>to</text></lyric></note><backup><duration>1"
        "</duration></backup><sound tempo='99'/><barline><ending number='1,2' type='start'/><repeat"
        " direction='backward' times='3'/></barline></part></measure></score-timewise>",
        "<container><rootfiles><rootfile full-path='a.xml'/></rootfiles></container>",
        "[#VERSION]\nCharset=UTF-8\n[#SETTING]\nTempo=120,5\n[#0000]\nLength=480\nLyric=a かっしゃん_C4\nNoteNum=60\n"
        "[#0001]\nLength=240\nLyric=a k\nNoteNum=60\nTempo=90\n[#0002]\nLength=9\nLyric=kya\nNoteNum=6\n[#TRACKEND]",
        "resolution: 480\nbpm: 120\ntempos:\n- {position: 0, bpm: 90}\ntracks:\n- track_name: a\nvoice_parts:\n"
        "- track_no: 0\n  position: 480\n  notes:\n  - {position: 0, duration: 480, tone: 60, lyric: star[s t aa r]}\n"
        "  - {position: 480, duration: 480, tone: 9, lyric: +}\n  - {position: 960, duration: 48, tone: 6, lyric: a}\n",
        "0 1500000 pau\n1500000 3000000 cl\n3000000 3500000 ky\n3500000 9000000 a\n",
        "0.0 0.5 HH\n0.5 1.5 OW1\n",
        "0 1500000 x^x-k+a=b/A:1\n1500000 3000000 x^k-a+b=c/A:1\n",
    ],
    "styles": [
        '{"format": "emosplat-style-1", "name": "a", "gains": {"head": 0.5}, "statistics": {"jaw.size": 0.1},'
        ' "poses": [{"head_yaw": 0.1}], "examples": [{"kind": "film", "name": "a.mp4", "seconds": 4.5, "sha256": ""}]}',
        "time_s,kind,strength\n0.5,stress,0.8\n1,end,1\n",
    ],
    "cameras": [
        '{"azimuth": 20, "elevation": 5, "distance": 1}',
        '{"keyframes": [{"time_s": 0, "azimuth": 0}, {"time_s": 1, "azimuth": 30}]}',
        '{"fl_x": 500, "fl_y": 500, "cx": 32, "cy": 32, "w": 64, "h": 64,'
        ' "frames": [{"transform_matrix": [[1,0,0,0],[0,1,0,0],[0,0,1,1],[0,0,0,1]]}]}',
        '[{"id": 0, "img_name": "a", "width": 64, "height": 64, "position": [0,0,1],'
        ' "rotation": [[1,0,0],[0,1,0],[0,0,1]], "fx": 500, "fy": 500}]',
        '{"camera_path": [{"camera_to_world": [1,0,0,0,0,1,0,0,0,0,1,1,0,0,0,1], "fov": 50, "aspect": 1}], "fps": 24,'
        ' "seconds": 1, "render_width": 64, "render_height": 64}',
    ],
    "recordings": [
        '{"id": "a", "file": "a.wav", "text": "hi", "lang": "de", "phones": [["SIL", 0, 0.5], ["AA", 0.5, 1]]}'
    ],
    "captured": [
        '{"frames": [{"file_path": "images/a.png", "flame_param_path": "flame_param/00000.npz", "timestep_index": 0,'
        ' "camera_index": 0, "w": 64, "h": 64, "cx": 32, "cy": 32, "fl_x": 500, "fl_y": 500,'
        ' "transform_matrix": [[1,0,0,0],[0,1,0,0],[0,0,1,1],[0,0,0,1]]}]}'
    ],
    "typed": [
        "emotion=angry:0.5,sad\nsize=64x64\nfps=30000/1001\nseed=5\ntrack=2",
        "avatar=a,b emotion=angry:0.6+sad,happy",
    ],
    "study": [
        "title: t\nseed: 1\nparticipants: 2\nclips: [{id: a, audio: a.wav}]\nconditions: {x: {emotion: happy},"
        " y: {videos: '{clip}.mp4', crop: [0, 0, 64, 64]}}\ntasks: [{id: q, type: rating, question: how}]\n"
    ],
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
    if kind in TEXTS:
        return [text.encode() for text in TEXTS[kind]]
    if kind == "json":
        return [b'{"head": "open-1", "result": {"fps": 25.0}}']
    return [b"time_s,angry,sad\n0,0.5,0\n1.5,0,1\n", b"angry:0.6,sad:0.2"]


def main() -> None:
    """Fuzz one parser."""
    parser = argparse.ArgumentParser(description="Fuzz one parser.")
    parser.add_argument("parser", choices=PARSERS)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=0, help="End earlier, after so long.")
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
    limits = [
        "-max_len=4096",
        f"-max_total_time={options.seconds}",
        "-timeout=5",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]
    os.chdir(FOLDER)  # finds are written here
    print(f"finds and corpus: {FOLDER}")
    atheris.Setup([sys.argv[0], f"-runs={options.runs}", *limits, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
