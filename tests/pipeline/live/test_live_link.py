"""Live Link Face's datagrams, read back by the published layout, by another library, and from a real socket."""

import re
import socket
import struct
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.avatars.arkit import ARKIT_52
from emosplat.core.errors import InputError
from emosplat.pipeline.live.live_link import CURVES, LiveLink
from emosplat.pipeline.live.network import parse_address

from .pretend import frame

# the names of Unreal's EARFaceBlendShape, in its order, written down apart from the code
UNREAL = re.findall(
    r"\w+",
    """EyeBlinkLeft EyeLookDownLeft EyeLookInLeft EyeLookOutLeft EyeLookUpLeft EyeSquintLeft EyeWideLeft EyeBlinkRight
    EyeLookDownRight EyeLookInRight EyeLookOutRight EyeLookUpRight EyeSquintRight EyeWideRight JawForward JawLeft
    JawRight JawOpen MouthClose MouthFunnel MouthPucker MouthLeft MouthRight MouthSmileLeft MouthSmileRight
    MouthFrownLeft MouthFrownRight MouthDimpleLeft MouthDimpleRight MouthStretchLeft MouthStretchRight
    MouthRollLower MouthRollUpper MouthShrugLower MouthShrugUpper MouthPressLeft MouthPressRight MouthLowerDownLeft
    MouthLowerDownRight MouthUpperUpLeft MouthUpperUpRight BrowDownLeft BrowDownRight BrowInnerUp BrowOuterUpLeft
    BrowOuterUpRight CheekPuff CheekSquintLeft CheekSquintRight NoseSneerLeft NoseSneerRight TongueOut HeadYaw
    HeadPitch HeadRoll LeftEyeYaw LeftEyePitch LeftEyeRoll RightEyeYaw RightEyePitch RightEyeRoll""",
)
NOW = datetime(2026, 11, 30, 12, 34, 56, 500_000)
FACE = {"mouthSmileLeft": 0.4, "jawLeft": 0.3, "headYaw": 0.1, "headPitch": -0.2, "gazeLeftYaw": 0.05}


@pytest.fixture
def receiver() -> socket.socket:
    receiving = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiving.bind(("127.0.0.1", 0))
    receiving.settimeout(5)
    return receiving


def decoded(data: bytes) -> tuple[dict[str, float], dict[str, object]]:
    """A packet by Unreal's reader: names and values, and what stands before them."""
    at = 0

    def take(form: str) -> tuple:
        nonlocal at
        found = struct.unpack_from(">" + form, data, at)
        at += struct.calcsize(">" + form)
        return found

    (version,) = take("B")
    device, subject = (take(f"{take('i')[0]}s")[0].decode() for _ in range(2))
    frame_number, part, rate, base = take("ifii")
    (count,) = take("B")
    values = take(f"{count}f")
    assert at == len(data)
    head = {"version": version, "device": device, "subject": subject, "time": (frame_number + part) * base / rate}
    return dict(zip(UNREAL, values, strict=True)), head


def test_the_curves_are_unreals() -> None:
    assert [name.lower() for name in CURVES] == [name.lower() for name in UNREAL]


def test_a_packet_says_what_the_face_does() -> None:
    shown = frame(**FACE)
    curves, head = decoded(LiveLink(("127.0.0.1", 11111), fps=30).packet(shown, NOW))
    assert head["version"] == 6
    assert head["subject"] == "emosplat"
    assert re.fullmatch(r"[0-9a-f-]{36}", str(head["device"]))
    assert head["time"] == pytest.approx(12 * 3600 + 34 * 60 + 56.5, abs=1e-3)
    for name in ARKIT_52:
        assert curves[name[0].upper() + name[1:]] == pytest.approx(shown.arkit[name], abs=1e-6)
    assert curves["JawLeft"] == pytest.approx(0.3, abs=0.05)
    assert curves["JawRight"] < 0.05
    angles = {name: curves[name] for name in UNREAL[52:] if curves[name]}
    assert angles == pytest.approx({"HeadYaw": 0.1, "HeadPitch": -0.2, "LeftEyeYaw": 0.05})


@given(st.floats(1, 240), st.integers(0, 86_399_999))
def test_any_time_of_day_is_a_frame(fps: float, milliseconds: int) -> None:
    now = datetime.fromtimestamp(0).replace(hour=0, minute=0, second=0)
    now = now.fromordinal(now.toordinal()).replace(microsecond=0)
    seconds, rest = divmod(milliseconds, 1000)
    moment = now.replace(hour=seconds // 3600, minute=seconds // 60 % 60, second=seconds % 60, microsecond=1000 * rest)
    _, head = decoded(LINK.packet(SHOWN, moment))
    assert head["time"] == pytest.approx(milliseconds / 1000, abs=0.01)


LINK, SHOWN = LiveLink(("127.0.0.1", 11111), fps=60), frame(**FACE)


def test_another_library_reads_it(receiver: socket.socket) -> None:
    other = pytest.importorskip("pylivelinkface", reason="an oracle; pip install pylivelinkface timecode")
    link = LiveLink(receiver.getsockname(), fps=60)
    link.send(SHOWN)
    found, face = other.PyLiveLinkFace.decode(receiver.recv(2048))
    assert found
    assert face.name == "emosplat"
    assert face.fps == 60
    read = {shape.name: face.get_blendshape(shape) for shape in other.FaceBlendShape}
    curves, _ = decoded(link.packet(SHOWN, NOW))
    assert read == pytest.approx(curves)


def test_nobody_has_to_listen(receiver: socket.socket) -> None:
    link = LiveLink(receiver.getsockname(), fps=30)
    receiver.close()
    for _ in range(5):
        link.send(SHOWN)
    link.close()
    link.send(SHOWN)


@given(st.text(max_size=30))
def test_any_address_is_one_or_an_error(text: str) -> None:
    try:
        host, port = parse_address(text, port=11111, option="--live-link")
    except InputError:
        return
    assert host
    assert 0 < port < 65536


@pytest.mark.parametrize("text", ["", ":5", "a:", "a:0", "a:65536", "a:x", "::1", "[::1]5", "a:b:1"])
def test_what_is_no_address(text: str) -> None:
    if text == "a:":
        assert parse_address(text, port=7, option="--vmc") == ("a", 7)
        return
    with pytest.raises(InputError, match="HOST"):
        parse_address(text, port=1, option="--live-link")


def test_an_unknown_machine_is_one_line() -> None:
    with pytest.raises(InputError, match="expected a machine, found none"):
        LiveLink(("no.such.machine.invalid", 1), fps=30)


def test_values_are_finite() -> None:
    curves, _ = decoded(LINK.packet(SHOWN, NOW))
    assert np.isfinite(list(curves.values())).all()
