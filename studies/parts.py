"""What all parts of a design file are made of."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Value = TypeVar("Value", bound=Hashable)


class Part(BaseModel):
    """A part of the design; unknown fields are refused, because they are misspelt ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def once(values: list[Value]) -> list[Value]:
    """The values as they are; raises ValueError where one is there twice."""
    twice = [value for place, value in enumerate(values) if value in values[:place]]
    if twice:
        raise ValueError(f"{twice[0]!r} is there twice")
    return values


def _compared_once(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    once([tuple(sorted(pair)) for pair in pairs])
    return pairs


Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,40}$")]
Names = Annotated[list[Name], Field(min_length=1), AfterValidator(once)]
Pairs = Annotated[list[tuple[Name, Name]], Field(min_length=1), AfterValidator(_compared_once)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
# one of several answers; tables put a bar between them
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^|\x00-\x1f\x7f]+$")]
