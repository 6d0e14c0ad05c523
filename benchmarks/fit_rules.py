"""Where the constants of our lips come from: `python benchmarks/fit_rules.py GRID`.

Fits targets, strengths and time constants of the dominance functions in `blendshapes/speech/rules.py` to a filmed mouth
(GRID as `lips.py` reads it): least squares by gradient descent on every second sentence, judged on the others. Prints
the tables of `speech/phones.py` and `speech/rules.py` beside those in use. The tables in use hold four fifths of an
earlier fit and one fifth of what textbooks say, rounded, so that the same numbers come out but not to the last digit.

What is fitted, per frame: the jaw axis, the lips' own axis (upper and lower alike) and the mouth's width, each in the
units of the head: the filmed opening, in distances between the eyes, is stretched to the head's in running speech.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from lips import FPS, Sentence, sentences
from torch import Tensor

from emosplat.blendshapes.evaluation.naturalness import JAW, OPENING, WIDTH
from emosplat.blendshapes.speech.phones import INDEX, PHONES, SILENCE, TARGETS, VOWELS

STEPS, BATCH, RATE = 400, 100, 0.02
LONGEST = 75  # frames
SMALLEST, LARGEST, ROOM = 0.02, 0.135, 12.0  # eye distances of a shut and a wide mouth, millimetres of the latter on us
LIPS_OPEN = 3.3  # millimetres that the lips open by themselves where their axes are 1
JAW_OPEN, JAW_CURVE, JAW_SHARE = 19.5, 1.1, 0.25  # millimetres where the jaw axis is 1; weight of the filmed chin
AT_REST = 0.597  # eye distances between the corners of the mouth
NARROWER = 0.035  # of the width, by a jaw that is wide open
BREATH = 0.2  # seconds before speech in which the mouth opens for it
WEIGHTS = (12.0, 1.0, 2.0)  # of jaw, lips and width in the loss
CLASSES = ("SIL", "vowel", "round vowel", "P B M", "F V", "S Z SH ZH CH JH", "T D N L", "TH DH", "K G NG X")
CLASSES += ("R", "W", "Y", "HH", "breath")
ROUND = frozenset({"UW", "UH", "AO", "OW1", "OW2", "OY1", "YY", "OE"})
INHALED = len(PHONES)  # what comes before speech, as one more phone


@dataclass(frozen=True, eq=False)
class Data:
    """Sentences as tensors; S phones and T frames at most, padded."""

    start: Tensor  # [N, S] seconds
    end: Tensor  # [N, S]
    phone: Tensor  # [N, S]
    truth: Tensor  # [N, T, 3] jaw axis, lip axis, change of the width in tenths
    seen: Tensor  # [N, T] 1 where there is a frame


class Rules(torch.nn.Module):
    """Dominance functions with everything to be learned."""

    usual: Tensor
    classes: Tensor
    vowels: Tensor

    def __init__(self) -> None:
        super().__init__()
        table = torch.tensor([TARGETS[phone] for phone in PHONES] + [(0.21, 0, 0.11, 0, 0.30, 0.30, 0, 0)])
        jaw, rounding, wide, lips = table[:, 0], table[:, 2], table[:, 3], table[:, 5]
        self.register_buffer("usual", torch.stack([jaw, lips, 0.7 * wide - 1.3 * rounding], dim=1))
        self.targets = torch.nn.Parameter(self.usual.clone())
        self.strength = torch.nn.Parameter(torch.zeros(len(CLASSES), 2))  # logarithms; of opening, of width
        self.before = torch.nn.Parameter(torch.full((len(CLASSES), 2), math.log(0.07)))
        self.after = torch.nn.Parameter(torch.full((len(CLASSES), 2), math.log(0.07)))
        self.hold = torch.nn.Parameter(torch.tensor(0.1))  # share of a vowel before its target is reached
        self.register_buffer("classes", torch.tensor([class_of(p) for p in PHONES] + [CLASSES.index("breath")]))
        self.register_buffer("vowels", torch.tensor([float(p in VOWELS) for p in PHONES] + [0.0]))

    def forward(self, data: Data, chosen: Sequence[int] | slice) -> Tensor:
        """Jaw, lips, width [n, T, 3] of the chosen sentences."""
        start, end, phone = data.start[chosen], data.end[chosen], data.phone[chosen]
        times = (torch.arange(LONGEST) + 0.5) / FPS
        start = start + self.hold * (end - start) * self.vowels[phone]
        kind = self.classes[phone]
        early = torch.relu(start[:, None] - times[:, None])[..., None]
        late = torch.relu(times[:, None] - end[:, None])[..., None]
        size, rise, fall = (p.exp()[kind][:, None] for p in (self.strength, self.before, self.after))
        pull = (size * torch.exp(-early / rise - late / fall) + 1e-9)[..., [0, 0, 1]]
        return (pull * self.targets[phone][:, None]).sum(2) / pull.sum(2)

    def far_from_usual(self) -> Tensor:
        """What keeps phones that are rarely or never said where they were."""
        times = ((self.before - math.log(0.07)) ** 2).mean() + ((self.after - math.log(0.07)) ** 2).mean()
        return (
            0.01 * ((self.strength**2).mean() + times)
            + 0.0015 * (torch.tensor(WEIGHTS) * (self.targets - self.usual) ** 2).sum()
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    torch.set_num_threads(1)
    said = list(sentences(parser.parse_args().folder))
    fitted, judged = prepared(said[0::2]), prepared(said[1::2])
    rules = Rules()
    optimiser = torch.optim.Adam(rules.parameters(), lr=RATE)
    rng = np.random.default_rng(0)
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (0.5 + 0.5 * math.cos(math.pi * step / STEPS)) + 1e-4
        chosen = rng.choice(len(fitted.phone), BATCH, replace=False).tolist()
        loss = misfit(rules, fitted, chosen) + rules.far_from_usual()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            rules.targets.clamp_(torch.tensor([0, 0, -1.3]), torch.tensor([1, 1, 0.7]))
    print(f"{len(said)} sentences; correlation with the filmed lips: jaw, lips' own, width, opening")
    for name, data in (("fitted to", fitted), ("judged on", judged)):
        print(f"  {name}: " + ", ".join(f"{r:.2f}" for r in correlations(rules, data)))
    report(rules)


def prepared(said: Sequence[Sentence]) -> Data:
    """Tensors of the sentences."""
    phones = [list(spans(sentence)) for sentence in said]
    most = max(map(len, phones))
    start, end = np.full((2, len(said), most), 99.0)
    end += 1
    phone = np.zeros((len(said), most), int)
    truth, seen = np.zeros((len(said), LONGEST, 3)), np.zeros((len(said), LONGEST))
    for i, (sentence, spoken) in enumerate(zip(said, phones, strict=True)):
        for k, (first, last, which) in enumerate(spoken):
            start[i, k], end[i, k], phone[i, k] = first, last, which
        shown = min(LONGEST, len(sentence.real))
        truth[i, :shown], seen[i, :shown] = in_axes(sentence)[:shown], 1
    one, two, three, four = (torch.tensor(a, dtype=torch.float32) for a in (start, end, truth, seen))
    return Data(one, two, torch.tensor(phone), three, four)


def spans(sentence: Sentence) -> list[tuple[float, float, int]]:
    """Start, end and number of what is said; the end of a pause is a breath, and its beginning is left alone."""
    found = []
    for i, (start, end, phone) in enumerate(sentence.phones):
        breathes = phone == SILENCE and i + 1 < len(sentence.phones) and end - start > 2 * BREATH
        rest = end - BREATH if breathes else end
        if phone == SILENCE:
            middle = (start + rest) / 2
            found.append((min(start + 0.06, middle), max(rest - 0.06, middle), INDEX[SILENCE]))
        else:
            found.append((start, end, INDEX[phone]))
        if breathes:
            found.append((rest, end, INHALED))
    return found


def in_axes(sentence: Sentence) -> np.ndarray:
    """Jaw axis, lips' axis and width in tenths [T, 3] that do on our head what was filmed."""
    gap, width, jaw_down = (sentence.real.curve(name) for name in (OPENING, WIDTH, JAW))
    opening = ROOM * np.clip(gap / LARGEST - SMALLEST, 0, None)
    chin = np.clip((jaw_down - np.percentile(jaw_down, 5)) / 0.08, 0, None)
    lips = np.clip(0.25 * opening / LIPS_OPEN, 0, 1)
    dropped = (np.maximum(opening - LIPS_OPEN * lips, 0) + JAW_SHARE * 8 * chin) / (1 + JAW_SHARE)
    jaw = (dropped / JAW_OPEN) ** (1 / JAW_CURVE)
    return np.stack([jaw, lips, 10 * (width / AT_REST - 1 + NARROWER * jaw)], axis=1)


def class_of(phone: str) -> int:
    """Which dominance function a phone has."""
    if phone == SILENCE or phone in VOWELS:
        return CLASSES.index("SIL" if phone == SILENCE else "round vowel" if phone in ROUND else "vowel")
    return next(i for i, names in enumerate(CLASSES) if phone in names.split())


def misfit(rules: Rules, data: Data, chosen: Sequence[int]) -> Tensor:
    """Squared error; the width's mean is the speaker's own and does not count."""
    wrong = rules(data, chosen) - data.truth[chosen]
    seen = data.seen[chosen][..., None]
    mean = (wrong * seen).sum(1, keepdim=True) / seen.sum(1, keepdim=True)
    wrong = torch.cat([wrong[..., :2], (wrong - mean)[..., 2:]], dim=-1)
    return ((wrong**2 * seen).mean((0, 1)) * torch.tensor(WEIGHTS)).sum()


def correlations(rules: Rules, data: Data) -> np.ndarray:
    """Means over sentences: jaw, lips, width and the opening that jaw and lips make together."""
    with torch.no_grad():
        made = rules(data, slice(None)).numpy()
    truth, seen = data.truth.numpy(), data.seen.numpy() > 0

    def opened(axes: np.ndarray) -> np.ndarray:
        return JAW_OPEN * np.clip(axes[..., 0], 0, 1) ** JAW_CURVE + LIPS_OPEN * np.clip(axes[..., 1], 0, 1)

    pairs = [(made[..., i], truth[..., i]) for i in range(3)] + [(opened(made), opened(truth))]
    each = [[np.corrcoef(a[k, m], b[k, m])[0, 1] for a, b in pairs] for k, m in enumerate(seen)]
    return np.nanmean(each, axis=0)


def report(rules: Rules) -> None:
    """The fitted tables beside those in use."""
    print("\nphone  jaw lips width   in use: jaw lips round wide")
    for phone, target in zip(PHONES, rules.targets.detach().numpy(), strict=False):
        jaw, _, rounding, wide, _, lips, *_ = TARGETS[phone]
        fitted = " ".join(f"{v:5.2f}" for v in target)
        print(f"{phone:5}{fitted}           {jaw:5.2f}{lips:5.2f}{rounding:6.2f}{wide:5.2f}")
    print("\nclass               opening: strength before after   width: strength before after")
    for kind, name in enumerate(CLASSES):
        parts = [p.detach().exp()[kind].tolist() for p in (rules.strength, rules.before, rules.after)]
        print(f"{name:20}" + "     ".join("".join(f"{p[side]:9.3f}" for p in parts) for side in range(2)))
    print(f"\nhold of vowels {rules.hold.item():.2f}")


if __name__ == "__main__":
    main()
