"""Readers on generated trees in the true layouts and names."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.core.errors import InputError
from emosplat.pipeline.batch.datasets import SPLITS, read_dataset
from emosplat.pipeline.batch.sources import Clip, Listing


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def by_id(listing: Listing) -> dict[str, Clip]:
    clips = {clip.id: clip for clip in listing.clips}
    assert len(clips) == len(listing.clips)
    return clips


def reasons(listing: Listing) -> dict[str, str]:
    return {skip.name: skip.reason for skip in listing.skipped}


def test_ravdess(tmp_path: Path) -> None:
    tree(
        tmp_path,
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
    listing = read_dataset("ravdess", str(tmp_path))
    clips = by_id(listing)
    told = {id: (clip.settings.get("emotion"), clip.settings.get("intensity")) for id, clip in clips.items()}
    assert told == {
        "03-01-06-01-02-01-12": ("fearful", 0.5),
        "03-01-05-02-01-02-12": ("angry", 1.0),
        "03-01-01-01-01-01-12": ("neutral", None),
        "03-01-02-01-01-01-12": ("neutral", 0.5),
        "03-02-03-02-01-01-12": ("happy", 1.0),
        "01-01-08-01-02-01-13": ("surprised", 0.5),
    }
    assert clips["03-01-06-01-02-01-12"].extra["actor"] == "12"
    found = reasons(listing)
    assert "without sound" in found["Actor_12/02-01-06-01-02-01-12.mp4"]
    assert "modality 03" in found["Actor_12/01-01-06-01-02-01-12.mp4"]
    assert "no codes" in found["Actor_12/03-01-09-01-02-01-12.wav"]
    assert "MM-CC-EE" in found["readme.wav"]


def test_cremad(tmp_path: Path) -> None:
    names = ["1001_DFA_ANG_XX", "1001_IEO_HAP_LO", "1002_IEO_SAD_MD", "1002_IEO_FEA_HI", "1002_TIE_DIS_XX"]
    tree(tmp_path, *(f"AudioWAV/{n}.wav" for n in names), *(f"VideoFlash/{n}.flv" for n in names), "AudioWAV/x.wav")
    listing = read_dataset("cremad", str(tmp_path))
    assert {id: (c.settings.get("emotion"), c.settings.get("intensity")) for id, c in by_id(listing).items()} == {
        "1001_DFA_ANG_XX": ("angry", None),
        "1001_IEO_HAP_LO": ("happy", 0.33),
        "1002_IEO_SAD_MD": ("sad", 0.67),
        "1002_IEO_FEA_HI": ("fearful", 1.0),
        "1002_TIE_DIS_XX": ("disgusted", None),
    }
    assert len(listing.skipped) == 6
    assert "same clip" in reasons(listing)["VideoFlash/1001_DFA_ANG_XX.flv"]


def test_mead(tmp_path: Path) -> None:
    tree(
        tmp_path,
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
    listing = read_dataset("mead", str(tmp_path))
    assert {id: (c.settings.get("emotion"), c.settings.get("intensity")) for id, c in by_id(listing).items()} == {
        "M003_angry_level_3_001": ("angry", 1.0),
        "W009_disgusted_level_1_002": ("disgusted", 0.33),
        "W009_neutral_level_1_040": ("neutral", None),
        "W009_contempt_level_2_003": ("contempt", 0.67),
        "M005_surprised_level_2_004": ("surprised", 0.67),
    }
    assert by_id(listing)["M003_angry_level_3_001"].audio.endswith("001.m4a")
    assert len(listing.skipped) == 7


def test_vocaset(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "wav/FaceTalk_170728_03272_TA_sentence01.wav",
        "audio/FaceTalk_170904_00128_TA/sentence40.wav",
        "vertices_npy/FaceTalk_170728_03272_TA_sentence01.npy",
        "wav/noise.wav",
    )
    listing = read_dataset("vocaset", str(tmp_path))
    assert set(by_id(listing)) == {"FaceTalk_170728_03272_TA_sentence01", "FaceTalk_170904_00128_TA_sentence40"}
    assert listing.clips[0].extra == {"subject": "FaceTalk_170904_00128_TA", "sentence": "sentence40"}
    assert list(reasons(listing)) == ["wav/noise.wav"]


def test_biwi(tmp_path: Path) -> None:
    tree(tmp_path, "wav/F2_e01.wav", "wav/M3_38.wav", "F5/e02.wav", "vertices_npy/F2_e01.npy", "wav/G1_e01.wav")
    clips = by_id(read_dataset("biwi", str(tmp_path)))
    assert {id: c.settings.get("emotion") for id, c in clips.items()} == {
        "F2_e01": None,
        "M3_38": "neutral",
        "F5_e02": None,
    }


def test_hdtf(tmp_path: Path) -> None:
    tree(tmp_path, "RD_Radio1_000.mp4", "WDA_BarackObama_001.mp4", "WRA_X_2.mp4", "WRA_X_2.wav", "uncut.mp4")
    tree(tmp_path, "RD_video_url.txt")
    listing = read_dataset("hdtf", str(tmp_path))
    clips = by_id(listing)
    assert set(clips) == {"RD_Radio1_000", "WDA_BarackObama_001", "WRA_X_2"}
    assert clips["WRA_X_2"].audio.endswith(".wav")
    assert clips["RD_Radio1_000"].extra == {"video": "RD_Radio1", "index": "000"}


def test_ljspeech(tmp_path: Path) -> None:
    tree(tmp_path, "LJSpeech-1.1/wavs/LJ001-0001.wav", "LJSpeech-1.1/wavs/LJ001-0002.wav", "LJSpeech-1.1/wavs/new.wav")
    text = "LJ001-0001|Printing, 1|Printing, one\nLJ001-0002|in being|in being\nLJ001-0003|lost|lost\n"
    (tmp_path / "LJSpeech-1.1" / "metadata.csv").write_text(text)
    listing = read_dataset("ljspeech", str(tmp_path))
    assert by_id(listing)["LJ001-0001"].extra == {"text": "Printing, one"}
    assert set(reasons(listing)) == {"LJSpeech-1.1/wavs/new.wav", "wavs/LJ001-0003.wav"}


def test_audiofolder_by_folder_names(tmp_path: Path) -> None:
    tree(tmp_path, "train/angry/a.wav", "train/joy/a.wav", "train/dogs/c.flac", "test/b.wav", "d.wav")
    listing = read_dataset("audiofolder", str(tmp_path))
    told = {id: clip.settings.get("emotion") for id, clip in by_id(listing).items()}
    assert told == {"train/angry/a": "angry", "train/joy/a": "happy", "test/b": None, "d": None}
    assert reasons(listing) == {"train/dogs/c.flac": "dogs is no emotion that we know"}


WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12).filter(lambda word: word not in SPLITS)


@settings(max_examples=30)
@given(
    labels=st.sets(WORDS | st.sampled_from(["ANG", "Pleasant_surprise", "OAF_Fear", "excited", "not_sad"]), min_size=1)
)
def test_no_label_becomes_neutral_unseen(tmp_path_factory: pytest.TempPathFactory, labels: set[str]) -> None:
    """Every labelled recording is rendered with an emotion that its label names, or skipped under its own name."""
    root = tmp_path_factory.mktemp("labels")
    tree(root, "known/angry/a.wav", *(f"{label}/a.wav" for label in labels))
    listing = read_dataset("audiofolder", str(root))
    clips = {Path(clip.id).parent.name: clip.settings.get("emotion") for clip in listing.clips}
    skipped = {Path(skip.name).parent.name: skip.reason for skip in listing.skipped}
    assert labels | {"angry"} == {*clips, *skipped}
    assert all(clips.values())
    assert all(
        emotion != "neutral" or "neu" in label or label in ("calm", "natural") for label, emotion in clips.items()
    )
    assert all(label in reason for label, reason in skipped.items())


TAGS = ["", "_25fps", "-16k", "_cropped", "#512x512", "_cropped_25fps", "_16kHz_mono"]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize(("dataset", "stem", "told"), [
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
    tmp_path: Path, dataset: str, stem: str, told: tuple[str | None, float | None], tag: str
) -> None:
    tree(tmp_path, f"{stem}{tag}.MP4")
    (clip,) = read_dataset(dataset, str(tmp_path)).clips
    assert (clip.settings.get("emotion"), clip.settings.get("intensity")) == told


def test_audiofolder_by_metadata(tmp_path: Path) -> None:
    tree(tmp_path, "train/a.wav", "train/b.wav", "train/c.wav", "train/unlisted.wav")
    lines = ['{"file_name": "a.wav", "label": "sadness"}', '{"file_name": "b.wav"}', '{"file_name": "gone.wav"}']
    lines += ['{"file_name": "c.wav", "label": "bored"}', '{"label": "sad"}']
    (tmp_path / "train" / "metadata.jsonl").write_text("\n".join(lines))
    listing = read_dataset("audiofolder", str(tmp_path))
    assert {id: c.settings.get("emotion") for id, c in by_id(listing).items()} == {"train/a": "sad", "train/b": None}
    line = f"{tmp_path}/train/metadata.jsonl: line 5"
    assert set(reasons(listing)) == {"train/gone.wav", "train/unlisted.wav", "train/c.wav", line}
    assert "bored" in reasons(listing)["train/c.wav"]


@pytest.mark.parametrize("name", ["ravdess", "cremad", "mead", "vocaset", "biwi", "ljspeech"])
def test_a_wrong_folder_is_said(tmp_path: Path, name: str) -> None:
    tree(tmp_path, "holiday/photo.jpg", "song.mp3")
    with pytest.raises(InputError, match="right folder"):
        read_dataset(name, str(tmp_path))
    with pytest.raises(InputError, match="expected a folder"):
        read_dataset(name, str(tmp_path / "missing"))
