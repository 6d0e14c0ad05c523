"""What compresses H.264: x264, or hardware where it truly works here.

No hardware encoder has been tried by us: their arguments are those of FFmpeg's manual. Hence each is tried on a few
frames of the size that is asked for, in a process of its own, before it gets a clip.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ...core.errors import InputError

AUTO = "auto"
SECONDS = 20.0  # within which a trial has to end
TRIED = 5  # frames


@dataclass(frozen=True)
class Encoder:
    """One of ffmpeg's encoders of H.264, with its own number for constant quality, 0 to 51 in most of them."""

    name: str  # as `--encoder` takes it
    codec: str  # as ffmpeg calls it
    arguments: str
    device: str = ""  # arguments that open it, before all others
    frames: str = "yuv420p"  # how it takes pictures; ffmpeg rearranges ours
    uploaded: bool = False  # whether pictures have to be in its memory

    @property
    def filters(self) -> list[str]:
        """What pictures go through before it encodes them."""
        return [*([f"format={self.frames}"] if self.frames != "yuv420p" else []), *["hwupload"] * self.uploaded]


# Its output depends on the number of threads, which else is that of the machine's cores. Blocks of 8x8 in B pictures
# and of 4x4 within a picture, would take 15 % more time and save 0.3 % of the size.
X264 = Encoder("x264", "libx264", "-profile:v high -preset veryfast -crf 18 -threads 4 -partitions p8x8+i8x8")
HARDWARE = (  # in the order in which `auto` tries them
    Encoder("nvenc", "h264_nvenc", "-profile:v high -preset p4 -tune hq -rc vbr -cq 18 -b:v 0"),
    Encoder("qsv", "h264_qsv", "-profile:v high -preset medium -global_quality 18", frames="nv12"),
    Encoder("amf", "h264_amf", "-profile:v high -quality balanced -rc cqp -qp_i 18 -qp_p 18 -qp_b 20", frames="nv12"),
    Encoder("videotoolbox", "h264_videotoolbox", "-profile:v high -q:v 70"),  # 1 to 100
    Encoder(
        "vaapi",
        "h264_vaapi",
        "-profile:v high -rc_mode CQP -qp 18",
        device="-init_hw_device vaapi=gpu -filter_hw_device gpu",
        frames="nv12",
        uploaded=True,
    ),
)


@dataclass(frozen=True)
class Chosen:
    """An encoder, and why it is this one; nothing where it was asked for."""

    encoder: Encoder
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.encoder.codec} ({self.reason})" if self.reason else self.encoder.codec


def choose_encoder(name: str, *, width: int, height: int) -> Chosen:
    """The encoder of this name for pictures of a size, or with `auto` the first hardware that works, else x264.

    Raises InputError where hardware that was asked for does not work.

    >>> str(choose_encoder("x264", width=512, height=512))
    'libx264'
    """
    if name == X264.name:
        return Chosen(X264)
    if name == AUTO:
        faults = {}
        for encoder in HARDWARE:
            fault = fault_of(encoder, width, height)
            if fault is None:
                return Chosen(encoder, "the first hardware that works here")
            faults[encoder.name] = fault
        told = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        return Chosen(X264, f"no hardware works here: {told}")
    encoder = next(encoder for encoder in HARDWARE if encoder.name == name)
    if (fault := fault_of(encoder, width, height)) is not None:
        raise InputError(f"--encoder {name}: does not work here: {fault}; auto takes what works")
    return Chosen(encoder)


@cache
def fault_of(encoder: Encoder, width: int, height: int) -> str | None:
    """What ffmpeg says where an encoder does not take grey pictures of this size; None where it does.

    In a process of its own, because drivers write where they like and may not come back.
    """
    import subprocess

    import imageio_ffmpeg

    size = ["-video_size", f"{width}x{height}"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostats", "-v", "error", *encoder.device.split()]
    command += ["-f", "rawvideo", "-pix_fmt", "yuv420p", *size, "-framerate", "25", "-i", "pipe:0"]
    command += ["-vf", ",".join(encoder.filters)] if encoder.filters else []
    command += ["-c:v", encoder.codec, *encoder.arguments.split(), "-f", "null", "-"]
    grey = bytes([128]) * (width * height * 3 // 2) * TRIED
    try:
        ended = subprocess.run(
            command, input=grey, capture_output=True, timeout=SECONDS, check=False, start_new_session=True
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS:g} s"
    return None if ended.returncode == 0 else first_line(ended.stderr) or f"ended with status {ended.returncode}"


def first_line(log: bytes) -> str:
    """What ffmpeg said first, without the address of the part that said it."""
    text = re.sub(r"\[[^]]* @ 0x[0-9a-f]+\] ?", "", log.decode(errors="replace"))
    return next((line.strip()[:300] for line in text.splitlines() if line.strip()), "")
