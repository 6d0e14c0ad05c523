"""The built-in people's wrinkles and shadows: none at rest, some in every emotion, on the side that moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from emosplat.avatars.avatar import Avatar
from emosplat.avatars.library import builtin_avatars, open_avatar
from emosplat.avatars.motion import Motion
from emosplat.avatars.shading import Shader


@pytest.fixture(scope="module", params=builtin_avatars())
def avatar(request: pytest.FixtureRequest) -> Avatar:
    return open_avatar(request.param)


def weights(avatar: Avatar, expr: NDArray, jaw: float = 0.0) -> NDArray[np.float32]:
    """Weights [M] in one pose."""
    motion = Motion.rest(1, avatar.head.expressions, 25.0)
    motion.jaw[0, 0] = jaw
    return Shader(avatar).weights(replace(motion, expr=expr[None].astype(np.float32)))[0]


def change(avatar: Avatar, shown: NDArray[np.float32]) -> NDArray[np.float64]:
    """Largest change of colour [S], in grey levels, under weights [M]."""
    assert avatar.shading is not None
    return np.abs(np.tensordot(shown, avatar.shading.colours.delta, 1)).max(1) * 255.0


def test_nothing_shows_at_rest(avatar: Avatar) -> None:
    assert not weights(avatar, np.zeros(avatar.head.expressions)).any()


def test_every_emotion_shows_and_grows(avatar: Avatar) -> None:
    head = avatar.head
    for name, expr, jaw in zip(head.emotions.names, head.emotions.expr, head.emotions.jaw, strict=True):
        half, full = (change(avatar, weights(avatar, x * expr, x * jaw)) for x in (0.5, 1.0))
        if name != "neutral":
            assert np.quantile(full, 0.98) > 6, name
            assert half.sum() < full.sum(), name


def test_changes_stay_on_the_side_that_moves(avatar: Avatar) -> None:
    """A smile of the left corner changes the left half of the face."""
    assert avatar.shading is not None
    head, index = avatar.head, avatar.shading.colours.index
    x = head.v_template[head.faces[avatar.binding[index]]].mean(axis=1)[:, 0]
    shown = change(avatar, weights(avatar, head.arkit.expr[head.arkit.names.index("mouthSmileLeft")]))
    assert shown[x > 0.008].sum() > 5 * shown[x < -0.008].sum()


def test_an_opening_jaw_changes_the_mouth(avatar: Avatar) -> None:
    still = np.zeros(avatar.head.expressions)
    assert change(avatar, weights(avatar, still, 0.3)).max() > change(avatar, weights(avatar, still, 0.1)).max() > 2
