"""Words to points of emotion space: always a sound point or one line; the grammar by its rules, no stored numbers."""

import tomllib
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emosplat.blendshapes.emotion import (
    ACTIONS,
    ALIASES,
    EMOTION_AXES,
    EMOTIONS,
    EmotionArc,
    EmotionMix,
    canonical_emotion,
)
from emosplat.blendshapes.emotion_text import BUILT_IN, FAINT, Reading, _entries, phrases, read_emotion_text
from emosplat.core.errors import InputError
from emosplat.pipeline.emotion import spelled

DATA = tomllib.loads(BUILT_IN.read_text(encoding="utf-8"))
WORDS = sorted({" ".join(phrase) for _, words in _entries(DATA) for phrase in phrases(words)})
FEELINGS = ("happy", "sad", "angry", "scared", "surprised", "disgusted", "scornful", "nervous", "annoyed")


def shown(text: str, stage: int = 0) -> dict[str, float]:
    """The coordinates of a text that are not 0."""
    row = read_emotion_text(text).points[stage]
    return {axis: value for axis, value in zip(EMOTION_AXES, row.tolist(), strict=True) if value}


def largest(text: str, stage: int = 0) -> str:
    row = read_emotion_text(text).points[stage, : len(EMOTIONS)]
    return EMOTIONS[int(row.argmax())] if row.any() else "none"


def check_sound(reading: Reading) -> None:
    assert len(reading.points) >= 1
    assert np.isfinite(reading.points).all()
    assert (reading.points >= 0).all()
    assert (reading.points <= 1).all()
    assert (reading.points[:, : len(EMOTIONS)].sum(axis=1) <= 1 + 1e-9).all()
    assert reading.points.any(axis=1).all()


said = st.lists(st.sampled_from([*WORDS, ",", "but", "not", "then", "from", "to", "a", "qwrt"]), max_size=12)


@given(st.text(max_size=600) | said.map(" ".join))
@example("not happy, nor")
@example("fading, then growing fading")
@example("-> → then")
def test_any_text_is_a_sound_reading_or_one_line(text: str) -> None:
    try:
        reading = read_emotion_text(text)
    except InputError as error:
        complaint = str(error)
    else:
        check_sound(reading)
        complaint = "".join(reading.notes)
    assert "\n" not in complaint


def test_a_label_with_a_letter_too_many_is_misspelt() -> None:
    assert read_emotion_text("happyy").notes == ["emotion: 'happyy' was read as 'happy'"]
    for text in ("happyy", "angryy"):
        with pytest.raises(InputError, match=f"found '{text}'; did you mean {text[:-1]}"):
            spelled(text)


def test_each_phrase_of_the_lexicon_means_one_thing() -> None:
    count = Counter(phrase for _, words in _entries(DATA) for phrase in phrases(words))
    assert [phrase for phrase, times in count.items() if times > 1] == []


def test_the_lexicon_reaches_every_axis_and_denies_every_emotion() -> None:
    reached = {axis for group in DATA["meaning"] for name in ("point", "alone") for axis in group.get(name, {})}
    assert reached == set(EMOTION_AXES)
    assert DATA["negation"]["opposite"].keys() == set(EMOTIONS)
    for group in DATA["meaning"]:
        for name in ("point", "alone"):
            assert sum(v for axis, v in group.get(name, {}).items() if axis in EMOTIONS) <= 1
        assert group.get("point") or group.get("alone")


@pytest.mark.parametrize("label", EMOTIONS)
def test_labels_mean_in_a_sentence_what_they_mean_alone(label: str) -> None:
    for name in (label, *ALIASES[label]):
        if name.isalpha() and len(name) > 3:  # neither codes nor abbreviations
            assert largest(f"a {name} person") in {canonical_emotion(name), "none"}, name


@pytest.mark.parametrize("feeling", FEELINGS)
def test_degrees_are_in_order(feeling: str) -> None:
    words = ("barely", "a little", "almost", "rather", "", "very", "extremely")
    sums = [sum(shown(f"{word} {feeling} today").values()) for word in words]
    assert all(a <= b for a, b in pairwise(sums))
    assert len(set(sums)) >= 6
    assert shown(f"{feeling}, but only a little") != shown(feeling)
    assert shown(f"{feeling} a little") == shown(f"a little {feeling}")


@pytest.mark.parametrize("feeling", FEELINGS)
@pytest.mark.parametrize("denial", ["not {}", "isn't {} at all", "never very {}", "no longer {}", "without being {}"])
def test_a_denied_feeling_is_not_shown(feeling: str, denial: str) -> None:
    text = denial.format(feeling)
    assert largest(text) != largest(feeling)
    assert largest(f"{text}, but furious" if feeling != "angry" else f"{text}, but sad") in {"angry", "sad"}
    assert largest(f"not only {feeling}") == largest(feeling)


def test_a_denial_ends_with_its_clause_and_goes_on_over_or() -> None:
    assert largest("not angry, sad") == "sad"
    assert largest("not angry but sad") == "sad"
    assert largest("not angry or disgusted") == "neutral"
    assert largest("neither scared nor surprised") == "neutral"
    assert shown("angry without a smile").keys() == {"angry"}
    assert shown("unafraid") == shown("not afraid")
    assert shown("isn’t happy") == shown("isn't happy")
    assert shown("joyless") == shown("without joy")


def test_what_a_face_shows_is_an_action_and_a_feeling_where_none_is_named() -> None:
    assert shown("nervous but smiling")["corner_pull"] > 0
    assert largest("nervous but smiling") == "fearful"
    assert largest("smiling") == "happy"
    assert largest("a bitter smile") == "angry"
    for text, axis in {
        "raised eyebrows": "outer_brow_raise",
        "wide-eyed": "lid_raise",
        "frowning": "brow_lower",
        "lips pressed": "lip_press",
        "a smirk": "corner_pull_left",
        "wrinkled nose": "nose_wrinkle",
        "trembling lip": "chin_raise",
        "corners of the mouth down": "corner_depress",
    }.items():
        assert shown(text)[axis] > 0, text
        assert shown(f"sad, {text}")[axis] > 0, text
    assert {axis for group in DATA["meaning"] for axis in group.get("point", {})} >= ACTIONS.keys()


def test_situations_count_only_where_no_feeling_is_named() -> None:
    assert largest("like she lost someone") == "sad"
    assert largest("glad as if she had lost someone") == "happy"
    assert largest("like she lost her own mother") == "sad"


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("starts calm, ends furious", ["neutral", "angry"]),
        ("calm, then angry", ["neutral", "angry"]),
        ("goes from scared to happy", ["fearful", "happy"]),
        ("surprised at first, then glad, finally sad", ["surprised", "happy", "sad"]),
        ("angry until he cries", ["angry", "sad"]),
        ("disgust -> contempt", ["disgusted", "contempt"]),
        ("anger fading into sadness", ["angry", "sad"]),
    ],
)
def test_words_of_time_part_a_text_into_stages(text: str, stages: list[str]) -> None:
    reading = read_emotion_text(text)
    assert [largest(text, k) for k in range(len(reading.points))] == stages
    arc = reading.emotion
    assert isinstance(arc, EmotionArc)
    track = arc.over(10.0)
    assert (np.diff(track.times) > 0).all()
    np.testing.assert_array_equal(track.at(np.array([0.0, 10.0])), reading.points[[0, -1]])


def test_feelings_grow_and_fade() -> None:
    grown, faded = read_emotion_text("increasingly angry").points, read_emotion_text("anger dying down").points
    np.testing.assert_allclose(grown[0], FAINT * grown[1])
    np.testing.assert_allclose(faded[1], FAINT * faded[0])
    assert isinstance(read_emotion_text("angry").emotion, EmotionMix)


@given(
    st.sampled_from(["happi|ly|ness|er", "angri|ly|er", "nervous|ly|ness", "terrifi|ed", "grinn|ing", "worri|ed|es"])
)
def test_endings_are_taken_off(told: str) -> None:
    stem, *endings = told.split("|")
    base = {"happi": "happy", "angri": "angry", "terrifi": "terrify", "grinn": "grin", "worri": "worry"}.get(stem, stem)
    for ending in endings:
        assert largest(stem + ending) == largest(base)


def test_long_words_may_be_misspelt_and_notes_tell_what_was_taken() -> None:
    reading = read_emotion_text("terribly nervuos about the zyxwv")
    assert largest("terribly nervuos") == "fearful"
    assert reading.mended == (("nervuos", "nervous"),)
    assert reading.unknown == ("zyxwv",)
    assert len(reading.notes) == 2
    assert read_emotion_text("sad about it").notes == []


@pytest.mark.parametrize("text", ["", "   ", "zyxwv qwrt", "the same as ever", "?!", "very", "not", "a" * 501])
def test_what_says_nothing_is_refused_and_named(text: str) -> None:
    with pytest.raises(InputError, match=r"^emotion: expected") as error:
        read_emotion_text(text)
    for word in ("zyxwv", "qwrt"):
        assert (word in text) == (f"{word!r}" in str(error.value))
