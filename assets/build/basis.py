"""Linear bases: expressions from named shapes, identities from random people, joints from vertices."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from .lids import LidCollision
from .people import Shape
from .rig import joints_of, shape_offsets
from .topology import Topology

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MIXTURES = 6000  # random expressions whose covariance orders the modes
IDENTITIES, IDENTITY_MODES = 240, 40
JOINT_CANDIDATES = 400
UNIT_PREFIX = "unit_"  # of MakeHuman's expression units among the named shapes
SKIPPED = {"jawOpen"} | {f"eyeLook{d}{s}" for d in ("Up", "Down", "In", "Out") for s in ("Left", "Right")}
DETAILS = [
    *(f"head/head-{n}" for n in ("oval", "round", "square", "fat-incr", "fat-decr", "scale-horiz-incr")),
    *(f"head/head-{n}" for n in ("scale-horiz-decr", "scale-vert-incr", "scale-vert-decr")),
    *("forehead/forehead-scale-vert-incr", "forehead/forehead-temple-decr", "eyebrows/eyebrows-trans-forward"),
    *(f"nose/nose-{n}" for n in ("scale-vert-incr", "scale-horiz-incr", "scale-horiz-decr", "hump-incr")),
    *(f"nose/nose-{n}" for n in ("point-up", "point-down", "volume-incr")),
    *(f"mouth/mouth-{n}" for n in ("scale-horiz-incr", "scale-horiz-decr", "upperlip-volume-incr")),
    *(f"mouth/mouth-{n}" for n in ("lowerlip-volume-incr", "lowerlip-volume-decr")),
    *(f"chin/chin-{n}" for n in ("prominent-incr", "width-incr", "width-decr", "height-incr", "jaw-drop-incr")),
    *(f"cheek/x-cheek-{n}" for n in ("bones-incr", "volume-incr", "volume-decr")),
    *(f"eyes/x-eye-{n}" for n in ("scale-incr", "scale-decr", "trans-in", "trans-out", "height2-incr")),
    *("ears/x-ear-wing-incr", "ears/x-ear-scale-incr", "neck/neck-scale-horiz-incr"),
]


@dataclass(frozen=True, eq=False)
class ExpressionBasis:
    """Modes as mixtures of named shapes, so that every person's shapes give modes with the same meaning."""

    names: tuple[str, ...]  # K shapes
    mixing: F64  # [K, E]: mode e = sum_k mixing[k, e] * shape k
    coefficients: F64  # [K, E] of each shape at weight 1

    def modes(self, shapes: F64) -> F64:
        """Expression directions [V, 3, E] of a person with shapes [K, V, 3]."""
        return np.tensordot(shapes, self.mixing, (0, 0))

    def encode(self, weights: dict[str, float]) -> F64:
        """Coefficients [E] of a mixture of named shapes."""
        return sum(
            (w * self.coefficients[self.names.index(n)] for n, w in weights.items()), np.zeros(self.mixing.shape[1])
        )


def expression_shapes(topology: Topology, lids: LidCollision) -> dict[str, F64]:
    """Named shapes as offsets [V, 3]: ARKit's without jaw and gaze, then MakeHuman's units."""
    makehuman = topology.makehuman
    units = {n: u for n, u in makehuman.face_units.items() if n not in SKIPPED}
    units |= {UNIT_PREFIX + n: u for n, u in makehuman.expression_units.items()}
    return {n: shape_offsets(topology, u, lids) for n, u in units.items()}


def expression_basis(shapes: dict[str, F64], seed: int) -> ExpressionBasis:
    """Principal modes of natural sparse mixtures about the neutral face, of unit variance."""
    names = tuple(shapes)
    matrix = np.stack(list(shapes.values())).reshape(len(names), -1)
    mixtures = _mixtures(names, np.random.default_rng(seed))
    factor = np.linalg.cholesky(mixtures.T @ mixtures / MIXTURES + 1e-12 * np.eye(len(names)))
    _, modes = np.linalg.eigh(factor.T @ (matrix @ matrix.T) @ factor)
    mixing = factor @ modes[:, ::-1]
    # coefficient of mode e: projection on its direction, divided by its standard deviation over the mixtures
    length = np.linalg.norm(mixing.T @ matrix, axis=1)
    mixing /= length
    deviation = np.sqrt(((mixtures @ (matrix @ (mixing.T @ matrix).T)) ** 2).mean(0))
    mixing *= deviation
    mixing *= np.where(mixing.sum(0) < 0, -1, 1)  # eigenvectors have no sign of their own
    return ExpressionBasis(names, mixing, np.linalg.inv(mixing.T))


def _mixtures(names: tuple[str, ...], rng: np.random.Generator) -> F64:
    """Weights [MIXTURES, K] of natural expressions: few shapes at once, left and right alike."""
    weights = np.zeros((MIXTURES, len(names)))
    pairs: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        pairs.setdefault(re.sub(r"Left|Right|-left|-right", "", name), []).append(i)
    for name, columns in pairs.items():
        active = rng.random(MIXTURES) < (0.12 if name.startswith(UNIT_PREFIX) else 0.25)
        amount = rng.beta(1.2, 2.2, MIXTURES) * active
        if "Blink" in name:
            amount = (rng.random(MIXTURES) < 0.15) * rng.random(MIXTURES)
        for column in columns:
            sway = np.clip(1 + 0.35 * rng.normal(size=MIXTURES), 0, 1.5) if len(columns) > 1 else 1.0
            weights[:, column] = amount * sway
    return weights


def random_shape(rng: np.random.Generator) -> Shape:
    """A random adult."""
    weights = rng.dirichlet([0.7] * 3).tolist()
    race: dict[str, float] = dict(zip(("caucasian", "asian", "african"), weights, strict=True))
    return Shape(
        gender=float(rng.random() < 0.5) * 0.8 + 0.2 * rng.random(),
        age=rng.uniform(0.4, 0.85),
        muscle=rng.uniform(0.3, 0.8),
        weight=rng.uniform(0.25, 0.85),
        proportions=rng.uniform(0.3, 1.0),
        race=race,
        details={d: 0.8 * rng.random() for d in DETAILS if rng.random() < 0.3},
    )


def random_people(topology: Topology, seed: int) -> tuple[F64, F64]:
    """Vertices [n, V, 3] and joints [n, 5, 3] of random adults."""
    rng = np.random.default_rng(seed)
    heads = [topology.head(topology.makehuman.person(random_shape(rng))) for _ in range(IDENTITIES)]
    return np.stack([h.vertices for h in heads]), np.stack([joints_of(topology, h)[0] for h in heads])


def identity_basis(template: F64, people: F64) -> F64:
    """Directions [V, 3, I] of unit variance, principal components of the people about their mean."""
    offsets = (people - template).reshape(len(people), -1)
    _, singular, modes = np.linalg.svd(offsets - offsets.mean(0), full_matrices=False)
    scaled = modes[:IDENTITY_MODES] * singular[:IDENTITY_MODES, None] / np.sqrt(len(people))
    scaled *= np.where(scaled.sum(1, keepdims=True) < 0, -1, 1)
    return scaled.reshape(IDENTITY_MODES, -1, 3).transpose(1, 2, 0)


def joint_regressor(topology: Topology, template: F64, joints: F64, people: F64, people_joints: F64) -> F64:
    """Convex combinations [5, V] of vertices that give the joints, by non-negative least squares.

    The template counts a hundredfold; eye joints are combinations of their own eyeball's vertices.
    """
    heads = np.concatenate([people, template[None]])
    targets = np.concatenate([people_joints, joints[None]])
    importance = np.r_[np.ones(len(people)), 100.0]
    regressor = np.zeros((len(joints), len(template)))
    for j, joint in enumerate(joints):
        part = {3: "left_eye", 4: "right_eye"}.get(j)
        if part:
            near = np.arange(topology.vertex_count)[topology.parts[part]]
        else:
            near = np.argsort(np.linalg.norm(template - joint, axis=1), kind="stable")[:JOINT_CANDIDATES]
        system = (heads[:, near] * importance[:, None, None]).transpose(0, 2, 1).reshape(-1, len(near))
        wanted = (targets[:, j] * importance[:, None]).ravel()
        # the last row asks for weights that sum to one
        weights, _ = nnls(np.vstack([system, np.full(len(near), 30.0)]), np.r_[wanted, 30.0], maxiter=20000)
        regressor[j, near] = weights / weights.sum()
    return regressor
