"""Learn to hear emotion (`speech/voice_emotion.py`) from recordings of people of whom it is known how they feel.

A linear model with a strong ridge: there are hundreds of recordings and not millions, and what holds from speaker to
speaker and from language to language is simple. Every emotion counts alike, and so does every speaker within it; how
sure the model may be is measured on speakers whom it did not learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.maths import softmax
from ...core.tensors import write_tensors
from ..bundle import EMOTION
from ..emotion import EMOTIONS
from ..speech.features import RATE
from ..speech.prosody import FEATURES, binned, features
from ..speech.voice_emotion import FARTHEST, FORMAT, LEAST, VoiceEmotion
from .recordings import ActedVoice, read_acted_voices

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

RIDGE = 8.0  # cost of a squared weight per standard deviation, beside a mean loss of 1 nat or so
STEPS, ENOUGH = 60, 1e-9  # of Newton's method
FOLDS = 10  # of the speakers, where there are more
TEMPERATURES = np.geomspace(0.2, 5.0, 81)


@dataclass(frozen=True, eq=False)
class Heard:
    """What recordings sound like."""

    features: F64  # [N, F]
    labels: I64  # [N] index in `EMOTIONS`
    speakers: NDArray[np.str_]  # [N]; unknown people are all one

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[np.bool_]) -> Heard:
        """A part of them."""
        return Heard(self.features[chosen], self.labels[chosen], self.speakers[chosen])


@dataclass(frozen=True, eq=False)
class Told:
    """How well emotions are heard of speakers whom the model did not learn from."""

    labels: tuple[str, ...]
    right: float  # share of the recordings
    recall: float  # mean over the emotions
    confusion: F64  # [L, L] rows acted, columns heard, shares of the row


def train_voice_emotion(
    data: Sequence[Path], out: Path, *, report: Callable[[str], None] = lambda _: None
) -> tuple[Path, Told]:
    """Write `out/emotion.safetensors`; returns its path and what leaving speakers out told.

    Raises InputError for a folder without usable recordings, for fewer than two emotions or speakers, and where nobody
    is neutral.
    """
    licences: dict[str, str] = {}
    voices: list[ActedVoice] = []
    for folder in data:
        licence, found = read_acted_voices(folder)
        licences[folder.name] = f"{sum(len(v.wave) for v in found) / RATE / 3600:.2f} h, {licence}"
        voices += found
        report(f"{folder}: {len(found)} recordings")
    heard = listened(voices)
    model, told = learned(heard)
    info = {"format": FORMAT, "labels": model.labels, "features": FEATURES, "recordings": licences, "ridge": RIDGE}
    info |= {"held_out": {"right": round(told.right, 3), "mean_recall": round(told.recall, 3)}}
    tensors = {name: getattr(model, name).astype(np.float32) for name in ("mean", "scale", "weight", "bias")}
    path = out / EMOTION
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, tensors, info)
    return path, told


def listened(voices: Sequence[ActedVoice]) -> Heard:
    """The features of whole recordings; those with hardly any voice are left out."""
    rows, labels, speakers = [], [], []
    for voice in voices:
        whole = binned([voice.wave]).sum(axis=0)
        if whole[-1] >= LEAST:
            rows.append(features(whole[None], whole)[0])
            labels.append(EMOTIONS.index(voice.emotion))
            speakers.append(voice.speaker or "")
    return Heard(np.array(rows).reshape(-1, len(FEATURES)), np.array(labels, np.int64), np.array(speakers, np.str_))


def learned(heard: Heard) -> tuple[VoiceEmotion, Told]:
    """The model of everything heard, as sure as it may be of people it does not know, and how well it does on them.

    The temperature comes from every second fold of speakers, what is told from the others. Raises InputError.
    """
    counts = np.bincount(heard.labels, minlength=len(EMOTIONS))
    if not counts[0] or (counts > 0).sum() < 2 or len(set(heard.speakers.tolist())) < 2:
        raise InputError("recordings: expected neutral and other emotions, of at least two speakers")
    folds = folded(heard.speakers)
    shares = np.zeros((len(heard), len(EMOTIONS)))
    for fold in range(folds.max() + 1):
        model = fitted(heard.take(folds != fold))
        columns = [EMOTIONS.index(label) for label in model.labels]
        shares[np.ix_(folds == fold, columns)] = model.shares(heard.features[folds == fold])
    tuning = folds % 2 == 0
    temperature = calm(np.log(shares[tuning] + 1e-9), heard.labels[tuning], heard.speakers[tuning])
    model = fitted(heard)
    model = replace(model, weight=model.weight / temperature, bias=model.bias / temperature)
    return model, told(shares[~tuning], heard.labels[~tuning], model.labels)


def folded(speakers: NDArray[np.str_]) -> I64:
    """The fold of every recording: a speaker is in one of them, and those with the most recordings come first."""
    names, counts = np.unique(speakers, return_counts=True)
    order = names[np.argsort(-counts, kind="stable")]
    fold = {name: number % min(FOLDS, len(order)) for number, name in enumerate(order)}
    return np.array([fold[name] for name in speakers], np.int64)


def calm(logits: F64, labels: I64, speakers: NDArray[np.str_]) -> float:
    """The temperature under which `logits` [N, K] are as sure as they are right (Guo et al., 2017)."""
    weights = balanced(labels, speakers)
    costs = [float(weights @ _surprise(logits / t, labels)) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(costs))])


def told(shares: F64, labels: I64, names: Sequence[str]) -> Told:
    """What was heard of what was acted, of those `names` that were."""
    known = [EMOTIONS.index(name) for name in names]
    guesses = np.array(known)[shares[:, known].argmax(axis=1)]
    counts = np.array([[np.sum((labels == a) & (guesses == b)) for b in known] for a in known], np.float64)
    acted = counts.sum(axis=1, keepdims=True)
    confusion = counts / np.maximum(acted, 1)
    recall = np.diag(confusion)[acted[:, 0] > 0].mean()
    return Told(tuple(names), float(np.mean(guesses == labels)), float(recall), confusion)


def balanced(labels: I64, speakers: NDArray[np.str_]) -> F64:
    """Weights [N] of sum 1 with which every label counts alike, and within it every speaker."""
    who = np.unique(speakers, return_inverse=True)[1]
    pair = labels * (who.max() + 1) + who
    found, pair = np.unique(pair, return_inverse=True)
    people = np.bincount(found // (who.max() + 1))  # of each label
    weights = 1 / (np.bincount(pair)[pair] * people[labels])
    return weights / weights.sum()


def fitted(heard: Heard) -> VoiceEmotion:
    """Multinomial logistic regression with a ridge, by Newton's method."""
    kept = np.unique(heard.labels)
    labels = np.searchsorted(kept, heard.labels)
    weights = balanced(labels, heard.speakers)
    mean = weights @ heard.features
    scale = np.sqrt(weights @ np.square(heard.features - mean)) + 1e-9
    rows = np.column_stack([np.clip((heard.features - mean) / scale, -FARTHEST, FARTHEST), np.ones(len(heard))])
    wanted = np.eye(len(kept))[labels]
    ridge = np.append(np.full(rows.shape[1] - 1, RIDGE), 1e-6)
    solution = np.zeros((rows.shape[1], len(kept)))
    for _ in range(STEPS):
        shares = softmax(rows @ solution)
        slope = rows.T @ (weights[:, None] * (shares - wanted)) + ridge[:, None] * solution
        step = np.linalg.solve(_curvature(rows, weights, shares, ridge), slope.T.reshape(-1))
        solution -= step.reshape(len(kept), -1).T
        if np.abs(step).max() < ENOUGH:
            break
    return VoiceEmotion(
        tuple(EMOTIONS[k] for k in kept), mean, scale, np.ascontiguousarray(solution[:-1].T), solution[-1]
    )


def _curvature(rows: F64, weights: F64, shares: F64, ridge: F64) -> F64:
    """Second derivatives of the loss [K F, K F], K blocks of F."""
    kinds, size = shares.shape[1], rows.shape[1]
    out = np.empty((kinds, size, kinds, size))
    for a in range(kinds):
        for b in range(kinds):
            factor = weights * shares[:, a] * ((a == b) - shares[:, b])
            out[a, :, b] = rows.T @ (factor[:, None] * rows) + (a == b) * np.diag(ridge)
    return out.reshape(kinds * size, kinds * size)


def _surprise(logits: F64, labels: I64) -> F64:
    """-log of the share of the right label, [N]."""
    return -np.log(softmax(logits)[np.arange(len(labels)), labels] + 1e-12)
