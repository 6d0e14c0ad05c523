"""The example designs that `render study init` writes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from ..avatars.library import ASSETS
from ..core.errors import InputError

TEMPLATE = Path(__file__).with_name("example.yaml")  # every kind of task, commented
EMOTIONS = Path(__file__).with_name("example_emotions.yaml")  # a whole study, with a stand-in for films
EXAMPLES = {"tasks": TEMPLATE, "emotions": EMOTIONS}
SPEECH = "hello.flac"
STAND_IN = "filmed"
TOLD = """These videos stand in for films of a person, so that the example builds as it is. emosplat rendered them:
another built-in person than the study's, moved by the model `acting`, in a picture of another shape.
Nobody was filmed. Put your own videos here, with the same names.
"""

Progress = Callable[[int, int], None]  # videos done, of how many


def write_example(folder: Path, name: str = "tasks", *, progress: Progress = lambda _done, _total: None) -> Path:
    """Write an example's `study.yaml` and what it uses into `folder`; raises InputError rather than overwrite.

    name: one of `EXAMPLES`. The videos that stand in for films in `emotions` are rendered, which takes seconds.
    """
    design = folder / "study.yaml"
    if name not in EXAMPLES:
        raise InputError(f"--example {name}: expected one of {', '.join(EXAMPLES)}")
    if design.exists():
        raise InputError(f"{design}: already exists; choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ASSETS / "demo" / SPEECH, folder / SPEECH)
        if name == "emotions":
            _write_stand_ins(folder, progress)
        shutil.copyfile(EXAMPLES[name], design)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from None
    return design


def _write_stand_ins(folder: Path, progress: Progress) -> None:
    """Render what the design of `emotions` takes for films."""
    from ..pipeline.clip.loaded import LoadedModels
    from ..pipeline.clip.render import render_clip
    from ..pipeline.clip.request import ClipRequest
    from ..pipeline.settings import read_settings
    from .design import load_study

    clips = load_study(EMOTIONS).clips
    loaded = LoadedModels()
    looks = {"avatar": "person3", "model": "acting", "emotion": "happy", "size": (320, 240), "background": "#70757c"}
    (folder / STAND_IN).mkdir(exist_ok=True)
    (folder / STAND_IN / "README.txt").write_text(TOLD, encoding="utf-8")
    for done, clip in enumerate(clips):
        progress(done, len(clips))
        out = folder / STAND_IN / f"{clip.id}.mp4"
        settings = read_settings({**looks, "start": clip.start, "duration": clip.duration})
        render_clip(ClipRequest(folder / SPEECH, out, settings, overwrite=True), loaded=loaded)
    progress(len(clips), len(clips))
