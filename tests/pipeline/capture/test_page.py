"""The camera of the report's side views goes where it says."""

import numpy as np
import pytest

from emosplat.pipeline.capture.page import around
from emosplat.renderer import Camera


@pytest.mark.parametrize("degrees", [-60, 20, 90])
def test_the_camera_is_carried_around_the_person(degrees: int) -> None:
    front = Camera.look_at((0, 0.1, 0.6), (0, 0, 0), fov_y=0.4, width=32, height=32)
    found = around(front, degrees)
    turn = np.radians(degrees)
    np.testing.assert_allclose(found.position, (0.6 * np.sin(turn), 0.1, 0.6 * np.cos(turn)), atol=1e-6)
    np.testing.assert_allclose(found.view[:3, :3] @ found.view[:3, :3].T, np.eye(3), atol=1e-6)
    middle = found.view @ np.array([0, 0, 0, 1.0])
    np.testing.assert_allclose(middle[:2], 0, atol=1e-6)
