"""Which stimuli a study needs, and what each one is called so that its name tells nothing."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

FROZEN, LOWPASS = "frozen", "lowpass"


@dataclass(frozen=True, order=True)
class Showing:
    """One clip in one condition, played in one manner."""

    clip: str
    condition: str
    # or "frozen" (a mouth that does not speak), "shift+240" (sound 240 ms after the picture), "lowpass2" (motion, Hz)
    manner: str = "plain"

    @property
    def shift_ms(self) -> int:
        """How long the sound comes after the picture, in milliseconds."""
        return int(self.manner.removeprefix("shift")) if self.manner.startswith("shift") else 0

    @property
    def cutoff(self) -> int | None:
        """Above which frequency its motion is smoothed away, Hz; None where it is as it was."""
        return int(self.manner.removeprefix(LOWPASS)) if self.manner.startswith(LOWPASS) else None


def shifted(clip: str, condition: str, ms: int) -> Showing:
    """The clip with its sound `ms` after its picture."""
    return Showing(clip, condition, f"shift{ms:+d}" if ms else "plain")


@dataclass(frozen=True)
class Stimulus:
    """One video that participants see: a showing, or two side by side."""

    left: Showing
    right: Showing | None = None
    open: bool = False  # an openly shown reference: its file must not have the name of the hidden one

    @property
    def clip(self) -> str:
        """The speech that is heard."""
        return self.left.clip

    @property
    def showings(self) -> tuple[Showing, ...]:
        """What is in the picture, from left to right."""
        return (self.left,) if self.right is None else (self.left, self.right)


def blind_name(stimulus: Stimulus, seed: int) -> str:
    """A name that only someone with the seed can connect to its stimulus.

    It begins with a letter, because spreadsheets read names such as 12e5 as numbers.
    """
    words = "|".join(f"{s.clip}/{s.condition}/{s.manner}" for s in stimulus.showings) + "|open" * stimulus.open
    return "v" + hmac.new(str(seed).encode(), words.encode(), hashlib.sha256).hexdigest()[:15]
