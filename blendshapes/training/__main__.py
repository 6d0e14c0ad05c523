"""Make the speech weights from nothing but synthetic speech: `python -m emosplat.blendshapes.training WORK`.

Stages, in order; each writes into the work folder and can be run again by name (`--stage`):

1. `speech`    espeak-ng and flite say random sentences; every phone's time is known.           about 2 CPU minutes
2. `examples`  the teacher turns phones into articulation; augmented log-mel features.           about 6 CPU minutes
3. `train`     the network learns features -> articulation.                                      about 18 CPU minutes
4. `export`    float16 safetensors with a description of how they were made, checked on voices that were held out.

Needs: apt install espeak-ng flite; pip install emosplat[train] (pocketsphinx, for its acoustic model).
The seeds are fixed: the same versions of the tools give the same corpus.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ..speech import FORMAT, SpeechEncoder
from . import corpus, espeak, examples, flite
from .acoustic_model import model_notice
from .metrics import Closures, closures

_STEPS = 12000
_PORTIONS = {"espeak": 0.36, "flite": 0.38, "sampled": 0.14, "no_speech": 0.12}  # of what the network hears


def make_speech(work: Path, *, share: float) -> None:
    """Stage 1: the corpora."""
    espeak.link_data(work, _system_data())
    synthesiser = espeak.Espeak(work)
    corpora = {
        "espeak_held_out": corpus.held_out_espeak_speech(synthesiser, count=60, seed=2),
        "espeak": corpus.espeak_speech(synthesiser, work, count=_some(1600, share), seed=1),
        "flite": corpus.flite_speech(count=_some(1050, share), seed=3),
    }
    for name, utterances in corpora.items():
        spoken = list(utterances)
        corpus.save(work / f"{name}.npz", spoken)
        print(f"{name}: {len(spoken)} utterances, {sum(len(u.wave) for u in spoken) / 16000 / 60:.1f} min", flush=True)
    versions = {"espeak-ng": synthesiser.version(), "flite": flite.version(), "pocketsphinx": version("pocketsphinx")}
    (work / "versions.json").write_text(json.dumps(versions))


def make_examples(work: Path, *, share: float) -> None:
    """Stage 2: features and targets."""
    synthetic, human = corpus.load(work / "espeak.npz"), corpus.load(work / "flite.npz")
    prior = examples.mean_spectrum(synthetic[::8] + human[::4])
    np.save(work / "prior.npy", prior)
    sources = {
        "espeak": chain.from_iterable(examples.augmented(synthetic, prior, seed=10 + i) for i in range(3)),
        "flite": chain.from_iterable(examples.augmented(human, prior, seed=20 + i) for i in range(4)),
        "sampled": examples.sampled(synthetic[::2] + human, prior, seed=30),
        "no_speech": examples.without_speech(prior, count=_some(600, share), seed=5),
    }
    for name, source in sources.items():
        print(f"{name}: {examples.save(work / f'examples_{name}.npz', source):.1f} min of examples", flush=True)


def train_network(work: Path, *, share: float) -> None:
    """Stage 3: learn."""
    import torch

    from .train import train

    sources = [(portion, examples.load(work / f"examples_{name}.npz")) for name, portion in _PORTIONS.items()]
    net = train(sources, steps=_some(_STEPS, share))
    torch.save(net.state_dict(), work / "net.pt")


def export_weights(work: Path, *, share: float) -> None:
    """Stage 4: the file that ships, and what it can do on held-out voices."""
    import torch
    from safetensors.numpy import save_file

    from .net import Net, export

    net = Net()
    net.load_state_dict(torch.load(work / "net.pt", weights_only=True))
    tensors = export(net.eval(), np.load(work / "prior.npy", allow_pickle=False))
    halved = {name: t.astype(np.float16) if t.dtype == np.float32 else t for name, t in tensors.items()}
    path = work / "speech.safetensors"
    steps = _some(_STEPS, share)
    save_file(halved, path, metadata={"emosplat": json.dumps(_description(work, steps), sort_keys=True)})
    path.chmod(0o644)
    held_out = evaluate(SpeechEncoder.load(path), corpus.load(work / "espeak_held_out.npz"))
    print(f"{path}: held-out voices: hit {held_out.hit:.2f}, false {held_out.false:.2f}, AUC {held_out.auc:.2f}")


def evaluate(encoder: SpeechEncoder, utterances: list[corpus.Utterance]) -> Closures:
    """Lip closures over utterances."""
    parts = []
    for utterance in utterances:
        pieces = encoder.articulate(lambda wave=utterance.wave: [wave])
        parts.append(closures(np.concatenate([piece.axes for piece in pieces]), utterance.segments))
    return Closures.pool(parts)


def _description(work: Path, steps: int) -> dict[str, Any]:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {
        "format": FORMAT,
        "version": f"speech {today}",
        "made": today,
        "made_with": json.loads((work / "versions.json").read_text()) | {"torch": version("torch"), "steps": steps},
        "trained_on": "Synthetic speech made for this purpose with espeak-ng and flite, and feature sequences sampled "
        "from the en-us acoustic model of pocketsphinx; targets by rule. No recording of a person was used directly.",
        "rebuild": "python -m emosplat.blendshapes.training WORK_FOLDER",
        "licence": "Apache-2.0",
        "notice": "Trained in part on samples of the pocketsphinx en-us acoustic model. Its notice:\n" + model_notice(),
    }


def _system_data() -> Path:
    """espeak-ng's own data folder, as its command reports it."""
    printed = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout
    return Path(printed.split("Data at:")[1].strip())


def _some(count: int, share: float) -> int:
    return max(3, round(count * share))


_STAGES: dict[str, Callable[..., None]] = {
    "speech": make_speech,
    "examples": make_examples,
    "train": train_network,
    "export": export_weights,
}


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m emosplat.blendshapes.training", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("work", type=Path, help="folder for the corpus, the examples and the weights (about 2 GB)")
    parser.add_argument("--stage", choices=[*_STAGES, "all"], default="all")
    parser.add_argument("--share", type=float, default=1.0, help="share of the full size, to try things out")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    for name in _STAGES if options.stage == "all" else [options.stage]:
        _STAGES[name](options.work, share=options.share)


if __name__ == "__main__":
    main()
