"""How far the written heads lie from MakeHuman's own posed meshes, expression by expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import load_avatar
from ...avatars.head import HeadModel, load_head
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from .basis import UNIT_PREFIX
from .lids import MARGIN
from .people import Person
from .recipes import EMOTIONS, VISEMES
from .rig import GAZE_RANGE, shape_offsets
from .smile import smile_changes
from .topology import Topology, resting_body

F64 = NDArray[np.float64]

BILABIAL = "PP"


@dataclass(frozen=True)
class Deviation:
    """Distances between our vertices of skin and tongue and MakeHuman's, millimetres.

    `lids`: the largest where MakeHuman's lids come within a millimetre of the eyeball or run through it, from which
    ours are held off; `largest`: elsewhere; `mean`: of all.
    """

    person: str
    expression: str
    mean: float
    largest: float
    lids: float


class Comparison:
    """One written person against the source with our smiles."""

    def __init__(self, person: Person, topology: Topology, assets: Path) -> None:
        shared = load_head(assets / "heads" / "open.npz")
        self._person, self._topology = person, topology
        self._head = load_avatar(assets / "avatars" / f"{person.name}.npz", shared).head
        self._poser = Poser(self._head)
        source = topology.makehuman
        targets = source.face_units | {UNIT_PREFIX + n: u for n, u in source.expression_units.items()}
        self._names = tuple(n for n in self._head.arkit.names if n in targets)
        head = topology.head(resting_body(source, person))
        self._rest, self._eyes, self._radii = head.vertices, head.eyes, head.eye_radius
        shapes = {n: shape_offsets(topology, targets[n], None) for n in self._names}
        # our smiles are meant to differ: held against what was meant
        self._shapes = shapes | {n: shapes[n] + c for n, c in smile_changes(topology, head, shapes).items()}

    def deviations(self) -> Iterator[Deviation]:
        """Every ARKit shape and expression unit at weight 1, every emotion and every viseme."""
        for name in self._names:
            yield self._deviation(name, {name: 1.0}, _shape(self._head, name))
        jaw = self._head.arkit.jaw[self._head.arkit.names.index("jawOpen")]
        recipes = [(label, recipe) for label, variants in EMOTIONS.items() for recipe in variants]
        for table, rows in ((self._head.emotions, recipes), (self._head.visemes, list(VISEMES.items()))):
            for k, (label, recipe) in enumerate(rows):
                weights = recipe.expand(self._names) | {"jawOpen": float(np.radians(recipe.jaw) / jaw)}
                yield self._deviation(label, weights, _motion(self._head, table.expr[k], float(table.jaw[k])))

    def bilabial_gap(self) -> float:
        """Widest opening between the lips in the viseme of /p b m/, millimetres."""
        row = self._head.visemes.names.index(BILABIAL)
        motion = _motion(self._head, self._head.visemes.expr[row], float(self._head.visemes.jaw[row]))
        vertices = self._poser.vertices(motion)[0]
        upper, lower = self._head.lip_pairs.T
        return 1000 * float((vertices[upper] - vertices[lower])[:, 1].max())

    def _deviation(self, label: str, weights: dict[str, float], motion: Motion) -> Deviation:
        topology = self._topology
        offsets = sum((w * self._shapes[n] for n, w in weights.items()), np.zeros_like(self._rest))
        posed = self._poser.vertices(motion)[0]
        rows = np.r_[topology.parts["skin"], topology.parts["tongue"]]
        moved = offsets[rows]
        distance = 1000 * np.linalg.norm(posed[rows] - (self._rest[rows] + moved), axis=1)
        held = self._in_eyeball(self._rest[rows], moved)
        return Deviation(
            self._person.name,
            label,
            float(distance.mean()),
            float(distance[~held].max()),
            float(distance[held].max(initial=0)),
        )

    def _in_eyeball(self, rest: F64, moved: F64) -> NDArray[np.bool_]:
        """Vertices that MakeHuman leads through an eyeball on the way from `rest` to the expression, [n]."""
        return np.any(
            [
                np.linalg.norm(rest + share * moved - centre, axis=1) < radius + MARGIN
                for share in (0.0, 0.5, 1.0)
                for centre, radius in zip(self._eyes, self._radii, strict=True)
            ],
            axis=0,
        )


def _motion(head: HeadModel, expr: NDArray, jaw: float = 0.0) -> Motion:
    motion = Motion.rest(1, head.expressions, 25.0)
    motion.expr[0], motion.jaw[0, 0] = expr, jaw
    return motion


def _shape(head: HeadModel, name: str) -> Motion:
    """A named shape at weight 1; the eyeLook shapes are turns of the eyes."""
    row = head.arkit.names.index(name)
    motion = _motion(head, head.arkit.expr[row], float(head.arkit.jaw[row]))
    if name.startswith("eyeLook"):
        left = name.endswith("Left")
        direction = name.removeprefix("eyeLook").removesuffix("Left").removesuffix("Right")
        pitch = {"Up": -GAZE_RANGE, "Down": GAZE_RANGE}.get(direction, 0.0)
        outwards = {"In": -GAZE_RANGE, "Out": GAZE_RANGE}.get(direction, 0.0)
        motion.eyes[0, 0 if left else 3 :][:2] = pitch, outwards if left else -outwards
    return motion


def report(people: list[Person], topology: Topology, assets: Path) -> Iterator[str]:
    """Lines of text: the worst expressions of all people, and how the lips close."""
    comparisons = [Comparison(person, topology, assets) for person in people]
    deviations = [d for c in comparisons for d in c.deviations()]
    yield f"{len(deviations)} posed meshes: mean {np.mean([d.mean for d in deviations]):.3f} mm"
    yield f"largest mean {max(d.mean for d in deviations):.3f} mm, largest {max(d.largest for d in deviations):.2f} mm"
    yield f"lids held off the eyeballs: largest {max(d.lids for d in deviations):.2f} mm"
    for d in sorted(deviations, key=lambda d: -d.largest):
        yield f"{d.person}  {d.expression:<28} mean {d.mean:.3f}  max {d.largest:.2f}  lids {d.lids:.2f} mm"
    for person, comparison in zip(people, comparisons, strict=True):
        yield f"{person.name}  lips at /p b m/ at most {comparison.bilabial_gap():.2f} mm apart"
