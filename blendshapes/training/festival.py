"""Speech with phone times from festival's diphone voices; each is cut from the recordings of one person.

festival (MIT-like licence) and its voices (some of them GPL) are tools of the build: nothing of them is shipped.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..speech.phones import Segment, from_arpabet, from_ipa

F32 = NDArray[np.float32]
Label = tuple[float, float, str]

# Voices by festival's name, with the language of their texts
VOICES = {
    "ked_diphone": "english",
    "pc_diphone": "italian",
    "lp_diphone": "italian",
    "hy_fi_mv_diphone": "finnish",
    "czech_ph": "czech",
}

_PAUSES = frozenset({"#", "##", "_", "pau", "h#"})
# Names of phones that are not their own IPA symbol; length and stress are marked by a final `:` or `1`
_ITALIAN = {"E": "ɛ", "O": "ɔ", "S": "ʃ", "Z": "ʒ", "tS": "tʃ", "dZ": "dʒ", "J": "ɲ", "L": "ʎ", "ng": "ŋ", "nf": "ɱ"}
_FINNISH = {"@": "æ", "7": "ø", "&": "ə", "S": "ʃ", "Z": "ʒ", "N": "ŋ", "T": "θ", "D": "ð"}
_CZECH = {"c": "ts", "c~": "tʃ", "ch": "x", "d~": "ɟ", "dz~": "dʒ", "n*": "ŋ", "n~": "ɲ", "r~": "rʒ", "r~*": "rʃ"}
_CZECH |= {"s~": "ʃ", "t~": "c", "z~": "ʒ"}
_IPA = {"italian": _ITALIAN, "finnish": _FINNISH, "czech": _CZECH}


class Line(NamedTuple):
    """Something to say, in ASCII."""

    text: str
    voice: str
    stretch: float = 1.0  # above 1: slower


def say(lines: Sequence[Line]) -> list[tuple[F32, int, list[Segment]]]:
    """Waveform, its rate in Hz and its phones, for each of `lines`.

    Raises FileNotFoundError when festival is not installed and CalledProcessError when it or a voice fails.
    """
    import soundfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "lines.scm"
        script.write_text("\n".join(_commands(i, line, folder) for i, line in enumerate(lines)), encoding="utf-8")
        subprocess.run(["festival", "-b", str(script)], capture_output=True, check=True)
        spoken = []
        for i, line in enumerate(lines):
            wave, rate = soundfile.read(folder / f"{i}.wav", dtype="float32")
            labels = _read_labels((folder / f"{i}.segs").read_text(encoding="utf-8"))
            spoken.append((np.asarray(wave, np.float32), rate, _segments(labels, VOICES[line.voice])))
    return spoken


def version() -> str:
    """Version of the festival command."""
    printed = subprocess.run(["festival", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+(\.\d+)+", printed)
    return found[0] if found else "unknown"


def _commands(index: int, line: Line, folder: Path) -> str:
    """Scheme that says one line and saves its sound and phones."""
    text = line.text.encode("ascii").decode().replace("\\", " ").replace('"', " ")
    return (
        f"(voice_{line.voice}) (Parameter.set 'Duration_Stretch {line.stretch:.2f}) "
        f'(set! spoken (utt.synth (Utterance Text "{text}"))) '
        f'(utt.save.segs spoken "{folder}/{index}.segs") (utt.save.wave spoken "{folder}/{index}.wav" \'riff)'
    )


def _read_labels(text: str) -> Iterable[Label]:
    """Lines `end colour phone` after a line `#`, as in xlabel."""
    start = 0.0
    for row in text.partition("#\n")[2].splitlines():
        if len(cells := row.split()) == 3:
            yield start, float(cells[0]), cells[2]
            start = float(cells[0])


def _segments(labels: Iterable[Label], language: str) -> list[Segment]:
    if language == "english":
        return from_arpabet((start, end, "NG" if phone == "nx" else phone) for start, end, phone in labels)
    return from_ipa((start, end, _to_ipa(phone, language)) for start, end, phone in labels)


def _to_ipa(phone: str, language: str) -> str:
    if phone in _PAUSES:
        return ""
    plain = phone.rstrip("1:")
    return _IPA[language].get(plain, plain)
