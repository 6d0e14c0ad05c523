"""How the speech weights are made from a generated corpus: examples, training, export.

Everything lies in one folder and is taken up again where it was interrupted:

    speech/examples/<source>.npz   augmented features and targets
    speech/config.json, speech/curves.csv, speech/checkpoint.pt
    speech.safetensors             the weights, with how they were made in the metadata
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.tensors import write_tensors
from ...core.whole_files import whole_file
from ..bundle import SPEECH, find_bundle
from ..models.procedural import Encoder
from ..speech.encoder import FORMAT
from ..speech.features import RATE
from . import corpus, examples
from .acoustic_model import model_notice
from .examples import Example
from .generate import DESCRIPTION, HELD_OUT, SOUND
from .journal import Journal
from .metrics import Closures, closures

RUN, EXAMPLES = "speech", "examples"
Say = Callable[[str], None]


@dataclass(frozen=True)
class SpeechConfig:
    """All that training depends on besides the corpus."""

    steps: int = 24000  # batches
    seed: int = 0
    context: float = 0.0  # sharpness of the phonetic-context weights (`train.context_weights`), 0: none
    backbone: str = ""  # folder of a pretrained wav2vec 2.0 or HuBERT model to learn on top of; none: our small network
    # Shares of what the network hears; engines that the corpus lacks are left out
    portions: dict[str, float] = field(
        default_factory=lambda: {"espeak": 0.26, "flite": 0.27, "festival": 0.21, "sampled": 0.14, "no_speech": 0.12}
    )
    # How often each utterance is augmented anew
    copies: dict[str, int] = field(default_factory=lambda: {"espeak": 1, "flite": 2, "festival": 2})
    silences: int = 160  # clips in which nobody speaks, per hour of speech

    def __post_init__(self) -> None:
        """Raises InputError for a size that is no size."""
        if self.steps < 1:
            raise InputError(f"--steps {self.steps}: expected at least 1")


def train_speech(config: SpeechConfig, *, data: Path, out: Path, say: Say = print) -> tuple[Path, Closures]:
    """Weights from the corpus in the folder `data`, and how well they close the lips of held-out voices.

    An interrupted run goes on where it was and ends with the same weights. Raises InputError for a folder that is no
    corpus, or that holds a run of another configuration.
    """
    described = describe(data)
    journal = Journal(out / RUN, config)
    if config.backbone:
        path = _train_transformer(config, described, journal, data=data, out=out)
    else:
        path = _train_small(config, described, journal, data=data, out=out, say=say)
    return path, held_out_closures(find_bundle(out).encoder(), corpus.load(data / SOUND / f"{HELD_OUT}.npz"))


def _train_small(
    config: SpeechConfig, described: dict[str, Any], journal: Journal, *, data: Path, out: Path, say: Say
) -> Path:
    from ..speech.torch_network import Net
    from .train import train

    prior = make_examples(config, data=data, out=out / RUN, say=say)
    sources = [(config.portions[name], examples.load(path)) for name, path in _sources(config, out / RUN)]
    net = train(Net, sources, steps=config.steps, seed=config.seed, context=config.context, journal=journal)
    return export_weights(net, prior, config, described, out)


def _train_transformer(
    config: SpeechConfig, described: dict[str, Any], journal: Journal, *, data: Path, out: Path
) -> Path:
    from ..speech.wav2vec import SpeechTransformer, pretrained, save
    from .train import train

    spoken = _spoken(data)
    sources = [
        (config.portions[name], list(examples.sounds(said, seed=_seed(config, 10 * (1 + i)))))
        for i, (name, said) in enumerate(spoken.items())
    ]
    silences = examples.sounds_without_speech(count=_silences(config, spoken), seed=_seed(config, 2))
    sources.append((config.portions["no_speech"], list(silences)))

    def make() -> SpeechTransformer:
        return SpeechTransformer(pretrained(Path(config.backbone)))

    net = train(make, sources, steps=config.steps, seed=config.seed, context=config.context, journal=journal)
    path = out / SPEECH
    save(net, path, _transformer_description(config, described))
    return path


def describe(data: Path) -> dict[str, Any]:
    """What a corpus says about itself; raises InputError when the folder is none."""
    path = data / DESCRIPTION
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{data}: expected a corpus with {DESCRIPTION}; make one: render data generate OUT") from error
    if not isinstance(found, dict) or not isinstance(found.get("engines"), list):
        raise InputError(f"{path}: engines: expected a list of names, found something else")
    return found


def make_examples(config: SpeechConfig, *, data: Path, out: Path, say: Say = print) -> NDArray[np.float64]:
    """Features and targets, those that are not there yet; returns the mean spectrum of speech [80]."""
    spoken = _spoken(data)
    silences = _silences(config, spoken)
    folder = out / EXAMPLES
    folder.mkdir(parents=True, exist_ok=True)
    prior = examples.mean_spectrum([u for said in spoken.values() for u in said[::6]])
    made: dict[str, Callable[[], Iterable[Example]]] = {
        name: partial(_augmented, said, prior, config, stream=10 * (1 + i), copies=config.copies[name])
        for i, (name, said) in enumerate(spoken.items())
    }
    everything = [u for name, said in spoken.items() for u in said[:: 3 if name == "espeak" else 2]]
    made["sampled"] = lambda: examples.sampled(everything, prior, seed=_seed(config, 1))
    made["no_speech"] = lambda: examples.without_speech(prior, count=silences, seed=_seed(config, 2))
    for name, source in made.items():
        path = folder / f"{name}.npz"
        if not path.exists():
            with whole_file(path, keep_suffix=True) as staged:
                say(f"{name}: {examples.save(staged, iter(source())):.1f} min of examples")
    return prior


def _spoken(data: Path) -> dict[str, list[corpus.Utterance]]:
    """The utterances of every engine."""
    return {name: corpus.load(data / SOUND / f"{name}.npz") for name in describe(data)["engines"]}


def _silences(config: SpeechConfig, spoken: dict[str, list[corpus.Utterance]]) -> int:
    hours = sum(len(u.wave) for said in spoken.values() for u in said) / RATE / 3600
    return max(3, round(config.silences * hours))


def _augmented(
    said: list[corpus.Utterance], prior: NDArray[np.float64], config: SpeechConfig, *, stream: int, copies: int
) -> Iterator[Example]:
    return chain.from_iterable(
        examples.augmented(said, prior, seed=_seed(config, stream + copy)) for copy in range(copies)
    )


def _seed(config: SpeechConfig, stream: int) -> int:
    return 1000 * config.seed + stream


def _sources(config: SpeechConfig, out: Path) -> Iterator[tuple[str, Path]]:
    for name in config.portions:
        if (path := out / EXAMPLES / f"{name}.npz").exists():
            yield name, path


def export_weights(net: Any, prior: NDArray[np.float64], config: SpeechConfig, data: dict[str, Any], out: Path) -> Path:
    """Write the float16 file that ships, whole or not at all."""
    from ..speech.torch_network import export

    tensors = export(net.eval(), prior)
    halved = {name: t.astype(np.float16) if t.dtype == np.float32 else t for name, t in tensors.items()}
    path = out / SPEECH
    write_tensors(path, halved, _description(config, data))
    return path


def _description(config: SpeechConfig, data: dict[str, Any]) -> dict[str, Any]:
    """How the weights of the small network were made."""
    return {
        **_made(config, data),
        "format": FORMAT,
        "trained_on": f"Synthetic speech made for this purpose with {', '.join(data['engines'])}; feature sequences "
        "sampled from the en-us acoustic model of pocketsphinx; targets by rule. No recording of a person was used "
        "directly.",
        "licence": "Apache-2.0",
        "notice": "Trained in part on samples of the pocketsphinx en-us acoustic model. Its notice:\n" + model_notice(),
    }


def _transformer_description(config: SpeechConfig, data: dict[str, Any]) -> dict[str, Any]:
    return {
        **_made(config, data),
        "trained_on": f"Synthetic speech made for this purpose with {', '.join(data['engines'])}, on top of the "
        f"pretrained model {Path(config.backbone).name}; targets by rule.",
        "licence": f"that of {Path(config.backbone).name}, whose weights are inside",
    }


def _made(config: SpeechConfig, data: dict[str, Any]) -> dict[str, Any]:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    tools = {"pocketsphinx": version("pocketsphinx"), "torch": version("torch")}
    settings = {"steps": config.steps, "seed": config.seed, "context": config.context, "hours": data.get("hours")}
    return {
        "version": f"speech {today}",
        "made": today,
        "made_with": {**data.get("made_with", {}), **tools, **settings},
        "rebuild": "render data generate CORPUS; render train speech --data CORPUS -o OUT",
    }


def held_out_closures(encoder: Encoder, utterances: list[corpus.Utterance]) -> Closures:
    """Lip closures over utterances."""
    parts = []
    for utterance in utterances:
        pieces = encoder.articulate(lambda wave=utterance.wave: [wave])
        parts.append(closures(np.concatenate([piece.axes for piece in pieces]), utterance.segments))
    return Closures.pool(parts)
