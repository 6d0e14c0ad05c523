"""How true is what the tracker tells, and how near do our heads come to a filmed face? `python benchmarks/tracking.py`.

Needs the extra `track` and MediaPipe's model (docs/measure.md). Without films:

1. every built-in person says the demo's sentence; pictures are tracked and compared with the mesh that was drawn:
   correlation of each curve, and the least-squares size of what is seen by what is there.

`--responses`: each ARKit shape at 0, 1/4, 1/2, 3/4, 1 on the still faces, and the weights that the tracker reads: the
table of `pipeline/tracking/motion.py` is the median of these.

With films, `python benchmarks/tracking.py FILM...`: film -> face motion -> person1 -> pictures -> face motion again:
correlation of each curve of ours with the film's, sizes (std by std) and means, medians over films. Rows `weights`: the
tracker's weights taken as they are.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import emosplat
from emosplat.avatars.arkit import ARKIT_52
from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.evaluation import naturalness as n
from emosplat.blendshapes.face_curve_files import by_joints
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import save_face_motion
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.settings import read_settings
from emosplat.pipeline.tracking.compare import aligned, listened, mesh_take, performed, pictures_take, seen_take
from emosplat.pipeline.tracking.film import TrackedFilm, track_film
from emosplat.pipeline.tracking.motion import LEVELS, face_motion
from emosplat.pipeline.tracking.tracker import Tracker, open_tracker

F64 = NDArray[np.float64]
PEOPLE = ("person1", "person2", "person3", "person4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", nargs="*", type=Path)
    parser.add_argument("--tracker", type=Path)
    parser.add_argument("--responses", action="store_true")
    options = parser.parse_args()
    with open_tracker(options.tracker) as tracker:
        if options.responses:
            report_responses(tracker)
        elif options.films:
            report_loop([track_film(path, tracker) for path in options.films], tracker)
        else:
            report_device(tracker)


def report_device(tracker: Tracker) -> None:
    """What is seen in our pictures against what was drawn."""
    loaded, speech = LoadedModels(), Path(emosplat.example_speech())
    for avatar in PEOPLE:
        settings = read_settings({"avatar": avatar, "head_motion": "lively"})
        heard = listened(open_audio(speech), settings)
        clip = performed(speech, settings, loaded, fps=25.0)
        mesh, seen = mesh_take(clip, settings, loaded, heard), seen_take(clip, tracker, heard)
        missed = float(np.isnan(seen.curve(n.OPENING)).mean())
        told = [f"{name} {n.correlation(mesh.curve(name), seen.curve(name)):.2f} "
                f"x{size(seen.curve(name), mesh.curve(name)):.2f}"
                for name in mesh.curves if name != n.JAW]  # fmt: skip
        print(f"{avatar}: not found in {missed:.0%} of {len(seen)} pictures; " + ", ".join(told))


def size(seen: F64, there: F64) -> float:
    """Slope of what is seen on what is there."""
    both = np.isfinite(seen) & np.isfinite(there)
    x = there[both] - there[both].mean()
    return float(x @ (seen[both] - seen[both].mean()) / max(float(x @ x), 1e-12))


def report_responses(tracker: Tracker) -> None:
    """Weights read at each level of each shape, both sides together, medians over people."""
    shapes: dict[str, list[str]] = {}
    for name in ARKIT_52:
        one_sided = name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
        shapes.setdefault(name if one_sided else name.removesuffix("Left").removesuffix("Right"), []).append(name)
    rows = [(level, names) for names in shapes.values() for level in LEVELS]
    columns = {name: np.array([level if name in names else 0.0 for level, names in rows]) for name in ARKIT_52}
    motion = FaceMotion.rest(len(rows), fps=25.0).with_columns(dict(by_joints(columns)))
    read = np.array([[weights_of(tracker, picture) for picture in played(motion, who)] for who in PEOPLE])
    for i, (shape, names) in enumerate(shapes.items()):
        found = read[:, i * len(LEVELS) : (i + 1) * len(LEVELS)][:, :, [ARKIT_52.index(name) for name in names]]
        print(f"{shape:16}" + "".join(f"{v:7.2f}" for v in np.nanmedian(found.mean(axis=2), axis=0)))


def weights_of(tracker: Tracker, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    faces = tracker.find(picture)
    return faces[0].weights if faces else np.full(len(ARKIT_52), np.nan, np.float32)


def played(motion: FaceMotion, avatar: str) -> Iterator[NDArray[np.uint8]]:
    """Pictures of an avatar that moves so."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "face.json"
        save_face_motion(path, motion)
        with closing(emosplat.play(path, avatar=avatar).frames()) as frames:
            yield from frames


def report_loop(films: list[TrackedFilm], tracker: Tracker) -> None:
    """Films against our pictures of their motion."""
    head = builtin_head()
    for name, motions in (
        ("weights", [as_weights(film) for film in films]),
        ("gains", [face_motion(film, head, seconds=film.times[-1] + 1 / film.fps) for film in films]),
    ):
        takes = [pictures_take(played(m, "person1"), tracker, fps=m.fps) for m in motions]
        for curve in takes[0].curves:
            pairs = [
                (film.take().curve(curve), aligned(take, film.take(), curve))
                for film, take in zip(films, takes, strict=True)
            ]
            told = [
                (n.correlation(a, b), np.nanstd(b) / max(np.nanstd(a), 1e-9), np.nanmean(a), np.nanmean(b))
                for a, b in pairs
            ]
            r, ratio, real, made = np.nanmedian(np.array(told, np.float64), axis=0)
            print(f"{name:9}{curve:14} r {r:5.2f}  size {ratio:5.2f}  mean {real:7.3f} -> {made:7.3f}")


def as_weights(film: TrackedFilm) -> FaceMotion:
    """The tracker's weights and nothing else, as others' files of ARKit weights are read."""
    rest = FaceMotion.rest(max(1, round(film.times[-1] * film.fps) + 1), fps=film.fps)
    weights = np.nan_to_num(film.sampled(film.weights, rest.times))
    return rest.with_columns(dict(by_joints(dict(zip(ARKIT_52, weights.T, strict=True)))))


if __name__ == "__main__":
    main()
