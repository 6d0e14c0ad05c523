"""A motion model on one head: what is asked becomes the head's motion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..avatars.head import HeadModel
from ..avatars.motion import Motion
from .bundle import Bundle
from .face_motion import FaceMotion
from .models import DEFAULT, MotionModel, pieces_of
from .models.speaking import heard
from .score import Score
from .solve.solver import Solver
from .speech.voice_emotion import VoiceEmotion


@dataclass(frozen=True, eq=False)
class TalkingHead:
    """Sound and emotion to the motion of one head.

    >>> import numpy as np
    >>> from emosplat.avatars.library import builtin_head
    >>> actor = TalkingHead.of(builtin_head())
    >>> score = Score(duration=0.4, sound=lambda: [np.zeros(6400, np.float32)])
    >>> sum(len(chunk) for chunk in actor.perform(score))
    10
    """

    model: MotionModel
    solver: Solver
    voice: VoiceEmotion | None = None  # hears the emotion where it is left to the voice; None: the built-in weights

    @staticmethod
    def of(head: HeadModel, bundle: Bundle | None = None, *, model: str = DEFAULT) -> TalkingHead:
        """The motion model of this name and the weights of `bundle` on `head`. Raises InputError."""
        bundle = bundle or Bundle()
        return TalkingHead(bundle.model(model), Solver(head, bundle.fusion_for(head)), bundle.voice())

    @property
    def head(self) -> HeadModel:
        """Whose motion it is."""
        return self.solver.head

    def perform(self, score: Score, *, faces: list[FaceMotion] | None = None) -> Iterator[Motion]:
        """Consecutive chunks of the motion of one clip, in constant memory where the model can do that.

        `faces` takes the face motion that each chunk was made from. Raises InputError when the head lacks an emotion
        that is asked for.
        """
        score = heard(score, self.voice)
        self.solver.check(score.emotion)
        return self._perform(pieces_of(self.model, score), faces)

    def _perform(self, pieces: Iterable[FaceMotion], faces: list[FaceMotion] | None) -> Iterator[Motion]:
        for piece in pieces:
            if faces is not None:
                faces.append(piece)
            yield self.solver(piece)

    def motion(self, score: Score) -> Motion:
        """The motion of one clip as a whole."""
        return Motion.concatenate(self.perform(score))
