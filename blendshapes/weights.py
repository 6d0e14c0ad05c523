"""The weights of both stages: the built-in ones, or those that `render train` wrote into a folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..avatars.head import HeadModel
from ..core.errors import InputError
from ..core.tensors import stated_format
from .solve import fusion
from .solve.fusion import FusionModel
from .speech import encoder as speech
from .speech.encoder import SpeechEncoder

if TYPE_CHECKING:
    from .speech.wav2vec import Wav2VecEncoder

SPEECH, FUSION = "speech.safetensors", "fusion.safetensors"


@dataclass(frozen=True)
class Weights:
    """The files of both stages."""

    speech: Path = speech.BUILT_IN
    fusion: Path = fusion.BUILT_IN

    @property
    def sha256(self) -> dict[str, str]:
        """SHA-256 of each stage's file, hexadecimal."""
        return {
            "speech": hashlib.sha256(self.speech.read_bytes()).hexdigest(),
            "fusion": hashlib.sha256(self.fusion.read_bytes()).hexdigest(),
        }

    def encoder(self) -> SpeechEncoder | Wav2VecEncoder:
        """FrameMaker 1, whichever kind its file holds; raises InputError when it is none of ours."""
        if stated_format(self.speech) != speech.WAV2VEC_FORMAT:
            return SpeechEncoder.load(self.speech)
        from .speech.wav2vec import Wav2VecEncoder  # imports torch

        return Wav2VecEncoder.load(self.speech)

    def fusion_for(self, head: HeadModel) -> FusionModel:
        """Stage 2; raises InputError when its file is none of ours, or a person's own that belongs to another head.

        The built-in file may belong to another head than the one in use: expressions are added there (`PoseSum`).
        """
        if self.fusion == fusion.BUILT_IN:
            return FusionModel.built_in()
        model = FusionModel.load(self.fusion)
        if model.head != head.version:
            raise InputError(
                f"{self.fusion}: made for head {model.head!r}, but the avatar has head {head.version!r}; "
                "train for that one: render train fusion --head HEAD.npz --data ... -o OUT"
            )
        return model


def find_weights(folder: str | Path | None) -> Weights:
    """The weights in a folder; a stage that it lacks keeps the built-in ones, as both do without a folder.

    Raises InputError when the folder holds none.
    """
    if folder is None:
        return Weights()
    found = {path.stem: path for name in (SPEECH, FUSION) if (path := Path(folder, name)).is_file()}
    if not found:
        raise InputError(f"{folder}: expected a folder with {SPEECH} or {FUSION}, as `render train` writes it")
    return Weights(**found)
