"""What may be answered: words, traces, and attention checks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.studies.possible import dropped_share, is_label, is_trace, items_of, passes, problem, trace_of

OTHER = {"trial": 3, "type": "identification", "choices": ["happy", "other"], "ask_other": True, "ask_intensity": True}

STEPS = st.lists(
    st.tuples(st.integers(0, 200_000), st.integers(0, 100)), min_size=1, max_size=50, unique_by=lambda s: s[0]
)


@given(STEPS)
def test_traces_come_back_as_they_were(steps: list[tuple[int, int]]) -> None:
    steps = sorted(steps)
    text = " ".join(f"{time}:{value}" for time, value in steps)
    assert trace_of(text) == steps


@given(STEPS, st.data())
def test_what_is_out_of_order_or_range_is_no_trace(steps: list[tuple[int, int]], data: st.DataObject) -> None:
    steps = sorted(steps)
    spoilt = data.draw(st.sampled_from([[*steps, steps[-1]], [*steps, (steps[-1][0] + 1, 101)], []]))
    assert not is_trace(" ".join(f"{time}:{value}" for time, value in spoilt))


@given(st.text(max_size=40))
def test_text_is_no_trace_by_chance(text: str) -> None:
    assert not trace_of(text) or set(text) <= set("0123456789: ")


def test_too_long_a_trace_is_none() -> None:
    assert is_trace(" ".join(f"{100 * k}:5" for k in range(6000)))
    assert not is_trace(" ".join(f"{100 * k}:5" for k in range(6200)))


@given(st.text(max_size=300))
def test_labels_have_one_line_and_something_in_it(text: str) -> None:
    control = any(ord(sign) < 32 or ord(sign) == 127 for sign in text)
    if is_label(text):
        assert text.strip()
        assert not control
        assert len(text) <= 200
    elif text.isalpha() and text.isascii():
        assert len(text) > 200


@pytest.mark.parametrize(
    ("answer", "other", "fits"),
    [("happy", "", True), ("other", "smug", True), ("other", "", False), ("other", "  ", False), ("happy", "x", False)],
)
def test_a_word_of_ones_own_comes_with_other_alone(answer: str, other: str, fits: bool) -> None:
    given_ = {"answer": answer, "other": other, "intensity": "50"}
    assert (problem(OTHER, given_) is None) == fits
    assert list(items_of(OTHER)) == ["answer", "other", "intensity"]


@pytest.mark.parametrize(
    ("response", "expected", "passed"),
    [
        ("left", "left", True),
        ("right", "left", False),
        ("5", "0", True),
        ("6", "0", False),
        (" Violet ", "violet", True),
        ("0:50 100:3", "0", True),
        ("0:0 100:50", "0", False),
        ("0", "left", False),
    ],
)
def test_attention_checks_are_judged(response: str, expected: str, passed: bool) -> None:
    assert passes(response, expected) == passed


def test_dropped_frames_are_a_share_of_those_known() -> None:
    told = [{"frames": 90, "dropped_frames": 10}, {"frames": None, "dropped_frames": None}, {}]
    assert dropped_share(told) == 0.1
    assert dropped_share([{}]) is None
