"""`render data ...`: make a corpus to learn from, and look at data sets."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import HELP
from .console import Debug, complaints, progress_bar

if TYPE_CHECKING:
    from ..avatars.head import HeadModel

app = typer.Typer(no_args_is_help=True, context_settings=HELP, help="Make a corpus to learn from; look at data sets.")
Head = Annotated[
    Path | None, typer.Option(help="The head that the data belong to. [dim]the built-in one[/]", metavar="HEAD.npz")
]

TrackerFile = Annotated[
    Path | None,
    typer.Option(
        "--tracker",
        help="MediaPipe's face_landmarker.task (docs/measure.md). "
        "[dim]EMOSPLAT_TRACKER, or trackers/ of the user's data[/]",
        metavar="FILE",
    ),
]


def open_head(path: Path | None) -> HeadModel:
    """The head at `path`, or the built-in one."""
    from ..avatars.head import load_head
    from ..avatars.library import builtin_head

    return builtin_head() if path is None else load_head(path)


@app.command()
def generate(
    out: Annotated[Path, typer.Argument(help="Folder to make.", metavar="OUT")],
    hours: Annotated[float, typer.Option(help="How much speech, about.")] = 3.8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of sentences, voices and faces.")] = 0,
    engines: Annotated[str, typer.Option(help="Which synthesisers speak; espeak must.")] = "espeak,flite,festival",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
    debug: Debug = False,
) -> None:
    """Make a corpus: sentences spoken by synthesisers with phone times, faces that say them, and expressions.

    Needs the programs espeak-ng, flite and festival. The same seed and programs give the same corpus.
    """
    with complaints(debug):
        from ..blendshapes.training.generate import Progress, generate_corpus
        from ..pipeline.clip.render import ClipProgress

        with progress_bar(hidden=quiet or not sys.stderr.isatty()) as bar:

            def report(progress: Progress) -> None:
                bar(ClipProgress(progress.stage, progress.done, progress.total, unit=progress.unit))

            made = generate_corpus(
                out, open_head(None), hours=hours, seed=seed, engines=engines.split(","), report=report
            )
    if not quiet:
        people = ", ".join(f"{count} {part}" for part, count in made["people"].items())
        print(f"{out}: {made['hours']:.2f} h of speech in {made['utterances']} utterances; people: {people}")


@app.command()
def sing(
    recordings: Annotated[
        Path, typer.Argument(help="Recordings with phone times (docs/datasets.md).", metavar="RECORDINGS")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to make: recordings again, and their notes.")],
    hours: Annotated[float | None, typer.Option(help="How much song, about. [dim]everything once[/]")] = None,
    music: Annotated[
        float | None, typer.Option(help="Music under every song, so many dB below the voice. [dim]none[/]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of melodies and of which recordings.")] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
    debug: Debug = False,
) -> None:
    """Make songs of speech (extra: songs): recordings on melodies, with exact phone times and notes. Nobody sang them.

    Takes about half the time of the songs. The same seed gives the same songs.
    """
    with complaints(debug):
        from ..blendshapes.training.sung import sing_corpus
        from ..pipeline.clip.render import ClipProgress

        with progress_bar(hidden=quiet or not sys.stderr.isatty()) as bar:

            def report(done: int, total: int, seconds: float) -> None:
                if hours is None:
                    bar(ClipProgress("singing", done, total, unit="songs"))
                else:
                    bar(ClipProgress("singing", round(seconds), round(3600 * hours), unit="s"))

            made = sing_corpus(recordings, out, seed=seed, hours=hours, music_db=music, report=report)
    if not quiet:
        left_out = "".join(f"; left out: {count} with {reason}" for reason, count in made["refused"].items())
        print(f"{out}: {made['hours']:.2f} h of song in {made['songs']} songs{left_out}")


@app.command()
def speak(
    synthesiser: Annotated[
        Path,
        typer.Argument(help="Folder with Kokoro-82M: model, vocabulary, voices.", metavar="MODEL"),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of recordings to make.")],
    hours: Annotated[float, typer.Option(help="How much speech, about.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of sentences, speeds and the order of the voices.")] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
    debug: Debug = False,
) -> None:
    """Make recordings in the voices of a neural synthesiser, with phone times (extra: transcript). Nobody spoke.

    Needs the program espeak-ng, and about a third of the time of the speech. The same seed gives the same recordings.
    """
    with complaints(debug):
        from ..blendshapes.training.spoken import speak_corpus
        from ..pipeline.clip.render import ClipProgress

        with progress_bar(hidden=quiet or not sys.stderr.isatty()) as bar:

            def report(seconds: float) -> None:
                bar(ClipProgress("speaking", min(round(seconds), round(3600 * hours)), round(3600 * hours), unit="s"))

            made = speak_corpus(synthesiser, out, hours=hours, seed=seed, report=report)
    if not quiet:
        left_out = "".join(f"; left out: {count} with {reason}" for reason, count in made["refused"].items())
        print(f"{out}: {made['hours']:.2f} h in {made['recordings']} recordings of {made['voices']} voices{left_out}")


@app.command()
def track(
    films: Annotated[list[Path], typer.Argument(help="Films of people who talk.", metavar="VIDEO...")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for faces, sound and manifest; films are added.")],
    tracker: TrackerFile = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
    debug: Debug = False,
) -> None:
    """Track faces in films (extra: track): face motions that play on any avatar, what was measured, and the sound.

    One bad film never stops the rest; the exit code is 1 then.
    """
    with complaints(debug, stopped="stopped; films that are done stay"):
        from ..core.errors import InputError
        from ..pipeline.clip.render import ClipProgress
        from ..pipeline.tracking.corpus import track_films
        from ..pipeline.tracking.tracker import open_tracker

        with open_tracker(tracker) as faces, progress_bar(hidden=quiet or not sys.stderr.isatty()) as bar:

            def report(film: Path, done: int) -> None:
                bar(ClipProgress(f"tracking {film.name}", done))

            found = list(track_films(films, out, faces, report=report))
        refused = [row for row in found if isinstance(row, InputError)]
        if len(refused) == len(found):
            raise InputError("; ".join(map(str, refused)))
        for row in found:
            if isinstance(row, InputError):
                print(f"skipped: {row}", file=sys.stderr)
            elif not quiet:
                told = "" if row["offset_ms"] is None else f"; its picture was {row['offset_ms']:+.0f} ms late, mended"
                print(f"{out / row['face']}: {row['frames']} frames at {row['fps']:g}/s{told}")
                for note in row["notes"]:
                    print(f"note: {note}")
        if refused:
            raise typer.Exit(1)


@app.command()
def check(
    source: Annotated[
        str, typer.Argument(help="KIND=FOLDER (docs/datasets.md), or a generated corpus.", metavar="KIND=FOLDER")
    ],
    head: Head = None,
    debug: Debug = False,
) -> None:
    """Say what a data set holds and what was skipped, read one sequence of everybody, and say what acting may learn
    from it."""
    with complaints(debug):
        from ..blendshapes.data import open_datasets
        from ..blendshapes.training.people import looked_at

        model = open_head(head)
        data = open_datasets([source], head=model)
        parts = Counter(sequence.part for sequence in data)
        for part, count in parts.items():
            subjects = {s.subject for s in data if s.part == part}
            spoken = sum(s.audio is not None for s in data if s.part == part)
            print(f"{part or 'no part'}: {count} sequences of {len(subjects)} people, {spoken} with sound")
        for reason in data.skipped:
            print(f"skipped: {reason}")
        for line in looked_at(data, model):
            print(line)
