"""A table per frame beside each stimulus: what the face does and says, and what is heard. They tell conditions."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..blendshapes.bundle import Bundle
from ..blendshapes.speech.encoder import Articulation, joined
from ..blendshapes.speech.phones import SILENCE, Segment
from ..blendshapes.speech.transcript import Aligner, read_transcript
from ..blendshapes.speech.visemes import phones_at, phones_heard
from ..core.errors import InputError
from ..pipeline.clip.curves import frame_times
from ..pipeline.clip.frame_table import Column, emotion_columns, motion_columns, speech_columns, write_table
from ..pipeline.media.audio import open_audio
from .design import Clip, Study
from .motions import Acted, transcript_of, write_driving
from .sounds import RATE, Sound, heard_as
from .stimuli import FROZEN, Showing, Stimulus

FORMATS = (".csv", ".parquet")
F64 = NDArray[np.float64]


class Tables:
    """Writes the tables of a study's stimuli into one folder."""

    def __init__(
        self,
        study: Study,
        stimuli: Mapping[str, Stimulus],
        sounds: Mapping[str, Sound],
        *,
        out: Path,
        work: Path,
        folder: Path,
    ) -> None:
        """`out`: where tables go; `work`: of what is in the making; `folder`: where the design file lies."""
        shutil.rmtree(out, ignore_errors=True)  # of an earlier build
        out.mkdir(parents=True)
        self._study, self._sounds, self._out, self._work, self._folder = study, sounds, out, work, folder
        self._names: dict[Showing, list[str]] = {}
        for name, stimulus in stimuli.items():
            sides = ("",) if stimulus.right is None else (".left", ".right")
            for side, showing in zip(sides, stimulus.showings, strict=True):
                self._names.setdefault(showing, []).append(name + side)
        self._said: dict[str, Sequence[Segment] | Articulation] = {}

    def write(self, showing: Showing, acted: Acted | None = None) -> None:
        """Write the tables of all stimuli with this showing; `acted` where it is one of ours. Raises InputError."""
        sound = self._sounds[heard_as(self._study, showing)]
        fps = self._study.stimuli.fps
        times = frame_times(round(len(sound.samples) / RATE * fps), fps)
        columns: dict[str, Column] = {"time_s": times, **self._speech(showing, sound, times)}
        if acted is not None:
            moved = motion_columns(acted.motion, acted.reader) | emotion_columns(acted.face)
            columns |= {name: _held(column, len(times)) for name, column in moved.items()}
        for name in self._names[showing]:
            for suffix in FORMATS:
                write_table(self._out / f"{name}{suffix}", columns)

    def _speech(self, showing: Showing, sound: Sound, times: F64) -> dict[str, list[str]]:
        """What the face says, and what is heard."""
        if showing.manner == FROZEN:
            face = [SILENCE] * len(times)
        else:
            face = self._phones(showing.clip, times + showing.shift_ms / 1000)
        heard = [SILENCE] * len(times) if sound.of is None else self._phones(sound.of, times - sound.later)
        return speech_columns(face) | speech_columns(heard, "heard_")

    def _phones(self, clip: str, times: F64) -> list[str]:
        """The phones of a clip [n] at times of its own plain stimulus: of its transcript, else as they are heard."""
        if clip not in self._said:
            self._said[clip] = self._listen(next(one for one in self._study.clips if one.id == clip))
        said = self._said[clip]
        return phones_heard(times, said) if isinstance(said, Articulation) else phones_at(times, said)

    def _listen(self, clip: Clip) -> Sequence[Segment] | Articulation:
        audio = open_audio(write_driving(Showing(clip.id, ""), self._sounds[clip.id], self._work))
        if (transcript := transcript_of(clip, self._folder)) is not None:
            try:
                return Aligner(clip.language).align(audio.blocks(), read_transcript(transcript)).phones
            except InputError as error:
                raise InputError(f"clips: {clip.id}: {error}") from None
        return joined(Bundle().encoder().articulate(audio.blocks))


def _held(column: NDArray[np.floating], frames: int) -> NDArray[np.floating]:
    """A column of so many frames, the last of which is held as it is in the picture."""
    return column[np.minimum(np.arange(frames), len(column) - 1)]
