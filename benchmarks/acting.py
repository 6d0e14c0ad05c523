"""Does generated acting look like somebody, and does the mouth stay true to the sound? `python benchmarks/acting.py`.

`python benchmarks/acting.py VOICE...`: each VOICE is a file or a folder with recordings of one speaker, best one that
no weights were trained on. Without any, the demo's sentence is said over and over. `--phones FOLDER`: see `motion.py`.
Tables:

- seeds: how alike mouths are between seeds of one sound, outside contacts, and lips at p b m beside `procedural`, in
  every emotion and in styles;
- people: the statistics of `render evaluate` beside people who were measured, `procedural`, and invented actors;
- style: eight invented actors told apart by their statistics. The classifier knows the actors' own performances of some
  sounds; it is asked about the model's of others, where the model was told an example of the actor's motion with its
  sound, the motion alone, or only the voice. How much of which habit arrives? And is an actor's second half predicted
  better when the first is known?
- variety: distance between seeds, coverage and Frechet distance of actors' performances, beats, edits;
- conditions: what is lost when the model is not told the sound, the accents, the emotion or the style;
- speed: seconds of motion per second of processor time, and seconds until a clip is there.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # idle BLAS threads spin, which would count as processor time

import numpy as np
from motion import Spoken, aligned, measure  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray

import emosplat
from emosplat.avatars.library import open_avatar
from emosplat.blendshapes import EMOTIONS, Score, SpeechEncoder, TalkingHead, parse_emotion
from emosplat.blendshapes.acting import decode
from emosplat.blendshapes.acting.space import COORDINATES, LID, MOUTH, RATE, SCALE, coordinates
from emosplat.blendshapes.acting.style import STATISTICS, measured, style_of
from emosplat.blendshapes.acting.voiceprint import voiceprint
from emosplat.blendshapes.acting.weights import ActingWeights
from emosplat.blendshapes.editing.spans import Span, fixed_around, frames_of, replaced, with_edges
from emosplat.blendshapes.evaluation import acting as e
from emosplat.blendshapes.evaluation import naturalness as n
from emosplat.blendshapes.face_motion import SPEAKING, FaceMotion, join
from emosplat.blendshapes.models import MotionModel
from emosplat.blendshapes.models.acting import Acting
from emosplat.blendshapes.models.procedural import Procedural
from emosplat.blendshapes.models.speaking import speaking_face, walk
from emosplat.blendshapes.score import GUIDED, Fixed, Key, Style
from emosplat.blendshapes.solve.fusion import FusionModel
from emosplat.blendshapes.solve.solver import Solver
from emosplat.blendshapes.speech.encoder import Articulation, Blocks
from emosplat.blendshapes.speech.excerpt import Articulated, Excerpt
from emosplat.blendshapes.training.actors import TRAITS, Actor, perform
from emosplat.blendshapes.training.scenes import Scene, scene_of
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.curves import CurveReader
from emosplat.pipeline.media.audio import open_audio

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Table = dict[str, dict[str, float]]  # row -> column -> number

SECONDS = 36.0  # of a clip
PAUSES = (0.35, 1.1)  # seconds between recordings
ACTORS, DRAWS = 8, 2
IRIS = 0.4  # radius of an eye's turn by the width of the eye
SAMPLES = 16_000
MOVED = [k for k, name in enumerate(COORDINATES) if name not in (*MOUTH, LID, "gaze_pitch", "gaze_yaw")]
CLOSED = "share of p b m that close, and of other stops (goal: within 1 point at the same gap)"
OUTSIDE = "squint", "eye opening"  # statistics of people whose rest only a tracker sees


@dataclass(frozen=True, eq=False)
class Voice:
    """One speaker: clips of their speech."""

    name: str
    clips: tuple[F32, ...]


@dataclass(frozen=True, eq=False)
class Sound:
    """A clip with what is heard in it."""

    name: str
    wave: F32
    pieces: tuple[Articulation, ...]
    scene: Scene

    @property
    def duration(self) -> float:
        return len(self.wave) / SAMPLES

    @property
    def frames(self) -> int:
        return math.ceil(self.duration * RATE - 1e-6)

    def blocks(self) -> list[F32]:
        return [self.wave]

    @property
    def speech(self) -> Excerpt:
        """The articulation of the whole."""
        return Articulated(iter(self.pieces)).around(0.0, self.duration)

    @cached_property
    def heard(self) -> n.Heard:
        level, speech = (
            np.concatenate([getattr(p, k) for p in self.pieces]).astype(np.float64) for k in ("level", "speech")
        )
        return n.Heard(np.arange(len(level)) / 50, level, speech)

    @property
    def stresses(self) -> F64:
        """Times of the stressed syllables."""
        return np.array([m.time for m in self.scene.moments if m.kind == "stress"])


class Known:
    """An encoder that hears each sound once."""

    def __init__(self, encoder: SpeechEncoder) -> None:
        self.encoder, self.lookahead = encoder, encoder.lookahead
        self._known: dict[int, tuple[F32, list[Articulation]]] = {}

    def articulate(self, blocks: Blocks) -> Iterator[Articulation]:
        whole = list(blocks())
        if len(whole) != 1:  # a file
            return self.encoder.articulate(lambda: whole)
        if id(whole[0]) not in self._known:
            self._known[id(whole[0])] = whole[0], list(self.encoder.articulate(lambda: whole))
        return iter(self._known[id(whole[0])][1])

    def follow(self, blocks):  # type: ignore[no-untyped-def]
        return self.encoder.follow(blocks)


class Stage:
    """Models, one head, sounds."""

    def __init__(self, voices: Sequence[Voice], weights: Path | None, avatar: str) -> None:
        self.encoder = Known(SpeechEncoder.load())
        self.weights = ActingWeights.load(weights)
        self.acting, self.procedural = Acting(self.encoder, self.weights), Procedural(self.encoder)
        head = open_avatar(avatar).head
        self.solver, self.reader = Solver(head, FusionModel.built_in()), CurveReader(head)
        self.voices = voices
        self._faces: dict[str, FaceMotion] = {}
        self.sounds = [self.sound(v.name, v.clips[0]) for v in voices]

    def sound(self, name: str, wave: F32) -> Sound:
        pieces = tuple(self.encoder.articulate(lambda: [wave]))
        return Sound(name, wave, pieces, scene_of(wave, self.encoder.encoder))

    def plan(self, model: MotionModel, sound: Sound, seed: int, **asked: object) -> FaceMotion:
        return model.plan(Score(sound.duration, RATE, sound.blocks, seed=seed, **asked))  # type: ignore[arg-type]

    def act(self, sound: Sound, seed: int, **asked: object) -> FaceMotion:
        return self.plan(self.acting, sound, seed, **asked)

    def performed(self, actor: Actor, sound: Sound, seed: int) -> FaceMotion:
        """An invented actor's performance, on the way that the model's take to a face."""
        values = perform(actor, sound.scene, np.random.default_rng([seed, 77]))
        face, nothing = self._spoken(sound), np.zeros((sound.frames, len(EMOTIONS)))
        grid = np.arange(len(values)) / RATE
        acted = decode.acted(face, grid, values, emotion=nothing, head_motion="subtle", blink=False, seed=seed)
        shut = decode.closed(face.times, decode.blinks(grid, values[:, COORDINATES.index(LID)]))
        return acted.with_columns({c: acted.column(c) + (1 - acted.column(c)) * shut for c in ("lidLeft", "lidRight")})

    def _spoken(self, sound: Sound) -> FaceMotion:
        if sound.name not in self._faces:
            steps = walk(Score(sound.duration, RATE, sound.blocks), Articulated(iter(sound.pieces)), 32)
            score = Score(sound.duration, RATE, sound.blocks)
            self._faces[sound.name] = join([speaking_face(score, *step) for step in steps])
        return self._faces[sound.name]

    def take(self, face: FaceMotion, sound: Sound) -> n.Take:
        curves = self.reader.measures(self.solver(face))
        curves[n.IRIS] = IRIS * np.sin(face.gaze[:, :, 1].mean(axis=1))
        return n.Take(face.fps, curves, sound.heard)

    def standard(self, faces: Sequence[FaceMotion]) -> F64:
        """Statistics [n, S] of motions as standard deviations from what is usual."""
        found = np.array([measured(coordinates(f), f.column(SPEAKING) > 0.5) for f in faces])
        return np.clip((found - self.weights.usual) / self.weights.spread, -4, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("voices", nargs="*", type=Path)
    parser.add_argument("--phones", type=Path, help="recordings with phone times, as for motion.py")
    parser.add_argument("--weights", type=Path, help="another acting.safetensors than the built-in one")
    parser.add_argument("--avatar", default="person1")
    parser.add_argument("--only", nargs="*", choices=[*TABLES], default=[*TABLES])
    parser.add_argument("--full", action="store_true", help="three times as many seeds")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    stage = Stage(read_voices(options.voices), options.weights, options.avatar)
    seconds = sum(s.duration for s in stage.sounds)
    print(f"{len(stage.sounds)} voices, {seconds:.0f} s, weights {stage.weights.sha256[:8]}, {options.avatar}")
    found: dict[str, Table] = {}
    for name in options.only:
        for title, table in TABLES[name](stage, options):
            found[title] = table
            print(f"\n{title}\n{shown(table)}", flush=True)
    if options.json:
        told = {t: {r: {c: v for c, v in row.items() if math.isfinite(v)} for r, row in table.items()}
                for t, table in found.items()}  # fmt: skip
        options.json.write_text(json.dumps({"weights": stage.weights.sha256, "tables": told}, indent=1) + "\n")


def read_voices(paths: Sequence[Path]) -> list[Voice]:
    """Files and folders of recordings as clips of `SECONDS`; the demo's sentence where there are none."""
    found = []
    for path in paths or [Path(emosplat.example_speech())]:
        files = sorted(f for f in path.iterdir() if f.is_file()) if path.is_dir() else [path]
        rng = np.random.default_rng(0)
        waves = [w for f in files if (w := read_wave(f)) is not None]
        if not waves:
            raise SystemExit(f"{path}: expected recordings, found none")
        clips: list[F32] = []
        parts: list[F32] = []
        for number in range(max(len(waves), 40)):
            if number >= len(waves) and clips:
                break  # what was said is said again only until there is a clip
            parts += [waves[number % len(waves)], np.zeros(round(SAMPLES * rng.uniform(*PAUSES)), np.float32)]
            if sum(map(len, parts)) >= SECONDS * SAMPLES:
                clips.append(np.concatenate(parts)[: round((SECONDS + 2) * SAMPLES)])
                parts = []
        found.append(Voice(path.stem, tuple(clips)))
    return found


def read_wave(path: Path) -> F32 | None:
    """Mono at 16 kHz and -23 dB; None for a file that holds no sound."""
    try:
        wave = np.concatenate(list(open_audio(path).blocks()))
    except InputError:
        return None
    return (wave * (10 ** (-23 / 20) / max(float(np.sqrt(np.mean(wave**2))), 1e-6))).astype(np.float32)


def seeds_table(stage: Stage, options: argparse.Namespace) -> Iterator[tuple[str, Table]]:
    """How alike mouths are between seeds, and whether lips close."""
    count = 9 if options.full else 4
    curves: dict[str, list[float]] = {}
    for sound in stage.sounds:
        faces = [stage.act(sound, 100 + s) for s in range(count)]
        takes = [stage.take(f, sound) for f in faces]
        where = e.free(faces[0])
        measured_curves = {f"{name} (head)": [t.curve(name) for t in takes] for name in (n.OPENING, n.WIDTH)}
        measured_curves |= {name: [f.column(f"speech.{name}") for f in faces] for name in MOUTH}
        measured_curves["smile"] = [f.column("mouthSmileLeft") - f.column("mouthFrownLeft") for f in faces]
        for name, found in measured_curves.items():
            curves.setdefault(name, []).extend(e.alike(found, where))
    yield (
        f"seeds: correlation between {count} seeds of one sound, outside contacts (goal for the mouth: 0.8 to 0.97)",
        {name: {"mean": mean(r), "least": min(r), "most": max(r)} for name, r in curves.items()},
    )
    if options.phones:
        yield closures(stage, options.phones, 3 if options.full else 1)
        yield closures_in_styles(stage, options.phones)


def closures(stage: Stage, folder: Path, seeds: int) -> tuple[str, Table]:
    """Lips at p b m as motion.py counts them; every emotion is another recording and seed anyway."""
    clips = list(aligned(folder))
    table = {
        emotion: closed_lips(stage, clips, emotion, [Seeded(stage.acting, 200 + seed) for seed in range(seeds)])
        for emotion in EMOTIONS
    }
    return f"closures: {CLOSED}", table


def closures_in_styles(stage: Stage, folder: Path) -> tuple[str, Table]:
    """Lips at p b m of people who articulate as unlike each other as any."""
    clips, sound = list(aligned(folder)), stage.sounds[0]
    table: Table = {}
    for traits in ({}, *({name: way} for name in ("articulation", "wide", "lips", "sloppy") for way in (-2.0, 2.0))):
        actor = Actor(np.array([traits.get(name, 0.0) for name in TRAITS]))
        style = style_of(stage.performed(actor, sound, 1), "example", sound.speech)
        name = ", ".join(f"{name} {way:+g}" for name, way in traits.items()) or "usual"
        table[name] = closed_lips(stage, clips, "neutral", [Seeded(stage.acting, 300, style)])
    return f"closures in styles: {CLOSED}", table


def closed_lips(stage: Stage, clips: Sequence[Spoken], emotion: str, asked: Sequence[Seeded]) -> dict[str, float]:
    """Shares of p b m, and of other stops, at which lips close: under a quarter of the vowels, which the model opens
    less or more widely than `procedural`, and under the same gap as of `procedural`."""
    found: dict[str, list[float]] = {}

    def note(name: str, values: list[float]) -> None:
        found.setdefault(name, []).extend(values)

    for clip in clips:
        heads = [TalkingHead(model, stage.solver) for model in (stage.procedural, *asked)]  # type: ignore[arg-type]
        spoken = measure(clip, emotion, heads[0], stage.reader)
        for what in ("closed", "false"):
            note(f"{what} procedural", spoken[what])
        for head in heads[1:]:
            one = measure(clip, emotion, head, stage.reader)
            same = measure(clip, emotion, head, stage.reader, opening=spoken["vowel"][0])
            for what in ("closed", "false"):
                note(f"{what} acting", one[what])
            note("closed acting, same gap", same["closed"])
    row = {name: mean(values) for name, values in found.items()}
    return row | {"points": 100 * (row["closed acting, same gap"] - row["closed procedural"])}


@dataclass(frozen=True, eq=False)
class Seeded:
    """A model that is asked with another seed, in a style."""

    model: MotionModel
    seed: int
    style: Style | None = None

    def plan(self, score: Score) -> FaceMotion:
        return self.model.plan(replace(score, seed=self.seed, style=self.style))


def people_table(stage: Stage, options: argparse.Namespace) -> Iterator[tuple[str, Table]]:
    """Statistics of motion beside people's."""
    count = 12 if options.full else 4
    whose: dict[str, Callable[[Sound, int], FaceMotion]] = {
        "procedural": lambda sound, seed: stage.plan(stage.procedural, sound, seed),
        "acting": stage.act,
        "actors": lambda sound, seed: stage.performed(Actor.drawn(np.random.default_rng(seed)), sound, seed),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in whose}
    for number, sound in enumerate(stage.sounds):
        for s in range(count):
            for name, made in whose.items():
                found[name].append(n.statistics([stage.take(made(sound, 1000 + 50 * number + s), sound)]))
    table: Table = {}
    for statistic in n.STATISTICS:
        norm = n.PEOPLE.get(statistic.name)
        if norm is None or statistic.name in OUTSIDE:
            continue
        row = {"people": norm.value}
        for name, all_of in found.items():
            values = [one[statistic.name] for one in all_of if not math.isnan(one[statistic.name])]
            if values:
                row[name] = float(np.median(values))
                row[f"x {name}"] = row[name] / norm.value
        if len(row) > 1:
            table[statistic.name] = row
    yield f"people: medians over {count * len(stage.sounds)} clips of {SECONDS:.0f} s, and factors", table


def style_table(stage: Stage, options: argparse.Namespace) -> Iterator[tuple[str, Table]]:
    """Eight actors told apart, from an example of their motion and from their voice alone."""
    draws = 3 * DRAWS if options.full else DRAWS
    half = max(1, len(stage.sounds) // 2)
    known, asked = stage.sounds[:half], (stage.sounds[half:] or stage.sounds)[: None if options.full else 2]
    table: Table = {}
    everybody = [[Actor.drawn(np.random.default_rng([draw, k])) for k in range(ACTORS)] for draw in range(draws)]
    for told, heard in (("an example of motion with its sound", True), ("an example of motion alone", False)):
        rows, pairs = [], []
        for draw, actors in enumerate(everybody):
            made = acted(stage, examples(stage, actors, known[0], draw, heard=heard), asked, draw)
            own = own_performances(stage, actors, asked, draw)
            rows.append(recognised(learned(stage, actors, known, draw), made, own))
            pairs += zip(made["acting"], own, strict=True)
        table[f"told {told}"] = {"chance": 1 / ACTORS} | means(rows)
        yield f"habits: slope and r of what is made over what the actors do, told {told}", habits(pairs)
    apart = [
        float(np.mean(knows(one) == np.arange(ACTORS)))
        for draw, actors in enumerate(everybody)
        for knows in [learned_of_model(stage, actors, known, draw)]
        for one in acted(stage, examples(stage, actors, known[0], draw), asked, draw)["acting"]
    ]
    table["the same, by who knows the model's"] = {"chance": 1 / ACTORS, "acting": mean(apart)}
    if len(stage.voices) >= 2:
        people = stage.voices[:ACTORS]
        prints = [voiceprint(v.clips, what=v.name) for v in people]
        made = acted(stage, [stage.weights.voice_style([v.clips[-1]], v.name) for v in people], asked, 0)
        rows = [
            recognised(
                learned(stage, actors, known, 100 + draw), made, own_performances(stage, actors, asked, 100 + draw)
            )
            for draw in range(4 * draws)
            for actors in [[Actor.drawn(np.random.default_rng([draw, 9, k]), p) for k, p in enumerate(prints)]]
        ]
        table["told an example of the voice"] = {"chance": 1 / len(people)} | means(rows)
    yield (
        f"style: share of actors recognised on the same sounds, {draws} draws of {ACTORS} actors (goals 0.8 and 0.5)",
        table,
    )
    yield halves(stage, draws)


def examples(stage: Stage, actors: Sequence[Actor], sound: Sound, draw: int, *, heard: bool = True) -> list[Style]:
    """What the model is told of each actor: a performance that the classifier does not know, with its sound or not."""
    speech = sound.speech if heard else None
    return [style_of(stage.performed(a, sound, 500 + draw), "example", speech) for a in actors]


def acted(stage: Stage, styles: Sequence[Style], asked: Sequence[Sound], draw: int) -> dict[str, list[F64]]:
    """Statistics [K, S] of the model's performances of each sound in each style, by how much the style counts."""
    return {
        name: [
            stage.standard(
                [stage.act(sound, 3000 + 100 * draw + number + 7 * k, style=s, guidance=guidance)
                 for k, s in enumerate(styles)]
            )
            for number, sound in enumerate(asked)
        ]
        for name, guidance in (("acting", {}), ("acting, style doubled", {"style": 2.0}))
    }  # fmt: skip


def own_performances(stage: Stage, actors: Sequence[Actor], asked: Sequence[Sound], draw: int) -> list[F64]:
    """Statistics [K, S] of the actors' own performances of each sound."""
    return [stage.standard([stage.performed(a, s, 900_000 + draw) for a in actors]) for s in asked]


def recognised(recogniser: e.Recogniser, made: dict[str, list[F64]], own: list[F64]) -> dict[str, float]:
    """Who is recognised in the model's performances [K, S] of each sound, and in the actors' own."""
    return {
        name: mean([float(np.mean(recogniser(one) == np.arange(len(one)))) for one in found])
        for name, found in (made | {"their own performances": own}).items()
    }


def habits(pairs: Sequence[tuple[F64, F64]]) -> Table:
    """How much of what sets people apart arrives: statistics that were made over their own, by coordinate.

    Taken is what is left of every sound's mean.
    """
    made, own = (np.concatenate([p[k] - p[k].mean(axis=0) for p in pairs]) for k in (0, 1))
    slopes = (made * own).sum(axis=0) / np.maximum(np.square(own).sum(axis=0), 1e-9)
    table: Table = {}
    for name in (*MOUTH, "brow_left", "squint", "cheek", "head_pitch"):
        row = table.setdefault(name, {})
        for what in ("mean", "size", "speed"):
            k = STATISTICS.index(f"{name}.{what}")
            row |= {what: float(slopes[k]), f"r {what}": n.correlation(made[:, k], own[:, k])}
    return table


def learned_of_model(stage: Stage, actors: Sequence[Actor], known: Sequence[Sound], draw: int) -> e.Recogniser:
    """A classifier of the model's performances of other sounds, told other examples of the same actors."""
    who, faces = [], []
    for k, actor in enumerate(actors):
        for again in range(3):
            style = style_of(
                stage.performed(actor, known[-1], 700_000 + 10 * draw + again), "example", known[-1].speech
            )
            for number, sound in enumerate(known):
                for twice in range(max(1, 3 // len(known))):
                    seed = 20_000 * (draw + 1) + 1000 * k + 100 * number + 10 * again + twice
                    who.append(k)
                    faces.append(stage.act(sound, seed, style=style))
    return e.Recogniser.of(stage.standard(faces), np.array(who))


def learned(stage: Stage, actors: Sequence[Actor], known: Sequence[Sound], draw: int) -> e.Recogniser:
    """A classifier of the actors' own performances."""
    who, faces = [], []
    for k, actor in enumerate(actors):
        for number, sound in enumerate(known):
            for again in range(max(2, 8 // len(known))):
                who.append(k)
                faces.append(stage.performed(actor, sound, 10_000 * (draw + 1) + 100 * number + again))
    return e.Recogniser.of(stage.standard(faces), np.array(who))


def halves(stage: Stage, draws: int) -> tuple[str, Table]:
    """The second half of an actor's performance, told the style of the first half, somebody else's, or none."""
    rows: dict[str, dict[str, list[float]]] = {}
    for number, sound in enumerate(stage.sounds[: max(2, draws // 2)]):
        actors = [Actor.drawn(np.random.default_rng([number, 300 + k])) for k in range(ACTORS)]
        faces = [stage.performed(a, sound, 4000 + k) for k, a in enumerate(actors)]
        middle = len(faces[0]) // 2
        styles = [style_of(f[:middle], "first half") for f in faces]
        telling = sound.scene.told[middle : len(faces[0])]
        for k, (actor, face) in enumerate(zip(actors, faces, strict=True)):
            truth = perform(actor, sound.scene, np.random.default_rng([4000 + k, 77]))[middle : middle + len(telling)]
            second = stage.standard([face[middle:]])[0]
            rows.setdefault("the first half itself", {"statistics": []})["statistics"].append(
                float(np.sqrt(np.mean((stage.standard([face[:middle]])[0] - second) ** 2)))
            )
            for name, style in (("own", styles[k]), ("another's", styles[(k + 1) % ACTORS]), ("none", None)):
                row = rows.setdefault(name, {"direction": [], "statistics": []})
                manner = np.zeros_like(stage.weights.manner(styles[k], seed=0))
                manner = manner if style is None else stage.weights.manner(style, seed=0)
                row["direction"].append(
                    e.direction_error(stage.weights.network, manner, telling.astype(np.float32),
                                      (truth / SCALE).astype(np.float32), seed=k)
                )  # fmt: skip
                made = stage.act(sound, 40 + k, style=style)[middle:]
                row["statistics"].append(float(np.sqrt(np.mean((stage.standard([made])[0] - second) ** 2))))
    return (
        "halves: an actor's second half, told the style of the first: squared error of the flow's direction, and "
        "distance of statistics, standard deviations",
        {name: {k: mean(v) for k, v in row.items()} for name, row in rows.items()},
    )


def variety_table(stage: Stage, options: argparse.Namespace) -> Iterator[tuple[str, Table]]:
    """Distances, coverage, beats and edits."""
    count = 12 if options.full else 4
    makers: dict[str, Callable[[Sound, int], FaceMotion]] = {
        "acting": stage.act,
        "actors": lambda sound, seed: stage.performed(somebody(sound, seed), sound, seed),
        "procedural": lambda sound, seed: stage.plan(stage.procedural, sound, seed),
    }
    real = [
        [stage.performed(somebody(sound, 7000 + k), sound, 7000 + k) for k in range(count)] for sound in stage.sounds
    ]
    flat = [f for faces in real for f in faces]
    frames = np.concatenate([e.moving(scaled(f), RATE) for f in flat])
    table: Table = {}
    for name, maker in makers.items():
        made = [[maker(sound, 6000 + k) for k in range(count)] for sound in stage.sounds]
        every = [f for faces in made for f in faces]
        beats = [
            e.beat_alignment(f.head[:, :3], f.fps, sound.stresses)
            for sound, faces in zip(stage.sounds, made, strict=True)
            for f in faces
        ]
        table[name] = {
            "between seeds": mean([e.diversity([scaled(f)[:, MOVED] for f in faces]) for faces in made]),
            "coverage": e.coverage(stage.standard(every), stage.standard(flat)),
            "Frechet": e.frechet_distance(np.concatenate([e.moving(scaled(f), RATE) for f in every]), frames),
            "beats": mean([b for b, _ in beats]),
            "beats by chance": mean([c for _, c in beats]),
            "nod at a stress": mean(
                [nodded(f, sound) for sound, faces in zip(stage.sounds, made, strict=True) for f in faces]
            ),
        }
    yield (
        "variety: root mean square between seeds (units), coverage of and Frechet distance to invented actors' "
        "performances, beat alignment of the head",
        table,
    )
    yield edits(stage, options)


def nodded(face: FaceMotion, sound: Sound) -> float:
    """Degrees."""
    return float(np.degrees(e.nod(face.head[:, 0], face.fps, sound.stresses)))


def somebody(sound: Sound, seed: int) -> Actor:
    """Another invented actor for every sound and seed."""
    return Actor.drawn(np.random.default_rng([*sound.name.encode(), seed]))


def scaled(face: FaceMotion) -> F64:
    """Coordinates in units of `SCALE`."""
    return coordinates(face) / SCALE


def edits(stage: Stage, options: argparse.Namespace) -> tuple[str, Table]:
    """Keys that must be met, and spans made anew in a motion that must not change around them: by the model alone, and
    as `render edit --replace` puts them in."""
    errors, changed = [], 0.0
    seams: dict[str, list[list[float]]] = {"acting": [[], [], []], "render edit": [[], [], []]}
    columns = [k for k in MOVED if not COORDINATES[k].startswith("smile")]
    for number, sound in enumerate(stage.sounds):
        face = stage.act(sound, 60 + number)
        keys = (Key(4.02, {"headYaw": 0.12, "browOuterUpLeft": 0.5}), Key(7.5, {"headPitch": -0.08}))
        keyed = stage.act(sound, 60 + number, keys=keys)
        errors += [abs(keyed.column(c)[int(k.time * RATE)] - v) for k in keys for c, v in k.columns.items()]
        for again in range(6 if options.full else 2):
            span = Span(start := 3 + 4.4 * again, start + 2)
            edged = with_edges(face, span, what="span")
            whole = frames_of(face, span, what="span")
            kept = tuple(Fixed(f.start, f.end, f.motion) for f in fixed_around(face, span, what="span", edge=0))
            taken = stage.act(sound, 900 + again, fixed=fixed_around(face, span, what="span"))
            ways = {"acting": (stage.act(sound, 900 + again, fixed=kept), whole),
                    "render edit": (replaced(face, taken, span), edged)}  # fmt: skip
            for way, (new, (first, last)) in ways.items():
                rest = np.r_[0:first, last : len(face)]
                for column in face.columns:
                    changed = max(changed, float(np.abs(new.column(column)[rest] - face.column(column)[rest]).max()))
                values = scaled(new)[:, columns]
                value, speed, inside = seams[way]
                value += e.jumps(values, [first, last]).ravel().tolist()
                speed += e.jumps(np.diff(values, axis=0), [first, last - 1]).ravel().tolist()
                inside.append(e.diversity([values[slice(*whole)], scaled(face)[slice(*whole), columns]]))
    return "edits: keys, and spans of 2 s made anew (own p99: by chance one in a hundred is above 1)", {
        way: {
            "key error": max(errors),
            "rest changed by": changed,
            "value jumps above own p99": mean([float(v > 1) for v in value]),
            "largest": max(value),
            "speed jumps above own p99": mean([float(v > 1) for v in speed]),
            "largest of speed": max(speed),
            "span changed by (units)": mean(inside),
        }
        for way, (value, speed, inside) in seams.items()
    }


def conditions_table(stage: Stage, options: argparse.Namespace) -> Iterator[tuple[str, Table]]:
    """What each condition is worth: the model without it."""
    count = 6 if options.full else 2
    sounds = stage.sounds[: max(1, len(stage.sounds) // 2)]
    actors = [Actor.drawn(np.random.default_rng([k, 9])) for k in range(ACTORS)]
    recogniser = learned(stage, actors, sounds, 50)
    styles = [
        style_of(stage.performed(a, sounds[0], 800 + k), "example", sounds[0].speech) for k, a in enumerate(actors)
    ]
    table: Table = {}
    for left_out in (None, *GUIDED):
        guidance: Mapping[str, float] = {} if left_out is None else {left_out: 0.0}
        beats, with_level, size, known = [], [], [], []
        for sound in sounds:
            for s in range(count):
                face = stage.act(sound, 300 + s, guidance=guidance)
                beats.append(nodded(face, sound))
                level = sound.heard.level_at(face.times)
                with_level.append(n.best_delay(face.head[:, 0], level, face.fps)[0])
                speeds = {
                    mood: turning(stage.act(sound, 300 + s, guidance=guidance, emotion=parse_emotion(mood)))
                    for mood in ("angry", "sad")
                }
                size.append(speeds["angry"] / speeds["sad"])
        for k, style in enumerate(styles):
            face = stage.act(sounds[-1], 700 + k, style=style, guidance=guidance)
            known.append(float(recogniser(stage.standard([face]))[0] == k))
        table["all" if left_out is None else f"without {left_out}"] = {
            "nod at a stress, degrees": mean(beats),
            "r(pitch, loudness)": mean(with_level),
            "head, angry by sad": float(np.median(size)),
            "style recognised": mean(known),
        }
    yield "conditions: what is left when one is not told", table


def turning(face: FaceMotion) -> float:
    """Speed of the head, root mean square."""
    return float(np.sqrt(np.mean(np.diff(face.column("headYaw")) ** 2)))


def speed_table(stage: Stage, _options: argparse.Namespace) -> Iterator[tuple[str, Table]]:
    """How long it takes."""
    sound = stage.sounds[0]
    style = style_of(stage.act(sound, 1), "own")
    table: Table = {}
    for name, model, asked in (
        ("procedural", stage.procedural, {}),
        ("acting", stage.acting, {}),
        ("acting, style doubled", stage.acting, {"style": style, "guidance": {"style": 2.0}}),
    ):
        spent = []
        for heard in (False, True):
            if not heard:
                list(stage.encoder.encoder.articulate(sound.blocks))
            started = time.process_time()
            stage.plan(model, sound, 5, **asked)
            spent.append(time.process_time() - started)
        table[name] = {"times real time": sound.duration / min(spent)}
    started = time.process_time()
    list(stage.encoder.encoder.articulate(sound.blocks))
    table["the speech encoder"] = {"times real time": sound.duration / (time.process_time() - started)}
    yield f"speed: seconds of motion per second of processor time, {sound.duration:.0f} s, sound already heard", table
    yield (
        "start: seconds until it is done",
        {
            "render --help": {"seconds": spent_on("--help")},
            **{f"1 s of video, {m}": {"seconds": spent_on_clip(m)} for m in ("procedural", "acting")},
        },
    )


def spent_on_clip(model: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out.mp4")
        return spent_on(emosplat.example_speech(), "-o", out, "--duration", "1", "--model", model, "--overwrite")


def spent_on(*arguments: object) -> float:
    """Seconds of the command line, the best of three."""
    command = [sys.executable, "-m", "emosplat", *map(str, arguments)]
    times = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return min(times)


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of every column."""
    return {name: mean([row[name] for row in rows]) for name in rows[0]}


def mean(values: Sequence[float]) -> float:
    """Of those that are known."""
    known = [v for v in values if not math.isnan(v)]
    return float(np.mean(known)) if known else math.nan


def shown(table: Table) -> str:
    """A table for people, in Markdown."""
    columns = list(dict.fromkeys(c for row in table.values() for c in row))
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for name, row in table.items():
        lines.append(f"| {name} | " + " | ".join(f"{row[c]:.3g}" if c in row else "" for c in columns) + " |")
    return "\n".join(lines)


TABLES: Mapping[str, Callable[[Stage, argparse.Namespace], Iterator[tuple[str, Table]]]] = {
    "people": people_table,
    "seeds": seeds_table,
    "style": style_table,
    "variety": variety_table,
    "conditions": conditions_table,
    "speed": speed_table,
}


if __name__ == "__main__":
    main()
