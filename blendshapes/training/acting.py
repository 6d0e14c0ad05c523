"""How the acting weights are made: performances, the network, what is usual among people, and manners by voice.

Everything lies in one folder and is taken up again where it was interrupted:

    acting/config.json, acting/curves.csv, acting/checkpoint.pt
    acting.safetensors      the weights, with how they were made in the metadata
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.tensors import write_tensors
from ..acting.flow import GUIDANCE
from ..acting.network import ActingNetwork
from ..acting.style import FARTHEST, POSE_UNITS
from ..acting.weights import FORMAT
from ..bundle import ACTING, find_bundle
from ..speech.encoder import SpeechEncoder
from . import filmed
from .acting_flow import learn
from .calibration import missing_size
from .journal import Journal
from .recordings import are_recordings, read_recordings
from .scenes import Clip, Performance, clips, performances
from .voice_manner import learn_manners

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

RUN = "acting"
PEOPLE = 128  # that the weights remember
LEAST_SPREAD = 0.05
Say = Callable[[str], None]


@dataclass(frozen=True)
class ActingConfig:
    """All that training depends on besides the data."""

    steps: int = 4500  # batches of 16 windows of 10 s
    seed: int = 0
    actors: int = 3  # invented people who act every clip of recordings

    def __post_init__(self) -> None:
        """Raises InputError for a number that is none."""
        for name in ("steps", "actors"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name} {getattr(self, name)}: expected at least 1")


@dataclass(frozen=True, eq=False)
class Manners:
    """What is usual among people, and how manners are told to the network."""

    usual: F64  # [S]
    spread: F64  # [S]

    @staticmethod
    def of(found: Sequence[Performance]) -> Manners:
        """Median and spread of the statistics of performances."""
        statistics = np.array([p.style for p in found])
        low, usual, high = np.percentile(statistics, [16, 50, 84], axis=0)
        return Manners(usual, np.maximum((high - low) / 2, LEAST_SPREAD))

    def standard(self, statistics: F64) -> F64:
        """Statistics [S] as standard deviations."""
        return (statistics - self.usual) / self.spread

    def __call__(self, p: Performance) -> F32:
        """[MANNER]"""
        numbers, poses = self.standard(p.style), p.poses / POSE_UNITS
        told = np.clip(np.concatenate([numbers, poses.ravel()]), -FARTHEST, FARTHEST)
        return np.append(told, 1.0).astype(np.float32)


def train_acting(
    config: ActingConfig, *, data: Sequence[Path], out: Path, weights: Path | None = None, say: Say = print
) -> Path:
    """Weights from the folders `data`: recordings, whose clips invented actors perform, or films that were tracked.

    `weights`: a folder with the speech weights that the model is to go with. An interrupted run goes on where it was
    and ends with the same weights. Raises InputError for a folder that is neither, and for a run of another
    configuration.
    """
    encoder = find_bundle(weights).encoder()
    if not isinstance(encoder, SpeechEncoder):
        raise InputError(f"{weights}: expected speech weights of the small network, found a transformer's")
    journal = Journal(out / RUN, config)
    learned, tested, sources = read_performances(config, data, encoder, say)
    manners = Manners.of(learned)
    net = learn(
        [(p, manners(p)) for p in learned],
        [(p, manners(p)) for p in tested or learned[:: max(1, len(learned) // 32)]],
        steps=config.steps,
        seed=config.seed,
        journal=journal,
    )
    known = np.array([manners(p)[:-1] for p in learned], np.float64)
    memory = learn_manners(np.array([p.voice for p in learned]), known, seed=config.seed)
    some = np.random.default_rng(config.seed).permutation(len(known))[:PEOPLE]
    tensors: dict[str, NDArray[Any]] = {**net.export(), "people": known[some]}
    tensors |= {name: getattr(manners, name) for name in ("usual", "spread")}
    tensors["short"] = missing_size(
        ActingNetwork(net.export()), learned, manners, manners.standard, guidance=GUIDANCE, seed=config.seed
    )
    tensors |= {name: getattr(memory, name) for name in ("voice_mean", "voice_scale", "keys", "manners")}
    halved = {name: t.astype(np.float16) if t.ndim > 1 else t for name, t in tensors.items()}
    path = out / ACTING
    write_tensors(path, halved, _description(config, encoder, learned, sources))
    return path


def read_performances(
    config: ActingConfig, data: Sequence[Path], encoder: SpeechEncoder, say: Say = print
) -> tuple[list[Performance], list[Performance], list[str]]:
    """Performances to learn from, those of people held out, and where they are from."""
    learned: list[Performance] = []
    tested: list[Performance] = []
    sources: list[str] = []
    for number, folder in enumerate(data):
        seed = 1000 * config.seed + 10 * number
        if are_recordings(folder) and not filmed.are_films(folder):
            found = read_recordings(folder)
            say(f"{folder}: {found.hours:.2f} h of voices, acted by invented people")
            sources.append(f"{found.hours:.2f} h of voices, {found.name}, {found.licence}, acted by invented people")
            learned += _acted(list(clips(found.train, encoder, seed=seed)), config.actors, seed + 1)
            tested += _acted(list(clips(found.held_out, encoder, seed=seed + 2)), config.actors, seed + 3)
        else:
            train, held = filmed.performances(folder, encoder, seed=seed)
            hours = sum(len(p.values) for p in train) / filmed.FRAMES_PER_HOUR
            say(f"{folder}: {hours:.2f} h of people's own motion")
            sources.append(f"{hours:.2f} h of people's own motion, {folder.name}")
            learned += train
            tested += held
    if not learned:
        raise InputError("--data: expected recordings or tracked films with at least one usable clip, found none")
    return learned, tested, sources


def _acted(found: list[Clip], actors: int, seed: int) -> list[Performance]:
    return list(performances(found, actors=actors, seed=seed)) if found else []


def _description(
    config: ActingConfig, encoder: SpeechEncoder, learned: Sequence[Performance], sources: Sequence[str]
) -> dict[str, Any]:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    invented = any("invented" in source for source in sources)
    return {
        "format": FORMAT,
        "version": f"acting {today}",
        "made": today,
        "made_with": {"steps": config.steps, "seed": config.seed, "actors": config.actors, "torch": version("torch"),
                      "speech": encoder.sha256, "performances": len(learned)},
        "trained_on": "; ".join(sources) + ("; motion of invented people is no measurement" if invented else ""),
        "licence": "Apache-2.0" if invented else "that of the films, see trained_on",
        "rebuild": "render train acting --data RECORDINGS [--data FILMS] -o OUT",
    }  # fmt: skip
