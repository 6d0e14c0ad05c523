"""Deformation fusion from data sets to weights: generated people, and miniatures in the field's formats."""

import csv
import json
import shutil
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.data import DataSet, Part, open_dataset
from emosplat.blendshapes.data.generated import open_generated
from emosplat.blendshapes.emotion import EMOTIONS
from emosplat.blendshapes.evaluation.metrics import lip_gap
from emosplat.blendshapes.solve.displacement_map import DisplacementMap
from emosplat.blendshapes.solve.fusion import FusionModel
from emosplat.blendshapes.speech.phones import Segment
from emosplat.blendshapes.training import ablation, expressions
from emosplat.blendshapes.training.fusion import CHECKPOINT, CURVES, RUN, Corpus, FusionConfig, train_fusion
from emosplat.blendshapes.training.fusion_data import Space
from emosplat.core.errors import InputError

from ..data import miniatures

pytestmark = pytest.mark.slow

PEOPLE: dict[Part, int] = {"train": 2, "val": 1, "test": 1}
SMALL = FusionConfig(
    speech_shapes=6, expression_shapes=8, dimensions=30, frames=400, steps=60, batch=16, report=20, map_size=16
)
SENTENCE = [Segment(0.1, 0.2, "M"), Segment(0.2, 0.4, "AA"), Segment(0.4, 0.5, "P"), Segment(0.5, 0.7, "IY")]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    generate(folder)
    return folder


def generate(folder: Path) -> None:
    """A small corpus with short expressions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expressions, "EXPRESSION_SECONDS", (0.7, 0.9))
        expressions.generate(folder, head_of_tests(), [SENTENCE] * 8, seed=3, people=PEOPLE, spoken=2)


@pytest.fixture(scope="module")
def trained(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(corpus, tmp_path_factory.mktemp("out"))


@lru_cache
def head_of_tests() -> HeadModel:
    return builtin_head()


def domains_of(corpus: Path) -> tuple[DataSet, DataSet]:
    """Speech and a few of the expressions."""
    speech, shown = (open_generated(corpus / name, head_of_tests()) for name in ("speech", "expressions"))
    return speech, replace(shown, sequences=shown.sequences[::7])


@pytest.fixture(scope="module")
def data(corpus: Path) -> Corpus:
    return Corpus.of(SMALL, head_of_tests(), *domains_of(corpus))


def train(corpus: Path, out: Path, config: FusionConfig = SMALL) -> Path:
    head = head_of_tests()
    speech, shown = domains_of(corpus)
    return train_fusion(config, speech=speech, expressions=shown, head=head, out=out, provenance={"data": "test"})


def test_corpus_keeps_people_apart_and_is_the_same_again(corpus: Path, tmp_path: Path) -> None:
    generate(tmp_path)
    for domain in ("speech", "expressions"):
        one, again = (open_generated(folder / domain, head_of_tests()) for folder in (corpus, tmp_path))
        people = {part: {s.person for s in one.split(part)} for part in ("train", "val", "test")}
        assert {part: len(names) for part, names in people.items()} == PEOPLE
        assert len(set.union(*people.values())) == 4
        np.testing.assert_array_equal(one.sequences[0].displacements(), again.sequences[0].displacements())


def test_expressions_rise_from_neutral_and_fall_back_at_three_levels(corpus: Path) -> None:
    data = open_generated(corpus / "expressions", head_of_tests(), own=True)
    assert {s.label.emotion for s in data if s.label} == set(EMOTIONS)
    for s in [s for s in data if s.label and s.label.name == "happy-0"][:3]:
        size = np.linalg.norm(s.displacements(), axis=2).mean(axis=1)
        assert size[0] < 0.02 * size.max()
        assert size[-1] < 0.02 * size.max()
        assert s.label
        assert s.label.strength(s.displacements()).max() == pytest.approx(s.label.level)
    sizes = [np.abs(s.displacements()).max() for s in data if s.label and s.label.name == "angry-1"][:3]
    assert sizes[0] < 0.45 * sizes[2] < 0.8 * sizes[2]


def test_both_domains_leak_a_little_into_each_other(corpus: Path) -> None:
    head = head_of_tests()
    brows, lips = head.regions["brows"], head.lip_pairs
    for domain, amount in (("speech", brows), ("expressions", lips.reshape(-1))):
        pairs = zip(
            *(open_generated(corpus / domain, head, own=own).sequences[5::30] for own in (False, True)), strict=True
        )
        both = [(a.displacements()[:, amount], b.displacements()[:, amount]) for a, b in pairs]
        leak = 1e3 * np.mean([np.linalg.norm(a - b, axis=2).mean() for a, b in both])
        assert 0.02 < leak < 1.5


def test_speech_closes_its_lips_in_the_corpus(corpus: Path) -> None:
    for s in open_generated(corpus / "speech", head_of_tests()):
        gap = lip_gap(s.displacements() + s.neutral(), head_of_tests().lip_pairs)
        rest = lip_gap(s.neutral()[None], head_of_tests().lip_pairs)[0]
        assert gap[15:35].max() > rest + 0.003
        assert gap[int(0.43 * 50)] < rest + 0.0007


def test_weights_load_and_curves_fall(trained: Path) -> None:
    model = FusionModel.load(trained)
    assert model.head == head_of_tests().version
    assert model.bases.shape == (len(model.vertices), 3, 14)
    assert {"happy", "sad", "angry"} <= set(model.labels) <= set(EMOTIONS)
    rows = list(csv.DictReader((trained.parent / RUN / CURVES).open()))
    assert [int(row["step"]) for row in rows] == [20, 40, 60]
    assert float(rows[-1]["speech"]) < float(rows[0]["speech"])


def test_an_interrupted_run_ends_with_the_same_weights(trained: Path, corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(trained.parent, out)
    rewind(out / RUN / CHECKPOINT, corpus, out)
    found, expected = load_file(out / "fusion.safetensors"), load_file(trained)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor)


def rewind(checkpoint: Path, corpus: Path, out: Path) -> None:
    """Stop a fresh run after its second report, then go on."""
    from emosplat.blendshapes.training import fusion

    checkpoint.unlink()
    saved, save = [], fusion._checkpoint

    def stopping(*arguments) -> None:
        save(*arguments)
        saved.append(arguments[-1])
        if len(saved) == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fusion, "_checkpoint", stopping)
        with pytest.raises(KeyboardInterrupt):
            train(corpus, out)
    assert saved == [20, 40]
    train(corpus, out)


def test_a_checkpoint_of_another_configuration_is_refused(trained: Path, corpus: Path) -> None:
    with pytest.raises(InputError, match="another"):
        train(corpus, trained.parent, replace(SMALL, cross=0.3))


def test_a_checkpoint_of_other_data_is_refused(tmp_path: Path) -> None:
    from emosplat.blendshapes.training.fusion import _checkpoint, _resume

    path, (net, optimiser) = tmp_path / CHECKPOINT, torch_net()
    told = {"config": json.dumps(asdict(SMALL)), "data": "theirs"}
    _checkpoint(path, told, net, optimiser, 1)
    assert _resume(path, told, net, optimiser) == 1
    with pytest.raises(InputError, match="expected a checkpoint of these data, found one of others"):
        _resume(path, told | {"data": "mine"}, net, optimiser)


def torch_net() -> Any:
    """A network and its optimiser after a step."""
    import torch

    net = torch.nn.Linear(2, 2)
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.zeros(1, 2)).sum().backward()
    optimiser.step()
    return net, optimiser


def test_exported_encoder_is_the_trained_one(trained: Path, data: Corpus) -> None:
    """The numpy encoder on real displacements equals torch on their coordinates."""
    import torch

    from emosplat.blendshapes.training.fusion import Fusion, _pictures, _resume

    head = head_of_tests()
    model = Fusion(SMALL, _pictures(data.space, DisplacementMap.of(head, SMALL.map_size), len(head.v_template)))
    told = {"config": json.dumps(asdict(SMALL)), "data": ""}
    _resume(trained.parent / RUN / CHECKPOINT, told, model, torch.optim.Adam(model.parameters()))
    moved = (data.val_speech @ data.space.basis.T / 1e3).T
    loaded = FusionModel.load(trained)
    with torch.no_grad():
        expected = model(torch.from_numpy(data.val_speech))[0].numpy()
    np.testing.assert_allclose(loaded.speech_encoder(loaded.pictures(moved)), expected, rtol=0.02, atol=0.01)


def test_coordinates_hold_nearly_all_motion(corpus: Path) -> None:
    head = head_of_tests()
    data = open_generated(corpus / "speech", head)
    space = Space.of(head, (data,), dimensions=60)
    moved = data.sequences[0].displacements()
    back = (space.coordinates(moved) @ space.basis.T).reshape(len(moved), -1, 3) / 1e3
    assert 1e3 * np.linalg.norm(back - moved[:, space.vertices], axis=2).mean() < 0.02


def test_ablation_measures_every_variant(data: Corpus, corpus: Path, tmp_path: Path) -> None:
    head, config = head_of_tests(), replace(SMALL, steps=20)
    truth = ablation.Truth.of(data.space, head, corpus, "test", count=200)
    assert truth.shut.any()
    results, models = ablation.ablate(config, data, truth, head, tmp_path)
    assert [r.variant for r in results] == ["naive sum of offsets", *ablation.VARIANTS]
    assert set(results[0].closure) == set(EMOTIONS[1:])
    table = list(csv.DictReader((tmp_path / "ablation.csv").open()))
    assert float(table[0]["leak_speech"]) > 0
    ablation.draw_columns(models["full"], data.space, head, tmp_path / "columns.png")
    assert (tmp_path / "columns.png").stat().st_size > 10_000


def flame_with_a_face() -> HeadModel:
    """The miniature FLAME head, with a flat face made of its first 4,900 vertices."""
    side = 70
    head = miniatures.flame_head()
    points = head.v_template.copy()
    x, y = np.meshgrid(np.linspace(-0.09, 0.09, side), np.linspace(0.09, -0.11, side))
    points[: side * side] = np.stack([x.ravel(), y.ravel(), np.full(side * side, 0.05)], axis=1)
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    upper = np.stack([corner, corner + side, corner + 1], axis=1)
    lower = np.stack([corner + 1, corner + side, corner + side + 1], axis=1)
    joints = head.joints.copy()
    joints[3], joints[4] = (0.03, 0.03, 0.04), (-0.03, 0.03, 0.04)
    mouth = 46 * side + np.arange(30, 40)
    return replace(
        head,
        v_template=points,
        joints=joints,
        faces=np.concatenate([upper, lower]).astype(np.int32),
        lip_pairs=np.stack([mouth, mouth + side], axis=1).astype(np.int32),
        mouth_corners=np.array([mouth[-1], mouth[0]], np.int32),
        regions={"lips": np.concatenate([mouth, mouth + side]).astype(np.int32)},
    )


@pytest.fixture
def field(tmp_path: Path) -> tuple[Path, Path]:
    speech, shown = tmp_path / "vocaset", tmp_path / "florence4d"
    speech.mkdir()
    shown.mkdir()
    miniatures.write_prepared_vocaset(speech)
    miniatures.write_florence4d(shown)
    return speech, shown


def test_the_same_training_runs_on_vocaset_and_florence4d(field: tuple[Path, Path], tmp_path: Path) -> None:
    speech, shown = open_dataset("vocaset", field[0]), open_dataset("florence4d", field[1])

    def spread(data):
        """Miniatures are too small for a split by person: deal the parts out anew, without shared people."""
        parts = ("train", "val", "test")
        kind = data.kind
        return replace(
            data,
            sequences=tuple(replace(s, part=parts[i % 2], person=f"{kind}/{i}") for i, s in enumerate(data.sequences)),
        )

    out = train_fusion(
        replace(SMALL, steps=20),
        speech=spread(speech),
        expressions=spread(shown),
        head=flame_with_a_face(),
        out=tmp_path,
    )
    model = FusionModel.load(out)
    assert model.head == "synthetic-flame"
    assert set(model.labels) <= set(EMOTIONS)
    assert len(model.labels) > 0


def test_an_empty_part_and_a_wrong_topology_are_refused(corpus: Path, tmp_path: Path) -> None:
    head = head_of_tests()
    data = open_generated(corpus / "speech", head)
    with pytest.raises(InputError, match="part 'val'"):
        train_fusion(SMALL, speech=replace(data, sequences=data.split("train").sequences), expressions=data, head=head,
                     out=tmp_path)  # fmt: skip
    with pytest.raises(InputError, match="5023 vertices"):
        Space.of(flame_with_a_face(), (data,), dimensions=8)


def test_too_few_sentences_and_odd_maps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sentences: expected at least"):
        expressions.generate(tmp_path, head_of_tests(), [SENTENCE], people=PEOPLE)
    with pytest.raises(InputError, match="map_size"):
        FusionConfig(map_size=30)
