"""A tiny head in FLAME's layout: nothing may depend on the built-in head's size."""

import numpy as np
import pytest

from emosplat.avatars.head import ExpressionTable, HeadModel

V, F, I, E = 40, 60, 3, 5


def make_head(seed: int = 0) -> HeadModel:
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return (0.01 * rng.standard_normal(shape)).astype(np.float32)

    weights = rng.random((V, 5)).astype(np.float32) ** 4
    regressor = rng.random((5, V)).astype(np.float32)
    regressor /= regressor.sum(axis=1, keepdims=True)
    template = (0.1 * rng.standard_normal((V, 3))).astype(np.float32)
    table = ExpressionTable(("jawOpen", "eyeBlinkLeft"), normal(2, E), np.array([0.4, 0], np.float32))
    return HeadModel(
        version="tiny-1",
        v_template=template,
        faces=np.stack([rng.permutation(V)[:3] for _ in range(F)]).astype(np.int32),
        shapedirs=normal(V, 3, I),
        exprdirs=normal(V, 3, E),
        posedirs=normal(V, 3, 36),
        weights=weights / weights.sum(axis=1, keepdims=True),
        joints=regressor @ template,
        J_regressor=regressor,
        arkit=table,
        emotions=table,
        visemes=table,
        regions={"lips": np.arange(4, dtype=np.int32)},
        lip_pairs=np.array([[0, 1], [2, 3]], np.int32),
        mouth_corners=np.array([4, 5], np.int32),
    )


@pytest.fixture(scope="session")
def head() -> HeadModel:
    return make_head()
