"""Recordings as aligners keep them: which file belongs to which sound, and what phones it tells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emosplat.blendshapes.speech.transcript_files import Cue
from emosplat.blendshapes.training.aligned_files import PhoneTimes, are_aligned, rows_of_files, segments
from emosplat.blendshapes.training.recordings import are_recordings, read_recordings, rows_of
from emosplat.core.errors import InputError

# As the Montreal Forced Aligner has it with its model english_mfa, and Kaldi for one of ARPABET
SAID = [("", 0.0, 0.2), ("tʲ", 0.2, 0.3), ("aj", 0.3, 0.5), ("ɫ", 0.5, 0.6), ("m", 0.6, 0.7), ("spn", 0.7, 1.0)]
PHONES = ["SIL", "T", "A1", "Y2", "L", "M", "SIL"]
KALDI = [("SIL", 0.0, 0.2), ("T_B", 0.2, 0.3), ("AY1_I", 0.3, 0.5), ("L_I", 0.5, 0.6), ("M_E", 0.6, 0.7)]


def sound(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(16_000), 16_000)


def grid(path: Path, *, long: bool = True, tier: str = "phones") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
    if long:
        body = "xmin = 0\nxmax = 1\ntiers? <exists>\nsize = 2\nitem []:\n"
        for number, (name, labels) in enumerate([("words", [("time", 0.2, 0.7)]), (tier, SAID)], 1):
            body += f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{name}"\n'
            body += f"        xmin = 0\n        xmax = 1\n        intervals: size = {len(labels)}\n"
            for i, (label, start, end) in enumerate(labels, 1):
                body += f"        intervals [{i}]:\n            xmin = {start}\n            xmax = {end}\n"
                body += f'            text = "{label}"\n'
    else:
        rows = "\n".join(f'{start}\n{end}\n"{label}"' for label, start, end in SAID)
        body = f'0\n1\n<exists>\n1\n"IntervalTier"\n"{tier}"\n0\n1\n{len(SAID)}\n{rows}\n'
    path.write_text(head + body, encoding="utf-8")


def corpus(folder: Path, *names: str) -> Path:
    for name in names:
        sound(folder / f"{name}.wav")
    (folder / "LICENCE").write_text("CC0 1.0\n")
    return folder


def test_a_corpus_of_the_montreal_forced_aligner_needs_no_manifest(tmp_path: Path) -> None:
    folder = corpus(tmp_path, "anna/a1", "ben/a1", "carl/c 1")
    (tmp_path / "anna" / "a1.lab").write_text("time\n")
    grid(tmp_path / "phones" / "anna" / "a1.TextGrid")
    grid(tmp_path / "phones" / "ben" / "a1.TextGrid", long=False, tier="ben - phones")
    grid(tmp_path / "carl" / "c 1.TextGrid")
    assert are_recordings(folder)
    assert [(row["id"], row["text"], row["speaker"]) for row in rows_of(folder)] == [
        ("anna/a1", "time", "anna"),
        ("ben/a1", "", "ben"),
        ("carl/c 1", "", "carl"),
    ]
    found = read_recordings(folder)
    said = found.train + found.held_out
    assert (len(found.train), len(found.held_out), found.refused) == (2, 1, {})
    assert [[s.phone for s in u.segments] for u in said] == [PHONES] * 3
    assert said[0].segments[2][:2] == pytest.approx((0.3, 0.41))


def test_a_folder_without_speakers_has_recordings_of_nobody_knows_whom(tmp_path: Path) -> None:
    folder = corpus(tmp_path, "wavs/one", "two")
    for name in ("one", "two"):
        grid(tmp_path / "aligned" / f"{name}.TextGrid")
    found = read_recordings(folder)
    assert (len(found.train), found.held_out) == (2, [])


def test_kaldi_tells_the_phones_of_all_recordings_in_one_file(tmp_path: Path) -> None:
    folder = corpus(tmp_path, "anna/a1", "anna/a2")
    lines = [f"{name} 1 {start} {end - start:.2f} {phone}" for name in ("a1", "a2") for phone, start, end in KALDI]
    (tmp_path / "phones.ctm").write_text(";; made by hand\n" + "\n".join(lines) + "\n")
    (tmp_path / "manifest.jsonl").write_text('{"id": "a1", "file": "anna/a1.wav"}\n{"id": "a2", "file": "anna/a2.wav"}')
    assert [[s.phone for s in u.segments] for u in read_recordings(folder).train] == [PHONES[:-1]] * 2
    (tmp_path / "phones.ctm").write_text("a1 1 zero 0.2 SIL\n")
    with pytest.raises(InputError, match=r"phones\.ctm: expected lines of CTM, found the line 'a1 1 zero"):
        read_recordings(folder)


def test_what_could_belong_to_two_recordings_belongs_to_none(tmp_path: Path) -> None:
    folder = corpus(tmp_path, "anna/a1", "ben/a1", "ben/b1")
    grid(tmp_path / "phones" / "a1.TextGrid")
    grid(tmp_path / "phones" / "b1.TextGrid")
    rows = rows_of_files(folder)
    times = PhoneTimes(folder, rows)
    assert [row["id"] for row in rows if times.of(row)] == ["ben/b1"]
    assert read_recordings(folder).refused == {"no phones": 2}


def test_one_wrong_file_is_left_out_and_counted(tmp_path: Path) -> None:
    folder = corpus(tmp_path, "a1", "a2", "a3", "a4")
    grid(tmp_path / "a1.TextGrid")
    grid(tmp_path / "a2.TextGrid", tier="syllables")
    (tmp_path / "a3.TextGrid").write_text('"IntervalTier" "phones"')
    found = read_recordings(folder)
    assert len(found.train) == 1
    assert found.refused == {"phone times that cannot be read": 2, "no phones": 1}
    assert str(found.refused) == (
        f"2 with phone times that cannot be read (the first: {tmp_path / 'a2.TextGrid'}: expected a tier of phones, "
        "found words, syllables), 1 with no phones (the first: a4.wav)"
    )


def test_a_table_of_phones_without_lines_is_no_want_of_one(tmp_path: Path) -> None:
    (corpus(tmp_path, "a1") / "phones.ctm").write_text("")
    with pytest.raises(InputError, match=r"found 1 with no phones \(the first: a1\.wav\)"):
        read_recordings(tmp_path)


def test_arpabet_in_small_letters_is_no_ipa() -> None:
    kaldi = [Cue(label, i, i + 1) for i, label in enumerate(["sil", "dh_B", "ah_E", "sh_B", "ih1_I", "ng_E"])]
    assert [phone for *_, phone in segments(kaldi, source="")] == ["SIL", "DH", "AH", "SH", "IH", "NG"]
    ipa = [Cue(label, i, i + 1) for i, label in enumerate(["p", "a", "tʃ", "aj", "l", "a"])]
    assert [phone for *_, phone in segments(ipa, source="")] == ["P", "AA", "CH", "A1", "Y2", "L", "AA"]
    ascii_ipa = [Cue(label, i, i + 1) for i, label in enumerate(["k", "a", "s", "a", "s"])]
    assert [phone for *_, phone in segments(ascii_ipa, source="")] == ["K", "AA", "S", "AA", "S"]


def test_a_conversation_is_not_the_first_speakers_silence(tmp_path: Path) -> None:
    folder = corpus(tmp_path, "a1", "a2")
    grid(tmp_path / "a1.TextGrid", tier="anna - phones")
    grid(tmp_path / "a2.TextGrid", tier="anna - phones")
    both = (tmp_path / "a2.TextGrid").read_text(encoding="utf-8").replace('"words"', '"ben - phones"')
    (tmp_path / "a2.TextGrid").write_text(both, encoding="utf-8")
    found = read_recordings(folder)
    assert len(found.train) == 1
    assert f"{tmp_path / 'a2.TextGrid'}: expected the phones of one speaker, found anna, ben" in str(found.refused)


def test_words_are_no_phones() -> None:
    cues = [Cue(word, i, i + 1) for i, word in enumerate(["MY", "OWN", "WORDS"])]
    with pytest.raises(InputError, match="a1: expected phones in ARPABET or IPA, found 'MY OWN WORDS'"):
        segments(cues, source="a1")


def test_other_folders_are_none(tmp_path: Path) -> None:
    assert not are_aligned(tmp_path)
    corpus(tmp_path, "a1")
    assert not are_aligned(tmp_path)
    (tmp_path / "a1.lab").write_text("what is said")
    assert are_aligned(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(), st.text(alphabet='"IntervalTier phones<exists>0123.-\n', max_size=200)))
def test_any_grid_is_read_or_refused(tmp_path: Path, text: str) -> None:
    corpus(tmp_path, "good", "odd")
    grid(tmp_path / "good.TextGrid")
    (tmp_path / "odd.TextGrid").write_text(text, encoding="utf-8", errors="replace")
    found = read_recordings(tmp_path)
    assert len(found.train) + sum(found.refused.values()) == 2
