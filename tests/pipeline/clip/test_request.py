from pathlib import Path

import pytest

from emosplat.blendshapes.emotion import FromVoice
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.request import parse_direction, parse_size


def direction(**changes: object):
    words: dict[str, object] = {
        "emotion": "angry",
        "intensity": 0.5,
        "emotion_track": None,
        "seed": 3,
        "blink": True,
        "head_motion": "subtle",
    }
    return parse_direction(**(words | changes))  # pyright: ignore[reportArgumentType]


def test_the_emotion_may_be_left_to_the_voice() -> None:
    assert direction(emotion=" Auto ").emotion == FromVoice()


@pytest.mark.parametrize(("text", "size"), [("512x512", (512, 512)), ("802X550", (802, 550)), (" 64×64 ", (64, 64))])
def test_sizes(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "512", "0x512", "-4x4", "512x", "9999x9999", "axb", "8x8"])
def test_impossible_sizes(text: str) -> None:
    with pytest.raises(InputError, match="--size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"intensity": 1.2}, "--intensity"),
        ({"intensity": float("nan")}, "--intensity"),
        ({"head_motion": "wild"}, "--head-motion 'wild': expected one of none, subtle, lively"),
        ({"seed": -1}, "--seed"),
        ({"emotion": "agry"}, "did you mean angry"),
        ({"emotion_track": Path("missing.csv")}, "missing.csv"),
    ],
)
def test_wrong_words_name_the_option(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        direction(**change)
