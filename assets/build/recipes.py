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
        "eyebrows-down": 0.75,
        "browDown": 0.8,
        "noseSneer": 0.6,
        "nose-dilatation": 0.4,
        "eyeSquint": 0.55,
        "eyeWide": 0.2,
        "mouthRollLower": 0.2,
        "mouthRollUpper": 0.2,
        "mouthFrown": 0.5,
        "mouthPress": 0.4,
    }
)
DISGUSTED = Recipe(
    {
        "noseSneer": 1.0,
        "nose-elevation": 0.6,
        "eyebrows-down": 0.2,
        "browDown": 0.35,
        "eyeSquint": 0.5,
        "cheekSquint": 0.6,
        "mouthUpperUp": 0.6,
        "mouthFrown": 0.5,
        "mouthShrugLower": 0.5,
        "mouthShrugUpper": 0.2,
    }
)
FEARFUL = Recipe(
    {
        "browInnerUp": 1.0,
        "eyebrows-inner-up": 0.55,
        "browOuterUp": 0.15,
        "browDown": 0.15,
        "eyeWide": 1.25,
        "mouthStretch": 1.05,
        "neck-platysma": 0.6,
        "mouthLowerDown": 0.3,
        "mouthUpperUp": 0.1,
    },
    jaw=1.8,
)
HAPPY = Recipe(
    {
        "mouth-corner-puller": 0.35,
        "mouthSmile": 0.27,
        "mouthDimple": 0.3,
        "mouth-upward-retraction": 0.45,
        "mouth-part-later": 0.07,
        "cheekSquint": 1.0,
        "eyeSquint": 0.4,
        "browOuterUp": 0.12,
    }
)
SAD = Recipe(
    {
        "browInnerUp": 1.0,
        "eyebrows-inner-up": 0.7,
        "mouthFrown": 0.8,
        "mouth-depression": 0.35,
        "mouthShrugLower": 0.3,
        "eyeBlink": 0.2,
        "cheekSquint": 0.2,
    }
)
SURPRISED = Recipe(
    {"browInnerUp": 0.8, "browOuterUp": 0.8, "eyebrows-up": 0.35, "eyeWide": 1.0, "mouthFunnel": 0.1},
    jaw=2.5,
)
CONTEMPT = Recipe(
    {
        "mouthSmileLeft": 0.65,
        "mouthDimpleLeft": 0.75,
        "mouthPressLeft": 0.4,
        "mouthPressRight": 0.2,
        "mouthUpperUpLeft": 0.2,
        "cheekSquintLeft": 0.5,
        "noseSneerLeft": 0.15,
        "browOuterUpRight": 0.6,
        "eyeSquintLeft": 0.5,
        "eyeSquintRight": 0.25,
        "browDownLeft": 0.3,
    }
)

EMOTIONS: dict[str, tuple[Recipe, ...]] = {
    "neutral": (Recipe({}),),
    "angry": (
        ANGRY,
        _variant(ANGRY, 0.15, {"noseSneer": 0.75, "eyeSquint": 0.6}),
        _variant(ANGRY, -0.12, {"eyebrows-down": 0.95, "mouthPress": 0.55, "mouthFrown": 0.35}),
    ),
    "disgusted": (
        DISGUSTED,
        _variant(DISGUSTED, 0.2, {"mouthUpperUp": 0.7, "browDown": 0.45}),
        _variant(DISGUSTED, -0.15, {"mouthFrown": 0.65, "mouthUpperUp": 0.45}),
    ),
    "fearful": (
        FEARFUL,
        _variant(FEARFUL, 0.12, {"browOuterUp": 0.4, "mouthStretch": 0.85}),
        _variant(FEARFUL, -0.1, {"eyeWide": 1.05, "eyebrows-inner-up": 0.75, "browDown": 0.3}),
    ),
    "happy": (
        HAPPY,
        _variant(HAPPY, 0.1, {"mouth-upward-retraction": 0.5, "mouthSmile": 0.2, "eyeSquint": 0.5}),
        _variant(
            HAPPY,
            -0.12,
            {
                "mouth-upward-retraction": 0.15,
                "mouth-part-later": 0.0,
                "mouth-corner-puller": 0.55,
                "browOuterUp": 0.25,
            },
        ),
    ),
    "sad": (
        SAD,
        _variant(SAD, 0.12, {"mouthShrugLower": 0.35, "eyeBlink": 0.28}),
        _variant(SAD, -0.1, {"eyebrows-inner-up": 0.8, "mouth-depression": 0.5, "mouthFrown": 0.5}),
    ),
    "surprised": (
        SURPRISED,
        _variant(SURPRISED, 0.12, {"eyebrows-up": 0.55, "mouthFunnel": 0.0}),
        _variant(SURPRISED, -0.1, {"browInnerUp": 1.0, "eyeWide": 1.15}),
    ),
    "contempt": (
        CONTEMPT,
        replace(CONTEMPT, weights=CONTEMPT.weights | {"mouthUpperUpLeft": 0.35, "browOuterUpRight": 0.4}),
        replace(
            CONTEMPT,
            weights={
                n.replace("Left", "?").replace("Right", "Left").replace("?", "Right"): w
                for n, w in CONTEMPT.weights.items()
            },
        ),
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
