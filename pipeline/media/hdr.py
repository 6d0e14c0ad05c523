"""High dynamic range as phones film it (ITU-R BT.2100: HLG, PQ) as sRGB: graphics white becomes 1, lights roll off."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import av

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]

PQ, HLG = 16, 18  # transfer characteristics in ITU-T H.273
WHITE = 203.0  # candela per square metre of graphics white (ITU-R BT.2408)
PEAK = 1000.0  # of the screen that HLG is meant for
LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)  # of BT.2020's primaries
TO_SRGB = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
SHOULDER = 0.8  # linear light above which it rolls off
STEPS = 1 << 12  # of the table back to sRGB


def is_hdr(frame: av.VideoFrame) -> bool:
    """Whether a frame's numbers are HLG or PQ."""
    return frame.color_trc in (PQ, HLG)


def standard(signal: U16, transfer: int) -> U8:
    """sRGB [..., 3] of BT.2020 signal [..., 3], 0..65535, whose transfer is `PQ` or `HLG`."""
    light = _curve(transfer)[signal]
    if transfer == HLG:  # what the scene emits, brighter where it is bright
        light *= (PEAK / WHITE) * np.maximum(light @ LUMINANCE, 1e-6)[..., None] ** np.float32(0.2)
    light = np.maximum(light @ TO_SRGB.T, 0)
    over = np.maximum(light - SHOULDER, 0)
    room = 1 - SHOULDER
    light = np.minimum(light, SHOULDER) + room * (1 - np.exp(-over / room))
    return _encoded()[(light * (STEPS - 1) + 0.5).astype(np.uint16)]


@cache
def _curve(transfer: int) -> F32:
    """Linear light by 16-bit signal: of HLG the scene's, 0..1, of PQ the screen's, in graphics whites."""
    signal = np.arange(1 << 16) / 65535
    if transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    else:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = signal ** (1 / m2)
        light = (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) * 10_000 / WHITE
    return light.astype(np.float32)


@cache
def _encoded() -> U8:
    """sRGB by linear light in `STEPS` steps."""
    light = np.arange(STEPS) / (STEPS - 1)
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * srgb + 0.5).astype(np.uint8)
