"""A study from its design: stimuli, lists, pages and key, each in its place."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..avatars.library import builtin_head
from ..core.errors import InputError
from ..pipeline.batch.check import check_finished
from ..pipeline.batch.engines.base import Event
from ..pipeline.media.audio import open_audio
from .answers import PEOPLE
from .balance import Count, check_balance
from .blinding import Blinding, look_for_leaks
from .conditions import Condition
from .design import Preference, Study, load_study
from .dictionary import write_dictionary
from .exports import write_exports, write_rows
from .face_points import face_width
from .finish import blank_picture, encode_stimulus, even_out
from .journal import Journal, only_writer
from .lists import Trial, all_stimuli, make_lists, served, video_file
from .masters import check_external, check_files, drawn, render_masters, shown_frames
from .motions import act
from .page.page import PUBLIC, write_page
from .page.words import ENGLISH, words_of
from .sounds import RATE, Sound, heard_as, prepare_sounds
from .stimuli import Stimulus
from .tables import Tables

WORK = ".work"
MARKER = "study.yaml"
NO_COMMAS = "|"  # between the files of one trial

Progress = Callable[[str, int, int], None]  # what is done, how many of how many


@dataclass(frozen=True)
class Built:
    """What a build made."""

    folder: Path
    participants: int
    trials: int  # of each participant
    stimuli: int
    loudness: float  # LUFS, of all clips
    balance: list[Count]
    blinding: Blinding


def build_study(
    design: Path,
    out: Path,
    *,
    device: str = "auto",
    progress: Progress = lambda _what, _done, _total: None,
) -> Built:
    """Build the study of a design file in the folder `out`; goes on where an earlier build was stopped.

    The folder holds `public/` (what a web server may serve), `lists/` and `exports/` for other tools, `manifest.csv`,
    and `key/`, which tells what every stimulus is. Raises InputError, before anything is rendered, for a design that
    cannot be built, and for a folder that is served.
    """
    with only_writer(out) if out.is_dir() else nullcontext():
        return _build(design, out, device=device, progress=progress)


def _build(design: Path, out: Path, *, device: str, progress: Progress) -> Built:
    study = load_study(design)
    words = words_of(study.language, design.parent)
    if study.language != ENGLISH and (unnamed := study.ends_unnamed()):
        raise InputError(f"{design}: {unnamed[0]}: expected low and high, since the page is not in English")
    _check_target(out, design)
    lists = make_lists(study)
    stimuli = all_stimuli(lists, study.seed)
    sounds = prepare_sounds(study, design.parent)
    showings = {showing for stimulus in stimuli.values() for showing in stimulus.showings}
    check_external(study, showings, design.parent, {name: sound.speech for name, sound in sounds.items()})
    check_files(study, design.parent)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARKER).write_bytes(design.read_bytes())
    work = out / WORK
    work.mkdir(exist_ok=True)
    finished: set[str] = set()

    def watch(event: Event) -> None:
        if event.outcome is not None:
            finished.add(event.item.out)
            progress("rendering", len(finished), len(drawings))

    _act(study, stimuli, sounds, out=out, folder=design.parent, progress=progress)
    drawings = {showing for showing in showings if drawn(study, showing)}
    render_masters(study, drawings, work, design.parent, device=device, watch=watch)
    rows = _encode(study, stimuli, sounds, out=out, design=design, progress=progress)
    pages = [served(trials, study, words) for trials in lists]
    _write_lists(study, pages, out)
    write_page(study, out / PUBLIC, words)
    (out / PEOPLE).unlink(missing_ok=True)  # of those who only looked at an earlier build
    shutil.rmtree(out / "exports", ignore_errors=True)
    write_exports(study, pages, sounds, out / "exports", public=out / PUBLIC)
    write_key(study, lists, stimuli, out)
    write_dictionary(study, out)
    sounding = {name: sounds[heard_as(study, stimulus.left)] for name, stimulus in stimuli.items()}
    heard = {name: {"loudness": sound.lufs, "true_peak": sound.true_peak} for name, sound in sounding.items()}
    blinding = look_for_leaks(stimuli, out / PUBLIC / "stimuli", heard, seed=study.seed)
    write_rows(out / "key" / "measures.csv", blinding.measures)
    if blinding.leaks:
        write_rows(out / "key" / "blinding.csv", blinding.tests())
    write_rows(out / "manifest.csv", rows)
    shutil.rmtree(work)
    loudness = max(sound.lufs for sound in sounds.values())
    return Built(out, len(lists), len(lists[0]), len(stimuli), loudness, check_balance(study, lists), blinding)


def _check_target(out: Path, design: Path) -> None:
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise InputError(f"{out}: expected an empty folder or an earlier build of a study, found other files")
    if (out / "responses").is_dir() and any((out / "responses").iterdir()):
        raise InputError(f"{out}: holds responses already; build {design.name} into another folder")
    if any(row.get("event") != "arrived" for row in Journal(out / PEOPLE, writes=False).rows):
        raise InputError(f"{out / PEOPLE}: holds what participants said; build {design.name} into another folder")


def _act(
    study: Study, stimuli: dict[str, Stimulus], sounds: dict[str, Sound], *, out: Path, folder: Path, progress: Progress
) -> None:
    """Make the motion of every showing of ours, and the tables of all."""
    tables = Tables(study, stimuli, sounds, out=out / "key" / "tables", work=out / WORK, folder=folder)
    showings = sorted({s for stimulus in stimuli.values() for s in stimulus.showings})
    ours = [s for s in showings if study.conditions[s.condition].videos is None]
    for done, acted in enumerate(act(study, ours, sounds, out / WORK, folder), start=1):
        tables.write(acted.showing, acted)
        progress("moving", done, len(ours))
    for showing in showings:
        if study.conditions[showing.condition].videos is not None:
            tables.write(showing)


def _encode(
    study: Study, stimuli: dict[str, Stimulus], sounds: dict[str, Sound], *, out: Path, design: Path, progress: Progress
) -> list[dict[str, object]]:
    """Encode all stimuli and describe each in a row of the manifest."""
    import soundfile

    folder = out / PUBLIC / "stimuli"
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.mp4"):
        stale.unlink()
    fps = Fraction(study.stimuli.fps).limit_denominator(1001)
    settings = study.settings_as(Condition(), design.parent)
    blank = blank_picture(settings)
    face = face_width(builtin_head(), settings)
    files: dict[str, Path] = {}
    rows: list[dict[str, object]] = []
    for done, (name, stimulus) in enumerate(stimuli.items(), start=1):
        name_of_sound = heard_as(study, stimulus.left)
        sound = sounds[name_of_sound]
        frames = round(len(sound.samples) / RATE * fps)
        heard = out / WORK / f"{name_of_sound}.heard.wav"
        soundfile.write(heard, sound.samples, RATE, subtype="PCM_24")
        files[name] = folder / f"{name}.mp4"
        encode_stimulus(
            files[name],
            [
                shown_frames(
                    s,
                    study,
                    out / WORK,
                    design.parent,
                    frames=frames,
                    speech=sound.speech,
                    blank=blank,
                    face=face,
                )
                for s in stimulus.showings
            ],
            sound=open_audio(heard),
            look=study.stimuli,
            frames=frames,
            blank=blank,
        )
        found = check_finished(files[name], frames=frames, fps=fps, sound=len(sound.samples) / RATE)
        rows.append(
            {
                "stimulus": files[name].name,
                "duration_s": round(found.duration, 4),
                "frames": found.frames,
                "fps": float(fps),
                "pictures": found.pictures,
                "lufs": sound.lufs,
                "true_peak_dbtp": sound.true_peak,
                "gain_db": sound.gain_db,
                "av_offset_ms": found.av_offset_ms,
            }
        )
        progress("encoding", done, len(stimuli))
    even_out(list(files.values()))
    for row, file in zip(rows, files.values(), strict=True):
        row["bytes"] = file.stat().st_size
        row["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    return rows


def _write_lists(study: Study, lists: Sequence[list[dict[str, Any]]], out: Path) -> None:
    """One JSON per participant for the page, one CSV for other tools; blind both."""
    for folder in (out / PUBLIC / "lists", out / "lists"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for number, pages in enumerate(lists):
        whole = {"title": study.title, "list": number, "lists": len(lists), "trials": pages}
        (out / PUBLIC / "lists" / f"list_{number:03}.json").write_text(
            json.dumps(whole, ensure_ascii=False), encoding="utf-8"
        )
        rows = [
            {
                "trial": page["trial"],
                "phase": page["phase"],
                "task": page["task"],
                "type": page["type"],
                "stimuli": NO_COMMAS.join(page["stimuli"]),
                "reference": page.get("reference", ""),
                "question": page["question"],
                "choices": NO_COMMAS.join(page["choices"]),
            }
            for page in pages
        ]
        write_rows(out / "lists" / f"list_{number:03}.csv", rows)


def write_key(study: Study, lists: Sequence[list[Trial]], stimuli: dict[str, Stimulus], out: Path) -> None:
    """What every stimulus and every trial is; not to be served."""
    key = out / "key"
    key.mkdir(exist_ok=True)
    write_rows(
        key / "unblind.csv",
        [
            {
                "stimulus": f"{name}.mp4",
                "clip": stimulus.clip,
                "condition": "/".join(s.condition for s in stimulus.showings),
                "manner": "/".join(s.manner for s in stimulus.showings),
                "offset_ms": stimulus.left.shift_ms,
                "open_reference": int(stimulus.open),
                "level": _level(study, stimulus),
            }
            for name, stimulus in stimuli.items()
        ],
    )
    write_rows(
        key / "trials.csv",
        [
            {
                "list": number,
                "trial": place,
                "phase": trial.phase,
                "task": trial.task.id,
                "type": trial.task.type,
                "clip": trial.clip,
                "condition": trial.condition,
                "left": trial.stimuli[0].left.condition if isinstance(trial.task, Preference) else "",
                "stimuli": NO_COMMAS.join(video_file(s, study) for s in trial.stimuli),
                "expected": trial.expected or "",
            }
            for number, trials in enumerate(lists)
            for place, trial in enumerate(trials)
        ],
    )


def _level(study: Study, stimulus: Stimulus) -> str:
    """Where the conditions of a stimulus stand on their axis; empty where they are on none."""
    levels = [study.conditions[s.condition].level for s in stimulus.showings]
    return "/".join("" if level is None else f"{level:g}" for level in levels).strip("/")
