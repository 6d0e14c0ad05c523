"""The weights of motion model and solver: the built-in ones, or those that `render train` wrote into a folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..avatars.head import HeadModel
from ..core.errors import InputError
from ..core.tensors import stated_format
from .acting import weights
from .solve import fusion
from .solve.fusion import FusionModel
from .speech import encoder, live, voice_emotion
from .speech.encoder import SpeechEncoder
from .speech.live import LiveEncoder
from .speech.voice_emotion import VoiceEmotion

if TYPE_CHECKING:
    from .models import MotionModel
    from .speech.wav2vec import Wav2VecEncoder

SPEECH, FUSION, EMOTION = "speech.safetensors", "fusion.safetensors", "emotion.safetensors"
ACTING, LIVE = "acting.safetensors", "speech-live.safetensors"
FILES = {"speech": SPEECH, "fusion": FUSION, "emotion": EMOTION, "acting": ACTING, "live": LIVE}  # by part
OWN_LICENCE = "whoever trained them decides"
BUILT_IN_LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class WeightFile:
    """One file of a bundle."""

    # "speech" (sound to articulation), "fusion" (B_A w_A + B_E w_E), "emotion" (heard in the voice), "acting" (motion),
    # "live" (sound that arrives to articulation)
    part: str
    path: Path

    @property
    def sha256(self) -> str:
        """Of the file, hexadecimal."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    @property
    def format(self) -> str | None:
        """Name and version of the layout, as the file states it."""
        return stated_format(self.path)


@dataclass(frozen=True)
class Bundle:
    """The weights that turn sound and emotion into motion; equal bundles are equal files.

    >>> bundle = Bundle()
    >>> bundle.name, [file.part for file in bundle.files]
    ('built-in', ['speech', 'fusion', 'emotion', 'acting', 'live'])
    """

    speech: Path = encoder.BUILT_IN
    fusion: Path = fusion.BUILT_IN
    emotion: Path = voice_emotion.BUILT_IN
    acting: Path = weights.BUILT_IN
    live: Path = live.BUILT_IN

    @property
    def name(self) -> str:
        """What people call it: "built-in", or its folder."""
        own = [file.path for file in self.files if not _is_built_in(file.path)]
        return str(own[0].parent) if own else "built-in"

    @property
    def files(self) -> tuple[WeightFile, ...]:
        """Its files, in the order of their use."""
        return tuple(WeightFile(part, getattr(self, part)) for part in FILES)

    @property
    def licence(self) -> str:
        """Under which the weights may be used; own weights are their owner's affair."""
        return BUILT_IN_LICENCE if self.name == "built-in" else OWN_LICENCE

    @property
    def sha256(self) -> dict[str, str]:
        """SHA-256 of each file by its part, hexadecimal."""
        return {file.part: file.sha256 for file in self.files}

    def model(self, name: str | None = None) -> MotionModel:
        """The motion model of this name (by default `models.DEFAULT`) with these weights; raises InputError."""
        from .models import DEFAULT, find_model

        return find_model(name or DEFAULT, self)

    def encoder(self) -> SpeechEncoder | Wav2VecEncoder:
        """Sound to articulation, whichever kind the file holds; raises InputError when it is none of ours."""
        if WeightFile("speech", self.speech).format != encoder.WAV2VEC_FORMAT:
            return SpeechEncoder.load(self.speech)
        from .speech.wav2vec import Wav2VecEncoder

        return Wav2VecEncoder.load(self.speech)

    def live_encoder(self) -> LiveEncoder:
        """Sound that arrives to articulation; raises InputError when the file is none of ours."""
        return LiveEncoder.load(self.live)

    def voice(self) -> VoiceEmotion:
        """Sound to the emotion that the voice tells; raises InputError when the file is none of ours."""
        return VoiceEmotion.built_in() if self.emotion == voice_emotion.BUILT_IN else VoiceEmotion.load(self.emotion)

    def acted(self) -> weights.ActingWeights:
        """Sound, emotion and style to what a face does besides; raises InputError when the file is none of ours."""
        return weights.ActingWeights.load(self.acting)

    def fusion_for(self, head: HeadModel) -> FusionModel:
        """Learned blendshapes; raises InputError when the file is none of ours, or one's own for another head.

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


def find_bundle(folder: str | Path | None) -> Bundle:
    """The weights in a folder; a part that it lacks keeps the built-in ones, as all do without a folder.

    Raises InputError when the folder holds none.
    """
    if folder is None:
        return Bundle()
    found = {part: path for part, name in FILES.items() if (path := Path(folder, name)).is_file()}
    if not found:
        *names, last = FILES.values()
        raise InputError(f"{folder}: expected a folder with {', '.join(names)} or {last}, as `render train` writes it")
    return Bundle(**found)


def _is_built_in(path: Path) -> bool:
    return path in (encoder.BUILT_IN, fusion.BUILT_IN, voice_emotion.BUILT_IN, weights.BUILT_IN, live.BUILT_IN)
