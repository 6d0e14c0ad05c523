"""What a trial asks, for tools that have questions rather than tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

Page = Mapping[str, Any]  # a trial as it is served
LEFT_OUT = ("trace",)  # kinds of task that need a program of their own: answers while the video plays


@dataclass(frozen=True)
class Question:
    """One answer to give. A slider goes from 0 to 100."""

    name: str  # as in the included page's answers; of a page of sliders "slider1", "slider2" ...
    kind: Literal["choice", "slider", "text"]
    text: str = ""  # besides the trial's own question
    choices: tuple[str, ...] = ()
    ends: tuple[str, str] = ("", "")  # of a slider


def questions_of(page: Page) -> list[Question]:
    """The answers that a trial wants, in order."""
    ends = (str(page.get("low", "")), str(page.get("high", "")))
    if page["type"] == "mushra":
        return [Question(f"slider{k}", "slider", f"Video {k}") for k in range(1, len(page["stimuli"]) + 1)]
    if not page["choices"]:
        kind = "text" if page["type"] == "free" else "slider"
        return [Question("answer", kind, ends=ends)]
    asked = [Question("answer", "choice", choices=tuple(page["choices"]), ends=ends)]
    if page.get("ask_other"):
        asked.append(Question("other", "text", "If it is another one, which?"))
    if page.get("ask_intensity"):
        asked.append(Question("intensity", "slider", "How strong was it?", ends=("very weak", "very strong")))
    return asked


def videos_of(page: Page) -> list[str]:
    """Files to show; a reference that is open to see comes first."""
    return [*([page["reference"]] if page.get("reference") else []), *page["stimuli"]]


def runs(pages: Sequence[Page]) -> list[list[Page]]:
    """Consecutive trials that ask the same of as many videos; without those that such tools cannot ask."""

    def kind(page: Page) -> tuple[object, ...]:
        return page["task"], page["phase"], len(videos_of(page)), tuple(questions_of(page))

    asked = [page for page in pages if page["type"] not in LEFT_OUT]
    return [list(group) for _, group in groupby(asked, key=kind)]
