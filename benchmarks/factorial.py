"""Do tests of main effects and interactions hold their level, and find what is there? `python benchmarks/factorial.py`.

Studies of 4 emotions x 2 intensities are drawn in numbers: participants and clips differ in what they make of each
condition (standard deviations of --participant-sd and --clip-sd, where the noise of a rating has 1, and that of a yes
or no that of the logistic distribution, 1.8). Each is analysed as `render study analyse` does. Without effects, p < .05
is a false positive; `--effect 0.8` lies between the two intensities and, as a slope, over the four emotions: then it is
power, and 95 % intervals of the difference of the intensities should hold it. `--unlike 3` makes participants and clips
differ three times as much in the first emotion, which breaks the assumption that Huynh and Feldt's epsilon corrects.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import numpy as np

from emosplat.studies.analysis.clusters import wilson
from emosplat.studies.analysis.contrasts import Scored
from emosplat.studies.analysis.factorial import Measure, factorial
from emosplat.studies.design import Study

ALPHA = 0.05
EMOTIONS = ("angry", "happy", "sad", "fearful")
INTENSITIES = {"low": 0.5, "high": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--participants", type=int, default=12)
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--participant-sd", type=float, default=0.5)
    parser.add_argument("--clip-sd", type=float, default=0.3)
    parser.add_argument("--effect", type=float, default=0.0)
    parser.add_argument("--unlike", type=float, default=1.0)
    parser.add_argument("--missing", type=float, default=0.0, help="share of answers that are missing")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(", ".join(f"{name} {value}" for name, value in vars(options).items()))
    for binary in (False, True):
        for latin in (False, True):
            report(options, binary=binary, latin=latin)


def report(options: argparse.Namespace, *, binary: bool, latin: bool) -> None:
    """Print how often each effect was found in one kind of study."""
    study = design()
    found: Counter[str] = Counter()
    held = 0
    errors: list[float] = []
    began = time.process_time()
    for number in range(options.studies):
        rng = np.random.default_rng((options.seed, binary, latin, number))
        result = factorial(study, draw(study, options, rng, binary=binary, latin=latin))
        assert result is not None
        found.update(effect.name for effect in result.effects if effect.p < ALPHA)
        found["any, Holm"] += any(effect.p_holm < ALPHA for effect in result.effects)
        for contrast in result.contrasts:
            found[contrast.test.name] += contrast.test.estimate.p < ALPHA
            if contrast.test.name == "intensity: 1 - 0.5":
                held += contrast.difference.low <= options.effect <= contrast.difference.high
                errors.append(contrast.difference.value - options.effect)
    print(f"\n{'yes or no' if binary else 'rating'}, {'each clip once' if latin else 'every clip in every condition'}")
    for name, count in found.items():
        low, high = wilson(count, options.studies)
        n = options.studies
        print(f"  {name:36} {100 * count / n:5.1f} % ({100 * low:.1f} to {100 * high:.1f})", flush=True)
    if not binary:
        error = f"{np.mean(errors):+.3f} off on average, held by {100 * held / options.studies:.1f} % of the intervals"
        print(f"  difference of intensities: {error}")
    print(f"  {1000 * (time.process_time() - began) / options.studies:.0f} ms of processor time per study", flush=True)


def design() -> Study:
    """4 emotions x 2 intensities."""
    conditions = {f"{e}_{n}": {"emotion": e, "intensity": i} for e in EMOTIONS for n, i in INTENSITIES.items()}
    task = {"id": "natural", "type": "rating", "question": "?", "scale": {"points": 0}}
    values = {"title": "t", "seed": 0, "participants": 1, "clips": [{"id": "c0", "audio": "none.wav"}]}
    return Study.model_validate(values | {"conditions": conditions, "tasks": [task]})


def draw(study: Study, options: argparse.Namespace, rng: np.random.Generator, *, binary: bool, latin: bool) -> Measure:
    """The answers to one study."""
    names = list(study.conditions)
    people, clips, n = options.participants, options.clips, len(names)
    who, what, which = (a.ravel() for a in np.meshgrid(range(people), range(clips), range(n), indexing="ij"))
    asked = rng.random(len(who)) >= options.missing
    if latin:
        asked &= (what + who) % n == which
    who, what, which = who[asked], what[asked], which[asked]
    wide = np.where(np.arange(n) // 2 == 0, options.unlike, 1.0)
    quality = options.effect * (np.arange(n) % 2 + np.arange(n) // 2 / 3)
    felt = quality[which]
    felt = felt + rng.normal(0, options.participant_sd, people)[who] + rng.normal(0, options.clip_sd, clips)[what]
    felt = felt + (rng.normal(0, options.participant_sd, (people, n)) * wide)[who, which]
    felt = felt + (rng.normal(0, options.clip_sd, (clips, n)) * wide)[what, which]
    scores = (felt + rng.logistic(size=len(felt)) > 0).astype(float) if binary else felt + rng.normal(size=len(felt))
    limits = (0.0, 1.0) if binary else (-np.inf, np.inf)
    scored = Scored(scores, [names[i] for i in which], [f"p{i}" for i in who], [f"c{i}" for i in what], limits, names)
    return Measure("score", "points", scored, binary)


if __name__ == "__main__":
    main()
