"""What trials ask: every answer that the included page would take, and runs that lose none."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emosplat.studies.tools.asked import questions_of, runs, videos_of

from .pages import ASKED, LIST

NAMES = {
    "preference": ["answer"],
    "rating": ["answer"],
    "identification": ["answer", "other", "intensity"],
    "free": ["answer"],
    "mushra": ["slider1", "slider2"],
}


def test_every_answer_is_asked_for() -> None:
    for trial in ASKED:
        assert [question.name for question in questions_of(trial)] == NAMES[trial["type"]]
    kinds = {trial["trial"]: questions_of(trial)[0].kind for trial in ASKED}
    assert [kinds[k] for k in (1, 3, 4, 7, 8)] == ["choice", "choice", "slider", "text", "slider"]
    assert videos_of(LIST[8]) == ["vr.mp4", "va.mp4", "vb.mp4"]


@given(st.lists(st.sampled_from(LIST)))
def test_runs_keep_the_order_and_lose_nothing(pages: list[dict[str, Any]]) -> None:
    found = runs(pages)
    assert [trial for run in found for trial in run] == [trial for trial in pages if trial["type"] != "trace"]
    for run in found:
        assert len({(trial["task"], trial["phase"], str(questions_of(trial))) for trial in run}) == 1
