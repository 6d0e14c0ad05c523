"""Controllers' bytes: examples of the vendors' documents (named in `protocols.py`), and what must hold for all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.pipeline.robot import protocols as p
from emosplat.pipeline.robot.description import Robot, validated


@pytest.mark.parametrize(
    ("channel", "device", "expected"),
    [
        (0, None, "84 00 70 2e"),  # User's Guide, 5.c: servo 0 to 1500 microseconds
        (2, None, "84 02 70 2e"),  # 5.e: channel 2
        (0, 12, "aa 0c 04 00 70 2e"),  # 5.c: servo 0 of device 12
    ],
)
def test_the_maestro_guides_examples(channel: int, device: int | None, expected: str) -> None:
    assert p.set_target(channel, 4 * 1500, device=device).hex(" ") == expected


@pytest.mark.parametrize(
    ("number", "instruction", "parameters", "expected"),
    [  # of the e-Manual: ping, ping to all, read, write, reg write, action, factory reset, reboot, clear, sync read
        (1, 0x01, "", "ff ff fd 00 01 03 00 01 19 4e"),
        (0xFE, 0x01, "", "ff ff fd 00 fe 03 00 01 31 42"),
        (1, 0x02, "84 00 04 00", "ff ff fd 00 01 07 00 02 84 00 04 00 1d 15"),
        (1, 0x03, "74 00 00 02 00 00", "ff ff fd 00 01 09 00 03 74 00 00 02 00 00 ca 89"),
        (1, 0x04, "68 00 c8 00 00 00", "ff ff fd 00 01 09 00 04 68 00 c8 00 00 00 ae 8e"),
        (1, 0x05, "", "ff ff fd 00 01 03 00 05 02 ce"),
        (1, 0x06, "01", "ff ff fd 00 01 04 00 06 01 a1 e6"),
        (1, 0x08, "", "ff ff fd 00 01 03 00 08 2f 4e"),
        (1, 0x10, "01 44 58 4c 22", "ff ff fd 00 01 08 00 10 01 44 58 4c 22 b1 dc"),
        (0xFE, 0x82, "84 00 04 00 01 02", "ff ff fd 00 fe 09 00 82 84 00 04 00 01 02 ce fa"),
    ],
)
def test_the_dynamixel_manuals_examples(number: int, instruction: int, parameters: str, expected: str) -> None:
    assert p.packet(number, instruction, bytes.fromhex(parameters)).hex(" ") == expected


def test_the_dynamixel_manuals_sync_write() -> None:
    expected = "ff ff fd 00 fe 11 00 83 74 00 04 00 01 96 00 00 00 02 aa 00 00 00 82 87"
    assert p.sync_write([1, 2], [150, 170]).hex(" ") == expected


@pytest.mark.parametrize(("rate", "expected"), [(200, 0x1E), (1526, 0x03), (23.84, 0xFF), (50, 121)])
def test_the_pca9685_documents_prescales(rate: float, expected: int) -> None:
    """The data sheet's example is 200 Hz; the ends of the range are those of its board's manual (UM10574)."""
    assert p.prescale(rate) == expected


@given(st.integers(0, 23), st.integers(0, 16383), st.one_of(st.none(), st.integers(0, 127)))
def test_maestro_commands_hold_their_target(channel: int, target: int, device: int | None) -> None:
    data = p.set_target(channel, target, device=device)
    assert data[0] >= 0x80
    assert max(data[1:]) < 0x80  # only a command's first byte has its highest bit set
    assert data[-2] | data[-1] << 7 == target
    assert data[-3] == channel


@given(st.lists(st.sampled_from([0xFF, 0xFD, 0x00, 0x55]), max_size=40).map(bytes))
def test_stuffing_hides_headers_and_can_be_undone(content: bytes) -> None:
    stuffed = p.stuffed(content)
    assert p.HEADER not in stuffed
    assert unstuffed(stuffed) == content


def unstuffed(data: bytes) -> bytes:
    """As the e-Manual has receivers do it, byte by byte."""
    out = bytearray()
    i = 0
    while i < len(data):
        out.append(data[i])
        i += 1
        if out[-3:] == b"\xff\xff\xfd":
            assert data[i] == 0xFD
            i += 1
    return bytes(out)


@given(st.integers(0, 252), st.integers(0, 255), st.binary(max_size=60))
def test_packets_tell_their_length_and_hold_their_sum(number: int, instruction: int, parameters: bytes) -> None:
    data = p.packet(number, instruction, parameters)
    assert data[:5] == p.HEADER + bytes([number])
    assert int.from_bytes(data[5:7], "little") == len(data) - 7
    assert p.crc(data[:-2] + data[-2:][::-1]) == 0  # a sum over data and its own sum, most significant byte first
    assert unstuffed(data[7:-2]) == bytes([instruction]) + parameters


def frame(robot: Robot, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(robot.low, robot.high, (3, len(robot.servos)))


def test_pulses_run_from_end_to_end(robot: Robot) -> None:
    ends = np.array([s.pulse for s in robot.servos])
    turned = np.array([s.reversed for s in robot.servos])
    low, high = p.pulses(robot, np.stack([robot.low, robot.high]))
    np.testing.assert_allclose(np.where(turned, high, low), ends[:, 0])
    np.testing.assert_allclose(np.where(turned, low, high), ends[:, 1])


def test_maestro_frames_name_every_servo_on_its_board(robot: Robot) -> None:
    angles = frame(robot)
    data = p.maestro(robot, angles)
    assert len(data) == 3 * 33 * 6  # more channels than a board has: every command names its board
    commands = [data[i : i + 6] for i in range(0, len(data), 6)]
    assert {c[0] for c in commands} == {0xAA}
    assert [24 * (c[1] - 12) + c[3] for c in commands[:33]] == [s.channel for s in robot.servos]
    targets = np.array([c[4] | c[5] << 7 for c in commands]).reshape(3, 33)
    np.testing.assert_allclose(targets / 4, p.pulses(robot, angles), atol=0.13)


def test_a_small_robot_speaks_the_compact_protocol(robot: Robot) -> None:
    plain = robot.model_dump(mode="json")
    small = validated(plain | {"servos": plain["servos"][:20]}, source="test")
    data = p.maestro(small, frame(robot)[:, :20])
    assert len(data) == 3 * 20 * 4
    assert set(data[::4]) == {0x84}
    assert list(data[1 : 20 * 4 : 4]) == [s.channel for s in robot.servos[:20]]


def test_dynamixel_frames_hold_every_position(robot: Robot) -> None:
    angles = frame(robot)
    data = p.dynamixel(robot, angles)
    packets = [p.HEADER + rest for rest in data.split(p.HEADER)[1:]]
    assert len(packets) == 3
    for packet, row in zip(packets, angles, strict=True):
        content = unstuffed(packet[7:-2])[5:]
        ids, values = (
            content[::5],
            [int.from_bytes(content[i + 1 : i + 5], "little") for i in range(0, len(content), 5)],
        )
        assert list(ids) == [s.channel for s in robot.servos]
        way = np.where([s.reversed for s in robot.servos], -1, 1)
        np.testing.assert_allclose(way * (np.array(values) - 2048) * 360 / 4096, row, atol=0.045)


def test_pca9685_ticks_are_the_pulses(robot: Robot) -> None:
    angles = frame(robot)
    tick = (p.prescale(50) + 1) / 25  # microseconds, by the data sheet's formula
    np.testing.assert_allclose(p.pca_ticks(robot, angles) * tick, p.pulses(robot, angles), atol=tick / 2 + 1e-9)
