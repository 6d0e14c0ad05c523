"""UTAU's and OpenUtau's files: notes by ticks and tempo, aliases as what is sung, encodings; what is wrong."""

import json
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emosplat.blendshapes.singing.melody import LONGEST_REST
from emosplat.blendshapes.singing.notes import Note
from emosplat.blendshapes.singing.score_files import is_score, read_score
from emosplat.blendshapes.singing.ust import read_ust, read_ustx
from emosplat.core.errors import InputError


def ust(notes: list[tuple[int, str, int]], *, tempo: float = 120, head: str = "UST Version1.2") -> str:
    """Notes of (ticks, lyric, number)."""
    lines = ["[#VERSION]", head, "[#SETTING]", f"Tempo={tempo}", "Tracks=1"]
    for i, (length, lyric, number) in enumerate(notes):
        lines += [f"[#{i:04}]", f"Length={length}", f"Lyric={lyric}", f"NoteNum={number}", "PreUtterance="]
    return "\r\n".join([*lines, "[#TRACKEND]", ""])


def ustx(notes: list[tuple[int, str, int]], *, tempo: float = 120, second: str = "ne") -> str:
    """A project with the notes in two parts of its first track, and another track. JSON is YAML."""
    parts, at = [], 0
    for half in (notes[: len(notes) // 2], notes[len(notes) // 2 :]):
        rows, start = [], at
        for length, lyric, number in half:
            if lyric != "R":
                rows.append({"position": at - start, "duration": length, "tone": number, "lyric": lyric})
            at += length
        parts.append({"track_no": 0, "position": start, "notes": rows})
    parts.append(
        {"track_no": 1, "position": 0, "notes": [{"position": 0, "duration": 480, "tone": 50, "lyric": second}]}
    )
    project = {
        **{"ustx_version": "0.6", "resolution": 480, "tempos": [{"position": 0, "bpm": tempo}]},
        **{"tracks": [{"track_name": "Lead"}, {"track_name": "Choir"}], "voice_parts": parts},
    }
    return json.dumps(project, ensure_ascii=False)


MORAE = st.sampled_from(["か", "しゃ", "っ", "ん", "a き", "- ta", "n", "え_C4", "ー", "a k", "R"])
SONGS = st.lists(st.tuples(st.integers(30, 2000), MORAE, st.integers(40, 80)), min_size=1, max_size=12).filter(
    lambda notes: any(lyric not in ("R", "a k", "ー") for _, lyric, _ in notes)
)


@given(SONGS, st.sampled_from([("utf-8", "Charset=UTF-8"), ("cp932", "UST Version1.2"), ("utf-8-sig", "")]))
@example([(30, "か", 40), (2000, "R", 40), (2000, "R", 40), (30, "ー", 40), (30, "か", 41)], ("utf-8", "Charset=UTF-8"))
def test_ust_and_ustx_of_a_song(
    tmp_path_factory: pytest.TempPathFactory, notes: list[tuple[int, str, int]], kind: tuple[str, str]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "a.ust").write_bytes(ust(notes, tempo=150, head=kind[1]).encode(kind[0]))
    (folder / "a.ustx").write_text(ustx(notes, tempo=150), encoding="utf-8")
    song = read_score(folder / "a.ust")
    at, wanted, singing = 0, [], False
    for length, lyric, number in notes:
        if lyric not in ("R", "ー", "a k"):
            singing = True
        elif wanted and lyric != "R" and at / 1200 - wanted[-1][1] > LONGEST_REST:
            singing = False  # a note that is held on has nothing to be held on from
        if singing and lyric != "R":
            wanted.append((at / 1200, (at + length) / 1200, number))
        at += length
    assert [(note.start, note.end, note.pitch) for note in song.notes] == [pytest.approx(w) for w in wanted]
    assert song.phones[0].start == 0
    assert song.phones[-1].end == pytest.approx(wanted[-1][1])
    assert all(a.end == b.start for a, b in pairwise(song.phones))
    for note in song.notes:
        middle = (note.start + note.end) / 2
        assert next(p for p in song.phones if p.start <= middle < p.end).phone != "SIL"
    other = read_score(folder / "a.ustx")
    assert [note.syllable for note in other.notes] == [note.syllable for note in song.notes]
    assert [segment.phone for segment in other.phones] == [segment.phone for segment in song.phones]
    assert [segment.end for segment in other.phones] == pytest.approx([segment.end for segment in song.phones])
    assert [n.pitch for n in read_score(folder / "a.ustx", voice="choir").notes] == [50]
    assert [n.pitch for n in read_score(folder / "a.ustx", voice="2").notes] == [50]


def test_hand_computed_with_a_change_of_tempo(tmp_path: Path) -> None:
    text = ust([(480, "さ", 69), (480, "a く_C4", 69), (960, "u ら", 71)])
    text = text.replace("Lyric=u ら", "Lyric=u ら\r\nTempo=60,00")
    (tmp_path / "a.UST").write_bytes(text.encode("cp932"))
    song = read_score(tmp_path / "a.UST")
    assert song.notes == (Note(0, 0.5, 69, "さ"), Note(0.5, 1, 69, "く"), Note(1, 3, 71, "ら"))
    assert [(segment.phone, round(segment.end, 3)) for segment in song.phones] == [
        ("S", 0.09), ("AA", 0.43), ("K", 0.5), ("UW", 0.94), ("D", 1.0), ("AA", 3.0),
    ]  # fmt: skip


def phones(tmp_path: Path, *lyrics: str, kind: str = "ust") -> str:
    path = tmp_path / f"a.{kind}"
    notes = [(480, lyric, 60) for lyric in lyrics]
    path.write_text(ust(notes) if kind == "ust" else ustx(notes), encoding="utf-8")
    return " ".join(segment.phone for segment in read_score(path).phones)


@pytest.mark.parametrize(
    ("lyrics", "sung"),
    [
        (["- ka", "a k", "ki", "i R"], "K AA K IY"),  # CVVC: the consonant comes with the note after
        (["- ka", "a i", "i N", "n a"], "K AA IY N AA"),
        (["ka", "っ", "ta"], "K AA T T AA"),
        (["ka4", "kaC4", "ka_F#3"], "K AA K AA K AA"),
        (["ka", "-", "+~", "ー", "ki"], "K AA K IY"),
        (["n", "pa"], "M P AA"),
        (["ka", "R", "ki", "息", "ku"], "K AA SIL K IY SIL K UW"),
        (["star", "to", "no"], "S T AA R T UW N OW1 OW2"),  # star is no mora: all is English
        (["to", "no"], "T OW1 N OW1"),
        (["the sun"], "DH AH S AH N"),
        (["hello[hh ax l ow]", "+", "+~", "star"], "HH AH L OW1 OW2 S T AA R"),
        (["no", "star"], "N OW1 OW2 S T AA R"),
    ],
)
def test_what_is_sung(tmp_path: Path, lyrics: list[str], sung: str) -> None:
    assert phones(tmp_path, *lyrics) == sung
    if "R" not in lyrics:
        assert phones(tmp_path, *lyrics, kind="ustx") == sung


def test_words_that_yaml_takes_for_something_else(tmp_path: Path) -> None:
    notes = "".join(
        f"  - {{position: {i}, duration: 480, tone: 60, lyric: {text}}}\n"
        for i, text in ((0, "no"), (480, "star"), (960, "yes"), (1440, "2"))
    )
    (tmp_path / "a.ustx").write_text(f"bpm: 120.5\nvoice_parts:\n- notes:\n{notes}")
    song = read_score(tmp_path / "a.ustx")
    assert [note.syllable for note in song.notes] == ["no", "star", "yes", "2"]
    assert song.notes[0].end == pytest.approx(60 / 120.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected notes, found none"),
        (ust([(480, "R", 60)]), "expected notes, found none"),
        (ust([(480, "か", 60)]).replace("=480", "=x"), "line 6: Length: expected a number"),
        (ust([(480, "か", 60)]).replace("=60", "=600"), "line 6: NoteNum: expected a number in 0..127, found '600'"),
        (ust([(480, "か", 60)], tempo=0), "line 3: Tempo: expected a number in 1..2000"),
        (ust([(480, "か", 60)]).replace("Length", "Long"), "line 6: Length: expected a number"),
        (ust([(480, "жар", 60)]), "line 6: lyric: expected English words, found 'жар'"),
        (ust([(999_999_999, "か", 60)]), "line 6: expected at most 60 minutes"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.ust").write_text(text, encoding="utf-8", newline="")
    assert is_score(tmp_path / "a.ust")
    with pytest.raises(InputError, match=said) as caught:
        read_score(tmp_path / "a.ust")
    assert str(caught.value).startswith(str(tmp_path / "a.ust"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected an OpenUtau project"),
        ("a: [}", "line 1: expected YAML"),
        ("voice_parts: 5", "voice_parts: expected a list of mappings, found '5'"),
        ("voice_parts: [{notes: [{position: 0}]}]", "voice_parts: 1: note 1: duration: expected a number"),
        ("voice_parts: [{notes: [{position: 0, duration: 1e5, tone: 60}]}]", "note 1: duration: expected a number"),
        ("a: &a [1]\nvoice_parts: [*a]", "without YAML aliases"),
        ("voice_parts: " + "[" * 100, "40 levels deep, found more"),
        ("voice_parts: []", "expected notes, found none"),
    ],
)
def test_what_is_wrong_with_a_project_is_said(text: str, said: str) -> None:
    with pytest.raises(InputError, match=f"^a.ustx: .*{said}"):
        read_ustx(text.encode(), source="a.ustx")


def test_voices() -> None:
    with pytest.raises(InputError, match="only one"):
        read_ust(ust([(480, "か", 60)]).encode(), source="a.ust", voice="Lead")
    with pytest.raises(InputError, match=r"expected a track of this project \(Lead, Choir\), found 'Bass'"):
        read_ustx(ustx([(480, "か", 60)]).encode(), source="a.ustx", voice="Bass")


def test_other_suffixes_are_no_scores(tmp_path: Path) -> None:
    assert not is_score(tmp_path / "a.mp3")
    assert not is_score(tmp_path / "missing.lab")
    with pytest.raises(InputError, match="expected a score"):
        read_score(tmp_path / "a.mp3")
    with pytest.raises(InputError, match="expected a readable file"):
        read_score(tmp_path / "a.ust")


LINES = st.sampled_from(
    [
        "[#0000]",
        "[#SETTING]",
        "[#TRACKEND]",
        "Length=480",
        "Lyric=か",
        "NoteNum=60",
        "Tempo=1",
        "Length=-1",
        "=",
        "Lyric=a k",
    ]
)


@given(st.lists(LINES, max_size=20).map("\n".join).map(str.encode) | st.binary(max_size=60))
def test_any_ust(data: bytes) -> None:
    for read in (read_ust, read_ustx):
        with suppress(InputError):
            found = read(data, source="a")
            assert all(a.end <= b.start for a, b in pairwise(found))
