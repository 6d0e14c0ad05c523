"""A run's folder: what lies in it is whole, or it is one error that names the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from emosplat.blendshapes.training.journal import Journal, contents
from emosplat.core.errors import InputError


@dataclass(frozen=True)
class Config:
    steps: int = 1


def run() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    net = torch.nn.Linear(2, 2)
    return net, torch.optim.Adam(net.parameters())


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_settings_that_cannot_be_read_are_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json: expected the settings of a run"):
        Journal(tmp_path, Config())


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.9])
def test_a_checkpoint_that_was_cut_off_is_told(tmp_path: Path, kept: float) -> None:
    Journal(tmp_path, Config()).checkpoint(1, *run(), loss=1.0)
    path = tmp_path / "checkpoint.pt"
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    with pytest.raises(InputError, match=r"checkpoint\.pt: expected a checkpoint"):
        Journal(tmp_path, Config()).resume(*run())


def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch says so in an error of its own."""
    journal = Journal(tmp_path, Config())
    journal.checkpoint(1, *run(), loss=1.0)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(_state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(InputError, match=r"checkpoint\.pt: cannot be written"):
        journal.checkpoint(2, *run(), loss=0.5)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_run_goes_on_with_the_same_data_alone(tmp_path: Path) -> None:
    """Whoever records more and trains into the same folder shall not get the weights of before."""
    data, out = tmp_path / "data", tmp_path / "data" / "mine"
    (data / "a").mkdir(parents=True)
    (data / "a" / "1.wav").write_bytes(b"sound")
    first = contents([data], out=out)
    Journal(out, Config(), data=first)
    (data / ".DS_Store").write_bytes(b"x")
    assert contents([data], out=out) == contents([f"{data}/"], out=out) == first
    assert contents([f"faces={data}"], out=out) != first
    Journal(out, Config(), data=first)
    (data / "a" / "2.wav").write_bytes(b"more")
    with pytest.raises(InputError, match="holds a run with another data set; use an empty folder"):
        Journal(out, Config(), data=contents([data], out=out))
