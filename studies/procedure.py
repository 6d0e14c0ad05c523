"""What surrounds the tasks of a study: consent, questions, a check of headphones, breaks, portals."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from .parts import Label, Name, Part, Text, once

Parameter = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]  # a name in a page's address
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{4,20}$")]
PROLIFIC = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")
# columns of `participants.csv` besides them
RESERVED = {"participant", "list", "state", "arrived", "trials_answered", "trials", "consent", "headphones_right"}


class Question(Part):
    """What all kinds of question have in common."""

    id: Name
    question: Text
    required: bool = True  # whether the page goes on without an answer


class Choice(Question):
    """One of several answers."""

    type: Literal["choice"]
    options: Annotated[list[Label], Field(min_length=2, max_length=50), AfterValidator(once)]


class Number(Question):
    """A number, decimals allowed."""

    type: Literal["number"]
    min: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    max: Annotated[float, Field(ge=-1e6, le=1e6)] = 1e6

    @model_validator(mode="after")
    def _some_number_fits(self) -> Number:
        if self.min > self.max:
            raise ValueError(f"expected min below max, found {self.min:g} and {self.max:g}")
        return self


class FreeText(Question):
    """Words of one's own, up to 1000 characters."""

    type: Literal["text"]


class Likert(Question):
    """Steps from 1 to `points` between two ends."""

    type: Literal["likert"]
    points: Annotated[int, Field(ge=2, le=11)] = 5
    low: Text = "not at all"
    high: Text = "completely"


AnyQuestion = Annotated[Choice | Number | FreeText | Likert, Field(discriminator="type")]


class Questionnaires(Part):
    """Questions about participants, on one page before the tasks and one after them."""

    before: list[AnyQuestion] = Field(default_factory=list, max_length=100)
    after: list[AnyQuestion] = Field(default_factory=list, max_length=100)

    @model_validator(mode="after")
    def _each_once(self) -> Questionnaires:
        for where in (self.before, self.after):
            once([question.id for question in where])
        return self


class Headphones(Part):
    """A check that only people with headphones (or stereo in-ear ones) pass, before the tasks.

    huggins: which of three noises holds a faint tone, which arises between two ears (Milne et al., 2021). antiphase:
    which of three tones is the quietest; before loudspeakers it is another one (Woods et al., 2017).
    """

    kind: Literal["huggins", "antiphase"] = "huggins"
    trials: Annotated[int, Field(ge=3, le=20)] = 6
    pass_: Annotated[int, Field(ge=1, le=20, alias="pass")] = 5  # right answers that are enough
    fail: Literal["record", "end"] = "record"  # go on all the same and keep the result, or end politely

    @model_validator(mode="after")
    def _can_be_passed(self) -> Headphones:
        if self.pass_ > self.trials:
            raise ValueError(f"pass: expected at most {self.trials}, the number of trials, found {self.pass_}")
        return self


class Prolific(Part):
    """Where participants from Prolific go when they are done."""

    completion_code: Code
    screen_out_code: Code | None = None  # for those whom the headphone check turns away


def completion_link(code: str) -> str:
    """Where Prolific hears that somebody is done."""
    return f"https://app.prolific.com/submissions/complete?cc={code}"


class Sona(Part):
    """Where participants from SONA go when they are done: the completion address that SONA shows, with {id}."""

    completion_link: Annotated[str, Field(max_length=500, pattern=r"^https://[^\s<>\"'{}]+\{id\}[^\s<>\"'{}]*$")]


class Exclusion(Part):
    """Who is left out of the analysis; written down before the study runs."""

    failed_catch: Annotated[int, Field(ge=1)] = 2  # attention checks failed, or more
    min_share: Annotated[float, Field(ge=0, le=1)] = 0.9  # of the trials answered
    dropped_frames: Annotated[float, Field(gt=0, le=1)] | None = None  # share of frames never shown, or more; None: any


class Procedure(Part):
    """The parts of a design around its tasks."""

    language: str = "en"  # of the page's own words: en, de, fr, es, or a file like `page/words.yaml` with one language
    consent: Annotated[str, Field(max_length=20_000)] = ""  # what participants agree to; empty lines part paragraphs
    consent_items: list[Text] = Field(default_factory=list, max_length=50)  # each with a box that must be ticked
    questions: Questionnaires = Questionnaires()
    headphones: Headphones | None = None
    breaks: Annotated[int, Field(ge=1)] | None = None  # a break is offered after so many trials
    debriefing: Annotated[str, Field(max_length=20_000)] = ""  # on the last page
    exclusion: Exclusion = Exclusion()
    prolific: Prolific | None = None
    sona: Sona | None = None
    parameters: list[Parameter] = Field(default_factory=list, max_length=20)  # others of the page's address to keep

    @field_validator("parameters")
    @classmethod
    def _of_others(cls, names: list[str]) -> list[str]:
        ours = sorted(RESERVED.intersection(names))
        if ours:
            raise ValueError(f"{ours[0]!r} is a column of participants.csv in any case")
        return names

    @model_validator(mode="after")
    def _one_portal(self) -> Procedure:
        if self.prolific is not None and self.sona is not None:
            raise ValueError("prolific and sona: expected one of the two, because the last page leads to one place")
        return self

    @property
    def kept_parameters(self) -> list[str]:
        """Names in the page's address whose values are kept with a participant."""
        return list(dict.fromkeys([*PROLIFIC, *self.parameters]))
