"""The report of what could unblind: leaks are found, chance is not taken for one, files are measured as they are."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from emosplat.studies import blinding
from emosplat.studies.blinding import Blinding, Leak, chance_of, explained, guessed_right, look_for_leaks, measure
from emosplat.studies.stimuli import Showing, Stimulus


def centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=-1, keepdims=True)


@pytest.mark.slow
def test_chance_is_not_taken_for_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """In 5 % of studies without any leak one of six numbers is flagged, however the numbers are distributed."""
    monkeypatch.setattr(blinding, "PERMUTATIONS", 499)
    rng = np.random.default_rng(1)
    flagged = 0
    for study in range(120):
        values = rng.normal(size=(6, 8, 3))
        values[3:] = np.exp(2 * values[3:])
        values[5] = values[4] + 1e-3 * values[5]  # two that go together
        flagged += bool((chance_of(centred(values), seed=study) < 0.05).any())
    assert binomtest(flagged, 120, 0.05).pvalue > 0.01


def test_a_leak_is_found_among_other_numbers() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(6, 10, 3))
    values[4] += [0, 0, 2]
    p = chance_of(centred(values), seed=0)
    assert p[4] < 0.01
    assert (np.delete(p, 4) > 0.05).all()


def test_guesses_come_from_other_clips() -> None:
    told = np.tile([-1.0, 0.0, 1.0], (5, 1))
    assert guessed_right(told) == 1
    assert explained(told[None]) == pytest.approx(1)
    assert guessed_right(np.zeros((5, 3))) == pytest.approx(1 / 3)  # by lot
    own = centred(np.diag(np.arange(1.0, 5.0)))  # each clip has its own odd one
    assert guessed_right(own) < 0.5


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("file", "of the files size TELL conditions apart; nor does what is shown"),
        ("picture", "no name, size, date or format tells conditions apart; what is shown and heard does by size"),
    ],
)
def test_one_line_says_it(of: str, expected: str) -> None:
    leak = Leak("size", of, 1, 8, False, 0.9, 0.5, 0.01)
    assert Blinding([leak, Leak("date", "file", 1, 8, True, 0.5, 0.5, None)], []).line() == (
        f"blinding, by 8 clips: {expected} (key/blinding.csv)"
    )


@pytest.mark.slow
def test_files_of_a_study_tell_nothing(built: Path, tmp_path: Path) -> None:
    """As built, all is alike; a box, a date and a tag more in one condition's files are noticed."""
    with (built / "key" / "unblind.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    twins = {row["stimulus"]: row for row in rows if row["condition"] in {"plainface", "twinface"}}
    stimuli = {
        name.removesuffix(".mp4"): Stimulus(Showing(row["clip"], row["condition"]))
        for name, row in twins.items()
        if (row["manner"], row["open_reference"]) == ("plain", "0")
    }
    assert len(stimuli) == 4
    shutil.copytree(built / "public" / "stimuli", tmp_path / "stimuli", copy_function=shutil.copy2)
    heard = {name: {"loudness": -23.0} for name in stimuli}
    clean = look_for_leaks(stimuli, tmp_path / "stimuli", heard, seed=0)
    assert {leak.number for leak in clean.leaks if not leak.same} == {"name"}
    for name, stimulus in stimuli.items():
        if stimulus.left.condition == "twinface":
            with (tmp_path / "stimuli" / f"{name}.mp4").open("ab") as stream:
                stream.write(b"\0\0\0\x10free" + bytes(8))
    leaky = look_for_leaks(stimuli, tmp_path / "stimuli", heard, seed=0)
    assert {leak.number for leak in leaky.leaks if not leak.same} == {"name", "size", "date"}
    assert "size, date differ" in leaky.line()
    found = measure(tmp_path / "stimuli" / f"{next(iter(stimuli))}.mp4")
    assert found["file"]["first_frame"] == found["file"]["last_frame"] == pytest.approx(255, abs=2)
    assert 100 < float(found["picture"]["luminance"]) < 255


@pytest.mark.slow
def test_the_report_is_beside_the_key(built: Path) -> None:
    with (built / "key" / "blinding.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    alike = {row["number"] for row in rows if row["same_in_all"] == "1"}
    assert {"size", "date", "duration", "frames", "format", "metadata", "first_frame", "loudness"} <= alike
    assert {row["tells_conditions_apart"] for row in rows if row["of"] == "file"} == {"0"}
    with (built / "key" / "measures.csv").open(newline="") as stream:
        measures = list(csv.DictReader(stream))
    assert sorted(row["stimulus"] for row in measures) == sorted(
        p.name for p in (built / "public" / "stimuli").iterdir()
    )
    of = {(row["clip"], row["condition"]): float(row["movement"]) for row in measures if row["manner"] == "frozen"}
    assert len(of) == 2
