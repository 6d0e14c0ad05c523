"""A training run on disk: its configuration, its curve, and a checkpoint to go on from after any interruption."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import pickle
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn, optim

from ...core.errors import InputError
from ...core.whole_files import whole_file, write_whole

CONFIG, CURVES, CHECKPOINT = "config.json", "curves.csv", "checkpoint.pt"
LEARNED_FROM = "data set"  # beside the settings in a configuration


def contents(data: Iterable[str | Path], *, out: Path) -> str:
    """A hash of the names and sizes of all files of data sets, each a folder or KIND=FOLDER, wherever they lie.

    Hidden files say nothing, nor does what training itself writes into `out`.
    """
    listed = hashlib.sha256()
    for told in map(str, data):
        kind, _, folder = told.rpartition("=") if not Path(told).exists() else ("", "", told)
        listed.update(f"{kind}\n".encode())
        for name, size in sorted(_files(Path(folder), out.resolve())):
            listed.update(f"{name} {size}\n".encode(errors="surrogateescape"))
    return listed.hexdigest()


def _files(folder: Path, out: Path) -> Iterable[tuple[str, int]]:
    """Path within the folder, and bytes, of every file."""
    for place, folders, names in os.walk(folder, followlinks=True):
        here = Path(place)
        folders[:] = [name for name in folders if name[0] != "." and (here / name).resolve() != out]
        for name in names:
            if name[0] != "." and (path := here / name).is_file():
                yield path.relative_to(folder).as_posix(), path.stat().st_size


class Journal:
    """Keeps `config.json`, `curves.csv` and `checkpoint.pt` in a folder; the same configuration goes on there."""

    def __init__(self, folder: Path, config: Any, *, data: str = "") -> None:
        """`config` is a dataclass, `data` what `contents` tells of the data to learn from.

        Raises InputError when the folder holds a run with others.
        """
        self._folder = folder
        self._curve: list[dict[str, float]] = []
        settings = json.loads(json.dumps(asdict(config))) | ({LEARNED_FROM: data} if data else {})
        path = folder / CONFIG
        if path.exists() and (found := _settings(path)) != settings:
            other = ", ".join(k for k in settings | found if settings.get(k) != found.get(k))
            raise InputError(f"{folder}: holds a run with another {other}; use an empty folder, or remove that run")
        write_whole(path, (json.dumps(settings, indent=1) + "\n").encode())

    def resume(self, net: nn.Module, optimiser: optim.Optimizer) -> int:
        """Put everything back as the checkpoint has it; returns how many steps are done, 0 without a checkpoint.

        Raises InputError for a damaged one.
        """
        path = self._folder / CHECKPOINT
        if not path.exists():
            return 0
        try:
            state = torch.load(path, weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise InputError(f"{path}: expected a checkpoint, found something else; remove it to begin anew") from error
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        self._curve = state["curve"]
        return int(state["step"])

    def checkpoint(self, step: int, net: nn.Module, optimiser: optim.Optimizer, **values: float) -> None:
        """Remember the state after `step` steps, whole or not at all, and add `values` to the curve.

        Raises InputError where that cannot be written.
        """
        self._curve.append({"step": step, **values})
        state = {"step": step, "net": net.state_dict(), "optimiser": optimiser.state_dict(), "curve": self._curve}
        path = self._folder / CHECKPOINT
        try:
            with whole_file(path) as partial:
                torch.save(state, partial)
        except RuntimeError as error:  # of torch, where a disk is full
            raise InputError(f"{path}: cannot be written ({' '.join(str(error).split())[:80]})") from error
        curves = io.StringIO(newline="")
        writer = csv.DictWriter(curves, self._curve[0])
        writer.writeheader()
        writer.writerows(self._curve)
        write_whole(self._folder / CURVES, curves.getvalue().encode())


def _settings(path: Path) -> Any:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: expected the settings of a run in JSON, found something else") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected the settings of a run, found {type(found).__name__}")
    return found
