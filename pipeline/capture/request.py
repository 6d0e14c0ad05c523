"""What `render avatar capture` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...core.errors import InputError
from .lens import LONGEST, SHORTEST

PEOPLE = ("person1", "person2", "person3", "person4")  # whose Gaussians a capture can begin with
SIZE, SIZES = 512, (64, 1024)  # pixels of the longer side of what is learned from
LICENCE = "private: to be used by the person shown, or with their consent"
PHOTOS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class CaptureRequest:
    """What `render avatar capture` was asked for."""

    source: Path  # a film, or a photo
    out: Path  # folder
    masks: Path | None = None  # that another program made
    prior: str = "auto"  # built-in person that the unseen is taken from
    licence: str = LICENCE
    iterations: int | None = None
    size: int = SIZE
    keep_frames: bool = False
    focal: float | None = None  # of the lens, millimetres as on 35 mm film; None: as the file tells, or from the film
    tracker: Path | None = None
    device: str = "auto"
    overwrite: bool = False  # an avatar of an earlier run

    def check(self) -> None:
        """Raises InputError for what is wrong with it, before anything takes long."""
        if not self.source.is_file():
            raise InputError(f"{self.source}: no such file")
        if self.prior not in ("auto", *PEOPLE):
            raise InputError(f"--prior: expected auto or one of {', '.join(PEOPLE)}, found {self.prior!r}")
        if self.iterations is not None and self.iterations < 1:
            raise InputError(f"--iterations: expected at least 1, found {self.iterations}")
        if not SIZES[0] <= self.size <= SIZES[1]:
            raise InputError(f"--size: expected {SIZES[0]} to {SIZES[1]} pixels, found {self.size}")
        if self.focal is not None and not SHORTEST <= self.focal <= LONGEST:
            raise InputError(f"--focal: expected {SHORTEST:g} to {LONGEST:g} mm, found {self.focal:g}")
        if self.masks is not None and not self.masks.exists():
            raise InputError(f"--masks: no such file or folder: {self.masks}")
        if self.out.exists() and not self.out.is_dir():
            raise InputError(f"--out: expected a folder, found a file {self.out}")

    @property
    def photo(self) -> bool:
        """Whether it is one picture."""
        return self.source.suffix.lower() in PHOTOS
