"""`python -m emosplat.assets.build.styles`: writes assets/styles, the manners of invented people.

Each is measured, as a user's style is, on performances by an actor (`blendshapes/training/actors.py`) who says the
demo's sentence several times over.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ...blendshapes.acting.bands import BESIDE_SOUND
from ...blendshapes.acting.style import key_poses, named
from ...blendshapes.acting.style_files import SUFFIX, Example, LearnedStyle, save_style
from ...blendshapes.speech.encoder import SpeechEncoder
from ...blendshapes.speech.features import RATE
from ...blendshapes.training.actors import TRAITS, Actor, perform
from ...blendshapes.training.scenes import beside_told, scene_of, statistics_of, whole

ASSETS = Path(__file__).parent.parent
SPEECH = ASSETS / "demo" / "hello.flac"
TIMES = 12  # that the sentence is said
SEED = 0
# How much each differs from what is usual, in standard deviations of people
MANNERS: dict[str, dict[str, float]] = {
    "calm": {"turns": -1.5, "nods": -1.2, "brows": -1.3, "accents": -1.2, "tempo": -1.0, "gaze": -1.0, "blinks": -0.5},
    "lively": {
        "turns": 1.5,
        "nods": 1.2,
        "brows": 1.3,
        "accents": 1.3,
        "tempo": 0.8,
        "articulation": 1.0,
        "cheer": 0.8,
    },
    "warm": {"smile": 1.8, "cheek": 1.5, "cheer": 1.5, "tilt": 1.0, "nods": 0.6, "frown": -1.0, "squint": 0.8},
    "stern": {"smile": -1.8, "frown": 1.6, "chin": 1.2, "squint": 1.0, "turns": -0.5, "accents": -0.6, "blinks": -1.0},
    "shy": {"gaze": 1.8, "chin": 1.6, "articulation": -1.4, "tilt": 1.2, "blinks": 1.2, "brows": -0.5, "inner": 1.2},
    "precise": {"articulation": 1.3, "sloppy": -1.8, "lips": 1.2, "wide": 0.8, "round": 0.8, "nods": 0.5},
}


def main() -> None:
    """Write all of them."""
    wave, rate = soundfile.read(SPEECH, dtype="float32")
    heard = np.tile(soxr.resample(wave, rate, RATE), TIMES).astype(np.float32)
    scene = scene_of(heard, SpeechEncoder.load())
    for name, traits in MANNERS.items():
        actor = Actor(np.array([traits.get(trait, 0.0) for trait in TRAITS]))
        values = whole(perform(actor, scene, np.random.default_rng(SEED)), scene.told)
        style = named(name, statistics_of(values, scene.told).round(4), key_poses(values).round(4))
        if (beside := beside_told(values, scene.told)) is not None:
            mouth = dict(zip(BESIDE_SOUND, beside.ravel().round(4).tolist(), strict=True))
            style = replace(style, statistics={**style.statistics, **mouth})
        path = ASSETS / "styles" / f"{name}{SUFFIX}"
        path.parent.mkdir(exist_ok=True)
        save_style(path, LearnedStyle(style, (Example("invented", name, len(values) / 25),)))
        print(path)


if __name__ == "__main__":
    main()
