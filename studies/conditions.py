"""The part of a design file that says how clips are shown: by whom, in what sound and in what picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ..core.yaml_problems import Misplaced
from ..pipeline.emotion import spelled
from ..pipeline.settings import DEFAULTS, CameraLock, Emotion, HeadMotion, Intensity, Size, Strength, Variety
from .parts import Part

OTHER, SILENT = "other", "silent"  # in place of the clip whose sound is heard
CLIP = "{clip}"  # where the clip's id stands in the names of videos
Edge = Annotated[int, Field(ge=0, le=20_000)]
Side = Annotated[int, Field(ge=16, le=20_000)]
Level = Annotated[float, Field(ge=-1e6, le=1e6)]
OF_VIDEOS = dict.fromkeys(("crop", "fit", "start", "box"))  # fields
OF_ALL = dict.fromkeys(("sound", "vocoded", "snr", "blur", "inverted", "only", "level"))


class Morph(Part):
    """A way from one emotion to another in even steps, both ends among them; each step is a condition."""

    start: Emotion = Field(alias="from")
    end: Emotion = Field(alias="to")
    steps: Annotated[int, Field(ge=2, le=101)] = 7

    @field_validator("start", "end")
    @classmethod
    def _one_emotion(cls, emotion: str) -> str:
        if any(sign in emotion for sign in ":,+"):
            raise ValueError("expected one emotion without a weight, for instance happy")
        return emotion

    @model_validator(mode="after")
    def _another_emotion(self) -> Morph:
        if self.start == self.end:
            raise ValueError(f"expected two emotions, found {self.start!r} twice")
        return self

    @property
    def shares(self) -> list[float]:
        """How much of `end` each step has, 0..1; the rest is `start`."""
        return [round(k / (self.steps - 1), 4) for k in range(self.steps)]

    def emotion(self, share: float) -> str:
        """A step as `--emotion` takes it."""
        parts = [(self.start, round(1 - share, 4)), (self.end, share)]
        named = [name if weight == 1 else f"{name}:{weight:g}" for name, weight in parts if weight]
        return spelled(" + ".join(named))


class Condition(Part):
    """How a clip is shown: by us, or by another system whose videos exist already."""

    avatar: str = DEFAULTS.avatar
    emotion: Emotion = DEFAULTS.emotion
    morph: Morph | None = None  # in place of an emotion: as many conditions as it has steps
    intensity: Intensity = DEFAULTS.intensity
    style: str | None = DEFAULTS.style  # a name, or a file relative to the design file: a style or an example of one
    style_strength: Strength = DEFAULTS.style_strength
    variety: Variety = DEFAULTS.variety
    weights: Path | None = DEFAULTS.weights  # folder of `render train`, relative to the design file
    model: str = "procedural"  # whose gestures are the same in every condition of a clip
    camera: str | None = None  # None: that of `stimuli`
    videos: str | None = None  # "their_results/{clip}.mp4", relative to the design file; emotion: what they show
    crop: tuple[Edge, Edge, Side, Side] | None = None  # left, top, width, height in their pixels; None: without bars
    fit: Literal["fill", "pad"] = "fill"  # into a frame of another shape: cut at two sides, or with margins
    start: Annotated[float, Field(ge=0, le=86_400)] | None = None  # seconds into the videos at which the speech begins
    sound: str | None = None  # whose sound is heard: a clip's, that of another clip ("other"), none ("silent")
    vocoded: Annotated[int, Field(ge=1, le=32)] | None = None  # channels of noise that the sound is made of
    snr: Annotated[float, Field(ge=-40, le=40)] | None = None  # dB, of the speech to noise of its own spectrum
    blur: Annotated[float, Field(gt=0, le=0.5)] | None = None  # Gaussian, standard deviation as a share of the face
    inverted: bool = False  # the picture upside down
    only: Literal["mouth", "eyes"] | None = None  # all else is background
    box: tuple[Edge, Edge, Side, Side] | None = None  # where that is in videos; pixels of the stimulus
    point_light: bool = False  # white dots on black that move with the face
    level: Level | None = None  # where the condition stands on an axis, for curves; a morph tells its own

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Condition:
        given = self.model_fields_set
        if self.videos is not None:
            self._of_others(given)
        elif given & OF_VIDEOS.keys():
            raise ValueError(f"{', '.join(OF_VIDEOS)} belong to a condition with videos")
        if self.morph is not None and given & {"emotion", "level"}:
            raise ValueError("a morph tells emotion and level of its steps; expected neither beside it")
        if self.sound == SILENT and given & {"vocoded", "snr"}:
            raise ValueError("expected a sound for vocoded and snr, found sound: silent")
        return self

    def _of_others(self, given: set[str]) -> None:
        assert self.videos is not None
        if self.point_light:
            raise ValueError("point_light follows the landmarks of our faces; those of others' videos are not known")
        if not given <= {"videos", "emotion", *OF_VIDEOS, *OF_ALL}:
            fields = ", ".join([*OF_VIDEOS, *OF_ALL])
            raise ValueError(f"a condition with videos can have emotion, {fields} and no other field")
        if CLIP not in self.videos:
            raise ValueError("videos needs {clip} in its place, for instance theirs/{clip}.mp4")
        if (self.only is None) != (self.box is None):
            raise ValueError(
                "in videos `only: mouth` or `only: eyes` shows a fixed part: expected only and "
                "box: [left, top, width, height] in the stimulus's pixels, both or neither"
            )

    @property
    def heard(self) -> tuple[str | None, int | None, float | None]:
        """What is done to the sound."""
        return self.sound, self.vocoded, self.snr

    def video(self, clip: str, folder: Path) -> Path:
        """The other system's video of a clip; `folder` is where the design file lies."""
        assert self.videos is not None
        return folder / self.videos.replace(CLIP, clip)

    def steps(self, name: str) -> dict[str, Condition]:
        """The conditions that this one stands for: itself, or the steps of its morph, `NAME_1`, `NAME_2` ...

        The level of a step is its share of the second emotion in percent.
        """
        if self.morph is None:
            return {name: self}
        return {
            f"{name}_{number}": self.model_copy(
                update={"emotion": self.morph.emotion(share), "level": round(100 * share, 2)}
            )
            for number, share in enumerate(self.morph.shares, start=1)
        }


def expanded(conditions: Mapping[str, Condition]) -> dict[str, Condition]:
    """Conditions with every morph replaced by its steps; raises ValueError where one has the name of another."""
    found: dict[str, Condition] = {}
    for name, condition in conditions.items():
        for step, one in condition.steps(name).items():
            if step in found or (step != name and step in conditions):
                raise ValueError(f"{step} is a step of the morph {name}; expected another name")
            found[step] = one
    return found


def check_conditions(conditions: Mapping[str, Condition], clips: Sequence[str], size: tuple[int, int]) -> None:
    """Raise Misplaced where a condition asks for a sound or a part of the picture that the study does not have."""
    for place, clip in enumerate(clips):
        if clip in {OTHER, SILENT}:
            raise Misplaced(f"expected another id; `sound: {clip}` means something else", "clips", place, "id")
    for name, condition in conditions.items():
        where = ("conditions", name if condition.morph is None else name.rpartition("_")[0])
        if condition.sound not in {None, OTHER, SILENT, *clips}:
            choices = f"a clip's id ({', '.join(clips)}), {OTHER} or {SILENT}"
            raise Misplaced(f"expected {choices}, found {condition.sound!r}", *where, "sound")
        if condition.sound == OTHER and len(clips) < 2:
            raise Misplaced(f"{OTHER}: expected at least two clips, found one", *where, "sound")
        if condition.box is not None:
            left, top, width, height = condition.box
            if left + width > size[0] or top + height > size[1]:
                problem = f"expected a part of {size[0]}x{size[1]} pixels, found {list(condition.box)}"
                raise Misplaced(problem, *where, "box")


def check_heard_together(conditions: Mapping[str, Condition], pairs: Iterable[tuple[str, str]], *, task: str) -> None:
    """Raise ValueError where two conditions that a task shows in one video are heard differently."""
    for pair in pairs:
        first, second = (conditions.get(name) for name in pair)
        if first is not None and second is not None and first.heard != second.heard:
            raise ValueError(
                f"tasks: {task}: {pair[0]} and {pair[1]} are heard together: expected the same sound, vocoded and snr "
                "of both"
            )


class Look(Part):
    """What all stimuli of the study share."""

    size: Size = DEFAULTS.size
    fps: Annotated[float, Field(ge=10, le=120)] = 25
    camera: str = DEFAULTS.camera
    camera_lock: CameraLock = DEFAULTS.camera_lock
    background: str = DEFAULTS.background
    head_motion: HeadMotion = DEFAULTS.head_motion
    blink: bool = DEFAULTS.blink
    loudness: Annotated[float, Field(ge=-40, le=-10)] = -23.0  # LUFS, integrated
    true_peak: Annotated[float, Field(ge=-12, le=0)] = -1.0  # dBTP, never exceeded
    lead: Annotated[float, Field(ge=0, le=5)] = 0.4  # seconds of silence before the speech
    tail: Annotated[float, Field(ge=0, le=5)] = 0.6  # and at least this much after it
    fade: Annotated[float, Field(ge=0, le=1)] = 0.2  # seconds; picture from and to the background

    @field_validator("background")
    @classmethod
    def _opaque(cls, background: str) -> str:
        if background == "transparent":
            raise ValueError("expected a colour or a picture, because mp4 holds no transparency")
        return background
