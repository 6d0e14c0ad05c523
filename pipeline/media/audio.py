"""Audio in: any file that FFmpeg reads, checked once, then streamed in constant memory.

Time is seconds from the first sample that a player presents: encoder delay, padding and edit lists are trimmed
by the demuxer. The model's sound and the sound of the output file both come from this one sample count, so they agree.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import EINVAL
from fractions import Fraction
from functools import cached_property
from itertools import chain
from math import sqrt
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.media_formats import DEMUXERS, MEASURED
from ...core.whole_files import leftover
from .mixdown import Mixdown, Weights, mixed

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

F32 = NDArray[np.float32]

MIN_SECONDS = Fraction(1, 5)
HOLE = 0.05  # seconds without samples that are more than the rounding of a recorder's clock
MIN_RATE, MAX_RATE = 8_000, 192_000
SILENCE = 1e-4  # rms of the mono mix, -80 dBFS
FULL_SCALE = np.float32(32767 / 32768)
CLIPPED_SHARE = 1e-3
OPENING = 1  # seconds
DAMAGED_SHARE = 0.02
LOUDEST = float(1 << 32)  # beyond float samples in the scale of 32-bit integers nothing is sound, and squares overflow
HEARD = 16_000  # Hz, what motion models hear
SHORT = 60.0  # seconds of a clip that is kept as the models hear it: 4 MB
READ_SAMPLES = 1 << 14  # per block: codec frames are so short that Python's overhead would double the time
MOTION = {".npy", ".pkl", ".pickle", ".pt", ".pth", ".bvh", ".fbx", ".anim", ".mat", ".h5"}  # of others
READ_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}


@dataclass(frozen=True)
class AudioClip:
    """A checked stretch of one audio track: `samples` samples per channel from `start_sample` on."""

    path: Path
    stream: int  # index of the track in the file
    codec: str
    sample_format: str  # FFmpeg's name without the planar "p": u8, s16, s32, s64, flt, dbl
    sample_rate: int  # Hz
    channels: int
    start_sample: int
    samples: int
    peak: float  # largest |sample| of any channel; full scale is 1
    rms: float  # of the mono mix
    clipped_share: float  # of the samples, at or above full scale
    damaged: int  # packets that could not be decoded and were skipped
    missing: float  # seconds that the file's header promises and the file does not hold
    sha256: str  # of the file's bytes
    fingerprint: int = 0  # of the first second that is audible, as samples: the same in every lossless format
    mix: Weights = ()  # of each channel in the mono mix; empty: their mean
    tracks: int = 1  # audio tracks in the file
    track: int | None = None  # which of them was asked for, 1 for the first
    lost: float = 0.0  # seconds that the file's clock goes on without samples; they are closed

    @property
    def start(self) -> float:
        """Seconds into the file."""
        return self.start_sample / self.sample_rate

    @property
    def exact_duration(self) -> Fraction:
        """Seconds, as counted samples over the rate."""
        return Fraction(self.samples, self.sample_rate)

    @property
    def duration(self) -> float:
        """Seconds."""
        return float(self.exact_duration)

    @property
    def silent(self) -> bool:
        """Whether the mono mix, which is what the model hears, holds nothing audible."""
        return self.rms < SILENCE

    @property
    def clipped(self) -> bool:
        """Whether loud parts were cut off at full scale."""
        return self.clipped_share > CLIPPED_SHARE

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about a usable but doubtful recording, one line each."""
        found = {
            f"the file has {self.tracks} audio tracks; heard is the one that players play": self.tracks > 1
            and self.track is None,
            "channels of the audio cancel each other; they are aligned for the motion": len(set(self.mix)) > 1,
            "the audio is silent": self.silent,
            f"the audio is clipped: {self.clipped_share:.1%} of its samples are at full scale": self.clipped,
            f"the audio is damaged: {self.damaged} packets were skipped": self.damaged > 0,
            f"the audio has holes of {self.lost:.2f} s, as lost packets leave them; they are closed": self.lost > 0,
            f"the audio ends {self.missing:.2f} s before its header says; is the file cut off?": self.missing > 0,
        }
        return tuple(text for text, holds in found.items() if holds)

    def blocks(self, *, rate: int = HEARD, seconds: float = 1.0) -> Iterator[F32]:
        """Mono float32 `[n]` at `rate` Hz: round(duration * rate) samples, `seconds` per block.

        It is decoded anew each time, but for a short clip as the models hear it.
        """
        parts = [self._heard] if rate == HEARD and self.duration <= SHORT else self._decoded(rate)
        yield from _blocks(parts, max(1, round(seconds * rate)))

    @cached_property
    def _heard(self) -> F32:
        """The whole clip as the models hear it, one after the other; read-only."""
        samples = np.concatenate(list(self._decoded(HEARD)))
        samples.flags.writeable = False
        return samples

    def _decoded(self, rate: int) -> Iterator[F32]:
        mono = (mixed(part, self.mix) for part in _selected(self))
        return _exactly(_resampled(mono, self.sample_rate, rate), round(self.exact_duration * rate))

    def ffmpeg_input(self) -> list[str]:
        """Arguments that open the original file, at its own rate and channel count, as one ffmpeg input."""
        options = [argument for name, value in READ_OPTIONS.items() for argument in (f"-{name}", value)]
        return [*options, "-i", _url(self.path)]

    def ffmpeg_trim(self) -> str:
        """Filter that cuts this clip out of its track to the sample and starts it at time zero."""
        end = self.start_sample + self.samples
        trim = f"atrim=start_sample={self.start_sample}:end_sample={end},asetpts=round(N/SR/TB)"
        # some formats (TTA) do not say which channels they have, and no encoder takes that
        layout = {1: "mono", 2: "stereo"}.get(self.channels)
        return trim if layout is None else f"{trim},aformat=channel_layouts={layout}"


def open_audio(
    path: str | Path, *, start: float = 0.0, duration: float | None = None, track: int | None = None
) -> AudioClip:
    """Check an audio file, or the sound track of a video, in one streaming pass and describe it.

    start, duration: the stretch to use, in seconds, rounded to whole samples; a stretch that reaches beyond the end
    stops there, an infinite one too.

    track: which of several audio tracks, 1 for the first; None: the one that players play

    Raises InputError: no such file, not audio, no such track, damaged, shorter than 0.2 s, NaN or infinite samples, a
    sample rate outside 8 to 192 kHz, or a start past the end.
    """
    path = Path(path)
    _check_regular(path)
    if not 0 <= start < np.inf:
        raise InputError(f"start: expected seconds from 0 on, found {start}")
    if duration == np.inf:
        duration = None
    if duration is not None and not duration >= MIN_SECONDS:
        raise InputError(f"duration: expected at least {float(MIN_SECONDS)} seconds, found {duration}")
    scan = _Scan(path, start, duration)
    heard = _Track(path, track)
    for samples in heard.samples():
        scan.add(samples, heard.sample_rate)
        if scan.full:
            break
    return scan.finish(heard)


@contextmanager
def spool(stream: IO[bytes] | None) -> Iterator[Path]:
    """Copy standard input into a temporary file, which is deleted on leaving; raises InputError where it is closed."""
    if stream is None:
        raise InputError("-: expected sound on standard input, found it closed")
    with tempfile.TemporaryDirectory(prefix="emosplat-") as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
        yield path


class _Track:
    """One audio track of a file, by default that which players play. Described once the first samples came."""

    def __init__(self, path: Path, number: int | None = None) -> None:
        self.path, self.number = path, number
        self.stream = self.sample_rate = self.channels = self.counted = self.damaged = 0
        self.codec = self.sample_format = ""
        self.tracks = 1
        self.length: Fraction | None = None  # seconds, where the header tells
        self.declared: int | None = None  # the same in samples
        self.byte_rate = 0
        self.cuts_padding = self.ended = False
        self.holes: list[tuple[float, float]] = []  # where the file's clock goes on without samples, and how long
        self._expected: float | None = None  # seconds on the file's clock

    def samples(self) -> Iterator[F32]:
        """Decoded float32 `[channels, n]`, full scale 1, gapless."""
        return _blocks(self._trimmed(), READ_SAMPLES)

    def missing(self) -> float:
        """Seconds promised by the header beyond what was decoded; 0 where it tells nothing or within two packets."""
        if not self.ended or self.declared is None:
            return 0.0
        seconds = (self.declared - self.counted) / self.sample_rate - self.lost
        if self.byte_rate:
            seconds = max(seconds, _riff_shortfall(self.path) / self.byte_rate)
        return seconds if seconds > 0.1 else 0.0

    def _trimmed(self) -> Iterator[F32]:
        last: F32 | None = None
        for piece in self._converted():
            if last is not None:
                self.counted += last.shape[1]
                yield last
            last = piece
        self.ended = True
        if last is not None:
            last = last[:, : last.shape[1] - self._padding(last.shape[1])]
            self.counted += last.shape[1]
            yield last

    def _converted(self) -> Iterator[F32]:
        import av

        # Interleaved, because reading the planes of eight or more channels crashes PyAV 18.1.
        convert = av.AudioResampler(format="flt")
        for frame in chain.from_iterable(map(convert.resample, self._frames())):
            yield np.asarray(frame.to_ndarray(), np.float32).reshape(-1, self.channels).T

    def _padding(self, last: int) -> int:
        """Samples of the last frame that lie past the end of an MP4 edit list, which players do not present."""
        if not self.cuts_padding or self.declared is None:
            return 0
        excess = self.counted + last - self.declared
        return excess if 0 < excess < last else 0

    def _frames(self) -> Iterator[av.AudioFrame]:
        from av.error import FFmpegError

        packets = 0
        with _opened(self.path, self.number) as (container, stream):
            self.stream, self.codec = stream.index, stream.codec_context.name
            self.tracks = len(container.streams.audio)
            self.cuts_padding = "mp4" in container.format.name
            self.byte_rate = (stream.bit_rate or 0) // 8
            if container.format.name in MEASURED and stream.duration is not None and stream.time_base is not None:
                self.length = stream.duration * stream.time_base
            for packet in _packets(container, stream):
                packets += 1
                try:
                    frames = packet.decode()
                except FFmpegError:
                    self.damaged += 1
                    continue
                for frame in frames:
                    self._check(frame)
                    self._mind_the_gap(frame)
                    yield frame
        # The last packet of a file that was cut off is always damaged.
        if self.damaged > max(1, DAMAGED_SHARE * packets):
            raise InputError(
                f"{self.path}: expected sound, found {self.damaged} of {packets} packets damaged; "
                "repair the file or export it again"
            )

    @property
    def lost(self) -> float:
        """Seconds of all holes."""
        return sum(length for _, length in self.holes)

    def _mind_the_gap(self, frame: av.AudioFrame) -> None:
        """Note where the clock of the file is ahead of the samples that came."""
        if frame.time is None:
            return
        if self._expected is not None and frame.time - self._expected > HOLE:
            self.holes.append((self._expected, frame.time - self._expected))
        self._expected = frame.time + frame.samples / frame.sample_rate

    def _check(self, frame: av.AudioFrame) -> None:
        found = (frame.sample_rate, frame.layout.nb_channels)
        if not self.sample_rate:
            self.sample_rate, self.channels = found
            self.sample_format = frame.format.name.rstrip("p")
            if self.length is not None:
                self.declared = round(self.length * frame.sample_rate)
            if not MIN_RATE <= frame.sample_rate <= MAX_RATE:
                raise InputError(
                    f"{self.path}: expected a sample rate of {MIN_RATE} to {MAX_RATE} Hz, found {frame.sample_rate} Hz"
                )
        elif found != (self.sample_rate, self.channels):
            raise InputError(
                f"{self.path}: expected one sample rate and channel count, found {self.sample_rate} Hz with "
                f"{self.channels} channels and later {found[0]} Hz with {found[1]}; convert it to WAV first"
            )


class _Scan:
    """Running statistics over the chosen stretch of a track."""

    def __init__(self, path: Path, start: float, duration: float | None) -> None:
        self.path, self.start, self.duration = path, Fraction(start), duration
        self.first, self.last = 0, 0
        self.seen = self.taken = self.clipped = 0
        self.peak = 0.0
        self.mixdown = Mixdown()
        self.opening = bytearray()  # from the first audible sample of the file on

    @property
    def full(self) -> bool:
        """Whether the chosen stretch is complete."""
        return self.duration is not None and self.seen >= self.last

    def add(self, samples: F32, rate: int) -> None:
        """Count float32 `[channels, n]` at `rate` Hz."""
        if not self.seen:
            self.first = round(self.start * rate)
            self.last = self.first + round(Fraction(self.duration or 0) * rate)
        self._listen(samples, rate)
        skip = max(0, self.first - self.seen)
        stop = samples.shape[1] if self.duration is None else max(0, self.last - self.seen)
        self.seen += samples.shape[1]
        samples = samples[:, skip:stop]
        if not samples.size:
            return
        level = np.abs(samples)
        peak = float(level.max())
        if not np.isfinite(peak):
            at = (self.first + self.taken + int(np.argmin(np.isfinite(samples).all(axis=0)))) / rate
            raise InputError(f"{self.path}: expected finite samples, found NaN or infinity at {at:.3f} s")
        if peak > LOUDEST:
            at = (self.first + self.taken + int(level.max(axis=0).argmax())) / rate
            raise InputError(f"{self.path}: expected samples within -1 to 1, found one of {peak:.1e} at {at:.3f} s")
        self.taken += samples.shape[1]
        self.peak = max(self.peak, peak)
        self.clipped += int(np.count_nonzero(level >= FULL_SCALE))
        self.mixdown.add(samples, rate)

    def _listen(self, samples: F32, rate: int) -> None:
        """Keep the first audible second, wherever the chosen stretch begins."""
        missing = OPENING * rate - len(self.opening) // samples[:, :1].nbytes
        if missing > 0 and not self.opening:
            audible = np.abs(samples).max(axis=0) > SILENCE
            samples = samples[:, audible.argmax() :] if audible.any() else samples[:, :0]
        if missing > 0:
            self.opening += samples[:, :missing].T.tobytes()

    def finish(self, track: _Track) -> AudioClip:
        """The checked clip."""
        if not self.seen:
            raise InputError(f"{self.path}: expected sound, found an audio track without samples")
        if self.first >= self.seen:
            seconds = self.seen / track.sample_rate
            raise InputError(f"start: expected less than {self.path}'s {seconds:.3f} s, found {float(self.start)} s")
        if Fraction(self.taken, track.sample_rate) < MIN_SECONDS:
            raise InputError(
                f"{self.path}: expected at least {float(MIN_SECONDS)} s of sound, "
                f"found {self.taken / track.sample_rate:.3f} s"
            )
        mix = self.mixdown.weights()
        return AudioClip(
            path=self.path.absolute(),
            stream=track.stream,
            codec=track.codec,
            sample_format=track.sample_format,
            sample_rate=track.sample_rate,
            channels=track.channels,
            start_sample=self.first,
            samples=self.taken,
            peak=self.peak,
            rms=sqrt(self.mixdown.energy(mix) / self.taken),
            clipped_share=self.clipped / (self.taken * track.channels),
            damaged=track.damaged,
            missing=track.missing(),
            sha256=_sha256(self.path),
            fingerprint=zlib.crc32(self.opening),
            mix=mix,
            tracks=track.tracks,
            track=track.number,
            lost=track.lost,
        )


def _check_regular(path: Path, wanted: str = "audio") -> None:
    if path.is_dir():
        raise InputError(f"{path}: expected a file of {wanted}, found a folder")
    if not path.exists():
        raise InputError(f"{path}: no such {wanted} file")
    if not path.is_file():
        raise InputError(f"{path}: expected a regular file, found a device or pipe; use '-' to read standard input")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if empty:
        raise InputError(f"{path}: expected {wanted}, found an empty file")


def _url(path: Path) -> str:
    """The path for FFmpeg, whose protocol prefixes and options a file's name must not imitate."""
    return f"file:{path.absolute()}"


@contextmanager
def opened_media(path: Path, wanted: str = "audio") -> Iterator[InputContainer]:
    """A sound or film whose format opens no other files; raises InputError."""
    import av
    from av.error import FFmpegError

    _check_regular(path, wanted)
    try:
        container = av.open(_url(path), options=READ_OPTIONS, metadata_errors="ignore")
    except (FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        if getattr(error, "errno", None) == EINVAL:  # what FFmpeg says of formats that it must not open
            reason = "a format that is not read, such as a playlist, pictures or headerless samples"
        hint = "; motion is read from .npz, .csv and .json" if path.suffix.lower() in MOTION else leftover(path)
        raise InputError(
            f"{path}: expected an audio or video file, found something unreadable ({reason}){hint}"
        ) from None
    with container:
        yield container


@contextmanager
def _opened(path: Path, number: int | None) -> Iterator[tuple[InputContainer, av.AudioStream]]:
    from av.error import FFmpegError

    with opened_media(path) as container:
        if not container.streams.audio:
            raise InputError(f"{path}: expected sound, found no audio track")
        tracks = container.streams.audio
        if number is not None and number > len(tracks):
            raise InputError(f"{path}: track: expected one of its {len(tracks)}, found {number}")
        stream = played_track(container) if number is None else tracks[number - 1]
        try:
            stream.codec_context.open(strict=False)
        except (FFmpegError, ValueError) as error:
            raise InputError(f"{path}: its audio codec cannot be decoded ({error})") from None
        yield container, stream


def has_sound(path: Path) -> bool:
    """Whether a sound or film can be heard; raises InputError where it is neither."""
    with opened_media(path, "sound or film") as container:
        return bool(container.streams.audio)


def holes_in_sound(path: Path) -> list[tuple[float, float]]:
    """Where the clock of a file goes on without samples of the sound that is heard, and how long; seconds.

    Recordings of calls and streams have such where packets were lost. Nothing for sounds that cannot be read.
    """
    track = _Track(path)
    with suppress(InputError):
        for _ in track.samples():
            pass
    return track.holes


def played_track(container: InputContainer) -> av.AudioStream:
    """The track that players play: the first that the file flags as its default, else its first."""
    from av.stream import Disposition

    tracks = container.streams.audio
    return next((track for track in tracks if Disposition.default in Disposition(track.disposition)), tracks[0])


def _packets(container: InputContainer, stream: av.AudioStream) -> Iterator[av.Packet]:
    """Packets up to the end, or to where the container itself is broken."""
    from av.error import FFmpegError

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError):
            return
        yield packet


def _selected(clip: AudioClip) -> Iterator[F32]:
    """The clip's float32 `[channels, n]` in pieces."""
    skip, left = clip.start_sample, clip.samples
    for samples in _Track(clip.path, clip.track).samples():
        piece = samples[:, skip : skip + left]
        skip = max(0, skip - samples.shape[1])
        left -= piece.shape[1]
        if piece.shape[1]:
            yield piece
        if not left:
            return
    if left:
        raise InputError(f"{clip.path}: changed while it was read; expected {left} samples more")


def _resampled(mono: Iterator[F32], source: int, target: int) -> Iterator[F32]:
    """Streaming band-limited resampling without net delay (libsoxr, high quality)."""
    if source == target:
        yield from mono
        return
    import soxr

    stream = soxr.ResampleStream(source, target, 1, dtype="float32")
    for block in _blocks(mono, source):
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _exactly(parts: Iterable[F32], total: int) -> Iterator[F32]:
    """The same samples, cut or padded with zeros to `total`; a resampler's own count may differ by one."""
    for part in parts:
        yield part[:total]
        total -= len(part[:total])
    yield np.zeros(total, np.float32)


def _blocks(parts: Iterable[F32], size: int) -> Iterator[F32]:
    """The same samples, `[..., n]`, in pieces of `size`, the last one shorter."""
    waiting: list[F32] = []
    count = 0
    for part in parts:
        waiting.append(part)
        count += part.shape[-1]
        if count >= size:
            joined = np.concatenate(waiting, axis=-1)
            whole = count - count % size
            yield from (joined[..., at : at + size] for at in range(0, whole, size))
            waiting, count = [joined[..., whole:]], count - whole
    if count:
        yield np.concatenate(waiting, axis=-1)


def _riff_shortfall(path: Path) -> int:
    """Bytes that a WAV file lacks of what its header promises; FFmpeg itself takes the file's end for the end."""
    with path.open("rb") as file:
        header = file.read(12)
    promised = int.from_bytes(header[4:8], "little") + 8
    # Writers that cannot seek back leave the largest number there.
    if header[:4] != b"RIFF" or header[8:] != b"WAVE" or promised > 0x7FFF_F000:
        return 0
    return max(0, promised - path.stat().st_size)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
