"""Axes to expression and jaw, and lips that meet whatever the emotion does to them."""

from dataclasses import replace

import numpy as np
import pytest

from emosplat.avatars.head import ExpressionTable, HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.blendshapes.emotion import EMOTIONS
from emosplat.blendshapes.solve.articulation import DEEPEST, JAW_OPENING, Articulator, LipContact, LipGap, seal
from emosplat.blendshapes.speech.encoder import AXES
from emosplat.core.errors import InputError

MM = 1e-3


def small_head(modes: int = 30) -> HeadModel:
    """A patch of skin with a mouth slit, smooth random modes and some modes of zero, no named shapes."""
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(
        np.linspace(-0.04, 0.04, 17), np.r_[np.linspace(-0.06, -0.026, 12), np.linspace(-0.0257, 0.02, 12)]
    )
    v = np.stack([x.ravel(), y.ravel(), 0.08 - 4 * x.ravel() ** 2], axis=1)
    quads = np.array([r * 17 + c for r in range(23) if r != 11 for c in range(16)])
    faces = np.concatenate([quads[:, None] + [0, 1, 17], quads[:, None] + [1, 18, 17]])
    centres, ways = rng.choice(len(v), modes), rng.normal(size=(modes, 3))
    bumps = np.exp(-(((v[:, None] - v[centres]) / 0.012) ** 2).sum(axis=2))
    exprdirs = 0.002 * bumps[:, None, :] * ways.T
    exprdirs[..., -2:] = 0
    weights = np.zeros((len(v), 5))
    weights[:, 2] = (v[:, 1] < -0.0258) * np.clip(1.2 - np.abs(v[:, 0]) / 0.04, 0, 1)
    weights[:, 1] = 1 - weights[:, 2]
    joints = np.array([[0, -0.2, 0], [0, -0.1, 0], [0, 0, 0], [0.03, 0.03, 0.05], [-0.03, 0.03, 0.05]])
    none = ExpressionTable.empty(modes)
    mouth = np.arange(4, 13, 2)
    f32 = np.float32
    return HeadModel(
        version="small",
        v_template=v.astype(f32),
        faces=faces.astype(np.int32),
        shapedirs=np.zeros((len(v), 3, 1), f32),
        exprdirs=exprdirs.astype(f32),
        posedirs=(0.002 * rng.normal(size=(len(v), 3, 36))).astype(f32),
        weights=weights.astype(f32),
        joints=joints.astype(f32),
        J_regressor=np.zeros((5, len(v)), f32),
        arkit=none,
        emotions=none,
        visemes=none,
        regions={},
        lip_pairs=np.stack([12 * 17 + mouth, 11 * 17 + mouth], axis=1).astype(np.int32),
        mouth_corners=np.array([11 * 17 + 13, 11 * 17 + 3], np.int32),
    )


HEADS = {"open": builtin_head(), "small": small_head()}


@pytest.fixture(params=HEADS)
def head(request: pytest.FixtureRequest) -> HeadModel:
    return HEADS[request.param]


def contact_of(head: HeadModel) -> LipContact:
    return LipContact(head, LipGap(head))


def everything(frames: int) -> dict[str, np.ndarray]:
    return {"seal": np.ones(frames), "rest": np.zeros(frames), "speech": np.zeros((frames, 1))}


def test_gap_is_that_of_the_skinned_mesh(head: HeadModel) -> None:
    head = replace(head, weights=head.weights / head.weights.sum(axis=1, keepdims=True))  # float16 on disk
    rng = np.random.default_rng(1)
    motion = Motion.rest(6, head.expressions, 25)
    motion.expr[:] = rng.normal(size=motion.expr.shape)
    motion.jaw[:, 0] = np.radians([0, 3, 8, 15, 22, -2])
    vertices = Poser(head).vertices(motion)
    expected = vertices[:, head.lip_pairs[:, 0], 1] - vertices[:, head.lip_pairs[:, 1], 1]
    got = LipGap(head)(motion.expr.astype(float), motion.jaw[:, 0].astype(float))
    np.testing.assert_allclose(got, expected, atol=2e-7)


def test_head_without_lip_pairs_is_refused() -> None:
    with pytest.raises(InputError, match="lip_pairs"):
        LipGap(replace(HEADS["small"], lip_pairs=np.zeros((0, 2), np.int32)))


def test_lips_meet_under_every_emotion_and_jaw() -> None:
    head, contact = HEADS["open"], contact_of(HEADS["open"])
    for label in EMOTIONS:
        for row in head.emotions.rows(label):
            for share in (0.3, 1.0):
                jaw = np.radians(np.linspace(0, 14, 15))
                expr = np.tile(share * head.emotions.expr[row].astype(float), (len(jaw), 1))
                solved = contact(expr, jaw + share * head.emotions.jaw[row], **everything(len(jaw)))
                gap = contact.gap(*solved)
                assert gap.max() < 0.1 * MM, (label, gap.max())
                assert gap.min() > -0.6 * MM, (label, gap.min())


def test_contact_leaves_brows_and_eyes_alone() -> None:
    head, contact = HEADS["open"], contact_of(HEADS["open"])
    row = head.emotions.rows("surprised")[0]
    expr, jaw = head.emotions.expr[[row]].astype(float), np.radians([8.0])
    solved, _ = contact(expr, jaw, **everything(1))
    moved = np.linalg.norm(head.exprdirs @ (solved - expr)[0], axis=1)
    for region in ("brows", "left_lid", "right_lid"):
        assert moved[head.regions[region]].max() < 0.4 * MM
    assert moved[head.mouth_corners].max() < 3 * MM


def test_random_faces_close_on_any_head(head: HeadModel) -> None:
    contact = contact_of(head)
    expr = 0.5 * np.random.default_rng(2).normal(size=(20, head.expressions))
    jaw = np.radians(np.linspace(0, 8, 20))
    before = contact.gap(expr, jaw)
    after = contact.gap(*contact(expr, jaw, **everything(20)))
    assert np.abs(after).max() < max(0.2 * np.abs(before).max(), DEEPEST + 0.1 * MM)
    assert np.median(after.max(axis=1)) < 0.3 * MM


def test_open_lips_are_left_as_they_are(head: HeadModel) -> None:
    contact = contact_of(head)
    jaw = np.radians(np.linspace(1, 12, 9))
    expr = np.zeros((9, head.expressions))
    nothing = {"seal": np.zeros(9), "rest": np.zeros(9), "speech": np.full((9, 1), -1.0)}
    solved, solved_jaw = contact(expr, jaw, **nothing)
    np.testing.assert_allclose(solved, 0, atol=1e-9)
    np.testing.assert_array_equal(solved_jaw, jaw)


def test_resting_mouth_is_the_neutral_face_and_keeps_no_jaw(head: HeadModel) -> None:
    contact = contact_of(head)
    rest = {"seal": np.zeros(2), "rest": np.ones(2), "speech": np.zeros((2, 1))}
    expr, jaw = contact(np.zeros((2, head.expressions)), np.array([0, 0.1]), **rest)
    np.testing.assert_allclose(expr, 0, atol=1e-9)
    np.testing.assert_array_equal(jaw, 0)


def test_half_a_seal_halves_the_opening_and_changes_are_smooth() -> None:
    head, contact = HEADS["open"], contact_of(HEADS["open"])
    steps = np.linspace(0, 1, 201)
    frames = {"seal": steps, "rest": np.zeros(201), "speech": np.full((201, 1), 6 * MM)}
    expr, jaw = contact(np.zeros((201, head.expressions)), np.full(201, np.radians(4)), **frames)
    gap = contact.gap(expr, jaw)[:, 3]
    assert 0.3 < gap[100] / gap[0] < 0.6
    assert (np.diff(gap) < 0).all()
    assert np.abs(np.diff(expr, 2, axis=0)).max() < 1e-3


def test_emotion_cannot_swallow_the_opening_of_speech() -> None:
    head, contact = HEADS["open"], contact_of(HEADS["open"])
    expr = 2 * head.emotions.expr[[head.emotions.rows("sad")[0]]].astype(float)
    speech = np.full((1, contact.gap.pairs), 4 * MM)
    solved = contact(expr, np.radians([1.0]), seal=np.zeros(1), rest=np.zeros(1), speech=speech)
    assert contact.gap(*solved).min() > 1.4 * MM


def test_axes_move_the_mouth_as_they_say() -> None:
    head = HEADS["open"]
    gap = LipGap(head)
    articulator = Articulator(head, gap)

    def face(**axes: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        expr, jaw = articulator(np.array([[axes.get(name, 0.0) for name in AXES]]))
        motion = Motion.rest(1, head.expressions, 25)
        motion.expr[:], motion.jaw[:, 0] = expr, jaw
        return gap(expr, jaw)[0], Poser(head).vertices(motion)[0], jaw

    still, neutral, _ = face()
    opened, _, jaw = face(jaw=1)
    assert opened[3] - still[3] == pytest.approx(JAW_OPENING, abs=0.1 * MM)
    assert np.radians(5) < jaw[0] < np.radians(20)
    left, right = head.mouth_corners
    width = {n: v[left, 0] - v[right, 0] for n, v in (("round", face(round=1)[1]), ("wide", face(wide=1)[1]))}
    assert width["round"] < neutral[left, 0] - neutral[right, 0] - 4 * MM
    assert width["wide"] > neutral[left, 0] - neutral[right, 0] + 2 * MM
    assert face(upper_lip=1)[0][3] > still[3] + 0.5 * MM
    assert face(lower_lip=1)[0][3] > still[3] + 0.5 * MM


def test_axes_are_bounded_and_missing_names_are_left_out() -> None:
    head = HEADS["small"]
    articulator = Articulator(head, LipGap(head))
    expr, jaw = articulator(np.array([[1.0] * 8, [9.0] * 8]))
    np.testing.assert_array_equal(expr, 0)
    assert jaw[0] == jaw[1] > 0


def test_seal_is_that_of_a_bilabial_and_partial_for_a_tuck() -> None:
    axes = np.zeros((5, len(AXES)))
    axes[1, AXES.index("close")] = 1
    axes[2, AXES.index("close")] = 0.3
    axes[3, AXES.index("tuck")] = 1
    axes[4] = axes[1] + axes[3]
    none, bilabial, half, tuck, both = seal(axes)
    assert none == 0
    assert bilabial == both == 1
    assert half == 0.3
    assert 0.1 < tuck < 0.9
