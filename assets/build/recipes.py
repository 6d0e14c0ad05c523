"""Emotions and visemes as mixtures of named shapes plus a jaw angle."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .basis import UNIT_PREFIX


@dataclass(frozen=True)
class Recipe:
    """Weights of shapes and the jaw angle in degrees.

    A name without a side stands for both sides; names with hyphens are MakeHuman's units ("eyebrows-down").
    `lean` strengthens the left and weakens the right side by that share.
    """

    weights: dict[str, float]
    jaw: float = 0.0
    lean: float = 0.0

    def expand(self, names: tuple[str, ...]) -> dict[str, float]:
        """Weights by the names of the shapes; KeyError for an unknown name."""
        out: dict[str, float] = {}
        for name, weight in self.weights.items():
            for full, sign in _sides(name, names).items():
                out[full] = out.get(full, 0.0) + weight * (1 + sign * self.lean)
        return out


def _sides(name: str, names: tuple[str, ...]) -> dict[str, float]:
    """Full names and their side: +1 left, -1 right, 0 neither."""
    unit = UNIT_PREFIX + name
    head, _, tail = unit.partition("-")
    for left, right in ((name + "Left", name + "Right"), (f"{head}-left-{tail}", f"{head}-right-{tail}")):
        if left in names:
            return {left: 1.0, right: -1.0}
    for single in (name, unit):
        if single in names:
            side = 1.0 if single.endswith("Left") else -1.0 if single.endswith("Right") else 0.0
            return {single: side}
    raise KeyError(name)


def _variant(recipe: Recipe, lean: float, changes: dict[str, float] | None = None) -> Recipe:
    return replace(recipe, weights=recipe.weights | (changes or {}), lean=lean)


ANGRY = Recipe(
    {
        "eyebrows-down": 1.0,
        "browDown": 1.35,  # any lower, and the brow's skin covers the eye
        "browOuterUp": 0.5,
        "noseSneer": 0.25,
        "nose-dilatation": 0.5,
        "eyeSquint": 0.5,
        "eyeWide": 0.5,
        "mouthRollLower": 0.35,
        "mouthRollUpper": 0.2,
        "mouthFrown": 1.5,
        "mouthShrugLower": 0.35,
        "mouthLowerDown": 0.7,
        "mouthUpperUp": 0.2,
    }
)
DISGUSTED = Recipe(
    {
        "noseSneer": 1.0,
        "nose-elevation": 0.8,
        "eyebrows-down": 0.3,
        "browDown": 1.05,
        "eyeSquint": 0.4,
        "cheekSquint": 0.7,
        "mouthUpperUp": 0.3,
        "mouth-elevation": 0.2,
        "mouthFrown": 0.55,
        "mouthShrugLower": 0.9,
        "mouthShrugUpper": 0.2,
    }
)
FEARFUL = Recipe(
    {
        "browInnerUp": 1.45,
        "eyebrows-inner-up": 0.75,
        "eyebrows-up": 0.3,
        "browOuterUp": 0.9,
        "browDown": 0.4,
        "eyeWide": 1.5,
        "mouthStretch": 1.4,
        "neck-platysma": 0.7,
        "mouthLowerDown": 0.4,
        "mouthFrown": 0.1,
        "mouthRollLower": 0.1,
    },
    jaw=7.0,
)
HAPPY = Recipe(
    {
        "mouth-corner-puller": 0.36,
        "mouthSmile": 0.32,
        "mouthDimple": 0.27,
        "mouth-upward-retraction": 0.4,
        "mouth-part-later": 0.08,
        "mouthUpperUp": 0.3,  # the upper teeth show: with closed lips the corners alone rise, which looks put on
        "mouthLowerDown": 0.05,
        "cheekSquint": 1.0,
        "eyeSquint": 0.25,
        "browOuterUp": 0.12,
    }
)
SAD = Recipe(
    {
        "browInnerUp": 1.1,
        "eyebrows-inner-up": 1.0,
        "browDown": 0.2,
        "mouthFrown": 1.15,
        "mouth-depression": 0.7,
        "mouthShrugLower": 0.35,
        "eyeSquint": 0.2,
        "cheekSquint": 0.15,
    }
)
SURPRISED = Recipe(
    {"browInnerUp": 1.5, "browOuterUp": 1.1, "eyebrows-up": 0.75, "eyeWide": 1.15, "mouthFunnel": 0.1},
    jaw=7.0,
)
CONTEMPT = Recipe(
    {
        "mouthSmileLeft": 0.5,
        "mouthDimpleLeft": 0.7,
        "mouthUpperUpLeft": 0.2,
        "mouthFrownRight": 0.8,
        "mouthRollLower": 0.15,
        "cheekSquintLeft": 0.5,
        "noseSneerLeft": 0.3,
        "browOuterUpRight": 0.6,
        "eyeSquintLeft": 0.3,
        "eyeSquintRight": 0.15,
        "browDownLeft": 0.4,
    }
)

EMOTIONS: dict[str, tuple[Recipe, ...]] = {
    "neutral": (Recipe({}),),
    "angry": (
        ANGRY,
        _variant(ANGRY, 0.15, {"noseSneer": 0.4, "mouthUpperUp": 0.3}),
        _variant(ANGRY, -0.12, {"eyebrows-down": 1.1, "mouthRollLower": 0.45, "mouthLowerDown": 0.6}),
    ),
    "disgusted": (
        DISGUSTED,
        _variant(DISGUSTED, 0.2, {"mouthUpperUp": 0.4, "browDown": 1.15}),
        _variant(DISGUSTED, -0.15, {"mouthFrown": 0.65, "mouthUpperUp": 0.2}),
    ),
    "fearful": (
        FEARFUL,
        _variant(FEARFUL, 0.12, {"browOuterUp": 1.05, "mouthStretch": 1.25}),
        _variant(FEARFUL, -0.1, {"eyeWide": 1.35, "eyebrows-inner-up": 0.85, "browDown": 0.5}),
    ),
    "happy": (
        HAPPY,
        _variant(HAPPY, 0.1, {"mouth-upward-retraction": 0.45, "mouthSmile": 0.3, "eyeSquint": 0.35}),
        _variant(
            HAPPY,
            -0.12,
            {
                "mouth-upward-retraction": 0.2,
                "mouth-part-later": 0.0,
                "mouth-corner-puller": 0.6,
                "browOuterUp": 0.25,
            },
        ),
    ),
    "sad": (
        SAD,
        _variant(SAD, 0.12, {"mouthShrugLower": 0.45, "eyeBlink": 0.1}),
        _variant(SAD, -0.1, {"browInnerUp": 1.2, "mouth-depression": 0.85, "mouthFrown": 0.95}),
    ),
    "surprised": (
        SURPRISED,
        _variant(SURPRISED, 0.12, {"eyebrows-up": 0.85, "mouthFunnel": 0.0}),
        _variant(SURPRISED, -0.1, {"browInnerUp": 1.6, "eyeWide": 1.25}),
    ),
    "contempt": (
        CONTEMPT,
        replace(CONTEMPT, weights=CONTEMPT.weights | {"mouthUpperUpLeft": 0.35, "browOuterUpRight": 0.4}),
        replace(CONTEMPT, weights=CONTEMPT.weights | {"mouthSmileLeft": 0.6, "mouthDimpleLeft": 0.5}),
    ),
}

# the Oculus viseme set; consonants open the jaw little, speech co-articulation does the rest
VISEMES: dict[str, Recipe] = {
    "sil": Recipe({}),
    "PP": Recipe({"mouthClose": 0.025, "mouthRollLower": 0.10, "mouthRollUpper": 0.30, "mouthPress": 0.05}),
    "FF": Recipe({"mouthRollLower": 0.75, "mouthUpperUp": 0.25}, jaw=1.0),
    "TH": Recipe({"tongueOut": 0.3, "mouthLowerDown": 0.25, "mouthUpperUp": 0.2}, jaw=2.5),
    "DD": Recipe({"mouthUpperUp": 0.15, "mouthLowerDown": 0.3}, jaw=1.5),
    "kk": Recipe({"mouthStretch": 0.15, "mouthLowerDown": 0.2}, jaw=2.5),
    "CH": Recipe({"mouthFunnel": 0.5, "mouthPucker": 0.2}, jaw=0.8),
    "SS": Recipe({"mouthStretch": 0.3, "mouthSmile": 0.15, "mouthLowerDown": 0.3, "mouthUpperUp": 0.2}, jaw=0.5),
    "nn": Recipe({"mouthUpperUp": 0.12, "mouthLowerDown": 0.2}, jaw=1.2),
    "RR": Recipe({"mouthFunnel": 0.35, "mouthPucker": 0.3}, jaw=1.2),
    "aa": Recipe({"mouthLowerDown": 0.25, "mouthUpperUp": 0.2}, jaw=12.0),
    "E": Recipe({"mouthStretch": 0.25, "mouthSmile": 0.25, "mouthLowerDown": 0.25, "mouthUpperUp": 0.2}, jaw=4.5),
    "ih": Recipe({"mouthSmile": 0.3, "mouthStretch": 0.2, "mouthLowerDown": 0.2}, jaw=3.0),
    "oh": Recipe({"mouthFunnel": 0.5, "mouthPucker": 0.35}, jaw=5.0),
    "ou": Recipe({"mouthPucker": 0.85, "mouthFunnel": 0.2}, jaw=2.0),
}
