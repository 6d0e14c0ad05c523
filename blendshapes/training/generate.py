"""The generated corpus on disk: speech of several synthesisers with phone times, people who say it, and expressions.

corpus.json               format, seed, hours, head, tools and their versions
sound/<engine>.npz        utterances: samples, phones with times, voices, texts (`corpus.save`)
sound/held_out.npz        the same of voices that are in no other file: for validation and test
speech/<person>.npz       faces that say some of the utterances, as parameters of the head (`data.generated`)
speech/<person>/*.flac    their sound
expressions/<person>.npz  faces that go from neutral to an apex and back, without sound
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ...avatars.head import HeadModel
from ...core.errors import InputError
from ...core.whole_files import check_new, whole_folder
from ..data.generated import FORMAT
from ..data.sequence import Part
from ..speech.features import RATE
from . import corpus, espeak, expressions, festival, flite
from .corpus import Utterance

DESCRIPTION, SOUND, HELD_OUT = "corpus.json", "sound", "held_out"
FULL_SIZE = 3.8  # hours of the utterances below, which the shipped weights heard, with `expressions.PEOPLE`
MOST_HOURS = 24.0
ENGINES = {"espeak": 1600, "flite": 1050, "festival": 900}  # utterances of the full size
PROGRAMS = {"espeak": "espeak-ng", "flite": "flite", "festival": "festival"}
PACKAGES = {
    "espeak": "espeak-ng",
    "flite": "flite",
    "festival": "festival festvox-kdlpc16k festvox-italp16k festvox-itapc16k festvox-suopuhe-mv festvox-czech-ph",
}


@dataclass(frozen=True)
class Progress:
    """What is being made."""

    stage: str
    done: int
    total: int
    unit: str


Report = Callable[[Progress], None]


def generate_corpus(
    out: Path,
    head: HeadModel,
    *,
    hours: float,
    seed: int,
    engines: Sequence[str] = tuple(ENGINES),
    report: Report = lambda _: None,
) -> dict[str, Any]:
    """Write the corpus into `out` and return its description; the same seed and tools give the same corpus.

    The folder appears whole or not at all. Raises InputError for a missing program, naming the package to install.
    """
    if not 0 < hours <= MOST_HOURS:
        raise InputError(f"--hours {hours:g}: expected more than 0 and at most {MOST_HOURS:g}")
    check_new(out)
    check_programs(engines)
    with whole_folder(out) as staged:
        try:
            description = _generate(staged, head, hours, seed, engines, report)
        except subprocess.CalledProcessError as error:
            raise InputError(
                f"{error.cmd[0]} failed ({error}); are all of its voices installed? {_advice()}"
            ) from error
        (staged / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    return description


def check_programs(engines: Iterable[str]) -> None:
    """Raise InputError for an engine that is unknown or not installed; espeak-ng's voices are the held-out ones."""
    if "espeak" not in engines:
        raise InputError(f"--engines: expected espeak among them, found {', '.join(engines) or 'none'}")
    for engine in engines:
        if engine not in ENGINES:
            raise InputError(f"--engines: expected some of {', '.join(ENGINES)}, found {engine!r}")
        if not shutil.which(PROGRAMS[engine]):
            raise InputError(
                f"{PROGRAMS[engine]} is not installed: expected it to speak the sentences; {_advice([engine])}"
            )


def _advice(engines: Iterable[str] = tuple(ENGINES)) -> str:
    packages = " ".join(PACKAGES[engine] for engine in engines)
    return f"Debian, Ubuntu: apt install {packages}; --engines espeak makes do with espeak-ng"


def _generate(
    folder: Path, head: HeadModel, hours: float, seed: int, engines: Sequence[str], report: Report
) -> dict[str, Any]:
    (folder / SOUND).mkdir()
    people: dict[Part, int] = {
        part: max(1, round(count * hours / FULL_SIZE)) for part, count in expressions.PEOPLE.items()
    }
    with tempfile.TemporaryDirectory() as work:
        voices = _Voices(Path(work), seed)
        spoken: list[Utterance] = []
        for engine in engines:
            count = max(3, round(ENGINES[engine] * hours / FULL_SIZE))
            said = list(_counted(voices.speech(engine, count), count, engine, report))
            corpus.save(folder / SOUND / f"{engine}.npz", said)
            spoken += said
        tested = (people["val"] + people["test"]) * expressions.SENTENCES
        held_out = list(_counted(voices.held_out(engines, tested), tested, "held-out voices", report))
        corpus.save(folder / SOUND / f"{HELD_OUT}.npz", held_out)
        versions = voices.versions(engines)
    _pose(folder, head, people, spoken, held_out, seed, report)
    return {
        "format": FORMAT,
        "hours": round(sum(len(u.wave) for u in spoken) / RATE / 3600, 3),
        "utterances": len(spoken),
        "held_out_utterances": len(held_out),
        "people": people,
        "seed": seed,
        "engines": list(engines),
        "head": head.version,
        "made_with": versions,
    }


def _counted(utterances: Iterable[Utterance], count: int, who: str, report: Report) -> Iterator[Utterance]:
    for done, utterance in enumerate(utterances):
        report(Progress(who, done, count, "utterances"))
        yield utterance


def _pose(
    folder: Path,
    head: HeadModel,
    people: dict[Part, int],
    spoken: Sequence[Utterance],
    held_out: Sequence[Utterance],
    seed: int,
    report: Report,
) -> None:
    """People who say the utterances: those of training in the voices of training, the others in held-out ones."""
    tested = people["val"] + people["test"]
    each = min(expressions.SENTENCES, len(spoken) // people["train"], len(held_out) // tested)
    if not each:
        raise InputError(f"--hours: expected at least one sentence for each of {sum(people.values())} people; raise it")
    step = max(1, len(spoken) // (people["train"] * each))
    said = [*spoken[::step][: people["train"] * each], *held_out[: tested * each]]
    report(Progress("posing the faces", 0, sum(people.values()), "people"))
    segments = [utterance.segments for utterance in said]
    speech, _ = expressions.generate(folder, head, segments, seed=seed, people=people, spoken=each)
    names = [f"{part}{number:03d}" for number, part in enumerate(p for p, n in people.items() for _ in range(n))]
    for number, utterance in enumerate(said):
        path = speech / names[number // each] / f"sentence{number % each:02d}.flac"
        _write_sound(path, utterance)


def _write_sound(path: Path, utterance: Utterance) -> None:
    import soundfile

    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, utterance.wave, RATE, subtype="PCM_16")


class _Voices:
    """The synthesisers; each engine has its own stream of the seed."""

    def __init__(self, work: Path, seed: int) -> None:
        self._work = work
        self._seed = 1000 * seed
        self._espeak: espeak.Espeak | None = None  # the library can be opened once

    def speech(self, engine: str, count: int) -> Iterator[Utterance]:
        """Utterances of one engine."""
        if engine == "espeak":
            return corpus.espeak_speech(self.espeak, self._work, count=count, seed=self._seed + 1)
        if engine == "flite":
            return corpus.flite_speech(count=count, seed=self._seed + 3)
        return corpus.festival_speech(count=count, seed=self._seed + 6)

    def held_out(self, engines: Sequence[str], count: int) -> Iterator[Utterance]:
        """Utterances in voices that `speech` never uses, of espeak-ng and flite in turns."""
        if "flite" not in engines:
            return corpus.held_out_espeak_speech(self.espeak, count=count, seed=self._seed + 2)
        first = corpus.held_out_espeak_speech(self.espeak, count=count - count // 2, seed=self._seed + 2)
        second = corpus.held_out_flite_speech(count=count // 2, seed=self._seed + 4)
        pairs = zip_longest(first, second)
        return (utterance for pair in pairs for utterance in pair if utterance is not None)

    @property
    def espeak(self) -> espeak.Espeak:
        """espeak-ng with room for voices of our own."""
        if self._espeak is None:
            espeak.link_data(self._work, _system_data())
            self._espeak = espeak.Espeak(self._work)
        return self._espeak

    def versions(self, engines: Sequence[str]) -> dict[str, str]:
        """Versions of the tools."""
        known = {"espeak": self.espeak.version, "flite": flite.version, "festival": festival.version}
        return {PROGRAMS[engine]: known[engine]() for engine in engines}


def _system_data() -> Path:
    """espeak-ng's own data folder, as its command reports it."""
    return Path(_printed("espeak-ng", "--version").split("Data at:")[1].strip())


def _printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
