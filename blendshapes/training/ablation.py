"""What each term of deformation fusion is worth, measured on people of the generated corpus that training never saw."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ..data.generated import open_generated
from ..data.sequence import Part
from ..emotion import EMOTIONS
from ..solve.displacement_map import DisplacementMap
from .expressions import EXPRESSIONS, SPEECH
from .fusion import Corpus, Fusion, FusionConfig, fit
from .fusion_data import Apex, Space, frames

F32 = NDArray[np.float32]

SHUT = 0.25  # millimetres: lips that have moved apart by less than this are shut
MOVING = 0.15  # and the face must have moved by so many millimetres on average, or it merely rests
VARIANTS: Mapping[str, Mapping[str, float]] = {
    "full": {},
    "no sparsity": {"own": 0.0, "cross": 0.0},
    "no lips": {"lips": 0.0},
    "no sparsity, no lips": {"own": 0.0, "cross": 0.0, "lips": 0.0},
}


@dataclass(frozen=True, eq=False)
class Truth:
    """Frames of people who were held out, with and without what the other domain added: coordinates [n, R]."""

    speech: F32
    own_speech: F32
    expressions: F32
    own_expressions: F32
    apexes: list[Apex]  # at full strength
    shut: NDArray[np.bool_]  # speech frames whose lips the speech closes

    @staticmethod
    def of(space: Space, head: HeadModel, folder: Path, part: Part, *, count: int) -> Truth:
        """`folder` holds what `training.expressions.generate` wrote."""
        found = {}
        for domain in (SPEECH, EXPRESSIONS):
            for own in (False, True):
                data = open_generated(folder / domain, head, own=own).split(part)
                found[domain, own] = frames(space, data, count=count)
        own_speech = found[SPEECH, True][0]
        gap = (own_speech @ space.gap.T).mean(axis=1)
        shut = (gap < SHUT) & (space.distances(own_speech).mean(axis=1) > MOVING)
        apexes = [a for a in found[EXPRESSIONS, False][1] if a.level == 1 and a.emotion != "neutral"]
        return Truth(
            found[SPEECH, False][0], own_speech, found[EXPRESSIONS, False][0], found[EXPRESSIONS, True][0], apexes, shut
        )


@dataclass(frozen=True)
class Result:
    """One row of the table; shares are of the energy of a domain's displacements, lengths millimetres."""

    variant: str
    rebuilt_speech: float  # mean distance per vertex
    rebuilt_expressions: float
    leak_speech: float  # |B_E w_E|^2 on speech
    leak_expressions: float  # |B_A w_A|^2 on expressions
    own_speech: float  # mean distance of B_A w_A from what is speech's own
    own_expressions: float  # and of B_E w_E from what is the expression's own
    closure: dict[str, float]  # how far shut lips part when the speech is given an emotion at full strength
    shown: float  # size of B_E w_E relative to the expression's own displacement at the apex


def ablate(
    config: FusionConfig, corpus: Corpus, truth: Truth, head: HeadModel, out: Path
) -> tuple[list[Result], dict[str, Fusion]]:
    """Train every variant (each resumes in its own folder of `out`), measure, write `out/ablation.csv`."""
    table = DisplacementMap.of(head, config.map_size)
    models = {
        name: fit(replace(config, **changes), corpus, table, head, out / name.replace(" ", "_"))  # type: ignore[arg-type]
        for name, changes in VARIANTS.items()
    }
    results = [naive(corpus.space, truth)] + [measure(n, m, corpus.space, truth) for n, m in models.items()]
    write(out / "ablation.csv", results)
    return results, models


def measure(variant: str, model: Fusion, space: Space, truth: Truth) -> Result:
    """How a model takes the two domains apart and puts them together."""
    (a, leak_e), (leak_a, e) = (parts(model, rows) for rows in (truth.speech, truth.expressions))
    shown = {apex.emotion: [] for apex in truth.apexes}
    sizes = []
    for apex in truth.apexes:
        expression = parts(model, apex.coordinates[None])[1]
        shown[apex.emotion].append(expression)
        sizes.append(np.linalg.norm(expression) / np.linalg.norm(apex.coordinates))
    return Result(
        variant,
        _distance(space, a + leak_e - truth.speech),
        _distance(space, leak_a + e - truth.expressions),
        _energy(leak_e, truth.speech),
        _energy(leak_a, truth.expressions),
        _distance(space, a - truth.own_speech),
        _distance(space, e - truth.own_expressions),
        _closure(space, truth, a[truth.shut], shown),
        float(np.mean(sizes)),
    )


def naive(space: Space, truth: Truth) -> Result:
    """The sum of the raw offsets of both domains."""
    shown = {apex.emotion: [] for apex in truth.apexes}
    for apex in truth.apexes:
        shown[apex.emotion].append(apex.coordinates[None])
    return Result(
        "naive sum of offsets",
        0.0,
        0.0,
        _energy(truth.speech - truth.own_speech, truth.speech),
        _energy(truth.expressions - truth.own_expressions, truth.expressions),
        _distance(space, truth.speech - truth.own_speech),
        _distance(space, truth.expressions - truth.own_expressions),
        _closure(space, truth, truth.speech[truth.shut], shown),
        1.0,
    )


def parts(model: Fusion, rows: F32) -> tuple[F32, F32]:
    """B_A w_A and B_E w_E of displacements, all as coordinates [n, R]."""
    with torch.no_grad():
        weights = model(torch.from_numpy(rows))
        a, e = (w @ basis for w, basis in zip(weights, model.bases, strict=True))
    return a.numpy(), e.numpy()


def write(path: Path, results: list[Result]) -> None:
    """The table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        fields = [name for name in Result.__dataclass_fields__ if name != "closure"]
        writer.writerow([*fields, *(f"closure_{label}" for label in EMOTIONS[1:])])
        for r in results:
            numbers = [getattr(r, name) for name in fields[1:]] + [r.closure[label] for label in EMOTIONS[1:]]
            writer.writerow([r.variant, *(f"{n:.4f}" for n in numbers)])


def draw_columns(model: Fusion, space: Space, head: HeadModel, path: Path) -> None:
    """Where each blendshape moves the face, as a PNG: speech above, expression below, strongest first."""
    import matplotlib.pyplot as plt

    table = DisplacementMap.of(head, 96)
    bases = [basis.detach().numpy() for basis in model.bases]
    across = 8
    rows = [-(-len(basis) // across) for basis in bases]
    figure, axes = plt.subplots(sum(rows), across, figsize=(across, sum(rows) * 1.08), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for name, basis, first in zip("AE", bases, (0, rows[0]), strict=True):
        for k, column in enumerate(basis):
            whole = np.zeros((1, len(head.v_template), 3), np.float32)
            whole[0, space.vertices] = (space.basis @ column).reshape(-1, 3)
            size = np.linalg.norm(table(whole)[0], axis=2)
            axis = axes[first + k // across, k % across]
            axis.imshow(np.where(table.weight.sum(axis=2) > 0, size / size.max(), np.nan), cmap="magma", vmin=0, vmax=1)
            axis.set_title(f"{name}{k + 1}", fontsize=6, pad=1)
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.975, wspace=0.04, hspace=0.16)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _closure(space: Space, truth: Truth, speech: F32, shown: Mapping[str, list[F32]]) -> dict[str, float]:
    """Mean of max(gap - gap of the speech's own, 0) over shut frames and lip pairs, per emotion."""
    wanted = truth.own_speech[truth.shut] @ space.gap.T
    errors = {}
    for label, apexes in shown.items():
        excess = [np.maximum((speech + apex) @ space.gap.T - wanted, 0).mean() for apex in apexes]
        errors[label] = float(np.mean(excess))
    return errors


def _distance(space: Space, rows: F32) -> float:
    return float(space.distances(rows).mean())


def _energy(part: F32, whole: F32) -> float:
    return float(np.square(part).sum() / np.square(whole).sum())
