"""Virtual Motion Capture protocol (protocol.vmc.info): Open Sound Control over UDP to VTuber programs and engines.

Weights go by the names of Perfect Sync, those of ARKit with a capital first letter; the head turns as the bone `Head`.
Unity's space is left-handed: seen from FLAME's, X points the other way.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.spatial.transform import Rotation

from ...avatars.arkit import ARKIT_52
from ...core.errors import InputError
from .frame import LiveFrame
from .network import Datagrams

PORT = 39539
NAMES = tuple(name[0].upper() + name[1:] for name in ARKIT_52)
_TOGETHER = 20  # messages of about 60 bytes
NECK = (0.0, 0.08, 0.0)  # metres from neck to head of a usual model, for receivers that take positions, too


class Vmc:
    """Sends every frame to one receiver, in bundles that fit a network's packets."""

    def __init__(self, address: tuple[str, int]) -> None:
        """Raises InputError for a host that is not known, or without python-osc."""
        try:
            from pythonosc import osc_bundle_builder, osc_message_builder
        except ImportError as error:
            raise InputError(
                f"--vmc: expected the package python-osc ({error}); pip install 'emosplat[live]'"
            ) from None
        self._message = osc_message_builder.OscMessageBuilder
        self._bundle = osc_bundle_builder.OscBundleBuilder
        self._at_once = osc_bundle_builder.IMMEDIATELY
        self._datagrams = Datagrams(address, option="--vmc")

    def send(self, frame: LiveFrame) -> None:
        """See `Sink.send`."""
        for packet in self.packets(frame):
            self._datagrams.send(packet)

    def packets(self, frame: LiveFrame) -> Iterator[bytes]:
        """The bundles of a frame; the last one ends with the order to apply them all."""
        messages = list(self._messages(frame))
        for first in range(0, len(messages), _TOGETHER):
            bundle = self._bundle(self._at_once)
            for address, values in messages[first : first + _TOGETHER]:
                message = self._message(address)
                for value in values:
                    message.add_arg(value)
                bundle.add_content(message.build())  # pyright: ignore[reportArgumentType]
            yield bundle.build().dgram

    @staticmethod
    def _messages(frame: LiveFrame) -> Iterator[tuple[str, list[str | int | float]]]:
        x, y, z, w = Rotation.from_rotvec(np.asarray(frame.head)).as_quat().tolist()
        weights = frame.weights.tolist()
        yield "/VMC/Ext/OK", [1]
        yield "/VMC/Ext/T", [frame.time]
        yield "/VMC/Ext/Bone/Pos", ["Head", *NECK, x, -y, -z, w]
        for name, weight in zip(NAMES, weights, strict=True):
            yield "/VMC/Ext/Blend/Val", [name, weight]
        yield "/VMC/Ext/Blend/Apply", []

    def close(self) -> None:
        """Send no more."""
        self._datagrams.close()
