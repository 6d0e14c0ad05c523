"""A training run on disk: its configuration, its curve, and a checkpoint to go on from after any interruption."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn, optim

from ...core.errors import InputError
from ...core.whole_files import whole_file

CONFIG, CURVES, CHECKPOINT = "config.json", "curves.csv", "checkpoint.pt"


class Journal:
    """Keeps `config.json`, `curves.csv` and `checkpoint.pt` in a folder; the same configuration goes on there."""

    def __init__(self, folder: Path, config: Any) -> None:
        """`config` is a dataclass; raises InputError when the folder holds a run with another one."""
        self._folder = folder
        self._curve: list[dict[str, float]] = []
        folder.mkdir(parents=True, exist_ok=True)
        settings = json.loads(json.dumps(asdict(config)))
        path = folder / CONFIG
        if path.exists() and (found := json.loads(path.read_text(encoding="utf-8"))) != settings:
            other = ", ".join(k for k in settings | found if settings.get(k) != found.get(k))
            raise InputError(f"{folder}: holds a run with another {other}; use an empty folder, or remove that run")
        path.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")

    def resume(self, net: nn.Module, optimiser: optim.Optimizer) -> int:
        """Put everything back as the checkpoint has it; returns how many steps are done, 0 without a checkpoint."""
        path = self._folder / CHECKPOINT
        if not path.exists():
            return 0
        state = torch.load(path, weights_only=True)
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        self._curve = state["curve"]
        return int(state["step"])

    def checkpoint(self, step: int, net: nn.Module, optimiser: optim.Optimizer, **values: float) -> None:
        """Remember the state after `step` steps, whole or not at all, and add `values` to the curve."""
        self._curve.append({"step": step, **values})
        state = {"step": step, "net": net.state_dict(), "optimiser": optimiser.state_dict(), "curve": self._curve}
        with whole_file(self._folder / CHECKPOINT) as partial:
            torch.save(state, partial)
        with (self._folder / CURVES).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._curve[0])
            writer.writeheader()
            writer.writerows(self._curve)
