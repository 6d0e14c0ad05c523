"""From the points that a tracker finds to a head: focal length, identity, and for every picture pose, face and gaze.

Least squares of what the tracker reports (`landmark_model`), with priors where one camera cannot tell. First a few
dozen pictures in different poses settle focal length and identity together; then every picture is solved with these,
its neighbours in time holding on to it a little. Gauss-Newton steps; errors that points share are unknowns of their
own and drop out; points that are far off lose weight (Geman and McClure 1987). Where the pictures themselves are there,
focal length and identity are then settled once more, by how the skin moves through them (`flow`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...avatars.motion import CURVES, Motion
from ...avatars.pose import Poser
from ...core.errors import InputError
from ...core.maths import smoothstep
from ...core.rotation import axis_angles, nearest_rotation
from ...renderer import Camera
from ..tracking.tracker import LANDMARKS
from .flow import Filmed, Tracks, references, skin_points, track_skin
from .landmark_model import (
    ANGLES,
    CENTRE,
    LandmarkModel,
    LandmarkTable,
    exponential,
    line_of_sight,
    load_table,
    sight_slopes,
)
from .track import FaceFilm

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Bools = NDArray[np.bool_]

KEYS = 48  # pictures that settle focal length and identity
TOLD = 8.0  # so many pictures' worth they tell of these: the tracker errs alike in all of them
KEY_STEPS, SKIN_STEPS, STEPS = 14, 10, 7
LEAP, LEAP_ANGLE = 1.0, 0.2  # at most in one step: standard deviations of shapes and expressions, radians
FOCAL_WAITS = 3  # steps, for the poses to settle
CHUNK = 64  # pictures at a time
FLOOR = 0.001  # metres: error of every point beyond what was measured on our own pictures
OUTLIER = 4.0  # standard deviations from which on points lose weight
FACING, TURNED_AWAY = 0.3, 0.02  # cosine from which on a point counts in full; weight of one that looks away
# Of the longer side; of its logarithm, per `TOLD` pictures; that of one that is told. A phone has 0.7 to 1.1, parts of
# its pictures more. What the tracker makes of near faces tells so little of it that more freedom made real faces flat
FOCAL, FOCAL_SPREAD, FOCAL_TOLD = 1.05, 0.08, 0.003
# Once the skin's own points count: they tell the focal length, so that more freedom does no harm; metres by which they
# are off; how much less than alone landmarks are believed beside them; and how many are too few to be worth it
FOCAL_SPREAD_SKIN, SKIN_NOISE, DOUBT, FEWEST_FOUND = 0.15, 0.0005, 5.0, 2_000
UNSEEN = 1e-9  # weight of a point that was not found
EXPRESSION = 1.0  # standard deviations of usual faces
EXPRESSION_TAIL = 2.5  # standard deviations: beyond it an expression costs little more
JAW, JAW_ASIDE = 0.2, 0.02  # radians
GAZE, SQUINT = 0.25, 0.03  # radians: spread of each eye, and between both
PLACE = 0.5  # metres
STEP_EXPR, STEP_ANGLES = 0.45, (0.06, 0.008, 0.15, 0.15, 0.15, 0.15)  # usual change in 1/25 s
STEP_TURN, STEP_PLACE = 0.03, (0.004, 0.004, 0.003)  # radians, metres
OFFSET, OFFSET_REACH, OFFSET_WAVES = 0.0015, 0.025, 24  # metres beyond the identity modes, their wave length, number
OFFSET_SAMPLES = 500
# Where points of MediaPipe's mesh lie against others is known better than where they are: how far the lips and the lids
# are apart, and the iris from the corners of its eye. Points, the points that these are measured from, metres across
# and down (infinite: not told), and what is added of the distance itself.
RELATIONS = (
    *(((a,), (b,), (np.inf, 0.0005)) for a, b in ((13, 14), (82, 87), (312, 317), (81, 178), (311, 402))),
    *(((a,), (b,), (np.inf, 0.0004)) for a, b in ((386, 374), (385, 380), (159, 145), (158, 153))),
    ((473,), (263, 362), (0.0006, 0.0004)),
    ((468,), (33, 133), (0.0006, 0.0004)),
)
SHARE = 0.15
LIPS = 5  # of these; closed ones are told by the points alone, whatever else the tracker does
CLOSED, CLOSED_EXACT = (0.0015, 0.003), 0.0004  # metres between lips that surely touch, and from which on they do not
EYES = ((386, 374, range(473, 478)), (159, 145, range(468, 473)))  # upper and lower lid, and the iris between them
SHUT = 0.002, 0.005  # metres between the lids: nothing is seen of the iris, all that there is
ASTRAY = 3.0  # times the usual error: a picture that is not to be trusted
MEDIAN_STEPS, NEAR_TURN = 30, 0.02  # radians within which turns count alike
FLIP = np.diag([1.0, -1.0, -1.0])  # between the camera's axes and the head's


@dataclass(frozen=True, eq=False)
class Solution:
    """A filmed head: camera, person and motion, in FLAME's space."""

    camera: Camera  # looks along -Z; pixels of the film as it was read
    head: HeadModel  # the person's: neutral face and joints
    identity: F64  # [I] coefficients
    offset: F64  # [V, 3] metres, beyond the identity modes
    motion: Motion  # [N] a row per picture; where no face was seen its neighbours go on
    seen: Bools  # [N] whether a face was found
    sure: Bools  # [N] whether a face was found whose points fit as they usually do
    error: F64  # [N] pixels between the points and what the tracker would report, median; NaN where none was seen
    key: I64  # pictures that settled focal length and identity
    numbers: dict[str, float]


@dataclass(frozen=True, eq=False)
class State:
    """What is sought."""

    log_focal: float
    shape: F64  # [S]
    expr: F64  # [T, E]
    angles: F64  # [T, 6]
    turn: F64  # [T, 3, 3] from the head to the camera
    place: F64  # [T, 3] of `CENTRE` before the camera
    shared: F64  # [T, K] errors that points share

    def rows(self, rows: NDArray[np.integer] | slice) -> State:
        """Some of the pictures."""
        names = ("expr", "angles", "turn", "place", "shared")
        return replace(self, **{n: getattr(self, n)[rows] for n in names})


@dataclass(frozen=True, eq=False)
class Equations:
    """Normal equations of some pictures: `A x = b` with the unknowns of the film first."""

    film: F64  # [F, F] unknowns of the film: logarithm of the focal length, shape
    film_side: F64  # [F]
    mixed: F64  # [T, F, P]
    picture: F64  # [T, P, P] unknowns of a picture: expression, angles, turn, place; shared errors are eliminated
    side: F64  # [T, P]
    back: Back
    error: F64  # [T] pixels, median


Back = tuple[F64, F64, F64]  # to find the shared errors again: inverse, what mixes them with the others, side


@dataclass(frozen=True, eq=False)
class _Seen:
    """Points as they should be reported against those that are, in metres in the picture of an upright head."""

    miss: F64  # [T, L, 2]
    slopes: F64  # [T, L, 2, ...] by the unknowns of the film, where asked for, and of the picture
    reported: F64  # [T, L, 2]
    answered: F64  # [T, L, 2] the tracker's share
    sight: F64  # [T, L] how well each is seen
    scale: F64  # [T] metres per pixel


def solve_film(
    film: FaceFilm,
    head: HeadModel,
    *,
    focal: float | None = None,
    table: LandmarkTable | None = None,
    greys: Callable[[I64], Sequence[U8]] | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Solution:
    """Identity, focal length and motion of a filmed head, on `head` without identity.

    greys: reads pictures [H, W] of the film by their numbers, ascending; without it only landmarks are believed

    The size of a head and its distance cannot be told apart by one camera: the size is that of usual people. The focal
    length hardly can: `focal` (pixels of the film as read) is better where somebody knows it.

    Raises InputError where too few pictures show a face, or for a head without landmarks.
    """
    seen = np.flatnonzero(film.seen & np.isfinite(film.points).all(axis=(1, 2)))
    if len(seen) < 2:
        raise InputError(f"{film.path}: expected a face in at least two pictures, found {len(seen)}")
    table = table or load_table()
    model = LandmarkModel(head, table, offset_modes(head))
    solver = FilmSolver(model, film.points[seen][:, table.points], film.width, film.height, focal)
    state = solver.start(film.poses[seen])
    keys = spread_poses(state, film.sharpness[seen], KEYS)
    report(f"focal length and identity from {len(keys)} pictures")
    settled = solver.settle(state, keys)
    if greys is not None:
        report("focal length and identity from the skin in these pictures")
        settled = _settled_by_skin(solver, head, settled, keys, greys(seen[keys]))
    report(f"motion of {len(seen)} pictures")
    solved, error = solver.follow(settled, film.fps, np.diff(seen))
    return _solution(film, head, model, solved, seen, error, seen[keys])


def _settled_by_skin(solver: FilmSolver, head: HeadModel, state: State, keys: I64, greys: Sequence[U8]) -> State:
    """Focal length and shape once more, by points of the skin that are found again in the pictures `keys`."""
    part = state.rows(keys)
    person = person_of(head, solver.model, state.shape)
    view = view_of(state)
    motion = _motion(part, person.joints.astype(np.float64), view, 25.0)
    vertices = Poser(person).vertices(motion).astype(np.float64) @ view[:3, :3].T + view[:3, 3]
    sight = line_of_sight(part.turn, part.place)[0][:, :2]
    film = Filmed(greys, vertices, float(np.exp(state.log_focal)), head.faces)
    tracks = track_skin(film, *skin_points(head, solver.model.table), references(sight, part.expr, part.angles[:, 0]))
    if np.isfinite(tracks.points[..., 0]).sum() < FEWEST_FOUND:
        return state
    settled = solver.with_skin(head, tracks, keys).settle(part, np.arange(len(keys)), steps=SKIN_STEPS)
    return with_keys(state, keys, settled)


class FilmSolver:
    """Least squares of the points [T, L, 2] of one film; NaN: not found."""

    def __init__(
        self,
        model: LandmarkModel,
        points: F64,
        width: int,
        height: int,
        focal: float | None = None,
        *,
        spread: float = FOCAL_SPREAD,
        noise: F64 | None = None,
    ) -> None:
        """focal: pixels, where it is told; else its logarithm spreads by `spread`; noise: [L] metres, if not usual"""
        self.model, self.points = model, points
        self.width, self.height, self.told = width, height, focal
        self.middle = np.array([width / 2, height / 2])
        self.focal = focal or FOCAL * max(width, height)
        self.focal_spread = FOCAL_TOLD if focal else spread
        self.noise = np.sqrt(model.table.noise**2 + FLOOR**2) if noise is None else noise
        self.fixed = 1 + model.shapes
        self.relations, self.exact = relations(model.table.points)
        self.free = model.expressions + len(ANGLES) + 6

    def with_skin(self, head: HeadModel, tracks: Tracks, keys: I64) -> FilmSolver:
        """The same for the pictures `keys`, with points of the skin, of which no tracker tells anything."""
        table, count = self.model.table, len(tracks.faces)
        response, modes = (np.pad(array, ((0, 0), (0, count), (0, 0))) for array in (table.response, table.modes))
        joined = replace(
            table,
            points=np.concatenate([table.points, LANDMARKS + np.arange(count)]),
            faces=np.concatenate([table.faces, tracks.faces]),
            weights=np.concatenate([table.weights, tracks.weights]),
            response=response,
            modes=modes,
            noise=np.concatenate([table.noise, np.full(count, SKIN_NOISE)]),
        )
        return FilmSolver(
            LandmarkModel(head, joined, self.model.extra),
            np.concatenate([self.points[keys], tracks.points], axis=1),
            self.width,
            self.height,
            self.told,
            spread=FOCAL_SPREAD_SKIN,
            noise=np.concatenate([DOUBT * self.noise, np.full(count, SKIN_NOISE)]),
        )

    def start(self, poses: F64) -> State:
        """A neutral mean face, turned as the tracker says [T, 3, 3]; its place is linear in the points."""
        model, frames = self.model, len(poses)
        shape = np.zeros(model.shapes)
        still = model.place(shape, np.zeros((1, model.expressions)), np.zeros((1, len(ANGLES)))).points[0] - CENTRE
        turn = FLIP @ poses
        x = still @ np.swapaxes(turn, 1, 2)  # [T, L, 3]
        ray = (self.points - self.middle) / self.focal
        # x + px = ray_x (z + pz), and the same below
        count = ray.shape[1]
        A = np.zeros((frames, 2 * count, 3))
        A[:, :count, 0] = A[:, count:, 1] = 1
        A[:, :count, 2], A[:, count:, 2] = -ray[..., 0], -ray[..., 1]
        b = np.concatenate([ray[..., 0] * x[..., 2] - x[..., 0], ray[..., 1] * x[..., 2] - x[..., 1]], axis=1)
        At = np.swapaxes(A, 1, 2)
        place = np.linalg.solve(At @ A, At @ b[..., None])[..., 0].astype(np.float64)
        return State(
            log_focal=float(np.log(self.focal)),
            shape=shape,
            expr=np.zeros((frames, model.expressions)),
            angles=np.zeros((frames, len(ANGLES))),
            turn=turn,
            place=place,
            shared=np.zeros((frames, len(model.table.modes))),
        )

    def settle(self, state: State, keys: I64, *, steps: int = KEY_STEPS) -> State:
        """Focal length and shape from some pictures; the others keep their pose."""
        part, points = state.rows(keys), self.points[keys]
        weight = len(keys) / min(TOLD, len(keys))
        for step in range(steps):
            e = self.equations(part, points, with_film=True)
            A, b = e.film.copy(), e.film_side.copy()
            self._film_prior(part, A, b, weight)
            if step < FOCAL_WAITS:
                A[0, 0] += 1e6
            inverse = np.linalg.inv(e.picture)
            across = e.mixed @ inverse
            A -= np.einsum("tfp,tgp->fg", across, e.mixed)
            b -= np.einsum("tfp,tp->f", across, e.side)
            film = np.linalg.solve(A, b)
            free = np.einsum("tpq,tq->tp", inverse, e.side - np.einsum("tfp,f->tp", e.mixed, film))
            part = self._moved(part, film, free, e.back)
        return with_keys(state, keys, part)

    def follow(self, state: State, fps: float, gaps: I64) -> tuple[State, F64]:
        """Every picture with focal length and shape as they are, and the error of each in pixels.

        gaps: [T - 1] pictures from one to the next
        """
        usual = np.r_[
            np.full(self.model.expressions, STEP_EXPR), STEP_ANGLES, np.full(3, STEP_TURN), STEP_PLACE
        ] * np.sqrt(25 / fps)
        hold = 1 / (usual**2 * gaps[:, None])  # [T - 1, P]
        error = np.zeros(len(state.expr))
        for _ in range(STEPS):
            parts = [slice(i, i + CHUNK) for i in range(0, len(state.expr), CHUNK)]
            found = [self.equations(state.rows(p), self.points[p], with_film=False) for p in parts]
            A, b = np.concatenate([e.picture for e in found]), np.concatenate([e.side for e in found])
            inverse, across, side = (np.concatenate([e.back[i] for e in found]) for i in range(3))
            error = np.concatenate([e.error for e in found])
            b -= _pull(state, hold)
            A[:, *np.diag_indices(self.free)] += _both_sides(hold)
            free = tridiagonal(A, -hold, b)
            state = self._moved(state, np.zeros(self.fixed), free, (inverse, across, side))
        return state, error

    def equations(self, state: State, points: F64, *, with_film: bool) -> Equations:
        """Normal equations of one Gauss-Newton step, priors of the pictures included."""
        shared = self.model.table.modes
        seen = self._seen(state, points, with_film=with_film)
        frames, count = seen.miss.shape[:2]
        errors = np.broadcast_to(np.moveaxis(shared, 0, -1), (frames, count, 2, len(shared)))
        miss = seen.miss + np.einsum("kla,tk->tla", shared, state.shared)
        off = np.linalg.norm(miss, axis=2)
        weight = seen.sight / self.noise**2 / (1 + (off / self.noise / OUTLIER) ** 2) ** 2
        J = np.concatenate([seen.slopes, errors], axis=3).reshape(frames, 2 * count, -1)
        weighted = J * np.repeat(weight, 2, axis=1)[..., None]
        A = np.swapaxes(weighted, 1, 2) @ J
        b = -np.einsum("tnp,tn->tp", weighted, miss.reshape(frames, -1))
        self._relate(seen, A, b)
        first = self.fixed if with_film else 0
        self._picture_prior(state, A[:, first:, first:], b[:, first:])
        error = np.median(np.linalg.norm(seen.miss, axis=2) / seen.scale[:, None], axis=1)
        return _without_shared(A, b, first, first + self.free, error)

    def _seen(self, state: State, points: F64, *, with_film: bool) -> _Seen:
        """What the tracker should report, against what it does."""
        model, focal = self.model, np.exp(state.log_focal)
        placed = model.place(state.shape, state.expr, state.angles, with_shape=with_film)
        arm = np.einsum("tab,tlb->tla", state.turn, placed.points - CENTRE)
        x = arm + state.place[:, None]
        pixels = focal * x[..., :2] / x[..., 2:] + self.middle
        there = np.isfinite(points[..., :1])
        points = np.where(there, points, pixels)
        sight, roll = line_of_sight(state.turn, state.place)
        scale = state.place[:, 2] / focal  # metres per pixel
        c, s = np.cos(roll), np.sin(roll)
        upright = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], 1) * scale[:, None, None]  # [T, 2, 2]
        answer = model.answer(sight, state.shape, state.expr, state.angles)
        lens = np.zeros((*x.shape[:2], 2, 3))  # metres, upright, by the place before the camera
        lens[..., 0, 0] = lens[..., 1, 1] = focal / x[..., 2]
        lens[..., 2] = -focal * x[..., :2] / x[..., 2:] ** 2
        lens = np.einsum("tij,tljk->tlik", upright, lens)
        through = np.einsum("tlij,tjk->tlik", lens, state.turn)
        by_pose = np.concatenate([lens @ _swung(arm), lens], axis=3)
        by_pose += np.einsum("tlik,tkp->tlip", answer.by_sight, sight_slopes(state.turn, state.place))
        columns = [through @ placed.by_expr + answer.by_expr, through @ placed.by_angle + answer.by_angle, by_pose]
        if placed.by_shape is not None:
            by_focal = np.einsum("tij,tlj->tli", upright, pixels - self.middle)[..., None]
            columns = [by_focal, through @ placed.by_shape + answer.by_shape, *columns]
        reported = np.einsum("tij,tlj->tli", upright, points)
        seen = self._sight(placed.points, state) * self._open_eyes(reported)
        return _Seen(
            miss=np.where(there, np.einsum("tij,tlj->tli", upright, pixels - points) + answer.added, 0),
            slopes=np.concatenate(columns, axis=3),
            reported=reported,
            answered=answer.added,
            sight=np.where(there[..., 0], seen, UNSEEN),
            scale=scale,
        )

    def _relate(self, seen: _Seen, A: F64, b: F64) -> None:
        """Adds how points lie against each other, in place; the errors that points share have no part in it."""
        size = np.abs(self.relations @ seen.reported)
        apart = self.relations @ seen.miss
        told = 1 / (self.exact + SHARE * size) ** 2
        told *= np.exp(0.5 * np.abs(self.relations) @ np.log(seen.sight)[..., None])
        told /= (1 + np.square(apart) * told / OUTLIER**2) ** 2
        closed = smoothstep((CLOSED[1] - size[:, :LIPS, 1]) / (CLOSED[1] - CLOSED[0]))
        apart[:, :LIPS, 1] -= closed * (self.relations[:LIPS] @ seen.answered)[..., 1]
        told[:, :LIPS, 1] = (1 - closed) * told[:, :LIPS, 1] + closed / CLOSED_EXACT**2
        slopes = np.moveaxis(np.tensordot(seen.slopes, self.relations, ((1,), (1,))), 3, 1)  # [T, M, 2, P]
        last = slopes.shape[3]
        rows = slopes.reshape(len(slopes), -1, last)
        weighted = rows * told.reshape(len(rows), -1, 1)
        A[:, :last, :last] += np.swapaxes(weighted, 1, 2) @ rows
        b[:, :last] -= np.einsum("tmp,tm->tp", weighted, apart.reshape(len(rows), -1))

    def _sight(self, points: F64, state: State) -> F64:
        """[T, L] how well each point is seen, `TURNED_AWAY` to 1."""
        normals = np.einsum("tab,lb->tla", state.turn, self.model.normals)
        ray = np.einsum("tab,tlb->tla", state.turn, points - CENTRE) + state.place[:, None]
        facing = -(normals * ray).sum(-1) / np.linalg.norm(ray, axis=-1)
        return np.clip(facing / FACING, TURNED_AWAY, 1)

    def _open_eyes(self, reported: F64) -> F64:
        """[T, L] how much of the irises is between the lids, `TURNED_AWAY` to 1; 1 for all other points."""
        found = np.ones(reported.shape[:2])
        numbers = self.model.table.points
        for upper, lower, iris in EYES:
            lids = [np.flatnonzero(numbers == lid) for lid in (upper, lower)]
            if all(len(lid) for lid in lids):
                gap = np.abs(reported[:, lids[0][0], 1] - reported[:, lids[1][0], 1])
                share = smoothstep((gap - SHUT[0]) / (SHUT[1] - SHUT[0]))
                found[:, np.isin(numbers, list(iris))] = np.maximum(share, TURNED_AWAY)[:, None]
        return found

    def _picture_prior(self, state: State, A: F64, b: F64) -> None:
        """Adds what is known of faces before any picture: [T, P + K, ...], in place."""
        modes, turns = self.model.expressions, len(ANGLES)
        pull = 1 / (EXPRESSION**2 * (1 + (state.expr / EXPRESSION_TAIL) ** 2))
        strength = np.zeros(b.shape)
        value = np.zeros(b.shape)
        strength[:, :modes], value[:, :modes] = pull, state.expr
        strength[:, modes : modes + turns] = 1 / np.square([JAW, JAW_ASIDE, GAZE, GAZE, GAZE, GAZE])
        value[:, modes : modes + turns] = state.angles
        strength[:, self.free :], value[:, self.free :] = 1, state.shared
        b -= strength * value
        A[:, *np.diag_indices(A.shape[1])] += strength
        for axis in (0, 1):  # the eyes look the same way
            left, right = modes + 2 + axis, modes + 4 + axis
            apart = state.angles[:, 2 + axis] - state.angles[:, 4 + axis]
            for i, sign in ((left, 1), (right, -1)):
                b[:, i] -= sign * apart / SQUINT**2
                A[:, i, i] += 1 / SQUINT**2
            A[:, left, right] -= 1 / SQUINT**2
            A[:, right, left] -= 1 / SQUINT**2

    def _film_prior(self, state: State, A: F64, b: F64, weight: float) -> None:
        strength = weight * np.r_[1 / self.focal_spread**2, np.ones(self.model.shapes)]
        A[np.diag_indices(self.fixed)] += strength
        b -= strength * np.r_[state.log_focal - np.log(self.focal), state.shape]

    def _moved(self, state: State, film: F64, free: F64, back: Back) -> State:
        """One step further."""
        modes, turns = self.model.expressions, len(ANGLES)
        film, free = film.copy(), free.copy()
        film[1:] = np.clip(film[1:], -LEAP, LEAP)
        free[:, :modes] = np.clip(free[:, :modes], -LEAP, LEAP)
        free[:, modes : modes + turns] = np.clip(free[:, modes : modes + turns], -LEAP_ANGLE, LEAP_ANGLE)
        inverse, across, side = back
        joined = free if not film.any() else np.concatenate([np.broadcast_to(film, (len(free), len(film))), free], 1)
        across = across[..., -joined.shape[1] :]
        shared = np.einsum("tkj,tj->tk", inverse, side - np.einsum("tkp,tp->tk", across, joined))
        return State(
            log_focal=state.log_focal + float(np.clip(film[0], -0.3, 0.3)),
            shape=state.shape + film[1:],
            expr=state.expr + free[:, :modes],
            angles=state.angles + free[:, modes : modes + turns],
            turn=exponential(free[:, -6:-3]) @ state.turn,
            place=state.place + free[:, -3:],
            shared=state.shared + shared,
        )


def with_keys(state: State, keys: I64, part: State) -> State:
    """The pictures `keys` as in `part`; all with its focal length, nearer or farther for that, and its shape."""
    ratio = np.exp(part.log_focal - state.log_focal)
    moved = replace(state, log_focal=part.log_focal, shape=part.shape, place=state.place * [1, 1, ratio])
    rows = {name: getattr(moved, name).copy() for name in ("expr", "angles", "turn", "place", "shared")}
    for name, array in rows.items():
        array[keys] = getattr(part, name)
    return replace(moved, **rows)


def relations(points: I64) -> tuple[F64, F64]:
    """`RELATIONS` of those among `points` [L]: matrix [M, L] and metres [M, 2]."""
    place = {int(point): i for i, point in enumerate(points)}
    rows, exact = [], []
    for ours, others, metres in RELATIONS:
        if all(point in place for point in (*ours, *others)):
            row = np.zeros(len(points))
            row[[place[p] for p in ours]] = 1 / len(ours)
            row[[place[p] for p in others]] = -1 / len(others)
            rows.append(row)
            exact.append(metres)
    return np.array(rows).reshape(-1, len(points)), np.array(exact).reshape(-1, 2)


def _without_shared(A: F64, b: F64, first: int, last: int, error: F64) -> Equations:
    """Eliminate the unknowns from `last` on; the film's end at `first`."""
    inverse = np.linalg.inv(A[:, last:, last:]).astype(np.float64)
    across = A[:, last:, :last]
    reduced = A[:, :last, :last] - np.swapaxes(across, 1, 2) @ inverse @ across
    side = b[:, :last] - np.einsum("tkp,tkj,tj->tp", across, inverse, b[:, last:], optimize=True)
    return Equations(
        film=reduced[:, :first, :first].sum(axis=0),
        film_side=side[:, :first].sum(axis=0),
        mixed=reduced[:, :first, first:],
        picture=reduced[:, first:, first:],
        side=side[:, first:],
        back=(inverse, across, b[:, last:]),
        error=error,
    )


def _swung(arm: F64) -> F64:
    """How arms [T, L, 3] move with a turn, [T, L, 3, 3]: exp(d) arm = arm + d x arm."""
    swung = np.zeros((*arm.shape, 3))
    swung[..., 0, 1], swung[..., 0, 2] = arm[..., 2], -arm[..., 1]
    swung[..., 1, 0], swung[..., 1, 2] = -arm[..., 2], arm[..., 0]
    swung[..., 2, 0], swung[..., 2, 1] = arm[..., 1], -arm[..., 0]
    return swung


def _both_sides(hold: F64) -> F64:
    """[T, P] of what holds each picture to the one before and after it [T - 1, P]."""
    none = np.zeros((1, hold.shape[1]))
    return np.concatenate([hold, none]) + np.concatenate([none, hold])


def _pull(state: State, hold: F64) -> F64:
    """[T, P] the gradient of what holds pictures together."""
    turned = np.swapaxes(state.turn[:-1], 1, 2)
    step = axis_angles(state.turn[1:] @ turned)  # in the camera's axes, as the unknowns
    change = np.concatenate(
        [np.diff(state.expr, axis=0), np.diff(state.angles, axis=0), step, np.diff(state.place, axis=0)], 1
    )
    force = hold * change
    none = np.zeros((1, force.shape[1]))
    return np.concatenate([none, force]) - np.concatenate([force, none])


def tridiagonal(A: F64, side: F64, b: F64) -> F64:
    """Solution [T, P] of a symmetric block tridiagonal system: blocks `A` [T, P, P], diagonal `side` [T - 1, P]."""
    from scipy.linalg import cho_factor, cho_solve

    factors, right = [], [b[0]]
    for t in range(len(A)):
        block = A[t]
        if t:
            solved = cho_solve(factors[-1], np.column_stack([np.diag(side[t - 1]), right[-1]]), check_finite=False)
            block = block - side[t - 1][:, None] * solved[:, :-1]
            right.append(b[t] - side[t - 1] * solved[:, -1])
        factors.append(cho_factor(block, lower=True, check_finite=False))
    x = np.empty_like(b)
    for t in range(len(A) - 1, -1, -1):
        rest = right[t] if t == len(A) - 1 else right[t] - side[t] * x[t + 1]
        x[t] = cho_solve(factors[t], rest, check_finite=False)
    return x


def offset_modes(head: HeadModel) -> F64:
    """Smooth displacements [V, 3, G], a Gaussian process (Luethi et al. 2018); eyeballs move as one."""
    rng = np.random.default_rng(0)
    places = head.v_template.astype(np.float64)
    skin = head.regions.get("skin", np.arange(len(places)))
    face = skin[places[skin, 2] > CENTRE[2] - 0.08]
    chosen = places[rng.choice(face, min(OFFSET_SAMPLES, len(face)), replace=False)]

    def kernel(points: F64) -> F64:
        return np.exp(-0.5 * np.square(points[:, None] - chosen).sum(-1) / OFFSET_REACH**2)

    values, vectors = np.linalg.eigh(kernel(chosen))
    waves = kernel(places) @ vectors[:, -OFFSET_WAVES:] / np.sqrt(values[-OFFSET_WAVES:])
    for part in ("left_eye", "right_eye"):
        if part in head.regions:
            waves[head.regions[part]] = waves[head.regions[part]].mean(axis=0)
    return (OFFSET * waves[:, None, :, None] * np.eye(3)[None, :, None, :]).reshape(len(places), 3, -1)


def spread_poses(state: State, sharpness: F64, most: int) -> I64:
    """Pictures whose heads are turned differently, the sharper the sooner; ascending."""
    view = line_of_sight(state.turn, state.place)[0][:, :2]
    usual = np.clip(sharpness / max(float(np.median(sharpness)), 1e-9), 0.3, 1.5)
    picked = [int(usual.argmax())]
    nearest = np.linalg.norm(view - view[picked[0]], axis=1) + 1e-3
    while len(picked) < min(most, len(view)):
        worth = nearest * usual
        worth[picked] = -1
        picked.append(int(worth.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(view - view[picked[-1]], axis=1) + 1e-3)
    return np.sort(np.array(picked, np.int64))


def _solution(
    film: FaceFilm, head: HeadModel, model: LandmarkModel, state: State, seen: I64, error: F64, keys: I64
) -> Solution:
    person, view = person_of(head, model, state.shape), view_of(state)
    focal = float(np.exp(state.log_focal))
    K = np.array([[focal, 0, film.width / 2], [0, focal, film.height / 2], [0, 0, 1.0]])
    solved = _motion(state, person.joints.astype(np.float64), view, film.fps)
    whole = interpolated(solved, seen, np.arange(len(film.times)))  # between the pictures that were seen by lines
    errors = np.full(len(film.times), np.nan)
    errors[seen] = error
    sure = film.seen & (np.nan_to_num(errors, nan=np.inf) <= ASTRAY * np.median(error))
    still = np.linalg.norm(np.diff(state.place, 2, axis=0), axis=1) if len(seen) > 2 else np.zeros(1)
    numbers = {
        "focal_px": focal,
        "error_px": float(np.median(error)),
        "error_px_95": float(np.percentile(error, 95)),
        "jitter_mm": float(1000 * np.median(still)),
        "distance_m": float(np.median(state.place[:, 2])),
        "seen": float(film.seen.mean()),
    }
    camera = Camera(view, K, film.width, film.height)
    identity, offset = state.shape[: model.identities], model.extra @ state.shape[model.identities :]
    return Solution(camera, person, identity, offset, whole, film.seen, sure, errors, keys, numbers)


def person_of(head: HeadModel, model: LandmarkModel, shape: F64) -> HeadModel:
    """The head with a shape [S] of the model, as neutral face and joints."""
    identity, waves = shape[: model.identities], shape[model.identities :]
    template = head.v_template + head.shapedirs @ identity + model.extra @ waves
    return replace(
        head, v_template=template.astype(np.float32), joints=(head.J_regressor @ template).astype(np.float32)
    )


def view_of(state: State) -> F64:
    """World to camera [4, 4]: the head's mean place in the camera becomes the world's."""
    view = np.eye(4)
    view[:3, :3] = FLIP
    view[:3, 3] = state.place.mean(axis=0) - FLIP @ CENTRE
    return view


def _motion(state: State, joints: F64, view: F64, fps: float) -> Motion:
    """The torso keeps its direction, that of the head in most pictures; the neck carries what the head turns."""
    turn = FLIP @ state.turn
    torso = median_turn(turn)
    root, neck = joints[0], joints[1]
    neck_place = (state.turn @ (neck - CENTRE) + state.place - view[:3, 3]) @ FLIP
    frames = len(turn)
    angles, zero = state.angles, np.zeros(frames)
    arrays = {
        "expr": state.expr,
        "jaw": np.stack([angles[:, 0], angles[:, 1], zero], 1),
        "neck": axis_angles(torso.T @ turn),
        "eyes": np.stack([angles[:, 2], angles[:, 3], zero, angles[:, 4], angles[:, 5], zero], 1),
        "rotation": np.tile(axis_angles(torso[None]), (frames, 1)),
        "translation": neck_place - torso @ (neck - root) - root,
    }
    return Motion(**{n: a.astype(np.float32) for n, a in arrays.items()}, fps=fps)


def median_turn(turns: F64) -> F64:
    """The rotation [3, 3] whose angles to some rotations [T, 3, 3] have the least sum (Weiszfeld's steps).

    Unlike their mean it hardly follows a head that looks longer to one side than to the other before it speaks.
    """
    median = nearest_rotation(turns.mean(axis=0))
    for _ in range(MEDIAN_STEPS):
        apart = axis_angles(turns @ median.T)
        weight = 1 / np.maximum(np.linalg.norm(apart, axis=1), NEAR_TURN)
        median = exponential(weight @ apart / weight.sum()) @ median
    return median


def interpolated(motion: Motion, own: F64 | I64, at: F64 | I64) -> Motion:
    """The motion at times `at` [n], by lines between its rows, which lie at the times `own` [T]; held beyond them."""

    def led(array: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.stack([np.interp(at, own, column) for column in array.T], axis=1).astype(np.float32)

    return replace(motion, **{name: led(getattr(motion, name)) for name in CURVES})
