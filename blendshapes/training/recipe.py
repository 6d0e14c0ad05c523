"""How the speech weights are made from generated corpora and recordings of people: examples, training, export.

Everything lies in one folder and is taken up again where it was interrupted:

    speech/examples/<source>.npz   augmented features and targets
    speech/config.json, speech/curves.csv, speech/checkpoint.pt
    speech.safetensors             the weights, with how they were made in the metadata
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.tensors import read_info, read_tensors, write_tensors
from ...core.whole_files import whole_file
from ..bundle import LIVE, SPEECH, find_bundle
from ..models.speaking import Encoder
from ..speech.encoder import BUILT_IN, FORMAT, SpeechEncoder, with_less_ahead
from ..speech.features import RATE
from ..speech.live import LiveEncoder, frames_within, lookahead_of
from . import corpus, examples
from .acoustic_model import model_notice
from .corpus import Utterance
from .examples import Example
from .generate import DESCRIPTION, HELD_OUT, SOUND
from .journal import Journal, contents
from .live import Overheard
from .metrics import Closures, closures
from .recordings import Recordings, are_recordings, read_recordings

RUN, EXAMPLES, REAL = "speech", "examples", "recordings"
MOST_CHANNELS = 1024
TESTED = 60  # held-out utterances whose loss is followed
Say = Callable[[str], None]


@dataclass(frozen=True)
class SpeechConfig:
    """All that training depends on besides the data."""

    steps: int = 24000  # batches
    seed: int = 0
    context: float = 0.0  # sharpness of the phonetic-context weights (`train.context_weights`), 0: none
    backbone: str = ""  # folder of a pretrained wav2vec 2.0 or HuBERT model to learn on top of; none: our small network
    start: str = ""  # weights of our small network to go on from; none: from nothing
    keep: float = 0.0  # share that those weights have in the ones that are written (`torch_network.mixed`)
    channels: int = 0  # of our small network, if other than `start` (or `torch_network.CHANNELS`) has
    # Seconds of sound after a frame that the network may hear. With a limit it learns what `start` (by default the
    # built-in weights), which hears as far ahead as back, makes of the whole clip; 0: no limit
    lookahead: float = 0.0
    # Shares of what the network hears, relative to each other; what the data lack is left out
    portions: dict[str, float] = field(
        default_factory=lambda: {
            **{"espeak": 0.26, "flite": 0.27, "festival": 0.21, "sampled": 0.14, "no_speech": 0.12},
            REAL: 1.0,
        }
    )
    # How often each utterance is augmented anew
    copies: dict[str, int] = field(default_factory=lambda: {"espeak": 1, "flite": 2, "festival": 2, REAL: 2})
    silences: int = 160  # clips in which nobody speaks, per hour of speech

    def __post_init__(self) -> None:
        """Raises InputError for a size that is no size, and for two beginnings at once."""
        if self.steps < 1:
            raise InputError(f"--steps {self.steps}: expected at least 1")
        if self.start and self.backbone:
            raise InputError("--start, --backbone: expected one of them, found both; --start is for our small network")
        if not 0 <= self.keep < 1:
            raise InputError(f"--keep {self.keep:g}: expected a share from 0 to below 1")
        if self.keep and not self.start:
            raise InputError("--keep: expected --start, the weights to keep a share of, found none")
        if self.channels and self.backbone:
            raise InputError("--channels, --backbone: expected one of them, found both")
        if self.channels and not 8 <= self.channels <= MOST_CHANNELS:
            raise InputError(f"--channels {self.channels}: expected 8 to {MOST_CHANNELS}")
        if self.lookahead and self.backbone:
            raise InputError("--lookahead, --backbone: expected one of them, found both")
        if self.lookahead and frames_within(self.lookahead) < 1:
            raise InputError(f"--lookahead {self.lookahead:g}: expected at least {lookahead_of(1):g} s")

    @property
    def begins(self) -> Path | None:
        """The weights to go on from."""
        return Path(self.start) if self.start else BUILT_IN if self.lookahead else None


@dataclass(frozen=True, eq=False)
class Spoken:
    """Everything that there is to learn from."""

    sources: dict[str, list[Utterance]] = field(default_factory=dict)  # by engine, and recordings of people
    held_out: list[Utterance] = field(default_factory=list)  # of voices and people in none of the sources
    engines: list[str] = field(default_factory=list)  # those that spoke
    made_with: dict[str, str] = field(default_factory=dict)  # their versions
    recordings: list[Recordings] = field(default_factory=list)

    @property
    def hours(self) -> float:
        """Of all sources."""
        return sum(len(u.wave) for said in self.sources.values() for u in said) / RATE / 3600

    def every(self, step: int) -> list[Utterance]:
        """Every so many of the utterances of each source."""
        return [u for said in self.sources.values() for u in said[::step]]


def train_speech(
    config: SpeechConfig, *, data: Sequence[Path], out: Path, say: Say = print
) -> tuple[Path, Closures | None]:
    """Weights from the folders `data`, and how well they close the lips of held-out voices, where there are any.

    Each folder is a generated corpus or one of recordings (`recordings.py`). An interrupted run goes on where it was
    and ends with the same weights. Raises InputError for a folder that is neither, or that holds a run of another
    configuration or of other data.
    """
    spoken = read_spoken(data, say=say)
    start = _start(config)  # what is wrong with it is said before there is a run
    journal = Journal(out / RUN, config, data=contents(data, out=out))
    if config.backbone:
        path = _train_transformer(config, spoken, journal, out=out)
    else:
        path = _train_small(config, spoken, start, journal, out=out, say=say)
    if not spoken.held_out:
        return path, None
    encoder = LiveEncoder.load(path) if config.lookahead else find_bundle(out).encoder()
    return path, held_out_closures(encoder, spoken.held_out)


def read_spoken(data: Sequence[Path], *, say: Say = print) -> Spoken:
    """What the folders hold; raises InputError for one that is neither a generated corpus nor one of recordings."""
    spoken = Spoken()
    for folder in data:
        if are_recordings(folder):
            _add_recordings(spoken, read_recordings(folder), say)
        else:
            _add_corpus(spoken, folder)
    return spoken


def _add_recordings(spoken: Spoken, found: Recordings, say: Say) -> None:
    reasons = f"; left out: {found.refused}" if found.refused else ""
    say(f"{found.name}: {found.hours:.2f} h to learn from, {len(found.held_out)} recordings held out{reasons}")
    spoken.recordings.append(found)
    spoken.sources.setdefault(REAL, []).extend(found.train)
    spoken.held_out.extend(found.held_out)


def _add_corpus(spoken: Spoken, folder: Path) -> None:
    described = describe(folder)
    spoken.made_with.update(described.get("made_with", {}))
    for engine in described["engines"]:
        if engine not in spoken.engines:
            spoken.engines.append(engine)
        spoken.sources.setdefault(engine, []).extend(corpus.load(folder / SOUND / f"{engine}.npz"))
    spoken.held_out.extend(corpus.load(folder / SOUND / f"{HELD_OUT}.npz"))


def describe(data: Path) -> dict[str, Any]:
    """What a corpus says about itself; raises InputError when the folder is none."""
    path = data / DESCRIPTION
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{data}: expected a corpus with {DESCRIPTION}; make one: render data generate OUT; or recordings with a "
            "manifest.jsonl (docs/datasets.md)"
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("engines"), list):
        raise InputError(f"{path}: engines: expected a list of names, found something else")
    return found


def _start(config: SpeechConfig) -> Mapping[str, NDArray[Any]] | None:
    """The small network to go on from, as wide and with as much ahead as asked for; raises InputError."""
    from ..speech.torch_network import widened

    if config.begins is None:
        return None
    start = read_tensors(config.begins, format=FORMAT, what="speech weights").tensors
    if config.channels:
        start = widened(start, config.channels, seed=config.seed)
    return with_less_ahead(start, frames_within(config.lookahead)) if config.lookahead else start


def _train_small(
    config: SpeechConfig,
    spoken: Spoken,
    start: Mapping[str, NDArray[Any]] | None,
    journal: Journal,
    *,
    out: Path,
    say: Say,
) -> Path:
    from ..speech.torch_network import CHANNELS, Net, restored
    from .train import heard, train

    prior = examples.mean_spectrum(spoken.every(6)) if start is None else start["prior"].astype(np.float64)
    lesson = Overheard(SpeechEncoder.load(config.begins), prior) if config.lookahead else examples.ByRule(prior)
    make_examples(config, spoken, lesson, out=out / RUN, say=say)
    sources = [(config.portions[name], examples.load(path)) for name, path in _sources(config, out / RUN)]
    tested = spoken.held_out[:: max(1, len(spoken.held_out) // TESTED)]
    net = train(
        lambda: (
            Net(config.channels or CHANNELS) if start is None else restored(start, heard(sources, seed=config.seed))
        ),
        sources,
        steps=config.steps,
        seed=config.seed,
        context=config.context,
        journal=journal,
        held_out=list(examples.clean(tested, lesson)),
    )
    return export_weights(net, prior, config, spoken, out, start=start)


def _train_transformer(config: SpeechConfig, spoken: Spoken, journal: Journal, *, out: Path) -> Path:
    from ..speech.wav2vec import SpeechTransformer, pretrained, save
    from .train import train

    sources = [
        (config.portions[name], list(examples.sounds(said, seed=_seed(config, 10 * (1 + i)))))
        for i, (name, said) in enumerate(spoken.sources.items())
    ]
    silences = examples.sounds_without_speech(count=_silences(config, spoken), seed=_seed(config, 2))
    sources.append((config.portions["no_speech"], list(silences)))

    def make() -> SpeechTransformer:
        return SpeechTransformer(pretrained(Path(config.backbone)))

    net = train(make, sources, steps=config.steps, seed=config.seed, context=config.context, journal=journal)
    path = out / SPEECH
    save(net, path, _transformer_description(config, spoken))
    return path


def make_examples(
    config: SpeechConfig, spoken: Spoken, lesson: examples.Lesson, *, out: Path, say: Say = print
) -> None:
    """Features and targets, those that are not there yet."""
    folder = out / EXAMPLES
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, Callable[[], Iterable[Example]]] = {
        name: partial(_augmented, said, lesson, config, stream=10 * (1 + i), copies=config.copies[name])
        for i, (name, said) in enumerate(spoken.sources.items())
    }
    if not config.lookahead:  # no voices to listen to: what a teacher makes of them teaches nothing
        timed = [u for name, said in spoken.sources.items() for u in said[:: 3 if name == "espeak" else 2]]
        made["sampled"] = lambda: examples.sampled(timed, lesson, seed=_seed(config, 1))
    silences = _silences(config, spoken)
    made["no_speech"] = lambda: examples.without_speech(lesson, count=silences, seed=_seed(config, 2))
    for name, source in made.items():
        path = folder / f"{name}.npz"
        if not path.exists() and (found := list(source())):
            with whole_file(path, keep_suffix=True) as staged:
                say(f"{name}: {examples.save(staged, found):.1f} min of examples")


def _silences(config: SpeechConfig, spoken: Spoken) -> int:
    return max(3, round(config.silences * spoken.hours))


def _augmented(
    said: list[Utterance], lesson: examples.Lesson, config: SpeechConfig, *, stream: int, copies: int
) -> Iterator[Example]:
    return chain.from_iterable(
        examples.augmented(said, lesson, seed=_seed(config, stream + copy)) for copy in range(copies)
    )


def _seed(config: SpeechConfig, stream: int) -> int:
    return 1000 * config.seed + stream


def _sources(config: SpeechConfig, out: Path) -> Iterator[tuple[str, Path]]:
    for name in config.portions:
        if (path := out / EXAMPLES / f"{name}.npz").exists():
            yield name, path


def export_weights(
    net: Any,
    prior: NDArray[np.float64],
    config: SpeechConfig,
    spoken: Spoken,
    out: Path,
    *,
    start: Mapping[str, NDArray[Any]] | None = None,
) -> Path:
    """Write the float16 file that ships, whole or not at all; of `start` it keeps the share that `config` asks for."""
    from ..speech.torch_network import export, mixed

    tensors = export(net.eval(), prior)
    if start is not None and config.keep:
        tensors = mixed(tensors, start, config.keep)
    halved = {name: t.astype(np.float16) if t.dtype == np.float32 else t for name, t in tensors.items()}
    path = out / (LIVE if config.lookahead else SPEECH)
    write_tensors(path, halved, _description(config, spoken))
    return path


def _description(config: SpeechConfig, spoken: Spoken) -> dict[str, Any]:
    """How the weights of the small network were made."""
    taught = "feature sequences sampled from the en-us acoustic model of pocketsphinx; targets by rule."
    if config.begins:
        start = read_info(config.begins, format=FORMAT, what="speech weights")
        if config.lookahead:
            taught = f"targets: what {start.get('version')!r} makes of the whole clip."
        kept = f", of which {config.keep:g} is kept" if config.keep else ""
        taught += f" Begun from {start.get('version')!r}{kept}: {start.get('trained_on')}"
    return {
        **_made(config, spoken),
        "format": FORMAT,
        "trained_on": f"{_voices(spoken)}; {taught}",
        "licence": "that of the recordings, see trained_on" if spoken.recordings else "Apache-2.0",
        "notice": "Trained in part on samples of the pocketsphinx en-us acoustic model. Its notice:\n" + model_notice(),
    }


def _voices(spoken: Spoken) -> str:
    """What was heard, recordings with their hours and licence."""
    parts = [f"{r.hours:.2f} h of recordings, {r.name}, {r.licence}" for r in spoken.recordings]
    if spoken.engines:
        parts.append(f"Synthetic speech made for this purpose with {', '.join(spoken.engines)}")
    return "; ".join(parts)


def _transformer_description(config: SpeechConfig, spoken: Spoken) -> dict[str, Any]:
    return {
        **_made(config, spoken),
        "trained_on": f"{_voices(spoken)}, on top of the pretrained model {Path(config.backbone).name}; "
        "targets by rule.",
        "licence": f"that of {Path(config.backbone).name}, whose weights are inside",
    }


def _made(config: SpeechConfig, spoken: Spoken) -> dict[str, Any]:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    tools = {"pocketsphinx": version("pocketsphinx"), "torch": version("torch")}
    settings = {"steps": config.steps, "seed": config.seed, "context": config.context, "hours": round(spoken.hours, 3)}
    if config.channels:
        settings["channels"] = config.channels
    if config.lookahead:
        settings["lookahead"] = lookahead_of(frames_within(config.lookahead))
    return {
        "version": f"speech {'live ' if config.lookahead else ''}{today}",
        "made": today,
        "made_with": {**spoken.made_with, **tools, **settings},
        "rebuild": "render data generate CORPUS; render train speech --data CORPUS [--data RECORDINGS] "
        f"{f'--lookahead {config.lookahead:g} ' if config.lookahead else ''}-o OUT",
    }


def held_out_closures(encoder: Encoder, utterances: list[Utterance]) -> Closures:
    """Lip closures over utterances."""
    parts = []
    for utterance in utterances:
        pieces = encoder.articulate(lambda wave=utterance.wave: [wave])
        parts.append(closures(np.concatenate([piece.axes for piece in pieces]), utterance.segments))
    return Closures.pool(parts)
