"""The design file of a study, `study.yaml`: what it may hold, and errors that name the line."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator, model_validator

from ..core.errors import InputError
from ..core.tables import read_text
from ..core.whole_files import is_file
from ..core.yaml_problems import first_problem, yaml_values
from ..pipeline.emotion import placed
from ..pipeline.settings import DEFAULTS, ClipSettings
from ..pipeline.style.library import OWN_VOICE
from .conditions import SILENT, Condition, Look, check_conditions, check_heard_together, expanded
from .parts import Name, Part, Text, once
from .procedure import Likert, Procedure
from .tasks import (
    Comparison,
    Discrimination,
    Free,
    Identification,
    Mushra,
    Preference,
    Rating,
    Sync,
    Trace,
)

MAX_BYTES = 1 << 20
MOST_SLIDERS = 26  # of a page: each has a letter
# what pydantic adds to a location to name the kind of a part
KINDS = (
    *("preference", "rating", "identification", "sync", "mushra", "discrimination", "free", "trace"),
    *("choice", "number", "text", "likert"),
)
AnyTask = Annotated[
    Preference | Rating | Identification | Sync | Mushra | Discrimination | Free | Trace, Field(discriminator="type")
]
Factor = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,40}$")]
Level = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$")]  # of a factor
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


class Analysis(Part):
    """What is tested beyond the usual; written down before the study runs."""

    factors: dict[Factor, dict[Level, Annotated[list[Name], Field(min_length=1)]]] | None = None  # None: what differs
    equivalence: dict[Name, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict
    )  # task: the largest difference that does not matter
    bayes: bool = False  # Bayes factors beside the tests
    figure_mm: Annotated[int, Field(ge=60, le=400)] = 160  # width of figures


class Study(Procedure):
    """A whole design."""

    title: Text
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    participants: Annotated[int, Field(ge=1, le=10_000)]
    clips: Annotated[list[Clip], Field(min_length=1)]
    conditions: Annotated[dict[Name, Condition], Field(min_length=1)]
    stimuli: Look = Look()
    tasks: Annotated[list[AnyTask], Field(min_length=1)]
    analysis: Analysis = Analysis()

    def settings(self, condition: str, folder: Path) -> ClipSettings:
        """How the clips of a condition are rendered; `folder` is where the design file lies."""
        return self.settings_as(self.conditions[condition], folder)

    def settings_as(self, how: Condition, folder: Path) -> ClipSettings:
        """The same for a condition that need not be one of the study's."""
        look = self.stimuli

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
        return self._with_steps(task.conditions)

    def _with_steps(self, names: list[str]) -> list[str]:
        """The same conditions, with the steps of a morph in place of its name."""
        steps: dict[str, list[str]] = {}
        for step, condition in self.conditions.items():
            if condition.morph is not None:
                steps.setdefault(step.rpartition("_")[0], []).append(step)
        return [step for name in names for step in steps.get(name, [name])]

    def ends_unnamed(self) -> list[str]:
        """Scales, traces and questions that leave a name of their ends to us, which is English."""
        questions = (*self.questions.before, *self.questions.after)
        scales: list[tuple[str, Part]] = [
            *((f"tasks: {task.id}: scale", task.scale) for task in self.tasks if isinstance(task, Rating)),
            *((f"tasks: {task.id}", task) for task in self.tasks if isinstance(task, Trace)),
            *((f"questions: {question.id}", question) for question in questions if isinstance(question, Likert)),
        ]
        return [where for where, scale in scales if not {"low", "high"} <= scale.model_fields_set]

    def pairs_of(self, task: Preference | Discrimination) -> list[tuple[str, str]]:
        """The pairs that a task compares."""
        if isinstance(task, Discrimination):
            line = self._with_steps(task.continuum or [])
            return task.pairs or list(zip(line, line[task.step :], strict=False))
        return list(combinations(self.conditions_of(task), 2)) if task.pairs is None else task.pairs

    @model_validator(mode="after")
    def _belongs_together(self) -> Study:
        _unique("clips", [clip.id for clip in self.clips])
        _unique("tasks", [task.id for task in self.tasks])
        if not self.shown:
            raise ValueError("clips: expected at least one that is not for practice only")
        check_conditions(self.conditions, [clip.id for clip in self.clips], self.stimuli.size)
        for task in self.tasks:
            self._check_shown(task)
            if isinstance(task, Preference | Discrimination):
                pairs = self.pairs_of(task)
                if not pairs or any(a == b for a, b in pairs):
                    raise ValueError(f"tasks: {task.id}: a {task.type} needs two different conditions")
                if isinstance(task, Preference):
                    check_heard_together(self.conditions, pairs, task=task.id)
            for name in self._named(task):
                if name not in self.conditions:
                    raise ValueError(f"tasks: {task.id}: there is no condition {name!r}")
            if self._made_by_others(task):
                raise ValueError(f"tasks: {task.id}: external videos cannot be shifted, frozen or low-passed")
            if task.practice and not any(clip.practice for clip in self.clips):
                raise ValueError(f"tasks: {task.id}: practice trials need clips with practice: true")
        return self

    def _check_shown(self, task: AnyTask) -> None:
        """Raise ValueError where a task shows something twice, too much, or nothing to hear that it asks about."""
        if isinstance(task, Comparison):
            _unique(f"tasks: {task.id}: conditions", self.conditions_of(task))
        if isinstance(task, Mushra):
            added = (task.anchor is not None) + (task.reference not in {None, *self.conditions_of(task)})
            count = len(self.conditions_of(task)) + added
            if count > MOST_SLIDERS:
                raise ValueError(f"tasks: {task.id}: expected at most {MOST_SLIDERS} videos on a page, found {count}")
        silent = {name for name, condition in self.conditions.items() if condition.sound == SILENT}
        if isinstance(task, Sync) and task.condition in silent:
            raise ValueError(f"tasks: {task.id}: expected a condition with sound, found {task.condition}")

    def _named(self, task: AnyTask) -> list[str]:
        """The conditions that a task names."""
        match task:
            case Sync():
                return [task.condition]
            case Discrimination():
                return [
                    *self._with_steps(task.continuum or []),
                    *(name for pair in self.pairs_of(task) for name in pair),
                ]
            case Preference():
                return [*self.conditions_of(task), *(name for pair in self.pairs_of(task) for name in pair)]
            case Mushra() if task.reference is not None:
                return [*self.conditions_of(task), task.reference]
            case _:
                return self.conditions_of(task)

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
    text = read_text(path, most=MAX_BYTES)
    values = yaml_values(text, source=str(path))
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected fields such as title, clips and tasks; `render study init` writes some")
    try:
        return Study.model_validate(values)
    except ValidationError as error:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        raise InputError(f"{path}: {first_problem(error, root, tags=KINDS, whole='study')}") from None


def _unique(where: str, names: list[str]) -> None:
    try:
        once(names)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
