"""Which manner of moving goes with a voice: a memory of manners that voices call up, after MemoryTalker.

Kim et al., "MemoryTalker: personalized speech-driven 3D facial animation via audio-guided stylization" (ICCV 2025) keep
motion in slots and let the sound address them. Here a slot is a manner (statistics and key poses), and the address is a
softmax over what the whole voice sounds like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.cores import one_thread

F64 = NDArray[np.float64]

SLOTS = 32
STEPS, RATE = 800, 2e-2
DECAY = 3e-3  # cost of squared keys
FARTHEST = 3.0  # standard deviations of a voice that count


@dataclass(frozen=True, eq=False)
class VoiceManner:
    """See `acting.weights.ActingWeights`."""

    voice_mean: F64  # [V]
    voice_scale: F64  # [V]
    keys: F64  # [V, M]
    manners: F64  # [M, N]


@one_thread()
def learn_manners(voices: F64, manners: F64, *, seed: int) -> VoiceManner:
    """The memory of pairs of a voice [n, V] and the manner [n, N] of somebody who has it."""
    mean, scale = voices.mean(axis=0), voices.std(axis=0) + 1e-6
    heard = torch.from_numpy(np.clip((voices - mean) / scale, -FARTHEST, FARTHEST)).float()
    wanted = torch.from_numpy(manners).float()
    generator = torch.Generator().manual_seed(seed)
    slots = min(SLOTS, len(voices))
    begun = torch.randperm(len(voices), generator=generator)[:slots]
    keys = (0.02 * torch.randn(voices.shape[1], slots, generator=generator)).requires_grad_()
    values = wanted[begun].clone().requires_grad_()
    optimiser = torch.optim.Adam([keys, values], lr=RATE)
    for _ in range(STEPS):
        found = torch.softmax(heard @ keys, dim=1) @ values
        cost = ((found - wanted) ** 2).mean() + DECAY * (keys**2).mean() * voices.shape[1]
        optimiser.zero_grad()
        cost.backward()
        optimiser.step()
    return VoiceManner(mean, scale, *(t.detach().double().numpy() for t in (keys, values)))
