"""What do others see in our faces? `python benchmarks/expressions.py LANDMARKER [--classifier FILE --labels A,B,..]`.

The built-in people say one sentence under every emotion at two intensities, and those who never saw emosplat look at
the pictures: MediaPipe's face landmarker (`pip install mediapipe`; LANDMARKER is its model `face_landmarker.task`), and
any classifier of expressions. FILE.onnx takes a square face [1, 3, S, S], RGB, 0..255, and gives a score for each of
the labels, in their order; a name of any data set will do (`emotion.ALIASES`). Printed:

- units: MediaPipe's weights of the faces, both sides and all people averaged; `lid`: opening of the eye over its width;
  `side`: how much more the left corner of the mouth smiles than the right one;
- names: for every person, the label with the largest mean score over the moments, and of how many it is the asked one.

`--strip FILE.png` writes the faces: rows of people at both intensities, columns of emotions.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emosplat.avatars.library import builtin_avatars
from emosplat.avatars.pose import Poser
from emosplat.avatars.scene import load_scene
from emosplat.avatars.shading import Shader
from emosplat.blendshapes import EMOTIONS, Score, parse_emotion
from emosplat.blendshapes.emotion import canonical_emotion
from emosplat.pipeline.camera.views import named_camera
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.settings import ClipSettings

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

SPEECH = Path(__file__).parent.parent / "assets" / "demo" / "hello.flac"
FPS = 25.0
MOMENTS = (0.62, 1.30, 1.74, 2.10, 3.46, 4.62)  # seconds, all while somebody speaks
INTENSITIES = (1.0, 0.5)
SIZE, TILE = 400, 200  # pixels
MARGIN = 0.08  # of the height between brows and chin that a face is cut with
UNITS = ("browDown", "browInnerUp", "browOuterUp", "eyeWide", "eyeSquint", "jawOpen", "mouthSmile", "mouthFrown")
UNITS += ("mouthUpperUp", "mouthStretch")
EYES = ((159, 145, 33, 133), (386, 374, 362, 263))  # upper and lower lid, corners, in MediaPipe's mesh


@dataclass(frozen=True, eq=False)
class Seen:
    """A face as MediaPipe sees it."""

    units: dict[str, float]
    points: F64  # [478, 2] pixels

    @property
    def lid(self) -> float:
        """Opening of the eyes over their width."""
        return float(np.mean([self._length(a, b) / self._length(c, d) for a, b, c, d in EYES]))

    @property
    def side(self) -> float:
        """How much more the left corner of the mouth smiles."""
        return self.units["mouthSmileLeft"] - self.units["mouthSmileRight"]

    def unit(self, name: str) -> float:
        """One unit, the mean of its sides."""
        sides = [name] if name in self.units else [f"{name}Left", f"{name}Right"]
        return float(np.mean([self.units[side] for side in sides]))

    def cut(self, rgb: U8) -> U8:
        """The square of the picture that holds the face."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        half = (0.5 + MARGIN) * (high - low)[1]
        rows, columns = (np.clip(np.round((low + high)[k] / 2 + [-half, half]), 0, SIZE).astype(int) for k in (1, 0))
        return rgb[slice(*rows), slice(*columns)]

    def _length(self, a: int, b: int) -> float:
        return float(np.linalg.norm(self.points[a] - self.points[b]))


class Landmarker:
    """MediaPipe's face landmarker."""

    def __init__(self, path: Path) -> None:
        self._mediapipe: Any = importlib.import_module("mediapipe")
        tasks = self._mediapipe.tasks
        options = tasks.vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(path)), output_face_blendshapes=True, num_faces=1
        )
        self._landmarker = tasks.vision.FaceLandmarker.create_from_options(options)

    def __call__(self, rgb: U8) -> Seen:
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
        found = self._landmarker.detect(image)
        points = np.array([[p.x, p.y] for p in found.face_landmarks[0]]) * rgb.shape[1::-1]
        return Seen({c.category_name: c.score for c in found.face_blendshapes[0]}, points)


class Classifier:
    """Names a face."""

    def __init__(self, path: Path, labels: Sequence[str], size: int) -> None:
        import cv2

        self._net = cv2.dnn.readNet(str(path))
        self._size = size
        self._order = [[canonical_emotion(label) for label in labels].index(e) for e in self.known(labels)]
        self.labels = self.known(labels)

    @staticmethod
    def known(labels: Sequence[str]) -> list[str]:
        """The emotions of ours that it knows."""
        return [emotion for emotion in EMOTIONS if emotion in {canonical_emotion(label) for label in labels}]

    def __call__(self, face: U8) -> F64:
        """Shares [labels] of a face."""
        import cv2

        small = cv2.resize(face, (self._size, self._size), interpolation=cv2.INTER_AREA)
        self._net.setInput(small.transpose(2, 0, 1)[None].astype(np.float32))
        return np.asarray(self._net.forward(), np.float64).reshape(-1)[self._order]


class Stage:
    """The built-in people, saying the sentence."""

    def __init__(self) -> None:
        self._loaded = LoadedModels("cpu")
        self.people = [name for name in builtin_avatars() if not name.endswith("-light")]

    def faces(self, person: str, emotion: str, intensity: float) -> Iterator[U8]:
        """Pictures [SIZE, SIZE, 3], one per moment."""
        clip = open_audio(SPEECH)
        asked = parse_emotion(emotion)
        score = Score(
            clip.duration, FPS, clip.blocks, emotion=asked, intensity=intensity, blink=False, head_motion="none"
        )
        motion = self._loaded.talking_head(ClipSettings(avatar=person)).motion(score)
        avatar = self._loaded.avatar(person)
        scene, poser, shader = load_scene(avatar, self._loaded.rasterizer), Poser(avatar.head), Shader(avatar)
        camera = named_camera("front", avatar.head, width=SIZE, height=SIZE)
        for moment in MOMENTS:
            frame = motion[int(moment * FPS) : int(moment * FPS) + 1]
            yield scene.render(camera, poser.transforms(frame), shading_weights=shader.weights(frame))[0].rgb.copy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("landmarker", type=Path)
    parser.add_argument("--classifier", type=Path)
    parser.add_argument("--labels", default="neutral,happy,sad,angry,fearful,disgusted,surprised")
    parser.add_argument("--size", type=int, default=112, help="pixels of the classifier's input")
    parser.add_argument("--strip", type=Path)
    options = parser.parse_args()
    look, stage = Landmarker(options.landmarker), Stage()
    classifier = Classifier(options.classifier, options.labels.split(","), options.size) if options.classifier else None
    seen: dict[tuple[str, float, str], list[Seen]] = {}
    shares: dict[tuple[str, float, str], F64] = {}
    cuts: dict[tuple[str, float, str], U8] = {}
    for person in stage.people:
        for intensity in INTENSITIES:
            for emotion in EMOTIONS:
                key = person, intensity, emotion
                faces = list(stage.faces(person, emotion, intensity))
                seen[key] = [look(face) for face in faces]
                squares = [found.cut(face) for found, face in zip(seen[key], faces, strict=True)]
                cuts[key] = squares[0]
                if classifier:
                    shares[key] = np.mean([classifier(square) for square in squares], axis=0)
    print_units(seen)
    if classifier:
        print_names(shares, classifier.labels, stage.people)
    if options.strip:
        write_strip(cuts, stage.people, options.strip)


def print_units(seen: dict[tuple[str, float, str], list[Seen]]) -> None:
    print(" " * 14 + "".join(f"{name[-9:]:>10}" for name in UNITS) + "       lid      side")
    for emotion in EMOTIONS:
        for intensity in INTENSITIES:
            faces = [s for (_, i, e), found in seen.items() if (i, e) == (intensity, emotion) for s in found]
            means = [np.mean([face.unit(name) for face in faces]) for name in UNITS]
            rest = f"{np.mean([f.lid for f in faces]):10.3f}{np.mean([f.side for f in faces]):+10.2f}"
            print(f"{emotion:10}{intensity:4g}" + "".join(f"{mean:10.2f}" for mean in means) + rest)


def print_names(shares: dict[tuple[str, float, str], F64], labels: Sequence[str], people: Sequence[str]) -> None:
    for intensity in INTENSITIES:
        print(f"\nnames at intensity {intensity:g}")
        for person in people:
            named = {label: labels[int(shares[person, intensity, label].argmax())] for label in labels}
            right = sum(label == name for label, name in named.items())
            told = ", ".join(f"{a} as {b}" for a, b in named.items() if a != b)
            print(f"{person}: {right} of {len(labels)}" + (f"; {told}" if told else ""))


def write_strip(cuts: dict[tuple[str, float, str], U8], people: Sequence[str], path: Path) -> None:
    import cv2

    rows = [
        np.concatenate([cv2.resize(cuts[person, intensity, emotion], (TILE, TILE)) for emotion in EMOTIONS], axis=1)
        for person in people
        for intensity in INTENSITIES
    ]
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])


if __name__ == "__main__":
    main()
