"""How the speech weights are made: phones, teacher, synthesis, augmentation, network; everything tiny."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emosplat.blendshapes.speech import phones
from emosplat.blendshapes.speech.encoder import AXES, SpeechEncoder, SpeechNetwork
from emosplat.blendshapes.speech.phones import Segment, from_arpabet, from_ipa
from emosplat.blendshapes.speech.rules import articulate, opening, phone_labels
from emosplat.blendshapes.training import corpus, sentences
from emosplat.blendshapes.training.metrics import Closures, best_lag, closures
from emosplat.core.errors import InputError

pytestmark = pytest.mark.slow

F32 = NDArray[np.float32]
JAW, CLOSE, ROUND, TUCK = (AXES.index(name) for name in ("jaw", "close", "round", "tuck"))
needs_espeak = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
needs_festival = pytest.mark.skipif(
    not Path("/usr/share/festival/voices/english/ked_diphone").exists()
    or not Path("/usr/share/festival/voices/italian/pc_diphone").exists(),
    reason="festival's voices ked and pc are not installed",
)
needs_flite = pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")


def spoken(*names: str, each: float = 0.12) -> list[Segment]:
    """Phones of equal length, with half a second of silence around them."""
    middle = [(0.5 + i * each, 0.5 + (i + 1) * each, name) for i, name in enumerate(names)]
    end = 0.5 + len(names) * each
    return from_arpabet([(0, 0.5, "SIL"), *middle, (end, end + 0.5, "SIL")])


def frame(seconds: float) -> int:
    return round(seconds * 50)


class TestPhones:
    def test_every_phone_has_eight_targets(self) -> None:
        assert phones.PHONES[0] == phones.SILENCE
        assert all(len(target) == len(AXES) for target in phones.TARGETS.values())
        assert all(0 <= value <= 1 for target in phones.TARGETS.values() for value in target)

    def test_arpabet(self) -> None:
        segments = from_arpabet([(0, 1, "pau"), (1, 2, "SIL"), (2, 3, "AY1"), (3, 4, "axr"), (4, 4, "T"), (4, 5, "??")])
        assert [s.phone for s in segments] == ["SIL", "A1", "Y2", "ER", "X"]
        assert segments[0].end == 2

    def test_ipa(self) -> None:
        segments = from_ipa([(0, 1, "ˈtʃ"), (1, 2, "aɪ"), (2, 3, "_:"), (3, 4, "pf"), (4, 5, "iː")])
        assert [s.phone for s in segments] == ["CH", "A1", "Y2", "SIL", "P", "F", "IY"]

    def test_known_symbols_only(self) -> None:
        assert set(phones.IPA.values()) <= set(phones.TARGETS)


class TestTeacher:
    def test_bilabials_close_and_vowels_open(self) -> None:
        axes = articulate(spoken("AA", "M", "AA"), 80)
        curve = opening(axes)
        assert axes[:, CLOSE].max() == pytest.approx(1)
        assert curve[frame(0.68)] < 0.02
        assert curve[frame(0.56)] > 0.5

    def test_labiodentals_tuck_and_only_these(self) -> None:
        assert articulate(spoken("AA", "F", "AA"), 80)[:, TUCK].max() == pytest.approx(1)
        assert articulate(spoken("AA", "T", "AA"), 80)[:, [TUCK, CLOSE]].max() == 0

    def test_the_jaw_is_lowest_in_the_middle_of_the_vowel(self) -> None:
        jaw = articulate(spoken("T", "AA", "T", each=0.2), 80)[:, JAW]
        assert jaw.argmax() / 50 == pytest.approx(0.8, abs=0.04)

    def test_rounding_starts_before_the_vowel(self) -> None:
        axes = articulate(spoken("AA", "T", "UW"), 80)
        other = articulate(spoken("AA", "T", "IY"), 80)
        assert axes[frame(0.72), ROUND] > other[frame(0.72), ROUND] + 0.15

    def test_silence_is_closed_and_still(self) -> None:
        axes = articulate(spoken("AA", each=0.3), 65)
        assert axes[:5].max() < 0.02
        assert np.all(articulate([], 10) == 0)

    def test_the_mouth_opens_before_it_speaks(self) -> None:
        curve = opening(articulate(spoken("S", "AA"), 80))
        assert curve[frame(0.4)] > 0.2 * curve.max()

    def test_lips_nearly_meet_at_w_but_are_no_contact(self) -> None:
        close = articulate(spoken("AA", "W", "AA"), 80)[:, CLOSE]
        assert 0.3 < close.max() < 0.5

    def test_curves_stay_in_range(self) -> None:
        rng = random.Random(0)
        axes = articulate(spoken(*rng.choices(phones.PHONES, k=40), each=0.06), 180)
        assert axes.min() >= 0
        assert axes.max() <= 1

    def test_labels(self) -> None:
        labels = phone_labels(spoken("AA"), 56)
        assert labels[0] == 0
        assert phones.PHONES[labels[frame(0.55)]] == "AA"


class TestMetrics:
    def test_the_teacher_closes_every_bilabial(self) -> None:
        segments = spoken("AA", "P", "AE", "T", "AA", "M", "AO", "K", "EH", "B", "AA")
        measured = closures(articulate(segments, 120), segments)
        assert (measured.hit, measured.false, measured.auc) == (1, 0, 1)

    @pytest.mark.filterwarnings("error")
    def test_phones_that_nobody_said_are_no_numbers(self) -> None:
        measured = Closures(np.array([]), np.array([0.1]))
        assert measured.false == 1
        assert np.isnan([measured.hit, measured.auc]).all()

    def test_auc_counts_pairs(self) -> None:
        assert Closures(np.array([0.1, 0.5]), np.array([0.2, 0.5])).auc == pytest.approx(0.625)

    def test_best_lag_finds_a_late_curve(self) -> None:
        curve = np.convolve(np.random.default_rng(0).standard_normal(300), np.ones(7), "same")
        correlation, lag = best_lag(np.roll(curve, 4), curve, rate=50)
        assert lag == pytest.approx(0.08)
        assert correlation == pytest.approx(1)


class TestSynthesis:
    def test_sentences_repeat_with_their_seed(self) -> None:
        def texts(seed: int) -> list[str]:
            rng = random.Random(seed)
            return [sentences.sentence(rng) for _ in range(50)] + [sentences.nonsense(rng)]

        assert texts(1) == texts(1) != texts(2)

    def test_babble_is_ascii_and_repeats_with_its_seed(self) -> None:
        for language in sentences.SYLLABLES:
            texts = [sentences.babble(random.Random(seed), language) for seed in (1, 1, 2)]
            assert texts[0] == texts[1] != texts[2]
            assert texts[0].isascii()
            assert len(texts[0].split()) >= 4

    def test_festival_phones_have_known_sounds(self) -> None:
        from emosplat.blendshapes.training.festival import _segments

        labels = [(0, 1, "#"), (1, 2, "a1"), (2, 3, "tS"), (3, 4, "m:"), (4, 5, "J"), (5, 6, "##")]
        assert [s.phone for s in _segments(labels, "italian")] == ["SIL", "AA", "CH", "M", "N", "SIL"]
        assert [s.phone for s in _segments([(0, 1, "nx"), (1, 2, "ay")], "english")] == ["NG", "A1", "Y2"]

    @needs_festival
    def test_festival_phones_cover_its_audio(self) -> None:
        from emosplat.blendshapes.training import festival

        spoken = festival.say([festival.Line("My mother.", "ked_diphone"), festival.Line("mamma.", "pc_diphone", 0.8)])
        for (wave, rate, segments), first in zip(spoken, (["M", "A1", "Y2"], ["M", "AA", "M"]), strict=True):
            assert [s.phone for s in segments if s.phone != "SIL"][:3] == first
            assert segments[-1].end == pytest.approx(len(wave) / rate, abs=0.05)

    @needs_flite
    def test_flite_phones_cover_its_audio(self) -> None:
        from emosplat.blendshapes.training import flite

        wave, rate, segments = flite.say("My mother.", "slt")
        assert [s.phone for s in segments if s.phone != "SIL"][:3] == ["M", "A1", "Y2"]
        assert segments[-1].end == pytest.approx(len(wave) / rate, abs=0.05)

    def test_closure_before_a_voiceless_stop_belongs_to_the_stop(self) -> None:
        from emosplat.blendshapes.training.espeak import closures_to_stops

        wave = np.ones(3000, np.float32)
        wave[800:1500] = 0  # 0.08 to 0.15 s
        moved = closures_to_stops([Segment(0, 0.15, "AA"), Segment(0.15, 0.3, "P")], wave, 10_000)
        assert moved[0].end == pytest.approx(0.08, abs=0.003)
        assert moved[1].start == moved[0].end

    def test_acoustic_model_speaks(self) -> None:
        pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
        from emosplat.blendshapes.speech.features import loudness
        from emosplat.blendshapes.training.acoustic_model import AcousticModel

        mel = AcousticModel().sample(spoken("AA", "S", "IY", "M"), np.random.default_rng(0))
        assert mel.shape == (148, 80)
        assert loudness(mel[55:60]).mean() > loudness(mel[5:35]).mean() + 10

    def test_smoothest_cepstra_follow_constant_means(self) -> None:
        pytest.importorskip("scipy")
        from emosplat.blendshapes.training.acoustic_model import smoothest_cepstra

        mean = np.zeros((50, 3, 2))
        mean[:, 0] = (3, -1)
        np.testing.assert_allclose(smoothest_cepstra(mean, np.full_like(mean, 0.1)), mean[:, 0], rtol=1e-3)


class TestNetwork:
    @pytest.mark.parametrize("right", [None, (1, 0), (0, 0), (3, 4)])
    def test_numpy_equals_torch(self, right: tuple[int, ...] | None) -> None:
        torch = pytest.importorskip("torch")
        from emosplat.blendshapes.speech.torch_network import Net, export

        torch.manual_seed(0)
        net = Net(channels=16, dilations=(1, 3), right=right).train()
        features = np.random.default_rng(0).standard_normal((1, 80, 199)).astype(np.float32)
        for _ in range(3):
            net(torch.from_numpy(features))  # moves the running means away from 0 and 1
        with torch.no_grad():
            axes, logits = (output[0].T.numpy() for output in net.eval()(torch.from_numpy(features)))
        network = SpeechNetwork(export(net, np.zeros(80)))
        ours, probabilities = network(features[0].T)
        before, after = network.context
        inner = slice(before, len(axes) - after)
        contacts = [CLOSE, TUCK]
        axes[:, contacts] = 1 / (1 + np.exp(-axes[:, contacts]))
        np.testing.assert_allclose(ours, np.clip(axes[inner], 0, 1), atol=1e-5)
        powers = np.exp(logits[inner])
        np.testing.assert_allclose(probabilities, powers / powers.sum(1, keepdims=True), atol=1e-5)

    def test_an_export_is_restored(self) -> None:
        torch = pytest.importorskip("torch")
        from emosplat.blendshapes.speech.torch_network import Net, export, restored

        torch.manual_seed(0)
        net = Net(channels=16, dilations=(1, 3)).train()
        features = torch.randn(6, 80, 200)
        for _ in range(3):
            net(features)
        again = restored(export(net.eval(), np.zeros(80)), features)
        assert again.training
        with torch.no_grad():
            wanted, found, learning = net(features), again.eval()(features), again.train()(features)
        for old, new, disturbed in zip(wanted, found, learning, strict=True):
            torch.testing.assert_close(new, old, atol=1e-4, rtol=1e-3)
            # In training it has dropout and the statistics of the batch, which are those of `features`
            assert np.corrcoef(old.ravel(), disturbed.ravel())[0, 1] > 0.9

    def test_a_widened_network_does_the_same_and_all_of_it_learns(self) -> None:
        torch = pytest.importorskip("torch")
        from emosplat.blendshapes.speech.torch_network import Net, export, restored, widened

        torch.manual_seed(0)
        net = Net(channels=16, dilations=(1, 3)).eval()
        features = torch.randn(6, 80, 200)
        tensors = widened(export(net, np.zeros(80)), 24)
        again = restored(tensors, features).eval()
        for old, new in zip(net(features), again(features), strict=True):
            torch.testing.assert_close(new, old, atol=1e-4, rtol=1e-3)
        ours = SpeechNetwork(tensors)(features[0].T.numpy())[0]
        assert ours.shape[1] == len(AXES)
        optimiser = torch.optim.SGD(again.parameters(), lr=1e-3)
        for _ in range(2):  # in the first step the heads begin to hear what is new
            axes, phones = again(features)
            (axes.square().mean() + phones.square().mean()).backward()
            optimiser.step()
        assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in again.parameters())
        with pytest.raises(InputError, match="--channels 8: expected at least the 16"):
            widened(tensors | export(net, np.zeros(80)), 8)

    def test_a_share_of_the_weights_before_is_kept(self) -> None:
        torch = pytest.importorskip("torch")
        from emosplat.blendshapes.speech.torch_network import Net, export, mixed

        torch.manual_seed(0)
        nets = [Net(channels=16, dilations=(1, 3)).eval() for _ in range(2)]
        old, new = (export(net, np.zeros(80)) for net in nets)
        for keep in (0.0, 0.25, 1.0):
            found = mixed(new, old, keep)
            assert found.keys() == new.keys()
            np.testing.assert_array_equal(found["dilations"], new["dilations"])
            with torch.no_grad():  # the last layer is linear in its weights
                wanted = keep * nets[0].axes.weight + (1 - keep) * nets[1].axes.weight
            np.testing.assert_allclose(np.squeeze(found["axes.weight"]).T, wanted.squeeze().numpy(), atol=1e-6)

    def test_training_learns(self) -> None:
        torch = pytest.importorskip("torch")
        from emosplat.blendshapes.speech.torch_network import Net
        from emosplat.blendshapes.training import train
        from emosplat.blendshapes.training.examples import ByRule, without_speech

        examples = list(without_speech(ByRule(np.full(80, -40.0)), count=4, seed=0))
        batch = train._batch(examples, np.random.default_rng(0), rows=2)
        torch.manual_seed(0)
        before = train._loss(Net().eval(), batch, 0.0).item()
        after = train._loss(train.train(Net, [(1.0, examples)], steps=8), batch, 0.0).item()
        assert after < 0.8 * before

    def test_context_weights_stress_motion(self) -> None:
        torch = pytest.importorskip("torch")
        from emosplat.blendshapes.training.train import context_weights

        axes = torch.zeros(1, len(AXES), 40)
        axes[:, JAW, 20:] = 1
        even, sharp = context_weights(axes, 0.0), context_weights(axes, 8.0)
        np.testing.assert_allclose(even, 1)
        assert sharp.mean() == pytest.approx(1, abs=1e-5)
        assert int(sharp.argmax()) in range(18, 23)
        assert sharp[0, 20] > 2 * sharp[0, 5]

    def test_disturbed_features_stay_features(self) -> None:
        pytest.importorskip("torch")
        from emosplat.blendshapes.training.train import _disturb

        rng = np.random.default_rng(0)
        silence = np.full((400, 80), -4.0, np.float32)
        for features in (silence, rng.normal(0, 1, (400, 80)).astype(np.float32)) * 6:
            disturbed = _disturb(features.copy(), rng)
            assert disturbed.dtype == np.float32
            assert disturbed.shape == features.shape
            assert disturbed.min() >= -4
            assert disturbed.max() <= 3


HELD_OUT = """
import sys, tempfile
from pathlib import Path
from emosplat.blendshapes.training import corpus, espeak
from emosplat.blendshapes.training.generate import _system_data
with tempfile.TemporaryDirectory() as data:
    espeak.link_data(Path(data), _system_data())
    voice = espeak.Espeak(Path(data))
    corpus.save(Path(sys.argv[1]), list(corpus.held_out_espeak_speech(voice, count=25, seed=2)))
"""


@needs_espeak
def test_built_in_weights_close_the_lips_of_held_out_voices(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("pocketsphinx")
    from emosplat.blendshapes.training.recipe import held_out_closures

    path = tmp_path / "held_out.npz"
    # In a process of its own: espeak-ng's library can be opened only once.
    done = subprocess.run([sys.executable, "-c", HELD_OUT, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    measured = held_out_closures(SpeechEncoder.load(), corpus.load(path))
    assert len(measured.bilabial) > 50
    assert measured.auc > 0.85
    assert measured.hit > 0.7
    assert measured.false < 0.3
