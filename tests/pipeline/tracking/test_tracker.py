"""MediaPipe's landmarker: found or asked for in words; with it, our own pictures are read as they were drawn."""

import os
from pathlib import Path

import numpy as np
import pytest

from emosplat.core.errors import InputError
from emosplat.pipeline.tracking.tracker import MODEL, VARIABLE, find_model, open_tracker


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("EMOSPLAT_HOME", str(tmp_path))
    return tmp_path


def test_without_a_model_it_is_said_what_to_get_and_where_to_put_it(nothing: Path) -> None:
    with pytest.raises(InputError, match=MODEL) as told:
        find_model(None)
    for word in ("MediaPipe", "--tracker FILE", VARIABLE, str(nothing / "trackers" / MODEL)):
        assert word in str(told.value)
    assert "://" not in str(told.value)


def test_a_model_is_taken_from_the_option_then_the_variable_then_the_data_folder(
    nothing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, told, given = nothing / "trackers" / MODEL, nothing / "told.task", nothing / "given.task"
    own.parent.mkdir()
    for path in (own, told, given):
        path.write_bytes(b"")
    assert find_model(None) == own
    monkeypatch.setenv(VARIABLE, str(told))
    assert find_model(None) == told
    assert find_model(given) == given


@pytest.mark.parametrize("by_option", [True, False])
def test_a_model_that_is_not_there_is_named(nothing: Path, monkeypatch: pytest.MonkeyPatch, by_option: bool) -> None:
    missing = nothing / "missing.task"
    monkeypatch.setenv(VARIABLE, str(missing))
    with pytest.raises(InputError, match=f"{'--tracker' if by_option else VARIABLE}: expected .*{missing}"):
        find_model(missing if by_option else None)


def real_model() -> Path | None:
    told = os.environ.get(VARIABLE)
    return Path(told) if told and Path(told).is_file() else None


needs_mediapipe = pytest.mark.skipif(real_model() is None, reason=f"{VARIABLE} names no model")


@needs_mediapipe
def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    path = tmp_path / "text.task"
    path.write_text("no model")
    with pytest.raises(InputError, match="expected MediaPipe's"), open_tracker(path):
        pass


@needs_mediapipe
def test_our_own_pictures_are_read_as_they_were_drawn() -> None:
    """A built-in person who speaks: lips, lids and head as the mesh has them; and a view is as good as a copy."""
    pytest.importorskip("mediapipe")
    import emosplat
    from emosplat.blendshapes.evaluation import naturalness as n
    from emosplat.pipeline.clip.loaded import LoadedModels
    from emosplat.pipeline.media.audio import open_audio
    from emosplat.pipeline.settings import read_settings
    from emosplat.pipeline.tracking.compare import listened, mesh_take, performed, seen_take

    settings, loaded = read_settings({"head_motion": "lively"}), LoadedModels()
    speech = Path(emosplat.example_speech())
    clip = performed(speech, settings, loaded, fps=25.0)
    heard = listened(open_audio(speech), settings)
    with open_tracker(real_model()) as tracker:
        seen, mesh = seen_take(clip, tracker, heard), mesh_take(clip, settings, loaded, heard)
        picture = next(clip.frames())
        padded = np.zeros((512, 600, 3), np.uint8)
        padded[:, :512] = picture
        (face,), (view,) = tracker.find(picture), tracker.find(padded[:, :512])
    assert np.array_equal(face.points, view.points)
    for name, least in ((n.OPENING, 0.95), (n.LIDS, 0.9), (n.PITCH, 0.9), (n.YAW, 0.95), (n.ROLL, 0.95)):
        assert n.correlation(seen.curve(name), mesh.curve(name)) > least, name
    assert n.statistics([seen])["opening p95"] == pytest.approx(n.statistics([mesh])["opening p95"], rel=0.3)
