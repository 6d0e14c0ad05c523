"""Emotion: labels, mixes and tracks that a person writes, and the expression they put on a head."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..avatars.arkit import ARKIT_52
from ..avatars.head import ExpressionTable, HeadModel
from ..core.errors import InputError
from ..core.maths import smoothstep
from ..core.tables import csv_lines, delimiter_of, number, read_text
from .noise import slow_noise

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Point = tuple[float, ...]  # [D], one coordinate for each of `EMOTION_AXES`

# Expressions that heads have sculpted or learned: the first axes of emotion space. Weights 0..1.
EMOTIONS = ("neutral", "angry", "disgusted", "fearful", "happy", "sad", "surprised", "contempt")
# Actions that any head with ARKit shapes can do, after the Facial Action Coding System (Ekman, Friesen & Hager 2002):
# the other axes. Names without a side stand for both sides.
ACTIONS: dict[str, dict[str, float]] = {
    "inner_brow_raise": {"browInnerUp": 1.0},  # AU 1
    "outer_brow_raise": {"browOuterUp": 1.0},  # AU 2
    "brow_lower": {"browDown": 1.0},  # AU 4
    "lid_raise": {"eyeWide": 1.0},  # AU 5
    "cheek_raise": {"cheekSquint": 1.0},  # AU 6
    "lid_tighten": {"eyeSquint": 1.0},  # AU 7
    "nose_wrinkle": {"noseSneer": 1.0},  # AU 9
    "upper_lip_raise": {"mouthUpperUp": 1.0},  # AU 10
    "corner_pull": {"mouthSmile": 1.0},  # AU 12
    "corner_pull_left": {"mouthSmileLeft": 1.0},  # AU 12, one side
    "dimple": {"mouthDimple": 1.0},  # AU 14
    "corner_depress": {"mouthFrown": 1.0},  # AU 15
    "chin_raise": {"mouthShrugLower": 1.0},  # AU 17
    "lip_stretch": {"mouthStretch": 1.0},  # AU 20
    "lip_press": {"mouthPress": 1.0},  # AU 24
}
EMOTION_AXES = (*EMOTIONS, *ACTIONS)


def point(**coordinates: float) -> Point:
    """A point of emotion space [D], by the names of its axes (`EMOTION_AXES`); the others are 0.

    >>> nervous = point(fearful=0.4, lip_press=0.3)
    """
    if unknown := coordinates.keys() - set(EMOTION_AXES):
        raise InputError(f"emotion: expected axes of {', '.join(EMOTION_AXES)}, found {sorted(unknown)}")
    return tuple(float(coordinates.get(axis, 0.0)) for axis in EMOTION_AXES)


# What people may ask for: named points. A new emotion is one line here.
LABELS: dict[str, Point] = {
    **{label: point(**{label: 1.0}) for label in EMOTIONS},
}
# The names that the data sets use (MEAD, AffectNet, CREMA-D, RAVDESS codes, Florence4D, Audio2Face), lower case
ALIASES = {
    "neutral": ("neu", "01", "natural", "neutrality", "calm", "02"),
    "angry": ("anger", "ang", "irritated", "irritated1", "05"),
    "disgusted": ("disgust", "dis", "07"),
    "fearful": ("fear", "fea", "afraid", "06"),
    "happy": ("happiness", "joy", "joyful", "hap", "smile", "smile1", "smile2", "03"),
    "sad": ("sadness", "grief", "sad1", "04"),
    "surprised": ("surprise", "sur", "amazement", "08"),
    "contempt": ("contemptuous",),
}
MAX_TRACK_BYTES = 16 << 20

VARIATION_PERIOD = 1.7  # seconds between the knots of the drift among an emotion's variants
# A faint expression is not seen: half an emotion shows by more than half of its motion, a whole one by all of it
FAINT = 0.6
VARIATION = 0.06  # standard deviation of the strength of a held emotion
ATTACK, RELEASE = 0.4, 0.3  # seconds in which the emotion rises from neutral at the beginning and falls back at the end


def canonical_emotion(name: str) -> str:
    """The canonical label of `name` (any case, any data set's name); raises InputError with the choices."""
    labels, key = _names(), name.strip().lower()
    if key in labels:
        return labels[key]
    near = list(dict.fromkeys(labels[m] for m in difflib.get_close_matches(key, labels, n=3)))
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise InputError(f"emotion: expected one of {', '.join(LABELS)}, found {name.strip()[:40]!r}{hint}")


def is_label(name: str) -> bool:
    """Whether `name` is a label, or some data set's name of one."""
    return name.strip().lower() in _names()


def _names() -> dict[str, str]:
    """Every name of every label -> the label."""
    return {alias: label for label in LABELS for alias in (label, *ALIASES.get(label, ()))}


@dataclass(frozen=True)
class EmotionMix:
    """A point of emotion space that holds for a whole clip. A label, or a mix of them, is one; see `parse_emotion`."""

    point: Point

    def at(self, times: F64) -> F64:
        """Points [n, D] at `times` [n] seconds."""
        return np.broadcast_to(np.asarray(self.point), (len(times), len(EMOTION_AXES)))


@dataclass(frozen=True, eq=False)
class EmotionTrack:
    """A way through emotion space: linear between the points, still before the first and after the last."""

    times: F64  # [K] seconds, strictly increasing
    points: F64  # [K, D]

    def at(self, times: F64) -> F64:
        """Points [n, D] at `times` [n] seconds."""
        return np.stack([np.interp(times, self.times, w) for w in self.points.T], axis=1)


@dataclass(frozen=True)
class FromVoice:
    """Whatever the voice tells: `performance.heard` puts a track in its place once there is something to hear."""


@dataclass(frozen=True, eq=False)
class EmotionArc:
    """A way through emotion space that is spread over a clip, however long that is: `settled` makes a track of it."""

    points: F64  # [K, D], each for an equal share of the clip

    def over(self, duration: float) -> EmotionTrack:
        """The track of a clip of `duration` seconds: each point holds for half of its share, with ways in between."""
        shares = np.arange(len(self.points))[:, None] + [0.25, 0.75]
        times = np.maximum(duration, 1e-3) * shares.ravel() / len(self.points)
        return EmotionTrack(times, np.repeat(self.points, 2, axis=0))


@dataclass(frozen=True)
class EmotionSum:
    """Several emotions at once, each with a weight: `settled` adds them up."""

    parts: tuple[tuple[Emotion, float], ...]


class Mood:
    """An emotion that may be changed, from any thread, while a clip goes on, and where the eyes look.

    Motion models read it when they make a frame; `live` makes each when its sound has come, and leads the face there.

    >>> mood = Mood(parse_emotion("happy:0.6"), intensity=0.8)
    >>> mood.emotion, mood.gaze = parse_emotion("sad"), (0.1, 0.0)
    """

    emotion: EmotionMix
    intensity: float  # 0..1
    gaze: tuple[float, float]  # relative to the camera: pitch (+ down) and yaw (+ to the person's left), radians

    def __init__(
        self, emotion: EmotionMix | None = None, *, intensity: float = 1.0, gaze: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """Neutral by default. Raises InputError, here and whenever it is changed, for numbers out of range."""
        self.emotion = emotion or parse_emotion("neutral")
        self.intensity = intensity
        self.gaze = gaze

    def __setattr__(self, name: str, value: object) -> None:
        if name == "intensity" and not (isinstance(value, int | float) and 0 <= value <= 1):
            raise InputError(f"intensity: expected a number in 0..1, found {value!r}")
        if name == "gaze":
            angles = np.asarray(value, np.float64)
            if angles.shape != (2,) or not np.all(np.abs(angles) <= np.pi / 2):
                raise InputError(f"gaze: expected pitch and yaw, radians of at most pi / 2, found {value!r}")
        super().__setattr__(name, value)

    def at(self, times: F64) -> F64:
        """Points [n, D] at `times` [n] seconds: what it is now."""
        return self.intensity * self.emotion.at(times)


Settled = EmotionMix | EmotionTrack | Mood  # says what is felt at any time without a clip
Emotion = Settled | FromVoice | EmotionArc | EmotionSum


def settled(emotion: Emotion, *, duration: float | None, listen: Callable[[], EmotionTrack]) -> Settled:
    """The emotion of a clip of `duration` seconds in which `listen` hears what is left to the voice.

    Raises InputError for an emotion that is spread over a clip of unknown length.
    """
    match emotion:
        case FromVoice():
            return listen()
        case EmotionArc():
            if duration is None:
                raise InputError(
                    "emotion: expected a clip of known length to spread it over, found sound still to come"
                )
            return emotion.over(duration)
        case EmotionSum():
            parts = [(settled(part, duration=duration, listen=listen), weight) for part, weight in emotion.parts]
            return _added(parts)
    return emotion


def _added(parts: Sequence[tuple[Settled, float]]) -> EmotionMix | EmotionTrack:
    tracks = [part.times for part, _ in parts if isinstance(part, EmotionTrack)]
    times = np.unique(np.concatenate(tracks)) if tracks else np.zeros(1)
    points = within(np.sum([weight * part.at(times) for part, weight in parts], axis=0))
    return EmotionTrack(times, points) if tracks else EmotionMix(tuple(points[0].tolist()))


def within(points: F64) -> F64:
    """Points [n, D] whose emotions add up to 1 at most, scaled down where they do not, and whose actions are 0..1."""
    emotions, moved = np.split(np.maximum(points, 0), [len(EMOTIONS)], axis=1)
    return np.concatenate(
        [emotions / np.maximum(1.0, emotions.sum(axis=1, keepdims=True)), np.minimum(moved, 1)], axis=1
    )


def parse_emotion(text: str) -> EmotionMix:
    """Read "angry" or "angry:0.6,sad:0.2"; a sum above 1 is scaled down to 1. Raises InputError."""
    weights: dict[str, float] = {}
    for item in text.split(","):
        name, colon, amount = item.partition(":")
        label = canonical_emotion(name)
        if label in weights:
            raise InputError(f"emotion: expected each label once, found {label!r} twice in {text[:80]!r}")
        weights[label] = number(amount, f"emotion: weight of {label!r}", low=0, high=1) if colon else 1.0
    return mix_of(weights)


def mix_of(weights: Mapping[str, float]) -> EmotionMix:
    """The point of a mix of labels, canonical label -> weight 0..1; a sum above 1 is scaled down to 1."""
    row = np.array([weights.get(label, 0.0) for label in LABELS])
    return EmotionMix(tuple(((row / max(1.0, row.sum())) @ _points()).tolist()))


def _points() -> F64:
    """Points [labels, D] of all labels."""
    return np.array([*LABELS.values()])


def expressions(points: F64) -> F64:
    """The share of points [n, D] that heads have expressions for: weights [n, 8] of `EMOTIONS`."""
    return np.ascontiguousarray(points[:, : len(EMOTIONS)])


def actions(points: F64) -> dict[str, F64]:
    """The share of points [n, D] that any head can do: ARKit shapes by name, each [n], without those that are 0."""
    shapes: dict[str, F64] = {}
    for k, recipe in enumerate(ACTIONS.values(), start=len(EMOTIONS)):
        if points[:, k].any():
            for name, weight in recipe.items():
                for shape in (s for s in (name, f"{name}Left", f"{name}Right") if s in ARKIT_52):
                    shapes[shape] = shapes.get(shape, 0) + weight * points[:, k]
    return shapes


def read_emotion_track(path: Path) -> EmotionTrack:
    """Read a CSV `time_s,<label>...` as spreadsheets write it: parted by commas, semicolons or tabs, UTF-8 or UTF-16.

    Raises InputError that names the file and the line.
    """
    return parse_emotion_track(read_text(path, most=MAX_TRACK_BYTES, utf16=True), source=str(path))


def parse_emotion_track(text: str, *, source: str = "emotion track") -> EmotionTrack:
    """Read the text of a track (see `read_emotion_track`); `source` names it in errors."""
    mark = delimiter_of(text)  # beside others than commas stand decimal commas
    lines = csv_lines(text if mark == "," else text.replace(",", "."), source=source, delimiter=mark)
    if len(lines) < 2:
        raise InputError(
            f"{source}: expected a header 'time_s,<emotion>...' and at least one row, found {len(lines)} lines"
        )
    columns = _columns(lines[0][1], source)
    times = np.empty(len(lines) - 1)
    weights = np.zeros((len(lines) - 1, len(LABELS)))
    for i, (line, row) in enumerate(lines[1:]):
        where = f"{source}: line {line}"
        if len(row) != len(columns) + 1:
            raise InputError(f"{where}: expected {len(columns) + 1} cells, found {len(row)}")
        times[i] = number(row[0], f"{where}: time_s")
        weights[i, columns] = [number(cell, f"{where}: weight", low=0, high=1) for cell in row[1:]]
        if times[i] < 0 or (i and times[i] <= times[i - 1]):
            raise InputError(f"{where}: time_s: expected increasing times from 0 on, found {row[0].strip()[:40]}")
    return EmotionTrack(times, weights / np.maximum(1.0, weights.sum(axis=1, keepdims=True)) @ _points())


def _columns(header: Sequence[str], source: str) -> list[int]:
    if header[0].strip().lower() not in ("time_s", "time") or len(header) < 2:
        raise InputError(f"{source}: expected a header 'time_s,<emotion>...', found {','.join(header)[:80]!r}")
    try:
        columns = [[*LABELS].index(canonical_emotion(name)) for name in header[1:]]
    except InputError as error:
        raise InputError(f"{source}: header: {error}") from error
    if len(set(columns)) < len(columns):
        raise InputError(f"{source}: header: expected each emotion once, found {','.join(header)[:80]!r}")
    return columns


def envelope(times: F64, duration: float) -> F64:
    """Strength [n] of the emotion over a clip of `duration` seconds: it rises from neutral and falls back."""
    longest = max(duration / 4, 1e-6)
    return smoothstep(times / min(ATTACK, longest)) * smoothstep((duration - times) / min(RELEASE, longest))


class EmotionPoses:
    """The expression that a mix of emotions puts on one head."""

    def __init__(self, head: HeadModel, table: ExpressionTable | None = None) -> None:
        """`table` says what the emotions are, in coefficients of any kind; the head's own expressions by default."""
        self._table = table or head.emotions
        self._rows = [self._table.rows(label) for label in EMOTIONS]
        self._version = head.version

    def check(self, emotion: Emotion) -> None:
        """Raise InputError where `emotion` asks for one that the head lacks."""
        if not isinstance(emotion, EmotionMix | EmotionTrack):
            return
        asked = emotion.at(np.asarray(getattr(emotion, "times", [0.0]))).max(axis=0)[: len(EMOTIONS)] > 0
        for label, rows, used in zip(EMOTIONS, self._rows, asked, strict=True):
            if used and not rows and label != "neutral":
                raise InputError(f"emotion: expected one that head {self._version!r} has, found {label!r}")

    def at(self, weights: F64, times: F64, *, seed: int) -> tuple[F64, F64]:
        """Expression [n, E] and jaw angle [n] (radians) for `weights` [n, 8] at `times` [n] seconds.

        In proportion to the weights, and more of weights that add up to less than 1 (`FAINT`); a held emotion drifts
        slowly among its variants and in strength.
        """
        weights = weights * (1 + FAINT * np.clip(1 - weights[:, 1:].sum(axis=1, keepdims=True), 0, 1))
        share = np.zeros((len(times), len(self._table.names)))
        for e, rows in enumerate(self._rows):
            if not rows or not weights[:, e].any():
                continue
            noise = slow_noise(times, seed=seed, stream=100 + e, period=VARIATION_PERIOD, width=len(rows) + 1)
            lean = np.exp(1.5 * noise[:, 1:])
            strength = weights[:, e] * (1 + VARIATION * noise[:, 0])
            share[:, rows] = strength[:, None] * lean / lean.sum(axis=1, keepdims=True)
        return share @ self._table.expr, share @ self._table.jaw
