"""Video out: frames are piped to ffmpeg, which encodes them with the clip's own sound; targets appear whole or not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from fractions import Fraction
from math import ceil
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.whole_files import check_free
from .audio import AudioClip
from .encoders import X264, Encoder, first_line
from .outputs import PATTERN, OutputFormat, Pixels, VideoFormat, output_format, video_format

DEFAULT_PATTERN = "%06d.png"
SOUND_NAME = "audio.wav"
MAX_FPS = 240
PIPE = 1 << 20  # bytes that may wait for the encoder, where the system grants as many
LONGEST_NAME = 255 - len(".json")  # bytes, on all usual file systems; the record beside it is called the same and more
_STAGE_PREFIX = ".emosplat-"


def frame_rate(value: str | float | Fraction) -> Fraction:
    """Frames per second as an exact fraction from 25, 29.97 or "30000/1001". Raises InputError outside 1 to 240."""
    try:
        rate = Fraction(value).limit_denominator(100_000)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        rate = Fraction(0)
    if not 1 <= rate <= MAX_FPS:
        found = repr(value[:40]) if isinstance(value, str) else value
        raise InputError(f"fps: expected a number or fraction from 1 to {MAX_FPS}, found {found}")
    return rate


def frame_count(duration: float | Fraction, fps: float | Fraction) -> int:
    """Frames that cover `duration` seconds: ceil(duration * fps), where a millionth of a frame is rounding noise."""
    return max(1, ceil(Fraction(duration) * frame_rate(fps) - Fraction(1, 10**6)))


def check_target(target: str | Path, *, overwrite: bool = False) -> OutputFormat:
    """Make sure that an output can be written at `target`, creating its parent folder, and return its format.

    Raises InputError: unknown suffix, exists without `overwrite`, a folder where a file is expected or the reverse,
    a folder holding other files than pictures of an earlier run, a name without room for its record, or no permission.
    """
    target = Path(target)
    chosen = output_format(target)
    if (size := len(os.fsencode(target.name))) > LONGEST_NAME:
        raise InputError(f"{target.name[:40]}...: expected a name of at most {LONGEST_NAME} bytes, found {size}")
    place = target.absolute()
    if isinstance(chosen, VideoFormat) and chosen.is_folder:
        place = _place(target, chosen)
        _check_folder(place, overwrite)
    elif place.is_dir():
        raise InputError(f"{target}: expected a file name, found a folder")
    else:
        check_free(target, overwrite=overwrite)
    _check_parent(place)
    return chosen


def _check_parent(place: Path) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _stage(place).cleanup()
    except OSError as error:
        raise InputError(f"{place}: cannot be written: {error.strerror}") from None


class VideoWriter:
    """Context manager that encodes frames and sound into `target`.

    The file, or the folder of pictures with `audio.wav`, appears complete on leaving the block without an exception;
    otherwise nothing is left. Raises InputError for a target or a size that cannot be written, and when encoding
    fails, for example on a full disk.

    target: name whose suffix chooses the format, see `outputs.FORMATS`
    width, height: pixels
    pixels: what the frames hold: RGB, RGBA with straight alpha (which the target keeps), or YUV 4:2:0 planes (for a
        target whose own pixels are such)
    encoder: of H.264, where the target holds that (`encoders`)
    """

    def __init__(
        self,
        target: str | Path,
        *,
        width: int,
        height: int,
        fps: float | Fraction,
        pixels: Pixels = "rgb24",
        audio: AudioClip | None = None,
        overwrite: bool = False,
        encoder: Encoder = X264,
    ) -> None:
        self.target = Path(target)
        self.fps = frame_rate(fps)
        self.size = (width, height)
        self.pixels: Pixels = pixels
        self.shape = (
            (height * width * 3 // 2,) if pixels == "yuv420p" else (height, width, 4 if pixels == "rgba" else 3)
        )
        self.audio = audio
        self.overwrite = overwrite
        self.encoder = encoder
        self.frames = 0
        self.format = video_format(self.target)
        self.format.check(width=width, height=height, transparent=pixels == "rgba")

    def __enter__(self) -> VideoWriter:
        check_target(self.target, overwrite=self.overwrite)
        self._final = _place(self.target, self.format)
        with ExitStack() as undo:
            stage = Path(undo.enter_context(_stage(self._final)))
            self._staged = stage / ("frames" if self.format.is_folder else f"video{self.format.suffix}")
            if self.format.is_folder:
                self._staged.mkdir()
            # In a file, because a pipe that nobody reads could fill up and block the encoder.
            self._log = undo.enter_context(tempfile.TemporaryFile())
            self._encoder = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                cwd=self._staged if self.format.is_folder else stage,
                start_new_session=True,  # Ctrl-C reaches us alone; the encoder ends when we say so
            )
            undo.callback(self._stop)
            self._widen_pipe()
            self._undo = undo.pop_all()
        return self

    def _widen_pipe(self) -> None:
        """Linux alone widens pipes, and all of a user's together to 64 MiB: many workers do with smaller ones."""
        assert self._encoder.stdin is not None
        with suppress(ImportError, AttributeError, OSError):
            import fcntl

            fcntl.fcntl(self._encoder.stdin, fcntl.F_SETPIPE_SZ, PIPE)

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Append one frame, uint8: `[H,W,3]` sRGB, `[H,W,4]` with straight alpha, or the planes Y, U, V in a row."""
        if frame.shape != self.shape or frame.dtype != np.uint8:
            raise ValueError(f"frame: expected uint8 {self.shape}, found {frame.dtype} {frame.shape}")
        assert self._encoder.stdin is not None
        try:
            self._encoder.stdin.write(np.ascontiguousarray(frame).data)
        except OSError:
            self._encoder.wait()
            raise self._failure() from None
        self.frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._undo:
            if kind is None:
                self._finish()

    def _finish(self) -> None:
        if not self.frames:
            raise ValueError(f"{self.target}: no frame was written")
        self._close_pipe()
        if self._encoder.wait():
            raise self._failure()
        try:
            _move(self._staged, self._final)
        except OSError as error:
            raise InputError(f"{self._final}: cannot be written: {error.strerror}") from None

    def _close_pipe(self) -> None:
        assert self._encoder.stdin is not None
        with suppress(OSError):  # the encoder is gone; its exit status tells why
            self._encoder.stdin.close()

    def _stop(self) -> None:
        self._encoder.kill()
        self._encoder.wait()
        self._close_pipe()

    def _command(self) -> list[str]:
        import imageio_ffmpeg

        width, height = self.size
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-nostats", "-v", "error"]
        command += self.encoder.device.split() if self.format.takes_encoder else []
        command += ["-f", "rawvideo", "-pix_fmt", self.pixels, "-video_size", f"{width}x{height}"]
        command += ["-framerate", str(self.fps), "-i", "pipe:0"]
        heard = self.audio if self.format.audio_codec else None
        command += heard.ffmpeg_input() if heard else []
        # A recording's own tags and chapters are not ours to pass on.
        command += ["-map_metadata", "-1", "-map_chapters", "-1"]
        command += ["-map", "0:v", *self.format.video(self.pixels, self.encoder)]
        sound = ["-map", f"1:{heard.stream}", *self.format.audio(heard)] if heard else []
        if not self.format.is_folder:
            return [*command, *sound, self._staged.name]
        pattern = self.target.name if PATTERN.fullmatch(self.target.name) else DEFAULT_PATTERN
        command += ["-f", "image2", f"file:{pattern}"]
        return [*command, *(["-map_metadata", "-1", *sound, SOUND_NAME] if sound else [])]

    def _failure(self) -> InputError:
        """What the encoder said first, in one line."""
        self._log.seek(0)
        code = self._encoder.returncode
        ended = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        said = first_line(self._log.read()) or f"ffmpeg {ended}"
        return InputError(f"{self.target}: could not be encoded: {said}")


def _place(target: Path, chosen: VideoFormat) -> Path:
    """The file, or the folder of pictures, that appears in the end."""
    numbered = chosen.is_folder and PATTERN.fullmatch(target.name)
    return (target.parent if numbered else target).absolute()


def _stage(place: Path) -> tempfile.TemporaryDirectory[str]:
    """A hidden folder beside `place`, on the same disk, so that the result can be moved there in one step."""
    return tempfile.TemporaryDirectory(prefix=_STAGE_PREFIX, dir=place.parent)


def _check_folder(folder: Path, overwrite: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder for the pictures, found a file")
    names = sorted(entry.name for entry in os.scandir(folder))
    # Overwriting replaces the whole folder, so it must hold nothing else of the person's.
    other = next((n for n in names if n != SOUND_NAME and not re.search(r"\d\D*\.png$", n)), None)
    if other:
        raise InputError(f"{folder}: expected an empty folder or earlier pictures, found {other}; choose another one")
    if names and not overwrite:
        raise InputError(f"{folder}: already holds pictures; choose another folder, or allow it: --overwrite")


def _move(staged: Path, final: Path) -> None:
    if final.is_dir():
        final.rename(staged.parent / "replaced")
    os.replace(staged, final)
