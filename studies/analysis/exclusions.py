"""Who is left out, exactly as the design file said before the study ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..design import Study
from ..lists import OTHER
from ..possible import dropped_share, passes
from ..procedure import Exclusion
from .key import Key
from .responses import INTENSITY, Answer

STALLED_MS = 250  # a pause of the video that is noticed


@dataclass(frozen=True)
class Participant:
    """How one participant did."""

    name: str
    failed: int  # attention checks
    checks: int  # attention checks answered
    share: float  # of the main trials answered
    dropped: float | None  # share of their frames that was never shown; None: not known
    stalled: int  # main trials whose video stood still for `STALLED_MS` or more
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
        if answer.shown.phase == "catch" and answer.item not in {INTENSITY, OTHER}:
            passed[answer.shown.trial] = passed.get(answer.shown.trial, True) and passes(
                answer.response, answer.shown.expected
            )
    failed = sum(not ok for ok in passed.values())
    answered = {a.shown.trial for a in given if a.shown.phase == "main"}
    share = len(answered) / max(main[given[0].shown.list], 1)
    watched = {a.shown.trial: a.timing for a in given if a.shown.phase == "main"}
    dropped = dropped_share(watched.values())
    stalled = sum(timing.get("stalled_ms", 0) >= STALLED_MS for timing in watched.values())
    reasons: list[str] = []
    if failed >= rule.failed_catch:
        reasons.append(f"failed {rule.failed_catch} or more attention checks")
    if share < rule.min_share:
        reasons.append(f"answered less than {100 * rule.min_share:.0f} % of the trials")
    if rule.dropped_frames is not None and dropped is not None and dropped >= rule.dropped_frames:
        reasons.append(f"did not see {100 * rule.dropped_frames:g} % or more of the frames")
    return Participant(name, failed, len(passed), share, dropped, stalled, reasons)
