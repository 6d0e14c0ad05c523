"""Motion models by name: one file of somebody's own takes the seat; the built-in one streams what it plans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from emosplat.avatars.arkit import ARKIT_52
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import CURVES, Motion
from emosplat.blendshapes import emotion, models
from emosplat.blendshapes.bundle import Bundle
from emosplat.blendshapes.emotion import EMOTIONS, FromVoice, parse_emotion, parse_emotion_track, point
from emosplat.blendshapes.face_motion import ACTIVITY, EMOTION, SPEAKING, SPEECH, FaceMotion, join
from emosplat.blendshapes.models import find_model, model_names, pieces_of, procedural, unheeded
from emosplat.blendshapes.models.procedural import Procedural
from emosplat.blendshapes.score import Cue, Fixed, Key, Score, Style
from emosplat.blendshapes.solve.articulation import seal
from emosplat.blendshapes.solve.composition import NeutralMouth, SpeakingFace, composer_for
from emosplat.blendshapes.solve.fusion import FusionModel
from emosplat.blendshapes.solve.solver import Solver
from emosplat.blendshapes.speech.encoder import AXES, Articulation, Blocks, SpeechEncoder
from emosplat.blendshapes.talking_head import TalkingHead
from emosplat.core.errors import InputError

from ..made_up import assert_same

RATE = 16_000
FRAME = 320  # samples of one frame of articulation
TOY = '''
"""A motion model in one file: the mouth puckers as loud as the sound is."""

import numpy as np

from emosplat.blendshapes.face_motion import FaceMotion, join
from emosplat.blendshapes.score import shaped


class Toy:
    name = "toy"
    lookahead = 0.0

    def __init__(self, bundle):
        self.bundle = bundle

    def plan(self, score):
        loud = float(np.abs(np.concatenate(list(score.sound()))).mean())
        motion = FaceMotion.rest(score.frames, fps=score.fps).with_column("mouthPucker", loud)
        return join(shaped([motion], score))

    def stream(self, score, blocks):
        for first, block in enumerate(blocks):
            yield FaceMotion.rest(1, fps=score.fps, first=first).with_column("mouthPucker", float(np.abs(block).mean()))


def create(bundle):
    return Toy(bundle)
'''


@lru_cache
def solver() -> Solver:
    return Solver(builtin_head(), FusionModel.built_in())


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's package with the toy, as pip would have left it."""
    (tmp_path / "toy_face_motion.py").write_text(TOY)
    info = tmp_path / "toy_face_motion-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-face-motion\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{models.GROUP}]\ntoy = toy_face_motion:create\ngone = toy_face_motion:lost\nmissing = no_module:create\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def dropped_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy as one more file of the folder of models."""
    for file in Path(models.__file__).parent.glob("*.py"):
        (tmp_path / file.name).write_text("")
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.setattr(models, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])


def sound(seconds: float = 1.0, level: float = 0.25) -> Blocks:
    samples = np.full(round(seconds * RATE), level, np.float32)
    return lambda: [samples]


# by name


@pytest.mark.slow
@pytest.mark.parametrize("way", ["installed", "dropped_in"])
def test_a_model_of_ones_own_is_found_and_moves_the_head(way: str, request: pytest.FixtureRequest) -> None:
    assert model_names() == ["acting", "live", "procedural"]
    request.getfixturevalue(way)
    assert "toy" in model_names()
    bundle = Bundle()
    model = find_model("toy", bundle)
    assert model.bundle is bundle  # pyright: ignore[reportAttributeAccessIssue]
    head = TalkingHead.of(builtin_head(), model="toy")
    assert head.model.name == "toy"
    score = Score(duration=2.0, fps=25, sound=sound(), keys=(Key(1.0, {"browInnerUp": 0.5}),))
    motion = head.motion(score)
    face = FaceMotion.rest(50, fps=25).with_column("mouthPucker", 0.25)
    wanted = solver()(face.with_column("browInnerUp", model.plan(score).column("browInnerUp")))
    assert len(motion) == 50
    for name in CURVES:
        np.testing.assert_allclose(getattr(motion, name), getattr(wanted, name), atol=1e-5)
    assert np.abs(motion.expr).max() > 0.1


def test_what_a_model_plans_comes_in_pieces_where_it_has_none(installed: None) -> None:
    model = find_model("toy")
    score = Score(duration=3.0, fps=25, sound=sound())
    pieces = list(pieces_of(model, score))
    assert [len(piece) for piece in pieces] == [32, 32, 11]
    assert_same(join(pieces), model.plan(score))


@pytest.mark.parametrize("name", ["", "Procedural", "gestures", "__init__", "toy", "../procedural"])
def test_an_unknown_name_lists_the_models(name: str) -> None:
    with pytest.raises(
        InputError, match=rf"^motion model {re.escape(repr(name))}: expected one of acting, live, procedural$"
    ):
        find_model(name)


def test_a_package_whose_model_cannot_be_loaded_is_one_line(installed: None) -> None:
    for name, reason in (("gone", "has no attribute 'lost'"), ("missing", "No module named 'no_module'")):
        with pytest.raises(InputError, match=f"motion model '{name}': cannot be loaded .*{reason}"):
            find_model(name)
    with pytest.raises(InputError, match="expected one of acting, gone, live, missing, procedural, toy"):
        TalkingHead.of(builtin_head(), model="tyo")


# planned and streamed


class Heard:
    """An encoder that reads its articulation off the samples: what it says is what it has been given."""

    lookahead = 0.0

    def articulate(self, blocks: Blocks) -> Iterator[Articulation]:
        return self.follow(blocks())

    def follow(self, blocks: Iterable[np.ndarray]) -> Iterator[Articulation]:
        for block in blocks:
            frames = block.reshape(-1, FRAME)[:, 0]
            axes = np.abs(np.sin(frames[:, None] * np.arange(1, 1 + len(AXES)))).astype(np.float32)
            speech = (np.sin(frames / 40) > -0.5).astype(np.float32)
            yield Articulation(axes, speech, (10 * np.sin(frames)).astype(np.float32))


class Tape:
    """Sound that is heard once: it counts what has been taken, and refuses to begin again."""

    def __init__(self, seconds: float, *, frames: int) -> None:
        count = int(seconds * RATE) // FRAME + 1
        numbers = np.repeat(np.arange(count, dtype=np.float32), FRAME)
        self.blocks = [numbers[i : i + frames * FRAME] for i in range(0, len(numbers), frames * FRAME)]
        self.taken = 0.0  # seconds
        self.opened = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        self.opened += 1
        for block in self.blocks:
            self.taken += len(block) / RATE
            yield block


WISHES = {
    "emotion": parse_emotion("happy:0.6,sad:0.2"),
    "seed": 4,
    "head_motion": "lively",
    "cues": (Cue(1.0, 2.0, {"eyeSquintLeft": 0.4, "headYaw": 0.1}),),
    "keys": (Key(2.5, {"browInnerUp": 0.5}, reach=0.3),),
    "fixed": (Fixed(3.2, 3.6, FaceMotion.rest(100, fps=25).with_column("mouthPucker", 0.3), reach=0.2),),
}


@pytest.mark.parametrize("wishes", [{"emotion": parse_emotion("angry")}, WISHES], ids=["plain", "with wishes"])
@pytest.mark.parametrize("frames", [1, 7, 600])
def test_what_is_streamed_is_what_is_planned(wishes: dict, frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, however the sound arrives; the source is opened once."""
    model = Procedural(Heard())
    tape = Tape(6.0, frames=frames)
    score = Score(duration=6.0, fps=25, **wishes)
    monkeypatch.setattr(procedural, "LIVE_CHUNK", procedural.CHUNK)
    streamed = join(model.stream(score, tape))
    assert tape.opened == 1
    planned = model.plan(Score(duration=6.0, fps=25, sound=lambda: Tape(6.0, frames=250), **wishes))
    assert_same(streamed, planned)


def test_short_pieces_differ_by_rounding_alone() -> None:
    """Live pieces are shorter than planned ones; sums over other windows end in other last bits."""
    model = Procedural(Heard())
    streamed = join(model.stream(Score(duration=6.0, fps=25, **WISHES), Tape(6.0, frames=3)))
    planned = model.plan(Score(duration=6.0, fps=25, sound=lambda: Tape(6.0, frames=250), **WISHES))
    for name in {*streamed.columns, *planned.columns}:
        np.testing.assert_allclose(streamed.column(name), planned.column(name), atol=1e-12)


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_no_more_is_heard_than_the_look_ahead(fps: float) -> None:
    model = Procedural(Heard())
    tape = Tape(20.0, frames=1)
    shown, pieces = 0.0, 0
    for piece in model.stream(Score(duration=20.0, fps=fps), tape):
        assert tape.taken <= piece.times[0] + model.lookahead + 0.5 / fps
        assert piece.first == round(shown * fps)
        shown, pieces = shown + piece.duration, pieces + 1
    assert shown == pytest.approx(20.0)
    assert pieces > 100
    assert tape.opened == 1


def test_the_built_in_encoder_keeps_its_look_ahead_too() -> None:
    encoder = SpeechEncoder.load()
    model = Procedural(encoder)
    rng = np.random.default_rng(0)
    taken = 0.0

    def microphone() -> Iterator[np.ndarray]:
        nonlocal taken
        for _ in range(60):
            taken += 0.1
            yield (0.1 * rng.normal(size=RATE // 10)).astype(np.float32)

    frames = 0
    for piece in model.stream(Score(duration=6.0, fps=25), microphone()):
        assert taken <= piece.times[0] + model.lookahead + 0.1 + 1e-6  # a block is 0.1 s
        frames += len(piece)
    assert frames == 150


def test_a_stream_without_a_duration_ends_with_its_sound() -> None:
    frames = sum(len(piece) for piece in Procedural(Heard()).stream(Score(fps=25), Tape(4.0, frames=5)))
    assert frames == 100


def test_what_a_model_needs_is_said() -> None:
    model = Procedural(Heard())
    with pytest.raises(InputError, match="motion model 'procedural': expected a score with a sound, found none"):
        model.plan(Score(duration=1.0))
    with pytest.raises(InputError, match="emotion auto: expected a recording to listen to"):
        next(model.stream(Score(duration=1.0, emotion=FromVoice()), Tape(1.0, frames=5)))


def test_what_a_model_does_not_know_is_told() -> None:
    model = find_model("procedural")
    example = Style("anna", statistics={"jaw.size": 0.1})
    asked = Score(style=example, variety=0.5, guidance={"style": 2}, accents=())
    assert unheeded(model, asked) == ["style", "variety", "guidance", "accents"]
    assert unheeded(model, Score(style=Style("calm", {"head": 0.5}))) == []  # gains are for any model
    knowing: Any = SimpleNamespace(heeds=frozenset({"style", "guidance"}))
    assert unheeded(knowing, asked) == ["variety", "accents"]


def test_no_sound_is_no_frame() -> None:
    assert len(Procedural(Heard()).plan(Score(duration=0.0, sound=lambda: Tape(1.0, frames=5)))) == 0


# frames stay what they were


@pytest.mark.slow
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("moving", [True, False])
def test_the_frames_are_those_of_speech_and_emotion_composed_by_hand(fused: bool, moving: bool, tmp_path: Path) -> None:
    """The way from face motion to a head changes no bit of what articulation, blendshapes and contact say."""
    mood = parse_emotion_track("time_s,happy,angry\n0,0.2,0\n3,0.9,0.1\n6,0,0.8\n")
    wishes = {"emotion": mood, "seed": 9, "blink": moving, "head_motion": "lively" if moving else "none"}
    score = Score(duration=6.0, fps=25, sound=lambda: Tape(6.0, frames=250), **wishes)
    head = builtin_head()
    fusion = FusionModel.built_in() if fused else None
    mouth = NeutralMouth(head)
    compose = composer_for(head, mouth, fusion)
    chunks = list(TalkingHead(Procedural(Heard()), Solver(head, fusion)).perform(score))
    for chunk, face in zip(chunks, Procedural(Heard()).pieces(score), strict=True):
        wanted = SpeakingFace(
            times=(face.first + np.arange(len(face)) + 0.5) / 25,
            axes=np.stack([face.column(name) for name in SPEECH], axis=1),
            activity=face.column(ACTIVITY),
            speaking=face.column(SPEAKING),
            emotion=np.stack([face.column(EMOTION + label) for label in EMOTIONS], axis=1),
            seed=9,
        )
        expr, jaw = compose(wanted)
        own = [name for name in face.channels if name in ARKIT_52]
        assert bool(own) == moving  # brows, and one corner of the mouth
        if own:
            shapes = np.stack([head.arkit.expr[head.arkit.rows(name)].sum(axis=0) for name in own])
            added = expr + face.table(own) @ shapes.astype(np.float64)
            closed = seal(wanted.axes) * wanted.activity
            expr = mouth.contact.match(added, jaw, gap=mouth.gap(expr, jaw), share=closed)
        blink = head.arkit.expr[[*head.arkit.rows("eyeBlinkLeft"), *head.arkit.rows("eyeBlinkRight")]].sum(axis=0)
        if face.lids.any():
            expr = expr + face.lids[:, :1] * (blink - expr @ Solver(head)._lids)
        np.testing.assert_array_equal(chunk.expr, expr.astype(np.float32))
        np.testing.assert_array_equal(chunk.jaw[:, 0], jaw.astype(np.float32))
        np.testing.assert_array_equal(chunk.neck, face.head[:, :3].astype(np.float32))
        np.testing.assert_array_equal(chunk.eyes[:, :2], face.gaze[:, 0].astype(np.float32))
        for still in (chunk.jaw[:, 1:], chunk.eyes[:, [2, 5]], chunk.rotation, chunk.translation):
            assert not still.any()
    assert (np.abs(Motion.concatenate(chunks).neck).max() > 0.01) == moving


# emotions


def test_a_new_emotion_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A named point of emotion space: every way to ask for an emotion knows it, and the face does what it says."""
    monkeypatch.setitem(emotion.LABELS, "worried", point(sad=0.4, brow_lower=0.3, corner_pull_left=0.2))
    worried = parse_emotion("worried")
    assert parse_emotion("Worried:0.5").point == tuple(0.5 * x for x in worried.point)
    mixed = parse_emotion("worried:0.5,happy:0.25").point
    np.testing.assert_allclose(mixed, np.array(parse_emotion("happy:0.25").point) + 0.5 * np.array(worried.point))
    track = parse_emotion_track("time_s,worried\n0,0\n2,1\n")
    np.testing.assert_allclose(track.at(np.array([1.0]))[0], 0.5 * np.array(worried.point))
    with pytest.raises(InputError, match=r"contempt, worried, found 'woried'; did you mean worried\?"):
        parse_emotion("woried")

    head = TalkingHead(Procedural(Heard()), solver())

    def asked(text: str) -> tuple[FaceMotion, Motion]:
        score = Score(duration=4.0, fps=25, sound=lambda: Tape(4.0, frames=100), head_motion="none", blink=False)
        faces: list[FaceMotion] = []
        motion = Motion.concatenate(head.perform(score.with_emotion(text), faces=faces))
        return join(faces), motion

    face, motion = asked("worried")
    neutral, still = asked("neutral")
    sad = face.column("emotion.sad")
    assert sad.max() > 0.3
    for name, share in (("browDownLeft", 0.75), ("browDownRight", 0.75), ("mouthSmileLeft", 0.5)):
        np.testing.assert_allclose(face.column(name), share * sad, atol=1e-12)
    assert not face.column("mouthSmileRight").any()
    assert not neutral.column("browDownLeft").any()
    brows = solver().head.exprdirs[solver().head.regions["brows"]]
    lowered = np.abs(brows @ (motion.expr[50] - still.expr[50])).max()
    assert lowered > 0.001  # metres
    assert np.abs(brows @ (motion.expr[50] - asked("sad:0.4")[1].expr[50])).max() > 0.3 * lowered
