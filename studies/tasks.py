"""What participants can be asked to do: the kinds of task that a design file may hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from .parts import Label, Name, Names, Pairs, Part, Text, once

NONE_OF_THESE, OTHER = "none of these", "other"
Offset = Annotated[int, Field(ge=-2000, le=2000)]  # ms
Assignment = Literal["all", "latin"]


class Scale(Part):
    """Steps from 1 to `points`, or a slider from 0 to 100 when `points` is 0."""

    points: Annotated[int, Field(ge=0, le=11)] = 7
    line: bool = False  # with 0 points: a line without marks, on which one is put (a visual analogue scale)
    low: Text = "not at all"
    high: Text = "completely"

    @field_validator("points")
    @classmethod
    def _a_scale(cls, points: int) -> int:
        if points == 1:
            raise ValueError("expected 0 (a slider) or at least 2 steps")
        return points

    @model_validator(mode="after")
    def _a_line_has_no_steps(self) -> Scale:
        if self.line and self.points:
            raise ValueError("line: true needs points: 0")
        return self


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

    conditions: Names | None = None  # None: all


class Preference(Comparison):
    """Two videos side by side: which one?"""

    type: Literal["preference"]
    pairs: Pairs | None = None  # None: all pairs of the conditions
    equal: bool = False  # whether "no difference" may be answered


class Rating(Comparison):
    """One video, one scale."""

    type: Literal["rating"]
    scale: Scale = Scale()


class Identification(Comparison):
    """One video: which emotion, and how strong?"""

    type: Literal["identification"]
    labels: Annotated[list[Label], Field(min_length=2, max_length=20), AfterValidator(once)]
    none_of_these: bool = True
    other: bool = False  # "other", and a field for a word of one's own
    intensity: bool = True  # ask how strong it was, 0 to 100
    feedback: bool = False  # after a practice trial: whether the answer was right

    @model_validator(mode="after")
    def _no_answer_twice(self) -> Identification:
        once([*self.labels, *([OTHER] if self.other else []), *([NONE_OF_THESE] if self.none_of_these else [])])
        return self


class Sync(Task):
    """One condition with sound and picture shifted: in step or not?

    A positive offset means that the sound comes after the picture.
    """

    type: Literal["sync"]
    condition: Name
    offsets_ms: Annotated[list[Offset], Field(min_length=2), AfterValidator(once)]
    direction: bool = False  # ask which of the two is early instead of whether they agree
    forced: bool = False  # with direction: "in sync" is no answer (a judgement of temporal order)
    feedback: bool = False  # after a practice trial: whether the answer was right

    @model_validator(mode="after")
    def _forced_to_a_direction(self) -> Sync:
        if self.forced and not self.direction:
            raise ValueError("forced: true needs direction: true")
        return self


class Discrimination(Task):
    """Can two conditions be told apart? ABX: is the third like the first or the second? Or: are the two the same?"""

    type: Literal["discrimination"]
    method: Literal["abx", "same_different"] = "abx"
    pairs: Pairs | None = None
    # instead: conditions that follow each other; a morph's name stands for its steps
    continuum: Names | None = None
    step: Annotated[int, Field(ge=1)] = 1  # how far apart on the continuum two are that are compared
    feedback: bool = False  # after a practice trial: whether the answer was right

    @model_validator(mode="after")
    def _pairs_or_a_continuum(self) -> Discrimination:
        if (self.pairs is None) == (self.continuum is None):
            raise ValueError("expected either pairs or a continuum")
        return self


class Free(Comparison):
    """One video, and words of one's own."""

    type: Literal["free"]


class Trace(Comparison):
    """One video, and a slider that is moved while it plays, ten times a second of the video."""

    type: Literal["trace"]
    low: Text = "not at all"
    high: Text = "completely"


class Anchor(Part):
    """A degraded version of the reference that everybody should hear or see is bad."""

    kind: Literal["frozen", "shifted", "lowpass"] = "frozen"
    ms: Offset = 500  # of a shifted one
    hz: Annotated[int, Field(ge=1, le=10)] = 1  # of a low-passed one: what is faster is smoothed away

    @model_validator(mode="after")
    def _differs(self) -> Anchor:
        if not self.ms:
            raise ValueError("ms: expected a shift, found 0")
        return self


class Mushra(Comparison):
    """All conditions of a clip on one page with a slider each, a hidden reference and an anchor among them."""

    type: Literal["mushra"]
    reference: Name | None = None  # also shown openly, if given
    anchor: Anchor | None = None  # made from the reference, or else from the first condition
