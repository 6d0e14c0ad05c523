"""What a photo or film tells of the lens it was taken with."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ...core.errors import InputError

SHORTEST, LONGEST = 10.0, 300.0  # millimetres, as on 35 mm film
EXIF, AS_35MM = 0x8769, 0xA405  # of Exif: where its numbers lie, and FocalLengthIn35mmFilm
QUICKTIME = "focal_length.35mm_equivalent"  # how QuickTime's name of it ends, as phones write it


def told_focal(source: Path, *, photo: bool) -> float | None:
    """Focal length in millimetres as on 35 mm film; None where the file does not tell a plausible one."""
    found = _of_photo(source) if photo else _of_film(source)
    return found if found is not None and SHORTEST <= found <= LONGEST else None


def _of_photo(source: Path) -> float | None:
    from PIL import Image

    with (
        suppress(OSError, ValueError, SyntaxError, LookupError, TypeError, Image.DecompressionBombError),
        Image.open(source) as image,
    ):
        return float(image.getexif().get_ifd(EXIF)[AS_35MM])
    return None


def _of_film(source: Path) -> float | None:
    from ..media.audio import opened_media

    with suppress(InputError, ValueError), opened_media(source, "film") as container:
        tables = (container.metadata, *(stream.metadata for stream in container.streams.video))
        told = (value for table in tables for name, value in table.items() if name.lower().endswith(QUICKTIME))
        return float(next(told, "nan"))
    return None
