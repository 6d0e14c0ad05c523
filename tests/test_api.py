"""The Python front door: small, lazy, documented by examples that run, and as exact as the command line."""

import dataclasses
import doctest
import functools
import inspect
import json
import re
import subprocess
import sys
import types
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import emosplat
from emosplat import Clip, InputError, example_speech, speak
from emosplat.pipeline.clip import handle

SMALL = {"size": (64, 64), "duration": 0.4}
PAGES = ("README.md", "docs/python.md")
ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def clip() -> Clip:
    return speak(example_speech(), emotion="angry", seed=3, **SMALL)


def examples() -> list[tuple[str, object]]:
    """Everything public, by name: functions, classes, and what a `Clip` can do."""
    found = [(name, getattr(emosplat, name)) for name in emosplat.__all__]
    methods = [(f"Clip.{n}", v) for n, v in vars(Clip).items() if not n.startswith("_") and hasattr(v, "__doc__")]
    return found + [(n, v) for n, v in methods if not isinstance(v, property)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "thing"), examples(), ids=lambda x: x if isinstance(x, str) else "")
def test_examples_run(name: str, thing: object) -> None:
    parser = doctest.DocTestParser()
    text = inspect.getdoc(thing) or ""
    found = parser.get_doctest(text, {}, name, None, None)
    assert found.examples, f"{name} has no example"
    assert doctest.DocTestRunner().run(found).failed == 0


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_python_on_pages_runs(page: str) -> None:
    blocks = [b.split("```")[0] for b in (ROOT / page).read_text().split("```python\n")[1:]]
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)


def described() -> list[tuple[str, Any]]:
    """Functions, classes, and the methods and properties of our classes, by name."""
    found = [(name, getattr(emosplat, name)) for name in emosplat.__all__]
    classes = [(n, c) for n, c in found if inspect.isclass(c) and not issubclass(c, Exception)]
    kinds = (types.FunctionType, staticmethod, property, functools.cached_property)
    return found + [(f"{n}.{m}", v) for n, c in classes for m, v in vars(c).items() if isinstance(v, kinds)]


def asked_about(thing: Any) -> dict[str, str]:
    """Arguments of a function, or fields of a dataclass, and their types."""
    if dataclasses.is_dataclass(thing):
        return {field.name: str(field.type) for field in dataclasses.fields(thing)}
    thing = getattr(thing, "__func__", thing)  # of a static method
    return {n: t for n, t in thing.__annotations__.items() if n != "return"} if inspect.isfunction(thing) else {}


@pytest.mark.parametrize(
    ("name", "thing"),
    [(n, t) for n, t in described() if not n.rsplit(".")[-1].startswith("_")],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_help_answers_what_a_newcomer_asks(name: str, thing: Any) -> None:
    """Arguments and fields by name, shapes of arrays, units of numbers, what is raised, and an example."""
    text, asked = inspect.getdoc(thing) or "", asked_about(thing)
    parent, _, member = name.rpartition(".")
    if parent:  # the class may have told it already
        text += inspect.getdoc(getattr(emosplat, parent)) or ""
    if "as in `speak`" in text:
        text += inspect.getdoc(emosplat.speak) or ""
    assert not [n for n in asked if not re.search(rf"\b{n}\b", text)]
    if any("F32" in t or "F64" in t or "NDArray" in t or "ArrayLike" in t for t in asked.values()):
        assert re.search(r"\[\w+(, \w+)*\]", text), "no shape"
    if any(re.search(r"float|int|Size|F32|F64", t) for t in asked.values()):
        assert re.search(r"metres|radians|pixels|seconds|frames", text), "no unit"
    if inspect.isfunction(thing) and set(asked) - {"progress"}:
        assert "Raises" in text
    assert ">>>" in text, "no example"
    assert not parent or isinstance(thing, property) or re.search(rf"\.{member}\b", text), "no example of this"


def test_importing_is_fast() -> None:
    script = "import time; t = time.process_time(); import emosplat; print(time.process_time() - t)"
    times = [float(subprocess.check_output([sys.executable, "-c", script], text=True)) for _ in range(3)]
    assert min(times) < 0.05


def test_names_are_listed_before_they_are_used() -> None:
    script = "import sys, emosplat; print(dir(emosplat)); print([m for m in ('numpy', 'torch') if m in sys.modules])"
    listed, heavy = subprocess.check_output([sys.executable, "-c", script], text=True).splitlines()
    assert "'speak'" in listed
    assert heavy == "[]"
    with pytest.raises(AttributeError, match="shout"):
        emosplat.shout  # noqa: B018


@pytest.mark.slow
def test_frames_are_those_of_the_saved_file(clip: Clip) -> None:
    from PIL import Image

    clip.save("frames")
    saved = [np.asarray(Image.open(path)) for path in sorted(Path("frames").glob("*.png"))]
    drawn = list(clip.frames())
    assert len(saved) == len(drawn) == len(clip) == 10
    assert all(np.array_equal(a, b) for a, b in zip(saved, drawn, strict=True))


@pytest.mark.slow
def test_frames_are_those_of_the_command_line(clip: Clip) -> None:
    command = [sys.executable, "-m", "emosplat", str(example_speech()), "-o", "frames", "--emotion", "angry"]
    options = ["--seed", "3", "--size", "64x64", "--duration", "0.4", "--quiet"]
    subprocess.run([*command, *options], check=True)
    clip.save("ours")
    for theirs in sorted(Path("frames").glob("*.png")):
        assert theirs.read_bytes() == Path("ours", theirs.name).read_bytes()


def test_stopping_early_is_fine(clip: Clip) -> None:
    frames = clip.frames()
    first = next(frames).copy()
    frames.close()
    assert np.array_equal(first, next(clip.frames()))


@pytest.mark.slow
def test_objects_are_as_good_as_names(clip: Clip) -> None:
    samples, rate = soundfile.read(example_speech(), dtype="float32")
    camera = emosplat.load_camera("front", size=(64, 64))
    same = speak(
        (samples, rate),
        emotion={"angry": 1.0},
        seed=3,
        avatar=emosplat.load_avatar("person1"),
        camera=camera,
        **SMALL,
    )
    assert np.array_equal(next(clip.frames()), next(same.frames()))


@pytest.mark.slow
def test_a_motion_is_played_as_it_was_spoken(clip: Clip) -> None:
    again = emosplat.play(clip.motion, size=(64, 64))
    assert all(np.array_equal(a, b) for a, b in zip(clip.frames(), again.frames(), strict=True))


@pytest.mark.slow
def test_a_picture_may_stand_behind_the_head() -> None:
    picture = np.full((32, 32, 3), (10, 200, 30), np.uint8)
    corner = next(speak(example_speech(), background=picture, **SMALL).frames())[0, 0]
    assert np.array_equal(corner, (10, 200, 30))


@pytest.mark.slow
def test_a_track_in_memory_is_one_on_disk() -> None:
    Path("track.csv").write_text("time_s,sad\n0,0\n0.4,1\n", encoding="utf-8")
    ours = speak(example_speech(), emotion_track={"time_s": [0, 0.4], "sad": [0, 1]}, **SMALL)
    theirs = speak(example_speech(), emotion_track="track.csv", **SMALL)
    assert np.array_equal(ours.motion.expr, theirs.motion.expr)


@pytest.mark.slow
def test_accents_guidance_and_styles_in_memory_are_those_on_disk() -> None:
    bold = emosplat.Style("bold", {"head": 4.0, "brows": 0.0})
    emosplat.save_style("bold.style.json", bold)
    Path("a.csv").write_text("time_s,kind,strength\n0.2,stress,0.5\n", encoding="utf-8")
    moments = {"time_s": [0.2], "kind": ["stress"], "strength": [0.5]}
    ours = speak(example_speech(), style=bold, guidance={"style": 1.5}, accents=moments, **SMALL)
    theirs = speak(example_speech(), style="bold.style.json", guidance="style:1.5", accents="a.csv", **SMALL)
    plain = speak(example_speech(), **SMALL)
    assert np.array_equal(ours.motion.expr, theirs.motion.expr)
    assert np.array_equal(ours.motion.neck, theirs.motion.neck)
    assert not np.array_equal(ours.motion.neck, plain.motion.neck)
    record = ours.save("o.npz")["settings"]
    assert [record[name] for name in ("style", "accents", "guidance")] == ["in memory", "in memory", "style:1.5"]
    with pytest.raises(InputError, match=r"a\.json: expected a name that ends in \.style\.json"):
        emosplat.save_style("a.json", bold)


@pytest.mark.slow
def test_the_motion_of_the_face_is_saved(clip: Clip) -> None:
    clip.save("face.json")
    again = emosplat.play("face.json", size=(64, 64))
    np.testing.assert_allclose(again.motion.jaw, clip.motion.jaw, atol=1e-5)


@pytest.mark.slow
def test_the_record_tells_the_call_and_not_the_program_around_it() -> None:
    samples = 0.1 * np.random.default_rng(0).standard_normal((8000, 2))
    record = speak((samples, 16_000), **SMALL).save("o.mp4")
    assert record == json.loads(Path("o.mp4.json").read_text(encoding="utf-8"))
    assert record["command"] == "emosplat.speak"
    assert record["audio"] == "in memory"
    assert sys.argv[0] not in json.dumps(record)


def test_a_notebook_shows_a_video(clip: Clip) -> None:
    assert clip._repr_html_().startswith("<video")
    assert ">&lt;emosplat.Clip: 10 frames" in clip._repr_html_()


@pytest.mark.slow
def test_a_notebook_shows_a_picture_of_a_long_clip(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "SHOWN_SECONDS", 0.1)
    assert speak(example_speech(), **SMALL)._repr_html_().startswith("<img")


def test_numbers_and_arrays_of_any_library_are_taken() -> None:
    sound = 0.1 * np.sin(np.arange(4000) / 20).astype(np.float32)
    sound.setflags(write=False)  # as of other programs' memory
    by = speak((sound, 16_000), size=(32, 32), seed=7, fps=30)
    learning = torch.tensor(sound, requires_grad=True)
    for samples in (learning, torch.tensor(sound).double(), sound[::-1].copy()[::-1], sound.astype(">f4")):
        options: dict[str, Any] = {"size": np.array([32, 32]), "seed": np.int64(7), "fps": np.float32(30)}
        given: Any = (samples, np.int64(16_000))
        clip = speak(given, **options)
        np.testing.assert_array_equal(clip.motion.jaw, by.motion.jaw)
    assert len(speak((learning.bfloat16(), 16_000), **SMALL)) > 0
    picture: Any = torch.zeros(32, 32, 3, dtype=torch.uint8)
    behind = speak((sound, 16_000), background=picture, size=(32, 32))
    assert next(behind.frames()).shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": (3, 3)}, "size (3, 3): expected"),
        ({"size": 64}, "size 64: expected"),
        ({"emotion": "hapy"}, "did you mean happy"),
        ({"emotion_track": {"time_s": [0, 1], "sad": [1]}}, "emotion_track: expected columns of one length"),
        ({"accents": {"time_s": [0, 1], "kind": ["end"]}}, "accents: expected columns of one length"),
        ({"style": "anna"}, "unknown style 'anna'"),
        ({"variety": 2}, "variety 2: expected"),
        ({"guidance": {"tone": 1}}, "guidance 'tone:1': expected"),
        ({"intensity": 2}, "intensity 2"),
        ({"head_motion": "wild"}, "head_motion 'wild'"),
        ({"camera_lock": "sky"}, "camera_lock 'sky'"),
        ({"avatar": "persn1"}, "unknown avatar"),
        ({"sound": "nothing.wav"}, "nothing.wav"),
        ({"sound": (np.zeros(9000, np.int16), 16_000)}, "sound: expected float samples"),
        ({"sound": (np.zeros((2, 3, 4)), 16_000)}, "sound: expected float samples"),
        ({"sound": 3}, "sound: expected a path"),
        (
            {"sound": (np.zeros((2, 9000)), 16_000)},
            "sound: expected samples [N, C], found [2, 9000]; channels come last",
        ),
        ({"sound": (np.full(9000, np.nan), 16_000)}, "sound: expected finite samples, found NaN or infinity at 0"),
        ({"emotion_track": {"time_s": [0], "sad": [np.nan]}}, "emotion_track: line 2: weight: expected a finite"),
        ({"background": np.zeros((4, 4), np.uint8)}, "background: expected a picture"),
        (
            {"background": torch.zeros(4, 4, 3)},
            "background: expected a picture, uint8 [H, W, 3], found float32 [4, 4, 3]",
        ),
    ],
)
def test_errors_name_the_argument(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        next(speak(**({"sound": example_speech(), **SMALL} | arguments)).frames())
    assert message in str(caught.value)
    assert "--" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_errors_of_drawing_name_the_argument(clip: Clip) -> None:
    with pytest.raises(InputError, match=r"^camera 'behind'"):
        next(speak(example_speech(), camera="behind", **SMALL).frames())
    clip.save("o.npz")
    with pytest.raises(InputError, match=r"overwrite=True"):
        clip.save("o.npz")
    with pytest.raises(InputError, match="unknown suffix"):
        clip.save("o.gif")
    assert [path.name for path in Path().iterdir() if path.suffix not in (".npz", ".json")] == []


def test_the_public_names_come_from_one_module() -> None:
    api = sys.modules["emosplat.api"]
    assert isinstance(api, ModuleType)
    assert all(getattr(emosplat, name) is getattr(api, name) for name in emosplat.__all__)
