"""What may be asked for: settings within limits, and nothing that opens a file of the server's machine."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emosplat.core.errors import InputError
from emosplat.pipeline.service.asked import FIELDS, LARGEST, Asked
from emosplat.pipeline.settings import ClipSettings, use_of

NAMES = st.sampled_from([*FIELDS, "weights", "accents", "subtitles", "emotion_track", "track", "out"])
VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["happy:0.5", "512x512", "mp4", "true", "1", "0.5", "person2", "face", "a.npz", "/etc/passwd", "../x"]
    ),
)
FILES = ("her.mp4", "/etc/passwd", "../secret.json", "happy:0.5 + her.mp4:0.5", "track.csv", "auto + a.wav")


@given(st.dictionaries(NAMES, VALUES, max_size=5))
@example({"emotion": "auto:0.5 + a little nervous:0.5", "size": "1024x16", "blink": "false", "style": "usual"})
def test_any_fields_are_settings_or_one_error(fields: dict[str, str]) -> None:
    try:
        asked = Asked.parse(fields)
    except InputError:
        return
    assert set(fields) <= set(FIELDS)
    assert max(asked.settings.size) <= LARGEST
    settings = asked.settings
    for path in (settings.weights, settings.accents, settings.subtitles, settings.emotion_track, settings.transcript):
        assert path is None


FILED = [name for name in ClipSettings.model_fields if use_of(name).file and name != "transcript"]  # text here


@pytest.mark.parametrize("name", [*FILED, "format", "model"])
@pytest.mark.parametrize("value", ["/etc/passwd", "../x.npz", "here.npz", "", "\0", "x" * 3000])
def test_no_file_can_be_named(name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.npz").write_bytes(b"secret")
    with pytest.raises(InputError) as caught:
        Asked.parse({name: value})
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("emotion", FILES)
def test_no_emotion_is_a_file(emotion: str) -> None:
    with pytest.raises(InputError):
        Asked.parse({"emotion": emotion})


def test_a_file_whose_name_is_an_emotion_in_words_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Asked.parse({"emotion": "a little nervous"}).settings.emotion == "a little nervous"
    (tmp_path / "a little nervous").write_bytes(b"")
    with pytest.raises(InputError, match="no file"):
        Asked.parse({"emotion": "a little nervous"})


def test_what_is_asked_is_what_is_done() -> None:
    asked = Asked.parse(
        {"emotion": "happy", "format": "webm", "blink": "0", "size": "64x48", "style": "calm", "fps": "30"}
    )
    assert asked.suffix == ".webm"
    settings = asked.settings
    assert (settings.blink, settings.size, settings.style, settings.fps) == (False, (64, 48), "calm", 30)
    assert Asked.parse({"transcript": "hello"}).transcript == "hello"
    with pytest.raises(InputError, match="size"):
        Asked.parse({"size": "4096x4096"})
