"""Where the items of a batch run: processes on this machine, Ray actors, or Slurm jobs; all run one `Worker`."""

from __future__ import annotations

from ....core.errors import InputError
from .base import Engine


def open_engine(name: str, *, device: str, workers: int | None, address: str | None) -> Engine:
    """The engine `local` or `ray`; raises InputError. (Slurm's jobs run the local one.)"""
    if name == "local":
        from .local import local_engine

        return local_engine(device, workers)
    if name == "ray":
        from .ray import ray_engine

        return ray_engine(address, workers, device)
    raise InputError(f"--engine {name!r}: expected local, ray or slurm")
