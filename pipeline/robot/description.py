"""A face of servos as a YAML file says it: what each servo moves, how far, how fast, and on which output."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...avatars.library import ASSETS
from ...core.errors import InputError
from ...core.tables import read_text
from ...core.yaml_problems import first_problem, syntax_problem

F64 = NDArray[np.float64]

FORMAT = "emosplat-robot-1"
MOST_BYTES = 1 << 20
MESH_POINTS = 468  # of MediaPipe's face mesh that lie on skin; the irises follow
MOST_SERVOS = 252  # IDs of one Dynamixel bus, 0 left out

Moves = Literal[
    "jaw-pitch", "jaw-yaw", "neck-pitch", "neck-yaw", "neck-roll",
    "left-eye-pitch", "left-eye-yaw", "right-eye-pitch", "right-eye-yaw",
    "left-upper-lid", "left-lower-lid", "right-upper-lid", "right-lower-lid",
]  # fmt: skip
JOINTS: tuple[str, ...] = get_args(Moves)
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,40}$")]
Angle = Annotated[float, Field(ge=-179, le=179, allow_inf_nan=False)]  # degrees
Point = Annotated[int, Field(ge=0, lt=MESH_POINTS)]
Axis = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
Pulse = Annotated[float, Field(ge=64, le=4080, allow_inf_nan=False)]  # microseconds, as a Maestro can make them


class Part(BaseModel):
    """A part of the description; unknown fields are refused, because they are misspelt ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Servo(Part):
    """What all servos have. Angles are those of the servo's horn, degrees.

    `travel` is what the servo moves on the way from `neutral` to its upper limit; below neutral it moves the other way,
    by as much per degree.
    """

    name: Name
    limits: tuple[Angle, Angle]  # lower, upper
    neutral: Angle
    speed: Annotated[float, Field(gt=0, le=5000, allow_inf_nan=False)]  # degrees per second
    acceleration: Annotated[float, Field(gt=0, le=500_000, allow_inf_nan=False)]  # degrees per second squared
    channel: Annotated[int, Field(ge=0, le=MOST_SERVOS)]  # counted on over several boards; the ID of a Dynamixel
    pulse: tuple[Pulse, Pulse] = (900.0, 2100.0)  # microseconds at the limits
    reversed: bool = False  # it is mounted the other way round

    @model_validator(mode="after")
    def _possible(self) -> Servo:
        low, high = self.limits
        if not low < high:
            raise ValueError(f"limits: expected a lower and a greater upper one, found {low:g} and {high:g}")
        if not low <= self.neutral < high:
            raise ValueError(f"neutral: expected {low:g} to less than {high:g}, the limits, found {self.neutral:g}")
        if not self.pulse[0] < self.pulse[1]:
            raise ValueError("pulse: expected a shorter and a longer one; `reversed: true` turns the servo round")
        return self


class Joint(Servo):
    """A servo that turns something rigid: the jaw, the neck, an eye; or shuts a lid."""

    kind: Literal["joint"]
    moves: Moves
    travel: Annotated[float, Field(ge=-120, le=120, allow_inf_nan=False)]  # degrees; of lids, share of shut

    @model_validator(mode="after")
    def _moves_something(self) -> Joint:
        if self.travel == 0:
            raise ValueError("travel: expected a number other than 0")
        if self.moves.endswith("lid") and abs(self.travel) > 1.5:
            raise ValueError(f"travel: expected the share of shut, -1.5 to 1.5, found {self.travel:g}")
        return self


class Attached(Servo):
    """A servo that is fixed to the skin at one point of MediaPipe's face mesh, and moves it one way."""

    at: Point
    direction: tuple[Axis, Axis, Axis] | None = None  # of the head: its left, up, forward
    towards: Point | None = None  # another point of the mesh, instead of a direction
    travel: Annotated[float, Field(gt=0, le=30, allow_inf_nan=False)]  # mm
    radius: Annotated[float, Field(ge=2, le=80, allow_inf_nan=False)]  # mm of skin around the point that follow

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Attached:
        if (self.direction is None) == (self.towards is None):
            found = "neither" if self.direction is None else "both"
            raise ValueError(f"expected `direction` or `towards`, found {found}")
        if self.direction is not None and sum(x * x for x in self.direction) < 1e-6:
            raise ValueError("direction: expected one that is not 0 0 0")
        if self.towards == self.at:
            raise ValueError(f"towards: expected another point than {self.at}")
        return self


class String(Attached):
    """A string that pulls the skin; let go, the skin goes back by itself."""

    kind: Literal["string"]

    @model_validator(mode="after")
    def _pulls_only(self) -> String:
        if self.neutral != self.limits[0]:
            raise ValueError(
                f"neutral: expected {self.limits[0]:g}, the lower limit, because a string cannot push, "
                f"found {self.neutral:g}"
            )
        return self


class Rod(Attached):
    """A rigid link that pulls and pushes the skin."""

    kind: Literal["rod"]


AnyServo = Annotated[Joint | String | Rod, Field(discriminator="kind")]


class Robot(Part):
    """A whole face.

    >>> robot = load_robot("morpheus-like")
    >>> robot.servos[0].name, robot.servos[0].limits, len(robot.names)
    ('jaw', (-5.0, 60.0), 33)
    """

    format: Literal["emosplat-robot-1"]
    name: Name
    about: Annotated[str, Field(max_length=2000)] = ""
    face: Annotated[str, Field(min_length=1, max_length=500)] = "person1"  # the avatar whose head the skin was cast of
    rate: Annotated[float, Field(ge=10, le=200, allow_inf_nan=False)] = 50.0  # commands per second
    servos: Annotated[tuple[AnyServo, ...], Field(min_length=1, max_length=MOST_SERVOS, strict=False)]

    @model_validator(mode="after")
    def _belongs_together(self) -> Robot:
        for what, values in (
            ("name", [s.name for s in self.servos]),
            ("channel", [s.channel for s in self.servos]),
            ("moves", [s.moves for s in self.servos if isinstance(s, Joint)]),
        ):
            if twice := sorted({v for v in values if values.count(v) > 1}):  # pyright: ignore[reportArgumentType]
                raise ValueError(f"servos: {what} {twice[0]!r} is there twice")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the S servos."""
        return tuple(s.name for s in self.servos)

    @cached_property
    def low(self) -> F64:
        """[S] degrees."""
        return np.array([s.limits[0] for s in self.servos])

    @cached_property
    def high(self) -> F64:
        """[S] degrees."""
        return np.array([s.limits[1] for s in self.servos])

    @cached_property
    def neutral(self) -> F64:
        """[S] degrees."""
        return np.array([s.neutral for s in self.servos])

    @cached_property
    def speed(self) -> F64:
        """[S] degrees per second."""
        return np.array([s.speed for s in self.servos])

    @cached_property
    def acceleration(self) -> F64:
        """[S] degrees per second squared."""
        return np.array([s.acceleration for s in self.servos])

    def shares(self, angles: F64) -> F64:
        """Angles [..., S] as shares of the way from neutral to the upper limit: 0 at neutral, 1 at the limit."""
        return (angles - self.neutral) / (self.high - self.neutral)

    def angles(self, shares: F64) -> F64:
        """The reverse of `shares`."""
        return self.neutral + shares * (self.high - self.neutral)


def builtin_robots() -> list[str]:
    """Names of the descriptions that come with emosplat."""
    return sorted(path.stem for path in (ASSETS / "robots").glob("*.yaml"))


def find_robot(name: str) -> Path:
    """File of a description given by name or by path; raises InputError."""
    if name in builtin_robots():
        return ASSETS / "robots" / f"{name}.yaml"
    if (path := Path(name)).is_file():
        return path
    raise InputError(f"robot {name!r}: expected a YAML file, or one of {', '.join(builtin_robots())}")


def load_robot(name: str) -> Robot:
    """A description by name or by path; raises InputError that names the line and the field."""
    path = find_robot(name)
    return parse_robot(read_text(path, most=MOST_BYTES), source=str(path))


def parse_robot(text: str, *, source: str) -> Robot:
    """The description that a text holds; raises InputError, which `source` begins."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_anchors(text)
        if (twice := next(_repeated(root), None)) is not None:
            raise InputError(f"{source}: line {twice[1]}: {twice[0]}: is there twice")
        values = yaml.safe_load(text)
    except InputError as error:
        raise error if str(error).startswith(source) else InputError(f"{source}: {error}") from None
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        raise InputError(f"{source}: {syntax_problem(error)}") from None
    if not isinstance(values, dict):
        raise InputError(f"{source}: expected fields such as format, name and servos")
    return validated(values, source=source, root=root)


def validated(values: dict[str, Any], *, source: str, root: Any = None) -> Robot:
    """A description of plain values; raises InputError with the first problem, and its line where `root` is given."""
    try:
        return Robot.model_validate(_with_tuples(values))
    except ValidationError as error:
        raise InputError(f"{source}: {first_problem(error, root, tags=KINDS, whole='robot')}") from None


def _with_tuples(value: Any) -> Any:
    """The same with tuples for lists, as strict fields want them."""
    if isinstance(value, dict):
        return {key: _with_tuples(v) for key, v in value.items()}
    if isinstance(value, list):
        return tuple(_with_tuples(v) for v in value)
    return value


def _refuse_anchors(text: str) -> None:
    """A few anchors can name each other until nothing has room for them; a description needs none."""
    import yaml

    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"line {event.start_mark.line + 1}: expected plain values, found an alias")


def _repeated(node: Any) -> Iterator[tuple[str, int]]:
    """Keys that stand twice in one mapping, which YAML would let pass, and their lines."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)[:60]
            if name in seen:
                yield name, key.start_mark.line + 1
            seen.add(name)
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)


KINDS = ("joint", "string", "rod")  # pydantic names the kind in a location
