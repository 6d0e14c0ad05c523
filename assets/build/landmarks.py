"""`python -m emosplat.assets.build.landmarks`: writes heads/open-landmarks.npz.

Draws the built-in people with faces, poses and cameras at random, asks MediaPipe's tracker for its points, and learns
from what was drawn

1. where on the head each point lies: the place of the surface that is nearest to it over all pictures;
2. what the tracker makes of people: the same people in random other shapes; how its error depends on pose, shape and
   expression is linear (ridge regression), what is left has modes that points share and a size of each point.

Needs the extra `track` and the tracker's model (docs/measure.md); a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar
from ...avatars.fitting.synthetic import expressive_motion
from ...avatars.head import HeadModel
from ...avatars.library import builtin_head, open_avatar
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...avatars.scene import load_scene
from ...avatars.shading import Shader
from ...core.npz import save_npz
from ...pipeline.capture.landmark_model import (
    CENTRE,
    FORMAT,
    TABLE,
    LandmarkModel,
    LandmarkTable,
    exponential,
    line_of_sight,
    response_terms,
)
from ...pipeline.capture.solve import offset_modes
from ...pipeline.tracking.tracker import LANDMARKS, Tracker, open_tracker
from ...renderer import Camera, Rasterizer, open_rasterizer

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

PEOPLE = ("person1-light", "person2-light", "person3-light", "person4-light")
PLACING, LEARNING = 300, 2600  # pictures of each person
SIDE, CHUNK = 448, 40  # pixels, pictures posed at a time
TURNS = (18.0, 45.0, 7.0)  # degrees of pitch, yaw and roll, at most
LOOK = (0.09, 0.16)  # radians: spread of the gaze's pitch and yaw
IDENTITY = 0.75  # standard deviations of shapes, added to the people's own
FIELD, HALF = (0.3, 0.8), 0.165  # radians of the camera; metres from the middle of the picture to its edge
SEEN, LEAST = 0.3, 0.03  # cosine from which on a point counts in full; weight of one that looks away
GROUPS = 16  # of points that are seen from the same sides
RIDGE, WINSOR = 200.0, 0.006  # of the regression; metres that an error counts at most
MODES, LARGEST = 32, 0.008  # errors that points share; metres
NEAREST, FINE = 3, 4  # vertices around which a point's place is sought, steps along the sides of a triangle
TYPICAL = 0.004  # metres: larger distances from a place count little more


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture: what was drawn, and the points [478, 2] that the tracker found, pixels."""

    person: int
    shape: F64  # [S] of the person, its own included
    change: F64  # [S] the part of it that is not in the person's own head
    expr: F64
    angles: F64  # [6]
    neck: F64  # [3]
    camera: Camera
    points: F64


def main() -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m emosplat.assets.build.landmarks", description=__doc__)
    parser.add_argument("--tracker", type=Path, help="MediaPipe's face_landmarker.task")
    parser.add_argument("--out", type=Path, default=TABLE)
    options = parser.parse_args()
    head, rasterizer = builtin_head(), open_rasterizer("cpu")
    people = [open_avatar(name) for name in PEOPLE]
    with open_tracker(options.tracker) as tracker:
        plain = [s for i in range(4) for s in samples(i, people[i], head, PLACING, 0.0, tracker, rasterizer)]
        faces, weights = place(head, people, plain)
        print(f"placed {len(faces)} points by {len(plain)} pictures", flush=True)
        shaped = [s for i in range(4) for s in samples(i, people[i], head, LEARNING, 1.0, tracker, rasterizer)]
    bare = LandmarkTable(head.version, np.arange(LANDMARKS), faces, weights, *_empty())
    table = learn(head, people, plain + shaped, bare)
    print(f"{len(shaped)} pictures; typical error beyond the response {1000 * np.median(table.noise):.2f} mm")
    write(options.out, table)


def write(path: Path, table: LandmarkTable) -> None:
    """Write a table that `load_table` reads."""
    save_npz(
        path,
        {
            "format": np.array(FORMAT),
            "head": np.array(table.head),
            "points": table.points.astype(np.int32),
            "faces": table.faces.astype(np.int32),
            "weights": table.weights.astype(np.float32),
            "response": table.response.astype(np.float16),
            "modes": table.modes.astype(np.float16),
            "noise": table.noise.astype(np.float32),
        },
    )


def samples(
    number: int,
    avatar: Avatar,
    generic: HeadModel,
    count: int,
    variety: float,
    tracker: Tracker,
    rasterizer: Rasterizer,
) -> Iterator[Sample]:
    """Pictures of one person whose shape changes by `variety` of what is usual."""
    rng = np.random.default_rng([number, count])
    dirs = shape_directions(generic)
    ids = generic.shapedirs.shape[2]
    own = np.zeros(dirs.shape[2])
    apart = (avatar.head.v_template - generic.v_template).reshape(-1).astype(np.float64)
    own[:ids] = np.linalg.lstsq(generic.shapedirs.reshape(len(apart), -1).astype(np.float64), apart, rcond=None)[0]
    poser, shader, scene = Poser(wide_head(avatar.head, generic)), Shader(avatar), load_scene(avatar, rasterizer)
    usual = np.r_[np.full(ids, IDENTITY), np.ones(dirs.shape[2] - ids)]
    for _ in range(0, count, CHUNK):
        change = variety * rng.normal(size=(CHUNK, len(own))) * usual
        motion = _motion(avatar.head, rng)
        wide = replace(motion, expr=np.concatenate([motion.expr, change], axis=1, dtype=np.float32))
        transforms, shading = poser.transforms(wide), shader.weights(motion)
        for i in range(CHUNK):
            camera = _camera(rng)
            frame = scene.render(
                camera, transforms[i : i + 1], shading_weights=shading[i : i + 1], background=rng.uniform(0.2, 0.9, 3)
            )[0]
            found = tracker.find(frame.rgb)
            if len(found) != 1:
                continue
            angles = np.r_[motion.jaw[i, :2], motion.eyes[i, :2], motion.eyes[i, 3:5]].astype(np.float64)
            neck, expr = motion.neck[i].astype(np.float64), motion.expr[i].astype(np.float64)
            points = found[0].points[:, :2].astype(np.float64)
            yield Sample(number, own + change[i], change[i], expr, angles, neck, camera, points)


def shape_directions(generic: HeadModel) -> F64:
    """Identity modes, then those beyond them, [V, 3, S]."""
    return np.concatenate([generic.shapedirs.astype(np.float64), offset_modes(generic)], axis=2)


def wide_head(head: HeadModel, generic: HeadModel) -> HeadModel:
    """A head whose shape is driven as further expressions, joints included."""
    dirs = shape_directions(generic)
    joints = np.einsum("jv,vas->jas", generic.J_regressor, dirs)
    still = np.zeros((*joints.shape[:2], head.expressions))
    return replace(
        head,
        exprdirs=np.concatenate([head.exprdirs, dirs], axis=2, dtype=np.float32),
        joint_exprdirs=np.concatenate([still, joints], axis=2, dtype=np.float32),
        shapedirs=generic.shapedirs[..., :0],
    )


def _motion(head: HeadModel, rng: np.random.Generator) -> Motion:
    """Faces: a quarter at rest, others that mean or say something, half of them mixtures of shapes; some blink."""
    motion = expressive_motion(head, CHUNK, seed=int(rng.integers(1 << 30)))
    strength = np.where(np.arange(CHUNK) % 4 == 0, 0, rng.uniform(0.3, 0.9, CHUNK))[:, None]
    expr, jaw = strength * motion.expr, strength * motion.jaw
    single = [i for i, n in enumerate(head.arkit.names) if not n.startswith("eyeLook") and n != "jawOpen"]
    for i in range(1, CHUNK, 2):
        expr[i] = rng.beta(1.2, 1.6, 4) @ head.arkit.expr[rng.choice(single, 4, replace=False)]
        jaw[i] = rng.choice([0, rng.uniform(0, 0.3)]), rng.normal(0, 0.02), 0
    blink = sum(head.arkit.expr[head.arkit.rows(f"eyeBlink{side}")[0]] for side in ("Left", "Right"))
    expr[::7] += rng.uniform(0, 1, (len(expr[::7]), 1)) * blink
    gaze = np.tile(rng.normal(0, (*LOOK, 0), (CHUNK, 3)), 2)
    neck = np.radians(rng.uniform(-1, 1, (CHUNK, 3)) * TURNS)
    arrays = {"expr": expr, "jaw": jaw, "eyes": gaze, "neck": neck}
    rest = Motion.rest(CHUNK, head.expressions, 25.0)
    return replace(rest, **{n: a.astype(np.float32) for n, a in arrays.items()})


def _camera(rng: np.random.Generator) -> Camera:
    field = rng.uniform(*FIELD)
    distance = HALF / np.tan(field / 2) * rng.uniform(0.9, 1.3)
    target = [rng.normal(0, 0.015), rng.normal(0, 0.015), 0.03]
    return Camera.look_at([0, 0.02, distance], target, fov_y=field, width=SIDE, height=SIDE)


def place(head: HeadModel, people: list[Avatar], pictures: list[Sample]) -> tuple[I64, F64]:
    """Triangle [478] and barycentric weights [478, 3] of each point: eyes on eyeballs, all others on the skin."""
    pixels, facing, scale = _drawn(head, people, pictures)
    found = np.stack([s.points for s in pictures])
    bag = np.setdiff1d(head.regions["mouth_bag"], head.regions["lips"])
    front = head.v_template[:, 2] > -0.05
    skin = np.setdiff1d(np.union1d(head.regions["skin"], head.regions["lips"]), bag)
    skin = skin[front[skin] & (head.v_template[skin, 1] > -0.11)]
    steps = np.array([(i, j, FINE - i - j) for i in range(FINE + 1) for j in range(FINE + 1 - i)]) / FINE
    faces, weights = np.zeros(LANDMARKS, np.int64), np.zeros((LANDMARKS, 3))
    for point in range(LANDMARKS):
        iris = {True: "right_eye", False: "left_eye"}[point < 473] if point >= 468 else None
        allowed = head.regions[iris] if iris else skin
        cost = _distance(found[:, point], pixels[:, allowed], facing[:, allowed], scale)
        near = allowed[np.argsort(cost)[:NEAREST]]
        usable = np.isin(head.faces, allowed).all(axis=1) & np.isin(head.faces, near).any(axis=1)
        triangles = np.repeat(np.flatnonzero(usable), len(steps))
        spread = np.tile(steps, (usable.sum(), 1))
        corners = head.faces[triangles]
        at = np.einsum("ck,scka->sca", spread, pixels[:, corners])
        best = _distance(found[:, point], at, np.einsum("ck,sck->sc", spread, facing[:, corners]), scale).argmin()
        faces[point], weights[point] = triangles[best], spread[best]
    return faces, weights


def _distance(found: F64, candidates: F64, facing: F64, scale: F64) -> F64:
    """Usual distance of candidates [S, C, 2] from a point [S, 2] where they are seen, robust; [C]."""
    off = np.linalg.norm(candidates - found[:, None], axis=2) * scale[:, None] / TYPICAL
    weight = np.clip((facing - 0.1) / SEEN, 0, 1)
    total = weight.sum(axis=0)
    cost = (weight * off**2 / (1 + off**2)).sum(axis=0) / np.maximum(total, 1e-9)
    return np.where(total > 0.35 * len(found), cost, np.inf)


def _drawn(head: HeadModel, people: list[Avatar], pictures: list[Sample]) -> tuple[F64, F64, F64]:
    """Where every vertex was drawn [S, V, 2], whether it faces the camera [S, V], and metres per pixel [S]."""
    posers = [Poser(wide_head(p.head, head)) for p in people]
    pixels, facing, scale = [], [], []
    for s in pictures:
        still = Motion.rest(1, len(s.expr) + len(s.change), 25.0)
        jaw, eyes = np.r_[s.angles[:2], 0], np.r_[s.angles[2:4], 0, s.angles[4:], 0]
        arrays = {"expr": np.r_[s.expr, s.change], "jaw": jaw, "eyes": eyes, "neck": s.neck}
        motion = replace(still, **{n: a[None].astype(np.float32) for n, a in arrays.items()})
        x = posers[s.person].vertices(motion)[0].astype(np.float64) @ s.camera.view[:3, :3].T + s.camera.view[:3, 3]
        a, b, c = x[head.faces.T]
        normal = np.zeros_like(x)
        np.add.at(normal, head.faces, np.cross(b - a, c - a)[:, None])
        lengths = np.linalg.norm(normal, axis=1) * np.linalg.norm(x, axis=1)
        facing.append(-(normal * x).sum(axis=1) / np.maximum(lengths, 1e-12))
        pixels.append(x[:, :2] / x[:, 2:] * s.camera.K[0, 0] + s.camera.K[:2, 2])
        scale.append(x[head.regions["skin"], 2].mean() / s.camera.K[0, 0])
    return np.array(pixels), np.array(facing), np.array(scale)


def learn(head: HeadModel, people: list[Avatar], pictures: list[Sample], bare: LandmarkTable) -> LandmarkTable:
    """The table with response, modes and noise."""
    errors = np.zeros((len(pictures), LANDMARKS, 2))
    facing, sight = np.zeros(errors.shape[:2]), np.zeros((len(pictures), 3))
    joint_dirs = np.einsum("v,vas->as", head.J_regressor[1], shape_directions(head))
    for number, avatar in enumerate(people):
        model = LandmarkModel(wide_head(avatar.head, head), bare)
        rows = [i for i, s in enumerate(pictures) if s.person == number]
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            errors[part], facing[part], sight[part] = _errors(model, joint_dirs, [pictures[i] for i in part])
    shape, expr, angles = (np.stack([getattr(s, n) for s in pictures]) for n in ("shape", "expr", "angles"))
    terms = response_terms(sight, shape, head.shapedirs.shape[2], expr, angles)
    weight = np.clip(facing / SEEN, LEAST, 1)
    response = regress(terms, errors, weight)
    left = errors - np.tensordot(terms, response, 1)
    left *= np.minimum(1, LARGEST / np.maximum(np.linalg.norm(left, axis=2, keepdims=True), 1e-9))
    modes, noise = shared_errors(left, weight, MODES)
    return replace(bare, response=response, modes=modes, noise=noise)


def _errors(model: LandmarkModel, joint_dirs: F64, pictures: list[Sample]) -> tuple[F64, F64, F64]:
    """What the tracker added [S, L, 2] in the picture of an upright head, metres; facing [S, L]; line of sight."""
    change, expr, angles, neck, found = (
        np.stack([getattr(s, n) for s in pictures]) for n in ("change", "expr", "angles", "neck", "points")
    )
    view, K = np.stack([s.camera.view for s in pictures]), np.stack([s.camera.K for s in pictures])
    points = model.place(np.zeros(model.shapes), np.concatenate([expr, change], axis=1), angles).points
    joint = model.joints[1] + change @ joint_dirs.T
    turned = exponential(neck)
    turn = view[:, :3, :3] @ turned
    moved = joint - np.einsum("tab,tb->ta", turned, joint)
    shift = np.einsum("tab,tb->ta", view[:, :3, :3], moved) + view[:, :3, 3]
    x = np.einsum("tab,tlb->tla", turn, points) + shift[:, None]
    where = turn @ CENTRE + shift
    sight, roll = line_of_sight(turn, where)
    off = found - (x[..., :2] / x[..., 2:] * K[:, :1, :1] + K[:, None, :2, 2])
    off *= (where[:, 2] / K[:, 0, 0])[:, None, None]
    c, s = np.cos(roll)[:, None], np.sin(roll)[:, None]
    upright = np.stack([c * off[..., 0] - s * off[..., 1], s * off[..., 0] + c * off[..., 1]], axis=-1)
    facing = -(np.einsum("tab,lb->tla", turn, model.normals) * x).sum(-1) / np.linalg.norm(x, axis=2)
    return upright, facing, sight


def regress(terms: F64, errors: F64, weight: F64) -> F64:
    """Coefficients [R, L, 2] of errors [S, L, 2] by terms [S, R], the first of which is constant; robust ridge.

    Points that are seen from the same sides share their weights, the mean of `weight` [S, L].
    """
    scale = terms.std(axis=0)
    scale[0] = 1
    X = terms / np.maximum(scale, 1e-12)
    groups = _alike(weight)
    ridge = RIDGE * np.diag(np.r_[0.0, np.ones(X.shape[1] - 1)])
    out = np.zeros((X.shape[1], *errors.shape[1:]))
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        Xw = X * weight[:, members].mean(axis=1)[:, None]
        inverse = np.linalg.inv(Xw.T @ X + ridge)
        y = errors[:, members]
        fitted = np.tensordot(X, np.tensordot(inverse, np.tensordot(Xw.T, y, 1), 1), 1)
        for _ in range(2):
            off = y - fitted
            off *= np.minimum(1, WINSOR / np.maximum(np.linalg.norm(off, axis=2, keepdims=True), 1e-12))
            found = np.tensordot(inverse, np.tensordot(Xw.T, fitted + off, 1), 1)
            fitted = np.tensordot(X, found, 1)
            out[:, members] = found
    return out / np.maximum(scale, 1e-12)[:, None, None]


def _alike(weight: F64) -> I64:
    """The group [L] of each point: those whose weights [S, L] over the pictures are alike."""
    sides = np.linalg.svd(weight - weight.mean(axis=1, keepdims=True), full_matrices=False)[2][:2]
    steps = round(GROUPS**0.5)
    bins = [np.searchsorted(np.quantile(side, np.linspace(0, 1, steps + 1)[1:-1]), side) for side in sides]
    return bins[0] * steps + bins[1]


def shared_errors(left: F64, weight: F64, count: int) -> tuple[F64, F64]:
    """Modes [K, L, 2] of unit variance of what is left [S, L, 2], and each point's own noise [L], metres."""
    x = (left * np.sqrt(weight)[..., None]).reshape(len(left), -1)
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    first = vectors[:, ::-1][:, :count].T
    own = (x - (x @ first.T) @ first).reshape(left.shape)
    noise = np.sqrt(np.square(own).mean(axis=(0, 2)) / weight.mean(axis=0))
    modes = first * np.sqrt(np.maximum(values[::-1][:count], 0))[:, None]
    return modes.reshape(-1, *left.shape[1:]), noise


def _empty() -> tuple[F64, F64, F64]:
    """No response, no modes, and noise that does not matter."""
    return np.zeros((1, LANDMARKS, 2)), np.zeros((0, LANDMARKS, 2)), np.full(LANDMARKS, 1e-3)


if __name__ == "__main__":
    main()
