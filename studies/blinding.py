"""What could unblind: does any single number of the finished files tell conditions apart?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .stimuli import Stimulus

F64 = NDArray[np.float64]

EDGE = 4  # pixels of a picture's margin
SMALL = 96  # pixels of the longer side at which pictures are looked at
PERMUTATIONS = 1999
ALPHA = 0.05
Numbers = dict[str, float]


@dataclass(frozen=True)
class Leak:
    """One number of all stimuli that show one face, or of all that show two."""

    number: str
    of: str  # "file": of what should be alike; "stream", "picture", "sound": of what is shown and heard
    faces: int  # in the picture
    clips: int  # that are compared
    same: bool  # in all stimuli of a clip
    accuracy: float | None  # of guessing the condition by this number; None: there are too few clips to learn from
    chance: float
    p: float | None  # of such differences by chance, corrected for the number of numbers

    @property
    def told(self) -> bool:
        """Whether it tells conditions apart beyond chance."""
        return self.p is not None and self.p < ALPHA


@dataclass(frozen=True)
class Blinding:
    """What came of looking at all numbers."""

    leaks: list[Leak]
    measures: list[dict[str, object]]  # a row for each stimulus: what it is, and all its numbers

    def line(self) -> str:
        """For the end of a build."""
        told = [leak for leak in self.leaks if leak.told]
        files = [leak.number for leak in told if leak.of == "file"]
        differ = [leak.number for leak in self.leaks if leak.of == "file" and not leak.same and not leak.told]
        shown = list(dict.fromkeys(leak.number for leak in told if leak.of != "file"))
        parts = [f"of the files {', '.join(files)} TELL conditions apart" if files else "no name, size, date or format"]
        parts[0] += "" if files else " tells conditions apart"
        if differ := [name for name in differ if name != "name"]:
            parts.append(f"{', '.join(differ)} differ")
        parts.append(f"what is shown and heard does by {', '.join(shown)}" if shown else "nor does what is shown")
        clips = max((leak.clips for leak in self.leaks), default=0)
        return f"blinding, by {clips} clip{'s' * (clips != 1)}: {'; '.join(parts)} (key/blinding.csv)"

    def tests(self) -> list[dict[str, object]]:
        """A row for each number."""
        return [
            {
                "number": leak.number,
                "of": leak.of,
                "faces": leak.faces,
                "clips": leak.clips,
                "same_in_all": int(leak.same),
                "guessed_right": "" if leak.accuracy is None else round(leak.accuracy, 3),
                "by_chance": round(leak.chance, 3),
                "p": "" if leak.p is None else round(leak.p, 4),
                "tells_conditions_apart": int(leak.told),
            }
            for leak in self.leaks
        ]


def look_for_leaks(
    stimuli: Mapping[str, Stimulus], folder: Path, heard: Mapping[str, Numbers], *, seed: int
) -> Blinding:
    """Measure all stimuli in `folder` and test every number; `heard`: what is known of their sounds by name.

    Conditions are compared within clips. Of videos side by side, whose pictures differ by design, only what their files
    and sounds tell counts.
    """
    measured = {name: measure(folder / f"{name}.mp4") for name in stimuli}
    kinds = [*{name: None for numbers in measured.values() for name in numbers["file"]}]
    codes = {kind: sorted({str(numbers["file"][kind]) for numbers in measured.values()}) for kind in kinds}
    measures = [_row(name, stimulus, measured[name], heard[name]) for name, stimulus in stimuli.items()]
    leaks: list[Leak] = []
    for faces in (1, 2):
        group = {name: s for name, s in stimuli.items() if len(s.showings) == faces and not s.open}
        told: dict[tuple[str, str], Numbers] = {}
        for name in group:
            numbers = measured[name]
            for kind, value in numbers["file"].items():
                told.setdefault((kind, "file"), {})[name] = (
                    float(codes[kind].index(value)) if isinstance(value, str) else value
                )
            shown = {"stream": numbers["stream"], "sound": heard[name]}
            if faces == 1:
                shown["picture"] = numbers["picture"]
            for what, values in shown.items():
                for kind, value in values.items():
                    told.setdefault((kind, what), {})[name] = float(value)
        leaks += _tested(group, told, faces=faces, seed=seed)
    return Blinding(leaks, measures)


def _row(
    name: str, stimulus: Stimulus, found: Mapping[str, Mapping[str, float | str]], heard: Numbers
) -> dict[str, object]:
    told = {kind: "/".join(getattr(s, kind) for s in stimulus.showings) for kind in ("condition", "manner")}
    numbers = {**found["file"], **found["stream"], **heard, **found["picture"]}
    return {"stimulus": f"{name}.mp4", "clip": stimulus.clip, **told, **numbers}


def measure(path: Path) -> dict[str, dict[str, float | str]]:
    """Numbers of a finished stimulus: of its file, its streams, and its picture."""
    import av

    stat = path.stat()
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        pictures, sounds, key_frames = [], [], 0
        for packet in container.demux(video, audio):
            (pictures if packet.stream.type == "video" else sounds).append(packet.size)
            key_frames += packet.stream.type == "video" and packet.is_keyframe
        context = video.codec_context
        form = f"{context.name} {context.profile} {context.pix_fmt} {context.width}x{context.height} "
        form += f"{video.average_rate} {video.time_base} {audio.codec_context.name} {audio.codec_context.rate} "
        form += f"{audio.codec_context.layout.name} {container.format.name}"
        tags = repr([sorted(x.metadata.items()) for x in (container, video, audio)])
        duration = 0.0 if container.duration is None else container.duration / 1e6
    file: dict[str, float | str] = {
        "name": float(int(path.stem.lstrip("v")[:8], 16)),
        "size": float(stat.st_size),
        "date": stat.st_mtime,
        "duration": duration,
        "frames": float(sum(size > 0 for size in pictures)),
        "format": form,
        "metadata": tags,
    }
    picture, ends = _picture(path)
    stream = {
        "video_bytes": float(sum(pictures)),
        "audio_bytes": float(sum(sounds)),
        "largest_packet": float(max(pictures)),
        "key_frames": float(key_frames),
    }
    return {"file": file | ends, "stream": {**stream}, "picture": {**picture}}


def _picture(path: Path) -> tuple[Numbers, Numbers]:
    """What is seen, and what the first and the last frame are; levels of 255."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        scale = min(1.0, SMALL / max(stream.width, stream.height))
        size = {"width": max(8, round(scale * stream.width)), "height": max(8, round(scale * stream.height))}
        frames = np.stack([f.reformat(**size, format="rgb24").to_ndarray() for f in container.decode(stream)])
    frames = frames.astype(np.float32)
    grey = frames @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    edge = np.ones(grey.shape[1:], bool)
    wide = max(1, round(EDGE * scale))
    edge[wide:-wide, wide:-wide] = False
    margin = frames[:, edge].mean(axis=(0, 1))
    numbers = {
        "luminance": grey.mean(),
        "contrast": grey.std(axis=(1, 2)).mean(),
        "movement": np.abs(np.diff(grey, axis=0)).mean(),
        **dict(zip(("margin_red", "margin_green", "margin_blue"), margin, strict=True)),
    }
    ends = {"first_frame": round(float(grey[0].mean()), 1), "last_frame": round(float(grey[-1].mean()), 1)}
    return {name: float(value) for name, value in numbers.items()}, ends


def _tested(
    group: Mapping[str, Stimulus], told: Mapping[tuple[str, str], Numbers], *, faces: int, seed: int
) -> list[Leak]:
    """Each number of a group of stimuli, tested within the clips of which every condition is there."""
    cells = {(s.clip, _label(s)): name for name, s in group.items()}
    labels = sorted({label for _, label in cells})
    clips = sorted({clip for clip, _ in cells if all((clip, label) in cells for label in labels)})
    if not told or len(labels) < 2 or not clips:
        return []
    values = np.array([[[v[cells[clip, label]] for label in labels] for clip in clips] for v in told.values()])
    values = np.where(np.isfinite(values), values, -1e3)  # the loudness of silence
    values -= values.mean(axis=2, keepdims=True)
    spread = np.abs(values).max(axis=(1, 2))
    same = spread <= 1e-9
    accuracy = [None if len(clips) < 2 else guessed_right(one) for one in values]
    p = chance_of(values[~same], seed=seed) if len(clips) > 1 and not same.all() else np.zeros(0)
    found = iter(p.tolist())
    return [
        Leak(
            number=kind,
            of=what,
            faces=faces,
            clips=len(clips),
            same=bool(same[k]),
            accuracy=accuracy[k],
            chance=1 / len(labels),
            p=None if same[k] else next(found, None),
        )
        for k, (kind, what) in enumerate(told)
    ]


def _label(stimulus: Stimulus) -> str:
    return "/".join(f"{s.condition} {s.manner}" for s in stimulus.showings)


def guessed_right(values: F64) -> float:
    """Share of conditions that are told by one number [clips, conditions], relative to its clip's mean.

    The conditions of each clip are those whose mean over the other clips is nearest; where several are, by lot.
    """
    clips, conditions = values.shape
    right = 0.0
    for k in range(clips):
        means = (values.sum(axis=0) - values[k]) / (clips - 1)
        distance = np.abs(values[k][:, None] - means)
        nearest = np.isclose(distance, distance.min(axis=1, keepdims=True), rtol=1e-9, atol=1e-9)
        right += float((nearest.diagonal() / nearest.sum(axis=1)).sum())
    return right / (clips * conditions)


def chance_of(values: F64, *, seed: int) -> F64:
    """p [n] of numbers [n, clips, conditions] whose means over clips differ so much by chance.

    Conditions are exchanged within clips, in the same way for all numbers; the largest share of variance that any of
    them explains is what each is held against (Westfall and Young 1993).
    """
    rng = np.random.default_rng(seed)
    found = explained(values)
    largest = [
        explained(np.take_along_axis(values, rng.permuted(_orders(values), axis=1)[None], axis=2)).max()
        for _ in range(PERMUTATIONS)
    ]
    return (1 + (np.array(largest) >= found[:, None] - 1e-12).sum(axis=1)) / (1 + PERMUTATIONS)


def explained(values: F64) -> F64:
    """Share [n] of the variance within clips that is between conditions."""
    total = np.square(values).sum(axis=(1, 2))
    return values.shape[1] * np.square(values.mean(axis=1)).sum(axis=1) / np.maximum(total, 1e-30)


def _orders(values: F64) -> NDArray[np.int64]:
    return np.tile(np.arange(values.shape[2]), (values.shape[1], 1))
