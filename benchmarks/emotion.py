"""Can the emotion be read off the speaking face, and off the voice? `python benchmarks/emotion.py CORPUS FOLDER`.

CORPUS is a folder made by `render data generate`; FOLDER holds recordings of human speech, in any sub-folders.

1. A linear classifier learns eight emotions from the expressions of CORPUS (people of `train`, no speech), is checked
   on the people of `test`, and then reads faces that say the recordings under every emotion at three intensities:
   confusion matrix, rows intended, columns read, share of the recordings. Faces, not pictures; blinks off.
2. `--emotion auto` on those recordings whose file names tell an emotion (`Claire_anger.wav`).
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np

from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.avatars.pose import Poser
from emosplat.blendshapes import EMOTIONS, Score, TalkingHead, parse_emotion
from emosplat.blendshapes.data import domains, open_datasets
from emosplat.blendshapes.data.sequence import find_emotion
from emosplat.blendshapes.emotion import expressions
from emosplat.blendshapes.solve.displacement_map import frontal_vertices
from emosplat.blendshapes.speech.voice_emotion import VoiceEmotion
from emosplat.blendshapes.training.reading import EmotionReader, confusion
from emosplat.pipeline.media.audio import AudioClip, open_audio

FPS = 25.0
INTENSITIES = (1.0, 0.5, 0.25)
EVERY = 3  # vertices of the frontal face
LONGEST = 20.0  # seconds of a recording


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    paths = sorted(p for p in options.folder.rglob("*") if p.suffix in (".wav", ".flac", ".mp3"))
    clips = [(path, open_audio(path, duration=LONGEST)) for path in paths]
    head = builtin_head()
    reader = learn(options.corpus, head)
    actor, poser = TalkingHead.of(head), Poser(head)
    for intensity in INTENSITIES:
        print(f"\nspeaking faces, {len(clips)} recordings, intensity {intensity:g}")
        print_matrix([
            (emotion, reader.read(face(clip, emotion, intensity, actor, poser)))
            for emotion in EMOTIONS
            for _, clip in clips
        ])  # fmt: skip
    print_voices([(path, clip) for path, clip in clips if labelled(path)])


def learn(corpus: str, head: HeadModel) -> EmotionReader:
    """The reader, after printing how it does on people it did not learn from."""
    _, expressions = domains(open_datasets([corpus], head=head))
    reader = EmotionReader.learn(expressions.split("train"), frontal_vertices(head)[::EVERY])
    pairs = []
    for sequence in expressions.split("test"):
        if sequence.label and sequence.label.emotion:
            displacements = sequence.displacements()
            middle = len(displacements) // 2
            pairs.append((sequence.label.emotion, reader.read(displacements[middle - 2 : middle + 3])))
    print(f"expressions of people not learned from, {len(pairs)} at three levels, around the middle")
    print_matrix(pairs)
    return reader


def face(clip: AudioClip, emotion: str, intensity: float, actor: TalkingHead, poser: Poser) -> np.ndarray:
    """Displacements [T,V,3] of the head that says a recording."""
    asked = Score(
        clip.duration,
        FPS,
        clip.blocks,
        emotion=parse_emotion(emotion),
        intensity=intensity,
        blink=False,
        head_motion="none",
    )
    return poser.vertices(actor.motion(asked)) - poser.head.v_template


def print_matrix(pairs: list[tuple[str, str]]) -> None:
    matrix = confusion(pairs)
    print(" " * 10 + "".join(f"{name[:8]:>10}" for name in EMOTIONS))
    for name, row in zip(EMOTIONS, matrix, strict=True):
        print(f"{name:10}" + "".join(f"{value:10.2f}" if value else f"{'.':>10}" for value in row))
    print(f"right: {np.mean([a == b for a, b in pairs]):.2f} (chance {1 / len(EMOTIONS):.2f})")


def print_voices(clips: list[tuple[Path, AudioClip]]) -> None:
    """What `--emotion auto` makes of recordings with a name."""
    if not clips:
        return
    print(f"\n--emotion auto on {len(clips)} labelled recordings: mean shares, the largest, and the most that is shown")
    right = 0
    for path, clip in clips:
        mood = VoiceEmotion.built_in().listen(clip.blocks())
        heard = mood.shares.mean(axis=0)
        guess = EMOTIONS[int(heard.argmax())]
        right += guess == labelled(path)
        shares = ", ".join(f"{e} {w:.2f}" for e, w in zip(EMOTIONS, heard, strict=True) if w >= 0.1)
        shown = expressions(mood.track().points).max(axis=0)
        print(
            f"{path.stem:32} {labelled(path):10} -> {guess:10} {shares}; {EMOTIONS[shown.argmax()]} {shown.max():.2f}"
        )
    print(f"right: {right} of {len(clips)}")


def labelled(path: Path) -> str | None:
    """The emotion that a file's name tells."""
    words = [find_emotion(word) for word in re.split(r"[^A-Za-z]+", path.stem)]
    return next((word for word in words if word), None)


if __name__ == "__main__":
    main()
