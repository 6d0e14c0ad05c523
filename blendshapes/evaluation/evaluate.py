"""How far predicted speech is from recorded speech: the field's measures over a data set, sequence by sequence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...core.errors import InputError
from ..data import DataSet, Sequence
from ..emotion import parse_emotion
from ..score import Score
from ..speech.features import RATE
from ..talking_head import TalkingHead
from .metrics import (
    Comparison,
    Scores,
    VertexSets,
    diversity,
    high_frequency_share,
    lip_gap,
    pooled,
    score_one,
    sync_offset,
)

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SAMPLES = 3  # of one sound with different seeds, for diversity
DIVERSE = 4  # sequences for which diversity is measured: it costs as much as all else
KEPT = 4  # sequences whose curves are kept to be drawn


@dataclass(frozen=True, eq=False)
class Curve:
    """Opening of the mouth over one sequence."""

    name: str
    fps: float
    predicted: F64  # [T] metres
    truth: F64  # [T]
    sound: F32  # mono 16 kHz


@dataclass(frozen=True)
class Row:
    """One sequence."""

    name: str
    fps: float
    scores: Scores
    offset_ms: float  # delay of the predicted lips behind the true ones
    tremble: float  # share of the velocities' power above 8 Hz, predicted
    true_tremble: float
    diversity: float  # metres; NaN where it was not measured
    sound_s: float  # duration
    motion_s: float  # processor time from sound to motion


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A data set, predicted and measured."""

    kind: str
    head: str
    sets: VertexSets
    vertices: int
    rows: tuple[Row, ...]
    silent: int  # sequences without sound, which were left out
    error: F64  # [V] mean distance of every vertex, metres
    curves: tuple[Curve, ...]

    @property
    def scores(self) -> Scores:
        """All sequences together."""
        return pooled([row.scores for row in self.rows])

    @property
    def realtime(self) -> float:
        """Seconds of sound per processor second, audio to motion."""
        return sum(row.sound_s for row in self.rows) / max(sum(row.motion_s for row in self.rows), 1e-9)

    def mean(self, field: str) -> float:
        """Mean of a column of the rows over the sequences that have a value."""
        values = np.array([getattr(row, field) for row in self.rows], np.float64)
        return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")


Report = Callable[[int, int], None]


def evaluate(
    data: DataSet, head: HeadModel, actor: TalkingHead, *, report: Report = lambda _done, _total: None
) -> Evaluation:
    """Predict every sequence that has sound and compare it with what was recorded.

    The prediction is the talking head's displacement from its head's neutral face, added to the subject's own, as the
    field does; blinks and head motion are off; the emotion is the sequence's label at its level, where it has one.
    Raises InputError when the data are on another topology or nothing has sound.
    """
    spoken = [s for s in data if s.audio is not None]
    if not spoken:
        raise InputError(f"data set {data.kind!r}: expected sequences with sound, found none among {len(data)}")
    sets, poser = VertexSets.of(head), Poser(head)
    _predicted(spoken[0], head, actor, poser)  # what is prepared on the first call is not timed
    rows, curves, error, frames = [], [], np.zeros(len(head.v_template)), 0
    for number, sequence in enumerate(spoken):
        report(number, len(spoken))
        comparison, sound, seconds = _predicted(sequence, head, actor, poser)
        samples = _samples(sequence, sound, head, actor, poser) if number < DIVERSE else []
        row, curve = _row(sequence, comparison, sound, sets, seconds, diversity(samples))
        rows.append(row)
        curves += [curve] if number < KEPT else []
        error += np.linalg.norm(comparison.predicted - comparison.truth, axis=2).sum(axis=0)
        frames += len(comparison.truth)
    report(len(spoken), len(spoken))
    return Evaluation(
        kind=data.kind,
        head=head.version,
        sets=sets,
        vertices=len(head.v_template),
        rows=tuple(rows),
        silent=len(data) - len(spoken),
        error=error / frames,
        curves=tuple(curves),
    )


def _row(
    sequence: Sequence, c: Comparison, sound: F32, sets: VertexSets, seconds: float, variety: float
) -> tuple[Row, Curve]:
    name = f"{sequence.subject}/{sequence.name}"
    predicted, truth = lip_gap(c.predicted, sets.lip_pairs), lip_gap(c.truth, sets.lip_pairs)
    row = Row(
        name=name,
        fps=c.fps,
        scores=score_one(c, sets),
        offset_ms=sync_offset(predicted, truth, c.fps),
        tremble=high_frequency_share(c.predicted[:, sets.lips], c.fps),
        true_tremble=high_frequency_share(c.truth[:, sets.lips], c.fps),
        diversity=variety,
        sound_s=len(sound) / RATE,
        motion_s=seconds,
    )
    return row, Curve(name, c.fps, predicted, truth, sound)


def _predicted(sequence: Sequence, head: HeadModel, actor: TalkingHead, poser: Poser) -> tuple[Comparison, F32, float]:
    """Prediction beside truth, the sound, and the processor seconds from sound to motion."""
    assert sequence.audio is not None
    displacements, neutral = sequence.displacements(), sequence.neutral()
    if neutral.shape != head.v_template.shape:
        found, wanted = len(neutral), len(head.v_template)
        raise InputError(
            f"{sequence.subject}/{sequence.name}: expected the {wanted} vertices of head {head.version!r}, found "
            f"{found}; name the head that the data belong to with --head"
        )
    sound = _sound_of(sequence, frames=len(displacements))
    started = time.process_time()
    motion = _perform(sequence, sound, len(displacements), actor, seed=0, blink=False)
    seconds = time.process_time() - started
    truth = (neutral + displacements).astype(np.float32)
    return Comparison(_faces(motion, neutral, poser), truth, neutral, sequence.fps), sound, seconds


def _samples(sequence: Sequence, sound: F32, head: HeadModel, actor: TalkingHead, poser: Poser) -> list[F32]:
    """Faces for the same sound with different seeds, blinking as by default."""
    frames = int(len(sound) / RATE * sequence.fps)
    motions = [_perform(sequence, sound, frames, actor, seed=seed, blink=True) for seed in range(SAMPLES)]
    return [_faces(motion, head.v_template, poser) for motion in motions]


def _sound_of(sequence: Sequence, *, frames: int) -> F32:
    """The sound, half a frame late: data sets put frame i at i / fps, a clip shows it at (i + 0.5) / fps."""
    assert sequence.audio is not None
    early = np.zeros(round(0.5 / sequence.fps * RATE), np.float32)
    sound = np.concatenate([early, sequence.audio()])[: round(frames / sequence.fps * RATE)]
    return sound.astype(np.float32)


def _perform(sequence: Sequence, sound: F32, frames: int, actor: TalkingHead, *, seed: int, blink: bool) -> Motion:
    score = replace(_score(sequence), sound=lambda: [sound], duration=frames / sequence.fps, seed=seed, blink=blink)
    return actor.motion(score)


def _score(sequence: Sequence) -> Score:
    label = sequence.label
    emotion = label.emotion if label is not None and label.emotion is not None else "neutral"
    intensity = 1.0 if label is None else float(label.level)
    return Score(fps=sequence.fps, emotion=parse_emotion(emotion), intensity=intensity, head_motion="none")


def _faces(motion: Motion, neutral: F32, poser: Poser) -> F32:
    """Vertices [T,V,3] of a person whose face moves from `neutral` [V,3] as the head's would."""
    offset = neutral - poser.head.v_template
    return poser.vertices(motion) + offset.astype(np.float32)


@dataclass(frozen=True)
class Measure:
    """One line of the table."""

    name: str
    value: float
    unit: str
    where: str  # vertex set
    formula: str


def measures(e: Evaluation) -> Iterator[Measure]:
    """The table: each figure with its unit, vertices and formula, for it means nothing without them."""
    s = e.scores
    lips = f"{len(e.sets.lips)} lip vertices"
    upper = f"{len(e.sets.upper_face)} upper-face vertices"
    pairs = f"{len(e.sets.lip_pairs)} pairs of the inner lips"
    everything = f"all {e.vertices} vertices"
    furthest = "max over vertices of |x - y|"
    yield Measure("LVE", 1e5 * s.lve, "1e-5 m^2", lips, f"mean over frames of ({furthest})^2 (MeshTalk, FaceFormer)")
    yield Measure("LVE in mm", s.lve_mm, "mm", lips, f"mean over frames of {furthest} (3DiFACE)")
    deviation = "std over frames of |x - n|^2, truth minus prediction, mean over vertices (CodeTalker)"
    yield Measure("FDD", 1e5 * s.fdd, "1e-5 m^2", upper, f"{deviation}; mean over sequences")
    yield Measure("FDD, absolute", 1e5 * s.fdd_absolute, "1e-5 m^2", upper, "the same, mean of absolute values")
    yield Measure("MVE", 1000 * s.mve, "mm", everything, "mean of |x - y| (FaceDiffuser)")
    closing = "mean of max(gap - true gap, 0) where the true gap is under 2 mm"
    yield Measure("lip-closure error", 1000 * s.closure, "mm", pairs, closing)
    yield Measure("sync offset", e.mean("offset_ms"), "ms", pairs, "lag of the best correlation of gaps; + is late")
    variety = f"mean |x - y| over pairs of {SAMPLES} seeds, blinking, first {DIVERSE} sequences"
    yield Measure("diversity", 1000 * e.mean("diversity"), "mm", everything, variety)
    second = "mean length of the second difference times fps^2"
    yield Measure("acceleration", s.acceleration, "m/s^2", everything, second)
    yield Measure("acceleration of the truth", s.true_acceleration, "m/s^2", everything, second)
    tremble = "share of the velocities' power above 8 Hz"
    yield Measure("tremble", e.mean("tremble"), "0..1", lips, tremble)
    yield Measure("tremble of the truth", e.mean("true_tremble"), "0..1", lips, tremble)
    yield Measure("speed", e.realtime, "x real time", "", "seconds of sound per processor second, to motion")


def rates(rows: Iterable[Row]) -> str:
    """The frame rates of the sequences, in words."""
    return " and ".join(f"{fps:g}" for fps in sorted({row.fps for row in rows})) + " frames/s"
