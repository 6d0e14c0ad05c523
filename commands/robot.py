"""`render robot ...`: animatronic faces."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import InputError
from ..pipeline.settings import read_settings
from . import HELP
from .console import Debug, complaints, progress_bar, takes_settings
from .data import TrackerFile

if TYPE_CHECKING:
    from ..pipeline.robot.babble import Babble
    from ..pipeline.robot.description import Robot
    from ..pipeline.robot.self_model import HeldOut

app = typer.Typer(
    no_args_is_help=True,
    context_settings=HELP,
    help="Animatronic faces, simulated or real: show, babble, fit, drive (docs/robot.md).",
)
Description = Annotated[
    str, typer.Argument(help="A robot's YAML file, or morpheus-like, which is built in.", metavar="ROBOT")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")]
COMMANDS = "angles .csv, .maestro.bin, .dynamixel.bin or .pca9685.csv"


@app.command("show")
def show(
    robot: Description,
    out: Annotated[Path, typer.Option("-o", "--out", help="The picture to write: .png or .jpg.", metavar="FILE")],
    size: Annotated[int, typer.Option(min=64, max=4096, help="Pixels of its width and height.")] = 900,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Draw a robot's face at rest, with the points where strings and rods hold the skin and where they lead it."""
    with complaints(debug):
        from ..core.whole_files import check_free
        from ..pipeline.avatar.portraits import check_picture, write_picture
        from ..pipeline.clip.loaded import LoadedModels
        from ..pipeline.robot.description import load_robot
        from ..pipeline.robot.picture import portrait

        found = load_robot(robot)
        check_picture(out)
        check_free(out, overwrite=overwrite)
        write_picture(out, portrait(found, LoadedModels("cpu"), size=size))
        print(out)


@app.command("babble")
def babble(
    robot: Description,
    out: Annotated[
        Path,
        typer.Option("-o", "--out", metavar="FILE", help=f"babble .npz; or commands alone for hardware: {COMMANDS}."),
    ],
    poses: Annotated[int, typer.Option(min=100, max=1_000_000, help="Random poses of the face.")] = 4000,
    seed: Annotated[int, typer.Option(min=0, help="Of the random poses.")] = 0,
    unit: Annotated[
        int, typer.Option(min=0, max=999_999_999, help="Which simulated individual: no two are built alike.")
    ] = 0,
    film: Annotated[
        Path | None,
        typer.Option(help="A film of your robot, at rest in its first half second (extra: track).", metavar="VIDEO"),
    ] = None,
    commands: Annotated[
        Path | None, typer.Option(help="The angles .csv that it was played while it was filmed.", metavar="CSV")
    ] = None,
    delay: Annotated[float, typer.Option(help="Seconds from the beginning of the film to the first command.")] = 0.0,
    tracker: TrackerFile = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Let a robot try what its servos can do: a simulated one, or your own, filmed.

    For hardware: write commands (-o babble.csv), play and film them, then
    `babble ROBOT --commands babble.csv --film film.mp4 -o babble.npz`.
    """
    with complaints(debug):
        from ..core.whole_files import check_free
        from ..pipeline.robot.babble import poses as random_poses
        from ..pipeline.robot.babble import save_babble, trajectory
        from ..pipeline.robot.command_files import command_format, write_commands
        from ..pipeline.robot.description import load_robot

        if (film is None) != (commands is None):
            raise InputError(
                f"expected --film and --commands together, found {'--film' if film else '--commands'} alone"
            )
        found = load_robot(robot)
        as_npz = out.suffix.lower() == ".npz"
        if not as_npz:
            if film is not None:
                raise InputError(f"{out}: expected a name that ends in .npz for what was filmed")
            try:
                command_format(out)
            except InputError as error:
                raise InputError(f"{error}; or .npz (babble)") from None
        check_free(out, overwrite=overwrite)
        if as_npz:
            made = _babble(found, poses, seed, unit, film, commands, delay, tracker, quiet=quiet)
            save_babble(out, made)
            told = f"{len(made.commands)} frames, {len(found.servos)} servos"
        else:
            angles = trajectory(found, random_poses(found, poses, seed=seed))
            write_commands(out, found, angles, fps=found.rate)
            told = f"{len(angles)} commands, {len(angles) / found.rate / 60:.0f} minutes at {found.rate:g} per second"
        if not quiet:
            print(f"{out}: {told}")


def _babble(
    robot: Robot,
    poses: int,
    seed: int,
    unit: int,
    film: Path | None,
    commands: Path | None,
    delay: float,
    tracker: Path | None,
    *,
    quiet: bool,
) -> Babble:
    from ..avatars.library import open_person
    from ..pipeline.clip.render import ClipProgress
    from ..pipeline.robot.babble import filmed, simulated
    from ..pipeline.robot.landmarks import Places
    from ..pipeline.robot.simulator import Simulator

    head = open_person(robot.face)
    if film is None or commands is None:
        return simulated(robot, Simulator(robot, head, unit=unit).see, poses, seed=seed, unit=unit)
    with progress_bar(hidden=quiet or not sys.stderr.isatty()) as bar:
        still = Places.on(head).of(head.v_template)
        return filmed(
            robot, commands, film, tracker, still, delay=delay, report=lambda n: bar(ClipProgress("tracking", n))
        )


@app.command("fit")
def fit(
    babble: Annotated[Path, typer.Argument(help="What `render robot babble` wrote.", metavar="BABBLE.npz")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The self-model to write, .safetensors.", metavar="FILE")],
    seed: Annotated[int, typer.Option(min=0, help="Of the training.")] = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Learn what a robot's face does at any command, and say how wrong that is on frames that were held out."""
    with complaints(debug):
        from ..core.whole_files import check_free
        from ..pipeline.clip.render import ClipProgress
        from ..pipeline.robot.babble import load_babble
        from ..pipeline.robot.self_model import fit as learn
        from ..pipeline.robot.self_model import save_self

        if out.suffix.lower() != ".safetensors":
            raise InputError(f"{out}: expected a name that ends in .safetensors")
        check_free(out, overwrite=overwrite)
        seen = load_babble(babble)
        with progress_bar(hidden=quiet or not sys.stderr.isatty()) as bar:

            def report(done: int, whole: int) -> None:
                bar(ClipProgress("learning", done, whole, "steps"))

            model = learn(seen, seed=seed, report=report)
        save_self(out, model)
        if not quiet:
            print(f"{out}: {_in_words(model.held_out)}")


def _in_words(error: HeldOut) -> str:
    return (
        f"on {error.frames} frames held out landmarks are wrong by {error.mean_mm:.3f} mm (95th percentile "
        f"{error.p95_mm:.3f}, lips {error.lips_mm:.3f}; a face at rest by {error.still_mm:.2f}), the neck by "
        f"{error.neck_deg:.2f} degrees"
    )


@app.command("drive")
@takes_settings(
    without=("avatar", "camera", "camera_lock", "background", "encoder"),
    told={
        "fps": "Commands per second. [dim]the robot's rate[/]",
        "size": "Pixels of each of the two pictures of --video; the shorter side counts.",
    },
)
def drive(
    source: Annotated[
        Path, typer.Argument(help="Speech, or a motion: .npz, or face motion .json .csv.", metavar="AUDIO|MOTION")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help=f"The commands to write: {COMMANDS}.", metavar="FILE")],
    self_model: Annotated[
        Path, typer.Option("--self", help="The robot's self-model, of `render robot fit`.", metavar="FILE")
    ],
    *,
    settings: dict[str, Any],
    video: Annotated[
        Path | None, typer.Option(help="Film the simulated robot beside the wish, with the sound.", metavar="VIDEO")
    ] = None,
    sound: Annotated[Path | None, typer.Option("--audio", help="The sound that goes with a motion.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT and VIDEO if they exist.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Turn speech and an emotion, or a motion, into commands that no limit of the robot forbids."""
    with complaints(debug):
        from ..pipeline.clip.render import ClipProgress
        from ..pipeline.robot.drive import DriveRequest
        from ..pipeline.robot.drive import drive as run

        request = DriveRequest(source, self_model, out, read_settings(settings), sound, video, overwrite)
        with progress_bar(hidden=quiet or not sys.stderr.isatty()) as bar:

            def report(stage: str, done: int, whole: int | None) -> None:
                bar(ClipProgress(stage, done, whole))

            record = run(request, report=report)
    if quiet:
        return
    result = record["result"]
    told, limits = result["simulated"], result["limits_used"]
    print(
        f"{out}: {result['frames']} commands per servo, {result['duration_s']:.2f} s; at most "
        f"{', '.join(f'{100 * share:.0f} % of the {name}' for name, share in limits.items())}"
    )
    print(
        f"simulated: {told['error_mm']:.2f} mm from the wish (lips {told['lips_mm']:.2f}; a still face "
        f"{told['still_mm']:.2f}), neck {told['neck_deg']:.1f} degrees"
    )
    if told["closures"]:
        print(
            f"lips, in {told['closures']} frames in which they are to be closed: {told['gap_mm']:.2f} mm open on the "
            f"midline (wish {told['wish_gap_mm']:.2f}), closed in {100 * told['closed']:.0f} %"
        )
    for warning in record["warnings"]:
        print(f"note: {warning}")
