"""What a participant's page sends to the server: checked before anything is done with it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

PARTICIPANT = r"^[A-Za-z0-9_-]{1,64}$"
ONE_DAY = 86_400_000  # ms
# of a table of answers; other tools may leave out those of the second line
COLUMNS = ("participant", "list", "trial", "task", "item", "response", "rt_ms", "received")
TIMING = ("rt_onset_ms", "rt_end_ms", "onset_ms", "frames", "dropped_frames", "stalled_ms", "plays")

Participant = Annotated[str, Field(pattern=PARTICIPANT)]
Identity = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]  # a page may send a message again: this stays the same
Number = Annotated[int, Field(ge=0, lt=100_000)]
Milliseconds = Annotated[int, Field(ge=0, le=ONE_DAY)]
Event = Literal["consent", "before", "headphones", "after"]


class Message(BaseModel):
    """Something that a page sends; nothing in it is converted or ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Arrival(Message):
    """A participant begins or comes back; `list` is the one that the page's address asks for."""

    participant: Participant
    list: Number | None = None
    parameters: Annotated[
        dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=200)]], Field(max_length=30)
    ] = {}  # of the page's address


class Sign(Message):
    """A page is still open, or was closed just now."""

    participant: Participant
    left: bool = False


class Answer(Message):
    """The answer to one item of a trial."""

    item: Annotated[str, Field(min_length=1, max_length=100)]
    response: Annotated[str, Field(max_length=70_000)]  # a trace is the longest
    rt_ms: Milliseconds  # since answers were possible
    rt_onset_ms: Milliseconds | None = None  # since the first picture was shown
    rt_end_ms: Annotated[int, Field(ge=-ONE_DAY, le=ONE_DAY)] | None = None  # since the last picture was shown


class Timing(Message):
    """How the videos of a trial were shown the first time; None: the browser does not tell."""

    onset_ms: Milliseconds | None = None  # from the command to play to the first picture, the longest of the videos
    frames: Annotated[int, Field(ge=0, le=10_000_000)] | None = None  # shown
    dropped_frames: Annotated[int, Field(ge=0, le=10_000_000)] | None = None  # of the files, never shown
    stalled_ms: Milliseconds | None = None  # that playing took longer than the videos are
    plays: Annotated[int, Field(ge=0, le=10_000)] | None = None  # how often they were seen to their end


class Submission(Message):
    """All answers to one trial. A page may send it again until it hears that it is safe: `id` stays the same."""

    id: Identity
    participant: Participant
    list: Number
    trial: Number
    answers: Annotated[list[Answer], Field(min_length=1, max_length=100)]
    timing: Timing = Timing()


class NoteAnswer(Message):
    """The answer to one question about a participant."""

    item: Annotated[str, Field(min_length=1, max_length=100)]
    response: Annotated[str, Field(max_length=1000)]


class Note(Message):
    """What a participant said or did around the trials."""

    id: Identity
    participant: Participant
    event: Event
    answers: Annotated[list[NoteAnswer], Field(max_length=200)]
