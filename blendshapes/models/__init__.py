"""Motion models: what is asked, over time, becomes what a face does.

A model is a class with the methods of `MotionModel`. It is found by name: the module of that name in this folder, or an
entry point of the group `emosplat.motion_models` that another package declares. Either offers `create(bundle)`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..face_motion import FaceMotion

if TYPE_CHECKING:
    from ..bundle import Bundle
    from ..score import Score

GROUP = "emosplat.motion_models"
DEFAULT = "acting"
CHUNK = 32  # frames
_PARTS = {"gestures", "speaking"}  # modules of this folder that are no models


class MotionModel(Protocol):
    """Anything that turns a score into the motion of a face."""

    name: str
    lookahead: float  # seconds of sound after a frame that `stream` waits for

    def plan(self, score: Score) -> FaceMotion:
        """The whole clip, `score.frames` frames at `score.fps`; keys are met, fixed spans are kept bit for bit.

        `score.shaped` does the latter for any motion. Raises InputError where the score lacks what the model needs.
        """
        ...

    def stream(self, score: Score, blocks: Iterable[NDArray[np.float32]]) -> Iterator[FaceMotion]:
        """The motion of sound that arrives as mono 16 kHz blocks, float32, each heard once; consecutive pieces."""
        ...


@runtime_checkable
class PiecewiseModel(Protocol):
    """A model that can also plan in constant memory."""

    def pieces(self, score: Score) -> Iterator[FaceMotion]:
        """What `plan` gives, in consecutive pieces."""
        ...


@runtime_checkable
class HeedfulModel(Protocol):
    """A model that knows more of a score than the others."""

    # Of `Score`: "variety", "guidance", "accents", "singing", "style" (what was measured of an example)
    heeds: frozenset[str]


def unheeded(model: MotionModel, score: Score) -> list[str]:
    """What is asked for that the model does not know, and passes by: names of `Score`, in their order there."""
    asked = {
        "style": score.style is not None and bool(score.style.statistics or score.style.poses),
        "variety": score.variety != 1,
        "guidance": bool(score.guidance),
        "accents": score.accents is not None,
        "singing": score.song is not None,
    }
    heeded = model.heeds if isinstance(model, HeedfulModel) else frozenset()
    return [name for name, wanted in asked.items() if wanted and name not in heeded]


def pieces_of(model: MotionModel, score: Score) -> Iterator[FaceMotion]:
    """The plan of a clip in consecutive pieces, in constant memory where the model can do that."""
    if isinstance(model, PiecewiseModel):
        return model.pieces(score)
    return model.plan(score).chunks(CHUNK)


def model_names() -> list[str]:
    """Names of all models that `find_model` knows."""
    return sorted({*_own_models(), *(entry.name for entry in entry_points(group=GROUP))})


def _own_models() -> list[str]:
    return [f.stem for f in Path(__file__).parent.glob("*.py") if f.stem != "__init__" and f.stem not in _PARTS]


def check_model(name: str) -> None:
    """Raise InputError with the choices for an unknown name."""
    if name not in _own_models() and name not in model_names():
        raise InputError(f"motion model {name!r}: expected one of {', '.join(model_names())}")


def find_model(name: str = DEFAULT, bundle: Bundle | None = None) -> MotionModel:
    """The motion model of this name, with the weights of `bundle` (by default the built-in ones).

    Raises InputError with the choices for an unknown name, or one line where a package's model cannot be loaded.

    >>> find_model("procedural").name
    'procedural'
    """
    from ..bundle import Bundle

    check_model(name)
    try:
        if name in _own_models():
            create = importlib.import_module(f".{name}", __package__).create
        else:
            create = next(iter(entry_points(group=GROUP, name=name))).load()
    except (ImportError, AttributeError) as error:
        raise InputError(f"motion model {name!r}: cannot be loaded ({error})") from error
    return cast("Callable[[Bundle], MotionModel]", create)(bundle or Bundle())
