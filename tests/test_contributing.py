"""CONTRIBUTING.md tells the truth: its diffs are applied to a copy of this tree, and what they add is used there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
ROOMS = ("blendshapes", "pipeline")  # what the diffs change
FINDINGS = sorted((ROOT / "findings").glob("*.sh"))
HEADER = ("Finding:", "Packages:", "Expected:", "Found:", "Here:")


def diff(heading: str) -> str:
    """The diff of one section."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return section.split("```diff\n")[1].split("```")[0]


class Tree:
    """A copy of this tree in which a diff may be applied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "emosplat"
        self.folder.mkdir()
        for entry in ROOT.iterdir():
            if entry.name in ROOMS:
                shutil.copytree(entry, self.folder / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
            elif entry.suffix == ".py" or entry.is_dir():
                (self.folder / entry.name).symlink_to(entry)

    def apply(self, text: str) -> None:
        """Apply a diff as git does."""
        command = ["git", "apply", "--whitespace=error-all", "-"]
        # git looks for a repository around the folder; there the paths would mean others
        alone = os.environ | {"GIT_CEILING_DIRECTORIES": str(self.folder.parent)}
        subprocess.run(command, input=text, text=True, cwd=self.folder, check=True, env=alone)

    def run(self, *arguments: object) -> str:
        """What `python ARGUMENTS` prints with this tree's emosplat."""
        command = [sys.executable, *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(self.folder.parent), "COLUMNS": "200"}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, cwd=self.folder.parent
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    return Tree(tmp_path)


@pytest.mark.slow
def test_an_emotion(tree: Tree, babble: Path) -> None:
    tree.apply(diff("An emotion"))
    script = """
import sys, emosplat
nervous, neutral = (emosplat.speak(sys.argv[1], emotion=e, duration=0.4).motion for e in ("nervous", "neutral"))
print(abs(nervous.expr - neutral.expr).max(), *emosplat.emotions())
"""
    difference, *names = tree.run("-c", script, babble).split()
    assert float(difference) > 0.1
    assert names[-1] == "nervous"


@pytest.mark.slow
def test_an_output_format(tree: Tree, babble: Path, tmp_path: Path) -> None:
    tree.apply(diff("An output format"))
    tree.run("-m", "emosplat", babble, "--size", "64x64", "--duration", "0.4", "-o", "out.gif")
    assert (tmp_path / "out.gif").read_bytes()[:6] == b"GIF89a"
    assert ".gif (GIF)" in tree.run("-c", "from emosplat.pipeline.media.outputs import described; print(described())")


@pytest.mark.slow
def test_a_motion_model(tree: Tree) -> None:
    tree.apply(diff("A motion model"))
    example = PAGE.split("\n## A motion model\n")[1].split("```python\n")[1].split("```")[0]
    script = """
import numpy as np
from emosplat.blendshapes.face_motion import join
from emosplat.blendshapes.score import Score
sound = np.concatenate([np.zeros(8000), 0.2 * np.sin(np.arange(8000))]).astype(np.float32)
score = Score(duration=1.0, sound=lambda: [sound])
plan, streamed = actor.model.plan(score), join(actor.model.stream(score, np.split(sound, 10)))
assert np.array_equal(plan.jaw, streamed.jaw) and np.array_equal(plan.head, streamed.head)
motion = actor.motion(score)
print(len(motion), *motion.jaw[[5, 20], 0])
"""
    frames, still, loud = tree.run("-c", example + script).split()
    assert (int(frames), float(still)) == (25, pytest.approx(0, abs=1e-3))
    assert float(loud) > 0.1


@pytest.mark.slow
def test_a_data_set(tree: Tree, tmp_path: Path) -> None:
    tree.apply(diff("A data set"))
    (tmp_path / "recordings").mkdir()
    for name in ("anna_happy_01", "anna_sad_02", "odd"):
        np.save(tmp_path / "recordings" / f"{name}.npy", np.zeros((4, 5023, 3), np.float32))
    soundfile.write(tmp_path / "recordings" / "anna_happy_01.wav", np.zeros(2000), 16_000)
    text = tree.run("-m", "emosplat", "data", "check", "booth=recordings")
    assert "2 sequences of 1 people, 1 with sound" in text
    assert "skipped: odd.npy: no name like anna_happy_01" in text
    assert "read anna/happy_01: 4 frames at 30 frames/s" in text
    script = """
from emosplat.pipeline.batch.datasets import read_dataset
print(*((clip.id, clip.settings) for clip in read_dataset("booth", "recordings").clips))
"""
    assert tree.run("-c", script).strip() == "('anna_happy_01', {'emotion': 'happy'})"


@pytest.mark.parametrize("script", FINDINGS, ids=lambda path: path.stem)
def test_findings_have_the_form_that_the_page_tells(script: Path) -> None:
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    told = [line.removeprefix("# ") for line in lines[1:] if line.startswith("# ")]
    assert [name for name in HEADER if any(line.startswith(name) for line in told)] == [*HEADER]
    assert all(f"`{name}`" in PAGE for name in HEADER)
    packages = next(line for line in told if line.startswith("Packages:")).split()[1:]
    assert packages
    assert all(
        "==" in package and package in script.read_text(encoding="utf-8").split("Here:")[1] for package in packages
    )
    here = next(line for line in told if line.startswith("Here:")).split()[1]
    assert (ROOT / here).is_file()
    subprocess.run(["bash", "-n", script], check=True)
