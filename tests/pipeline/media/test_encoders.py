"""Hardware is tried before it gets a clip; where none works, x264 does it and the record says so."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from emosplat import example_speech
from emosplat.cli import app
from emosplat.core.errors import InputError
from emosplat.pipeline.batch.items import FileHashes, Item, Rules, item_key
from emosplat.pipeline.media import encoders
from emosplat.pipeline.media.encoders import HARDWARE, X264, Encoder, choose_encoder, fault_of
from emosplat.pipeline.media.video import VideoWriter
from emosplat.pipeline.settings import DEFAULTS, read_settings
from emosplat.pipeline.settings import Encoder as Choice

# Another software encoder of H.264, in the place of one by hardware
STAND_IN = Encoder("nvenc", "libopenh264", "-profile:v high -allow_skip_frames 0 -b:v 2M", frames="nv12")
# Opens no device that is there
NOT_THERE = Encoder("vaapi", "h264_vaapi", "-qp 18", device="-init_hw_device vaapi=gpu:/nowhere", uploaded=True)
HANGING = Encoder("qsv", "libx264", "-preset placebo", device="-stream_loop -1 -f lavfi -i testsrc2=size=1024x1024")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "HARDWARE", (NOT_THERE, STAND_IN))


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "HARDWARE", (NOT_THERE, replace(STAND_IN, codec="h264_nonsense")))


def render(out: Path, *options: str) -> tuple[int, str]:
    words = [str(example_speech()), "-o", str(out), "--size", "64x64", "--duration", "0.4", "--device", "cpu", *options]
    result = CliRunner().invoke(app, words)
    return result.exit_code, result.output


def test_settings_name_every_encoder() -> None:
    assert {encoder.name for encoder in (X264, *HARDWARE)} | {"auto"} == set(get_args(Choice))
    with pytest.raises(InputError, match="encoder 'nonsense'"):
        read_settings({"encoder": "nonsense"})


@pytest.mark.parametrize("encoder", HARDWARE, ids=lambda encoder: encoder.name)
def test_hardware_works_or_says_why_not(encoder: Encoder, capfd: pytest.CaptureFixture[str]) -> None:
    fault = fault_of(encoder, 256, 256)
    if fault is None:
        assert choose_encoder(encoder.name, width=256, height=256).encoder == encoder
    else:
        assert fault.strip()
        assert "\n" not in fault
        assert "0x" not in fault
        with pytest.raises(InputError, match=f"^--encoder {encoder.name}: does not work here: "):
            choose_encoder(encoder.name, width=256, height=256)
    assert capfd.readouterr() == ("", "")


def test_what_does_not_come_back_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "SECONDS", 0.5)
    assert fault_of(HANGING, 64, 64) == "no answer within 0.5 s"


@pytest.mark.usefixtures("stand_in")
def test_auto_takes_what_works_and_tells_it(tmp_path: Path) -> None:
    out = tmp_path / "a.mp4"
    assert render(out, "--encoder", "auto")[0] == 0
    record = json.loads((tmp_path / "a.mp4.json").read_text())
    assert record["encoder"] == "libopenh264 (the first hardware that works here)"
    assert record["settings"]["encoder"] == "auto"
    with av.open(str(out)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert len(list(container.decode(video=0))) == record["result"]["frames"] == 10


@pytest.mark.usefixtures("nothing")
def test_without_hardware_x264_does_it_and_one_line_says_why(tmp_path: Path) -> None:
    assert render(tmp_path / "auto.mp4", "--encoder", "auto")[0] == 0
    assert render(tmp_path / "x264.mp4")[0] == 0
    told, plain = (json.loads((tmp_path / f"{name}.mp4.json").read_text())["encoder"] for name in ("auto", "x264"))
    assert told.startswith("libx264 (no hardware works here: vaapi: ")
    assert "nvenc: " in told
    assert "\n" not in told
    assert plain == "libx264"
    assert (tmp_path / "auto.mp4").read_bytes() == (tmp_path / "x264.mp4").read_bytes()


@pytest.mark.usefixtures("nothing")
def test_hardware_that_was_asked_for_and_fails_is_one_line_and_no_file(tmp_path: Path) -> None:
    code, output = render(tmp_path / "a.mp4", "--encoder", "nvenc")
    assert code == 2
    assert "--encoder nvenc: does not work here" in output.strip().splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_other_formats_have_one_encoder(tmp_path: Path) -> None:
    assert render(tmp_path / "a.mkv", "--encoder", "auto")[0] == 0
    assert json.loads((tmp_path / "a.mkv.json").read_text())["encoder"] == "FFV1"
    code, output = render(tmp_path / "b.mkv", "--encoder", "qsv")
    assert code == 2
    assert "--encoder qsv: makes .mp4, found .mkv" in output
    code, output = render(tmp_path / "a.json", "--encoder", "qsv")
    assert code == 2
    assert "--encoder qsv: makes .mp4, found .json" in output
    assert {path.name for path in tmp_path.iterdir()} == {"a.mkv", "a.mkv.json"}


def test_colours_are_those_of_x264(tmp_path: Path) -> None:
    """Whatever rearranges the planes: grey stays grey, red stays red, and the file says BT.709."""
    shown = np.full((64, 64, 3), 128, np.uint8)
    shown[:, 32:] = 220, 30, 30
    found = []
    for encoder in (X264, STAND_IN):
        path = tmp_path / f"{encoder.codec}.mp4"
        with VideoWriter(path, width=64, height=64, fps=25, encoder=encoder) as writer:
            for _ in range(5):
                writer.write(shown)
        with av.open(str(path)) as container:
            frames = list(container.decode(video=0))
            assert frames[-1].colorspace == 1  # BT.709
            found.append(frames[-1].to_ndarray(format="yuv420p").astype(int))
    assert np.abs(found[0] - found[1]).mean() < 2


def test_a_batch_tells_encoders_apart() -> None:
    def key(**changes: str) -> str:
        item = Item("i", "a.wav", "i.mp4", read_settings(changes))
        return item_key(item, Rules(), audio="1", track=None, files=FileHashes())

    assert key() == key(encoder=DEFAULTS.encoder) != key(encoder="auto") != key(encoder="nvenc")
