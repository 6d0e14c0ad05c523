"""VMC's messages, received by another library's server over a real socket."""

import threading
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pytest.importorskip("pythonosc", reason="python-osc is not installed (pip install emosplat[live])")

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

from emosplat.pipeline.live.vmc import NAMES, Vmc

from .pretend import frame

MTU = 1472  # bytes of a datagram that no network cuts in pieces


def received(shown: Any) -> list[tuple[Any, ...]]:
    """What a server hears of a frame, in order."""
    heard: list[tuple[Any, ...]] = []
    ended = threading.Event()

    def hear(address: str, *values: Any) -> None:
        heard.append((address, *values))
        if address == "/VMC/Ext/Blend/Apply":
            ended.set()

    dispatcher = Dispatcher()
    dispatcher.set_default_handler(hear)
    with BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sender = Vmc(("127.0.0.1", int(server.server_address[1])))
        sender.send(shown)
        assert ended.wait(5)
        sender.close()
        server.shutdown()
    return heard


def test_a_receiver_hears_the_face() -> None:
    shown = frame(mouthSmileLeft=0.4, headYaw=0.1, headPitch=0.2)
    heard = received(shown)
    assert heard[0] == ("/VMC/Ext/OK", 1)
    assert heard[1] == ("/VMC/Ext/T", pytest.approx(shown.time, abs=1e-4))
    assert heard[-1] == ("/VMC/Ext/Blend/Apply",)
    weights = {name: value for address, name, value, *_ in heard[3:-1] if address == "/VMC/Ext/Blend/Val"}
    assert list(weights) == list(NAMES)
    assert weights["MouthSmileLeft"] == pytest.approx(shown.arkit["mouthSmileLeft"])


def test_the_head_turns_the_same_way_in_unitys_space() -> None:
    (_, name, _, _, _, x, y, z, w), *_ = (m for m in received(frame(headYaw=0.3, headPitch=0.2)) if "Bone" in m[0])
    assert name == "Head"
    mirror = np.diag([-1.0, 1, 1])  # X of Unity's left-handed space points the other way
    turned = mirror @ Rotation.from_quat([x, y, z, w]).as_matrix() @ mirror
    np.testing.assert_allclose(turned, Rotation.from_rotvec([0.2, 0.3, 0]).as_matrix(), atol=1e-6)


def test_packets_fit_a_network() -> None:
    assert max(map(len, Vmc(("127.0.0.1", 1)).packets(frame()))) <= MTU
