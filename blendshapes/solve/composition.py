"""Speech and emotion on one face: by the learned blendshapes, or by the sum of what each does alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...avatars.geometry import part_of_face
from ...avatars.head import ExpressionTable, HeadModel
from ...core.maths import smoothstep
from ..emotion import EmotionPoses
from .articulation import JAW_AXIS, Articulator, LipContact, LipGap, seal
from .fusion import FusionModel
from .mapping import FaceSurface, FrameSolver, importance

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SPEAKING_MOUTH = 0.8  # share of an emotion's mouth shape while speaking; all of it in pauses
SPEAKING_JAW = 0.6  # share of an emotion's jaw opening in open vowels; none of it at /s/, all of it in long pauses
OPEN_VOWEL = 0.6  # jaw axis of one
NEAR, FREE = 0.003, 0.006  # metres: no emotion changes a lip gap below the first; one above the second is free
MOUTH = 0.014, 0.040  # metres from the lips: an emotion's motion is the mouth's nearer, not at all beyond


@dataclass(frozen=True, eq=False)
class SpeakingFace:
    """What the face is to do in n frames."""

    times: F64  # [n] seconds
    axes: F64  # [n, 8] articulation
    activity: F64  # [n] 1 while someone speaks, 0 in pauses
    speaking: F64  # [n] the same, eased
    emotion: F64  # [n, 8] weights of the emotions
    seed: int


class Composer(Protocol):
    """One way to put speech and emotion on a face."""

    emotions: EmotionPoses  # which it can show

    def __call__(self, wanted: SpeakingFace) -> tuple[F64, F64]:
        """Expression [n, E] and jaw angle [n], lips in contact where they should be."""
        ...


def composer_for(head: HeadModel, mouth: NeutralMouth, fusion: FusionModel | None) -> Composer:
    """The learned blendshapes where they belong to the head, else the sum of poses."""
    return Fused(head, mouth, fusion) if fusion and fusion.head == head.version else PoseSum(head, mouth)


class NeutralMouth:
    """Speech without emotion (the model's first stage), and the lips' contact."""

    def __init__(self, head: HeadModel) -> None:
        self.gap = LipGap(head)
        self.articulator = Articulator(head, self.gap)
        self.contact = LipContact(head, self.gap)

    def spoken(self, wanted: SpeakingFace) -> tuple[F64, F64]:
        """Expression and jaw of speech; lips are not yet in contact."""
        return self.articulator(wanted.axes * wanted.activity[:, None])

    def closed(self, wanted: SpeakingFace, face: tuple[F64, F64], spoken: tuple[F64, F64]) -> tuple[F64, F64]:
        """A face with the lips in contact where `spoken` and the pauses want it."""
        pressed, resting = seal(wanted.axes) * wanted.activity, 1 - wanted.activity
        return self.contact(*face, seal=pressed, rest=resting, speech=self.gap(*spoken))

    def kept(self, face: tuple[F64, F64], neutral: tuple[F64, F64]) -> F64:
        """Expression of a face whose lips are as near to each other as the neutral face's where those nearly meet."""
        gap = self.gap(*neutral)
        share = smoothstep((FREE - gap.mean(axis=1)) / (FREE - NEAR))
        return self.contact.match(*face, gap=gap, share=share)


def dropped(wanted: SpeakingFace, jaw: F64) -> F64:
    """How far an emotion that opens the jaw by `jaw` [n] does so: in open vowels, and where nobody speaks for a while.

    Lips in contact stay so: a jaw that drops with the lips at rest parts them, and /p b m/ keep theirs.
    """
    vowel = smoothstep(wanted.axes[:, JAW_AXIS] / OPEN_VOWEL) * (1 - seal(wanted.axes))
    spoken = SPEAKING_JAW * vowel * wanted.speaking * wanted.activity
    return jaw * (spoken + (1 - wanted.speaking) * (1 - wanted.activity))


class PoseSum:
    """Expressions added: speech and the head's own emotions, of which the mouth keeps a part while it speaks."""

    def __init__(self, head: HeadModel, mouth: NeutralMouth) -> None:
        self.emotions = EmotionPoses(head)
        self._mouth = mouth
        lips = np.concatenate([head.lip_pairs.reshape(-1), head.mouth_corners])
        self._near_lips = part_of_face(head, lips, full=MOUTH[0], none=MOUTH[1])

    def __call__(self, wanted: SpeakingFace) -> tuple[F64, F64]:
        """See `Composer`."""
        pose, pose_jaw = self.emotions.at(wanted.emotion, wanted.times, seed=wanted.seed)
        pose = pose - (1 - SPEAKING_MOUTH) * wanted.speaking[:, None] * (pose @ self._near_lips)
        spoken = self._mouth.spoken(wanted)
        expr, jaw = self._mouth.closed(wanted, (spoken[0] + pose, spoken[1]), spoken)
        return expr, jaw + dropped(wanted, pose_jaw)


class Fused:
    """Disentangled blendshapes, dV = B_A w_A + B_E w_E, mapped to the head's expression and jaw."""

    def __init__(self, head: HeadModel, mouth: NeutralMouth, model: FusionModel) -> None:
        self._mouth = mouth
        self._model = model
        surface = FaceSurface(head, model.vertices)
        pictures = model.pictures(surface.columns)
        self._encoded = model.speech_encoder.of(pictures)
        self._to_head = FrameSolver(surface, model.bases, importance(head, model.vertices)).linear()
        self.emotions = EmotionPoses(head, self._codes(head, pictures))

    def __call__(self, wanted: SpeakingFace) -> tuple[F64, F64]:
        """See `Composer`."""
        neutral = self._neutral(wanted)
        shown, drop = self.emotions.at(wanted.emotion, wanted.times, seed=wanted.seed)
        expr, jaw = self._to_head(np.concatenate([self._seen(neutral), shown], axis=1))
        jaw = jaw * wanted.activity
        return self._mouth.kept((expr, jaw), neutral), jaw + dropped(wanted, drop)

    def speech_weights(self, wanted: SpeakingFace) -> F64:
        """w_A [n, K_A]: what the speech encoder sees in the neutral speaking face; nothing about the emotion."""
        return self._seen(self._neutral(wanted))

    def emotion_weights(self, wanted: SpeakingFace) -> F64:
        """w_E [n, K_E]: the codes of the emotions that are asked for; nothing about what is said."""
        return self.emotions.at(wanted.emotion, wanted.times, seed=wanted.seed)[0]

    def _neutral(self, wanted: SpeakingFace) -> tuple[F64, F64]:
        """Expression and jaw of the speaking face without emotion: the model's first stage."""
        spoken = self._mouth.spoken(wanted)
        return self._mouth.closed(wanted, spoken, spoken)

    def _seen(self, neutral: tuple[F64, F64]) -> F64:
        return self._encoded(FaceSurface.features(*neutral).astype(np.float32)).astype(np.float64)

    def _codes(self, head: HeadModel, pictures: F32) -> ExpressionTable:
        """w_E and jaw of the head's own emotions at full strength; the data's mean where the head lacks one.

        The jaw is apart: what parts the lips is not in the learned blendshapes of expression, and must not be.
        """
        own, model = head.emotions, self._model
        features = FaceSurface.features(own.expr.astype(np.float64), own.jaw.astype(np.float64))
        names, codes = [*own.names], [*model.expression_encoder.of(pictures)(features.astype(np.float32))]
        for label, code in zip(model.labels, model.codes, strict=True):
            if label not in own.names:
                names.append(label)
                codes.append(code)
        jaw = np.concatenate([own.jaw, np.zeros(len(names) - len(own.names), np.float32)])
        return ExpressionTable(tuple(names), np.stack(codes), jaw)
