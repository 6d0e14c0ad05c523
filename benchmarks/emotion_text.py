"""Are words taken to mean what a person would say they mean? `python benchmarks/emotion_text.py [PHRASES.csv]`.

PHRASES.csv (by default phrases.csv beside this file, 200 phrases by somebody who did not know the lexicon) has the
columns `phrase` and `expected`: emotions parted by `|`, any of which is right, and perhaps `+axis`, an action that has
to show.

A phrase is right where the largest of the eight emotions of its point is an expected one; of a way through several
points their mean counts. Where no emotion is named, actions count as the emotion that they belong to (`MEANT`).
Printed: the share that is right, the share that was not understood at all, and who was taken for whom.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emosplat.blendshapes.emotion import ACTIONS, EMOTION_AXES, EMOTIONS
from emosplat.blendshapes.emotion_text import read_emotion_text
from emosplat.core.errors import InputError

F64 = NDArray[np.float64]

PHRASES = Path(__file__).parent / "phrases.csv"
REFUSED = "refused"
MEANT = {
    "inner_brow_raise": "sad", "outer_brow_raise": "surprised", "brow_lower": "angry", "lid_raise": "surprised",
    "cheek_raise": "happy", "lid_tighten": "angry", "nose_wrinkle": "disgusted", "upper_lip_raise": "disgusted",
    "corner_pull": "happy", "corner_pull_left": "contempt", "dimple": "contempt", "corner_depress": "sad",
    "chin_raise": "sad", "lip_stretch": "fearful", "lip_press": "angry",
}  # fmt: skip
assert MEANT.keys() == ACTIONS.keys()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("phrases", type=Path, nargs="?", default=PHRASES)
    options = parser.parse_args()
    with options.phrases.open(encoding="utf-8", newline="") as stream:
        rows = [(row["phrase"], *expected(row["expected"])) for row in csv.DictReader(stream)]
    right, matrix = 0, Counter[tuple[str, str]]()
    for phrase, emotions, actions in rows:
        region, shown = read(phrase)
        right += region in emotions and actions <= shown
        matrix[region if region in emotions else emotions[0], region] += 1
    refused = sum(count for (_, region), count in matrix.items() if region == REFUSED)
    print_matrix(matrix)
    print(f"right: {right / len(rows):.3f} of {len(rows)} phrases; not understood: {refused / len(rows):.3f}")


def expected(text: str) -> tuple[list[str], set[str]]:
    """The emotions and the actions of a cell: "fearful|happy +corner_pull"."""
    words = text.replace("+", " +").replace("|", " ").split()
    emotions, actions = [w for w in words if w in EMOTIONS], {w[1:] for w in words if w[0] == "+"}
    if len(emotions) + len(actions) < len(words) or not emotions or not actions <= ACTIONS.keys():
        raise SystemExit(f"expected: emotions parted by | and perhaps +axis, found {text!r}")
    return emotions, actions


def read(phrase: str) -> tuple[str, set[str]]:
    """The emotion that a phrase is taken to mean, and the actions that show."""
    try:
        points = read_emotion_text(phrase).points
    except InputError:
        return REFUSED, set()
    shown = {axis for axis, column in zip(EMOTION_AXES, points.T, strict=True) if column.any()}
    return region(points.mean(axis=0)), shown


def region(point: F64) -> str:
    """The largest emotion of a point [D]; without one, what its actions mean."""
    weights = dict(zip(EMOTION_AXES, point.tolist(), strict=True))
    named = {emotion: weights[emotion] for emotion in EMOTIONS}
    if not any(named.values()):
        for action, emotion in MEANT.items():
            named[emotion] += weights[action]
    return max(named, key=lambda emotion: named[emotion])


def print_matrix(matrix: Counter[tuple[str, str]]) -> None:
    """Counts: rows expected, columns read."""
    columns = (*EMOTIONS, REFUSED)
    print(" " * 10 + "".join(f"{name[:9]:>10}" for name in columns))
    for row in EMOTIONS:
        print(f"{row:10}" + "".join(f"{matrix[row, name] or '.':>10}" for name in columns))


if __name__ == "__main__":
    main()
