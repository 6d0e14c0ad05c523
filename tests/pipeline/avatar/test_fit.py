"""`render avatar fit`: from a data set on disk to an avatar that can be used, and complaints in one line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from emosplat.avatars.avatar import load_avatar
from emosplat.avatars.fitting.train import CHECKPOINT, CURVE, SAMPLES, FitProgress
from emosplat.avatars.gaussian_avatars import VERTICES, read_gaussian_avatar
from emosplat.avatars.head import HeadModel, load_head, save_head
from emosplat.avatars.motion_files import load_motion
from emosplat.cli import app
from emosplat.core.errors import InputError
from emosplat.pipeline.avatar.fit import AVATAR, FOLDER, SCORES, TRACKED, FitRequest, fit_avatar

from ...avatars.conftest import make_head
from ...avatars.fitting.captured import captured


def padded(head: HeadModel) -> HeadModel:
    """As many vertices as FLAME with teeth has; the further ones are in no triangle."""
    missing = VERTICES - len(head.v_template)

    def pad(array: np.ndarray, axis: int = 0) -> np.ndarray:
        return np.pad(array, [(0, missing if i == axis else 0) for i in range(array.ndim)])

    weights = pad(head.weights)
    weights[-missing:, 0] = 1
    grown = {name: pad(getattr(head, name)) for name in ("v_template", "shapedirs", "exprdirs", "posedirs")}
    return replace(head, **grown, weights=weights, J_regressor=pad(head.J_regressor, axis=1))


@pytest.mark.slow
def test_from_data_set_to_avatar(tmp_path: Path) -> None:
    head = padded(make_head())
    save_head(tmp_path / "head.npz", head)
    dataset = captured(tmp_path / "data", head)
    out, said = tmp_path / "me", []
    request = FitRequest(dataset, out, head=str(tmp_path / "head.npz"), iterations=30, device="cpu")
    found = fit_avatar(request, say=said.append)
    assert said[0] == "4 pictures train, 2 pictures val, 3 pictures test"
    assert "processor" in said[1]
    assert sum("ms per picture: about" in line for line in said) == 1
    assert any(line.startswith("30/30: ") and line.endswith(", 0 min left") for line in said)
    assert said[-1].startswith("comparing with the pictures (")
    assert json.loads((out / SCORES).read_text()) == found
    assert found["val"]["pictures"] == 2

    stored = load_head(tmp_path / "head.npz")
    avatar = load_avatar(out / AVATAR, stored)
    assert avatar.name == "me"
    assert len(avatar.gaussians) == found["gaussians"]
    tracked = load_motion(out / TRACKED, expressions=head.expressions, fps=25.0, neutral=avatar.neutral)
    np.testing.assert_allclose(tracked.expr[:2].mean(axis=0), 0, atol=1e-6)
    theirs = read_gaussian_avatar(out / FOLDER, stored, name="me")
    np.testing.assert_allclose(theirs.head.v_template, avatar.head.v_template, atol=1e-6)
    np.testing.assert_allclose(theirs.gaussians.means, avatar.gaussians.means)
    np.testing.assert_array_equal(theirs.binding, avatar.binding)

    said.clear()
    assert fit_avatar(request, say=said.append)["val"] == found["val"]  # nothing is left to train
    assert len(said) == 3


@pytest.mark.slow
def test_a_stopped_run_leaves_an_avatar_and_goes_on(tmp_path: Path) -> None:
    head = make_head()
    save_head(tmp_path / "head.npz", head)
    dataset = captured(tmp_path / "data", head)

    def fit(out: str, stop: int = 0) -> dict[str, Any]:
        def report(progress: FitProgress) -> None:
            if progress.step == stop:
                raise KeyboardInterrupt

        request = FitRequest(dataset, tmp_path / out, head=str(tmp_path / "head.npz"), iterations=20, device="cpu")
        return fit_avatar(request, say=lambda line: None, report=report)

    whole = fit("whole")
    with pytest.raises(KeyboardInterrupt):
        fit("parts", stop=11)
    assert sorted(p.name for p in (tmp_path / "parts").iterdir()) == [AVATAR, CHECKPOINT, CURVE, SAMPLES]
    early = load_avatar(tmp_path / "parts" / AVATAR, load_head(tmp_path / "head.npz"))
    assert len(early.gaussians) == len(head.faces)
    assert fit("parts") == whole
    curves = [(tmp_path / out / CURVE).read_text().splitlines() for out in ("whole", "parts")]
    assert len(curves[0]) == 11
    assert [row.split(",")[:6] for row in curves[0]] == [row.split(",")[:6] for row in curves[1]]  # but for the time
    with np.load(tmp_path / "whole" / AVATAR) as one, np.load(tmp_path / "parts" / AVATAR) as other:
        for name in set(one.files) - {"name"}:
            np.testing.assert_array_equal(one[name], other[name])


def test_other_pictures_and_avatars_that_lie_there_are_left_alone(tmp_path: Path) -> None:
    head = make_head()
    save_head(tmp_path / "head.npz", head)
    dataset, out = captured(tmp_path / "data", head), tmp_path / "me"
    request = FitRequest(dataset, out, head=str(tmp_path / "head.npz"), iterations=2, device="cpu")
    fit_avatar(request, say=lambda _: None)
    before = (out / AVATAR).read_bytes()
    frames = json.loads((dataset / "transforms_train.json").read_text())["frames"]
    picture = dataset / frames[0]["file_path"]
    picture.write_bytes(picture.read_bytes() + b"cut out anew")  # under its name
    with pytest.raises(InputError) as error:
        fit_avatar(request, say=lambda _: None)
    told = f"{out / CHECKPOINT}: expected a checkpoint of these data, found one of others; use an empty folder"
    assert str(error.value) == told
    (out / CHECKPOINT).unlink()
    with pytest.raises(InputError, match="expected a folder without an avatar"):
        fit_avatar(request, say=lambda _: None)
    assert (out / AVATAR).read_bytes() == before


def test_another_head_has_no_folder_for_the_viewer(tmp_path: Path) -> None:
    head = make_head()
    save_head(tmp_path / "head.npz", head)
    dataset = captured(tmp_path / "data", head)
    words = ["avatar", "fit", str(dataset), "-o", str(tmp_path / "me"), "--head", str(tmp_path / "head.npz")]
    result = CliRunner().invoke(app, [*words, "--iterations", "2", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "val: PSNR" in result.stdout
    assert f"{tmp_path / 'me' / AVATAR}: 60 Gaussians on head tiny-1" in result.stdout.replace("\n", "")
    assert "no folder for GaussianAvatars, whose viewer knows FLAME only: this is head tiny-1" in result.stdout
    assert not (tmp_path / "me" / FOLDER).exists()


@pytest.mark.parametrize(("asked", "found"), [(None, 0), (0, 0), (2, 2)])
def test_one_camera_has_colours_that_do_not_depend_on_the_view(tmp_path: Path, asked: int | None, found: int) -> None:
    head = padded(make_head())
    save_head(tmp_path / "head.npz", head)
    dataset, out = captured(tmp_path / "data", head), tmp_path / "me"
    path = dataset / "transforms_train.json"
    frames = json.loads(path.read_text())["frames"]
    path.write_text(json.dumps({"frames": [f for f in frames if f["camera_index"] == frames[0]["camera_index"]]}))
    (dataset / "transforms_val.json").write_text('{"frames": []}')
    request = FitRequest(dataset, out, head=str(tmp_path / "head.npz"), iterations=4, sh_degree=asked, device="cpu")
    said: list[str] = []
    assert "val" not in fit_avatar(request, say=said.append)
    assert any("one camera" in line for line in said) == (asked is None)
    avatar = load_avatar(out / AVATAR, load_head(tmp_path / "head.npz"))
    assert avatar.gaussians.sh.shape[1] == (found + 1) ** 2
    theirs = read_gaussian_avatar(out / FOLDER, load_head(tmp_path / "head.npz"), name="me")
    assert theirs.gaussians.sh.shape[1] == 16  # the viewer knows no other
    np.testing.assert_allclose(theirs.gaussians.sh[:, 0], avatar.gaussians.sh[:, 0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "best"], "--preset: expected fast or quality, found 'best'"),
        (["--iterations", "0"], "--iterations: expected at least 1, found 0"),
        (["--sh-degree", "4"], "--sh-degree: expected one of 0, 1, 2, 3, found 4"),
        (["--device", "tpu"], "--device: expected auto, cpu or cuda, found 'tpu'"),
        (["--head", "nobody"], "unknown head 'nobody'"),
        (["--head", "open"], "expected transforms_train.json"),
    ],
)
def test_complaints(tmp_path: Path, words: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["avatar", "fit", str(tmp_path), "-o", str(tmp_path / "me"), *words])
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "me").exists()


def test_presets() -> None:
    quality = FitRequest(Path(), Path(), preset="quality").config()
    assert (quality.iterations, quality.densify_every, quality.reset_every) == (600_000, 2_000, 60_000)
    assert FitRequest(Path(), Path()).config().sh_degree == 3
    assert FitRequest(Path(), Path()).config(cameras=1).sh_degree == 0
    assert FitRequest(Path(), Path(), sh_degree=3).config(cameras=1).sh_degree == 3
    assert FitRequest(Path(), Path(), iterations=50).config().report_every == 5
    with pytest.raises(InputError):
        FitRequest(Path(), Path(), iterations=-1).config()
