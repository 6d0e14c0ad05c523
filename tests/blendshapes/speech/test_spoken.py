"""Written English as it is spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.speech.spoken import ONES, TENS, THOUSANDS, cardinal, ordinal, spoken


def value(words: str) -> int:
    """The number that English words mean, by rules of its own."""
    total = group = 0
    for word in words.split():
        if word in ONES:
            group += ONES.index(word)
        elif word in TENS:
            group += 10 * TENS.index(word)
        elif word == "hundred":
            group *= 100
        else:
            total, group = total + group * 1000 ** THOUSANDS.index(word), 0
    return total + group


@given(st.integers(0, 10**15 - 1) | st.integers(0, 3000))
def test_numbers_mean_what_they_were(number: int) -> None:
    assert value(cardinal(number)) == number
    if not 1100 <= number <= 2099:
        assert value(spoken(str(number))) == number
    assert value(spoken(f"{number:,}")) == number


@given(st.integers(0, 10**15 - 1))
def test_places_differ_from_numbers_in_their_last_word(number: int) -> None:
    *before, last = ordinal(number).split()
    *same, counted = cardinal(number).split()
    assert before == same
    assert last in ("first", "second", "third") or last == f"{counted}th" or last[:2] == counted[:2]
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number // 10 % 10 != 1 else "th"
    assert spoken(f"{number}{ending}") == ordinal(number)


@given(dollars=st.integers(0, 10**9), cents=st.integers(0, 99), sign=st.sampled_from("$€"))
def test_money(dollars: int, cents: int, sign: str) -> None:
    expected = []
    if dollars or not cents:
        unit = {"$": "dollar", "€": "euro"}[sign] + ("" if dollars == 1 else "s")
        expected.append(f"{cardinal(dollars)} {unit}")
    if cents:
        expected.append(f"{cardinal(cents)} {'cent' if cents == 1 else 'cents'}")
    for text in (f"{sign}{dollars}.{cents:02}", f"{sign} {dollars:,}.{cents:02}", f"{dollars}.{cents:02} {sign}"):
        assert spoken(text) == " ".join(expected)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Café, naïve Zoë; Straße", "cafe, naive zoe; strasse"),
        ("in 1984, 1906, 1900, 2005 and 2024.", "in nineteen eighty four, nineteen oh six, nineteen hundred, "
         "two thousand five and twenty twenty four."),
        ("the 1980s", "the nineteen eighties"),
        ("12.5% of 3/4", "twelve point five percent of three quarters"),
        ("½ a cup", "one half a cup"),
        ("at 10:30, 10:05 pm and 7:00", "at ten thirty, ten oh five p m and seven o'clock"),
        ("$3 million or £1.5bn", "three million dollars or one point five billion pounds"),
        ("¥500", "five hundred yen"),
        ("-5°", "minus five degrees"),
        ("007", "zero zero seven"),
        ("R&D, 5km", "r and d, five kilometers"),
        ("covid19 mp3", "covid nineteen mp three"),
        ("５ and ٣", "five and three"),
        ("don’t", "don't"),
    ],
)  # fmt: skip
def test_usual_readings(written: str, said: str) -> None:
    assert spoken(written) == said


@given(st.text(max_size=60) | st.text("0123456789.,:/$%€-+ stkmpa&½", max_size=30))
def test_nothing_is_left_to_be_read_out(text: str) -> None:
    said = spoken(text)
    assert not any(sign.isdecimal() for sign in said)
    assert spoken(said) == said
