"""The acting model's weights: the network, what is usual among people, a few of them, and manners by voice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.maths import softmax
from ...core.tensors import read_tensors
from ..noise import draws
from ..score import Style
from .bands import BANDS, BESIDE_SOUND
from .flow import Sizes
from .network import MANNER, ActingNetwork
from .space import COORDINATES, MOUTH
from .style import POSE_UNITS, POSED, POSES, STATISTICS, named, standard
from .voiceprint import NUMBERS, voiceprint

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

BUILT_IN = Path(__file__).parents[2] / "assets" / "weights" / "acting.safetensors"
FORMAT = "emosplat-acting-1"
MOST_BYTES = 64 << 20
_PERSON = 190  # stream of the seed
_FARTHEST = 3.0  # standard deviations of a voice
GAINS = 0.05, 4.0  # the least and the most of what is made smaller and larger
_OF = [name.split(".")[0] for name in STATISTICS]  # the coordinate of each


@dataclass(frozen=True, eq=False)
class ActingWeights:
    """What `render train acting` writes."""

    network: ActingNetwork
    usual: F64  # [S] median of `STATISTICS` among people
    spread: F64  # [S] how much they differ
    people: F32  # [N, MANNER - 1] some of them: statistics as standard deviations, key poses in units
    # [2, D, 2] logarithms of how much what is made falls short, slow (of a manner's size) and quick (of its speed): of
    # the usual manner, and per standard deviation from it
    short: F64
    felt: F64  # [2, D] logarithms of how much more of it falls short where somebody is fully moved
    articulation: F64  # [5, 2] `bands.beside_sound` of what is made in the usual manner
    voice_mean: F64  # [V] of `voiceprint`
    voice_scale: F64  # [V]
    keys: F64  # [V, M] how much a voice calls for each of M remembered manners
    manners: F64  # [M, MANNER - 1]
    info: Mapping[str, Any]
    sha256: str

    @staticmethod
    def load(path: Path | None = None) -> ActingWeights:
        """Read a weights file (the built-in one by default); raises InputError when it is none of ours."""
        path = path or BUILT_IN
        file = read_tensors(path, format=FORMAT, what="acting weights", max_bytes=MOST_BYTES)
        tensors = file.tensors
        try:
            network = ActingNetwork(tensors)
            parts = {name: np.asarray(tensors[name], np.float64) for name in _PARTS}
            slots = parts["keys"].shape[-1]
            sizes = {"usual": (len(STATISTICS),), "spread": (len(STATISTICS),), "voice_mean": (len(NUMBERS),)}
            sizes |= {"voice_scale": (len(NUMBERS),), "keys": (len(NUMBERS), slots), "manners": (slots, MANNER - 1)}
            sizes |= {
                "felt": (len(BANDS), len(COORDINATES)),
                "short": (len(BANDS), len(COORDINATES), 2),
                "articulation": (len(MOUTH), len(BANDS)),
            }
            for name, size in (sizes | {"people": (len(parts["people"]), MANNER - 1)}).items():
                if parts[name].shape != size or not np.isfinite(parts[name]).all() or not len(parts[name]):
                    raise ValueError(f"{name}: expected finite numbers of shape {size}, found {parts[name].shape}")
        except (KeyError, ValueError) as error:
            raise InputError(f"{path}: not usable as acting weights ({error}); train them again") from error
        people = parts.pop("people").astype(np.float32)
        return ActingWeights(network, people=people, **parts, info=file.info, sha256=file.sha256)

    def manner(self, style: Style | None, *, seed: int, variety: float = 1.0) -> F32:
        """A style as the network wants it, [MANNER]; without one, the seed tells whose it is.

        What a style says of the mouth beside the sound is not for the network, but for `sizes`.
        """
        if style is not None and (style.statistics or style.poses):
            numbers, poses = standard(style, self.usual, self.spread)
            numbers[[k for k, axis in enumerate(_OF) if f"{axis}.{BANDS[0]}" in style.statistics]] = 0
            found = np.concatenate([numbers, poses.ravel()])
            amount = style.strength
        else:
            who = draws(seed, _PERSON, [0])[0, 0]
            found, amount = self.people[int(who * len(self.people))].astype(np.float64), variety
        usual = np.concatenate([np.zeros(len(STATISTICS)), self.people[:, len(STATISTICS) :].mean(axis=0)])
        return np.append(usual + amount * (found - usual), 1.0).astype(np.float32)

    def sizes(self, manner: F32, style: Style | None = None) -> Sizes:
        """What the network leaves out of a manner [MANNER], and of a style's mouth beside the sound."""
        gains, place = np.ones((len(BANDS), len(COORDINATES))), np.zeros(len(COORDINATES))
        for k in np.flatnonzero(self.short.any(axis=(0, 2))):
            size, speed, mean = (STATISTICS.index(f"{COORDINATES[k]}.{m}") for m in ("size", "speed", "mean"))
            missing = self.short[:, k, 0] + self.short[:, k, 1] * manner[[size, speed]]
            gains[:, k] = np.exp(np.clip(missing, *np.log(GAINS)))
            place[k] = self.usual[mean] + self.spread[mean] * manner[mean]
        wanted = self._articulated(style)
        whole = wanted[:, 0] / self.articulation[:, 0]
        gains[:, : len(MOUTH)] = whole
        quick = wanted[:, 1] - whole * self.articulation[:, 1]
        return Sizes(*(a.astype(np.float32) for a in (place, *gains, quick, self.felt)))

    def _articulated(self, style: Style | None) -> F64:
        """The mouth beside the sound [5, 2] as a style wants it; as usual where it does not say."""
        if style is None:
            return self.articulation
        usual = self.articulation.ravel()
        found = np.array([style.statistics.get(name, u) for name, u in zip(BESIDE_SOUND, usual, strict=True)])
        return np.clip(usual + style.strength * (found - usual), 0, GAINS[1]).reshape(self.articulation.shape)

    def voice_style(self, blocks: Iterable[F32], name: str) -> Style:
        """The style that goes with a voice: what is remembered of people who sound alike; mono 16 kHz blocks.

        After MemoryTalker (Kim et al., 2025): motion is remembered in slots, and the voice alone calls them up. Raises
        InputError where hardly any voice is heard.
        """
        found = self.remembered(voiceprint(blocks, what=f"style {name!r}")[None])[0]
        numbers, poses = found[: len(STATISTICS)], found[len(STATISTICS) :].reshape(POSES, len(POSED))
        return named(name, self.usual + self.spread * numbers, poses * POSE_UNITS)

    def remembered(self, voices: F64) -> F64:
        """The manners [n, MANNER - 1] that voices [n, V] call up."""
        heard = np.clip((voices - self.voice_mean) / self.voice_scale, -_FARTHEST, _FARTHEST)
        return softmax(heard @ self.keys) @ self.manners


_PARTS = ("usual", "spread", "short", "felt", "articulation", "people", "voice_mean", "voice_scale", "keys", "manners")
