"""Questions that planning asks about files and names, with the answers: asked again, they tell whether a plan holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Question = str | float | None  # what it is about
Answer = bool | str | None
MOST = 100_000  # answers that are kept


class Answers:
    """Asks each question once. Past `MOST` of them it asks every time, and is no longer `complete`."""

    def __init__(self, askers: Mapping[str, Callable[[Any], Answer]]) -> None:
        self._askers = askers
        self._known: dict[tuple[str, Question], Answer] = {}
        self.complete = True

    def of(self, kind: str, about: Question) -> Answer:
        """What the asker of this kind says."""
        question = kind, about
        if question in self._known:
            return self._known[question]
        answer = self._askers[kind](about)
        if len(self._known) < MOST:
            self._known[question] = answer
        else:
            self.complete = False
        return answer

    def told(self) -> list[tuple[str, Question, Answer]]:
        """All questions and answers, for `hold`."""
        return [(kind, about, answer) for (kind, about), answer in self._known.items()]

    def hold(self, told: list[tuple[str, Question, Answer]]) -> bool:
        """Whether all answers that were told once are the same today."""
        return all(kind in self._askers and self.of(kind, about) == answer for kind, about, answer in told)
