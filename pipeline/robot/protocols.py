"""Servo angles as what controllers read: Pololu's Maestro, NXP's PCA9685 and Robotis' Dynamixel, protocol 2.0.

Sources: "Pololu Maestro Servo Controller User's Guide", sections 5.c and 5.e (www.pololu.com/docs/0J40); "PCA9685
product data sheet" of NXP, section 7.3.5; "DYNAMIXEL Protocol 2.0" of the Robotis e-Manual
(emanual.robotis.com/docs/en/dxl/protocol2) and, for positions, its X series.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .description import Robot

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# Maestro
SET_TARGET = 0x84
POLOLU, FIRST_DEVICE = 0xAA, 12  # start of a command that names its board; the number that boards come with
MAESTRO_CHANNELS = 24  # of the largest board
# PCA9685
CLOCK = 25e6  # Hz, of its own oscillator
TICKS = 4096  # of one period
PULSES = 50.0  # per second, as hobby servos expect
PCA_CHANNELS = 16
# Dynamixel
HEADER = b"\xff\xff\xfd\x00"
EVERYONE, SYNC_WRITE = 0xFE, 0x83
STUFFED = b"\xff\xff\xfd"  # may not stand within a packet
GOAL_POSITION, POSITION_BYTES = 116, 4
TURN, MIDDLE = 4096, 2048  # ticks of a turn, and the one of 0 degrees
POLYNOMIAL = 0x8005


def pulses(robot: Robot, angles: F64) -> F64:
    """Pulse widths [T, S] in microseconds of angles [T, S], degrees."""
    ends = np.array([s.pulse for s in robot.servos])
    share = (angles - robot.low) / (robot.high - robot.low)
    share = np.where([s.reversed for s in robot.servos], 1 - share, share)
    return ends[:, 0] + share * (ends[:, 1] - ends[:, 0])


def maestro(robot: Robot, angles: F64) -> bytes:
    """Set Target commands of all servos, frame by frame: the compact protocol where one board has room for all.

    Where channels go beyond 23, every command names its board (the Pololu protocol): channel 24 is channel 0 of the
    next one, whose device number is 13, and so on.
    """
    targets = np.rint(4 * pulses(robot, angles)).astype(np.int64)
    several = max(s.channel for s in robot.servos) >= MAESTRO_CHANNELS
    out = bytearray()
    for row in targets.tolist():
        for servo, target in zip(robot.servos, row, strict=True):
            board, channel = divmod(servo.channel, MAESTRO_CHANNELS) if several else (None, servo.channel)
            out += set_target(channel, target, device=None if board is None else FIRST_DEVICE + board)
    return bytes(out)


def set_target(channel: int, target: int, *, device: int | None = None) -> bytes:
    """One Set Target command: `target` in quarter microseconds, 7 bits per byte; `device` of the Pololu protocol.

    >>> set_target(2, 6000).hex(" ")
    '84 02 70 2e'
    """
    start = [SET_TARGET] if device is None else [POLOLU, device, SET_TARGET & 0x7F]
    return bytes([*start, channel, target & 0x7F, (target >> 7) & 0x7F])


def prescale(rate: float) -> int:
    """What a PCA9685's register PRE_SCALE holds for so many pulses per second.

    >>> prescale(200)
    30
    """
    return round(CLOCK / (TICKS * rate)) - 1


def pca_ticks(robot: Robot, angles: F64) -> I64:
    """Ticks [T, S] for which each output is on, of 4096 per period; the period begins with the pulse (LEDn_ON 0)."""
    period = 1e6 * TICKS * (prescale(PULSES) + 1) / CLOCK  # microseconds; prescaling hits 50 Hz only nearly
    return np.clip(np.rint(pulses(robot, angles) / period * TICKS), 0, TICKS - 1).astype(np.int64)


def positions(robot: Robot, angles: F64) -> I64:
    """Goal positions [T, S] of Dynamixels: 4096 per turn, 2048 where the horn stands at 0 degrees."""
    way = np.where([s.reversed for s in robot.servos], -1, 1)
    return MIDDLE + np.rint(way * angles * TURN / 360).astype(np.int64)


def dynamixel(robot: Robot, angles: F64) -> bytes:
    """One Sync Write of all goal positions per frame; a servo's ID is its channel."""
    ids = [s.channel for s in robot.servos]
    return b"".join(sync_write(ids, row) for row in positions(robot, angles).tolist())


def sync_write(ids: Sequence[int], values: Sequence[int], *, address: int = GOAL_POSITION) -> bytes:
    """A packet that writes one 32-bit value to each of several servos.

    >>> sync_write([1, 2], [150, 170])[-2:].hex(" ")
    '82 87'
    """
    parameters = address.to_bytes(2, "little") + POSITION_BYTES.to_bytes(2, "little")
    for number, value in zip(ids, values, strict=True):
        parameters += bytes([number]) + value.to_bytes(POSITION_BYTES, "little")
    return packet(EVERYONE, SYNC_WRITE, parameters)


def packet(number: int, instruction: int, parameters: bytes = b"") -> bytes:
    """An instruction packet of protocol 2.0: header, ID, length, instruction, parameters with stuffing, CRC.

    >>> packet(1, 0x01).hex(" ")
    'ff ff fd 00 01 03 00 01 19 4e'
    """
    content = stuffed(bytes([instruction]) + parameters)
    body = HEADER + bytes([number]) + (len(content) + 2).to_bytes(2, "little") + content
    return body + crc(body).to_bytes(2, "little")


def stuffed(content: bytes) -> bytes:
    """The same with a byte 0xFD behind every pattern that would look like a header."""
    return content.replace(STUFFED, STUFFED + b"\xfd")


def crc(data: bytes) -> int:
    """CRC-16 of a packet: polynomial 0x8005, most significant bit first, starting from 0."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1) ^ POLYNOMIAL if value & 0x8000 else value << 1
            value &= 0xFFFF
    return value
