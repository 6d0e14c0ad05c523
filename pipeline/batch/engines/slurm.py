"""Slurm through submitit: an array of jobs, each of which renders one shard with local workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ....core.errors import InputError
from ..places import STATE

if TYPE_CHECKING:
    from ..plan import BatchRequest


def submit_shards(request: BatchRequest, *, shards: int, parameters: str, workers: int | None) -> list[Any]:
    """Submit one job per shard and return submitit's jobs.

    parameters: words such as `slurm_partition=gpu timeout_min=120 gpus_per_node=1`, passed to submitit;
    `cluster=local` runs the jobs as processes on this machine.
    Raises InputError.
    """
    try:
        import submitit
    except ImportError:
        raise InputError("--engine slurm: submitit is not installed; pip install 'emosplat[slurm]'") from None
    if request.folder is None:
        raise InputError(f"--engine slurm: expected a folder that all nodes share, found {request.out}")
    if not 1 <= shards <= 100_000:
        raise InputError(f"--shards {shards}: expected 1 to 100000")
    chosen = dict(_parameters(parameters))
    cluster = chosen.pop("cluster", None)
    try:
        executor = submitit.AutoExecutor(request.folder / STATE / "slurm" / "%j", cluster=cluster)
        executor.update_parameters(name="emosplat", **chosen)
    except (ValueError, RuntimeError, NameError, TypeError) as error:
        raise InputError(f"--slurm {parameters!r}: {' '.join(str(error).split())}") from None
    parts = [replace(request, shard=f"{number}/{shards}") for number in range(1, shards + 1)]
    return executor.map_array(run_shard, parts, [workers] * shards)


def run_shard(request: BatchRequest, workers: int | None) -> int:
    """One job: render a shard; returns the exit code. After preemption Slurm starts it again, and it resumes."""
    from ..run import run_batch
    from .local import local_engine

    return run_batch(request, local_engine(request.settings.device, workers)).exit_code


def _parameters(text: str) -> Iterator[tuple[str, Any]]:
    for word in text.split():
        name, equals, value = word.partition("=")
        if not (equals and name.isidentifier()):
            raise InputError(f"--slurm {word!r}: expected NAME=VALUE, for instance slurm_partition=gpu timeout_min=60")
        yield name, int(value) if value.isdigit() else value
