"""From ARKit's blendshapes to the action units of the Facial Action Coding System."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

# Action units as Ekman, Friesen and Hager (2002) number them, and the shapes whose movement, as Apple describes them,
# is that of the unit (M. Ozel's "ARKit to FACS" discusses doubtful ones). A unit with sides has a column for each; one
# with several shapes has their mean.
ACTION_UNITS: dict[str, tuple[str, ...]] = {
    "AU01": ("browInnerUp",),  # inner brow raiser
    "AU02_left": ("browOuterUpLeft",),  # outer brow raiser
    "AU02_right": ("browOuterUpRight",),
    "AU04_left": ("browDownLeft",),  # brow lowerer
    "AU04_right": ("browDownRight",),
    "AU05_left": ("eyeWideLeft",),  # upper lid raiser
    "AU05_right": ("eyeWideRight",),
    "AU06_left": ("cheekSquintLeft",),  # cheek raiser
    "AU06_right": ("cheekSquintRight",),
    "AU07_left": ("eyeSquintLeft",),  # lid tightener
    "AU07_right": ("eyeSquintRight",),
    "AU09_left": ("noseSneerLeft",),  # nose wrinkler
    "AU09_right": ("noseSneerRight",),
    "AU10_left": ("mouthUpperUpLeft",),  # upper lip raiser
    "AU10_right": ("mouthUpperUpRight",),
    "AU12_left": ("mouthSmileLeft",),  # lip corner puller
    "AU12_right": ("mouthSmileRight",),
    "AU14_left": ("mouthDimpleLeft",),  # dimpler
    "AU14_right": ("mouthDimpleRight",),
    "AU15_left": ("mouthFrownLeft",),  # lip corner depressor
    "AU15_right": ("mouthFrownRight",),
    "AU16_left": ("mouthLowerDownLeft",),  # lower lip depressor
    "AU16_right": ("mouthLowerDownRight",),
    "AU17": ("mouthShrugLower",),  # chin raiser
    "AU18": ("mouthPucker",),  # lip pucker
    "AU19": ("tongueOut",),  # tongue show
    "AU20_left": ("mouthStretchLeft",),  # lip stretcher
    "AU20_right": ("mouthStretchRight",),
    "AU22": ("mouthFunnel",),  # lip funneler
    "AU24_left": ("mouthPressLeft",),  # lip presser
    "AU24_right": ("mouthPressRight",),
    "AU26": ("jawOpen",),  # jaw drop
    "AU28": ("mouthRollLower", "mouthRollUpper"),  # lips suck
    "AU29": ("jawForward",),  # jaw thrust
    "AU30_left": ("jawLeft",),  # jaw sideways
    "AU30_right": ("jawRight",),
    "AU34": ("cheekPuff",),  # cheek puffer
    "AU45_left": ("eyeBlinkLeft",),  # blink
    "AU45_right": ("eyeBlinkRight",),
}


def action_units(weights: Mapping[str, F32]) -> dict[str, F32]:
    """Strength 0..1 [T] of each action unit by name, from ARKit weights [T] by name.

    A share of the shape's full movement, not one of FACS' intensities A to E, which people judge.

    >>> import numpy as np
    >>> smile = dict.fromkeys({shape for shapes in ACTION_UNITS.values() for shape in shapes}, np.zeros(1, np.float32))
    >>> units = action_units(smile | {"mouthSmileLeft": np.float32([0.5])})
    >>> float(units["AU12_left"][0]), float(units["AU06_left"][0])
    (0.5, 0.0)
    """
    return {name: np.mean([weights[shape] for shape in shapes], axis=0) for name, shapes in ACTION_UNITS.items()}
