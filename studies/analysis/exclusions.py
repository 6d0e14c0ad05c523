"""Who is left out, exactly as the design file said before the study ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..design import Exclusion, Study
from .key import Key
from .responses import ANSWER, INTENSITY, Answer

SLACK = 5.0  # of 100: a slider moved to its end by hand or finger


@dataclass(frozen=True)
class Participant:
    """How one participant did."""

    name: str
    failed: int  # attention checks
    checks: int  # attention checks answered
    share: float  # of the main trials answered
    reasons: Sequence[str]  # for leaving the participant out; none: the participant stays


@dataclass(frozen=True)
class Kept:
    """The answers that count, and everybody who took part."""

    answers: Sequence[Answer]  # to main trials, of participants who stay
    participants: Sequence[Participant]

    @property
    def stayed(self) -> list[Participant]:
        """Who is analysed."""
        return [p for p in self.participants if not p.reasons]

    @property
    def left_out(self) -> list[Participant]:
        """Who is not."""
        return [p for p in self.participants if p.reasons]


def apply_exclusions(answers: Sequence[Answer], study: Study, key: Key) -> Kept:
    """Judge every participant and keep the main answers of those who stay."""
    main: dict[int, int] = {}
    for shown in key.values():
        main[shown.list] = main.get(shown.list, 0) + (shown.phase == "main")
    theirs: dict[str, list[Answer]] = {}
    for answer in answers:
        theirs.setdefault(answer.participant, []).append(answer)
    people = [_judge(name, given, main, study.exclusion) for name, given in sorted(theirs.items())]
    staying = {person.name for person in people if not person.reasons}
    kept = [a for a in answers if a.participant in staying and a.shown.phase == "main"]
    return Kept(kept, people)


def _judge(name: str, given: Sequence[Answer], main: Mapping[int, int], rule: Exclusion) -> Participant:
    passed: dict[int, bool] = {}
    for answer in given:
        if answer.shown.phase == "catch" and answer.item != INTENSITY:
            passed[answer.shown.trial] = passed.get(answer.shown.trial, True) and _passes(answer)
    failed = sum(not ok for ok in passed.values())
    answered = {a.shown.trial for a in given if a.shown.phase == "main"}
    share = len(answered) / max(main[given[0].shown.list], 1)
    reasons: list[str] = []
    if failed >= rule.failed_catch:
        reasons.append(f"failed {rule.failed_catch} or more attention checks")
    if share < rule.min_share:
        reasons.append(f"answered less than {100 * rule.min_share:.0f} % of the trials")
    return Participant(name, failed, len(passed), share, reasons)


def _passes(answer: Answer) -> bool:
    """Whether an attention check was answered as it says; a slider may be a little off."""
    slider = answer.item != ANSWER or answer.shown.expected == "0"
    return answer.number <= SLACK if slider else answer.response == answer.shown.expected
