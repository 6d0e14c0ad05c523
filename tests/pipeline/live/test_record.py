"""A recording is what `render` would write of the same motion and sound: every frame, in step, with its record."""

import json
from pathlib import Path

import numpy as np
import pytest

from emosplat.blendshapes.face_motion_files import load_face_motion
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.render import ClipProgress
from emosplat.pipeline.clip.request import ClipRequest
from emosplat.pipeline.clip.sidecar import read_sidecar
from emosplat.pipeline.live.control import Change
from emosplat.pipeline.live.pcm import HEARD
from emosplat.pipeline.live.record import FACE, Recorder, check_recording
from emosplat.pipeline.live.record import SOUND as SOUND_FILE
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.media.film import pictures
from emosplat.pipeline.settings import ClipSettings

from .pretend import GivenSource, session

SMALL = ClipSettings(size=(32, 32), device="cpu")
SOUND = np.linspace(-0.5, 0.5, HEARD, dtype=np.float32)


def recorded(out: Path, *, sound: np.ndarray = SOUND, steered: bool = False) -> np.ndarray:
    """Record a sound; the frames' jaws."""
    live = session(GivenSource(sound))
    jaws: list[float] = []
    with Recorder(ClipRequest(Path("-"), out, SMALL), rate=HEARD, control=live.control, source="-") as recorder:
        live.listeners.append(recorder.hear)
        for frame in live.frames():
            recorder.keep(frame)
            jaws.append(float(frame.face.jaw[0, 0]))
            if steered and frame.index == 10:
                live.control.apply(Change(emotion="happy", intensity=0.5))
        assert recorder.finish(LoadedModels("cpu"))
    assert recorder.kept is None
    return np.array(jaws)


def test_a_face_is_kept_to_the_last_bit(tmp_path: Path) -> None:
    jaws = recorded(tmp_path / "face.json", sound=np.linspace(-0.5, 0.5, 11 * HEARD))
    assert len(jaws) == 275
    face = load_face_motion(tmp_path / "face.json")
    np.testing.assert_array_equal(face.column("jawPitch"), jaws)
    assert face.first == 0


def test_a_film_holds_every_frame_and_the_sound(tmp_path: Path) -> None:
    jaws = recorded(tmp_path / "film.mp4", steered=True)
    assert len(list(pictures(tmp_path / "film.mp4"))) == len(jaws) == 25
    audio = open_audio(tmp_path / "film.mp4")
    assert audio.duration == pytest.approx(1, abs=0.03)
    heard = np.concatenate(list(audio.blocks()))[2000:14_000]
    assert np.abs(heard - SOUND[2000:14_000]).max() < 0.05
    record = read_sidecar(tmp_path / "film.mp4")
    assert record["live"] == "-"
    assert record["result"]["frames"] == 25
    asked = record["settings"]["emotion"]
    assert asked["happy"] == [0, 0, 0.5]
    assert asked["time_s"] == pytest.approx([0.02, 0.44, 0.46])
    json.dumps(record)


def test_nothing_heard_leaves_nothing(tmp_path: Path) -> None:
    live = session(GivenSource(np.zeros(0)))
    request = ClipRequest(Path("-"), tmp_path / "film.mp4", SMALL)
    with Recorder(request, rate=HEARD, control=live.control, source="-") as recorder:
        assert not recorder.finish(LoadedModels("cpu"))
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_finished_is_kept(tmp_path: Path) -> None:
    """Drawing takes long after an hour, and may fail: no room, or somebody who is impatient."""
    live, stopped = session(GivenSource(SOUND)), pytest.raises(KeyboardInterrupt)
    recorder = Recorder(
        ClipRequest(Path("-"), tmp_path / "film.mp4", SMALL), rate=HEARD, control=live.control, source="-"
    )

    def impatient(_: ClipProgress) -> None:
        raise KeyboardInterrupt

    with stopped, recorder:
        live.listeners.append(recorder.hear)
        for frame in live.frames():
            recorder.keep(frame)
        recorder.finish(LoadedModels("cpu"), impatient)
    assert recorder.kept is not None
    assert len(load_face_motion(recorder.kept / FACE)) == 25
    assert open_audio(recorder.kept / SOUND_FILE).duration == pytest.approx(1, abs=0.01)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="even width"):
        check_recording(tmp_path / "film.mp4", ClipSettings(size=(33, 32)))
    with pytest.raises(InputError, match="suffix"):
        check_recording(tmp_path / "film.xyz", SMALL)
    (tmp_path / "film.mp4").write_bytes(b"")
    live = session(GivenSource(SOUND))
    with pytest.raises(InputError, match="already exists"):
        Recorder(ClipRequest(Path("-"), tmp_path / "film.mp4", SMALL), rate=HEARD, control=live.control, source="-")
