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

from ...avatars.head import HeadModel
from ...avatars.library import builtin_head
from ...core.errors import InputError
from ...core.tensors import write_tensors
from ..acting.flow import GUIDANCE
from ..acting.network import ActingNetwork
from ..acting.space import COORDINATES
from ..acting.style import FARTHEST, POSE_UNITS
from ..acting.weights import FORMAT
from ..bundle import ACTING, find_bundle
from ..data import KINDS, open_dataset
from ..data.faces import FACE_FILES, TABLE, pairs
from ..data.faces import KIND as FACES
from ..data.tracked import KIND as TRACKED
from ..data.tracked import are_films
from ..speech.encoder import SpeechEncoder
from .acting_flow import learn
from .calibration import calibrated
from .journal import Journal, contents
from .people import read_people
from .recordings import are_recordings, licence_of, read_recordings
from .scenes import Clip, Performance, clips, performances
from .voice_manner import learn_manners

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

RUN = "acting"
PEOPLE = 128  # that the weights remember
LEAST_SPREAD = 0.05
UNKNOWN = 1e6  # spread of a statistic that nobody measured: whatever a style says of it counts as usual
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


@dataclass(frozen=True)
class Source:
    """Where performances are from, in words."""

    text: str
    invented: bool  # by us, in motion


@dataclass(frozen=True, eq=False)
class Manners:
    """What is usual among people, and how manners are told to the network."""

    usual: F64  # [S]
    spread: F64  # [S]

    @staticmethod
    def of(found: Sequence[Performance]) -> Manners:
        """Median and spread of the statistics of performances."""
        statistics = np.array([p.style for p in found])
        known = np.isfinite(statistics).any(axis=0)
        low, usual, high = np.nanpercentile(np.where(known, statistics, 0), [16, 50, 84], axis=0)
        return Manners(usual, np.where(known, np.maximum((high - low) / 2, LEAST_SPREAD), UNKNOWN))

    def standard(self, statistics: F64) -> F64:
        """Statistics [S] as standard deviations."""
        return (statistics - self.usual) / self.spread

    def __call__(self, p: Performance) -> F32:
        """[MANNER]; what nobody measured is as usual."""
        numbers, poses = np.nan_to_num(self.standard(p.style), nan=0), p.poses / POSE_UNITS
        told = np.clip(np.concatenate([numbers, poses.ravel()]), -FARTHEST, FARTHEST)
        return np.append(told, 1.0).astype(np.float32)


def train_acting(
    config: ActingConfig,
    *,
    data: Sequence[str | Path],
    out: Path,
    head: HeadModel | None = None,
    weights: Path | None = None,
    say: Say = print,
) -> Path:
    """Weights from `data`: recordings, whose clips invented actors perform, and motion of people.

    Each is a data set as KIND=FOLDER (docs/datasets.md), or a folder with recordings, tracked films, or face motions
    beside sounds. `head` is the one that FLAME parameters and meshes belong to; `weights` a folder with the speech
    weights that the model is to go with. An interrupted run goes on where it was and ends with the same weights. Raises
    InputError for data from which nothing is learned, and for a run of another configuration or of other data.
    """
    encoder = find_bundle(weights).encoder()
    if not isinstance(encoder, SpeechEncoder):
        raise InputError(f"{weights}: expected speech weights of the small network, found a transformer's")
    learned, tested, sources = read_performances(config, data, encoder, head or builtin_head(), say)
    journal = Journal(out / RUN, config, data=contents(data, out=out))
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
    tensors |= calibrated(ActingNetwork(net.export()), learned, manners, guidance=GUIDANCE, seed=config.seed)
    tensors |= {name: getattr(memory, name) for name in ("voice_mean", "voice_scale", "keys", "manners")}
    halved = {name: t.astype(np.float16) if t.ndim > 1 else t for name, t in tensors.items()}
    path = out / ACTING
    write_tensors(path, halved, _description(config, encoder, learned, sources))
    return path


def read_performances(
    config: ActingConfig, data: Sequence[str | Path], encoder: SpeechEncoder, head: HeadModel, say: Say = print
) -> tuple[list[Performance], list[Performance], list[Source]]:
    """Performances to learn from, those of people held out, and where they are from."""
    learned: list[Performance] = []
    tested: list[Performance] = []
    sources: list[Source] = []
    for number, name in enumerate(data):
        seed = 1000 * config.seed + 10 * number
        kind, folder = kind_of(str(name))
        if kind is None:
            found = read_recordings(folder)
            said = f"{found.hours:.2f} h of voices"
            sources.append(Source(f"{said}, {found.name}, {found.licence}, acted by invented people", invented=True))
            learned += _acted(list(clips(found.train, encoder, seed=seed)), config.actors, seed + 1)
            tested += _acted(list(clips(found.held_out, encoder, seed=seed + 2)), config.actors, seed + 3)
            say(f"{folder}: {said}, acted by invented people")
            continue
        people = read_people(open_dataset(kind, folder, head=head), head, encoder, seed=seed)
        said = f"{people.hours:.2f} h of people's own motion"
        sources.append(Source(f"{said}, {kind} {folder.resolve().name}, {_terms(folder)}", invented=False))
        learned += people.learned
        tested += people.tested
        say(f"{folder}: {said}, {people.summary}")
        for reason in people.skipped:
            say(f"skipped: {reason}")
    if not learned:
        raise InputError("--data: expected recordings or motion of people with at least one usable clip, found none")
    if untold := untold_of(learned):
        say(f"nothing tells {', '.join(untold)}: chance of the usual size and tempo; recordings, which invented people "
            "act, or films would")  # fmt: skip
    return learned, tested, sources


def untold_of(learned: Sequence[Performance]) -> list[str]:
    """The coordinates that nobody measured."""
    told = np.any([p.measured.any(axis=0) for p in learned], axis=0)
    return [name for name, known in zip(COORDINATES, told, strict=True) if not known]


def kind_of(source: str) -> tuple[str | None, Path]:
    """The data set that is named, or the one that a folder is; None for recordings."""
    kind, _, folder = source.partition("=")
    if folder and kind in KINDS:
        return kind, Path(folder)
    path = Path(source)
    if are_films(path):
        return TRACKED, path
    found = pairs(path, FACE_FILES)[0]
    if are_recordings(path) and not any(p.motion.suffix.lower() == TABLE for p in found):  # texts may lie beside them
        return None, path
    if not found:
        raise InputError(
            f"{source}: expected KIND=FOLDER with one of {', '.join(KINDS)}, or a folder with recordings or tracked "
            "films (manifest.jsonl) or face motions beside sounds, found none of them (docs/datasets.md)"
        )
    return FACES, path


def _terms(folder: Path) -> str:
    """The first line of the folder's licence, if there is one."""
    try:
        return licence_of(folder)
    except InputError:
        return "its own terms"


def _acted(found: list[Clip], actors: int, seed: int) -> list[Performance]:
    return list(performances(found, actors=actors, seed=seed)) if found else []


def _description(
    config: ActingConfig, encoder: SpeechEncoder, learned: Sequence[Performance], sources: Sequence[Source]
) -> dict[str, Any]:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    invented, people = (any(s.invented == which for s in sources) for which in (True, False))
    return {
        "format": FORMAT,
        "version": f"acting {today}",
        "made": today,
        "made_with": {"steps": config.steps, "seed": config.seed, "actors": config.actors, "torch": version("torch"),
                      "speech": encoder.sha256, "performances": len(learned)},
        "trained_on": "; ".join(s.text for s in sources)
        + ("; motion of invented people is no measurement" if invented else ""),
        "untold": untold_of(learned),
        "licence": "that of the data, see trained_on" if people else "Apache-2.0",
        "rebuild": "render train acting --data RECORDINGS [--data KIND=FOLDER] -o OUT",
    }  # fmt: skip
