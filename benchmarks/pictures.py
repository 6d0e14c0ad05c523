"""The pictures of README.md, docs/model.md, acting.md and subtitles.md: `python benchmarks/pictures.py`.

It writes docs/img:

- emotions.jpg: the built-in people in the middle of the same sentence, one emotion per column;
- model-emotions.jpg: the same moments of one sentence under eight emotions, front view, intensity 1;
- model-curves.jpg: opening of the mouth, jaw, brows and smile over the waveform, neutral and under three emotions;
- acting-takes.jpg: the acting model's takes of one sentence, a seed per row; acting-styles.jpg: a style per row;
- subtitles.jpg: every action of motion subtitles at 0.9.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emosplat.avatars import Motion
from emosplat.avatars.library import builtin_avatars
from emosplat.avatars.pose import Poser
from emosplat.avatars.scene import load_scene
from emosplat.avatars.shading import Shader
from emosplat.blendshapes import EMOTIONS, Score, parse_emotion
from emosplat.blendshapes.acting.style_files import load_style
from emosplat.blendshapes.face_motion import FaceMotion, join
from emosplat.blendshapes.score import Style, shaped
from emosplat.blendshapes.speech.features import RATE
from emosplat.blendshapes.subtitles.score import subtitle_cues
from emosplat.blendshapes.subtitles.vocabulary import VOCABULARY
from emosplat.blendshapes.subtitles.webvtt import subtitle
from emosplat.pipeline.avatar.portraits import written
from emosplat.pipeline.camera.views import named_camera
from emosplat.pipeline.clip.curves import frame_times
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.media.audio import AudioClip, open_audio
from emosplat.pipeline.settings import ClipSettings
from emosplat.pipeline.style.library import find_style

U8 = NDArray[np.uint8]

ROOT = Path(__file__).parent.parent
SPEECH = ROOT / "assets" / "demo" / "hello.flac"
FPS = 25.0
MOMENTS = (0.62, 1.30, 1.74, 2.10, 3.46, 3.86, 4.62)  # seconds
COLUMNS = ("neutral", "happy", "angry", "sad", "surprised", "disgusted")  # of the README's picture
SEEN = (0.62, 1.30, 2.10, 3.46, 3.86, 4.62)  # seconds
FACE = 256  # pixels
TILE, LABEL = 220, 92  # pixels
CROP = slice(2, 172), slice(30, 190)  # rows and columns of a tile that show the face
SEEDS = (1, 2, 3, 4)  # of acting-takes.jpg
STYLES = ("calm", "lively", "warm", "stern")
ACTED = tuple(np.arange(0.5, 6.6, 0.7))  # seconds
ACROSS = 8  # pictures beside each other in subtitles.jpg
SHOWN = {"neutral": "#30343b", "happy": "#d98a1c", "angry": "#c03a3a", "sad": "#2a6fb0"}
CURVES = {
    "mouth_opening_mm": "mouth, mm",
    "jaw_open_deg": "jaw, degrees",
    "brow_lower": "brows down",
    "smile": "smile",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatar", default="person1")
    options = parser.parse_args()
    loaded, clip = LoadedModels("cpu"), open_audio(SPEECH)
    acted = {emotion: act(loaded, options.avatar, clip, emotion) for emotion in EMOTIONS}
    people(loaded, clip, ROOT / "docs" / "img" / "emotions.jpg")
    sheet(loaded, options.avatar, acted, ROOT / "docs" / "img" / "model-emotions.jpg")
    curves(loaded, options.avatar, clip, acted, ROOT / "docs" / "img" / "model-curves.jpg")
    takes = {f"seed {seed}": perform(loaded, options.avatar, clip, seed=seed) for seed in SEEDS}
    sheet(loaded, options.avatar, takes, ROOT / "docs" / "img" / "acting-takes.jpg", ACTED)
    styles = {name: perform(loaded, options.avatar, clip, style=load_style(find_style(name)).style) for name in STYLES}
    sheet(loaded, options.avatar, styles, ROOT / "docs" / "img" / "acting-styles.jpg", ACTED)
    vocabulary(loaded, options.avatar, ROOT / "docs" / "img" / "subtitles.jpg")


def act(loaded: LoadedModels, avatar: str, clip: AudioClip, emotion: str) -> Motion:
    asked = parse_emotion(emotion)
    score = Score(clip.duration, FPS, clip.blocks, emotion=asked, blink=False, head_motion="none")
    return loaded.talking_head(ClipSettings(avatar=avatar)).motion(score)


def perform(loaded: LoadedModels, avatar: str, clip: AudioClip, *, seed: int = 1, style: Style | None = None) -> Motion:
    """The sentence as the acting model plays it."""
    score = Score(clip.duration, FPS, clip.blocks, seed=seed, style=style)
    return loaded.talking_head(ClipSettings(avatar=avatar, model="acting")).motion(score)


def people(loaded: LoadedModels, clip: AudioClip, path: Path) -> None:
    """Rows of people, columns of emotions."""
    import cv2

    rows = []
    for avatar in (name for name in builtin_avatars() if not name.endswith("-light")):
        acted = (act(loaded, avatar, clip, emotion) for emotion in COLUMNS)
        faces = [draw(loaded, avatar, motion, FACE, moment) for motion, moment in zip(acted, SEEN, strict=True)]
        rows.append(np.concatenate([face[:, FACE // 8 : -FACE // 8] for face in faces], axis=1))
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


def draw(loaded: LoadedModels, avatar: str, motion: Motion, size: int, moment: float) -> U8:
    """The picture of one moment, [size, size, 3]."""
    person = loaded.avatar(avatar)
    frame = motion[int(moment * FPS) : int(moment * FPS) + 1]
    scene = load_scene(person, loaded.rasterizer)
    camera = named_camera("front", person.head, width=size, height=size)
    weights = Shader(person).weights(frame)
    return scene.render(camera, Poser(person.head).transforms(frame), shading_weights=weights)[0].rgb


def sheet(
    loaded: LoadedModels, avatar: str, acted: dict[str, Motion], path: Path, moments: Sequence[float] = MOMENTS
) -> None:
    """Rows of performances, columns of moments."""
    import cv2

    rows = []
    for name, motion in acted.items():
        label = np.full((CROP[0].stop - CROP[0].start, LABEL, 3), 255, np.uint8)
        cv2.putText(label, name, (6, len(label) // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.48, (40, 40, 46), 1, cv2.LINE_AA)
        pictures = [draw(loaded, avatar, motion, TILE, moment)[CROP] for moment in moments]
        rows.append(np.concatenate([label, *pictures], axis=1))
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


def vocabulary(loaded: LoadedModels, avatar: str, path: Path) -> None:
    """Each action of the vocabulary of motion subtitles."""
    import cv2

    solver, tiles = loaded.talking_head(ClipSettings(avatar=avatar)).solver, []
    for region, actions in VOCABULARY.items():
        for name, action in actions.items():
            cues = subtitle_cues([subtitle(0, 0.1, f"{region}: {name} 0.9")]) if action.way == "hold" else ()
            columns = {n: 0.9 * v for n, v in action.columns.items()} if action.way != "hold" else {}
            still = FaceMotion.rest(1, fps=FPS).with_columns(columns)
            motion = solver(join(shaped([still], Score(fps=FPS, cues=cues))))
            tile = np.ascontiguousarray(draw(loaded, avatar, motion, TILE, 0.0)[CROP])
            tiles.append(written(tile, f"{region}: {name}", (3, 12)))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % ACROSS)
    rows = [np.concatenate(tiles[i : i + ACROSS], axis=1) for i in range(0, len(tiles), ACROSS)]
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


def curves(loaded: LoadedModels, avatar: str, clip: AudioClip, acted: dict[str, Motion], path: Path) -> None:
    """One panel per curve, one line per emotion, the waveform behind."""
    from matplotlib.figure import Figure

    read = {emotion: loaded.curve_reader(avatar).read(acted[emotion]) for emotion in SHOWN}
    wave = np.concatenate(list(clip.blocks()))
    times = frame_times(len(acted["neutral"]), FPS)
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    for axes, (name, title) in zip(figure.subplots(len(CURVES), sharex=True), CURVES.items(), strict=True):
        sound = axes.twinx()
        sound.plot(np.arange(len(wave)) / RATE, wave, color="#d5d8dd", lw=0.4)
        sound.set(yticks=[], ylim=(-1, 1))
        for emotion, colour in SHOWN.items():
            axes.plot(times, read[emotion][name], color=colour, lw=1.3, label=emotion)
        axes.set_zorder(sound.get_zorder() + 1)
        axes.patch.set_visible(False)
        axes.set_ylabel(title, fontsize=9)
        axes.margins(x=0)
        axes.tick_params(labelsize=8)
        for side in (axes, sound):
            side.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(frameon=False, fontsize=9, ncols=4, loc="upper right", bbox_to_anchor=(1, 1.25))
    figure.axes[2 * len(CURVES) - 2].set_xlabel("seconds", fontsize=9)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
