"""Learn deformation fusion: two encoders of displacement maps and one linear decoder, dV = B_A w_A + B_E w_E.

Mao et al., arXiv 2510.25234, whose loss is reconstruction and sparsity of the coefficients that one domain uses of the
other's blendshapes. Ours adds what we found necessary: an expression's own blendshapes must not move the lips apart or
together, so that this part of it falls to speech's and is dropped (docs/model.md says what each term is worth).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ...avatars.head import HeadModel
from ...core.cores import one_thread
from ...core.errors import InputError
from ...core.tensors import write_tensors
from ...core.whole_files import whole_file
from ..bundle import FUSION
from ..data.sequence import DataSet, joint_split
from ..solve.displacement_map import DisplacementMap
from ..solve.fusion import FORMAT
from ..solve.mapping import MM
from .fusion_data import Apex, Space, frames

F32 = NDArray[np.float32]

RUN = "fusion"  # folder inside the output's of what an interrupted training goes on from
CURVES = "curves.csv"
CHECKPOINT = "checkpoint.safetensors"
SCALE = 0.5  # millimetres of the maps that count as 1 in the encoders
PATCHES = (4, 2, 2)  # side of each convolution's kernel and stride
CHANNELS = (32, 48, 64)


@dataclass(frozen=True)
class FusionConfig:
    """All that training depends on besides the data."""

    speech_shapes: int = 24  # columns of B_A
    expression_shapes: int = 32  # columns of B_E
    map_size: int = 32  # pixels; a multiple of 16
    dimensions: int = 120  # principal displacements of the data that columns are made of
    frames: int = 24000  # of either domain
    steps: int = 3000
    batch: int = 96  # frames of either domain
    rate: float = 2e-3
    own: float = 0.002  # price of a coefficient of a domain's own blendshapes, mm^2 per unit
    cross: float = 0.1  # and of the other's
    lips: float = 0.5  # price of the squared change of the lip gap by B_E w_E, mm^2
    seed: int = 0
    report: int = 250  # steps between rows of the curves and checkpoints

    def __post_init__(self) -> None:
        """Raises InputError for a size that the encoders cannot halve."""
        if self.map_size % int(np.prod(PATCHES)):
            raise InputError(f"map_size: expected a multiple of {np.prod(PATCHES)}, found {self.map_size}")


class Encoder(nn.Module):
    """Displacement maps [n, S, S, 3] -> coefficients [n, K] by convolutions without bias: an expression of half the
    strength has exactly half the coefficients, and none has none."""

    def __init__(self, size: int, shapes: int) -> None:
        super().__init__()
        channels = (3, *CHANNELS)
        self.layers = nn.ModuleList(
            nn.Linear(patch * patch * channels[i], channels[i + 1], bias=False) for i, patch in enumerate(PATCHES)
        )
        side = size // int(np.prod(PATCHES))
        self.head = nn.Linear(side * side * channels[-1], shapes, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        for patch, layer in zip(PATCHES, self.layers, strict=True):
            maps = F.relu(layer(_patches(maps, patch)))
        return self.head(maps.flatten(1))


class Fusion(nn.Module):
    """Both encoders and the decoder; works on coordinates of a `Space`."""

    def __init__(self, config: FusionConfig, pictures: F32) -> None:
        """`pictures` [R, S, S, 3]: displacement maps of the space's coordinates, millimetres."""
        super().__init__()
        dimensions = len(pictures)
        self.pictures = torch.from_numpy(pictures / SCALE).flatten(1)
        self.size = config.map_size
        self.speech = Encoder(config.map_size, config.speech_shapes)
        self.expression = Encoder(config.map_size, config.expression_shapes)
        self.speech_columns = nn.Parameter(torch.randn(config.speech_shapes, dimensions))
        self.expression_columns = nn.Parameter(torch.randn(config.expression_shapes, dimensions))

    @property
    def bases(self) -> tuple[Tensor, Tensor]:
        """B_A and B_E as rows [K, R], each a displacement of unit size."""
        return F.normalize(self.speech_columns, dim=1), F.normalize(self.expression_columns, dim=1)

    def forward(self, coordinates: Tensor) -> tuple[Tensor, Tensor]:
        """w_A [n, K_A] and w_E [n, K_E]."""
        maps = (coordinates @ self.pictures).reshape(-1, self.size, self.size, 3)
        return self.speech(maps), self.expression(maps)


@dataclass(frozen=True, eq=False)
class Corpus:
    """What training and validation see."""

    space: Space
    speech: F32  # [n, R]
    expressions: F32  # [n, R]
    val_speech: F32
    val_expressions: F32
    apexes: list[Apex]

    @staticmethod
    def of(config: FusionConfig, head: HeadModel, speech: DataSet, expressions: DataSet) -> Corpus:
        """Raises InputError when a part of the split is empty or the data sets are of another topology."""
        speech, expressions = joint_split(speech, expressions)
        train = _part(speech, "train"), _part(expressions, "train")
        val = _part(speech, "val"), _part(expressions, "val")
        space = Space.of(head, train, dimensions=config.dimensions)
        (speech_rows, _), (expression_rows, apexes) = (frames(space, d, count=config.frames) for d in train)
        (val_speech, _), (val_expressions, _) = (frames(space, d, count=config.frames // 8) for d in val)
        return Corpus(space, speech_rows, expression_rows, val_speech, val_expressions, apexes)


def train_fusion(
    config: FusionConfig,
    *,
    speech: DataSet,
    expressions: DataSet,
    head: HeadModel,
    out: Path,
    provenance: Mapping[str, str] | None = None,
    data: str = "",
) -> Path:
    """Train on the `train` parts, watch the `val` parts, write `out/fusion.safetensors`; returns its path.

    An interrupted run goes on from `out/fusion/checkpoint.safetensors` and ends with the same weights;
    `out/fusion/curves.csv` has a row per report. Both data sets must be of the head's topology. `data`: what
    `journal.contents` tells of them; a run of others does not go on. Raises InputError.
    """
    corpus = Corpus.of(config, head, speech, expressions)
    table = DisplacementMap.of(head, config.map_size)
    model = fit(config, corpus, table, head, out / RUN, data=data)
    path = out / FUSION
    save(path, model, corpus, table, head, config, dict(provenance or {}))
    return path


@one_thread()
def fit(
    config: FusionConfig, corpus: Corpus, table: DisplacementMap, head: HeadModel, out: Path, *, data: str = ""
) -> Fusion:
    """The training loop: Adam with a cosine schedule, single-threaded, resumable; deterministic for one machine."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    model = Fusion(config, _pictures(corpus.space, table, len(head.v_template)))
    optimiser = torch.optim.Adam(model.parameters(), lr=config.rate)
    _begin(model, corpus)
    told = {"config": json.dumps(asdict(config)), "data": data}
    done = _resume(out / CHECKPOINT, told, model, optimiser)
    gap = torch.from_numpy(corpus.space.gap)
    for step in range(done, config.steps):
        rng = np.random.default_rng([config.seed, step])  # no state to save
        speech, shown = (
            torch.from_numpy(rows[rng.integers(len(rows), size=config.batch)])
            for rows in (corpus.speech, corpus.expressions)
        )
        optimiser.param_groups[0]["lr"] = config.rate * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / config.steps)))
        loss = sum(objective(model, gap, speech, shown, config).values())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        optimiser.step()
        if (step + 1) % config.report == 0 or step + 1 == config.steps:
            _report(out / CURVES, step + 1, model, gap, corpus, config)
            _checkpoint(out / CHECKPOINT, told, model, optimiser, step + 1)
    return model.eval()


def objective(
    model: Fusion, gap: Tensor, speech: Tensor, expressions: Tensor, config: FusionConfig
) -> dict[str, Tensor]:
    """The terms of the loss, mm^2."""
    for_speech, for_expression = model.bases
    a, e = model(torch.cat([speech, expressions]))
    n = len(speech)
    rebuilt = a @ for_speech + e @ for_expression
    shown = e[n:] @ for_expression
    return {
        "speech": (rebuilt[:n] - speech).square().sum(dim=1).mean(),
        "expressions": (rebuilt[n:] - expressions).square().sum(dim=1).mean(),
        "own": config.own * (a[:n].abs().sum(dim=1).mean() + e[n:].abs().sum(dim=1).mean()),
        "cross": config.cross * (e[:n].abs().sum(dim=1).mean() + a[n:].abs().sum(dim=1).mean()),
        "lips": config.lips * (shown @ gap.T).square().mean(),
    }


def save(
    path: Path,
    model: Fusion,
    corpus: Corpus,
    table: DisplacementMap,
    head: HeadModel,
    config: FusionConfig,
    provenance: dict[str, str],
) -> None:
    """Write what `solve.fusion.FusionModel` reads (docs/formats.md), whole or not at all."""
    space = corpus.space
    tensors: dict[str, NDArray[Any]] = {"vertices": space.vertices, "map.index": table.index}
    tensors["map.weight"] = table.weight.astype(np.float16)
    for name, basis in zip(("speech", "expression"), model.bases, strict=True):
        columns = space.basis @ basis.detach().numpy().T / MM
        tensors[f"{name}.basis"] = columns.reshape(len(space.vertices), 3, -1).astype(np.float16)
    for name, encoder in (("speech", model.speech), ("expression", model.expression)):
        layers = [*encoder.layers, encoder.head]
        for i, layer in enumerate(layers):
            weight = layer.weight.detach().numpy().T  # type: ignore[union-attr]
            scale = MM / SCALE if i == 0 else 1.0  # maps come in metres
            tensors[f"{name}.{i}"] = (weight * scale).astype(np.float32)
    labels, codes = _codes(model, corpus)
    tensors["codes"] = codes
    said = {"format": FORMAT, "head": head.version, "labels": labels, "config": asdict(config), **provenance}
    write_tensors(path, tensors, said)


def _codes(model: Fusion, corpus: Corpus) -> tuple[list[str], F32]:
    """w_E of every labelled expression at its strongest level, mean over people: labels [M], codes [M, K_E]."""
    groups: dict[tuple[str, str], list[Apex]] = {}
    for found in corpus.apexes:
        groups.setdefault((found.emotion, found.name), []).append(found)
    labels, codes = [], []
    for (emotion, _), members in sorted(groups.items()):
        strongest = max(member.level for member in members)
        rows = np.stack([m.coordinates for m in members if m.level == strongest])
        with torch.no_grad():
            code = model(torch.from_numpy(rows))[1].mean(dim=0).numpy()
        labels.append(emotion)
        codes.append(np.zeros_like(code) if emotion == "neutral" else code)
    shapes = len(model.expression_columns)
    return labels, np.stack(codes).astype(np.float32) if codes else np.zeros((0, shapes), np.float32)


def _patches(maps: Tensor, patch: int) -> Tensor:
    """[n, S, S, C] -> [n, S / patch, S / patch, patch * patch * C]."""
    n, side, _, channels = maps.shape
    cut = maps.reshape(n, side // patch, patch, side // patch, patch, channels)
    return cut.transpose(2, 3).reshape(n, side // patch, side // patch, -1)


def _pictures(space: Space, table: DisplacementMap, vertices: int) -> F32:
    """Displacement maps [R, S, S, 3] of the coordinates, millimetres."""
    whole = np.zeros((space.basis.shape[1], vertices, 3), np.float32)
    whole[:, space.vertices] = space.basis.T.reshape(len(whole), -1, 3)
    return table(whole).astype(np.float32)


def _begin(model: Fusion, corpus: Corpus) -> None:
    """Columns start as their domain's principal displacements."""
    with torch.no_grad():
        for columns, rows in (
            (model.speech_columns, corpus.speech),
            (model.expression_columns, corpus.expressions),
        ):
            modes = np.linalg.eigh(rows.T.astype(np.float64) @ rows)[1][:, ::-1].T[: len(columns)]
            columns[: len(modes)] = torch.from_numpy(np.ascontiguousarray(modes, np.float32))


def _part(data: DataSet, part: Any) -> DataSet:
    kept = data.split(part)
    if not len(kept):
        raise InputError(f"{data.kind}: expected sequences in the part {part!r} of its split, found none")
    return kept


def _report(path: Path, step: int, model: Fusion, gap: Tensor, corpus: Corpus, config: FusionConfig) -> None:
    """Append the terms of the loss on the validation people."""
    with torch.no_grad():
        terms = objective(
            model, gap, torch.from_numpy(corpus.val_speech), torch.from_numpy(corpus.val_expressions), config
        )
    row = {"step": step, **{name: round(float(value), 6) for name, value in terms.items()}}
    new = step <= config.report or not path.exists()
    with path.open("w" if new else "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)


def _checkpoint(path: Path, told: dict[str, str], model: Fusion, optimiser: torch.optim.Adam, step: int) -> None:
    from safetensors.torch import save_file

    tensors = {name: p.detach() for name, p in model.named_parameters()}
    for name, p in model.named_parameters():
        for moment in ("exp_avg", "exp_avg_sq"):
            tensors[f"{moment}.{name}"] = optimiser.state[p][moment]
    with whole_file(path) as partial:
        save_file(tensors, partial, {"step": str(step), **told})


def _resume(path: Path, told: dict[str, str], model: Fusion, optimiser: torch.optim.Adam) -> int:
    """Steps done already; raises InputError when the checkpoint belongs to another configuration or other data."""
    if not path.exists():
        return 0
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        if json.loads(metadata["config"]) != json.loads(told["config"]):
            raise InputError(f"{path}: expected a checkpoint of this configuration, found another; use an empty folder")
        if metadata.get("data", "") != told["data"]:
            raise InputError(f"{path}: expected a checkpoint of these data, found one of others; use an empty folder")
        step = int(metadata["step"])
        with torch.no_grad():
            for name, p in model.named_parameters():
                p.copy_(file.get_tensor(name))
                moments = {m: file.get_tensor(f"{m}.{name}") for m in ("exp_avg", "exp_avg_sq")}
                optimiser.state[p] = {"step": torch.tensor(float(step)), **moments}
    return step
