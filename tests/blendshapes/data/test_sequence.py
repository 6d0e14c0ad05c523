"""Splits, and the people whom two data sets share."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.data import DataSet, Label, Sequence, joint_split, open_dataset
from emosplat.blendshapes.data.florence4d import VOCASET_SPEAKERS, part_of, person_of
from emosplat.blendshapes.data.mead import PARTS as MEAD_PARTS
from emosplat.blendshapes.data.sequence import constant, hashed_part
from emosplat.blendshapes.data.vocaset import PARTS, SUBJECTS, standard_part
from emosplat.core.errors import InputError

from . import miniatures as mini

FACE = constant(np.zeros((1, 3), np.float32))


def sequence(person: str, part) -> Sequence:
    return Sequence(person, person, "a", part, None, 30.0, constant(np.ones((2, 1, 3), np.float32)), FACE, None)


def data_set(*sequences: Sequence) -> DataSet:
    return DataSet("synthetic", "point", sequences)


PARTITIONS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["train", "val", "test"]))


@given(PARTITIONS, PARTITIONS)
def test_nobody_straddles_a_joint_split(first, second):
    pair = [data_set(*(sequence(person, part) for person, part in parts.items())) for parts in (first, second)]
    a, b = joint_split(*pair)
    for person in first.keys() | second.keys():
        assert len({s.part for s in (*a, *b) if s.person == person}) == 1
    assert [s.part for s in a] == list(first.values())
    for s in b:
        assert s.part == (first | {})[s.person] if s.person in first else second[s.person]


def test_what_a_split_leaves_out_stays_out():
    _, b = joint_split(data_set(sequence("a", "train")), data_set(sequence("a", "test"), sequence("a", None)))
    assert [s.part for s in b] == ["train", None]


def test_a_shared_person_in_two_parts_is_refused():
    first = data_set(sequence("a", "train"), sequence("a", "test"))
    with pytest.raises(InputError, match="expected a in one part of the split, found test, train"):
        joint_split(first, data_set(sequence("a", "train")))


def test_vocaset_and_florence4d_share_twelve_people_in_the_same_parts():
    assert len(VOCASET_SPEAKERS) == 12
    assert set(VOCASET_SPEAKERS.values()) == set(PARTS)
    assert VOCASET_SPEAKERS["COMA_CH01"] == "FaceTalk_170725_00137_TA"
    assert VOCASET_SPEAKERS["COMA_CH09"] == "FaceTalk_170908_03277_TA"
    for actor, speaker in VOCASET_SPEAKERS.items():
        assert part_of(actor) == PARTS[speaker] == standard_part(speaker, 30)


def test_the_miniatures_never_straddle(tmp_path):
    for name in ("voca", "florence"):
        (tmp_path / name).mkdir()
    mini.write_vocaset(tmp_path / "voca")
    mini.write_florence4d(tmp_path / "florence")
    speech, faces = open_dataset("vocaset", tmp_path / "voca"), open_dataset("florence4d", tmp_path / "florence")
    wrong = replace(faces, sequences=tuple(replace(s, part="test") for s in faces))
    for pair in (joint_split(speech, faces), joint_split(speech, wrong)):
        people = [{s.person for data in pair for s in data.split(part)} for part in ("train", "val", "test")]
        assert not people[0] & people[1]
        assert not people[0] & people[2]
        assert not people[1] & people[2]


def test_standard_splits():
    assert [len(subjects) for subjects in SUBJECTS.values()] == [8, 2, 2]
    assert standard_part("FaceTalk_170809_00138_TA", 20) is None
    assert standard_part("somebody", 1) is None
    assert sorted(set(MEAD_PARTS.values())) == ["test", "train", "val"]
    assert len(MEAD_PARTS) == 47


def test_other_people_are_spread_by_name():
    parts = [part_of(f"FLO_{i}") for i in range(1000)]
    assert 750 < parts.count("train") < 850
    assert 60 < parts.count("val") < 140
    assert hashed_part("florence4d/FLO_3") == part_of("FLO_3") == "test"  # the same everywhere
    assert person_of("FLO_3") == "florence4d/FLO_3"


def test_strength_follows_the_apex():
    curve = np.array([0, 0.25, 1, 0.5, -0.1], np.float32)
    displacements = curve[:, None, None] * np.ones((1, 4, 3), np.float32)
    label = Label("Happy", "happy", level=0.5, held=False)
    np.testing.assert_allclose(label.strength(displacements), [0, 0.125, 0.5, 0.25, 0], atol=1e-6)
    np.testing.assert_allclose(label.strength(0 * displacements), 0)
    assert Label("angry", "angry", level=0.5).strength(displacements).tolist() == [0.5] * 5


def test_frames_must_fit_the_neutral_face():
    broken = replace(sequence("a", "train"), vertices=constant(np.ones((2, 2, 3), np.float32)))
    with pytest.raises(InputError, match=r"a/a: expected frames of \[1, 3\], found \[2, 2, 3\]"):
        broken.displacements()
