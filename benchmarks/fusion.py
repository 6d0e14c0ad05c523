"""Do learned blendshapes keep lips closed and emotions readable? `python benchmarks/fusion.py FOLDER CORPUS`.

FOLDER is as for `motion.py`; CORPUS is what `render data generate` writes. Ways to put speech and emotion on one face:
the learned blendshapes and the sum of poses, each with and without the contact solver on top. For each way

- closed, false, vowel, jitter: as in `motion.py`, neutral and the mean over the seven emotions at full intensity;
- read: how often a linear classifier names the emotion from a second of the *speaking* face. It was trained on the
  generated expressions of the corpus' training people, who do not speak; the confusion matrix is printed;
- speed: seconds of speech per second of processor time, audio to motion.

Also: how many millimetres the way from blendshapes to expression and jaw costs, linear and solved for every frame.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # idle BLAS threads spin, which would count as processor time

import numpy as np
from motion import FPS, Spoken, aligned, measure  # pyright: ignore[reportMissingImports]

from emosplat.avatars import Motion
from emosplat.avatars.library import builtin_head, open_avatar
from emosplat.avatars.pose import Poser
from emosplat.blendshapes import EMOTIONS, Score, SpeechEncoder, TalkingHead, parse_emotion
from emosplat.blendshapes.data.generated import open_generated
from emosplat.blendshapes.models.procedural import Procedural
from emosplat.blendshapes.solve.composition import Fused, NeutralMouth
from emosplat.blendshapes.solve.displacement_map import frontal_vertices
from emosplat.blendshapes.solve.fusion import FusionModel
from emosplat.blendshapes.solve.mapping import FaceSurface, FrameSolver, importance, mapping_error
from emosplat.blendshapes.solve.solver import Solver
from emosplat.blendshapes.training.reading import EmotionReader
from emosplat.pipeline.clip.curves import CurveReader

EVERY = 3  # vertices of the frontal face that the classifier sees


class Unguarded(NeutralMouth):
    """A mouth that nobody corrects once the emotion is on it."""

    def closed(self, wanted, face, spoken):
        return super().closed(wanted, face, spoken) if face is spoken else face  # speech alone is the model's input

    def kept(self, face, neutral):
        return face[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--avatar", default="person1")
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    clips = list(aligned(options.folder))
    head, encoder = open_avatar(options.avatar).head, SpeechEncoder.load()
    model = FusionModel.load(options.weights) if options.weights else FusionModel.load()
    expressions = open_generated(options.corpus / "expressions", builtin_head())
    emotions = EmotionReader.learn(expressions.split("train"), frontal_vertices(head)[::EVERY])
    reader, poser = CurveReader(head), Poser(head)
    for name, actor in ways(head, encoder, model):
        print(f"\n{name}\n{'':10} {'closed':>7} {'false':>7} {'vowel':>7} {'jitter':>7} {'speed':>7}")
        table: dict[str, list[float]] = {}
        for emotion in EMOTIONS:
            rows = [measure(clip, emotion, actor, reader) for clip in clips]
            table[emotion] = [
                float(np.mean([v for row in rows for v in row[key]]))
                for key in ("closed", "false", "vowel", "jitter", "speed")
            ]
            print(f"{emotion:10} " + " ".join(f"{v:7.2f}" for v in table[emotion]))
        print(f"{'emotions':10} " + " ".join(f"{v:7.2f}" for v in np.mean([table[e] for e in EMOTIONS[1:]], axis=0)))
        confusion = read(clips, actor, poser, emotions)
        print(f"read: {np.trace(confusion) / confusion.sum():.2f} of {confusion.sum()} seconds (rows: asked for)")
        for label, row in zip(EMOTIONS, confusion, strict=True):
            print(f"{label:10} " + " ".join(f"{n:4d}" for n in row))
    report_mapping(head, model, clips, encoder)


def on(head, encoder, model) -> TalkingHead:
    return TalkingHead(Procedural(encoder), Solver(head, model))


def ways(head, encoder, model) -> Iterator[tuple[str, TalkingHead]]:
    yield "sum of poses", on(head, encoder, None)
    bare = on(head, encoder, None)
    bare.solver._compose._mouth = Unguarded(head)  # pyright: ignore[reportAttributeAccessIssue]
    yield "sum of poses, no contact solver", bare
    yield "learned blendshapes", on(head, encoder, model)
    bare = on(head, encoder, model)
    bare.solver._compose._mouth = Unguarded(head)  # pyright: ignore[reportAttributeAccessIssue]
    yield "learned blendshapes, no contact solver", bare


def read(clips, actor: TalkingHead, poser: Poser, emotions: EmotionReader) -> np.ndarray:
    """Confusion matrix [8, 8] over seconds of all clips."""
    confusion = np.zeros((len(EMOTIONS), len(EMOTIONS)), int)
    for clip in clips:
        for asked, emotion in enumerate(EMOTIONS):
            motion = perform(clip, emotion, actor)
            moved = poser.vertices(motion) - poser.head.v_template
            whole = len(moved) // int(FPS) * int(FPS)
            seconds = moved[:whole].reshape(-1, int(FPS), *moved.shape[1:]).mean(axis=1)
            np.add.at(confusion[asked], emotions.frames(seconds).argmax(axis=1), 1)
    return confusion


def perform(clip: Spoken, emotion: str, actor: TalkingHead) -> Motion:
    emotion_asked = parse_emotion(emotion)
    return actor.motion(Score(clip.duration, FPS, clip.blocks, emotion=emotion_asked, blink=False, head_motion="none"))


def report_mapping(head, model: FusionModel, clips: list[Spoken], encoder) -> None:
    """Blendshapes to expression and jaw: mean error of the vertices, millimetres."""
    surface = FaceSurface(head, model.vertices)
    solver = FrameSolver(surface, model.bases, importance(head, model.vertices))
    actor = on(head, encoder, model)
    composer, kept = actor.solver._compose, []
    assert isinstance(composer, Fused)

    to_head = composer._to_head

    def watched(weights):
        kept.append(weights)
        return to_head(weights)

    composer._to_head = watched  # pyright: ignore[reportAttributeAccessIssue]
    for clip in clips:
        for emotion in EMOTIONS:
            perform(clip, emotion, actor)
    weights = np.concatenate(kept)
    print("\nblendshapes to expression and jaw, mm: mean, 95th percentile of frames")
    for name, solve in (("linear", solver.linear()), ("every frame", solver)):
        errors = mapping_error(surface, model.bases, weights, *solve(weights))
        print(f"{name:12} {errors.mean():.3f} {np.percentile(errors, 95):.3f}")


if __name__ == "__main__":
    main()
