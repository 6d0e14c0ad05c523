"""A model whose jaw opens as the sound is loud, and a source that gives what it is told."""

import time
from collections.abc import Iterable, Iterator

import numpy as np

from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.emotion import parse_emotion
from emosplat.blendshapes.face_motion import JAW_OPEN, FaceMotion
from emosplat.blendshapes.score import Score
from emosplat.blendshapes.solve.solver import Solver
from emosplat.pipeline.live.control import Control
from emosplat.pipeline.live.frame import FrameReader, LiveFrame
from emosplat.pipeline.live.pcm import HEARD
from emosplat.pipeline.live.session import Session
from emosplat.pipeline.live.sources import Block, Source

SOLVER = Solver(builtin_head())
READER = FrameReader(SOLVER)
LOOKAHEAD = 0.1


class PretendModel:
    """`together`: frames in one piece."""

    name = "pretend"
    lookahead = LOOKAHEAD

    def __init__(self, together: int = 1) -> None:
        self._together = together

    def plan(self, score: Score) -> FaceMotion:
        raise NotImplementedError

    def stream(self, score: Score, blocks: Iterable[np.ndarray]) -> Iterator[FaceMotion]:
        heard = np.zeros(0, np.float32)
        first = 0
        for block in blocks:
            heard = np.concatenate([heard, block])
            while len(heard) >= ((first + self._together - 0.5) / score.fps + LOOKAHEAD) * HEARD:
                yield self._piece(first, self._together, score.fps, heard)
                first += self._together
        while (first + 0.5) / score.fps < len(heard) / HEARD:
            yield self._piece(first, 1, score.fps, heard)
            first += 1

    @staticmethod
    def _piece(first: int, count: int, fps: float, heard: np.ndarray) -> FaceMotion:
        times = (first + np.arange(count) + 0.5) / fps
        loud = np.abs(heard[np.minimum((times * HEARD).astype(int), len(heard) - 1)])
        face = FaceMotion.rest(count, fps=fps, first=first)
        return face.with_columns(
            {"jawPitch": JAW_OPEN * loud, "headYaw": 0.1, "gazeLeftYaw": 0.2, "gazeRightPitch": 0.3}
        )


class GivenSource:
    """Blocks of 10 ms, as fast as they are taken."""

    rate = HEARD

    def __init__(self, samples: np.ndarray, *, real_time: bool = False) -> None:
        self._samples = samples.astype(np.float32)
        self._real_time = real_time
        self.closed = False

    def blocks(self) -> Iterator[Block]:
        started = time.monotonic()
        for at in range(0, len(self._samples), 160):
            if self.closed:
                return
            if self._real_time:
                time.sleep(max(0.0, started + (at + 160) / HEARD - time.monotonic()))
            block = self._samples[at : at + 160]
            yield Block(block, block, time.monotonic())

    def close(self) -> None:
        self.closed = True


def control() -> Control:
    return Control(parse_emotion("neutral"))


def session(source: Source, *, together: int = 1, fps: float = 25.0) -> Session:
    steered = control()
    return Session(source, PretendModel(together), SOLVER, steered, Score(fps=fps, emotion=steered.mood))


def frame(**columns: float) -> LiveFrame:
    """A face at one moment."""
    return READER(FaceMotion.rest(1, fps=25, first=7).with_columns(columns), 0.0)
