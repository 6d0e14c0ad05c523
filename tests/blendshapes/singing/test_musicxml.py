"""MusicXML: a melody written in many ways is one melody; repeats, verses, voices by hand; what is wrong or hostile."""

import io
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.singing import musicxml
from emosplat.blendshapes.singing.melody import LyricNote
from emosplat.blendshapes.singing.musicxml import read_musicxml, read_mxl
from emosplat.blendshapes.singing.notes import Note
from emosplat.blendshapes.singing.score_files import is_score, read_score
from emosplat.core.errors import InputError

STEPS = ["C", "D", "E", "F", "G", "A", "B"]
WHITE = [0, 2, 4, 5, 7, 9, 11]
DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC '
    '"-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)


def pitch(midi: int) -> str:
    octave, degree = midi // 12 - 1, midi % 12
    step = max(i for i, white in enumerate(WHITE) if white <= degree)
    return f"<pitch><step>{STEPS[step]}</step><alter>{degree - WHITE[step]}</alter><octave>{octave}</octave></pitch>"


def note(
    midi: int | None, duration: float, lyric: str = "", *, chord: bool = False, voice: int = 1, tie: str = ""
) -> str:
    """A note or rest; `lyric` as "hel-", "-lo" or "star", verses parted by /."""
    verses = ""
    for number, text in enumerate(lyric.split("/") if lyric else [], start=1):
        kind = {(0, 0): "single", (0, 1): "begin", (1, 1): "middle", (1, 0): "end"}[text[:1] == "-", text[-1:] == "-"]
        said = f"<syllabic>{kind}</syllabic><text>{text.strip('-')}</text>"
        verses += f'<lyric number="{number}">{said}</lyric>' if text else ""
    ties = "".join(f'<tie type="{kind}"/>' for kind in tie.split())
    what = f"{'<chord/>' if chord else ''}{'<rest/>' if midi is None else pitch(midi)}"
    return f"<note>{what}<duration>{duration}</duration>{ties}<voice>{voice}</voice>{verses}</note>"


def score(*measures: str, name: str = "Voice", id: str = "P1", more: Sequence[tuple[str, str, str]] = ()) -> bytes:
    """A partwise score of one part, and of `more` parts of (id, name, measures)."""
    part = "".join(f'<measure number="{i}">{text}</measure>' for i, text in enumerate(measures, start=1))
    parts = [(id, name, part), *more]
    listed = "".join(f'<score-part id="{id}"><part-name>{name}</part-name></score-part>' for id, name, _ in parts)
    body = "".join(f'<part id="{id}">{text}</part>' for id, _, text in parts)
    return f"{DOCTYPE}<score-partwise><part-list>{listed}</part-list>{body}</score-partwise>".encode()


def said(notes: Sequence[LyricNote]) -> str:
    """Syllables as they are sung, _ where one goes on."""
    return " ".join("".join(lyric.text for lyric in note.lyrics) or "_" for note in notes)


@dataclass
class Sung:
    midi: int | None
    length: int  # sixteenth notes
    text: str


MELODIES = st.lists(
    st.builds(
        Sung, st.none() | st.integers(48, 83), st.integers(1, 12), st.sampled_from(["", "la", "hel-", "-lo", "star"])
    ),
    min_size=1,
    max_size=12,
).filter(lambda melody: any(sung.midi for sung in melody))


def expected(melody: Sequence[Sung], tempo: float) -> list[tuple[float, float, float, str]]:
    at, found = 0, []
    for sung in melody:
        if sung.midi is not None:
            second = 60 / tempo / 4
            found.append((at * second, (at + sung.length) * second, float(sung.midi), sung.text.strip("-")))
        at += sung.length
    return found


@given(MELODIES, st.integers(1, 30), st.sampled_from([60.0, 97.5, 140.0]), st.data())
def test_a_melody_however_it_is_written(melody: list[Sung], scale: int, tempo: float, data: st.DataObject) -> None:
    """Divisions, bars, chords, ties and a second voice change nothing."""
    bars: list[str] = [f'<attributes><divisions>{4 * scale}</divisions></attributes><sound tempo="{tempo}"/>']
    length = 0
    for sung in melody:
        ways = ["plain", "chord", "tied", "bar"] if sung.midi is not None and sung.length > 1 else ["plain", "bar"]
        way = data.draw(st.sampled_from(ways))
        if way == "bar":
            bars[-1] += f"<backup><duration>{length * scale}</duration></backup>" if length else ""
            bars[-1] += note(90, length * scale, "no", voice=2) if length else ""
            bars.append("")
            length = 0
        if way == "tied":
            first = data.draw(st.integers(1, sung.length - 1))
            bars[-1] += note(sung.midi, first * scale, sung.text, tie="start")
            bars.append(note(sung.midi, (sung.length - first) * scale, tie="stop"))
            length = sung.length - first
            continue
        bars[-1] += note(sung.midi, sung.length * scale, sung.text)
        bars[-1] += note(40, sung.length * scale, chord=True) if way == "chord" else ""
        length += sung.length
    found = read_musicxml(score(*bars), source="a.musicxml", voice="Voice/1")
    wanted = expected(melody, tempo)
    assert [(n.start, n.end) for n in found] == [pytest.approx(w[:2], abs=1e-6) for w in wanted]
    assert [n.pitch for n in found] == [w[2] for w in wanted]
    assert [said([n]).replace("_", "") for n in found] == [w[3] for w in wanted]


@given(MELODIES)
def test_phones_of_any_melody(tmp_path_factory: pytest.TempPathFactory, melody: list[Sung]) -> None:
    path = tmp_path_factory.getbasetemp() / "melody.musicxml"
    divisions = "<attributes><divisions>4</divisions></attributes>"
    path.write_bytes(score(divisions + "".join(note(s.midi, s.length, s.text) for s in melody)))
    song = read_score(path)
    if not any(s.text for s in melody if s.midi is not None):
        assert song.phones == ()
        return
    assert song.phones[0].start == 0
    assert song.phones[-1].end == pytest.approx(song.notes[-1].end)
    assert all(a.start < a.end == b.start for a, b in pairwise(song.phones))
    for sung in song.notes:
        middle = (sung.start + sung.end) / 2
        assert next(p for p in song.phones if p.start <= middle < p.end).phone != "SIL"


def test_words_over_notes(tmp_path: Path) -> None:
    """Twinkle on two notes, bright over two, a rest, star: at 120, each note a second."""
    path = tmp_path / "a.musicxml"
    notes = [note(60, 2, "Twin-"), note(62, 2, "-kle,"), note(64, 2, "bright"), note(65, 2), note(None, 2)]
    path.write_bytes(score("".join(notes), note(67, 2, "star!")))
    song = read_score(path)
    assert song.notes[:3] == (
        Note(0, 1, 60, "Twin"),
        Note(1, 2, 62, "kle,"),
        Note(2, 3, 64, "bright"),
    )
    found = [(segment.phone, round(segment.end, 3)) for segment in song.phones]
    scale = 0.2 / 0.13  # T W may take a fifth of the first note
    assert found == [
        ("T", round(0.07 * min(1, scale), 3)), ("W", 0.13), ("IH", 0.86), ("NG", 0.93), ("K", 1.0),
        ("AH", 1.81), ("L", 1.87), ("B", 1.94), ("R", 2.0), ("A1", 3.81), ("Y2", 3.93), ("T", 4.0),
        ("SIL", 4.84), ("S", 4.93), ("T", 5.0), ("AA", 5.94), ("R", 6.0),
    ]  # fmt: skip


def test_other_languages(tmp_path: Path) -> None:
    path = tmp_path / "a.musicxml"
    path.write_bytes(score(note(60, 1, "さ"), note(60, 1, "く"), note(60, 1, "ら")))
    phones = [segment.phone for segment in read_score(path).phones]
    assert phones == ["S", "AA", "K", "UW", "D", "AA"]
    path.write_bytes(score(note(60, 1, "sa-"), note(60, 1, "-ku-"), note(60, 1, "-ra"), note(60, 1, "star")))
    assert [s.phone for s in read_score(path, language="ja").phones] == [*phones, "S", "T", "AA", "R"]
    path.write_bytes(score(note(60, 1, "桜")))
    with pytest.raises(InputError, match="measure 1: lyric: expected Japanese in kana or romaji, found '桜'"):
        read_score(path, language="ja")
    with pytest.raises(InputError, match="measure 1: lyric: expected English words, found '桜'"):
        read_score(path)


def test_an_instrument_in_the_part_is_not_sung(tmp_path: Path) -> None:
    """Notes before the first word, and after a rest of more than 2 s; with a short rest a syllable goes on."""
    path = tmp_path / "a.musicxml"
    rests = n("") + n("") + n("la") + note(None, 2) + n("") + note(None, 5) + n("") + n("") + n("lo")
    path.write_bytes(score(rests))
    assert [(sung.start, sung.syllable) for sung in read_score(path).notes] == [(1.0, "la"), (2.5, ""), (6.5, "lo")]
    path.write_bytes(score(rests.replace("<lyric", "<other").replace("</lyric", "</other")))
    song = read_score(path)
    assert (len(song.notes), song.phones) == (7, ())


FORWARD = '<barline location="left"><repeat direction="forward"/></barline>'
BACKWARD = '<barline location="right"><repeat direction="backward"/></barline>'


def ending(numbers: str, text: str, *, back: bool) -> str:
    start = f'<barline location="left"><ending number="{numbers}" type="start"/></barline>'
    stop = f'<ending number="{numbers}" type="{"stop" if back else "discontinue"}"/>'
    return f'{start}{text}<barline location="right">{stop}{BACKWARD[26:-10] if back else ""}</barline>'


def n(text: str) -> str:
    return note(60, 1, text)


def sound(name: str, value: str = "yes") -> str:
    return f'<direction><sound {name}="{value}"/></direction>'


@pytest.mark.parametrize(
    ("measures", "sung"),
    [
        ([n("a"), n("b") + BACKWARD, n("c")], "a b a b c"),
        ([n("a"), FORWARD + n("b") + BACKWARD, n("c")], "a b b c"),
        ([n("a"), FORWARD + n("b") + BACKWARD, n("c") + BACKWARD, n("d")], "a b b c c d"),
        ([FORWARD + n("a"), ending("1", n("b"), back=True), ending("2", n("c"), back=False), n("d")], "a b a c d"),
        ([n("a"), ending("1, 2", n("b"), back=True), ending("3", n("c"), back=False)], "a b a b a c"),
        ([n("a"), ending("1", n("b"), back=True), n("c"), n("d") + BACKWARD], "a b a c d c d"),
        ([n("a"), ending("1", n("b"), back=True), ending("2", n("c"), back=True), n("d")], "a b a c d"),
        ([n("a"), n("b") + sound("dacapo"), n("c")], "a b a b c"),
        ([n("a") + sound("fine"), n("b") + sound("dacapo")], "a b a"),
        ([n("a"), sound("segno", "s") + n("b"), n("c") + sound("dalsegno", "s")], "a b c b c"),
        (
            [
                n("a"),
                sound("segno", "s") + n("b") + sound("tocoda", "c"),
                n("c") + sound("dalsegno", "s"),
                sound("coda", "c") + n("d"),
            ],
            "a b c b d",
        ),
        (
            [FORWARD + n("a"), ending("1", n("b"), back=True), ending("2", n("c") + sound("dacapo"), back=False)],
            "a b a c a c",
        ),
        ([n("a/A/AA") + BACKWARD + sound("dacapo")], "a A AA"),
        ([n("a/A"), n("b") + BACKWARD], "a b A b"),
        ([n("a/A") + n("b/") + BACKWARD], "a b A _"),  # the second verse holds its syllable
        ([n("a/A") + BACKWARD.replace("/></bar", ' times="3"/></bar')], "a A A"),
    ],
)
def test_repeats_and_verses(measures: list[str], sung: str) -> None:
    found = read_musicxml(score(*measures), source="a.musicxml")
    assert said(found) == sung
    assert [note.start for note in found] == pytest.approx([i / 2 for i in range(len(found))])


def test_tempo_of_another_part_and_by_metronome() -> None:
    """A dotted quarter at 40 is a quarter at 60; from the second beat on a half at 60, which is a quarter at 120."""
    first = (
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><beat-unit-dot/><per-minute>40</per-minute>"
        "</metronome></direction-type></direction>"
    )
    later = first.replace("<beat-unit-dot/>", "").replace("quarter", "half").replace("40", "c. 60")
    piano = f'<measure number="1">{first}{note(30, 1)}{later}{note(30, 3)}</measure>'
    data = score("".join(map(n, "abcd")), more=[("P2", "Piano", piano)])
    found = read_musicxml(data, source="a.musicxml")
    assert [note.start for note in found] == pytest.approx([0, 1, 1.5, 2])


def test_a_repeat_has_the_tempo_that_is_written_there() -> None:
    tempo = "<sound tempo='60'/>"
    found = read_musicxml(score(n("a"), FORWARD + n("b"), tempo + n("c") + BACKWARD), source="a.musicxml")
    assert [note.end for note in found] == pytest.approx([0.5, 1.0, 2.0, 2.5, 3.5])


def test_voices_parts_and_transposition() -> None:
    """The first part with words is sung, or the one that is named, or a voice within."""
    alto = note(60, 2, "low") + "<backup><duration>2</duration></backup>" + note(65, 2, "high", voice=2)
    tenor = "<attributes><transpose><chromatic>0</chromatic><octave-change>-1</octave-change></transpose></attributes>"
    data = score(
        note(72, 2),
        name="Flute",
        more=[
            ("P2", "S A", f'<measure number="1">{alto}</measure>'),
            ("P3", "Tenor", f'<measure number="1">{tenor}{note(60, 2, "deep")}</measure>'),
        ],
    )
    heard = {
        voice: [(note.pitch, said([note])) for note in read_musicxml(data, source="a.musicxml", voice=voice)]
        for voice in (None, "p2", "2", "S A/2", "tenor", "Flute")
    }
    assert heard == {
        None: [(60, "low")],
        "p2": [(60, "low")],
        "2": [(65, "high")],
        "S A/2": [(65, "high")],
        "tenor": [(48, "deep")],
        "Flute": [(72, "_")],
    }
    with pytest.raises(InputError, match=r"expected a voice of this score \(Flute, S A, Tenor\), found 'Bass'"):
        read_musicxml(data, source="a.musicxml", voice="Bass")


def test_grace_notes_cues_and_words_that_run_together() -> None:
    grace = note(70, 0, "oh").replace("<note>", "<note><grace/>").replace("<duration>0</duration>", "")
    cue = note(90, 1, "cue").replace("<note>", "<note><cue/>")
    elided = note(60, 1, "de").replace("</text>", "</text><elision>‿</elision><syllabic>begin</syllabic><text>a</text>")
    for tied in ("de a-", "de\u203fa-", "de\u035ca-"):
        assert read_musicxml(score(n(tied)), source="a.musicxml")[0].lyrics == (("de", True), ("a", True))
    found = read_musicxml(score(grace + note(60, 1) + cue + elided + n("-mo")), source="a.musicxml")
    assert [(note.start, note.lyrics[0].text) for note in found] == [(0.0, "oh"), (1.0, "de"), (1.5, "mo")]
    assert [(lyric.text, lyric.begins) for lyric in found[1].lyrics] == [("de", True), ("a", True)]
    assert not found[2].lyrics[0].begins


def test_timewise_and_zipped_are_the_same(tmp_path: Path) -> None:
    data = score(n("one"), n("two"))
    wanted = read_musicxml(data, source="a.musicxml")
    timewise = data.replace(b"score-partwise>", b"score-timewise>")
    body = "".join(f'<measure number="{i}"><part id="P1">{n(t)}</part></measure>' for i, t in enumerate(["one", "two"]))
    timewise = timewise[: timewise.index(b'<part id="P1">')] + body.encode() + b"</score-timewise>"
    assert said(read_musicxml(timewise, source="a.xml")) == said(wanted)
    packed = zipped({"META-INF/container.xml": container("deep/score.xml"), "deep/score.xml": data})
    assert read_mxl(packed, source="a.mxl") == wanted
    utf16 = data.decode().replace("UTF-8", "UTF-16").encode("utf-16")
    assert read_musicxml(utf16, source="a.musicxml") == wanted
    for name, content in (("a.mxl", packed), ("a.xml", utf16), ("a.musicxml", timewise)):
        (tmp_path / name).write_bytes(content)
        assert is_score(tmp_path / name)
        assert len(read_score(tmp_path / name).notes) == 2
    (tmp_path / "a.xml").write_text("<html/>")
    assert not is_score(tmp_path / "a.xml")


def container(path: str) -> bytes:
    return f'<container><rootfiles><rootfile full-path="{path}"/></rootfiles></container>'.encode()


def zipped(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return whole.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "expected XML"),
        (b"<html/>", r"expected a score \(score-partwise or score-timewise\), found 'html'"),
        (b"<score-partwise/>", "expected at least one part"),
        (score(""), "expected notes, found none"),
        (score(note(60, 1).replace(">C<", ">H<")), "measure 1: step: expected one of C, D"),
        (score(n("a"), note(60, 1).replace("<duration>1", "<duration>x")), "measure 2: duration: expected a number"),
        (score("<sound tempo='0'/>" + n("a")), "measure 1: tempo: expected a number in 1..2000, found '0'"),
        (score("<attributes><divisions>0</divisions></attributes>" + n("a")), "measure 1: divisions: expected"),
        (score("<note><duration>1</duration></note>"), "measure 1: note: expected pitch, unpitched or rest"),
        (score(note(60, 100000, "a")), "measure 1: expected at most 60 minutes"),
        (score(note(60, 1, "a" * 101)), "measure 1: lyric: expected words of at most 100 letters"),
        (b"<a>" * 200, "line 1: expected at most"),
        (b'<?xml version="1.0" encoding="x-unknown"?><score-partwise/>', "expected XML"),
        (DOCTYPE.replace('dtd">', "dtd\" [<!ENTITY a 'b'>]>").encode() + b"<a/>", "no entity declarations"),
        (DOCTYPE.replace('dtd">', "dtd\" [<!ENTITY % a SYSTEM 'file:///etc/passwd'>]>").encode(), "no entity decl"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, data: bytes, expected: str) -> None:
    (tmp_path / "a.musicxml").write_bytes(data)
    with pytest.raises(InputError, match=expected) as caught:
        read_score(tmp_path / "a.musicxml")
    assert str(caught.value).startswith(str(tmp_path / "a.musicxml"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"PK", "expected a zip with a MusicXML score"),
        (zipped({"score.xml": score(n("a"))}), "META-INF/container.xml"),
        (zipped({"META-INF/container.xml": b"<container/>"}), "expected a rootfile"),
        (zipped({"META-INF/container.xml": container("../../etc/passwd")}), "expected a zip with a MusicXML score"),
        (zipped({f"{i}": b"" for i in range(1001)}), "at most 1000 files"),
    ],
)
def test_what_is_wrong_with_a_zip_is_said(data: bytes, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        read_mxl(data, source="a.mxl")


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(musicxml, "MOST_BYTES", 1 << 20)
    data = zipped({"META-INF/container.xml": container("a"), "a": b" " * (2 << 20)})
    assert len(data) < 10_000
    with pytest.raises(InputError, match="'a': expected at most 1 MiB, found more"):
        read_mxl(data, source="a.mxl")


PIECES = [
    "<note>", "</note>", "<rest/>", "<chord/>", "<grace/>", "<duration>1</duration>", "<duration>-1</duration>",
    pitch(60), "<tie type='stop'/>", "<tie type='start'/>",
    "<lyric><text>a</text></lyric>", "<measure>", "</measure>", FORWARD, BACKWARD, "<ending number='1' type='start'/>",
    "<backup><duration>9</duration></backup>", "</measure><measure>",
    "<sound dacapo='yes'/>", "<sound fine='yes'/>", "<attributes><divisions>3</divisions></attributes>",
    "<sound tempo='90'/>", n("two-"), n("-three"), note(None, 1), n("か"),
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join) | st.text(max_size=40))
def test_any_score(body: str) -> None:
    with suppress(InputError):
        found = read_musicxml(score(body), source="a.musicxml")
        assert all(a.start < a.end <= b.start for a, b in pairwise(found))


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for read in (read_musicxml, read_mxl):
        with pytest.raises(InputError):
            read(data, source="a")
