"""Data sets as sources of a batch, on generated trees."""

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


def test_recordings_of_a_corpus_become_clips(tmp_path: Path) -> None:
    tree(tmp_path, "AudioWAV/1001_DFA_ANG_HI.wav", "AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/x.wav", ".hidden")
    listing = read_dataset("cremad", str(tmp_path))
    strong, unspecified = listing.clips
    name = "AudioWAV/1001_DFA_ANG_HI.wav"
    extra = {"actor": "1001", "sentence": "DFA"}
    told = {"emotion": "angry", "intensity": 1.0}
    assert strong == Clip("1001_DFA_ANG_HI", str(tmp_path / name), name, settings=told, extra=extra)
    assert unspecified.settings == {"emotion": "angry"}
    assert set(reasons(listing)) == {".hidden", "AudioWAV/x.wav"}


def test_audiofolder_by_folder_names(tmp_path: Path) -> None:
    tree(tmp_path, "train/angry/a.wav", "train/joy/a.wav", "train/dogs/c.flac", "test/b.wav", "d.wav")
    listing = read_dataset("audiofolder", str(tmp_path))
    told = {id: clip.settings.get("emotion") for id, clip in by_id(listing).items()}
    assert told == {"train/angry/a": "angry", "train/joy/a": "happy", "test/b": None, "d": None}
    assert reasons(listing) == {"train/dogs/c.flac": "dogs is no emotion that we know"}


def test_names_of_data_sets_are_spelt_as_people_do_and_nothing_in_a_folder_vanishes(tmp_path: Path) -> None:
    tree(tmp_path / "c", "1001_DFA_ANG_XX.wav")
    assert [clip.id for clip in read_dataset("CREMA-D", str(tmp_path / "c")).clips] == ["1001_DFA_ANG_XX"]
    tree(tmp_path / "f", "angry/a.wav", "angry/a.txt", "Thumbs.db")
    skipped = reasons(read_dataset("AudioFolder", str(tmp_path / "f")))
    assert skipped == dict.fromkeys(("Thumbs.db", "angry/a.txt"), "is no recording by its suffix")


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


@pytest.mark.parametrize("name", ["cremad", "ljspeech"])
def test_a_wrong_folder_is_said(tmp_path: Path, name: str) -> None:
    tree(tmp_path, "holiday/photo.jpg", "song.mp3")
    with pytest.raises(InputError, match="right folder"):
        read_dataset(name, str(tmp_path))
    with pytest.raises(InputError, match="expected a folder"):
        read_dataset(name, str(tmp_path / "missing"))
