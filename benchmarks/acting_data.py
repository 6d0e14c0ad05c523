"""Does acting learn the same from every kind of data set? `python benchmarks/acting_data.py RECORDINGS...`.

No data set of people may be had here. So invented people, who are the built-in acting model in the manners that it
remembers, speak RECORDINGS (folders of docs/datasets.md), and what they do is written as each kind of data set has it:
SYNTHETIC throughout. Measured is

- mouth: how articulation is read off ARKit shapes of our speaking heads (the numbers of `acting.space`);
- read: what of their motion each kind tells, correlation and size of every coordinate with the performance itself;
- phone FILE...: the same for real recordings of Live Link Face, through parameters and meshes of FLAME's layout;
- learned: loss on held-out people's own performances after `--steps` batches from each kind, and before.

FLAME's layout stands on a head that is not FLAME (tests/avatars/flame_like.py), or on `--head`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from scipy.optimize import nnls

from emosplat.avatars.arkit import ARKIT_52, ArkitSolver
from emosplat.avatars.flame_head import bare_flame_head
from emosplat.avatars.head import HeadModel, load_head
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.motion_files import save_motion, write_live_link
from emosplat.avatars.pose import Poser
from emosplat.avatars.registration import register
from emosplat.avatars.retarget import with_expressions
from emosplat.blendshapes import Score, SpeechEncoder
from emosplat.blendshapes.acting.prior import chance
from emosplat.blendshapes.acting.space import COORDINATES, MOUTH, READ, REGION, coordinates
from emosplat.blendshapes.acting.style import POSE_UNITS, POSED, POSES, STATISTICS, named
from emosplat.blendshapes.acting.weights import ActingWeights
from emosplat.blendshapes.data import DataSet, open_dataset
from emosplat.blendshapes.data.files import read_audio
from emosplat.blendshapes.data.tracked import FORMAT
from emosplat.blendshapes.data.vocaset import SUBJECTS
from emosplat.blendshapes.face_motion import JAW_OPEN, SHAPES, FaceMotion
from emosplat.blendshapes.face_motion_files import load_face_motion, save_face_motion
from emosplat.blendshapes.models.acting import Acting
from emosplat.blendshapes.solve.fusion import FusionModel
from emosplat.blendshapes.solve.meshes import MeshReader
from emosplat.blendshapes.solve.solver import Solver
from emosplat.blendshapes.training import acting_flow
from emosplat.blendshapes.training.acting import ActingConfig, Manners
from emosplat.blendshapes.training.face_reader import FaceReader
from emosplat.blendshapes.training.journal import Journal
from emosplat.blendshapes.training.people import read_people
from emosplat.blendshapes.training.recordings import rows_of, speaker_of
from emosplat.blendshapes.training.scenes import Performance

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.avatars.flame_like import flame_like
from tests.avatars.python2 import python2_pickle

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
SAMPLES, FPS = 16_000, 60.0
CLIPS, SECONDS, SENTENCE = 3, 20.0, 5.0  # of each person; of a clip; of a clip that is written as meshes
REGIONS = {
    region: [k for k, c in enumerate(COORDINATES) if REGION[c] == region] for region in dict.fromkeys(REGION.values())
}
PEOPLE = [person for part in ("train", "val", "test") for person in SUBJECTS[part]]  # names that VOCASET's split knows
BEAT = {person: 3 * chr(ord("a") + k) for k, person in enumerate(PEOPLE)}
HELD_OUT = {name for who in (*SUBJECTS["val"], *SUBJECTS["test"]) for name in (who, BEAT[who])}


@dataclass(frozen=True, eq=False)
class Clip:
    """Somebody's performance."""

    who: str
    name: str
    wave: F32
    face: FaceMotion

    @property
    def stem(self) -> str:
        return f"{self.who}_{self.name}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="*", type=Path)
    parser.add_argument("--head", type=Path, help="a FLAME head imported by `render head import`")
    parser.add_argument("--phone", nargs="*", type=Path, default=[], help="recordings of Live Link Face")
    parser.add_argument("--only", nargs="*", default=["mouth", "read", "learned"])
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    flame = load_head(options.head) if options.head else like_flame()
    for path in options.phone:
        through_heads(path.stem, load_face_motion(path).resampled(25.0), flame)
    if not options.recordings:
        return
    encoder = SpeechEncoder.load()
    clips = performed(options.recordings, encoder)
    if "mouth" in options.only:
        mouth(clips, flame)
    kinds: dict[str, Callable[[Path, Sequence[Clip], HeadModel], HeadModel]] = {
        "tracked": as_tracked, "faces": as_live_link, "beat": as_beat, "flame": as_flame, "beat2": as_beat2,
        "vocaset": as_vocaset,
    }  # fmt: skip
    own: list[Performance] = []
    for kind, write in kinds.items():
        with TemporaryDirectory() as work:
            head = write(Path(work), clips, flame)
            data = open_dataset(kind, Path(work), head=head)
            if "read" in options.only:
                read_back(kind, data, head, clips)
            if "learned" in options.only:
                people = read_people(data, head, encoder, seed=0)
                print(f"{kind}: {people.summary}")
                found = people.learned + people.tested
                names = sorted({s.person for s in data})
                held_out = {k for k, n in enumerate(names) if n.split("/")[-1] in HELD_OUT}
                own = own or [
                    p for p in found if p.who in held_out
                ]  # as the first kind, which loses nothing, tells them
                learn(kind, [p for p in found if p.who not in held_out], own, options.steps)


def performed(folders: Sequence[Path], encoder: SpeechEncoder) -> list[Clip]:
    """Clips of people who differ in manner, each on recordings of one voice."""
    weights = ActingWeights.load()
    model, voices = Acting(encoder, weights), list(waves(folders))
    clips = []
    for number, who in enumerate(PEOPLE):
        told = weights.people[number * len(weights.people) // len(PEOPLE)].astype(np.float64)
        numbers, poses = told[: len(STATISTICS)], told[len(STATISTICS) :].reshape(POSES, len(POSED)) * POSE_UNITS
        style = named(who, weights.usual + weights.spread * numbers, poses)
        voice = voices[number % len(voices)]
        for k in range(CLIPS):
            first = round(((number // len(voices)) * CLIPS + k) * SECONDS * SAMPLES)
            wave = np.take(voice, np.arange(first, first + round(SECONDS * SAMPLES)), mode="wrap")
            score = Score(SECONDS, FPS, lambda wave=wave: [wave], seed=100 * number + k, style=style)
            name = f"sentence{k + (1 if who in SUBJECTS['train'] else 21):02d}"
            clips.append(Clip(who, name, wave, model.plan(score)))
    return clips


def waves(folders: Sequence[Path]) -> Iterator[F32]:
    """What every speaker says, up to a few minutes."""
    for folder in folders:
        by_speaker: dict[str | None, list[F32]] = {}
        for row in rows_of(folder):
            said = by_speaker.setdefault(speaker_of(row), [])
            if sum(map(len, said)) < 240 * SAMPLES:
                said.append(read_audio(folder / row["file"]))
        yield from (np.concatenate(said) for said in by_speaker.values() if sum(map(len, said)) > 60 * SAMPLES)


def like_flame() -> HeadModel:
    bare = bare_flame_head(flame_like().arrays, "flame-like")
    return with_expressions(bare, builtin_head(), register(builtin_head(), bare))


def mouth(clips: Sequence[Clip], flame: HeadModel) -> None:
    """Articulation by the shapes that our heads show of it."""
    own, said, read = READ, [], []
    for head, fusion in ((builtin_head(), FusionModel.built_in()), (flame, None)):
        solver = Solver(head, fusion)
        for clip in clips[::CLIPS]:
            face = solver.face_motion(solver(clip.face.resampled(25.0)))
            shapes = [face.jaw[:, 0] / JAW_OPEN]
            for name in own:
                names = [name] if name in SHAPES else [f"{name}Left", f"{name}Right"]
                shapes.append(np.mean([face.column(n) for n in names], axis=0))
            read.append(np.stack(shapes, axis=1))
            said.append(clip.face.resampled(25.0).table([f"speech.{name}" for name in MOUTH]))
    shapes, axes = np.concatenate(read), np.concatenate(said)
    print("mouth: axes of shapes, each by those that tell it")
    for axis, used in enumerate(([0], [1, 2], [3], [0, 4], [0, 5])):
        x = shapes[:, used] if axis != 1 else shapes[:, used].sum(axis=1, keepdims=True)
        found = nnls(x, axes[:, axis])[0]
        r = np.corrcoef(x @ found, axes[:, axis])[0, 1]
        print(f"  {MOUTH[axis]}: {dict(zip(used, found.round(2).tolist(), strict=False))}, r {r:.2f}")


def read_back(kind: str, data: DataSet, head: HeadModel, clips: Sequence[Clip]) -> None:
    """Correlation and size of what a data set tells, over all clips."""
    truth = {stem: c.face.resampled(25.0) for c in clips for stem in (c.stem, beat_stem(c))}
    reader, pairs = FaceReader(data, head), []
    for sequence in data:
        found, stem = reader(sequence).values, sequence.name.split("/")[-1]
        true = coordinates(truth.get(stem) or truth[f"{sequence.subject}_{stem}"])
        frames = min(len(found), len(true))
        pairs.append((true[:frames] - true[:frames].mean(axis=0), found[:frames] - found[:frames].mean(axis=0)))
    show(f"read {kind}", *(np.concatenate(side) for side in zip(*pairs, strict=True)))


def through_heads(name: str, face: FaceMotion, flame: HeadModel) -> None:
    """A real face, on a FLAME-like head and read back, from its parameters and from its mesh."""
    solver, still = Solver(flame), Motion.rest(len(face), flame.expressions, face.fps)
    motion = solver(face)
    show(f"{name}, parameters", coordinates(face), coordinates(solver.face_motion(motion)))
    still.expr[:], still.jaw[:] = motion.expr, motion.jaw
    read = MeshReader(flame)
    back = [read(Poser(flame).vertices(part) - flame.v_template, face.fps) for part in still.chunks(256)]
    show(f"{name}, mesh", coordinates(face), np.concatenate([coordinates(part) for part in back]))


def show(title: str, true: F64, found: F64) -> None:
    true, found = true - true.mean(axis=0), found - found.mean(axis=0)
    size, own = (np.sqrt(np.square(x).mean(axis=0)) for x in (found, true))
    r = (true * found).mean(axis=0) / np.maximum(size * own, 1e-12)
    cells = [f"{c} {a:.2f} x{b:.2f}" if o > 1e-6 else f"{c} -" for c, a, b, o in
             zip(COORDINATES, r, size / np.maximum(own, 1e-12), own, strict=True)]  # fmt: skip
    print(f"{title}: " + ", ".join(cells), flush=True)


def learn(kind: str, learned: Sequence[Performance], tested: Sequence[Performance], steps: int) -> None:
    """Loss on what held-out people really did, in parts, before and after."""
    manners = Manners.of(learned)
    with TemporaryDirectory() as run:
        net = acting_flow.learn(
            [(p, manners(p)) for p in learned], [(p, manners(p)) for p in tested], steps=steps, seed=0,
            journal=Journal(Path(run), ActingConfig(steps=steps)),
        )  # fmt: skip
    bank = chance(np.arange(40_000), 1).astype(np.float32)
    told = np.any([p.measured.any(axis=0) for p in learned], axis=0)
    error, count = np.zeros(len(COORDINATES)), np.zeros(len(COORDINATES))
    before = np.zeros(len(COORDINATES))
    with torch.no_grad():
        for k in range(8):
            rng = np.random.default_rng([5, k])
            shown = acting_flow.batch([(p, manners(p)) for p in tested], bank, rng, net.context)
            wrong = (net(shown.rows, shown.style, shown.way) - shown.direction) ** 2 * shown.counts
            error += wrong.sum(dim=(0, 2)).numpy()
            before += (shown.direction**2 * shown.counts).sum(dim=(0, 2)).numpy()
            count += shown.counts.sum(dim=(0, 2)).numpy()
    parts = [f"{region} {before[c].sum() / count[c].sum():.2f} -> {error[c].sum() / count[c].sum():.2f}"
             f"{'' if told[c].any() else ' (untold)'}" for region, c in REGIONS.items()]  # fmt: skip
    rest = np.flatnonzero(told)
    print(f"learned {kind}: told {before[rest].sum() / count[rest].sum():.3f} -> "
          f"{error[rest].sum() / count[rest].sum():.3f}; " + ", ".join(parts), flush=True)  # fmt: skip


def beside(folder: Path, clip: Clip) -> Path:
    """Where a motion of a clip goes, without suffix, beside its sound."""
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / f"{clip.stem}.wav", clip.wave, SAMPLES)
    return folder / clip.stem


def as_tracked(out: Path, clips: Sequence[Clip], _: HeadModel) -> HeadModel:
    rows = []
    for clip in clips:
        stem = beside(out / "audio", clip).name
        (out / "faces").mkdir(exist_ok=True)
        save_face_motion(out / "faces" / f"{stem}.json", clip.face)
        rows.append({"format": FORMAT, "id": stem, "file": f"audio/{stem}.wav", "face": f"faces/{stem}.json",
                     "source": "synthetic", "fps": FPS, "speaker": clip.who})  # fmt: skip
    (out / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return builtin_head()


def shown_by_us(clip: Clip) -> Motion:
    return Solver(builtin_head(), FusionModel.built_in())(clip.face)


def as_live_link(out: Path, clips: Sequence[Clip], _: HeadModel) -> HeadModel:
    for clip in clips:
        with beside(out / clip.who, clip).with_suffix(".csv").open("w") as stream:
            write_live_link(stream, shown_by_us(clip), builtin_head())
    return builtin_head()


def as_beat(out: Path, clips: Sequence[Clip], _: HeadModel) -> HeadModel:
    names = [n for n in ARKIT_52 if n != "tongueOut"]
    columns = [ARKIT_52.index(n) for n in names]
    for clip in clips:
        stem, who = beat_stem(clip), BEAT[clip.who]
        weights = ArkitSolver(builtin_head()).weights(shown_by_us(clip))[:, columns]
        frames = [{"weights": row, "time": k / FPS, "rotation": []} for k, row in enumerate(weights.round(6).tolist())]
        folder = out / who
        folder.mkdir(exist_ok=True)
        (folder / f"{stem}.json").write_text(json.dumps({"names": names, "frames": frames}))
        soundfile.write(folder / f"{stem}.wav", clip.wave, SAMPLES)
    return builtin_head()


def beat_stem(clip: Clip) -> str:
    number, who = int(clip.name[-2:]), BEAT[clip.who]
    return f"{PEOPLE.index(clip.who) + 1}_{who}_0_{number}_{number}"


def as_flame(out: Path, clips: Sequence[Clip], flame: HeadModel) -> HeadModel:
    solver = Solver(flame)
    for clip in clips:
        save_motion(beside(out / clip.who, clip).with_suffix(".npz"), solver(clip.face), 5023)
    return flame


def as_beat2(out: Path, clips: Sequence[Clip], flame: HeadModel) -> HeadModel:
    solver, lines = Solver(flame), ["id,type"]
    for part in ("smplxflame_30", "wave16k"):
        (out / part).mkdir()
    for clip in clips:
        stem, motion = beat_stem(clip), solver(clip.face.resampled(30.0))
        poses = np.zeros((len(motion), 165))
        poses[:, 45:48], poses[:, 66:69], poses[:, 69:75] = motion.neck, motion.jaw, motion.eyes
        np.savez(out / "smplxflame_30" / f"{stem}.npz", poses=poses, expressions=motion.expr)
        soundfile.write(out / "wave16k" / f"{stem}.wav", clip.wave, SAMPLES)
        lines.append(f"{stem},train")
    (out / "train_test_split.csv").write_text("\n".join(lines))
    return flame


def as_vocaset(out: Path, clips: Sequence[Clip], flame: HeadModel) -> HeadModel:
    """The first seconds of every clip, as FaceFormer prepares them."""
    solver, poser = Solver(flame), Poser(flame)
    templates = {who: flame.v_template[:5023].astype(np.float64) for who in PEOPLE}
    (out / "templates.pkl").write_bytes(python2_pickle(templates))
    for part in ("vertices_npy", "wav"):
        (out / part).mkdir()
    for clip in clips:
        motion = solver(clip.face[: round(SENTENCE * FPS)])
        still = np.zeros_like(motion.neck)
        motion = replace(motion, neck=still, rotation=still, translation=still, eyes=np.zeros_like(motion.eyes))
        vertices = np.concatenate([poser.vertices(part)[:, :5023] for part in motion.chunks(256)])
        np.save(out / "vertices_npy" / f"{clip.stem}.npy", vertices.reshape(len(vertices), -1))
        soundfile.write(out / "wav" / f"{clip.stem}.wav", clip.wave[: round(SENTENCE * SAMPLES)], SAMPLES)
    return flame


if __name__ == "__main__":
    main()
