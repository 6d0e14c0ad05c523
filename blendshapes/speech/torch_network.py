"""The network in torch, for training; `blendshapes.speech.SpeechNetwork` runs the same one in numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...core.errors import InputError
from .encoder import AXES, right_taps
from .features import BANDS
from .phones import PHONES

CHANNELS = 128
DILATIONS = (1, 2, 4, 8, 1, 2, 4)
_TAPS = 5
_DROPOUT = 0.1
_GOING_ON = (1e-3,)  # learning rate with which weights that are good already are trained on


class Block(nn.Module):
    """x + mix(silu(norm(dilated convolution(x)))), [B, C, T] -> [B, C, T]; `right` of the taps lie after the frame."""

    def __init__(self, channels: int, dilation: int, right: int) -> None:
        super().__init__()
        self.padding = dilation * (_TAPS - 1 - right), dilation * right
        self.convolution = nn.Conv1d(channels, channels, _TAPS, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(channels)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout1d(_DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        around = nn.functional.pad(x, self.padding)
        return x + self.dropout(self.mix(nn.functional.silu(self.norm(self.convolution(around)))))


class SpeechNet(nn.Module):
    """What `train` trains: sound -> axes [B, 8, T] (`close` and `tuck` as logits), phone logits [B, P, T]."""

    rows: int  # of features or samples that it hears, per output frame
    peak_rates: tuple[float, ...]  # learning rates at which the equal parts of the training begin
    on_gpu = False  # whether it is large enough to train on one


class Net(SpeechNet):
    """Features [B, 80, 2 T] at 100 Hz -> axes [B, 8, T] (`close` and `tuck` as logits), phone logits [B, P, T]."""

    rows = 2
    peak_rates: tuple[float, ...] = (2e-3, 1.2e-3)

    def __init__(
        self, channels: int = CHANNELS, dilations: Sequence[int] = DILATIONS, right: Sequence[int] | None = None
    ) -> None:
        """`right` [blocks]: how many taps of each lie after the frame; by default as many as before."""
        super().__init__()
        self.dilations = dilations
        self.right = [_TAPS // 2] * len(dilations) if right is None else right
        self.stem = nn.Conv1d(BANDS, channels, _TAPS, stride=2, padding=_TAPS // 2, bias=False)
        self.stem_norm = nn.BatchNorm1d(channels)
        self.blocks = nn.Sequential(*[Block(channels, d, r) for d, r in zip(dilations, self.right, strict=True)])
        self.axes = nn.Conv1d(channels, len(AXES), 1)
        self.phones = nn.Conv1d(channels, len(PHONES), 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.blocks(nn.functional.silu(self.stem_norm(self.stem(features))))
        return self.axes(hidden), self.phones(hidden)


def export(net: Net, prior: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
    """The tensors that `SpeechNetwork` and `SpeechEncoder` read, float32; batch norm is folded into the weights."""
    tensors: dict[str, Tensor] = {}
    tensors["stem.weight"], tensors["stem.bias"] = _folded(net.stem, net.stem_norm)
    for index, block in enumerate(net.blocks):
        assert isinstance(block, Block)
        name = f"blocks.{index}"
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = _folded(block.convolution, block.norm)
        tensors[f"{name}.mix"], tensors[f"{name}.mix_bias"] = _dense(block.mix)
    tensors["axes.weight"], tensors["axes.bias"] = _dense(net.axes)
    tensors["phones.weight"], tensors["phones.bias"] = _dense(net.phones)
    arrays: dict[str, NDArray[np.generic]] = {
        name: np.ascontiguousarray(tensor.detach().numpy(), np.float32) for name, tensor in tensors.items()
    }
    told = {"dilations": np.array(net.dilations, np.int32), "right": np.array(net.right, np.int32)}
    return arrays | told | {"prior": prior.astype(np.float32)}


def mixed(
    tensors: Mapping[str, NDArray[Any]], start: Mapping[str, NDArray[Any]], keep: float
) -> dict[str, NDArray[Any]]:
    """The mean of exported tensors and of those that they were trained on from, whose share is `keep`.

    Between such weights there is no hill, and the mean is surer on voices that are like those of neither training than
    either of them (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022).
    """
    return {
        name: ((1 - keep) * new + keep * np.asarray(start[name], new.dtype)).astype(new.dtype)
        if new.dtype.kind == "f"
        else new
        for name, new in tensors.items()
    }


def widened(tensors: Mapping[str, NDArray[Any]], channels: int, *, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Exported tensors of a network with more channels that does the same as theirs.

    The new channels hear everything, by chance at first, but nothing hears them until it is trained to (as in Net2Net:
    Chen, Goodfellow & Shlens, 2016). Raises InputError for fewer channels than there are.
    """
    has = tensors["stem.weight"].shape[2]
    if channels < has:
        raise InputError(f"--channels {channels}: expected at least the {has} of the weights to go on from")
    rng = np.random.default_rng(seed)

    def wider(name: str) -> NDArray[Any]:
        old = np.asarray(tensors[name], np.float32)
        hears = not name.startswith("stem")  # the spectrum is as wide as ever
        if name.endswith("bias"):
            return np.pad(old, (0, channels - has))
        inputs = channels if hears else old.shape[-2]
        new = np.zeros((*old.shape[:-2], inputs, channels), np.float32)
        new[..., has:] = rng.normal(0, np.sqrt(2 / (inputs * np.prod(old.shape[:-2]))), new[..., has:].shape)
        new[..., : old.shape[-2], :has] = old
        return new

    kept = {name: np.asarray(tensors[name]) for name in ("dilations", "right", "prior") if name in tensors}
    heads = {f"{head}.bias": np.asarray(tensors[f"{head}.bias"]) for head in ("axes", "phones")}
    heads |= {
        f"{head}.weight": np.pad(np.asarray(tensors[f"{head}.weight"], np.float32), ((0, channels - has), (0, 0)))
        for head in ("axes", "phones")
    }
    rest = tensors.keys() - kept.keys() - heads.keys()
    return kept | heads | {name: wider(name) for name in sorted(rest)}


def restored(tensors: Mapping[str, NDArray[Any]], features: Tensor) -> Net:
    """The network of exported tensors, to be trained on; `features` [B, 80, 2 T]: some of what it will hear.

    Batch norms are gone from an export. New ones take the statistics of `features` and undo themselves with them, so
    that the network does what it did, in training too as far as its batches are like `features`.
    """
    dilations = [int(d) for d in tensors["dilations"]]
    net = Net(tensors["stem.weight"].shape[2], dilations, right_taps(tensors))
    norms: list[tuple[nn.Conv1d, nn.BatchNorm1d, str]] = [(net.stem, net.stem_norm, "stem")]
    for index, block in enumerate(net.blocks):
        assert isinstance(block, Block)
        norms.append((block.convolution, block.norm, f"blocks.{index}"))
        _set_dense(block.mix, tensors[f"blocks.{index}.mix"], tensors[f"blocks.{index}.mix_bias"])
    for name, layer in (("axes", net.axes), ("phones", net.phones)):
        _set_dense(layer, tensors[f"{name}.weight"], tensors[f"{name}.bias"])
    for convolution, norm, name in norms:
        convolution.weight.data = _tensor(tensors[f"{name}.weight"]).permute(2, 1, 0).contiguous()
        norm.bias.data = _tensor(tensors[f"{name}.bias"])
    hooks = [norm.register_forward_pre_hook(_undoing) for _, norm, _ in norms]
    with torch.no_grad():
        net.eval()(features)
    for hook in hooks:
        hook.remove()
    net.peak_rates = _GOING_ON
    return net.train()


def _undoing(norm: nn.Module, inputs: tuple[Tensor]) -> None:
    """Give a batch norm the statistics of its inputs, and the scale and shift that undo them."""
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(inputs[0].mean(dim=(0, 2)))
    norm.running_var.copy_(inputs[0].var(dim=(0, 2), unbiased=False))
    norm.weight.copy_(torch.sqrt(norm.running_var + norm.eps))
    norm.bias.add_(norm.running_mean)


def _set_dense(convolution: nn.Conv1d, weight: NDArray[Any], bias: NDArray[Any]) -> None:
    assert convolution.bias is not None
    convolution.weight.data = _tensor(weight).T[:, :, None].contiguous()
    convolution.bias.data = _tensor(bias)


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32))


def _folded(convolution: nn.Conv1d, norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Weight [taps, in, out] and bias [out] of a convolution followed by a batch norm in evaluation mode."""
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = convolution.weight * scale[:, None, None]
    return weight.permute(2, 1, 0), norm.bias - norm.running_mean * scale


def _dense(convolution: nn.Conv1d) -> tuple[Tensor, Tensor]:
    """Weight [in, out] and bias [out] of a convolution with one tap."""
    assert convolution.bias is not None
    return convolution.weight[:, :, 0].T, convolution.bias
