"""Transcripts of other programs, written here and read back; any bytes at all."""

import json
import math
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.speech.transcript import read_lines, read_transcript
from emosplat.blendshapes.speech.transcript_files import READERS, Cue, are_lyrics, as_lyrics, said_within
from emosplat.core.errors import InputError

WORD = st.text("abcdefghijklmnopqrstuvwxyz\u00e9'", min_size=1, max_size=8)
WORDS = st.lists(WORD.filter(lambda word: word not in ("sil", "sp", "spn", "pau", "eps")), min_size=1, max_size=6)


def clock(seconds: float, mark: str) -> str:
    whole = round(1000 * seconds)
    return f"{whole // 3600000:02}:{whole // 60000 % 60:02}:{whole // 1000 % 60:02}{mark}{whole % 1000:03}"


def srt(words: list[str]) -> str:
    cues = [
        f"{i + 1}\n{clock(i, ',')} --> {clock(i + 0.9, ',')}\n<i>{word}</i> [music]\n" for i, word in enumerate(words)
    ]
    return "\n".join(cues)


def vtt(words: list[str]) -> str:
    cues = [
        f"{clock(i, '.')} --> {clock(i + 0.9, '.')} align:start\n<v Anna>{word}</v>\n" for i, word in enumerate(words)
    ]
    return "WEBVTT - a title\n\nNOTE nobody\nsays this\n\n" + "\n".join(cues)


def textgrid(words: list[str], *, short: bool = False) -> str:
    spans = [(i + 0.0, i + 0.9, word) for i, word in enumerate(words)]
    spans = [span for word in spans for span in (word, (word[1], word[0] + 1, ""))]
    tiers = [("phones", [(a, b, "AH0") for a, b, _ in spans]), ("words", spans)]
    end = float(len(words))
    if short:
        lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", f"{end}", "<exists>", "2"]
        for name, rows in tiers:
            lines += ['"IntervalTier"', f'"{name}"', "0", f"{end}", f"{len(rows)}"]
            lines += [line for a, b, word in rows for line in (f"{a}", f"{b}", f'"{word}"')]
        return "\n".join(lines)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0 ", f"xmax = {end} "]
    lines += ["tiers? <exists> ", "size = 2 ", "item []: "]
    for number, (name, rows) in enumerate(tiers, start=1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier" ', f'        name = "{name}" ']
        lines += ["        xmin = 0 ", f"        xmax = {end} ", f"        intervals: size = {len(rows)} "]
        for i, (a, b, word) in enumerate(rows, start=1):
            lines += [f"        intervals [{i}]:", f"            xmin = {a} ", f"            xmax = {b} "]
            lines += [f'            text = "{word}" ']
    return "\n".join(lines)


def htk(words: list[str]) -> str:
    rows = [(round(1e7 * i), round(1e7 * (i + 0.9)), word) for i, word in enumerate(words)]
    return "\n".join(f"{a} {b} {word}" for a, b, word in [*rows, (9 * 10**7, 10**8, "sil")])


def ctm(words: list[str]) -> str:
    return ";; a comment\n" + "\n".join(f"file 1 {i}.00 0.90 {word} 0.98" for i, word in enumerate(words))


def whisper(words: list[str]) -> str:
    segments = [{"id": i, "start": i, "end": i + 0.9, "text": f" {word}"} for i, word in enumerate(words)]
    return json.dumps({"text": " ".join(words), "segments": segments, "language": "en"})


def stm(words: list[str]) -> str:
    return ";; a comment\n" + "\n".join(f"file 1 Anna {i}.00 {i}.90 <o,f> {word}" for i, word in enumerate(words))


def audacity(words: list[str]) -> str:
    return "\n".join(f"{i}.000000\t{i}.900000\t{word}" for i, word in enumerate(words))


def timit(words: list[str]) -> str:
    return "\n".join(f"{16000 * i} {16000 * i + 14400} {word}" for i, word in enumerate(words))


def json3(words: list[str]) -> str:
    events = [{"tStartMs": 1000 * i, "dDurationMs": 900, "segs": [{"utf8": word}]} for i, word in enumerate(words)]
    return json.dumps({"wireMagic": "pb3", "events": [{"tStartMs": 0, "id": 1}, *events]})


KINDS = {
    "said.srt": srt, "said.VTT": vtt, "said.TextGrid": textgrid, "said.textgrid": lambda w: textgrid(w, short=True),
    "said.lab": htk, "said.ctm": ctm, "said.json": whisper,
    "said.stm": stm, "said.txt": audacity, "said.wrd": timit, "said.json3": json3,
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
@given(words=WORDS, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), ending=st.sampled_from(["\n", "\r\n"]))
def test_the_words_come_back_whole_or_in_part(
    tmp_path_factory: pytest.TempPathFactory, name: str, words: list[str], encoding: str, ending: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(KINDS[name](words).replace("\n", ending).encode(encoding))
    assert read_transcript(str(path)).split() == words
    assert read_transcript(str(path), start=1.0).split() == words[1:]
    assert read_transcript(str(path), start=0.0, duration=2.0).split() == words[:2]
    if words[1:]:
        assert read_transcript(str(path), start=1.0, duration=2.0).split() == words[1:3]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.lab", "Plain words as MFA wants them.", "Plain words as MFA wants them."),
        ("a.json", '{"transcription": [{"text": " one"}, {"text": "two"}]}', "one two"),
        ("a.json", '[{"text": "one"}]', "one"),
        ("a.json", '{"text": "one"}', "one"),
        ("a.txt", "1\n00:00 --> nothing", "1\n00:00 --> nothing"),
        ("a.lrc", "[ar:Anna]\n[00:07.00]one <00:07.50>two\n", "one two"),
        ("a.json", '{"channels": [{"alternatives": [{"transcript": "one"}, {"transcript": "won"}]}]}', "one"),
        ("a.json", '[{"alternatives": [{"transcript": "one"}]}, {"alternatives": [{"transcript": "two"}]}]', "one two"),
        ("a.json", '[{"text": null}, {"text": "one"}]', "one"),
        ("a.json", '{"RecognitionStatus": "Success", "DisplayText": "One.", "Offset": 100}', "One."),
        ("a.json", '{"combinedRecognizedPhrases": [{"display": "One."}], "recognizedPhrases": [{"nBest": '
         '[{"display": "Won."}]}]}', "One."),
        ("a.txt", "1 2 buckle my shoe\n3 4 knock at the door", "1 2 buckle my shoe\n3 4 knock at the door"),
        ("a.txt", "0.5\t1.5\tone\nand two", "0.5\t1.5\tone\nand two"),
    ],
)  # fmt: skip
def test_other_forms(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_transcript(str(tmp_path / name), start=5.0) == said


@pytest.mark.parametrize("broken", ["200000OO two", "1 2", "oops"])
def test_a_damaged_line_of_labels_is_not_read_out(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "a.lab"
    path.write_text(f"0 10000000 one\n{broken}\n20000000 30000000 three\n")
    with pytest.raises(InputError, match=rf"a\.lab: .*{broken}"):
        read_transcript(str(path))


ROLLING = """WEBVTT

00:00:00.000 --> 00:00:02.000
hello world

00:00:02.000 --> 00:00:02.010
hello world

00:00:02.010 --> 00:00:04.000
hello world
how <c>are</c> you &amp; yours
"""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("rolling.vtt", ROLLING, "hello world how are you & yours"),
        ("twice.srt", "1\n00:00:00,000 --> 00:00:01,000\nNo.\n\n2\n00:00:01,000 --> 00:00:02,000\nNo.\n", "No. No."),
        ("no_gaps.srt", "1\n00:00:00,000 --> 00:00:01,000\nMy name\n2\n00:00:01,000 --> 00:00:02,000\nis 7\n",
         "My name is 7"),
        ("a.ass", "Format: Layer, Start, End, Text\nDialogue: 0,0:00:01.00,0:00:02.50,{\\i1}One, two\\Nthree\n",
         "One, two three"),
        ("a.sbv", "0:00:00.599,0:00:04.160\none\ntwo\n\n0:00:05.000,0:00:06.000\nthree\n", "one two three"),
        ("a.tsv", "start\tend\ttext\n0\t1000\tone\n1000\t2000\ttwo three\n", "one two three"),
        ("audacity.lab", "0,5\t1,5\tone two\n", "one two"),
        ("htk.lab", "0 10000000 one -35.2 -40.1\n", "one"),
        ("a.ctm", "a 1 * * <ALT_BEGIN>\na 1 0.1 0.2 one\na 1 * * <ALT_END>\n", "one"),
        ("order.srt", "00:00:01,000 --> 00:00:02,000\nyou\n\n00:00:00,000 --> 00:00:01,000\nhello\n", "hello you"),
        ("order.ass", "Dialogue: 0,0:00:09.00,0:00:09.50,,,0,0,0,,b\nDialogue: 0,0:00:01.00,0:00:02.50,,,0,0,0,,a\n",
         "a b"),
        ("some_times.json", '{"segments": [{"text": "one", "start": 5, "end": 6}, {"text": "two"}]}', "one two"),
    ],
)  # fmt: skip
def test_what_is_seen_is_not_always_what_is_said(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_transcript(str(tmp_path / name)) == said


@pytest.mark.parametrize(
    "text", ["<?xml version='1.0'?><a/>", "{\\rtf1 words}", "<!DOCTYPE html>", '<tt xmlns="x"><p>a</p></tt>']
)
def test_markup_is_no_plain_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.eaf").write_text(text)
    with pytest.raises(InputError, match="found markup"):
        read_transcript(str(tmp_path / "a.eaf"))


@given(st.binary(min_size=1, max_size=20))
def test_documents_are_not_read_out(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "a.docx"
    path.write_bytes(b"PK\x03\x04" + data)
    with pytest.raises(InputError, match=r"a\.docx: expected (a transcript|UTF-8 text)"):
        read_transcript(str(path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.srt", "1\nnow --> then\nwords"),
        ("a.TextGrid", '"IntervalTier" "phones" 0 1 1 0 1 "AH"'),
        ("a.TextGrid", '"IntervalTier" "words" 0 1 9 0 1 "AH"'),
        ("a.ctm", "a b c"),
        ("a.ctm", "a 1 0.0 0.5 hello\nb 1 0.0 0.5 you\n"),
        ("a.stm", ";; x\na 1 s 0.0 0.5 hello\nb 1 s 0.0 0.5 you\n"),
        ("a.json", "{}"),
        ("a.json", "[1]"),
        ("a.json", "words"),
        ("a.lrc", ""),
        ("a.lrc", "[ti:Song]\nwords without times"),
    ],
)
def test_what_is_none_is_said_in_one_line(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"{name}: expected a transcript") as error:
        read_transcript(str(tmp_path / name))
    assert "\n" not in str(error.value)


@given(data=st.binary(max_size=300), name=st.sampled_from(sorted(READERS)))
def test_any_bytes_are_a_text_or_one_complaint(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{name}"
    path.write_bytes(data)
    with suppress(InputError):
        assert isinstance(read_transcript(str(path)), str)


@given(name=st.sampled_from(sorted(KINDS)), words=WORDS, at=st.integers(0, 400), cut=st.integers(0, 60))
def test_damaged_files_never_do_more_than_fail(
    tmp_path_factory: pytest.TempPathFactory, name: str, words: list[str], at: int, cut: int
) -> None:
    text = KINDS[name](words)
    path = tmp_path_factory.getbasetemp() / name
    path.write_text(text[:at] + text[at + cut :], encoding="utf-8")
    with suppress(InputError):
        read_transcript(str(path))


def test_lines_of_lyrics_have_their_times():
    text = (
        "[ti:Song]\n[offset:500]\n[00:10.00][00:30.50]again\n[00:20.00]between <00:21.00>two <00:22.5>words\n[00:40]\n"
    )
    found = [(cue.text, cue.start, cue.end) for cue in READERS[".lrc"](text)]
    assert found == [
        ("again", 9.5, 19.5),
        ("between", 19.5, 20.5),
        ("two", 20.5, 22.0),
        ("words", 22.0, 30.0),
        ("again", 30.0, 39.5),
        ("", 39.5, math.inf),
    ]


def test_what_lies_within_a_stretch_is_on_its_clock():
    cues = [Cue("a", 0, 2), Cue("b", 2, 4), Cue(" ", 4, 5), Cue("c", 5, 6), Cue("d", 7), Cue("untimed")]
    found = said_within(cues, start=2, duration=4)
    assert [(cue.text, cue.start, cue.end) for cue in found] == [("b", 0, 2), ("c", 3, 4), ("untimed", 0, math.inf)]


@given(st.lists(st.tuples(WORD, st.integers(0, 5000), st.integers(1, 5000))))
def test_lyrics_written_are_read_again(lines: list[tuple[str, int, int]]) -> None:
    cues, at = [], 0
    for text, pause, length in lines:
        cues.append(Cue(text, (at + pause) / 1000, (at + pause + length) / 1000))
        at += pause + length
    written = as_lyrics(cues)
    read = [cue for cue in read_lines(written) if cue.text]
    assert [cue.text for cue in read] == [cue.text for cue in cues]
    assert [(c.start, c.end) for c in read] == [pytest.approx((c.start, c.end), abs=1e-6) for c in cues]
    assert are_lyrics(written) == bool(cues)


def test_words_that_are_all_said_elsewhere_are_one_error(tmp_path: Path) -> None:
    path = tmp_path / "talk.srt"
    path.write_text("1\n00:01:00,000 --> 00:01:03,000\nmuch too late\n")
    with pytest.raises(InputError, match=r"talk\.srt: expected words from 2 to 8 s, .* found the first at 60 s"):
        read_transcript(str(path), start=2.0, duration=6.0)
    assert read_transcript(str(path)) == "much too late"


def test_a_line_before_a_long_rest_is_said_at_its_beginning(tmp_path: Path) -> None:
    """Lyrics end where the next line begins."""
    path = tmp_path / "song.lrc"
    path.write_text("[00:00.50]hello hello\n[00:30.00]much too late\n")
    assert read_transcript(str(path), duration=6.0) == "hello hello"
    assert read_transcript(str(path), start=20.0, duration=20.0) == "much too late"


def test_a_grid_of_several_speakers_tells_what_all_say(tmp_path: Path) -> None:
    tiers = [("anna - words", "0 1 how 2 3 you"), ("anna - phones", "0 1 HH"), ("ben - words", "1 2 are")]
    text = "".join(
        f'"IntervalTier" "{name}" 0 3 {len(said.split()) // 3} '
        + " ".join(f'"{word}"' if word.isalpha() else word for word in said.split()) + "\n"
        for name, said in tiers
    )  # fmt: skip
    (tmp_path / "a.TextGrid").write_text(text)
    assert read_transcript(str(tmp_path / "a.TextGrid")) == "how are you"
