"""A camera that other programs see: the avatar in a video call."""

from __future__ import annotations

from ...core.errors import InputError
from .draw import U8
from .frame import LiveFrame


class VirtualCamera:
    """Shows pictures through pyvirtualcam: v4l2loopback on Linux, OBS on Windows and macOS."""

    def __init__(self, size: tuple[int, int], *, fps: float) -> None:
        """Raises InputError without the package or without a device."""
        try:
            import pyvirtualcam  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise InputError(
                f"--virtual-camera: expected the package pyvirtualcam ({error}); pip install 'emosplat[camera]'"
            ) from None
        try:
            self._camera = pyvirtualcam.Camera(*size, fps)
        except (RuntimeError, ValueError) as error:
            said = " ".join(str(error).split())[:200]
            raise InputError(
                f"--virtual-camera: expected a virtual camera on this machine, found none: {said}"
            ) from None

    def show(self, frame: LiveFrame, picture: U8) -> None:
        """The next picture, [H, W, 3]."""
        self._camera.send(picture[..., :3])

    def close(self) -> None:
        """Show no more."""
        self._camera.close()
