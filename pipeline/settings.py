"""A clip's settings: each with its default, range and help once, for commands, batches, studies, viewer and Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from ..core.errors import InputError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from ..blendshapes.score import Cue, Score, Style
    from ..blendshapes.speech.effort import Habit

FROM_VOICE = "auto"  # in place of an emotion or an effort
MAX_SIZE = 4096  # pixels
MAX_SEED = 2**63


@dataclass(frozen=True)
class Use:
    """Where a setting may stand besides the options of a clip, and how it looks on the command line."""

    short: str = ""  # a second name of the option
    metavar: str = ""
    file: bool = False  # it is a path, or may be one
    column: bool = False  # a manifest may tell it for each clip
    axis: bool = False  # a batch's grid may cross it with every clip


def _number(
    low: float, high: float = float("inf"), *, what: str = "a number", endless: bool = False
) -> BeforeValidator:
    reach = f"from {low:g} on" if high == float("inf") else f"from {low:g} to {high:g}"

    def read(value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if not low <= number <= high or (number == float("inf") and not endless):
            raise ValueError(f"expected {what} {reach}")
        return number

    return BeforeValidator(read)


def parse_size(value: Any) -> tuple[int, int]:
    """Read `512x512` or (512, 512), width and height in pixels; raises ValueError."""
    if isinstance(value, str):
        match = re.fullmatch(r"(\d{1,5})[xX×](\d{1,5})", value.strip())
        sides = tuple(int(n) for n in match.groups()) if match else ()
    else:
        sides = tuple(value) if isinstance(value, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and 16 <= side <= MAX_SIZE for side in sides):
        raise ValueError(f"expected WIDTHxHEIGHT from 16 to {MAX_SIZE} pixels, for instance 512x512")
    return sides


def _emotion(value: Any) -> Any:
    """Canonical labels for text; objects as they are."""
    from ..blendshapes.emotion import Emotion
    from .emotion import spelled

    if isinstance(value, Emotion):
        return value
    if not isinstance(value, str):
        raise ValueError("expected text such as angry, angry:0.6,sad:0.2 or a little nervous")
    return spelled(value)


def _effort(value: Any) -> float | str | None:
    """None, a number, or the name of a file, which is looked up when it is needed."""
    if value is None or (isinstance(value, str) and value.strip().lower() == FROM_VOICE):
        return None
    if names_recording(value):
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not 0.5 <= number <= 2:
        raise ValueError(
            "expected auto, a number from 0.5 to 2, or a recording of the voice's ordinary speech such as calm.wav"
        )
    return number


def names_recording(effort: Any) -> bool:
    """Whether an effort is the name of a file: one with a suffix, so that it is no number."""
    return re.fullmatch(r".*\.[A-Za-z]\w*", str(effort), re.DOTALL) is not None


def _rate(value: Any) -> Fraction | None:
    from .media.video import frame_rate

    return None if value is None else frame_rate(value)


def _seed(value: Any) -> int:
    digits = isinstance(value, str) and value.strip().isascii() and value.strip().isdigit()
    seed = int(value) if digits and len(value) < 40 else value
    if type(seed) is not int or not 0 <= seed < MAX_SEED:
        raise ValueError("expected an integer from 0 to 2^63 - 1")
    return seed


def _track(value: Any) -> int | None:
    digits = isinstance(value, str) and re.fullmatch(r"\s*\d{1,3}\s*", value, re.ASCII)
    number = int(value) if digits else value
    if number is not None and (type(number) is not int or not 1 <= number < 1000):
        raise ValueError("expected the number of a track from 1 on")
    return number


def _guidance(value: Any) -> str | None:
    """Conditions and how much each counts as canonical text, `emotion:1.2,style:1.5`; None where none is told."""
    from ..blendshapes.score import GUIDED

    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("expected text such as style:1.5 or style:1.5,emotion:1.2")
    amounts: dict[str, float] = {}
    for part in value.split(",") if value.strip() else []:
        name, colon, amount = (word.strip() for word in part.partition(":"))
        if name not in GUIDED or name in amounts or not colon:
            raise ValueError(f"expected NAME:AMOUNT, each once, with a name of {', '.join(GUIDED)}")
        try:
            amounts[name] = float(amount)
        except ValueError:
            amounts[name] = float("nan")
        if not 0 <= amounts[name] <= 4:
            raise ValueError(f"{name}: expected a number from 0 to 4")
    return ",".join(f"{name}:{amounts[name]:g}" for name in sorted(amounts)) or None


Name = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, Path) else value)]
Emotion = Annotated[Any, PlainValidator(_emotion)]  # text or an `Emotion`, whose module needs numpy
Intensity = Annotated[float, _number(0, 1)]
Effort = Annotated[float | str | None, BeforeValidator(_effort)]
Variety = Annotated[float, _number(0, 1)]
Strength = Annotated[float, _number(0, 2)]
Rate = Annotated[Fraction | None, BeforeValidator(_rate)]
Size = Annotated[tuple[int, int], BeforeValidator(parse_size)]
CameraLock = Literal["world", "face"]
HeadMotion = Literal["none", "subtle", "lively"]
Device = Literal["auto", "cpu", "cuda"]
Singing = Literal["auto", "yes", "no"]
Encoder = Literal["x264", "auto", "nvenc", "qsv", "amf", "videotoolbox", "vaapi"]


class ClipSettings(BaseModel):
    """Everything about a clip but what is heard and where it goes; plain values, which can be sent to other machines.

    Equal settings on equal files give equal frames. Names of files are looked up when they are needed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    avatar: Annotated[Name, Use("-a", file=True, column=True, axis=True)] = Field(
        default="person1", description="A built-in avatar's name, or the path of one."
    )
    emotion: Annotated[Emotion, Use("-e", file=True, column=True, axis=True)] = Field(
        default="neutral",
        description="angry, or angry:0.6,sad:0.2, or auto (from the voice), or words ('a little nervous but smiling'), "
        "or an example (a film, a voice, a face motion); 'auto:0.5 + a little sad:0.5' adds up.",
    )
    intensity: Annotated[Intensity, Use(column=True, axis=True)] = Field(
        default=1.0, description="How strong the emotion is, 0..1."
    )
    effort: Annotated[Effort, Use(metavar="auto|0.5..2|FILE", file=True, column=True, axis=True)] = Field(
        default=None,
        description="How wide the mouth opens, 1 as in ordinary speech; or a recording of the same voice's ordinary "
        "speech, beside which its effort is heard. [dim]auto: as the voice tells[/]",
    )
    style: Annotated[Name | None, Use(metavar="NAME|FILE", file=True, column=True, axis=True)] = Field(
        default=None,
        description="How the person moves: a style's name or file, an example (a film, a face motion, a voice), or "
        "auto: as somebody with the clip's own voice.",
    )
    style_strength: Annotated[Strength, Use(column=True, axis=True)] = Field(
        default=1.0, description="0 as people usually move, 1 as the style, up to 2 beyond it."
    )
    variety: Annotated[Variety, Use(column=True, axis=True)] = Field(
        default=1.0, description="How far a performance may be from the most usual one, 0..1; of models that can."
    )
    guidance: Annotated[str | None, BeforeValidator(_guidance), Use(metavar="style:1.5,...", column=True)] = Field(
        default=None,
        description="How much sound, accents, emotion and style count, 0..4 each, 1 as learned; of models that can.",
    )
    accents: Annotated[Path | None, Use(file=True, column=True)] = Field(
        default=None,
        description="CSV of the moments that stand out, which `render inspect` writes. [dim]as the sound tells[/]",
    )
    subtitles: Annotated[Path | None, Use(metavar="FILE.vtt", file=True, column=True, axis=True)] = Field(
        default=None,
        description="Motion subtitles: what brows, eyes, lips or head do from when to when (`render subtitles`).",
    )
    emotion_track: Annotated[Path | None, Use(file=True, column=True)] = Field(
        default=None, description="CSV with the columns time_s and one per emotion; replaces --emotion."
    )
    transcript: Annotated[Name | None, Use(metavar="TEXT|FILE", file=True, column=True)] = Field(
        default=None, description="What is said: every /p b m/ then closes the lips."
    )
    language: Annotated[Name, Use(metavar="de|fr|...", column=True)] = Field(
        default="en", max_length=100, description="Of the transcript or the lyrics; all but English need espeak-ng."
    )
    singing: Annotated[Singing, Use(column=True)] = Field(
        default="auto",
        description="Whether it is sung: held vowels, breaths, brows with the pitch. [dim]as is heard[/]",
    )
    lyrics: Annotated[Name | None, Use(metavar="TEXT|FILE", file=True, column=True)] = Field(
        default=None,
        description="What is sung: text, .lrc or another file with times, or a score (.musicxml, .ust, .lab ...).",
    )
    weights: Annotated[Path | None, Use(file=True, column=True, axis=True)] = Field(
        default=None, description="A folder that `render train` wrote into. [dim]the built-in weights[/]"
    )
    model: Annotated[str, Use(column=True, axis=True)] = Field(
        default="acting",
        description="Motion model: acting generates, procedural is rules; packages bring others.",
    )
    fps: Annotated[Rate, Use()] = Field(
        default=None, description="Frames per second, for instance 30 or 30000/1001. [dim]25, or the motion's own[/]"
    )
    size: Annotated[Size, Use()] = Field(default=(512, 512), description="Width x height in pixels.")
    camera: Annotated[Name, Use(metavar="front|three-quarter|profile|FILE", file=True, column=True, axis=True)] = Field(
        default="front", description="Point of view, or a camera file (.json)."
    )
    camera_lock: Annotated[CameraLock, Use(column=True, axis=True)] = Field(
        default="world", description="What the camera is fixed to."
    )
    background: Annotated[Name, Use(file=True)] = Field(
        default="white", description="white, #rrggbb, the path of a picture, or transparent."
    )
    device: Annotated[Device, Use()] = Field(default="auto", description="Where to rasterize.")
    encoder: Annotated[Encoder, Use(metavar="x264|auto|nvenc|...")] = Field(
        default="x264",
        description="What compresses .mp4: x264 makes equal files of equal frames; auto takes hardware that works, if "
        "any (nvenc, qsv, amf, videotoolbox, vaapi).",
    )
    seed: Annotated[int, BeforeValidator(_seed), Use(column=True, axis=True)] = Field(
        default=0, description="Seed of blinks, gaze and other natural variation, with the sound."
    )
    blink: Annotated[bool, Use()] = Field(default=True, description="Blink now and then.")
    head_motion: Annotated[HeadMotion, Use(axis=True)] = Field(default="subtle", description="How much the head moves.")
    track: Annotated[int | None, BeforeValidator(_track), Use(column=True)] = Field(
        default=None, description="Which audio track, 1 for the file's first. [dim]the one that players play[/]"
    )
    start: Annotated[float, _number(0, what="seconds"), Use()] = Field(
        default=0.0, description="Begin this many seconds into the audio."
    )
    duration: Annotated[Annotated[float, _number(0, what="seconds", endless=True)] | None, Use()] = Field(
        default=None, description="Use only this many seconds."
    )

    @property
    def width(self) -> int:
        """Pixels."""
        return self.size[0]

    @property
    def height(self) -> int:
        """Pixels."""
        return self.size[1]

    def score(self, style: Style | None = None, *, note: Callable[[str], None] = lambda _: None) -> Score:
        """How the clip is to be acted; what is heard is filled in later.

        `style` is what that setting means (`LoadedModels.style`); `note` is told what of an emotion's words or example
        a person should know. Raises InputError for a bad emotion track, bad accents or bad subtitles.
        """
        from ..blendshapes.emotion import read_emotion_track
        from ..blendshapes.score import Score
        from ..blendshapes.speech.accent_files import read_accents
        from .emotion import read_emotion

        if self.emotion_track is not None:
            emotion = read_emotion_track(self.emotion_track)
        elif isinstance(self.emotion, str):
            emotion = read_emotion(self.emotion, weights=self.weights, note=note)
        else:
            emotion = self.emotion
        return Score(
            emotion=emotion,
            intensity=self.intensity,
            effort=self.effort_told(note),
            style=style,
            variety=self.variety,
            guidance=self.guided,
            accents=None if self.accents is None else read_accents(self.accents),
            seed=self.seed,
            blink=self.blink,
            head_motion=self.head_motion,
            cues=self._cues(note),
        )

    def effort_told(self, note: Callable[[str], None] = lambda _: None) -> float | Habit | None:
        """The effort, or the habit of the voice in the recording that it names; raises InputError."""
        if not isinstance(self.effort, str):
            return self.effort
        from .example import read_habit

        habit, notes = read_habit(Path(self.effort))
        for line in notes:
            note(line)
        return habit

    def _cues(self, note: Callable[[str], None]) -> tuple[Cue, ...]:
        """What the motion subtitles ask for, on the clock of the clip."""
        if self.subtitles is None:
            return ()
        from ..blendshapes.subtitles.score import subtitle_cues, subtitle_notes
        from ..blendshapes.subtitles.webvtt import read_subtitles

        found = read_subtitles(self.subtitles)
        if not any(subtitle.wishes for subtitle in found):
            note(
                f"{self.subtitles}: nothing in it moves a face; lines such as 'brows: raise 0.8' do (docs/subtitles.md)"
            )
        for line in subtitle_notes(found):
            note(f"{self.subtitles}: {line}")
        return subtitle_cues(found, start=self.start)

    @property
    def guided(self) -> dict[str, float]:
        """How much each condition that `guidance` names counts."""
        parts = (part.partition(":") for part in (self.guidance or "").split(",") if part)
        return {name: float(amount) for name, _, amount in parts}

    def plain(self, name: str) -> Any:
        """The value of a setting as a manifest writes it."""
        value = getattr(self, name)
        return value if value is None or isinstance(value, bool | int | float | str) else str(value)


DEFAULTS = ClipSettings()


def use_of(name: str) -> Use:
    """Where the setting of this name may stand."""
    return next(part for part in ClipSettings.model_fields[name].metadata if isinstance(part, Use))


COLUMNS = tuple(name for name in ClipSettings.model_fields if use_of(name).column)
AXES = tuple(name for name in ClipSettings.model_fields if use_of(name).axis)


def option(name: str) -> str:
    """What a setting is called on the command line."""
    return "--" + name.replace("_", "-")


def read_settings(
    values: Mapping[str, Any], *, base: ClipSettings = DEFAULTS, named: Callable[[str], str] = option
) -> ClipSettings:
    """`base` with these values, text or what it stands for; raises InputError that begins as `named` says.

    >>> read_settings({"size": "64x48", "emotion": "anger"}).size
    (64, 48)
    """
    try:
        changed = ClipSettings.model_validate(values)
    except ValidationError as error:
        raise InputError(_in_one_line(error.errors()[0], named)) from None
    return base.model_copy(update={name: getattr(changed, name) for name in values})


def _in_one_line(error: ErrorDetails, named: Callable[[str], str]) -> str:
    name = named(str(error["loc"][0]))
    found = error["input"]
    if error["type"] == "extra_forbidden":
        return f"{name}: there is no such setting, expected one of {', '.join(ClipSettings.model_fields)}"
    problem = problem_of(error)
    if ", found " in problem:
        return f"{name}: {problem}"
    shown = f"{found:g}" if type(found) is float else repr(found)[:80]
    return f"{name} {shown}: {problem}"


def problem_of(error: ErrorDetails) -> str:
    """What pydantic found wrong, in our words."""
    if error["type"] == "literal_error":
        choices = str(error.get("ctx", {}).get("expected")).replace(" or ", ", ").replace("'", "")
        return f"expected one of {choices}"
    message = error["msg"].removeprefix("Value error, ").removeprefix("emotion: ").removeprefix("fps: ")
    return message[:1].lower() + message[1:]
