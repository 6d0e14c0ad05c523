"""What singing does to articulation: vowels held through notes, jaw by pitch and loudness, vibrato, breath.

The jaw opens with the pitch: singers raise the first resonance of the vocal tract with the fundamental once that comes
near it (Sundberg & Skoog, "Dependence of jaw opening on pitch and vowel in singers", J. Voice 11, 1997; Joliveau, Smith
& Wolfe, JASA 116, 2004), and viewers read the size of an interval off the mouth (Thompson, Russo & Livingstone,
Psychonomic Bulletin & Review 17, 2010). Vowels begin on the beat and take the note; consonants stay as short as spoken
(Sundberg, The Science of the Singing Voice, 1987). Vibrato is 5 to 7 Hz (Prame, JASA 96, 1994).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...core.maths import runs, smoothstep
from ..speech.encoder import AXES, CONTACTS, RATE, Articulation
from ..speech.excerpt import OPENING, averaged
from ..speech.phones import INDEX, SILENCE, VOWELS, Segment
from ..speech.rules import phone_labels
from .song import BREATH, VOICED, Song, smoothed

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# A vowel that sounds for so long begins to be held, is held in full; over how much of it, and at most how long
HELD_FROM, HELD_FULL = 0.15, 0.4  # seconds
HOLD, LONGEST_HOLD = 0.7, 0.7  # share, seconds
VOWEL = 0.3  # probability from which a sound counts as one
FAR = 0.2  # what the vowel as a whole counts beside its surroundings, where those are as clear as it
OPEN = (0.24, 0.34, 0.34)  # least jaw, upper and lower lip of a held vowel; less where it is rounded
OPEN_ROUND = 0.4  # share of it that is kept in a wholly rounded one
# The mouth opens wider by these shares per semitone above the song's middle, and per 10 dB above the usual
HIGHER, HIGHEST, LOWEST = 0.025, 0.35, -0.2
LOUDER, USUAL = 0.2, -4.0
LOUDNESS_WINDOW = 0.3  # seconds
# From a pitch near the lowest first resonances on, the jaw must open with it, to the highest that sopranos sing
RESONANCE, SOPRANO, SOPRANO_JAW = 440.0, 1000.0, 0.75  # Hz, Hz, axis
VIBRATO, MOST_VIBRATO = 0.035, 1.0  # of the jaw per semitone, semitones
VIBRATO_WINDOW = 0.24  # seconds: slower is melody
# Lips that close take the sound's brightness away: dB below its surroundings from which a closure is believed, in full
DARKER, DARK = 4.0, 9.0
SURROUNDINGS, BLINK = 0.35, 0.04  # seconds around a closure that are brighter; that the closure may be off by
# The breath before a phrase: so long, at most so much of the pause, and so wide
INHALE, OF_PAUSE = 0.5, 0.7
INHALED = (0.36, 0.36, 0.46)
BREATH_ENDS = 0.14  # seconds in which the mouth goes on to the first sound of the phrase
_EASE = 0.1  # seconds over which what is done to the axes comes and goes

_ROUND = AXES.index("round")
_JAW = AXES.index("jaw")
_VOWELS = sorted(INDEX[phone] for phone in VOWELS)
_SHAPE = [i for i in range(len(AXES)) if i not in CONTACTS]


def sung(spoken: Articulation, song: Song, sounds: F32, *, phones: Sequence[Segment] = ()) -> Articulation:
    """The articulation of a whole clip as it is sung; where nobody sings it stays as it is.

    sounds: [n, P] probabilities of `PHONES`, as the encoder hears them
    phones: what is sung and when, if known: the contacts of the lips then come from them, and stay
    """
    heard = _fitted(song, len(spoken))
    vowel, clear = _vowels(sounds, heard, phones)
    held = _held(vowel)
    axes = spoken.axes.astype(np.float64)
    axes[:, _SHAPE] = _with_vowels_held(axes[:, _SHAPE], held, clear)
    axes[:, OPENING] *= _wider(spoken, heard)[:, None]
    axes[:, OPENING] = np.maximum(axes[:, OPENING], _least(axes[:, _ROUND], heard, smoothed(held, _EASE)))
    axes[:, _JAW] += smoothed(held, _EASE) * _vibrato(heard)
    breath = _breaths(heard)
    axes[:, OPENING] = np.maximum(axes[:, OPENING], np.multiply.outer(breath, INHALED))
    if not phones:
        axes[:, CONTACTS] *= np.maximum(_closed(heard), heard.voice < VOICED)[:, None]
    axes = np.clip(spoken.axes + heard.sung[:, None] * (axes - spoken.axes), 0, 1)
    speech = np.maximum(spoken.speech, heard.sung * (breath > 0))
    return replace(spoken, axes=axes.astype(np.float32), speech=speech.astype(np.float32))


def _fitted(song: Song, frames: int) -> Song:
    """The song with as many frames as the articulation has."""
    beyond = max(frames - len(song.pitch), 0)
    arrays = {n: np.pad(getattr(song, n), (0, beyond), mode="edge")[:frames] for n in ("pitch", "bright", "sung")}
    return replace(song, **arrays, voice=np.pad(song.voice, (0, beyond))[:frames])


def _vowels(sounds: F32, song: Song, phones: Sequence[Segment]) -> tuple[F64, F64]:
    """How likely a vowel sounds, [n], and how clearly the encoder hears it, [n]: held ones become tones to its ear."""
    voice = song.voice
    known = np.zeros((len(voice), sounds.shape[1]))
    known[: len(sounds)] = sounds[: len(voice)]
    silent = known[:, INDEX[SILENCE]]
    vowel = known[:, _VOWELS].sum(axis=1)
    clear = np.square(vowel) + 1e-4
    if phones:
        labels = phone_labels(phones, len(voice))[: len(voice)]
        return voice * np.isin(labels, _VOWELS), clear
    return voice * vowel / np.maximum(1 - silent * voice, 1e-6), clear


def _held(vowel: F64) -> F64:
    """How far each frame belongs to a vowel that is held, [n]."""
    held = np.zeros(len(vowel))
    for first, stop in runs(smoothed(vowel, 0.06) > VOWEL):
        length = np.array((stop - first) / RATE)
        held[first:stop] = smoothstep((length - HELD_FROM) / (HELD_FULL - HELD_FROM))
    return held


def _with_vowels_held(axes: F64, held: F64, clear: F64) -> F64:
    """Axes [n, K] that stay, within each held vowel, as they are where it is heard most clearly; eased at its ends."""
    steady = axes.copy()
    for first, stop in runs(held > 0):
        seconds = min(HOLD * (stop - first) / RATE, LONGEST_HOLD)
        weight = clear[first:stop]
        near, whole = averaged(weight, seconds), weight.mean()
        overall = (weight @ axes[first:stop]) / weight.sum()
        for k in range(axes.shape[1]):
            local = averaged(weight * axes[first:stop, k], seconds)
            steady[first:stop, k] = (local + FAR * whole * overall[k]) / (near + FAR * whole)
    inside, outside = np.flatnonzero(held > 0), np.flatnonzero(held <= 0)
    if len(inside):
        for k in range(axes.shape[1]):
            steady[outside, k] = np.interp(outside, inside, steady[inside, k])
    share = smoothed(held, _EASE)[:, None]
    return axes + share * (steady - axes)


def _wider(spoken: Articulation, song: Song) -> F64:
    """How much wider than in speech the mouth opens, by pitch and loudness, [n]."""
    higher = np.clip(HIGHER * (smoothed(song.pitch, LOUDNESS_WINDOW) - song.middle), LOWEST, HIGHEST)
    louder = LOUDER * (smoothed(spoken.level.astype(np.float64), LOUDNESS_WINDOW) - USUAL) / 10
    return 1 + smoothed((song.voice > VOICED) * (higher + np.clip(louder, LOWEST, HIGHEST)), _EASE)


def _least(rounded: F64, song: Song, held: F64) -> F64:
    """The least that jaw and lips are open while a vowel is held, [n, 3]."""
    least = np.multiply.outer(held * (1 - (1 - OPEN_ROUND) * np.clip(rounded, 0, 1)), OPEN)
    hertz = 440 * 2 ** ((smoothed(song.pitch, LOUDNESS_WINDOW) - 69) / 12)
    tuned = SOPRANO_JAW * np.clip((hertz - RESONANCE) / (SOPRANO - RESONANCE), 0, 1) * held
    least[:, 0] = np.maximum(least[:, 0], tuned)
    return least


def _vibrato(song: Song) -> F64:
    """What the jaw shows of the vibrato, [n]."""
    fast = song.pitch - smoothed(song.pitch, VIBRATO_WINDOW)
    return VIBRATO * np.clip(fast, -MOST_VIBRATO, MOST_VIBRATO)


def _closed(song: Song) -> F64:
    """How far the sound allows the lips to be closed, [n]: only where it is darker than just before and after."""
    around, near = round(SURROUNDINGS * RATE), round(BLINK * RATE)
    padded = np.pad(song.bright, around, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * around + 1)
    before, after = windows[:, :around].max(axis=1), windows[:, around + 1 :].max(axis=1)
    darker = np.minimum(before, after) - song.bright
    darkest = np.lib.stride_tricks.sliding_window_view(np.pad(darker, near, mode="edge"), 2 * near + 1).max(axis=1)
    return smoothstep((darkest - DARKER) / (DARK - DARKER))


def _breaths(song: Song) -> F64:
    """How far the mouth is open for breath, [n]: it opens in the pause before a phrase and stays open for it."""
    times = np.arange(len(song.pitch)) / RATE
    breath = np.zeros(len(times))
    end = 0.0
    for start, stop in song.phrases:
        length = min(INHALE, OF_PAUSE * (start - end))
        if start - end >= BREATH:
            rising = smoothstep((times - (start - length)) / (0.6 * length))
            breath = np.maximum(breath, rising * smoothstep((start + BREATH_ENDS - times) / BREATH_ENDS))
        end = stop
    return breath
