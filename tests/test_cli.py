"""The command line as a person meets it: answers, and one clear line when something is wrong."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer import Context
from typer.main import get_command
from typer.testing import CliRunner

from emosplat import example_speech
from emosplat.cli import COMMANDS, DefaultCommandGroup, app

FAST = ["--size", "64x64", "--quiet"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "noise.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(16_000).astype(np.float32), 16_000)
    return path


def run(*args: object) -> tuple[int, str]:
    """Exit code and everything printed."""
    result = CliRunner().invoke(app, [str(a) for a in args])
    return result.exit_code, result.output


def test_help_lists_options_and_commands() -> None:
    code, text = run("--help")
    assert code == 0
    for word in ("--emotion", "--avatar", "--emotion-track", "doctor", "inspect"):
        assert word in text


@pytest.mark.parametrize("words", [["no_such.wav"], ["clip", "no_such.wav"], ["clip", "-h"]])
def test_the_default_command_is_never_named(words: list[str]) -> None:
    code, text = run(*words)
    assert code == (0 if "-h" in words else 2)
    assert "AUDIO -o OUT [OPTIONS]" in text
    assert "clip [" not in text
    assert "clip -h" not in text


def test_the_list_of_commands_says_what_they_say_themselves() -> None:
    group = get_command(app)
    assert isinstance(group, DefaultCommandGroup)
    context = Context(group)
    for name, summary in COMMANDS.items():
        command = group.get_command(context, name)
        assert command.help.split("\n\n")[0] == summary, name


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys, emosplat.cli; print([m for m in ('numpy', 'torch', 'numba', 'av', 'scipy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.slow
def test_rendering_on_a_cpu_never_imports_torch(sound: Path, tmp_path: Path) -> None:
    arguments = [str(sound), "-o", str(tmp_path / "o.mp4"), "--device", "cpu", *FAST]
    script = f"""
import sys
from emosplat.cli import app
app({arguments!r}, standalone_mode=False)
print([m for m in ("torch", "librosa", "gsplat") if m in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.slow
def test_an_audio_file_needs_no_command_word(sound: Path, tmp_path: Path) -> None:
    assert run(sound, "-o", tmp_path / "o.mp4", "--emotion", "sad:0.5,angry:0.2", *FAST) == (0, "")
    assert (tmp_path / "o.mp4").exists()


@pytest.mark.slow
def test_json_is_the_sidecar(sound: Path, tmp_path: Path) -> None:
    code, text = run(sound, "-o", tmp_path / "o.mp4", "--size", "64x64", "--json")
    assert code == 0
    assert json.loads(text) == json.loads((tmp_path / "o.mp4.json").read_text())


@pytest.mark.slow
def test_stdin(sound: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "emosplat", "-", "-o", str(tmp_path / "m.npz"), "--quiet"]
    subprocess.run(command, input=sound.read_bytes(), check=True)
    assert (tmp_path / "m.npz").exists()


def test_misspelt_command() -> None:
    code, text = run("doctr")
    assert code == 2
    assert "doctor" in text


@pytest.mark.slow
def test_doctor_finds_everything() -> None:
    code, text = run("doctor")
    assert code == 0
    assert "rasterizer" in text


@pytest.mark.slow
def test_inspect_draws_and_writes_curves(sound: Path, tmp_path: Path) -> None:
    assert run(sound, "-o", tmp_path / "o.mp4", *FAST)[0] == 0
    code, _ = run("inspect", tmp_path / "o.mp4", "--csv", tmp_path / "c.csv", "--png", tmp_path / "p.png")
    assert code == 0
    assert (tmp_path / "p.png").stat().st_size > 10_000
    rows = list(csv.DictReader((tmp_path / "c.csv").open()))
    assert len(rows) == 25
    assert float(rows[0]["time_s"]) == pytest.approx(0.02)
    assert {"mouth_opening_mm", "lip_width_mm", "jaw_open_deg", "blink_left", "blink_right"} <= set(rows[0])
    assert all(-100 <= float(row["loudness_db"]) <= 0 for row in rows)
    assert {row["pitch_hz"] == "" or 70 <= float(row["pitch_hz"]) <= 450 for row in rows} == {True}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".JSON"])
def test_inspect_curves_of_a_face(sound: Path, tmp_path: Path, suffix: str) -> None:
    assert run(sound, *FAST, "-o", tmp_path / f"m{suffix}")[0] == 0
    code, text = run("inspect", tmp_path / f"m{suffix}", "--png", tmp_path / "p.png", "--csv", tmp_path / "c.csv")
    assert code == 0, text
    assert "frames" in text
    assert (tmp_path / "p.png").stat().st_size > 1000
    assert (tmp_path / "c.csv").exists()


def test_effort_takes_all_that_its_help_names(sound: Path, tmp_path: Path) -> None:
    voice = example_speech()
    for number, (told, kept) in enumerate([("auto", None), ("1.5", 1.5), (voice, str(voice))]):
        out = tmp_path / f"{number}.npz"
        assert run(sound, "-o", out, "--duration", 0.4, "--effort", told, *FAST) == (0, "")
        assert json.loads(out.with_suffix(".npz.json").read_text())["settings"]["effort"] == kept
    for told, message in (
        ("gone.wav", "effort: gone.wav: no such file"),
        (sound, "found a sound without"),
        ("9", "--effort '9': expected auto, a numb"),
    ):
        code, text = run(sound, "-o", tmp_path / "wrong.npz", "--effort", told, *FAST)
        assert code == 2
        assert message in text
    assert len(list(tmp_path.glob("*.npz"))) == 3


def test_an_emotion_beside_a_track_is_refused(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "mood.csv").write_text("time_s,sad\n0,1\n")
    code, text = run(sound, "--emotion-track", tmp_path / "mood.csv", "-e", "happy", "-o", tmp_path / "o.npz")
    assert (code, "found both" in text) == (2, True)
    assert run(sound, "--emotion-track", tmp_path / "mood.csv", "-o", tmp_path / "o.npz", *FAST)[0] == 0


def test_choices_are_all_told(sound: Path, tmp_path: Path) -> None:
    for words, expected in (
        (["-a", "persn9", "-o", "o.mp4"], "person1, person1-light, person2, person2-light, person3"),
        (["--camera", "front-left", "-o", "o.mp4"], "front, three-quarter, profile, viewer"),
        (["-o", tmp_path / "o.gif"], ".mp4, .webm, .mov, .mkv, .npz, .csv, .json"),
    ):
        code, text = run(sound, *words)
        assert code == 2
        assert expected in " ".join(text.split())


def test_inspect_a_video_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "o.mp4").write_text("no video")
    (tmp_path / "o.mp4.json").write_text('{"result": {"fps": 25}, "curves": {"mouth_opening_mm": [0, 1]}}')
    code, text = run("inspect", tmp_path / "o.mp4", "--png", tmp_path / "p.png")
    assert code == 2
    assert "expected a video whose pictures can be drawn" in text


@pytest.mark.slow
def test_inspect_draws_whole_pictures_of_kinds_that_there_are(sound: Path, tmp_path: Path) -> None:
    assert run("inspect", sound, "--png", tmp_path / "new/p.svg")[0] == 0
    assert (tmp_path / "new/p.svg").read_text().rstrip().endswith("</svg>")
    code, text = run("inspect", sound, "--png", tmp_path / "p.foo")
    assert code == 2
    assert "expected a kind of picture such as .png, .svg or .pdf, found '.foo'" in " ".join(text.split())
    assert not (tmp_path / "p.foo").exists()


def test_inspect_a_motion_file(sound: Path, tmp_path: Path) -> None:
    assert run(sound, "-o", tmp_path / "m.npz", *FAST)[0] == 0
    table = tmp_path / "t.csv"
    code, text = run("inspect", tmp_path / "m.npz", "--audio", sound, "--png", tmp_path / "p.png", "--csv", table)
    assert code == 0
    assert "25 frames" in text
    row = next(csv.DictReader(table.open()))
    assert {"phone", "viseme", "jawOpen", "AU12_left", "gaze_left_yaw_deg", "pitch_hz"} <= set(row)


def test_avatars_are_listed() -> None:
    code, text = run("avatar", "list")
    assert code == 0
    assert text.startswith("person1  ")


@pytest.mark.slow
def test_an_avatar_is_shown(tmp_path: Path) -> None:
    assert run("avatar", "show", "person1", "--png", tmp_path / "p.png", "--device", "cpu") == (
        0,
        f"{tmp_path}/p.png\n",
    )
    assert (tmp_path / "p.png").stat().st_size > 100_000


@pytest.mark.slow
def test_an_avatar_is_checked() -> None:
    code, text = run("avatar", "check", "person1", "--poses", "1", "--json", "--device", "cpu")
    record = json.loads(text)
    assert record["poses"] == 1
    assert code == int(any(kind["faults"] for kind in record["kinds"].values()))
    assert "lips apart: " in run("avatar", "check", "person1", "--poses", "1", "--device", "cpu")[1]


@pytest.mark.slow
def test_an_avatar_is_exported(tmp_path: Path) -> None:
    code, text = run("avatar", "export", "person1", tmp_path / "p.ply", "--emotion", "happy:0.5")
    assert code == 0
    assert text.endswith(" Gaussians\n")
    assert (tmp_path / "p.ply").read_bytes().startswith(b"ply\nformat binary_little_endian 1.0\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "persn1"], "unknown avatar 'persn1'"),
        (["show", "person1", "--png", "sheet.gif"], ".png"),
        (["export", "person1", "person1.obj"], "expected one of ply"),
        (["export", "person1", "p.ply", "--emotion", "sadd"], "did you mean sad"),
    ],
)
def test_wrong_avatar_commands_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, text = run("avatar", *arguments)
    assert code == 2
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert message in text
    assert list(tmp_path.iterdir()) == []


def wrong_inputs(folder: Path) -> dict[str, Path]:
    """Files that are not what they claim to be, by what is wrong with them."""
    files = {name: folder / f"{name}.wav" for name in ("text", "empty", "nan", "short", "no samples")}
    files["text"].write_text("this is not sound\n" * 50)
    files["empty"].write_bytes(b"")
    bad = np.zeros(8000, np.float32)
    bad[77] = np.nan
    soundfile.write(files["nan"], bad, 16_000, subtype="FLOAT")
    soundfile.write(files["short"], np.zeros(1000, np.float32), 16_000)
    soundfile.write(files["no samples"], np.zeros(0, np.float32), 16_000)
    return files | {"missing": folder / "missing.wav", "folder": folder}


@pytest.mark.parametrize("kind", ["text", "empty", "nan", "short", "no samples", "missing", "folder"])
def test_wrong_audio_is_one_line_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    path = wrong_inputs(tmp_path)[kind]
    target = tmp_path / "out" / "o.mp4"
    code, text = run(path, "-o", target, *FAST)
    assert code == 2
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert str(path) in text
    assert list(tmp_path.rglob("*.mp4*")) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--avatar", "persn1"], "expected a file, or one of person1, person1-light, person2"),
        (["--emotion", "hapy"], "did you mean happy"),
        (["--emotion", "zzz"], "neutral, angry, disgusted, fearful, happy, sad, surprised, contempt"),
        (["--intensity", "3"], "--intensity"),
        (["--fps", "0"], "fps"),
        (["--fps", "100000"], "fps"),
        (["--fps", "fast"], "fps"),
        (["--size", "63x64"], "64"),
        (["--size", "big"], "--size"),
        (["--camera", "behind"], "--camera"),
        (["--background", "nowhere.jpg"], "--background"),
        (["--background", "transparent"], "webm"),
        (["--device", "tpu"], "auto"),
        (["--device", "cuda"], "cuda"),
        (["--start", "99"], "start"),
        (["--duration", "-1"], "duration"),
        (["--emotion-track", "nothing.csv"], "nothing.csv"),
        (["--head-motion", "wild"], "--head-motion"),
        (["--audio", "b.wav"], "--audio"),
    ],
)
def test_wrong_options_are_one_line(sound: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    code, text = run(sound, "-o", tmp_path / "o.mp4", "--size", "64x64", *arguments)
    assert code == 2
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert message.lower() in text.lower()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["o.avi", "o.gif", "missing/../o.txt"])
def test_unknown_suffix(sound: Path, tmp_path: Path, name: str) -> None:
    code, text = run(sound, "-o", tmp_path / name, *FAST)
    assert code == 2
    assert ".mp4" in text


@pytest.mark.parametrize("name", ["o.mp4", "frames", "m.npz", "m.csv"])
def test_unwritable_target(sound: Path, name: str) -> None:
    code, text = run(sound, "-o", f"/proc/nowhere/{name}", *FAST)
    assert code == 2
    assert text.startswith("error: ")
    assert "cannot be written" in text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["o.mp4", "m.npz"])
def test_a_full_disk_is_one_line_and_leaves_nothing(sound: Path, tmp_path: Path, name: str) -> None:
    """A limit on the size of files stands in for the full disk; the kernel answers both alike."""
    limited = f"""
import resource, signal, sys
from emosplat.cli import app
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
app([{str(sound)!r}, "-o", {str(tmp_path / "out" / name)!r}, *{FAST!r}])
"""
    done = subprocess.run([sys.executable, "-B", "-c", limited], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopping_leaves_nothing(tmp_path: Path, stop: signal.Signals) -> None:
    soundfile.write(tmp_path / "long.wav", np.zeros(60 * 16_000, np.float32), 16_000)
    out = tmp_path / "out"
    # whoever runs the tests may ignore the signal, as nohup does
    heeding = (
        "import os, signal, sys; signal.signal(int(sys.argv[1]), signal.SIG_DFL); os.execv(sys.argv[2], sys.argv[2:])"
    )
    command = [
        sys.executable,
        "-c",
        heeding,
        str(int(stop)),
        sys.executable,
        "-m",
        "emosplat",
        str(tmp_path / "long.wav"),
        "-o",
        str(out / "o.mp4"),
        "--size",
        "256x256",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(out.glob(".*")) and time.monotonic() < deadline:  # until it writes
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(stop)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "nothing was written" in errors
    assert "Traceback" not in errors
    assert list(out.glob("*")) + list(out.glob(".*")) == []


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="not on Windows")
@pytest.mark.parametrize("ignored", [False, True])
def test_a_terminal_that_closes_stops_as_ctrl_c_does_but_for_nohup(ignored: bool) -> None:
    asked = """
import os, signal, sys
from emosplat import cli
def app():
    try:
        os.kill(os.getpid(), signal.SIGHUP)
    except KeyboardInterrupt:
        print("stopped")
    else:
        print("goes on")
cli.app = app
cli.main()
"""
    was = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        done = subprocess.run([sys.executable, "-B", "-c", asked], capture_output=True, text=True, check=True)
    finally:
        signal.signal(signal.SIGHUP, was)
    assert done.stdout == ("goes on\n" if ignored else "stopped\n")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="not on Windows")
def test_nothing_is_said_to_a_terminal_that_is_gone(tmp_path: Path) -> None:
    asked = """
import pathlib, sys, time
from emosplat import cli
def app():
    try:
        print("begun", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("stopped", flush=True)
        pathlib.Path(sys.argv[1]).write_text("saved")
cli.app = app
cli.main()
"""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore it
        os.execv(sys.executable, [sys.executable, "-B", "-c", asked, str(tmp_path / "out")])
    assert b"begun" in os.read(terminal, 100)
    os.close(terminal)
    os.waitpid(pid, 0)
    assert (tmp_path / "out").read_text() == "saved"


@pytest.mark.parametrize(
    ("words", "there"),
    [
        (["avatar", "show", "person1-light", "--png", "{}"], "mine.png"),
        (["avatar", "check", "person1-light", "--worst", "{}"], "mine.png"),
        (["avatar", "export", "person1-light", "{}"], "mine.ply"),
        (["avatar", "export", "person1-light", "{}"], "mine.usdz"),
        (["inspect", "{sound}", "--png", "{}"], "mine.png"),
        (["inspect", "{sound}", "--csv", "{}"], "mine.csv"),
        (["inspect", "{sound}", "--accents", "{}"], "mine.csv"),
        (["study", "simulate", "built", "-o", "{}"], "responses.csv"),
        (["evaluate", "--data", "generated=corpus", "--out", "{folder}"], "sequences.csv"),
        (["evaluate", "--video", "{sound}", "--out", "{folder}"], "report.md"),
    ],
)
def test_what_is_there_is_replaced_only_if_asked(sound: Path, tmp_path: Path, words: list[str], there: str) -> None:
    mine = tmp_path / there
    mine.write_text("mine")
    code, text = run(*(word.format(mine, sound=sound, folder=tmp_path) for word in words))
    assert code == 2
    assert "".join(text.split()) == f"error:{mine}:alreadyexists;chooseanothername,orallowit:--overwrite"
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert mine.read_text() == "mine"


def test_what_is_there_is_replaced_if_asked(sound: Path, tmp_path: Path) -> None:
    for words in (["inspect", sound, "--csv"], ["avatar", "export", "person1-light"]):
        mine = tmp_path / ("mine.csv" if "inspect" in words else "mine.splat")
        mine.write_text("mine")
        assert run(*words, mine, "--overwrite")[0] == 0
        assert mine.stat().st_size > 100


@pytest.mark.parametrize("takes", [[], ["--takes", "2"]])
def test_a_file_of_others_that_is_called_like_the_record_stays(sound: Path, tmp_path: Path, takes: list[str]) -> None:
    notes = tmp_path / ("m-take1.npz.json" if takes else "m.npz.json")
    notes.write_text('{"my": "notes"}')
    code, text = run(sound, "-o", tmp_path / "m.npz", "--duration", 0.4, *takes, *FAST)
    assert code == 2
    assert "found one of another program" in " ".join(text.split())
    assert notes.read_text() == '{"my": "notes"}'
    assert run(sound, "-o", tmp_path / "m.npz", "--duration", 0.4, "--overwrite", *takes, *FAST)[0] == 0
    assert "result" in json.loads(notes.read_text())
    if not takes:
        (tmp_path / "m.npz").unlink()  # a record of ours that is left is replaced
        assert run(sound, "-o", tmp_path / "m.npz", "--duration", 0.4, *FAST)[0] == 0
