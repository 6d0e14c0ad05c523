"""Where it runs: containers without home or name, disks that cannot be written, odd encodings, readers that leave."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

import emosplat
from emosplat.core.errors import InputError

pytestmark = pytest.mark.slow

ROOT = Path(emosplat.__file__).parent
SMALL = ["-a", "person1-light", "--size", "64x64", "--duration", "0.3", "--device", "cpu"]
IMPORTABLE = str(Path(emosplat.__file__).parents[1])
BOTH = """
import ast, sys
from emosplat.cli import main
for sys.argv in ast.literal_eval(sys.argv[1]):
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
"""


def render(*words: object, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", "emosplat", *map(str, words)], environment)


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": IMPORTABLE, "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=plain | environment,
        check=False,
    )


@pytest.fixture
def sound(babble: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(babble, tmp_path / "Grüße 語.wav"))


def sealed(folder: Path) -> Path:
    """A copy of the package that nobody but root may write, importable from what is returned."""
    left_out = shutil.ignore_patterns("__pycache__", ".*", "tests", "docs", "benchmarks", "build", "person[2-4]*")
    shutil.copytree(ROOT, folder / "emosplat", ignore=left_out, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


@pytest.mark.skipif(
    os.name == "nt" or shutil.which("setpriv") is None or os.getuid() != 0, reason="needs root, setpriv"
)
@pytest.mark.parametrize("home", [{"HOME": "/"}, {"HOME": ""}])
def test_a_user_without_name_home_or_cache(babble: Path, tmp_path: Path, home: dict[str, str]) -> None:
    """As in `docker run --user 54321` with a read-only file system: only the output's folder can be written."""
    who = ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--inh-caps=+dac_read_search")
    who = (*who, "--ambient-caps=+dac_read_search", "env", *(() if home["HOME"] else ("-u", "HOME")))
    place = sealed(tmp_path / "sealed")
    out = tmp_path / "out"
    out.mkdir(mode=0o777)
    out.chmod(0o777)
    surroundings = {"PYTHONPATH": str(place), "TMPDIR": str(out), **home}
    # in one process, which compiles once
    clip = ["emosplat", str(babble), *SMALL, "-o", str(out / "o.mp4")]
    done = run([*who, sys.executable, "-c", BOTH, repr([clip, ["emosplat", "doctor"]])], surroundings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.startswith("compiling the rasterizer")  # said beforehand, for it takes its time
    assert (out / "o.mp4").stat().st_size > 1000
    assert "drawn, encoded" in done.stdout
    assert "NUMBA_CACHE_DIR" in done.stdout
    assert "EMOSPLAT_HOME" in done.stdout


def test_no_library_keeps_a_record_of_who_renders(babble: Path, tmp_path: Path) -> None:
    """onnxruntime, which hears notes, would keep an identifier in the home folder and report to its maker."""
    done = render(babble, *SMALL, "--singing", "yes", "-o", tmp_path / "a.npz", environment={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("*icrosoft*"))
    assert not list(tmp_path.rglob("*deviceid*"))


def test_with_the_compiler_switched_off(babble: Path, tmp_path: Path) -> None:
    done = render(babble, *SMALL, "-o", tmp_path / "o.mp4", environment={"NUMBA_DISABLE_JIT": "1"})
    assert done.returncode == 0, done.stderr


ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_what_the_terminal_can_show_makes_no_difference(sound: Path, tmp_path: Path, encoding: dict[str, str]) -> None:
    first = tmp_path / "äöü 語.mp4"
    done = render(sound, *SMALL, "-o", first, environment=encoding)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / f"{first.name}.json").read_text(encoding="utf-8"))["result"]["frames"] == 8
    shown = render("inspect", first, "--csv", tmp_path / "ü.csv", environment=encoding)
    assert shown.returncode == 0, shown.stderr
    refused = render(tmp_path / "fehlt ü.wav", *SMALL, "-o", tmp_path / "x.mp4", environment=encoding)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    (tmp_path / "in").mkdir()
    shutil.copy(sound, tmp_path / "in" / sound.name)
    many = render("batch", tmp_path / "in", "-o", tmp_path / "out ü", *SMALL[:4], "--workers", 1, environment=encoding)
    assert many.returncode == 0, many.stderr
    assert ",done," in (tmp_path / "out ü" / "results.csv").read_text(encoding="utf-8")


def test_no_file_of_ours_depends_on_the_locale(babble: Path, tmp_path: Path) -> None:
    """Python tells of every text file that is opened without an encoding; our own are counted."""
    told = ""
    for words in (
        (babble, *SMALL, "-o", tmp_path / "o.csv"),
        (tmp_path / "o.csv", "-a", "person1-light", "--size", "64x64", "-o", tmp_path / "o.mp4"),
        ("inspect", tmp_path / "o.mp4", "--csv", tmp_path / "c.csv"),
        ("study", "init", tmp_path / "study"),
        ("doctor",),
    ):
        done = render(*words, environment={"PYTHONWARNDEFAULTENCODING": "1"})
        assert done.returncode == 0, done.stderr
        told += done.stderr
    warned = [line for line in told.splitlines() if "EncodingWarning" in line and "site-packages" not in line]
    ours = [line for line in warned if re.search(r"[/\\]emosplat[/\\]", line)]
    assert ours == []


def test_a_reader_that_leaves_ends_it_without_a_word(babble: Path, tmp_path: Path) -> None:
    """`render ... --json | head -c 1`: the clip is there, and nothing is said."""
    command = [sys.executable, "-m", "emosplat", str(babble), *SMALL, "-o", str(tmp_path / "o.mp4"), "--json"]
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONPATH": IMPORTABLE}
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode in (0, 1)
    assert (tmp_path / "o.mp4").exists()
    assert soundfile.info(babble).frames


def test_who_has_no_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from emosplat.avatars.library import builtin_avatars, find_avatar, home, own_avatars

    def homeless(*_: object, **__: object) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("EMOSPLAT_HOME", raising=False)
    monkeypatch.setattr("platformdirs.user_data_path", homeless)
    assert own_avatars() == []
    assert find_avatar("person1").is_file()
    assert builtin_avatars()
    with pytest.raises(InputError, match="EMOSPLAT_HOME: expected the folder"):
        home()
