"""A browser viewer: viser carries the sliders and the camera, our renderer makes the pictures."""
