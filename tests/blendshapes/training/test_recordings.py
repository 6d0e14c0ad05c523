"""Folders of recordings: what is read, what is left out and counted, and who is kept for testing."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emosplat.blendshapes.speech import features
from emosplat.blendshapes.speech.features import RATE
from emosplat.blendshapes.speech.phones import SILENCE, Segment
from emosplat.blendshapes.speech.transcript import Alignment
from emosplat.blendshapes.training import recordings
from emosplat.blendshapes.training.recordings import PEAK, are_recordings, held_out_speakers, read_recordings
from emosplat.core.errors import InputError

DEMO = Path(features.__file__).parents[2] / "assets" / "demo" / "hello.flac"
SAID = [["SIL", 0, 0.2], ["AA1", 0.2, 0.4], ["M", 0.4, 0.5], ["AA", 0.5, 0.8], ["SIL", 0.8, 1.0]]


def recorded(
    folder: Path, name: str, *, speaker: str | None = "anna", phones: Any = SAID, seconds: float = 1.0
) -> None:
    """Add one recording to a folder that has a licence."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    (folder / "LICENCE").write_text("CC0 1.0\nand so on\n")
    wave = 0.1 * np.random.default_rng(len(name)).standard_normal((round(22_050 * seconds), 2))
    soundfile.write(folder / "audio" / f"{name}.flac", wave, 22_050)
    for file, row in (
        ("manifest.jsonl", {"id": name, "file": f"audio/{name}.flac", "text": "ama", "speaker": speaker}),
        ("phones.jsonl", {"id": name, "phones": phones}),
    ):
        with (folder / file).open("a") as lines:
            lines.write(json.dumps(row) + "\n")


def test_recordings_become_utterances(tmp_path: Path) -> None:
    recorded(tmp_path, "a")
    recorded(tmp_path, "b", speaker=None, phones=[["_", 0, 0.2], ["aː", 0.2, 0.5], ["ʃ", 0.5, 1.0]])
    assert are_recordings(tmp_path)
    found = read_recordings(tmp_path)
    assert (found.name, found.licence, found.refused, found.held_out) == (tmp_path.name, "CC0 1.0", {}, [])
    assert found.hours == pytest.approx(2 / 3600, rel=1e-3)
    english, foreign = found.train
    assert english.wave.dtype == np.float32
    assert len(english.wave) == pytest.approx(RATE, abs=2)
    assert np.abs(english.wave).max() == pytest.approx(PEAK)
    assert [s.phone for s in english.segments] == [SILENCE, "AA", "M", "AA", SILENCE]
    assert [s.phone for s in foreign.segments] == [SILENCE, "AA", "SH"]


def test_diphthongs_may_tell_when_they_glide_and_songs_hold_vowels(tmp_path: Path) -> None:
    held = [["AY", 0.1, 0.95, 0.8], ["M", 0.95, 1.0]]
    recorded(tmp_path, "a", phones=held)
    recorded(tmp_path, "b", phones=[["a\u026a", 0.1, 0.5, 0.45]])
    rows = (tmp_path / "manifest.jsonl").read_text()
    spoken = read_recordings(tmp_path)
    assert spoken.refused == {"phones that cannot be right": 1}
    assert [(s.phone, s.start, s.end) for s in spoken.train[0].segments] == [("A1", 0.1, 0.45), ("Y2", 0.45, 0.5)]
    (tmp_path / "manifest.jsonl").write_text(rows.replace('"id": "a"', '"sung": true, "id": "a"'))
    sung = read_recordings(tmp_path).train[0].segments
    assert [(s.phone, s.start, s.end) for s in sung] == [("A1", 0.1, 0.8), ("Y2", 0.8, 0.95), ("M", 0.95, 1.0)]


@pytest.mark.parametrize(
    ("phones", "reason"),
    [
        ([], "no phones"),
        ([["SIL", 0, 1]], "no phones"),
        ([["AA", 0, 0.5], ["M", 0.4, 0.6]], "phones out of order"),
        ([["AA", 0, 0.5], ["M", 0.5, 2]], "phones after the end of the sound"),
        ([["AA", 0, 0.9]], "phones that cannot be right"),
        ([["AA", 0.03 * i, 0.03 * (i + 1)] for i in range(9)], "phones that cannot be right"),
    ],
)
def test_phones_that_cannot_be_right_are_left_out_and_counted(tmp_path: Path, phones: Any, reason: str) -> None:
    recorded(tmp_path, "good")
    recorded(tmp_path, "bad", phones=phones)
    found = read_recordings(tmp_path)
    assert len(found.train) == 1
    assert found.refused == {reason: 1}


def test_sounds_that_cannot_be_used_are_left_out_and_counted(tmp_path: Path) -> None:
    recorded(tmp_path, "good")
    recorded(tmp_path, "short", seconds=0.3)
    recorded(tmp_path, "text")
    (tmp_path / "audio" / "text.flac").write_text("no sound")
    recorded(tmp_path, "still")
    soundfile.write(tmp_path / "audio" / "still.flac", np.zeros(RATE), RATE)
    with (tmp_path / "manifest.jsonl").open("a") as lines:
        lines.write('{"id": "gone", "file": "audio/gone.flac"}\n{"id": "out", "file": "../out.flac"}\n')
    found = read_recordings(tmp_path)
    assert len(found.train) == 1
    assert sum(found.refused.values()) == 5
    assert found.refused["a sound that cannot be read"] == 2
    assert found.refused["a file outside the folder"] == 1


def test_nothing_usable_is_an_error_that_says_why(tmp_path: Path) -> None:
    recorded(tmp_path, "bad", phones=[])
    with pytest.raises(InputError, match="expected usable recordings, found 1 with no phones"):
        read_recordings(tmp_path)


def test_a_licence_is_asked_for(tmp_path: Path) -> None:
    recorded(tmp_path, "a")
    (tmp_path / "LICENCE").write_text(" \n")
    with pytest.raises(InputError, match="expected a file LICENCE"):
        read_recordings(tmp_path)
    (tmp_path / "LICENSE.md").write_text("CC BY 4.0, by Anna\n")
    assert read_recordings(tmp_path).licence == "CC BY 4.0, by Anna"


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("manifest.jsonl", "{", r"manifest.jsonl:2: expected an object in JSON"),
        ("manifest.jsonl", "[1]", r"manifest.jsonl:2: id: expected a text"),
        ("manifest.jsonl", '{"id": "a"}', r"manifest.jsonl:2: file: expected a text"),
        ("phones.jsonl", '{"id": "a", "phones": {}}', r"phones.jsonl:2: phones: expected a list"),
        (
            "phones.jsonl",
            '{"id": "a", "phones": [["AA", 1]]}',
            r"phones.jsonl: a: phones: expected \[name, start, end\]",
        ),
        ("phones.jsonl", '{"id": "a", "phones": [["AA", 2, 1]]}', r"expected \[name, start, end\]"),
        ("phones.jsonl", '{"id": "a", "phones": [["AY", 0, 1, 2]]}', r"expected \[name, start, end\]"),
        ("phones.jsonl", '{"id": "a", "phones": [["AA", 0, NaN]]}', r"expected \[name, start, end\]"),
    ],
)
def test_lines_that_say_something_else_are_named(tmp_path: Path, file: str, line: str, message: str) -> None:
    recorded(tmp_path, "a")
    with (tmp_path / file).open("a") as lines:
        lines.write(line + "\n")
    with pytest.raises(InputError, match=message):
        read_recordings(tmp_path)


def test_without_phones_the_text_is_aligned(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    (tmp_path / "LICENCE").write_text("CC0 1.0")
    rows = [{"id": "hello", "file": DEMO.name, "text": DEMO.with_suffix(".txt").read_text()}]
    rows.append({"id": "foreign", "file": DEMO.name, "text": "здравствуйте"})
    rows.append({"id": "unspoken", "file": DEMO.name, "text": "nuqneH", "lang": "?"})
    shutil.copy(DEMO, tmp_path)
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_recordings(tmp_path)
    assert len(found.train[0].segments) > 20
    assert found.refused == {
        "text that does not fit the sound": 1,
        "--language: expected a language such as de or pt-br, found '?'": 1,
    }


def test_a_language_is_told_by_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path, "a")
    (tmp_path / "phones.jsonl").unlink()
    row = {"id": "b", "file": "audio/a.flac", "text": "guten Tag"}
    rows = [row | {"lang": "de"}, row | {"language": "fr"}, row]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked: list[str] = []

    class Listener:
        def __init__(self, language: str) -> None:
            asked.append(language)
            if language == "fr":
                raise InputError("nobody speaks French")

        def align(self, _audio: Any, _text: str) -> Alignment:
            return Alignment([Segment(0.1, 0.2, "AA"), Segment(0.2, 0.3, "M")], {})

    monkeypatch.setattr(recordings, "Aligner", Listener)
    found = read_recordings(tmp_path)
    assert asked == ["de", "fr", "en"]
    assert len(found.train) == 2
    assert found.refused == {"nobody speaks French": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "phones", "file"]), inner),
)


@given(
    JSON
    | st.fixed_dictionaries({"id": st.just("a"), "phones": st.lists(st.tuples(st.text(), st.floats(), st.floats()))})
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_json_is_read_or_refused_with_one_line(tmp_path: Path, row: Any) -> None:
    folder = tmp_path / "fresh"
    if not folder.exists():
        recorded(folder, "a")
    (folder / "phones.jsonl").write_text(json.dumps(row) + "\n")
    with contextlib.suppress(InputError):
        read_recordings(folder)


class TestHeldOut:
    def test_nobody_where_only_one_is_known(self) -> None:
        assert held_out_speakers([("anna", 9.0), ("anna", 9.0), (None, 100.0)]) == set()

    @given(st.dictionaries(st.text(min_size=1, max_size=4), st.floats(1, 100), min_size=2, max_size=30))
    def test_some_but_not_most_whatever_the_order(self, people: dict[str, float]) -> None:
        spoken = [(name, seconds) for name, seconds in people.items()]
        kept = held_out_speakers(spoken)
        assert kept == held_out_speakers(spoken[::-1])
        assert kept < set(people)
        held = sum(people[str(name)] for name in kept)
        assert held > 0
        assert len(kept) == 1 or held <= 0.1 * sum(people.values())

    def test_the_unknown_are_trained_on(self) -> None:
        assert None not in held_out_speakers([(None, 1.0), ("a", 50.0), ("b", 50.0)])
