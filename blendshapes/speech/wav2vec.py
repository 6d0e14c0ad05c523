"""Speech to articulation with a pretrained wav2vec 2.0 or HuBERT encoder: the other encoder behind the same interface.

A FaceFormer-like autoregressive transformer (Fan et al., CVPR 2022) over `transformers` models that the user has; it is
trained by `render train speech --backbone FOLDER`. Needs torch and `pip install emosplat[wav2vec]`.
Differences from FaceFormer: axes instead of vertices, no speaker codes, attention to the last two seconds only, so
that speech may be of any length.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.errors import InputError
from ...core.tensors import described, read_info
from ...core.whole_files import whole_file
from .encoder import (
    AXES,
    CONTACTS,
    FILTER_REACH,
    QUIET,
    RATE,
    WAV2VEC_FORMAT,
    Articulation,
    Blocks,
    around,
    articulation,
)
from .features import BANDS, HOP, log_mel_stream, loudness, normaliser_of, overlapping
from .features import RATE as SAMPLE_RATE
from .phones import INDEX, PHONES
from .phones import SILENCE as SILENT
from .torch_network import SpeechNet

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

FRAME = SAMPLE_RATE // RATE  # samples; also the stride of wav2vec 2.0 and HuBERT
MEMORY = 2 * RATE  # frames that the decoder attends to
PERIOD = RATE // 2  # frames of the periodic positions
CONTEXT = 2 * RATE  # frames that the encoder hears on either side of what is kept of a window
STEP = 8 * RATE  # frames kept of a window
_FIELD = 400  # samples that one frame of the convolutions sees
_LEAST_DEVIATION = 1e-3  # of the samples: silence stays quiet


class SpeechTransformer(SpeechNet):
    """Samples [B, 320, T] -> axes [B, 8, T] (`close` and `tuck` as logits), phone logits [B, P, T]."""

    rows = 1
    peak_rates = (1e-4, 5e-5)
    on_gpu = True

    def __init__(self, encoder: nn.Module, *, width: int = 64, heads: int = 4) -> None:
        """`encoder`: a Wav2Vec2Model or HubertModel; its convolutions stay as they are."""
        super().__init__()
        self.encoder = encoder
        for parameter in cast(Any, encoder).feature_extractor.parameters():
            parameter.requires_grad_(False)
        self.heard = nn.Linear(cast(Any, encoder).config.hidden_size, width)
        self.motion = nn.Linear(len(AXES), width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.mix = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.axes = nn.Linear(width, len(AXES))
        self.phones = nn.Linear(width, len(PHONES))
        self.positions: Tensor
        self.recency: Tensor
        self.register_buffer("positions", _positions(width), persistent=False)
        self.register_buffer("recency", _recency(heads), persistent=False)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        axes, phones = self.decode(self.hear(samples))
        return axes.transpose(1, 2), phones.transpose(1, 2)

    def hear(self, samples: Tensor) -> Tensor:
        """What the encoder hears at every frame, [B, T, width], of samples [B, 320, T]; frame k is at sample 320 k."""
        wave = samples.transpose(1, 2).flatten(1)
        deviation = wave.std(dim=1, keepdim=True).clamp(min=_LEAST_DEVIATION)
        wave = (wave - wave.mean(dim=1, keepdim=True)) / deviation
        wave = F.pad(wave, (_FIELD // 2, _FIELD // 2 - FRAME))
        return self.heard(self.encoder(wave).last_hidden_state)

    def decode(self, heard: Tensor, past: Tensor | None = None, *, first: int = 0) -> tuple[Tensor, Tensor]:
        """Axes [B, T, 8] and phone logits [B, T, P], one frame after the other.

        `heard` [B, m + T, width] and `past` [B, m, 8] (axes that are already known, contacts as probabilities) of the
        frames `first`.. on.
        """
        count = len(heard)
        rows = [heard.new_zeros(count, len(AXES)), *(past.unbind(1) if past is not None else ())]
        known = len(rows) - 1
        outputs = []
        for frame in range(known, heard.shape[1]):
            start = max(0, frame + 1 - MEMORY)
            seen = slice(start, frame + 1)
            steps = torch.arange(start + first, frame + 1 + first, device=heard.device) % PERIOD
            moved = self.motion(torch.stack(rows[seen], dim=1)) + self.positions[steps]
            hidden = self._step(moved, heard[:, frame])
            outputs.append((self.axes(hidden), self.phones(hidden)))
            rows.append(bounded(outputs[-1][0]))
        axes, phones = zip(*outputs, strict=True)
        return torch.stack(axes, dim=1), torch.stack(phones, dim=1)

    def _step(self, moved: Tensor, heard: Tensor) -> Tensor:
        """One frame through the decoder layer, [B, width], of the motion before it [B, m, width] and its own sound.

        FaceFormer's cross-attention lets a frame hear nothing but its own sound: that is a linear map, `self.heard`.
        """
        last = moved[:, -1:]
        bias = self.recency[:, None, MEMORY - moved.shape[1] :].repeat(len(moved), 1, 1)
        hidden = self.norms[0](last + self.attention(last, moved, moved, attn_mask=bias, need_weights=False)[0])[:, 0]
        hidden = self.norms[1](hidden + heard)
        return self.norms[2](hidden + self.mix(hidden))


def bounded(axes: Tensor) -> Tensor:
    """Axes [..., 8] in 0..1 of the network's outputs, of which the contacts are logits."""
    values = axes.clamp(0, 1)
    values[..., CONTACTS] = torch.sigmoid(axes[..., CONTACTS])
    return values


def _positions(width: int) -> Tensor:
    """Periodic positional encoding [PERIOD, width]: sines and cosines that repeat."""
    frame = torch.arange(PERIOD)[:, None]
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    return torch.stack([torch.sin(frame * rates), torch.cos(frame * rates)], dim=2).flatten(1)


def _recency(heads: int) -> Tensor:
    """Bias of the attention to the last frames [heads, MEMORY]: the less weight the more periods ago (ALiBi)."""
    ago = torch.arange(MEMORY).flip(0)
    slopes = 2.0 ** (-8 * torch.arange(1, heads + 1) / heads)
    return -slopes[:, None] * (ago // PERIOD)


def pretrained(folder: Path) -> nn.Module:
    """The wav2vec 2.0 or HuBERT model in a folder that `save_pretrained` wrote; nothing is downloaded.

    Raises InputError for another model and when transformers is not installed.
    """
    transformers = _transformers()
    try:
        model = transformers.AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{folder}: expected a wav2vec 2.0 or HuBERT model (safetensors), found {reason}") from error
    return _checked(model, str(folder))


def _checked(model: Any, source: str) -> nn.Module:
    kind = getattr(model.config, "model_type", "")
    if kind not in ("wav2vec2", "hubert") or math.prod(model.config.conv_stride) != FRAME:
        raise InputError(
            f"{source}: expected a wav2vec 2.0 or HuBERT model of {RATE} frames per second, found {kind!r}"
        )
    return model


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise InputError("this encoder needs transformers: pip install 'emosplat[wav2vec]'") from error
    return transformers


def save(net: SpeechTransformer, path: Path, info: dict[str, Any]) -> None:
    """Write weights, whole, with the shape of the encoder: they load without the folder it came from."""
    from safetensors.torch import save_model

    encoder = cast(Any, net.encoder).config.to_dict()
    sizes = {"width": net.heard.out_features, "heads": net.attention.num_heads}
    metadata = described({**info, "format": WAV2VEC_FORMAT, "encoder": encoder, **sizes})
    with whole_file(path) as partial:
        save_model(net, str(partial), metadata=metadata)


class Wav2VecEncoder:
    """Speech of any length to articulation axes, in constant memory, with the interface of `SpeechEncoder`."""

    def __init__(self, net: SpeechTransformer, *, info: dict[str, Any], sha256: str) -> None:
        self._net = net.eval()
        self.info = info
        self.sha256 = sha256

    @property
    def version(self) -> str:
        """Name of the weights."""
        return str(self.info.get("version", "wav2vec"))

    @staticmethod
    def load(path: Path) -> Wav2VecEncoder:
        """Read what `save` wrote; raises InputError when it is something else."""
        from safetensors import SafetensorError
        from safetensors.torch import load_model

        transformers = _transformers()
        info = read_info(path, format=WAV2VEC_FORMAT, what="speech weights")
        try:
            config = transformers.AutoConfig.for_model(**info["encoder"])
            net = SpeechTransformer(
                _checked(transformers.AutoModel.from_config(config), str(path)),
                width=info["width"],
                heads=info["heads"],
            )
            load_model(net, str(path))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"{path}: not usable as speech weights ({reason}); train them again") from error
        return Wav2VecEncoder(net, info=info, sha256=hashlib.sha256(path.read_bytes()).hexdigest())

    def articulate(self, blocks: Blocks, *, voice: F64 | None = None) -> Iterator[Articulation]:
        """Consecutive pieces of the articulation of one clip, as `SpeechEncoder.articulate`."""
        levels = _levels(blocks)
        edge = np.zeros((FILTER_REACH, len(AXES) + len(PHONES)), np.float32)
        edge[:, len(AXES) + INDEX[SILENT]] = 1
        raw = _chain(edge, self._frames(_frames_of(blocks)), edge)
        size = STEP + 2 * FILTER_REACH
        for piece, window in enumerate(overlapping(raw, size=size, step=STEP, least=2 * FILTER_REACH + 1)):
            axes, phones = np.split(window, [len(AXES)], axis=1)
            level = np.concatenate([next(levels) for _ in range(len(window) - 2 * FILTER_REACH)])
            yield articulation(axes, phones, level, voice=around(voice, piece * STEP, len(window)))

    @property
    def lookahead(self) -> float:
        """Seconds of sound after a frame that matter to it."""
        return CONTEXT / 50

    def follow(self, blocks: Iterable[F32]) -> Iterator[Articulation]:
        """Raises InputError: what these weights need of a clip's level is known only when all of it was heard."""
        raise InputError(f"speech weights {self.version!r}: expected a whole recording, found sound that is to come")

    @torch.no_grad()
    def _frames(self, frames: Iterable[F32]) -> Iterator[F32]:
        """Axes and probabilities of the phones [n, 8 + P] of frames of samples [m, 320], window by window."""
        edge = np.zeros((CONTEXT, FRAME), np.float32)
        past, heard = torch.zeros(1, 0, len(AXES)), torch.zeros(1, 0, self._net.heard.out_features)
        done = 0
        for window in overlapping(
            _chain(edge, frames, edge), size=STEP + 2 * CONTEXT, step=STEP, least=2 * CONTEXT + 1
        ):
            count = min(STEP, len(window) - 2 * CONTEXT)
            new = self._net.hear(torch.from_numpy(window.T.copy())[None])[:, CONTEXT : CONTEXT + count]
            heard = torch.cat([heard, new], dim=1)
            first = done - past.shape[1]
            logits, phones = self._net.decode(heard, past, first=first)
            axes = bounded(logits)
            yield torch.cat([axes, phones.softmax(dim=2)], dim=2)[0].numpy()
            past, heard = torch.cat([past, axes], dim=1)[:, -MEMORY:], heard[:, -MEMORY:]
            done += count


def _chain(before: F32, middle: Iterable[F32], after: F32) -> Iterator[F32]:
    yield before
    yield from middle
    yield after


def _frames_of(blocks: Blocks) -> Iterator[F32]:
    """Frames of samples [m, 320], 1 + N // 320 in all; the last one is padded."""
    rest = np.zeros(0, np.float32)
    for block in blocks():
        samples = np.concatenate([rest, block])
        whole = len(samples) // FRAME * FRAME
        yield samples[:whole].reshape(-1, FRAME)
        rest = samples[whole:]
    yield np.pad(rest, (0, FRAME - len(rest)))[None]


def _levels(blocks: Blocks) -> Iterator[F32]:
    """Loudness relative to the clip's speech, dB, frame by frame, [1]."""
    usual = normaliser_of(log_mel_stream(blocks()), np.zeros(BANDS)).level
    step = FRAME // HOP
    offset = 0
    for mel in log_mel_stream(blocks()):
        level = np.maximum(loudness(mel) - usual, QUIET).astype(np.float32)[-offset % step :: step]
        offset += len(mel)
        yield from level[:, None]
