"""The shipped head and people: as documented, closed where they must close, open where they must open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import KDTree

from emosplat.avatars.avatar import Avatar
from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_avatars, builtin_head, find_avatar, open_avatar
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser

EMOTIONS = ["neutral", "angry", "disgusted", "fearful", "happy", "sad", "surprised", "contempt"]
VISEMES = ["sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou"]
PEOPLE = builtin_avatars()
MM = 1e-3


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return builtin_head()


@pytest.fixture(scope="module", params=PEOPLE)
def avatar(request: pytest.FixtureRequest) -> Avatar:
    return open_avatar(request.param)


def pose(head: HeadModel, expr: NDArray | None = None, jaw: float = 0.0) -> NDArray[np.float32]:
    """Vertices [V, 3] of one pose."""
    motion = Motion.rest(1, head.expressions, 25.0)
    if expr is not None:
        motion.expr[0] = expr
    motion.jaw[0, 0] = jaw
    return Poser(head).vertices(motion)[0]


def lip_gaps(head: HeadModel, vertices: NDArray) -> NDArray:
    """Height [P] of the opening between facing lip vertices, metres; negative where they overlap."""
    return (vertices[head.lip_pairs[:, 0]] - vertices[head.lip_pairs[:, 1]])[:, 1]


def arkit(head: HeadModel, **weights: float) -> NDArray:
    """Expression coefficients of ARKit weights; a name without a side stands for both."""
    out = np.zeros(head.expressions)
    for name, weight in weights.items():
        for full in (name,) if name in head.arkit.names else (name + "Left", name + "Right"):
            out += weight * head.arkit.expr[head.arkit.names.index(full)]
    return out


def viseme(head: HeadModel, name: str) -> NDArray:
    row = head.visemes.names.index(name)
    return pose(head, head.visemes.expr[row], float(head.visemes.jaw[row]))


def test_there_are_people_and_every_file_is_small() -> None:
    people = [name for name in PEOPLE if not name.endswith("-light")]
    assert len(people) >= 4
    assert {f"{name}-light" for name in people} == set(PEOPLE) - set(people)
    files = [find_avatar(name) for name in PEOPLE]
    assert all(path.stat().st_size < 7e6 for path in files)
    heads = (files[0].parent.parent / "heads").glob("*.npz")
    assert sum(path.stat().st_size for path in [*files, *heads]) < 35e6


def test_tables_name_every_emotion_and_viseme(head: HeadModel) -> None:
    assert list(dict.fromkeys(head.emotions.names)) == EMOTIONS
    assert all(len(head.emotions.rows(e)) >= 3 for e in EMOTIONS[1:])
    assert list(head.visemes.names) == VISEMES


def test_neutral_is_zero_and_coefficients_are_moderate(head: HeadModel) -> None:
    for row in head.emotions.rows("neutral"):
        assert not head.emotions.expr[row].any()
        assert head.emotions.jaw[row] == 0
    assert np.abs(head.emotions.expr).max() < 8
    assert np.degrees(head.emotions.jaw).max() <= 7


def test_arkit_table_holds_all_52_shapes(head: HeadModel) -> None:
    from emosplat.avatars.arkit import ARKIT_52

    assert set(ARKIT_52) <= set(head.arkit.names)
    assert head.arkit.jaw[head.arkit.names.index("jawOpen")] == pytest.approx(np.radians(25), abs=0.03)


def test_arrays_are_finite_and_weights_sum_to_one(head: HeadModel) -> None:
    for name in ("v_template", "shapedirs", "exprdirs", "posedirs", "weights", "joints", "J_regressor"):
        assert np.isfinite(getattr(head, name)).all(), name
    np.testing.assert_allclose(head.weights.sum(1), 1, atol=2e-3)
    np.testing.assert_allclose(head.J_regressor.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(head.J_regressor @ head.v_template, head.joints, atol=0.5 * MM)


def test_no_triangle_is_degenerate(head: HeadModel) -> None:
    a, b, c = (head.v_template[head.faces[:, k]] for k in range(3))
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).min() > 0


def test_lips_close_for_silence_and_bilabials(avatar: Avatar) -> None:
    for name in ("sil", "PP"):
        gaps = lip_gaps(avatar.head, viseme(avatar.head, name))
        assert gaps.max() < 0.6 * MM, name
        assert gaps[len(gaps) // 2] < 0.5 * MM, name


def test_vowels_open_more_than_consonants(avatar: Avatar) -> None:
    middle = {v: lip_gaps(avatar.head, viseme(avatar.head, v))[3] for v in VISEMES}
    assert middle["aa"] > middle["oh"] > middle["ou"]
    assert middle["aa"] > middle["E"] > middle["ih"] > middle["nn"] > middle["PP"]


def test_emotions_leave_the_mouth_to_speech(head: HeadModel) -> None:
    for expr in head.emotions.expr:
        gap = lip_gaps(head, pose(head, expr))
        assert np.abs(gap).max() < 8 * MM


def raised(head: HeadModel, label: str, vertices: NDArray) -> NDArray[np.float32]:
    """How far each variant of an emotion raises vertices, [variants, n] metres."""
    rows = head.emotions.rows(label)
    return np.stack([(pose(head, head.emotions.expr[row]) - head.v_template)[vertices, 1] for row in rows])


def test_corners_of_the_mouth_rise_in_joy_and_fall_in_grief_and_never_smile_in_anger(head: HeadModel) -> None:
    corners = head.mouth_corners
    assert raised(head, "happy", corners).min() > 3 * MM
    assert raised(head, "sad", corners).max() < -3 * MM
    assert raised(head, "angry", corners).max() < 0


def outer_skin(head: HeadModel) -> NDArray:
    """Triangles [n, 3] of the skin around the mouth, without its lining."""
    inside = np.zeros(len(head.v_template), bool)
    inside[head.regions["skin"]] = True
    inside[head.regions["mouth_bag"]] = False
    near = np.linalg.norm(head.v_template - head.v_template[head.mouth_corners].mean(0), axis=1) < 60 * MM
    return head.faces[(inside & near)[head.faces].all(axis=1)]


def normals(vertices: NDArray, triangles: NDArray) -> NDArray:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    return across / np.linalg.norm(across, axis=1, keepdims=True)


@pytest.mark.parametrize("others", [{}, {"mouthUpperUp": 0.5}, {"mouthDimple": 0.5}, {"mouthPress": 0.5}], ids=str)
def test_skin_does_not_fold_over_in_the_broadest_smile(avatar: Avatar, others: dict[str, float]) -> None:
    head = avatar.head
    triangles = outer_skin(head)
    turned = (
        normals(head.v_template, triangles) * normals(pose(head, arkit(head, mouthSmile=1, **others)), triangles)
    ).sum(1)
    assert turned.min() > 0.3


def test_both_sides_smile_alike(avatar: Avatar) -> None:
    head = avatar.head
    left, right = (pose(head, arkit(head, **{f"mouthSmile{side}": 1})) - head.v_template for side in ("Left", "Right"))
    skin = np.unique(outer_skin(head))
    apart, opposite = KDTree(head.v_template[skin]).query(head.v_template[skin] * [-1, 1, 1])
    twins = apart < 0.3 * MM
    assert twins.mean() > 0.5  # a face at rest need not be symmetric
    difference = np.linalg.norm((left[skin] - right[skin][opposite] * [-1, 1, 1])[twins], axis=1)
    assert difference.max() < 0.3 * MM
    assert np.linalg.norm(left, axis=1).max() > 10 * MM


def test_cheeks_come_out_in_a_smile(avatar: Avatar) -> None:
    """Half-way between mouth and eye, beside the mouth."""
    head = avatar.head
    corner, eye = head.v_template[head.mouth_corners[0]], head.joints[3]
    place = corner[:2] + np.array([15 * MM, 0.4 * (eye - corner)[1]])
    skin = np.unique(outer_skin(head))
    cheek = skin[np.linalg.norm(head.v_template[skin, :2] - place, axis=1) < 6 * MM]
    moved = (pose(head, arkit(head, mouthSmile=1)) - head.v_template)[cheek].mean(axis=0)
    outwards = head.v_template[cheek].mean(axis=0) * [1, 0, 1]
    assert moved @ outwards / np.linalg.norm(outwards) > 4 * MM
    assert moved[1] > 3 * MM


def test_contempt_has_one_side(head: HeadModel) -> None:
    left, right = head.mouth_corners[np.argsort(-head.v_template[head.mouth_corners, 0])]
    up = raised(head, "contempt", np.array([left, right]))
    assert up[:, 0].min() > 2 * MM
    assert up[:, 1].max() < 0.3 * up[:, 0].min()


def test_brows_rise_in_surprise_and_fear_and_fall_in_anger_and_disgust(head: HeadModel) -> None:
    brows = head.regions["brows"]
    for label, sign in (("surprised", 1), ("fearful", 1), ("angry", -1), ("disgusted", -1)):
        assert (sign * raised(head, label, brows).mean(axis=1)).min() > 1 * MM, label


def test_jaw_opens_monotonically(avatar: Avatar) -> None:
    gaps = [lip_gaps(avatar.head, pose(avatar.head, jaw=a))[3] for a in np.linspace(0, 0.4, 9)]
    assert (np.diff(gaps) > 0).all()
    assert gaps[-1] > 20 * MM


def test_blink_closes_the_eye(avatar: Avatar) -> None:
    """Seen from the front, no part of the pupil's axis is free: some lid vertex ends up below the eye's centre."""
    head = avatar.head
    closed = pose(head, arkit(head, eyeBlink=1.0))
    for side, joint in (("left", 3), ("right", 4)):
        lid = head.regions[f"{side}_lid"]
        near = lid[np.abs(head.v_template[lid, 0] - head.joints[joint, 0]) < 5 * MM]
        moved = near[(closed - head.v_template)[near, 1] < -4 * MM]
        assert len(moved) > 5
        assert closed[moved, 1].min() < head.joints[joint, 1] - 2 * MM


def test_lids_stay_outside_the_eyeballs(avatar: Avatar) -> None:
    """All but a few vertices of the hidden lining; in blinks and in the mixtures of the emotions."""
    head = avatar.head
    faces = [arkit(head, eyeBlink=w) for w in (0.0, 0.5, 1.0)] + list(head.emotions.expr)
    for expr in faces:
        posed = pose(head, expr)
        for side, joint in (("left", 3), ("right", 4)):
            radius = np.median(
                np.linalg.norm(head.v_template[head.regions[f"{side}_eye"]] - head.joints[joint], axis=1)
            )
            arm = posed[head.regions[f"{side}_lid"]] - head.joints[joint]
            distance = np.linalg.norm(arm[arm[:, 2] > 0.75 * radius], axis=1)
            assert (distance < radius - 0.3 * MM).mean() < 0.05


def test_what_lies_behind_the_lids_is_not_moved_by_shapes_of_elsewhere(avatar: Avatar) -> None:
    """Each of them once pushed it out of the eyeball, and all together through the skin of a flat cheek."""
    head = avatar.head
    skin = head.regions["skin"]
    moved = [
        np.linalg.norm(head.exprdirs[skin] @ arkit(head, **{name: 1.0}).astype(np.float32), axis=1)
        for name in ("cheekPuff", "mouthStretch", "eyeWide")
    ]
    assert np.min(moved, axis=0).max() < 0.5 * MM


def test_gaussians_are_bound_and_finite(avatar: Avatar) -> None:
    g = avatar.gaussians
    most, degree = (65_000, 2) if avatar.name.endswith("-light") else (180_000, 3)
    assert most / 2 < len(g) < most
    assert avatar.binding.min() >= 0
    assert avatar.binding.max() < len(avatar.head.faces)
    for field in (g.means, g.quats, g.scales, g.opacities, g.sh):
        assert np.isfinite(field).all()
    assert (g.scales > 0).all()
    assert g.sh_degree == degree


def test_no_gaussian_is_so_opaque_that_the_background_shows(avatar: Avatar) -> None:
    """A pixel takes no splat after which less than `OPAQUE` is left: little may be left before it."""
    from emosplat.renderer.kernels.blend import OPAQUE

    shining_through = OPAQUE / (1 - avatar.gaussians.opacities.astype(np.float64) + 1e-12)
    assert shining_through.max() < 0.01


def test_gaussians_lie_on_the_head(avatar: Avatar) -> None:
    transforms = Poser(avatar.head).transforms(Motion.rest(1, avatar.head.expressions, 25.0))[0][avatar.binding]
    world = np.einsum("nij,nj->ni", transforms[:, :, :3], avatar.gaussians.means) + transforms[:, :, 3]
    low, high = avatar.head.v_template.min(0) - 0.05, avatar.head.v_template.max(0) + 0.05
    assert ((world > low) & (world < high)).all()


def test_no_pickles() -> None:
    folder = find_avatar(PEOPLE[0]).parent.parent
    for path in [*Path(folder).glob("heads/*.npz"), *Path(folder).glob("avatars/*.npz")]:
        with np.load(path, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype != object for name in arrays.files)
