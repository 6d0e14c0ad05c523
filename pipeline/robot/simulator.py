"""A simulated face of servos on a head's mesh: a stand-in for hardware, not physics.

Rigid parts go through the head's joints and lids. A string or rod moves the skin around its point along one way, less
with the distance along the surface; skin gives way less the farther it is pulled; lips that meet stop each other. Mass,
friction, wrinkles, teeth and the time that a servo needs are left out. Every unit of a robot is built a little
differently: each servo has a gain, a rest, some slack and a bend of its own (`Unit`), which nobody but the simulator
knows, so that there is something to learn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...avatars.geometry import edge_lengths
from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...avatars.surface import Surface
from ...core.maths import smoothstep
from ...core.rotation import rotation_matrices
from .description import Attached, Joint, Robot, String
from .landmarks import FRAMES, Places, Seen, still

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

GAIN, OFFSET, SLACK, BEND = 0.12, 0.03, 0.08, 0.15  # how far units differ: of the travel; slack of strings and rods
SOFT = 0.02  # of the travel: how gradually slack ends
STRETCH = 0.030  # metres by which skin is pulled at most
OVERLAP = 0.0005  # metres by which lips press into each other at most
PARTED = 2  # times that lips are looked at: neighbours move each other
LIP_REACH = 0.012  # metres of skin around the contact that give way with it
EYE = 0.012, 0.030  # metres from the middle of an eye: nearer, lids follow no string; farther, skin follows wholly
SMOOTHED = 4  # times that a string's reach is averaged over neighbours


@dataclass(frozen=True, eq=False)
class Unit:
    """How one individual of a robot differs from its description, per servo; shares of the travel."""

    gain: F64  # [S]
    offset: F64  # [S]
    slack: F64  # [S] travel that strings and rods lose before they move anything
    bend: F64  # [S] more of the travel towards the limit, or less

    @staticmethod
    def of(robot: Robot, number: int | None) -> Unit:
        """Individual of a number; None: exactly as described."""
        count = len(robot.servos)
        if number is None:
            return Unit(np.ones(count), np.zeros(count), np.zeros(count), np.zeros(count))
        draw = np.random.default_rng([number, count]).uniform
        attached = np.array([isinstance(s, Attached) for s in robot.servos])
        strings = np.array([isinstance(s, String) for s in robot.servos])
        return Unit(
            1 + GAIN * draw(-1, 1, count),
            OFFSET * draw(-1, 1, count) * ~strings,
            SLACK * draw(0.2, 1, count) * attached * np.where(strings, 1, 0.5),
            BEND * draw(-1, 1, count),
        )

    def __call__(self, shares: F64) -> F64:
        """What becomes of commands [T, S], shares of the travel."""
        size = np.abs(shares)
        loose = np.where(self.slack > 0, _softplus(size - self.slack) - _softplus(-self.slack), size)
        moved = np.sign(shares) * loose
        return self.gain * moved * (1 + self.bend * np.abs(moved)) + self.offset


def _softplus(x: F64) -> F64:
    return SOFT * np.logaddexp(0, x / SOFT)


class Simulator:
    """One individual of a robot on the head that its skin was cast of.

    >>> from emosplat.avatars.library import open_avatar
    >>> from emosplat.pipeline.robot.description import load_robot
    >>> robot = load_robot("morpheus-like")
    >>> face = Simulator(robot, open_avatar(robot.face).head, unit=0)
    >>> face.see(robot.neutral[None]).landmarks.shape[2]
    3
    """

    def __init__(self, robot: Robot, head: HeadModel, *, unit: int | None = None) -> None:
        """Raises InputError for a head whose landmarks are not known."""
        self.robot = robot
        self.head = head
        self.places = Places.on(head)
        self._unit = Unit.of(robot, unit)
        self._poser = Poser(head)
        self._skin = _Skin(head)
        attached = [(i, s) for i, s in enumerate(robot.servos) if isinstance(s, Attached)]
        self._pulling = [i for i, _ in attached]
        self._fields = np.zeros((len(attached), 3 * len(head.v_template)), np.float32)
        for row, (_, servo) in zip(self._fields, attached, strict=True):
            row[:] = (self._skin.reach(servo)[:, None] * pull(head, servo) * servo.travel / 1000).reshape(-1)
        self._lids = {side: _Lids(head, side) for side in ("left", "right")}

    def vertices(self, commands: F64) -> F32:
        """Skin [T, V, 3] in metres, world space, of commands [T, S], degrees."""
        motion, face = self._unturned(commands)
        return self._turned(face, motion)

    def see(self, commands: F64) -> Seen:
        """What a camera knows of the face at commands [T, S], degrees."""
        return self.look(commands)[0]

    def look(self, commands: F64) -> tuple[Seen, F64]:
        """The same, and the height of the upper above the lower inner lip [T, P], metres, at the head's lip pairs."""
        landmarks, poses, gaps = [], [], []
        for start in range(0, len(commands), FRAMES):
            motion, face = self._unturned(commands[start : start + FRAMES])
            landmarks.append(self.places.of(face).astype(np.float32))
            poses.append(motion.neck)
            gaps.append(self.gaps(face))
        return Seen(np.concatenate(landmarks), np.concatenate(poses)), np.concatenate(gaps)

    def gaps(self, face: F32) -> F64:
        """This height of vertices [T, V, 3] of a face that does not turn."""
        return self._skin.gaps(face)

    def _unturned(self, commands: F64) -> tuple[Motion, F32]:
        """What the rigid parts do, and the skin [T, V, 3] while the neck does not turn."""
        motion, moved = self._effect(commands)
        return motion, self._met(self._poser.vertices(still(motion), moved))

    def _effect(self, commands: F64) -> tuple[Motion, F32]:
        """What the rigid parts do, and how far the skin is moved before it is posed, [T, V, 3]."""
        amounts = self._unit(self.robot.shares(commands))
        motion = Motion.rest(len(commands), self.head.expressions, self.robot.rate)
        for servo, amount in zip(self.robot.servos, amounts.T, strict=True):
            if isinstance(servo, Joint):
                self._turn(motion, servo.moves, servo.travel * amount)
        moved = (amounts[:, self._pulling].astype(np.float32) @ self._fields).reshape(len(commands), -1, 3)
        far = np.linalg.norm(moved, axis=2, keepdims=True) / STRETCH
        return motion, moved / np.sqrt(1 + far * far)

    def _turn(self, motion: Motion, moves: str, amount: F64) -> None:
        """One rigid part: degrees, or the share of shut of a lid."""
        part, _, axis = moves.rpartition("-")
        column = {"pitch": 0, "yaw": 1, "roll": 2}.get(axis)
        if part == "jaw":
            motion.jaw[:, column] += np.radians(amount)
        elif part == "neck":
            motion.neck[:, column] += np.radians(amount)
        elif part.endswith("eye"):
            assert column is not None
            motion.eyes[:, column + (3 if part.startswith("right") else 0)] += np.radians(amount)
        else:
            side, which = part.split("-")
            motion.expr[:] += self._lids[side].expression(which, amount)

    def _met(self, face: F32) -> F32:
        """A face [T, V, 3] that does not turn, its lips no longer in one another."""
        for _ in range(PARTED):
            deep = np.maximum(-OVERLAP - self._skin.gaps(face), 0)
            if not deep.any():
                break
            face = face.copy()
            face[:, self._skin.around, 1] += self._skin.apart(deep)
        return face

    def _turned(self, face: F32, motion: Motion) -> F32:
        """The same skin as the neck turns the skull: what is bound to the neck's joint goes with it."""
        neck = self.head.joints[1]
        turn = rotation_matrices(motion.neck)
        whole = (face - neck) @ turn.transpose(0, 2, 1) + neck
        share = (1 - self.head.weights[:, 0])[None, :, None]  # shoulders stay with the root
        return (face + share * (whole - face)).astype(np.float32)


def pull(head: HeadModel, servo: Attached) -> F64:
    """Unit vector [3] along which a string or rod moves the skin at rest."""
    if servo.direction is not None:
        way = np.array(servo.direction, np.float64)
    else:
        assert servo.towards is not None
        start, end = Places.on(head, (servo.at, servo.towards)).of(head.v_template)
        way = end - start
    return way / float(np.linalg.norm(way))


class _Lids:
    """Expression of the lids of one eye."""

    def __init__(self, head: HeadModel, side: str) -> None:
        def row(name: str) -> F64:
            return head.arkit.expr[head.arkit.rows(name + side.capitalize())].sum(axis=0, dtype=np.float64)

        self._shut, self._wide, self._squint = row("eyeBlink"), row("eyeWide"), row("eyeSquint")

    def expression(self, which: str, amount: F64) -> F64:
        """[T, E]: the upper lid shut by `amount` [T], or wide where that is negative; or the lower one raised."""
        if which == "lower":
            return amount[:, None] * self._squint
        return np.maximum(amount, 0)[:, None] * self._shut + np.maximum(-amount, 0)[:, None] * self._wide


class _Skin:
    """What the surface of a head tells: how far things are apart along it, and where lips meet."""

    def __init__(self, head: HeadModel) -> None:
        self._head = head
        self._template = head.v_template.astype(np.float64)
        self._surface = Surface(self._template, head.faces)
        self._edges = edge_lengths(self._template, head.faces)
        self._average = self._surface.neighbours()
        eyes = np.linalg.norm(self._template[:, None] - head.joints[3:5], axis=2).min(axis=1)
        self._free = smoothstep((eyes - EYE[0]) / (EYE[1] - EYE[0]))
        self._upper, self._lower = head.lip_pairs.T
        self._sides()

    def reach(self, servo: Attached) -> F64:
        """How far each vertex follows a string or rod [V], 1 at its point and 0 beyond its radius."""
        place = Places.on(self._head, (servo.at,))
        start = place.corners[0]
        along = self.along(start, most=servo.radius / 1000 + 0.01)
        from_point = np.linalg.norm(self._template - place.of(self._template)[0], axis=1)
        # along the edges of a mesh every way is too long; the straight way is too short
        distance = np.where(np.isfinite(along), 0.5 * (along + from_point), np.inf)
        weight = np.square(np.maximum(1 - np.square(distance / (servo.radius / 1000)), 0))
        for _ in range(SMOOTHED):
            weight = np.where(np.isfinite(along), self._average @ weight, 0)
        weight *= self._free
        top = float(place.weights[0] @ weight[place.corners[0]])
        return weight / max(top, 0.2)

    def along(self, start: NDArray[np.integer], *, most: float) -> F64:
        """Way along the surface [V] from the nearest of some vertices, metres; infinite beyond `most`."""
        from scipy.sparse.csgraph import dijkstra

        return dijkstra(self._edges, directed=False, indices=start, limit=most, min_only=True)

    def gaps(self, face: NDArray[np.floating]) -> F64:
        """Height of the upper above the lower inner lip [T, P] at each of the head's lip pairs."""
        heights = np.asarray(face[..., 1], np.float64)
        return heights[:, self._upper] - heights[:, self._lower]

    def _sides(self) -> None:
        """Which vertices give way where lips meet, and with which of the pairs."""
        most = 2 * LIP_REACH
        from_upper, from_lower = (np.minimum(self.along(v, most=most), most) for v in (self._upper, self._lower))
        weight = np.square(np.maximum(1 - np.square(np.minimum(from_upper, from_lower) / LIP_REACH), 0))
        self.around = np.flatnonzero(weight)
        side = np.sign(from_lower - from_upper)
        self._way = (0.5 * side * weight)[self.around]  # each lip gives way by half
        across = self._template[self._upper, 0]
        order = np.argsort(across)
        at = np.clip(self._template[self.around, 0], across.min(), across.max())
        own = np.eye(len(order))[:, order]
        self._shares = np.stack([np.interp(at, across[order], row) for row in own])  # [P, n]

    def apart(self, deep: F64) -> F32:
        """How far the vertices `around` go up [T, n] where the pairs are `deep` [T, P] in one another."""
        return (deep @ self._shares * self._way).astype(np.float32)
