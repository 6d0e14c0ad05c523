"""What a clip can be written as: the table `FORMATS`, by the suffix of the output's name, and how each is written.

A format is added by one entry there; help, checks, error messages and batches follow it. The command line imports this
for its help, so that everything heavy is imported where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...core.errors import InputError
from .encoders import X264, Encoder

if TYPE_CHECKING:
    from ...avatars.avatar import Avatar
    from ...avatars.motion import Motion
    from ...blendshapes.face_motion import FaceMotion
    from .audio import AudioClip

Pixels = Literal["rgb24", "rgba", "yuv420p"]  # frames on their way to ffmpeg; yuv420p: BT.709, video range


@dataclass(frozen=True)
class VideoFormat:
    """Frames and sound, encoded by ffmpeg."""

    suffix: str
    video_codec: str
    audio_codec: str | None  # None where sound cannot be kept
    pix_fmt: str
    alpha_pix_fmt: str | None  # None where transparent frames cannot be kept
    even: bool  # whether width and height must be even, for 4:2:0 chroma
    video_arguments: str  # of ffmpeg, with places for {pix_fmt}, {filters} and {encoder}
    alpha_arguments: str = ""

    @property
    def about(self) -> str:
        """What it holds, in a few words."""
        codecs = " + ".join(codec for codec in (self.video_codec, self.audio_codec) if codec)
        return f"{codecs}{', alpha' if self.alpha_pix_fmt else ''}"

    @property
    def is_folder(self) -> bool:
        """Whether the target is a folder of numbered pictures."""
        return self.suffix == PICTURES

    def check(self, *, width: int, height: int, transparent: bool = False) -> None:
        """Raise InputError where this format cannot hold such pictures."""
        if transparent and not self.alpha_pix_fmt:
            able = ", ".join(f.suffix for f in video_formats() if f.alpha_pix_fmt)
            raise InputError(f"{self.suffix}: cannot hold transparent frames; use {able}")
        if min(width, height) < 16 or max(width, height) > 16384:
            raise InputError(f"size: expected 16 to 16384 pixels each way, found {width}x{height}")
        if self.even and (width % 2 or height % 2):
            even = f"{width + width % 2}x{height + height % 2}"
            raise InputError(f"size: {self.suffix} needs an even width and height, found {width}x{height}; use {even}")

    def pixels(self, *, transparent: bool) -> Pixels:
        """How frames are handed over: as the encoder wants them, so that ffmpeg converts nothing."""
        if transparent:
            return "rgba"
        return "yuv420p" if self.pix_fmt == "yuv420p" else "rgb24"

    @property
    def takes_encoder(self) -> bool:
        """Whether several encoders can make it."""
        return "{encoder}" in self.video_arguments

    def video(self, pixels: Pixels, encoder: Encoder = X264) -> list[str]:
        """Arguments of ffmpeg for the picture, made of frames of such pixels; `encoder` where it takes one."""
        transparent = pixels == "rgba"
        pix_fmt = self.alpha_pix_fmt if transparent else self.pix_fmt
        filters = _BT709_TAGS if pixels == "yuv420p" else f"{_BT709_FROM_RGB},format={pix_fmt},{_BT709_TAGS}"
        filters = ",".join([filters, *encoder.filters]) if self.takes_encoder else filters
        encoding = f"-c:v {encoder.codec} {encoder.arguments}"
        arguments = self.video_arguments.format(pix_fmt=pix_fmt, filters=filters, encoder=encoding)
        return [*arguments.split(), *(self.alpha_arguments.split() if transparent else ())]

    def audio(self, clip: AudioClip) -> list[str]:
        """Arguments of ffmpeg for the sound: the clip's own samples, rate and channels as far as the codec can."""
        assert self.audio_codec is not None
        rates = AUDIO_RATES.get(self.audio_codec, (clip.sample_rate,))
        rate = next((r for r in rates if r >= clip.sample_rate), rates[-1])
        filters = [clip.ffmpeg_trim()]
        if clip.channels > MAX_CHANNELS:
            filters.append(f"pan=mono|c0={'+'.join(f'{1 / clip.channels:.9f}*c{i}' for i in range(clip.channels))}")
        if rate != clip.sample_rate:
            filters.append(f"aresample={rate}")
        if self.audio_codec == "Opus":
            filters.append(f"aformat=channel_layouts={OPUS_LAYOUTS}")
        encoder = AUDIO_ENCODERS[self.audio_codec](clip.sample_format)
        return ["-af", ",".join(filters), *encoder.split()]


@dataclass(frozen=True)
class MotionFormat:
    """The motion of the avatar's head, without pictures."""

    suffix: str
    about: str  # what it holds, in a few words
    write: Callable[[Path, Motion, Avatar], None]  # to a path that exists only once all went well


@dataclass(frozen=True)
class FaceFormat:
    """The motion of a face, whatever the head."""

    suffix: str
    about: str
    write: Callable[[Path, FaceMotion], None]


OutputFormat = VideoFormat | MotionFormat | FaceFormat


def output_format(out: str | Path) -> OutputFormat:
    """The format that an output's name asks for: a known suffix, a pattern like `frames/%06d.png`, or a folder.

    Raises InputError for an unknown suffix, and for `-`: films are written with jumps back, which a pipe has not.

    >>> output_format("clip.webm").about
    'VP9 + Opus, alpha'
    """
    out = Path(out)
    if out.name == "-":
        raise InputError("-o -: expected the name of a file or folder, found standard output")
    suffix = out.suffix.lower()
    if suffix == PICTURES and not PATTERN.fullmatch(out.name):
        raise InputError(f"{out}: expected a folder or a numbered pattern such as frames/%06d.png")
    if suffix in FORMATS:
        return FORMATS[suffix]
    if not suffix or out.is_dir():
        return FORMATS[PICTURES]
    known = ", ".join(name for name in FORMATS if name != PICTURES)
    raise InputError(f"{out}: unknown suffix '{suffix}'; expected one of {known} or a folder")


def video_format(out: str | Path) -> VideoFormat:
    """The same where frames are to be written. Raises InputError also for a format that holds none."""
    chosen = output_format(out)
    if not isinstance(chosen, VideoFormat):
        able = ", ".join(f.suffix for f in video_formats())
        raise InputError(f"{out}: expected a video, one of {able} or a folder, found a format of motion")
    return chosen


def video_formats() -> list[VideoFormat]:
    """All formats that hold frames."""
    return [format for format in FORMATS.values() if isinstance(format, VideoFormat)]


def described() -> str:
    """All formats in one line, for help."""
    names = {suffix: "a folder" if suffix == PICTURES else suffix for suffix in FORMATS}
    return ", ".join(f"{names[suffix]} ({format.about})" for suffix, format in FORMATS.items())


def _pcm(sample_format: str) -> str:
    return f"-c:a {_INTEGER_PCM.get(sample_format, 'pcm_s24le')}"


def _wav(sample_format: str) -> str:
    return f"-c:a {_INTEGER_PCM.get(sample_format, 'pcm_f32le')} -rf64 auto"


def _flac(sample_format: str) -> str:
    return f"-c:a flac -sample_fmt {'s16' if sample_format in ('u8', 's16') else 's32'}"


_INTEGER_PCM = {"u8": "pcm_s16le", "s16": "pcm_s16le", "s32": "pcm_s32le"}
PICTURES = ".png"  # stands for a folder of numbered pictures
PATTERN = re.compile(r"[^%]*%0?\d{0,2}d[^%]*\.png", re.IGNORECASE)
MAX_CHANNELS = 8  # AAC, Opus and FLAC name no layout beyond 7.1
OPUS_LAYOUTS = "mono|stereo|3.0|quad|5.0|5.1|6.1|7.1"
AUDIO_RATES = {
    "AAC": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000),
    "Opus": (48000,),
}
AUDIO_ENCODERS: dict[str, Callable[[str], str]] = {
    "AAC": lambda _: "-c:a aac -b:a 192k",
    "Opus": lambda _: "-c:a libopus -b:a 128k",
    "PCM": _pcm,
    "FLAC": _flac,
    "WAV": _wav,
}

# Frames are full-range RGB. Without matrix and tags players fall back to BT.601 and greens shift.
_BT709_FROM_RGB = "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int"
_BT709_TAGS = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"


def _write_npz(path: Path, motion: Motion, avatar: Avatar) -> None:
    from ...avatars.motion_files import save_motion

    save_motion(path, motion, vertices=len(avatar.head.v_template), neutral=avatar.neutral)


def _write_live_link(path: Path, motion: Motion, avatar: Avatar) -> None:
    from ...avatars.motion_files import write_live_link

    with path.open("w", encoding="utf-8", newline="") as stream:
        write_live_link(stream, motion, avatar.head)


def _write_face(path: Path, face: FaceMotion) -> None:
    from ...blendshapes.face_motion_files import save_face_motion

    save_face_motion(path, face)


_ALL: tuple[OutputFormat, ...] = (
    VideoFormat(
        suffix=".mp4",
        video_codec="H.264",
        audio_codec="AAC",
        pix_fmt="yuv420p",
        alpha_pix_fmt=None,
        even=True,
        video_arguments="-vf {filters} {encoder} -movflags +faststart",
    ),
    VideoFormat(
        suffix=".webm",
        video_codec="VP9",
        audio_codec="Opus",
        pix_fmt="yuv420p",
        alpha_pix_fmt="yuva420p",
        even=True,
        video_arguments="-vf {filters} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 -b:v 0 -crf 24",
        alpha_arguments="-auto-alt-ref 0 -metadata:s:v:0 alpha_mode=1",
    ),
    VideoFormat(
        suffix=".mov",
        video_codec="ProRes 4444",
        audio_codec="PCM",
        pix_fmt="yuv444p10le",
        alpha_pix_fmt="yuva444p10le",
        even=False,
        # A fixed quantiser takes a quarter of the rate search's time.
        video_arguments="-vf {filters} -c:v prores_ks -profile:v 4444 -vendor apl0 -qscale:v 4",
    ),
    VideoFormat(
        suffix=".mkv",
        video_codec="FFV1",
        audio_codec="FLAC",
        pix_fmt="bgr0",
        alpha_pix_fmt="bgra",
        even=False,
        video_arguments="-pix_fmt {pix_fmt} -c:v ffv1 -level 3 -g 1 -slices 4 -slicecrc 1",
    ),
    VideoFormat(
        suffix=PICTURES,
        video_codec="PNG",
        audio_codec="WAV",
        pix_fmt="rgb24",
        alpha_pix_fmt="rgba",
        even=False,
        video_arguments="-pix_fmt {pix_fmt} -c:v png -compression_level 1 -pred up -start_number 0",
    ),
    MotionFormat(".npz", "motion in FLAME's layout", _write_npz),
    MotionFormat(".csv", "motion as Live Link Face's 52 ARKit weights", _write_live_link),
    FaceFormat(".json", "motion of a face without a head", _write_face),
)
FORMATS: dict[str, OutputFormat] = {format.suffix: format for format in _ALL}
