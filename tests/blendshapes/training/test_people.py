"""Acting learns from whatever measured people, and nothing from what was not measured."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from emosplat.avatars.flame_head import bare_flame_head
from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.motion_files import write_live_link
from emosplat.avatars.pose import Poser
from emosplat.avatars.registration import register
from emosplat.avatars.retarget import with_expressions
from emosplat.blendshapes.acting.space import COORDINATES, INDEX, coordinates
from emosplat.blendshapes.acting.style import STATISTICS
from emosplat.blendshapes.bundle import find_bundle
from emosplat.blendshapes.data import DataSet, Label, Part, Sequence, open_dataset
from emosplat.blendshapes.data.sequence import FLAME_TOPOLOGY
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.solve.solver import Solver
from emosplat.blendshapes.speech.encoder import SpeechEncoder
from emosplat.blendshapes.training import acting_flow
from emosplat.blendshapes.training.acting import ActingConfig, Manners, train_acting
from emosplat.blendshapes.training.acting_network import ActingNet
from emosplat.blendshapes.training.face_reader import FaceReader, believed, made_up
from emosplat.blendshapes.training.people import People, looked_at, parts_of, read_people
from emosplat.core.errors import InputError

from ...avatars.flame_like import flame_like

RATE = 16_000
HEAD = builtin_head()
_HEAD_TURNS = [INDEX[n] for n in ("head_pitch", "head_yaw", "head_roll", "gaze_pitch", "gaze_yaw")]


def buzz(seconds: float, pitch: float = 140.0) -> np.ndarray:
    """Syllables (synthetic)."""
    times = np.arange(round(seconds * RATE)) / RATE
    phase = np.cumsum(pitch * (1 + 0.1 * np.sin(2 * np.pi * 0.8 * times))) / RATE
    voice = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 25))
    return (0.2 * voice * np.clip(np.sin(2 * np.pi * 3.1 * times), 0, 1)).astype(np.float32)


@lru_cache
def flame() -> HeadModel:
    bare = bare_flame_head(flame_like().arrays, "flame-like")
    return with_expressions(bare, HEAD, register(HEAD, bare))


@lru_cache
def encoder() -> SpeechEncoder:
    found = find_bundle(None).encoder()
    assert isinstance(found, SpeechEncoder)
    return found


def recording(
    person: str, name: str, face: FaceMotion | Motion, *, label: Label | None = None, part: Part | None = None,
    sound: float | None = None,
) -> Sequence:  # fmt: skip
    seconds = len(face) / face.fps if sound is None else sound
    return Sequence(
        subject=person, person=f"made up/{person}", name=name, part=part, label=label, fps=face.fps,
        vertices=lambda: np.zeros((len(face), *HEAD.v_template.shape), np.float32), neutral=lambda: HEAD.v_template,
        audio=lambda: buzz(seconds), performed=lambda: face,
    )  # fmt: skip


def data(*sequences: Sequence) -> DataSet:
    return DataSet("faces", HEAD.version, sequences)


def moving(seconds: float, *, seed: int = 0, head: bool = True) -> FaceMotion:
    face = made_up()[: round(25 * seconds)]
    shift = np.roll(face.values, 40 * seed, axis=0)
    face = replace(face, values=shift, lids=np.roll(face.lids, 40 * seed, axis=0))
    return face if head else replace(face, head=np.zeros_like(face.head))


def read(found: DataSet, head: HeadModel = HEAD) -> People:
    return read_people(found, head, encoder(), seed=0)


def test_a_person_is_held_out_with_all_recordings_and_never_tells_their_own_style() -> None:
    names = [f"p{k}" for k in range(12)]
    found = data(*(recording(who, f"t{k}", moving(7, seed=k)) for who in names for k in range(2)))
    people = read(found)
    assert people.persons == 12
    learned, tested = ({p.who for p in part} for part in (people.learned, people.tested))
    assert learned
    assert tested
    assert not learned & tested
    first, second = people.learned[:2]
    assert first.who == second.who
    alone = read(data(recording(names[0], "t0", moving(14))))
    assert len(alone.learned) == 2  # halves; nobody is held out where there is one person only
    assert not alone.tested


@pytest.mark.parametrize(
    ("parts", "learned"),
    [(["train", "train"], True), (["val", None], False), (["test"], False), (["train", "test"], None)],
)
def test_a_split_is_kept_where_it_keeps_people_apart(parts: list[Part | None], learned: bool | None) -> None:
    found = data(*(recording("anna", str(k), moving(1), part=part) for k, part in enumerate(parts)))
    kept = parts_of(found)["made up/anna"]
    assert kept == learned or learned is None
    assert kept == parts_of(found)["made up/anna"]


def test_what_a_phone_did_not_record_counts_nowhere(tmp_path: Path) -> None:
    """Live Link Face writes zeros for a head that it is not told to stream."""
    for k in range(2):
        (tmp_path / "anna").mkdir(exist_ok=True)
        with (tmp_path / f"anna/take{k}.csv").open("w") as stream:
            write_live_link(stream, Solver(HEAD)(moving(8, seed=k, head=False)), HEAD)
        soundfile.write(tmp_path / f"anna/take{k}.wav", buzz(8), RATE)
    found = open_dataset("faces", tmp_path, head=HEAD)
    assert list(looked_at(found, HEAD))[-1].endswith("not gaze_pitch, gaze_yaw, head_pitch, head_yaw, head_roll")
    people = read(found)
    measured = np.any([p.measured.any(axis=0) for p in people.learned], axis=0)
    assert not measured[_HEAD_TURNS].any()
    assert np.delete(measured, _HEAD_TURNS).all()
    first = people.learned[0]
    style = dict(zip(STATISTICS, first.style, strict=True))
    assert np.isnan(style["head_yaw.size"])
    assert np.isfinite(style["brow_left.size"])
    manners = Manners.of(people.learned)
    told = manners(first)
    assert np.isfinite(told).all()
    assert told[STATISTICS.index("head_yaw.size")] == 0
    assert abs(manners.standard(np.ones(len(STATISTICS)))[STATISTICS.index("head_yaw.size")]) < 1e-5


def test_a_check_goes_on_with_the_next_recording() -> None:
    def broken() -> FaceMotion:
        raise InputError("take1.csv: expected frames, found none")

    good = recording("anna", "take2", moving(8))
    lines = list(
        looked_at(
            data(
                replace(good, name="take1", performed=broken),
                replace(good, name="mute", audio=None),
                good,
                recording("ann", "other sound", moving(8), sound=14.0),
            ),
            HEAD,
        )
    )
    assert lines[:-1] == [
        "skipped: ann/other sound: 8.0 s of motion with 14.0 s of sound, not of one take",
        "skipped: anna/take1: take1.csv: expected frames, found none",
        "read anna/take2: 200 frames at 25 frames/s",
    ]
    assert lines[-1].startswith("acting: tells ")
    with pytest.raises(InputError, match=r"sequences that can be read, found none \(anna/t.*1 skipped"):
        list(looked_at(data(replace(good, performed=broken)), HEAD))


def test_the_loss_does_not_see_what_was_not_measured() -> None:
    people = read(data(recording("anna", "t", moving(14, head=False))))
    manners, bank = Manners.of(people.learned), np.zeros((4000, len(COORDINATES)), np.float32)
    net = ActingNet(16)
    torch.nn.init.normal_(net.out.weight)

    def loss(found: People) -> float:
        shown = [(p, manners(p)) for p in found.learned]
        with torch.no_grad():
            batch = acting_flow.batch(shown, bank, np.random.default_rng(1), net.context)
            return float(acting_flow.loss(net, batch))

    def changed(p, columns: list[int]):
        values = p.values.copy()
        values[:, columns] += 1
        return replace(p, values=values)

    untold = replace(people, learned=[changed(p, _HEAD_TURNS) for p in people.learned])
    told = replace(people, learned=[changed(p, [INDEX["brow_left"]]) for p in people.learned])
    assert loss(untold) == loss(people)
    assert loss(told) != loss(people)


def test_emotions_are_told_and_what_cannot_be_used_has_a_reason() -> None:
    people = read(
        data(
            recording("anna", "glad", moving(8), label=Label("Happy", "happy", 0.5)),
            recording("anna", "calm", moving(8, seed=1), label=Label("neutral", "neutral")),
            recording("anna", "ill", moving(8), label=Label("Ill", None)),
            recording("anna", "other sound", moving(8), sound=14.0),
            replace(recording("anna", "mute", moving(8)), audio=None),
            recording("ben", "short", moving(3)),
        )
    )
    assert sorted(reason.split("/", 1)[1] for reason in people.skipped) == [
        "ben: 3.0 s in all, less than 6",
        "ill: Ill is none of our emotions",
        "mute: no sound",
        "other sound: 8.0 s of motion with 14.0 s of sound, not of one take",
    ]
    told = [p.told[:, acting_flow.COLUMNS["emotion"]].max() for p in people.learned]
    assert sorted(told) == [0, 0.5]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (data(), "expected something to learn acting from, found nothing"),
        (data(recording("ben", "short", moving(3))), r"made up/ben: 3.0 s in all, less than 6; 1 skipped"),
        (replace(data(recording("ben", "t", moving(9))), kind="generated"), "expected people who act"),
        (
            DataSet("biwi", "biwi-23370", (replace(recording("F1", "e01", moving(9)), performed=None),)),
            "expected meshes in FLAME's topology, found biwi-23370",
        ),
        (
            DataSet("vocaset", FLAME_TOPOLOGY, (replace(recording("a", "s", moving(9)), performed=None),)),
            "expected a FLAME head",
        ),
    ],
)
def test_data_that_tell_nothing_are_one_error(found: DataSet, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(found)


def test_phones_and_invented_people_train_weights_that_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BANK", 2000), ("WINDOW", 48), ("BATCH", 2), ("REPORT", 1)):
        monkeypatch.setattr(acting_flow, name, value)
    (tmp_path / "phone/anna").mkdir(parents=True)
    (tmp_path / "phone/LICENCE").write_text("CC0 1.0\n")
    with (tmp_path / "phone/anna/take.csv").open("w") as stream:
        write_live_link(stream, Solver(HEAD)(moving(14, head=False)), HEAD)
    soundfile.write(tmp_path / "phone/anna/take.wav", buzz(14), RATE)
    said: list[str] = []
    train_acting(ActingConfig(steps=2), data=[tmp_path / "phone"], out=tmp_path / "out", say=said.append)
    weights = find_bundle(tmp_path / "out").acted()
    assert "people's own motion, faces phone, CC0 1.0" in weights.info["trained_on"]
    assert weights.info["licence"] == "that of the data, see trained_on"
    assert weights.info["untold"] == [COORDINATES[k] for k in sorted(_HEAD_TURNS)]
    assert any("nothing tells" in line for line in said)


@pytest.mark.slow
def test_flame_parameters_and_meshes_tell_what_their_head_can_show() -> None:
    """On a head in FLAME's layout that is not FLAME (synthetic)."""
    face, head = made_up()[:200], flame()
    motion = Solver(head)(face)
    still = Motion.rest(len(motion), head.expressions, motion.fps)
    still.expr[:], still.jaw[:] = motion.expr, motion.jaw
    moved = Poser(head).vertices(still)[:, :5023] - head.v_template[:5023]
    read_meshes: list[str] = []
    meshes = replace(
        recording("anna", "mesh", face), performed=None, vertices=lambda: read_meshes.append("") or moved,
        neutral=lambda: 0 * moved[0],
    )  # fmt: skip
    true = coordinates(face)
    for sequence, lost in ((recording("anna", "fit", motion), set()), (meshes, {COORDINATES[k] for k in _HEAD_TURNS})):
        reading = FaceReader(DataSet("x", FLAME_TOPOLOGY, (sequence,)), head)(sequence)
        untold = {COORDINATES[k] for k in np.flatnonzero(~reading.given.any(axis=0))}
        assert lost <= untold <= lost | {"brow_inner"}
        for k, name in enumerate(COORDINATES):
            if name not in {*untold, "brow_inner"}:
                assert np.corrcoef(reading.values[:, k], true[:, k])[0, 1] > 0.75, name
    read_meshes.clear()
    read_line, learned = looked_at(DataSet("x", FLAME_TOPOLOGY, (meshes,)), head)
    assert read_line == f"read anna/mesh: {len(moved)} frames at 25 frames/s"
    assert learned.startswith("acting: tells jaw")
    assert len(read_meshes) == 1  # large as they are


def test_what_does_not_come_back_is_not_believed() -> None:
    face = made_up()
    assert believed(face).all()
    mute = believed(face.with_columns({"browInnerUp": 0.0, "lidLeft": 0.0, "lidRight": 0.0}))
    assert {COORDINATES[k] for k in np.flatnonzero(~mute)} == {"brow_inner", "lid"}
