"""The four built-in people as data: the shape of the head and the look of skin, eyes, hair and clothes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Shape:
    """MakeHuman's macro axes (0..1) and weights of detail targets ("x-": both sides)."""

    gender: float  # 0 woman .. 1 man
    age: float  # 0.5 is 25 years, 1 is 90
    race: dict[str, float]  # weights of "caucasian", "asian", "african"; sum 1
    muscle: float = 0.5
    weight: float = 0.5
    proportions: float = 1.0
    details: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """Colours are sRGB 0..1."""

    skin: RGB
    lips: RGB
    hair: RGB
    brows: RGB
    iris: RGB
    cloth: RGB
    style: Literal["tied", "short", "bob", "cropped"]
    redness: float = 1.0  # of cheeks, nose, ears
    freckles: float = 0.0
    moles: int = 8
    texture: float = 1.0  # strength of the photographed skin's colours
    relief: float = 1.0  # and of its pores and lines
    stubble: float = 0.0
    brow_width: float = 1.0
    lash_length: float = 1.0


@dataclass(frozen=True)
class Person:
    """One built-in person; `resting` are expression weights that belong to the neutral face."""

    name: str
    shape: Shape
    look: Look
    resting: dict[str, float] = field(default_factory=dict)
    seed: int = 0


PEOPLE = (
    Person(
        name="person1",
        shape=Shape(
            gender=0.0,
            age=0.5,
            race={"caucasian": 0.75, "asian": 0.15, "african": 0.1},
            details={
                "head/head-oval": 0.45,
                "head/head-scale-horiz-decr": 0.12,
                "eyes/x-eye-height2-incr": 0.25,
                "eyes/x-eye-scale-incr": 0.35,
                "eyes/x-eye-corner2-up": 0.2,
                "cheek/x-cheek-bones-incr": 0.35,
                "nose/nose-point-up": 0.25,
                "nose/nose-scale-horiz-decr": 0.4,
                "nose/nose-point-width-decr": 0.3,
                "chin/chin-triangle": 0.35,
                "chin/chin-width-decr": 0.3,
                "chin/chin-jaw-drop-decr": 0.2,
                "mouth/mouth-upperlip-volume-incr": 0.15,
                "mouth/mouth-lowerlip-volume-decr": 0.15,
                "mouth/mouth-philtrum-volume-incr": 0.15,
                "mouth/mouth-scale-horiz-incr": 0.15,
                "ears/x-ear-lobe-decr": 0.4,
                "mouth/mouth-angles-up": 0.15,
                "ears/x-ear-wing-decr": 0.5,
                "ears/x-ear-shape-round": 0.5,
                "ears/x-ear-scale-decr": 0.15,
                "asym/asym-brown-1-l": 0.15,
                "asym/asym-nose-1-r": 0.12,
                "asym/asym-mouth-1-l": 0.12,
            },
        ),
        look=Look(
            skin=(0.80, 0.63, 0.55),
            lips=(0.70, 0.41, 0.40),
            hair=(0.36, 0.25, 0.17),
            brows=(0.30, 0.21, 0.15),
            iris=(0.33, 0.27, 0.18),
            cloth=(0.30, 0.38, 0.47),
            style="tied",
            freckles=0.6,
            moles=6,
            texture=0.8,
            relief=0.6,
            brow_width=0.8,
        ),
        resting={"mouthSmileLeft": 0.06, "mouthSmileRight": 0.08, "mouthDimpleLeft": 0.1, "mouthDimpleRight": 0.1},
        seed=1,
    ),
    Person(
        name="person2",
        shape=Shape(
            gender=1.0,
            age=0.56,
            race={"caucasian": 0.9, "african": 0.1},
            proportions=0.95,
            details={
                "head/head-square": 0.15,
                "chin/chin-prominent-incr": 0.2,
                "mouth/mouth-scale-horiz-incr": 0.15,
                "mouth/mouth-angles-up": 0.15,
                "eyes/x-eye-height2-incr": 0.35,
                "nose/nose-scale-horiz-decr": 0.15,
                "ears/x-ear-wing-decr": 0.4,
                "ears/x-ear-shape-round": 0.4,
                "asym/asym-jaw-1-l": 0.15,
                "asym/asym-nose-2-l": 0.12,
                "asym/asym-eye-3-r": 0.12,
            },
        ),
        look=Look(
            skin=(0.76, 0.58, 0.49),
            lips=(0.68, 0.415, 0.375),
            hair=(0.24, 0.18, 0.13),
            brows=(0.24, 0.18, 0.13),
            iris=(0.21, 0.26, 0.28),
            cloth=(0.33, 0.33, 0.34),
            style="short",
            redness=1.15,
            stubble=0.5,
            brow_width=1.15,
            lash_length=0.6,
        ),
        resting={"mouthSmileLeft": 0.08, "mouthSmileRight": 0.08, "eyeWideLeft": 0.3, "eyeWideRight": 0.3},
        seed=2,
    ),
    Person(
        name="person3",
        shape=Shape(
            gender=0.0,
            age=0.52,
            race={"asian": 0.85, "caucasian": 0.15},
            details={
                "head/head-oval": 0.3,
                "eyes/x-eye-scale-incr": 0.2,
                "eyes/x-eye-height2-incr": 0.15,
                "cheek/x-cheek-bones-incr": 0.15,
                "mouth/mouth-angles-up": 0.15,
                "mouth/mouth-lowerlip-volume-incr": 0.1,
                "ears/x-ear-wing-decr": 0.5,
                "ears/x-ear-shape-round": 0.5,
                "asym/asym-brown-2-r": 0.12,
                "asym/asym-jaw-2-l": 0.12,
            },
        ),
        look=Look(
            skin=(0.80, 0.64, 0.53),
            lips=(0.67, 0.43, 0.40),
            hair=(0.105, 0.085, 0.08),
            brows=(0.14, 0.11, 0.10),
            iris=(0.20, 0.125, 0.085),
            cloth=(0.62, 0.56, 0.50),
            style="bob",
            brow_width=0.85,
            redness=0.8,
            moles=5,
            texture=0.65,
            relief=0.55,
            lash_length=0.7,
        ),
        resting={
            "mouthClose": 0.03,
            "mouthSmileLeft": 0.08,
            "mouthSmileRight": 0.06,
            "mouthDimpleLeft": 0.1,
            "mouthDimpleRight": 0.1,
        },
        seed=3,
    ),
    Person(
        name="person4",
        shape=Shape(
            gender=0.95,
            age=0.54,
            race={"african": 0.8, "caucasian": 0.2},
            proportions=0.95,
            details={
                "mouth/mouth-angles-up": 0.15,
                "eyes/x-eye-height2-incr": 0.25,
                "chin/chin-prominent-incr": 0.15,
                "ears/x-ear-wing-decr": 0.4,
                "ears/x-ear-shape-round": 0.4,
                "asym/asym-nose-3-l": 0.12,
                "asym/asym-jaw-1-r": 0.12,
                "asym/asym-brown-1-r": 0.12,
            },
        ),
        look=Look(
            skin=(0.45, 0.31, 0.235),
            lips=(0.435, 0.245, 0.215),
            hair=(0.085, 0.07, 0.062),
            brows=(0.10, 0.08, 0.07),
            iris=(0.17, 0.105, 0.07),
            cloth=(0.42, 0.27, 0.22),
            style="cropped",
            redness=0.55,
            stubble=0.3,
            moles=4,
            brow_width=1.1,
            lash_length=0.6,
        ),
        resting={"mouthSmileLeft": 0.08, "mouthSmileRight": 0.08, "eyeWideLeft": 0.3, "eyeWideRight": 0.3},
        seed=4,
    ),
)
