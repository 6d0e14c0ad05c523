"""How well is emotion heard? `python benchmarks/voices.py --learn FOLDER ... [--hear FOLDER ...]`.

Folders of recordings whose manifest tells speaker and emotion, as for `render train emotion` (docs/datasets.md).

1. Every speaker of the first `--learn` folder is left out in turn, and heard by a model of everybody else.
2. Every folder of `--hear`, another language for one, is heard by a model of all that is learned.

Printed: right, mean recall (chance is 1 / emotions), the confusion matrix (rows acted, columns heard), and of how many
recordings a wrong or the right emotion would be shown by more than a quarter.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emosplat.blendshapes.emotion import EMOTIONS
from emosplat.blendshapes.speech.voice_emotion import Mood
from emosplat.blendshapes.training.recordings import read_acted_voices
from emosplat.blendshapes.training.voice_emotion import Heard, learned, listened

F64 = NDArray[np.float64]
VISIBLE = 0.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learn", type=Path, action="append", required=True)
    parser.add_argument("--hear", type=Path, action="append", default=[])
    options = parser.parse_args()
    first, *others = [listened(read_acted_voices(folder)[1]) for folder in options.learn]
    shares = np.zeros((len(first), len(EMOTIONS)))
    for speaker in np.unique(first.speakers):
        left_out = first.speakers == speaker
        shares[left_out] = guesses(joined([first.take(~left_out), *others]), first.take(left_out))
    tell(f"{options.learn[0].name}, each speaker left out", first, shares)
    for folder in options.hear:
        heard = listened(read_acted_voices(folder)[1])
        tell(folder.name, heard, guesses(joined([first, *others]), heard))


def joined(parts: list[Heard]) -> Heard:
    return Heard(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("features", "labels", "speakers")))


def guesses(known: Heard, heard: Heard) -> F64:
    """Shares [N, 8] by a model of what is known."""
    model, _ = learned(known)
    shares = np.zeros((len(heard), len(EMOTIONS)))
    shares[:, [EMOTIONS.index(label) for label in model.labels]] = model.shares(heard.features)
    return shares


def tell(name: str, heard: Heard, shares: F64) -> None:
    guess, acted = shares.argmax(axis=1), np.unique(heard.labels)
    recall = np.mean([np.mean(guess[heard.labels == k] == k) for k in acted])
    print(f"\n{name}: {len(heard)} recordings, right {np.mean(guess == heard.labels):.2f}, mean recall {recall:.2f}")
    columns = np.flatnonzero(shares.any(axis=0))
    print(" " * 10 + "".join(f"{EMOTIONS[k][:8]:>10}" for k in columns))
    for k in acted:
        row = [np.mean(guess[heard.labels == k] == c) for c in columns]
        print(f"{EMOTIONS[k]:10}" + "".join(f"{v:10.2f}" if v else f"{'.':>10}" for v in row))
    shown = Mood(np.arange(len(shares), dtype=np.float64), shares).track().points[:, : len(EMOTIONS)]
    right = shown[np.arange(len(shown)), heard.labels] > VISIBLE
    shown[np.arange(len(shown)), heard.labels] = 0
    print(f"shown by more than {VISIBLE:g}: wrong {np.mean(shown.max(axis=1) > VISIBLE):.2f}, right {right.mean():.2f}")


if __name__ == "__main__":
    main()
