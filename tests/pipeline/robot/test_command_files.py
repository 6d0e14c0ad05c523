"""Commands on disk: read back as written, faults named."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.core.errors import InputError
from emosplat.pipeline.robot.command_files import command_format, parse_commands, read_commands, write_commands
from emosplat.pipeline.robot.description import Robot, load_robot

ROBOT = load_robot("morpheus-like")
HEADER = ",".join(["time_s", *ROBOT.names])
REST = ",".join("0" for _ in ROBOT.names)


def test_angles_come_back(robot: Robot, tmp_path: Path) -> None:
    angles = np.random.default_rng(0).uniform(robot.low, robot.high, (7, len(robot.servos)))
    write_commands(tmp_path / "new" / "c.csv", robot, angles, fps=40)
    times, again = read_commands(tmp_path / "new" / "c.csv", robot)
    np.testing.assert_allclose(times, np.arange(7) / 40, atol=1e-6)
    np.testing.assert_allclose(again, angles, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "start"),
    [("c.csv", b"time_s,jaw,"), ("c.maestro.bin", b"\xaa\x0c\x04\x01"), ("c.dynamixel.bin", b"\xff\xff\xfd\x00\xfe"),
     ("C.PCA9685.CSV", b"time_s,0:1 jaw,")],
)  # fmt: skip
def test_the_suffix_says_what_is_written(robot: Robot, tmp_path: Path, name: str, start: bytes) -> None:
    write_commands(tmp_path / name, robot, robot.neutral[None], fps=50)
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["c.bin", "c", "c.json", ".csv", ".maestro.bin"])
def test_other_suffixes_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"\.maestro\.bin \(Pololu Maestro\)"):
        command_format(Path(name))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "found nothing"),
        (HEADER.replace("jaw,", "yaw,", 1), "one column 'jaw', found none"),
        (f"{HEADER},jaw", "one column 'jaw', found 2"),
        (HEADER, "at least two times"),
        (f"{HEADER}\n0,{REST}\n0,{REST}", "grow"),
        (f"{HEADER}\n0,{REST}\n1,{REST},4", "line 3: expected 34 cells, found 35"),
        (f"{HEADER}\n0,{REST}\n1,99{REST[1:]}", "line 3: jaw: expected a number in -5..60, found '99'"),
        (f"{HEADER}\n0,{REST}\n1,nan{REST[1:]}", "line 3: jaw"),
    ],
)
def test_faults_name_line_and_column(text: str, problem: str) -> None:
    with pytest.raises(InputError) as error:
        parse_commands(text, ROBOT, source="c.csv")
    assert str(error.value).startswith("c.csv: ")
    assert problem in str(error.value)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80), st.booleans())
def test_any_text_is_a_table_or_an_error(text: str, with_header: bool) -> None:
    with contextlib.suppress(InputError):
        parse_commands(f"{HEADER}\n{text}" if with_header else text, ROBOT, source="c.csv")
