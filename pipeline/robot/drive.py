"""Speech or a motion to commands for a robot, with a film of what the simulated robot makes of it."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...core.errors import InputError
from ...core.whole_files import check_free
from ..clip.loaded import LoadedModels
from ..clip.request import ClipRequest
from ..clip.sidecar import file_sha256, versions, write_sidecar
from ..clip.source import open_source
from ..media.outputs import VideoFormat
from ..media.video import check_target
from ..settings import ClipSettings, read_settings
from .command_files import command_format, write_commands
from .inverse import Solved, solve, wished
from .landmarks import LIPS, FaceReader
from .limits import used
from .self_model import MM, SelfModel, load_self
from .simulator import Simulator

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

NOWHERE = Path("clip.mp4")  # a source wants to know what is written; here that is no clip
OPEN = 0.6  # mm of the wish's opening up to which its lips are closed
Report = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class DriveRequest:
    """What to drive a robot with, and where the commands go."""

    source: Path  # speech, or a motion of a head or face
    self_model: Path
    out: Path
    settings: ClipSettings
    sound: Path | None = None  # of a motion
    video: Path | None = None  # of the simulated robot beside the wish
    overwrite: bool = False


@dataclass(frozen=True)
class RoundTrip:
    """What the simulated robot makes of a wish."""

    error_mm: float  # mean distance of landmarks
    lips_mm: float  # the same of the lips
    still_mm: float  # of a face that never moved, for comparison
    neck_deg: float
    closures: int  # frames in which the wish's lips are closed
    wish_gap_mm: float | None  # opening on the midline there, mean; negative: pressed
    gap_mm: float | None  # the same of the robot
    closed: float | None  # share of them in which the robot's lips are less than a millimetre apart on the midline


def drive(
    request: DriveRequest, *, loaded: LoadedModels | None = None, report: Report = lambda *_: None
) -> dict[str, Any]:
    """Write commands, a record beside them, and the film where one is asked for; returns the record.

    Raises InputError for anything wrong with the request or its files, before anything is written.
    """
    started = time.perf_counter()
    command_format(request.out)
    check_free(request.out, overwrite=request.overwrite)
    if request.video is not None and not isinstance(
        check_target(request.video, overwrite=request.overwrite), VideoFormat
    ):
        raise InputError(f"--video {request.video}: expected a video such as sim.mp4")
    model = load_self(request.self_model)
    loaded = loaded or LoadedModels(request.settings.device)
    robot = model.robot
    given: dict[str, Any] = {"avatar": robot.face}
    if request.settings.fps is None:
        given["fps"] = Fraction(robot.rate).limit_denominator(1001)
    settings = read_settings(given, base=request.settings)
    report("moving", 0, None)
    clip = ClipRequest(request.source, NOWHERE, settings, sound=request.sound, varied=True)
    source = open_source(clip, loaded)
    motion = Motion.concatenate(source.motion)
    head = loaded.avatar(robot.face).head
    solved = solve_motion(model, head, motion, report=lambda done, whole: report("solving", done, whole))
    simulator = Simulator(robot, head, unit=model.unit)
    if request.video is not None:
        from .picture import film

        film(
            request.video, simulator, solved.commands, motion, loaded, fps=source.fps, audio=source.audio,
            size=min(settings.size), overwrite=request.overwrite,
            report=lambda done: report("filming", done, len(motion)),
        )  # fmt: skip
    write_commands(request.out, robot, solved.commands, fps=motion.fps)
    record = {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "versions": versions(),
        **source.origin,
        "self_model": str(request.self_model),
        "self_model_sha256": file_sha256(request.self_model),
        "robot": robot.name,
        "servos": [{"name": s.name, "channel": s.channel} for s in robot.servos],
        "settings": {"emotion": settings.plain("emotion"), "seed": settings.seed, "model": settings.model},
        "result": {
            "out": str(request.out),
            "video": None if request.video is None else str(request.video),
            "frames": len(motion),
            "fps": float(source.fps),
            "duration_s": float(len(motion) / source.fps),
            "seconds": round(time.perf_counter() - started, 3),
            "limits_used": {
                name: round(share, 6) for name, share in used(solved.commands, robot, fps=motion.fps).items()
            },
            "simulated": vars(round_trip(simulator, FaceReader(head), motion, solved)),
        },
        "warnings": source.warnings,
    }
    write_sidecar(request.out, record)
    return record


def solve_motion(
    model: SelfModel, head: HeadModel, motion: Motion, *, report: Callable[[int, int], None] = lambda *_: None
) -> Solved:
    """Commands for a motion of the head that the robot's skin was cast of."""
    reader = FaceReader(head)
    rest = reader.read(Motion.rest(1, head.expressions, motion.fps)).landmarks[0]
    return solve(model, wished(model, reader.read(motion), rest), fps=motion.fps, report=report)


def round_trip(simulator: Simulator, reader: FaceReader, motion: Motion, solved: Solved) -> RoundTrip:
    """How near the simulated robot comes to the motion that its commands were made for."""
    made, got = simulator.look(solved.commands)
    error = MM * np.linalg.norm(made.landmarks - solved.wish.landmarks, axis=2)
    rest = simulator.see(simulator.robot.neutral[None]).landmarks
    still = MM * np.linalg.norm(rest - solved.wish.landmarks, axis=2)
    neck = np.degrees(np.linalg.norm(made.pose - solved.wish.pose, axis=1))
    asked = np.concatenate([simulator.gaps(reader.skin(part)) for part in motion.chunks(512)])
    middle = asked.shape[1] // 2
    closed = MM * asked.max(axis=1) < OPEN
    at = MM * asked[closed, middle], MM * got[closed, middle]
    lips = np.isin(reader.places.points, LIPS)
    return RoundTrip(
        error_mm=_rounded(error.mean()),
        lips_mm=_rounded(error[:, lips].mean()),
        still_mm=_rounded(still.mean()),
        neck_deg=_rounded(neck.mean()),
        closures=int(closed.sum()),
        wish_gap_mm=_rounded(at[0].mean()) if closed.any() else None,
        gap_mm=_rounded(at[1].mean()) if closed.any() else None,
        closed=_rounded((at[1] < 1.0).mean()) if closed.any() else None,
    )


def _rounded(value: float) -> float:
    return round(float(value), 4)
