"""Nothing that is served tells conditions apart whose pictures are the same."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from emosplat.studies.design import load_study
from emosplat.studies.lists import Trial, make_lists, served

from .conftest import write_design

pytestmark = pytest.mark.slow

TWINS = ("plainface", "twinface")
SEEDS = 400
Features = Callable[[str, list[list[str]]], list[float]]


def twin_files(built: Path) -> list[tuple[Path, Path]]:
    """Files of the same clip that differ in the name of the condition only."""
    with (built / "key" / "unblind.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["manner"] == "plain" and row["open_reference"] == "0"]
    of = {(row["clip"], row["condition"]): built / "public" / "stimuli" / row["stimulus"] for row in rows}
    return [(of[clip, TWINS[0]], file) for (clip, condition), file in of.items() if condition == TWINS[1]]


def test_twins_are_the_same_to_the_byte(built: Path) -> None:
    pairs = twin_files(built)
    assert len(pairs) == 2
    for plain, twin in pairs:
        assert plain.read_bytes() == twin.read_bytes()


def test_sizes_and_times_are_the_same_for_all(built: Path) -> None:
    stats = [path.stat() for path in (built / "public" / "stimuli").iterdir()]
    assert len(stats) > 5
    assert len({(s.st_size, s.st_mtime_ns, s.st_mode) for s in stats}) == 1


def test_no_served_byte_names_a_condition(built: Path) -> None:
    names = [b"plainface", b"twinface", b"gladface"]
    manners = [b"frozen", b"shift", b"catch", b"anchor", b"expected"]
    files = [path for path in (built / "public").rglob("*") if path.is_file()]
    assert len(files) > 15
    for path in files:
        content = path.name.encode() + path.read_bytes()
        words = [*names, *manners] if path.suffix == ".json" else names  # the page's own program has such words
        assert [word for word in words if word in content] == []


def test_attention_checks_look_like_trials(built: Path) -> None:
    for path in (built / "public" / "lists").iterdir():
        trials = json.loads(path.read_text())["trials"]
        fields = {(t["task"], tuple(t)) for t in trials}
        assert len(fields) == len({t["task"] for t in trials})


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, list[list[str]]]]:
    """Of many seeds: the twins' names and, per list, the files of the rating task in their order."""
    study = load_study(write_design(tmp_path_factory.mktemp("leak")))
    study = study.model_copy(update={"tasks": [task for task in study.tasks if task.id == "t2"]})
    found: list[tuple[str, str, list[list[str]]]] = []
    for seed in range(SEEDS):
        variant = study.model_copy(update={"seed": seed})
        lists = make_lists(variant)
        files = [[page["stimuli"][0] for page in served(trials, variant)] for trials in lists]
        names = _names(lists[0], files[0])
        found.append((names[TWINS[0]], names[TWINS[1]], files))
    return found


def _names(trials: list[Trial], files: list[str]) -> dict[str, str]:
    return {t.condition: file for t, file in zip(trials, files, strict=True) if t.clip == "hello"}


def by_name(name: str, _lists: list[list[str]]) -> list[float]:
    """Its place in a sorted listing, by the first digits, and by the last."""
    return [int(name[1:4], 16) / 4096, int(name[13:16], 16) / 4096]


def by_place(name: str, lists: list[list[str]]) -> list[float]:
    """Where a file stands in every list, and how often."""
    return [float(place) for files in lists for place in (files.index(name), files.count(name))]


def by_neighbour(name: str, lists: list[list[str]]) -> list[float]:
    """Whether a file opens or closes a list."""
    return [float(name == files[end]) for files in lists for end in (0, -1)]


def told_apart(many: list[tuple[str, str, list[list[str]]]], look: Features) -> float:
    """p-value of a guesser that has learnt from half of the seeds, on the other half, against tossing a coin."""
    apart = np.array([np.subtract(look(plain, lists), look(twin, lists)) for plain, twin, lists in many])
    guesses: NDArray[np.float64] = apart[1::2] @ _direction(apart[::2])
    right = int((guesses > 0).sum())
    return float(binomtest(right, int((guesses != 0).sum()), alternative="greater").pvalue) if guesses.any() else 1.0


def _direction(apart: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fisher's linear discriminant of the differences and their opposites."""
    return np.linalg.lstsq(apart.T @ apart + 1e-3 * np.eye(apart.shape[1]), apart.sum(axis=0), rcond=None)[0]


@pytest.mark.parametrize("look", [by_name, by_place, by_neighbour])
def test_names_and_places_tell_nothing(many: list[tuple[str, str, list[list[str]]]], look: Features) -> None:
    assert told_apart(many, look) > 0.01


def test_the_guesser_finds_a_small_leak(many: list[tuple[str, str, list[list[str]]]]) -> None:
    """Did the condition's file come first in four of five sorted listings, it would be noticed."""
    rng = np.random.default_rng(0)
    leaky = []
    for plain, twin, lists in many:
        first, second = sorted((plain, twin))
        leaky.append((first, second, lists) if rng.random() < 0.6 else (plain, twin, lists))
    assert told_apart(leaky, by_name) < 0.001
