"""Readers of recordings on names in the true layouts."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emosplat.blendshapes.data import CORPORA
from emosplat.blendshapes.data.recordings import Recording, Unused, sound_and_film
from emosplat.blendshapes.emotion import LABELS


@dataclass(frozen=True)
class Listed:
    """Files that exist as names alone."""

    names: list[str]
    texts: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.texts[name]


@dataclass(frozen=True)
class Read:
    """What a reader finds."""

    clips: dict[str, Recording]  # by id
    unused: dict[str, str]  # reason by name


def read(corpus: str, *names: str, texts: Mapping[str, str] | None = None) -> Read:
    reader = CORPORA[corpus].recordings
    assert reader is not None
    found = list(reader(Listed(sorted(names), texts or {})))
    clips = {f.id: f for f in found if isinstance(f, Recording)}
    unused = {f.file: f.reason for f in found if isinstance(f, Unused)}
    assert len(clips) + len(unused) == len(found)
    return Read(clips, unused)


def told(found: Read) -> dict[str, tuple[str | None, float | None]]:
    return {id: (clip.emotion, clip.intensity) for id, clip in found.clips.items()}


def test_ravdess() -> None:
    found = read(
        "ravdess",
        "Actor_12/03-01-06-01-02-01-12.wav",
        "Actor_12/03-01-05-02-01-02-12.wav",
        "Actor_12/03-01-01-01-01-01-12.wav",
        "Actor_12/03-01-02-01-01-01-12.wav",
        "Actor_12/03-02-03-02-01-01-12.wav",
        "Actor_12/01-01-06-01-02-01-12.mp4",
        "Actor_12/02-01-06-01-02-01-12.mp4",
        "Actor_13/01-01-08-01-02-01-13.mp4",
        "Actor_12/03-01-09-01-02-01-12.wav",
        "readme.wav",
    )
    assert told(found) == {
        "03-01-06-01-02-01-12": ("fearful", 0.5),
        "03-01-05-02-01-02-12": ("angry", 1.0),
        "03-01-01-01-01-01-12": ("neutral", None),
        "03-01-02-01-01-01-12": ("neutral", 0.5),
        "03-02-03-02-01-01-12": ("happy", 1.0),
        "01-01-08-01-02-01-13": ("surprised", 0.5),
    }
    assert found.clips["03-01-06-01-02-01-12"].extra["actor"] == "12"
    assert "without sound" in found.unused["Actor_12/02-01-06-01-02-01-12.mp4"]
    assert "modality 03" in found.unused["Actor_12/01-01-06-01-02-01-12.mp4"]
    assert "no codes" in found.unused["Actor_12/03-01-09-01-02-01-12.wav"]
    assert "MM-CC-EE" in found.unused["readme.wav"]


def test_cremad() -> None:
    names = ["1001_DFA_ANG_XX", "1001_IEO_HAP_LO", "1002_IEO_SAD_MD", "1002_IEO_FEA_HI", "1002_TIE_DIS_XX"]
    sounds, films = [f"AudioWAV/{n}.wav" for n in names], [f"VideoFlash/{n}.flv" for n in names]
    found = read("cremad", *sounds, *films, "AudioWAV/x.wav")
    assert told(found) == {
        "1001_DFA_ANG_XX": ("angry", None),
        "1001_IEO_HAP_LO": ("happy", 0.33),
        "1002_IEO_SAD_MD": ("sad", 0.67),
        "1002_IEO_FEA_HI": ("fearful", 1.0),
        "1002_TIE_DIS_XX": ("disgusted", None),
    }
    assert len(found.unused) == 6
    assert "same clip" in found.unused["VideoFlash/1001_DFA_ANG_XX.flv"]


def test_mead() -> None:
    found = read(
        "mead",
        "M003/audio/angry/level_3/001.m4a",
        "M003/video/front/angry/level_3/001.mp4",
        "M003/video/left_30/angry/level_3/001.mp4",
        "W009/video/front/disgusted/level_1/002.mp4",
        "W009/video/top/disgusted/level_1/002.mp4",
        "W009/audio/neutral/level_1/040.m4a",
        "W009/audio/contempt/2/003.m4a",
        "W009/audio/happy/level_9/003.m4a",
        "W009/audio/bored/level_1/003.m4a",
        "M005_front_surprised_level_2_004.mp4",
        "M005_left_30_surprised_level_2_004.mp4",
        "intro.mp4",
    )
    assert told(found) == {
        "M003_angry_level_3_001": ("angry", 1.0),
        "W009_disgusted_level_1_002": ("disgusted", 0.33),
        "W009_neutral_level_1_040": ("neutral", None),
        "W009_contempt_level_2_003": ("contempt", 0.67),
        "M005_surprised_level_2_004": ("surprised", 0.67),
    }
    assert found.clips["M003_angry_level_3_001"].file.endswith("001.m4a")
    assert len(found.unused) == 7


def test_vocaset() -> None:
    found = read(
        "vocaset",
        "wav/FaceTalk_170728_03272_TA_sentence01.wav",
        "audio/FaceTalk_170904_00128_TA/sentence40.wav",
        "vertices_npy/FaceTalk_170728_03272_TA_sentence01.npy",
        "wav/noise.wav",
    )
    assert set(found.clips) == {"FaceTalk_170728_03272_TA_sentence01", "FaceTalk_170904_00128_TA_sentence40"}
    clip = found.clips["FaceTalk_170904_00128_TA_sentence40"]
    assert clip.extra == {"subject": "FaceTalk_170904_00128_TA", "sentence": "sentence40"}
    assert list(found.unused) == ["wav/noise.wav"]


def test_biwi() -> None:
    found = read("biwi", "wav/F2_e01.wav", "wav/M3_38.wav", "F5/e02.wav", "vertices_npy/F2_e01.npy", "wav/G1_e01.wav")
    assert told(found) == {"F2_e01": (None, None), "M3_38": ("neutral", None), "F5_e02": (None, None)}
    assert list(found.unused) == ["wav/G1_e01.wav"]


def test_hdtf() -> None:
    names = ["RD_Radio1_000.mp4", "WDA_BarackObama_001.mp4", "WRA_X_2.mp4", "WRA_X_2.wav", "uncut.mp4"]
    found = read("hdtf", *names, "RD_video_url.txt")
    assert set(found.clips) == {"RD_Radio1_000", "WDA_BarackObama_001", "WRA_X_2"}
    assert found.clips["WRA_X_2"].file.endswith(".wav")
    assert found.clips["RD_Radio1_000"].extra == {"video": "RD_Radio1", "index": "000"}


def test_ljspeech() -> None:
    names = ["metadata.csv", "wavs/LJ001-0001.wav", "wavs/LJ001-0002.wav", "wavs/new.wav"]
    text = "LJ001-0001|Printing, 1|Printing, one\nLJ001-0002|in being|in being\nLJ001-0003|lost|lost\n"
    found = read("ljspeech", *(f"LJSpeech-1.1/{n}" for n in names), texts={"LJSpeech-1.1/metadata.csv": text})
    assert found.clips["LJ001-0001"].extra == {"text": "Printing, one"}
    assert set(found.unused) == {"LJSpeech-1.1/wavs/new.wav", "wavs/LJ001-0003.wav"}


TAGS = ["", "_25fps", "-16k", "_cropped", "#512x512", "_cropped_25fps", "_16kHz_mono"]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize(("corpus", "stem", "expected"), [
    ("cremad", "1001_DFA_ANG_HI", ("angry", 1.0)),
    ("cremad", "1001-DFA-ANG-HI", ("angry", 1.0)),
    ("cremad", "1001_dfa_ang_hi", ("angry", 1.0)),
    ("ravdess", "03-01-06-01-02-01-12", ("fearful", 0.5)),
    ("ravdess", "03_01_06_01_02_01_12", ("fearful", 0.5)),
    ("mead", "M003#angry#level_3#001", ("angry", 1.0)),
    ("mead", "M003-front-angry-level-3-001", ("angry", 1.0)),
    ("mead", "M003_angry_3_001", ("angry", 1.0)),
    ("mead", "M003_Angry_level3_001", ("angry", 1.0)),
    ("mead", "M003/audio/angry/level_3/001", ("angry", 1.0)),
    ("hdtf", "WDA_x_000", (None, None)),
    ("hdtf", "WDA_x-000", (None, None)),
    ("biwi", "F2_01", ("neutral", None)),
    ("vocaset", "FaceTalk_170728_03272_TA_sentence01", (None, None)),
])  # fmt: skip
def test_names_of_recuts_tell_the_same(
    corpus: str, stem: str, expected: tuple[str | None, float | None], tag: str
) -> None:
    found = read(corpus, f"{stem}{tag}.MP4")
    assert [*told(found).values()] == [expected]


RECORDED = [name for name, corpus in CORPORA.items() if corpus.recordings is not None]
WORDS = [
    "M003",
    "audio",
    "video",
    "front",
    "angry",
    "bored",
    "level_3",
    "level_9",
    "001",
    "1001",
    "DFA",
    "ANG",
    "HI",
    "x",
]
WORDS += [
    "03-01-06-01-02-01-12",
    "01-01-09-01-02-01-12",
    "FaceTalk_170728_03272_TA",
    "sentence01",
    "F2",
    "e01",
    "wavs",
    "é",
]
NAMES = st.builds(
    lambda words, marks, suffix: "".join(f"{word}{mark}" for word, mark in zip(words, marks, strict=False)) + suffix,
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=6),
    st.tuples(*(st.sampled_from("/_-#") for _ in range(5)), st.just("")),
    st.sampled_from([".wav", ".WAV", ".mp4", "_25fps.m4a", ".npy", ".txt", ""]),
)


@pytest.mark.parametrize("corpus", RECORDED)
@example(names={"M003/_25fps.m4a"})
@given(names=st.sets(NAMES, max_size=8))
def test_every_recording_is_a_clip_or_has_a_reason(corpus: str, names: set[str]) -> None:
    reader = CORPORA[corpus].recordings
    assert reader is not None
    files = Listed(sorted(names), {})
    found = list(reader(files))
    assert sorted(f.file for f in found) == [name for name, _ in sound_and_film(files)]
    for clip in found:
        if isinstance(clip, Recording):
            assert clip.emotion in (None, *LABELS)
            assert clip.intensity is None or 0 < clip.intensity <= 1
        else:
            assert clip.reason


TABLES = ["", "a|b|c", "wav|\r\n\n|x", "\ufeff", "1001|said\x85so|said so"]


@given(names=st.sets(st.sampled_from(["a", "wav", "1001", "x"])), table=st.sampled_from(TABLES) | st.text(max_size=60))
def test_any_table_of_texts_is_read(names: set[str], table: str) -> None:
    files = {f"wavs/{name}.wav" for name in names}
    found = read("ljspeech", "metadata.csv", *files, texts={"metadata.csv": table})
    assert files <= {clip.file for clip in found.clips.values()} | set(found.unused)
