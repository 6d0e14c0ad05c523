"""Invented actors: people who differ in how they speak, nod, blink and look about as measured people do.

Until users bring motion of real people, this is what the acting model learns from. Sizes, speeds and rates are those of
filmed people (docs/acting.md names them); who does what when is chance, given the sound. How a manner goes with a voice
(`OF_VOICE`) is invented, too: that lively voices go with lively heads is known (Yehia, Kuratate & Vatikiotis-Bateson,
"Linking facial animation, head motion and speech acoustics", 2002), the rest is a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.maths import smoothstep
from ..acting.conditions import TOLD
from ..acting.space import COORDINATES, GAZE, HEAD, INDEX, MOUTH, RATE
from ..emotion import EMOTIONS
from ..noise import slow_noise
from ..speech.accents import Accent

F64 = NDArray[np.float64]
Rng = np.random.Generator

# What people differ in, each with a standard normal distribution
TRAITS = ("articulation", "jaw", "round", "wide", "lips", "sloppy", "tempo", "turns", "yaw", "nods", "posture", "chin",
          "tilt", "brows", "accents", "frown", "inner", "lopsided", "squint", "smile", "cheer", "corner", "cheek",
          "blinks", "phrase_blinks", "gaze")  # fmt: skip
TRAIT = {name: k for k, name in enumerate(TRAITS)}

# Voices as they usually are, and how much they differ: medians and half of the middle 68 % of 300 recorded speakers
USUAL_VOICE = np.array([4.35, 4.49, 6.21, -13.8, 16.9, 1.10])
VOICES_DIFFER = np.array([1.33, 1.74, 1.33, 3.73, 2.46, 5.44])
# What a voice tells of a manner, by `voiceprint.NUMBERS`
OF_VOICE: dict[str, tuple[float, ...]] = {
    "articulation": (0, 0.4, -0.4, 0.8, 0, 0),
    "jaw": (0, 0.3, -0.3, 0.6, 0, -0.5),
    "round": (0.3, 0, -0.5, 0, -0.7, 0),
    "wide": (0, 0, 0.2, 0.2, 0.9, 0.2),
    "lips": (0, 0, 0, 0.3, 0.8, 0),
    "sloppy": (-0.3, -0.3, 0.8, -0.3, 0, 0),
    "tempo": (0.3, 0, 0.9, 0, 0, 0.2),
    "turns": (0.8, 0.4, 0, 0.3, 0, 0),
    "yaw": (0, 0.3, 0.3, 0, -0.6, 0.4),
    "nods": (0, 0.9, 0, 0.3, 0, 0),
    "posture": (0.6, 0, -0.5, 0, 0, 0.3),
    "chin": (0, 0, 0, 0.6, 0, 0.6),
    "tilt": (0, 0, 0, -0.4, 0.2, 0.8),
    "brows": (0.8, 0, 0, 0, 0, 0.4),
    "accents": (0.5, 0.7, 0, 0, 0, 0),
    "frown": (-0.3, 0, 0, 0.6, -0.2, -0.6),
    "inner": (0.2, 0, -0.3, -0.4, 0, 0.6),
    "squint": (0, 0, 0.3, 0.4, -0.5, 0),
    "smile": (0.3, 0, 0, 0, 0.7, 0.4),
    "cheer": (0.6, 0.2, 0.3, 0, 0.4, 0),
    "cheek": (0, 0, 0, 0, 0.6, 0.3),
    "blinks": (0, -0.3, 0.7, 0, 0, 0.3),
    "gaze": (0.3, 0, 0.3, -0.6, 0, 0),
}
OWED = 0.8  # share of a trait's size that the voice tells, where it tells anything

AROUSED = {"angry": 0.35, "happy": 0.3, "surprised": 0.25, "fearful": 0.2, "sad": -0.5, "contempt": -0.15}
BLINKS_MORE = {"fearful": 0.6, "sad": 0.35, "angry": 0.25, "disgusted": 0.25, "happy": 0.2}
_ACTIVITY, _BETWEEN = TOLD.index("sound.activity"), TOLD.index("sound.between")
_LEVEL = TOLD.index("sound.level")
LEAD = 3  # frames by which the head is ahead of the voice
_EMOTION = [TOLD.index(f"emotion.{name}") for name in EMOTIONS]
_AXIS = [TOLD.index(f"sound.{name}") for name in MOUTH]


@dataclass(frozen=True, eq=False)
class Actor:
    """Somebody."""

    traits: F64  # [len(TRAITS)]

    def __getitem__(self, trait: str) -> float:
        return float(self.traits[TRAIT[trait]])

    @staticmethod
    def drawn(rng: Rng, voice: F64 | None = None) -> Actor:
        """Anybody, or somebody who goes with a voice [V] (`voiceprint`)."""
        own = rng.standard_normal(len(TRAITS))
        if voice is not None:
            heard = np.clip((voice - USUAL_VOICE) / VOICES_DIFFER, -2.5, 2.5)
            for name, weights in OF_VOICE.items():
                direction = np.array(weights) / np.linalg.norm(weights)
                own[TRAIT[name]] = OWED * float(direction @ heard) + np.sqrt(1 - OWED**2) * own[TRAIT[name]]
        return Actor(np.clip(own, -2.2, 2.2))


@dataclass(frozen=True, eq=False)
class Scene:
    """What an actor hears and feels: a clip at 25 frames per second."""

    told: F64  # [T, C] as `conditions.TOLD`
    moments: list[Accent]

    def __len__(self) -> int:
        return len(self.told)

    @property
    def times(self) -> F64:
        """[T] seconds."""
        return np.arange(len(self)) / RATE

    def emotion(self, weights: dict[str, float]) -> F64:
        """Sum of the emotions, each with its weight, [T]."""
        return self.told[:, _EMOTION] @ np.array([weights.get(name, 0.0) for name in EMOTIONS])


def perform(actor: Actor, scene: Scene, rng: Rng) -> F64:
    """One performance: coordinates [T, D], the mouth as it differs from what the sound alone would have it do."""
    out = np.zeros((len(scene), len(COORDINATES)))
    speaking = np.maximum(scene.told[:, _ACTIVITY], 0.6 * scene.told[:, _BETWEEN])
    lively = np.exp(scene.emotion(AROUSED)) * (0.6 + 0.4 * _eased(speaking, 0.5))
    out[:, [INDEX[n] for n in MOUTH]] = _mouth(actor, scene, rng)
    out[:, [INDEX[n] for n in HEAD]] = _head(actor, scene, lively, rng)
    brows = _brows(actor, scene, lively, rng)
    smiles = _smiles(actor, scene, speaking, rng)
    for name, column in (brows | smiles).items():
        out[:, INDEX[name]] = column
    gaze, shifts = _gaze(actor, scene, rng)
    out[:, [INDEX[n] for n in GAZE]] = gaze
    out[:, INDEX["lid"]] = _blinks(actor, scene, shifts, rng)
    return out


def _mouth(actor: Actor, scene: Scene, rng: Rng) -> F64:
    """The same sounds said more or less widely, tensely and clearly, and never twice alike."""
    axes, activity = scene.told[:, _AXIS], scene.told[:, _ACTIVITY]
    own = np.array([actor["jaw"], actor["round"], actor["wide"], actor["lips"], actor["lips"]])
    size = (
        0.17 * actor["articulation"]
        + 0.16 * own
        + np.array([0.12, 0.16, 0.14, 0.15, 0.15]) * _noise(scene, rng, period=0.9, width=5)
    )
    said = np.stack([_eased(axis, 0.24) for axis in axes.T], axis=1)
    clear = np.clip(0.25 + 0.25 * actor["sloppy"], -0.25, 0.8)
    trembling = np.array([0.014, 0.022, 0.02, 0.026, 0.026]) * _noise(scene, rng, period=0.22, width=5)
    return (axes + clear * (said - axes)) * np.exp(size) - axes + trembling * activity[:, None]


def _head(actor: Actor, scene: Scene, lively: F64, rng: Rng) -> F64:
    pace = np.exp(-0.25 * actor["tempo"])
    slow = _noise(scene, rng, period=3.2 * pace, width=3)
    sway = _noise(scene, rng, period=1.25 * pace, width=3)
    burst = np.exp(1.1 * _noise(scene, rng, period=1.0) - 0.52)
    quick = np.array([0.42, 0.8, 0.95]) * burst[:, None] * _noise(scene, rng, period=0.17, width=3)
    own = np.exp(0.42 * actor["turns"] + 0.25 * np.array([0, actor["yaw"], actor["tilt"]]))
    turned = np.radians([1.0, 1.22, 0.7]) * own * (lively[:, None] * (0.75 * slow + 0.75 * sway + quick))
    leaning = np.radians([0.5, 1.1, 0.8]) * own * np.exp(0.3 * actor["posture"])
    turned += _postures(scene, leaning, rng)
    turned += np.radians([1.2 * actor["chin"], 0, 1.0 * actor["tilt"]])
    ahead = np.append(_eased(scene.told[:, _LEVEL], 0.25)[LEAD:], np.full(LEAD, scene.told[-1, _LEVEL]))
    turned[:, 0] += np.radians(0.2) * np.exp(0.4 * actor["nods"]) * ahead
    turned[:, 0] += np.radians(3.0) * np.exp(0.45 * actor["nods"]) * lively * _nods(actor, scene, rng)
    return turned


def _postures(scene: Scene, size: F64, rng: Rng) -> F64:
    """Where the head rests, [T, 3]: it changes when a phrase begins."""
    rest = np.zeros((len(scene), 3))
    for moment in scene.moments:
        if moment.kind == "begin" and rng.random() < 0.6:
            late = rng.uniform(-0.2, 0.3)
            rest += smoothstep((scene.times - moment.time - late) / 0.9)[:, None] * (
                size * rng.standard_normal(3) - _last(rest, scene.times, moment.time)
            )
    return rest


def _last(rest: F64, times: F64, time: float) -> F64:
    return rest[min(np.searchsorted(times, time + 1.2), len(rest) - 1)]


def _nods(actor: Actor, scene: Scene, rng: Rng) -> F64:
    often = 1 / (1 + np.exp(-(0.8 + 0.8 * actor["nods"])))
    out = np.zeros(len(scene))
    for moment in scene.moments:
        if moment.kind == "begin" or rng.random() > often * (1 if moment.kind == "stress" else 0.5):
            continue
        way = -0.7 if rng.random() < 0.2 else 1.0
        lead = rng.normal(0.12, 0.06)
        strength = moment.strength if moment.kind == "stress" else 0.7
        out += way * strength * _bump(scene, moment.time - lead, 0.15, 0.22)
    return out


def _brows(actor: Actor, scene: Scene, lively: F64, rng: Rng) -> dict[str, F64]:
    drift = _noise(scene, rng, period=1.9, width=3)
    often = 1 / (1 + np.exp(-(-0.5 + 1.0 * actor["accents"])))
    raised = np.zeros(len(scene))
    for moment in scene.moments:
        if moment.kind == "stress" and rng.random() < often:
            lead = rng.normal(0.05, 0.06)
            raised = np.maximum(raised, moment.strength * _bump(scene, moment.time - lead, 0.16, 0.3))
    size = np.exp(0.4 * actor["brows"]) * lively
    height = size * (0.17 * drift[:, 0] + 0.28 * raised) + 0.01 - 0.09 * actor["frown"]
    uneven = 0.25 * np.tanh(actor["lopsided"])
    apart = 0.03 * size * drift[:, 2]
    return {
        "brow_left": np.tanh(height * (1 + uneven) + apart),
        "brow_right": np.tanh(height * (1 - uneven) - apart),
        "brow_inner": np.clip(0.05 * actor["inner"] + 0.05 * size * drift[:, 1], -0.2, 0.6),
    }


def _smiles(actor: Actor, scene: Scene, speaking: F64, rng: Rng) -> dict[str, F64]:
    drift = _noise(scene, rng, period=2.4, width=4)
    flashes = np.zeros(len(scene))
    often = 1 / (1 + np.exp(-(-1.2 + actor["cheer"])))
    for moment in scene.moments:
        if moment.kind == "end" and rng.random() < often:
            flashes = np.maximum(flashes, rng.uniform(0.4, 1.0) * _bump(scene, moment.time, 0.35, 0.7))
    glad = 1 + 0.5 * scene.emotion({"happy": 1.0}) - 0.8 * scene.emotion({"sad": 1.0, "angry": 1.0, "fearful": 0.8})
    smile = 0.06 + 0.08 * actor["smile"] + 0.1 * drift[:, 0]
    smile = smile * np.clip(glad, 0.1, 2) + 0.22 * flashes * np.clip(glad, 0, 2)
    uneven = 0.06 * actor["corner"] * (0.5 + 0.5 * speaking) + 0.04 * drift[:, 1] * speaking
    cheek = np.maximum(smile, 0) * np.clip(0.4 + 0.25 * actor["cheek"], 0, 1) + 0.02 * drift[:, 2]
    squint = 0.09 * actor["squint"] + 0.05 * drift[:, 3] + 0.35 * np.maximum(smile - 0.1, 0)
    return {"smile_left": smile + uneven, "smile_right": smile - uneven, "cheek": np.maximum(cheek, 0),
            "squint": squint}  # fmt: skip


def _gaze(actor: Actor, scene: Scene, rng: Rng) -> tuple[F64, list[float]]:
    """Where the eyes look from the camera's point of view [T, 2], and when they look elsewhere."""
    away = 1 / (1 + np.exp(-(-0.9 + 0.7 * actor["gaze"])))
    starts = [m.time for m in scene.moments if m.kind == "begin"]
    out, shifts, time = np.zeros((len(scene), 2)), [], 0.0
    while time < len(scene) / RATE:
        thinking = any(abs(time - s) < 0.7 for s in starts)
        far = rng.random() < min(0.9, away * (1.6 if thinking else 0.85))
        reach = np.radians([4.4, 9.6]) if far else np.radians([0.6, 0.9])
        out[round(time * RATE) :] = reach * rng.uniform(-1, 1, 2)
        shifts += [time] if far else []
        time += float(np.clip(np.exp(rng.normal(np.log(0.7 if far else 1.3), 0.5)), 0.25, 5.0))
    return out, shifts


def _blinks(actor: Actor, scene: Scene, shifts: list[float], rng: Rng) -> F64:
    """Closure of the lids [T]."""
    rate = 18.5 / 60 / RATE * np.exp(0.42 * actor["blinks"]) * (1 + scene.emotion(BLINKS_MORE))
    rate = rate * np.exp(0.7 * _noise(scene, rng, period=4.0) - 0.25)
    begun = list(np.flatnonzero(rng.random(len(scene)) < rate) / RATE)
    ends = [m.time + 0.06 for m in scene.moments if m.kind == "end"]
    begun += [e for e in ends if rng.random() < 0.14 * np.exp(0.4 * actor["phrase_blinks"])]
    begun += [s for s in shifts if rng.random() < 0.12]
    shut, last = np.zeros(len(scene)), -1.0
    for time in sorted(begun):
        if time - last > 0.3:
            shut, last = np.maximum(shut, _bump(scene, time + 0.08, 0.065, 0.085)), time
    return shut


def _bump(scene: Scene, time: float, rise: float, fall: float) -> F64:
    """1 at `time`, with flanks of so many seconds (standard deviations / 0.7)."""
    away = scene.times - time
    return np.exp(-((away / np.where(away < 0, rise, fall)) ** 2))


def _noise(scene: Scene, rng: Rng, *, period: float, width: int = 1) -> F64:
    noise = slow_noise(scene.times, seed=int(rng.integers(2**31)), stream=0, period=period, width=width)
    return noise if width > 1 else noise[:, 0]


def _eased(signal: F64, seconds: float) -> F64:
    taps = np.hanning(2 * round(seconds * RATE / 2) + 3)[1:-1]
    reach = len(taps) // 2
    eased: F64 = np.convolve(np.pad(signal, reach, mode="edge"), taps / taps.sum(), mode="valid").astype(np.float64)
    return eased
