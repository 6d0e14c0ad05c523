"""The design file of a study, `study.yaml`: what it may hold, and errors that name the line."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from ..core.errors import InputError
from ..core.whole_files import is_file
from ..core.yaml_problems import first_problem, syntax_problem
from ..pipeline.emotion import placed
from ..pipeline.settings import DEFAULTS, ClipSettings
from ..pipeline.style.library import OWN_VOICE
from .conditions import Condition, Look, Name, Part, check_conditions, check_heard_together, expanded

MAX_BYTES = 1 << 20
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Factor = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,40}$")]
Level = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$")]  # of a factor
Assignment = Literal["all", "latin"]
OF_ANSWERS = ("participant", "clip", "condition", "score", "shown", "item", "away")  # columns in analysis scripts


class Clip(Part):
    """One recording of speech, or a stretch of one."""

    id: Name
    audio: Path  # relative to the design file
    start: Annotated[float, Field(ge=0)] = 0.0  # seconds
    duration: Annotated[float, Field(ge=0.2, le=600)] | None = None  # seconds
    practice: bool = False  # shown in practice trials only
    transcript: str | None = None  # what is said: lips close for sure, and tables tell the phones from it
    language: str = DEFAULTS.language  # of the transcript


class Scale(Part):
    """Steps from 1 to `points`, or a slider from 0 to 100 when `points` is 0."""

    points: Annotated[int, Field(ge=0, le=11)] = 7
    low: Text = "not at all"
    high: Text = "completely"

    @field_validator("points")
    @classmethod
    def _a_scale(cls, points: int) -> int:
        if points == 1:
            raise ValueError("expected 0 (a slider) or at least 2 steps")
        return points


class Task(Part):
    """What all kinds of task have in common."""

    id: Name
    question: Text
    instructions: str = ""
    assignment: Assignment = "all"  # each participant sees every clip in every condition, or each clip once
    repetitions: Annotated[int, Field(ge=1, le=20)] = 1
    max_run: Annotated[int, Field(ge=1)] = 2  # trials of one condition in a row, at most
    practice: Annotated[int, Field(ge=0, le=20)] = 0  # trials before the main ones
    catch: Annotated[int, Field(ge=0, le=20)] = 0  # attention checks among the main ones


class Comparison(Task):
    """A task that shows several conditions."""

    conditions: Annotated[list[Name], Field(min_length=1)] | None = None  # None: all


class Preference(Comparison):
    """Two videos side by side: which one?"""

    type: Literal["preference"]
    pairs: list[tuple[Name, Name]] | None = None  # None: all pairs of the conditions
    equal: bool = False  # whether "no difference" may be answered


class Rating(Comparison):
    """One video, one scale."""

    type: Literal["rating"]
    scale: Scale = Scale()


class Identification(Comparison):
    """One video: which emotion, and how strong?"""

    type: Literal["identification"]
    labels: Annotated[list[Text], Field(min_length=2, max_length=20)]
    none_of_these: bool = True
    intensity: bool = True  # ask how strong it was, 0 to 100


class Sync(Task):
    """One condition with sound and picture shifted: in step or not?

    A positive offset means that the sound comes after the picture.
    """

    type: Literal["sync"]
    condition: Name
    offsets_ms: Annotated[list[Annotated[int, Field(ge=-2000, le=2000)]], Field(min_length=2)]
    direction: bool = False  # ask which of the two is early instead of whether they agree


class Anchor(Part):
    """A degraded version of the reference that everybody should hear or see is bad."""

    kind: Literal["frozen", "shifted", "lowpass"] = "frozen"
    ms: Annotated[int, Field(ge=-2000, le=2000)] = 500  # of a shifted one
    hz: Annotated[int, Field(ge=1, le=10)] = 1  # of a low-passed one: what is faster is smoothed away


class Mushra(Comparison):
    """All conditions of a clip on one page with a slider each, a hidden reference and an anchor among them."""

    type: Literal["mushra"]
    reference: Name | None = None  # also shown openly, if given
    anchor: Anchor | None = None  # made from the reference, or else from the first condition


AnyTask = Annotated[Preference | Rating | Identification | Sync | Mushra, Field(discriminator="type")]


class Exclusion(Part):
    """Who is left out of the analysis; written down before the study runs."""

    failed_catch: Annotated[int, Field(ge=1)] = 2  # attention checks failed, or more
    min_share: Annotated[float, Field(ge=0, le=1)] = 0.9  # of the trials answered


class Analysis(Part):
    """What is tested beyond the usual; written down before the study runs."""

    factors: dict[Factor, dict[Level, Annotated[list[Name], Field(min_length=1)]]] | None = None  # None: what differs
    # task: the largest difference that does not matter
    equivalence: dict[Name, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    bayes: bool = False  # Bayes factors beside the tests
    figure_mm: Annotated[int, Field(ge=60, le=400)] = 160  # width of figures


class Prolific(Part):
    """Where participants from Prolific go when they are done."""

    completion_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{4,20}$")]


class Study(Part):
    """A whole design."""

    title: Text
    consent: Annotated[str, Field(max_length=20_000)] = ""  # what participants agree to; empty lines part paragraphs
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    participants: Annotated[int, Field(ge=1, le=10_000)]
    clips: Annotated[list[Clip], Field(min_length=1)]
    conditions: Annotated[dict[Name, Condition], Field(min_length=1)]
    stimuli: Look = Look()
    tasks: Annotated[list[AnyTask], Field(min_length=1)]
    exclusion: Exclusion = Exclusion()
    analysis: Analysis = Analysis()
    prolific: Prolific | None = None

    def settings(self, condition: str, folder: Path) -> ClipSettings:
        """How the clips of a condition are rendered; `folder` is where the design file lies."""
        look, how = self.stimuli, self.conditions[condition]

        def beside(name: str) -> str:
            return str((folder / name).absolute()) if is_file(str(folder / name)) else name

        return ClipSettings(
            avatar=beside(how.avatar),
            emotion=placed(how.emotion, beside),
            intensity=how.intensity,
            style=how.style if how.style in (None, OWN_VOICE) else beside(how.style),
            style_strength=how.style_strength,
            variety=how.variety,
            weights=None if how.weights is None else (folder / how.weights).absolute(),
            model=how.model,
            fps=Fraction(look.fps).limit_denominator(1001),
            size=look.size,
            camera=beside(how.camera or look.camera),
            camera_lock=look.camera_lock,
            background=beside(look.background),
            blink=look.blink,
            head_motion=look.head_motion,
        )

    @field_validator("conditions")
    @classmethod
    def _steps_of_morphs(cls, conditions: dict[str, Condition]) -> dict[str, Condition]:
        return expanded(conditions)

    @property
    def shown(self) -> list[Clip]:
        """The clips of main trials."""
        return [clip for clip in self.clips if not clip.practice]

    def conditions_of(self, task: Comparison) -> list[str]:
        """Names of the conditions that a task shows, in the order of the file; a morph's name stands for its steps."""
        if task.conditions is None:
            return list(self.conditions)
        return [step for name in task.conditions for step in self.steps_of(name)]

    def steps_of(self, name: str) -> list[str]:
        """The steps of the morph of this name; of another condition itself."""
        steps = [
            step for step, one in self.conditions.items() if one.morph is not None and step.rpartition("_")[0] == name
        ]
        return steps or [name]

    def pairs_of(self, task: Preference) -> list[tuple[str, str]]:
        """The pairs that a preference task compares."""
        return list(combinations(self.conditions_of(task), 2)) if task.pairs is None else task.pairs

    @model_validator(mode="after")
    def _belongs_together(self) -> Study:
        _unique("clips", [clip.id for clip in self.clips])
        _unique("tasks", [task.id for task in self.tasks])
        if not self.shown:
            raise ValueError("clips: expected at least one that is not for practice only")
        check_conditions(self.conditions, [clip.id for clip in self.clips], self.stimuli.size)
        for task in self.tasks:
            names = [task.condition] if isinstance(task, Sync) else [*self.conditions_of(task)]
            if isinstance(task, Preference):
                pairs = self.pairs_of(task)
                names += [name for pair in pairs for name in pair]
                if not pairs or any(a == b for a, b in pairs):
                    raise ValueError(f"tasks: {task.id}: a preference needs two different conditions")
                check_heard_together(self.conditions, pairs, task=task.id)
            if isinstance(task, Mushra) and task.reference is not None:
                names.append(task.reference)
            for name in names:
                if name not in self.conditions:
                    raise ValueError(f"tasks: {task.id}: there is no condition {name!r}")
            if self._made_by_others(task):
                raise ValueError(f"tasks: {task.id}: external videos cannot be shifted, frozen or low-passed")
            if task.practice and not any(clip.practice for clip in self.clips):
                raise ValueError(f"tasks: {task.id}: practice trials need clips with practice: true")
        return self

    @model_validator(mode="after")
    def _analysis_fits(self) -> Study:
        tasks = [task.id for task in self.tasks]
        for name in self.analysis.equivalence:
            if name not in tasks:
                raise ValueError(f"analysis: equivalence: expected one of {', '.join(tasks)}, found {name!r}")
        for factor, levels in (self.analysis.factors or {}).items():
            names = [name for level in levels.values() for name in level]
            _unique(f"analysis: factors: {factor}", names)
            for name in names:
                if name not in self.conditions:
                    raise ValueError(f"analysis: factors: {factor}: there is no condition {name!r}")
            if factor in OF_ANSWERS:
                raise ValueError(
                    f"analysis: factors: {factor} is what a column of answers is called; choose another name"
                )
            if len(levels) < 2:
                raise ValueError(f"analysis: factors: {factor}: expected at least 2 levels")
        return self

    def _made_by_others(self, task: AnyTask) -> bool:
        """Whether the task changes the motion of videos whose motion is not known."""
        if isinstance(task, Sync):
            return self.conditions[task.condition].videos is not None
        if isinstance(task, Mushra) and task.anchor is not None:
            return self.conditions[task.reference or self.conditions_of(task)[0]].videos is not None
        return False


def load_study(path: Path) -> Study:
    """Read and check a design file; raises InputError that names the line and the field."""
    import yaml

    if not path.is_file():
        raise InputError(f"{path}: no such design file; `render study init` writes an example")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: expected a design file of at most 1 MB")
    try:
        text = path.read_text(encoding="utf-8-sig")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected text in UTF-8") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{path}: {syntax_problem(error)}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected fields such as title, clips and tasks; `render study init` writes some")
    try:
        return Study.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{path}: {first_problem(error, root, tags=TASK_TYPES, whole='study')}") from None


def _unique(where: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{where}: the id {twice[0]!r} is there twice")


TASK_TYPES = ("preference", "rating", "identification", "sync", "mushra")  # pydantic names the type in a location
