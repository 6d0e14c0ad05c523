"""Speech of a neural synthesiser: Kokoro-82M (Apache-2.0), run by onnxruntime from a folder that the user has.

    *.onnx, or onnx/*.onnx         the model
    config.json or tokenizer.json  its `vocab`: the number of every phone and sign
    voices/*.bin                   one file per voice, float32 [n, 1, 256]: its style for texts of 1 to n phones

The voices are named by language and sex: af_heart is an American woman, ff_siwis a Frenchwoman. Nothing of it ships.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..speech.languages import transcribed

F32 = NDArray[np.float32]

RATE = 24000  # Hz
LANGUAGES = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "i": "it", "p": "pt-br"}  # by a voice's first letter
MOST_PHONES = 500
_WIDTH = 256  # of a style
# What espeak-ng writes with two signs is one to the model
_ONE_SIGN = {
    "aɪ": "I",
    "aʊ": "W",
    "eɪ": "A",
    "ɔɪ": "Y",
    "oʊ": "O",
    "əʊ": "Q",
    "dʒ": "ʤ",
    "tʃ": "ʧ",
    "ts": "ʦ",
    "dz": "ʣ",
}
_ENGLISH = {"r": "ɹ", "ɐ": "ə", "ɚ": "əɹ"}
_AMERICAN = _ENGLISH | {"ɜː": "ɜɹ", "ː": ""}
_CLAUSES = re.compile(r"[^.!?,;:]+[.!?,;:]*")


class Kokoro:
    """The synthesiser."""

    def __init__(self, folder: Path) -> None:
        """Raises InputError where the folder lacks something, or its model is another one."""
        import onnxruntime

        models = sorted(folder.glob("*.onnx")) or sorted(folder.glob("onnx/*.onnx"))
        if not models:
            raise InputError(f"{folder}: expected the ONNX model of Kokoro-82M, found none (docs/datasets.md)")
        self._vocabulary = _vocabulary(folder)
        self._styles = {path.stem: _styles(path) for path in sorted(folder.glob("voices/*.bin"))}
        if not self._styles:
            raise InputError(f"{folder}: expected voices/*.bin, found none (docs/datasets.md)")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is raised, too
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the same sound on any machine's cores
        try:
            self._session = onnxruntime.InferenceSession(models[0], options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no common class
            raise InputError(f"{models[0]}: expected an ONNX model, found {str(error)[:200]}") from error
        self._inputs = [given.name for given in self._session.get_inputs()]
        if len(self._inputs) != 3 or self._inputs[1:] != ["style", "speed"]:
            raise InputError(f"{models[0]}: inputs: expected phones, style and speed, found {', '.join(self._inputs)}")
        self.model, self._folder = models[0], folder

    @property
    def voices(self) -> list[str]:
        """Names."""
        return list(self._styles)

    def say(self, text: str, voice: str, *, language: str, speed: float = 1.0) -> F32:
        """Samples at `RATE`; raises InputError for a text of more than `MOST_PHONES` phones, where the folder's parts
        do not fit each other, and without espeak-ng."""
        phones = [self._vocabulary[sign] for sign in _phones(text, language) if sign in self._vocabulary]
        if not 0 < len(phones) <= MOST_PHONES:
            known = f"1 to {MOST_PHONES} phones that `vocab` has"
            raise InputError(f"{self._folder}: expected {known}, found {len(phones)}: {text[:40]!r}")
        styles = self._styles[voice]
        given = (
            np.array([[0, *phones, 0]], np.int64),
            styles[min(len(phones), len(styles)) - 1][None],
            np.array([speed], np.float32),
        )
        try:
            wave: Any = self._session.run(None, dict(zip(self._inputs, given, strict=True)))[0]
        except Exception as error:  # onnxruntime's errors have no common class
            raise InputError(f"{self.model}: cannot say {text[:40]!r}: {str(error)[:200]}") from error
        samples = np.asarray(wave, np.float32).ravel()
        if not np.isfinite(samples).all():
            raise InputError(f"{self._folder / 'voices' / voice}.bin: expected a voice, found one of NaN or infinity")
        return samples


def _vocabulary(folder: Path) -> dict[str, int]:
    for name in ("config.json", "tokenizer.json"):
        try:
            told = json.loads((folder / name).read_text("utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{folder / name}: expected JSON, found something unreadable ({error})") from error
        inside = told.get("model", told) if isinstance(told, dict) else None
        found = inside.get("vocab") if isinstance(inside, dict) else None
        if isinstance(found, dict) and found and all(type(number) is int for number in found.values()):
            return found
    raise InputError(f"{folder}: expected config.json or tokenizer.json with a `vocab`, found none (docs/datasets.md)")


def _styles(path: Path) -> F32:
    data = path.read_bytes()
    if not data or len(data) % (4 * _WIDTH):
        raise InputError(f"{path}: expected rows of {_WIDTH} float32 numbers, found {len(data)} bytes")
    return np.frombuffer(data, "<f4").reshape(-1, _WIDTH)


def _phones(text: str, language: str) -> str:
    """The text in the model's signs, which include punctuation."""
    signs = _AMERICAN if language == "en-us" else _ENGLISH if language == "en-gb" else {}
    parts = []
    for clause in _CLAUSES.findall(text):
        ipa = transcribed(clause, language)
        for written, sign in (_ONE_SIGN | signs).items():
            ipa = ipa.replace(written, sign)
        parts.append(ipa + clause[-1] if clause[-1] in ".!?,;:" else ipa)
    return " ".join(parts)
