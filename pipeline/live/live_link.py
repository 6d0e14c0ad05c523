"""Live Link Face over UDP, as Unreal Engine and Blender add-ons receive it.

The layout is that of Unreal's AppleARKitLiveLinkSource (version 6), numbers big-endian: version uint8; device id and
subject name, each an int32 length and UTF-8; the frame time, int32 frame and float32 part of a frame; the frame rate,
int32 over int32; a count, uint8; and so many float32. Their order is Unreal's EARFaceBlendShape, in which left goes
before right for jaw and mouth, other than in the app's CSV files. Readers in Python (github.com/JimWest/PyLiveLinkFace)
take the last byte of the id's length for its first letter: an id must have 36 letters, as a UUID has.
"""

from __future__ import annotations

import struct
import uuid
from datetime import datetime

import numpy as np

from ...avatars.arkit import ARKIT_52
from .frame import LiveFrame
from .network import Datagrams

PORT = 11111
VERSION = 6
SUBJECT = "emosplat"
ANGLES = tuple(f"{part}{angle}" for part in ("Head", "LeftEye", "RightEye") for angle in ("Yaw", "Pitch", "Roll"))
_SWAPPED = {"jawRight": "jawLeft", "jawLeft": "jawRight", "mouthRight": "mouthLeft", "mouthLeft": "mouthRight"}
CURVES = (*(_SWAPPED.get(name, name) for name in ARKIT_52), *ANGLES)  # the 61, in order
_PLACES = [ARKIT_52.index(name) for name in CURVES[: len(ARKIT_52)]]
_DAY = 86_400


class LiveLink:
    """Sends every frame to one receiver."""

    def __init__(self, address: tuple[str, int], *, fps: float, subject: str = SUBJECT) -> None:
        """Raises InputError for a host that is not known."""
        self._datagrams = Datagrams(address, option="--live-link")
        self._fps, self._subject = round(fps), subject
        self._device = str(uuid.uuid4())

    def send(self, frame: LiveFrame) -> None:
        """See `Sink.send`."""
        self._datagrams.send(self.packet(frame, datetime.now()))

    def packet(self, frame: LiveFrame, now: datetime) -> bytes:
        """The datagram of a frame that is shown at `now`, time of day."""
        seconds = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() % _DAY
        number, part = divmod(seconds * self._fps, 1)
        device, subject = self._device.encode(), self._subject.encode()
        return b"".join(
            (
                struct.pack(f">Bi{len(device)}s", VERSION, len(device), device),
                struct.pack(f">i{len(subject)}s", len(subject), subject),
                struct.pack(">ifii", int(number), part, self._fps, 1),
                struct.pack(f">B{len(CURVES)}f", len(CURVES), *self._values(frame)),
            )
        )

    @staticmethod
    def _values(frame: LiveFrame) -> np.ndarray:
        pitch, yaw, roll = frame.head
        eyes = [angle for pitch, yaw in frame.gaze for angle in (yaw, pitch, 0.0)]
        return np.concatenate([frame.weights[_PLACES], [yaw, pitch, roll, *eyes]])

    def close(self) -> None:
        """Send no more."""
        self._datagrams.close()
