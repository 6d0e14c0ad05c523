"""A film becomes an avatar that shows the person filmed; films that teach nothing are refused in one line.

The tracker and the solver are stood in for by ones that know the truth: MediaPipe is not needed.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from emosplat.avatars.arkit import ARKIT_52
from emosplat.avatars.library import HOME, builtin_head, open_avatar, read_record
from emosplat.avatars.motion import Motion
from emosplat.avatars.motion_files import load_motion
from emosplat.avatars.pose import Poser
from emosplat.avatars.scene import load_scene
from emosplat.avatars.shading import Shader
from emosplat.core.errors import InputError
from emosplat.pipeline.avatar.own import import_avatar
from emosplat.pipeline.camera.views import orbit_camera
from emosplat.pipeline.capture import capture as captures
from emosplat.pipeline.capture.capture import capture
from emosplat.pipeline.capture.request import LICENCE, CaptureRequest
from emosplat.pipeline.capture.solve import Solution
from emosplat.pipeline.capture.solved_files import load_solution, save_solution
from emosplat.pipeline.capture.track import FaceFilm
from emosplat.pipeline.media.video import VideoWriter
from emosplat.pipeline.tracking.tracker import LANDMARKS, Face
from emosplat.renderer import Camera, open_rasterizer

U8 = NDArray[np.uint8]
SIDE, FRAMES = 96, 80


@dataclass
class Faces:
    """Finds so many faces of one width in every picture that is not black."""

    count: int = 1
    width: float = 100.0

    def find(self, picture: U8) -> list[Face]:
        if picture.mean() < 5:
            return []
        points = np.zeros((LANDMARKS, 3), np.float32)
        points[:, :2] = np.random.default_rng(0).uniform(0, self.width, (LANDMARKS, 2))
        points[:2, 0] = 0, self.width
        points[:2, 1] = 0, SIDE - 1
        return [Face(points, np.zeros(len(ARKIT_52), np.float32), np.eye(3, dtype=np.float32))] * self.count


def finder(**kind: Any):
    @contextmanager
    def opened(_given: Path | None) -> Iterator[Faces]:
        yield Faces(**kind)

    return opened


def grey(path: Path, frames: int, *, fps: float = 25.0, level: int = 120) -> Path:
    with VideoWriter(path, width=SIDE, height=SIDE, fps=fps, overwrite=True) as writer:
        for _ in range(frames):
            writer.write(np.full((SIDE, SIDE, 3), level, np.uint8))
    return path


def refused(tmp_path: Path, source: Path, **kind: Any) -> str:
    with pytest.raises(InputError) as error:
        capture(CaptureRequest(source, tmp_path / "me"), say=lambda _: None, tracker=finder(**kind))
    assert not (tmp_path / "me" / "avatar.npz").exists()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_films_without_a_face_with_two_with_a_small_one_and_short_ones_are_refused(tmp_path: Path) -> None:
    film = grey(tmp_path / "film.mp4", FRAMES)
    assert "expected a face, found none in 80 pictures" in refused(tmp_path, grey(tmp_path / "b.mp4", 80, level=0))
    assert "expected one person, found several faces in 80 of 80" in refused(tmp_path, film, count=2)
    assert "expected a face at least 90 pixels wide" in refused(tmp_path, film, width=30)
    assert "found 1.6 s and 40" in refused(tmp_path, grey(tmp_path / "short.mp4", 40))


@pytest.mark.parametrize("name", ["no.mp4", "words.mp4", "words.png"])
def test_what_is_no_film_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "words.mp4").write_text("words")
    (tmp_path / "words.png").write_text("words")
    assert name in refused(tmp_path, tmp_path / name)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"prior": "nobody"}, "--prior: expected auto or one of person1"),
        ({"iterations": 0}, "--iterations: expected at least 1"),
        ({"size": 5}, "--size: expected 64 to 1024"),
        ({"masks": Path("nowhere")}, "--masks: no such file or folder: nowhere"),
    ],
)
def test_wrong_options_are_told_before_the_film_is_read(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    film = tmp_path / "film.mp4"
    film.write_text("not read")
    with pytest.raises(InputError, match=said):
        capture(CaptureRequest(film, tmp_path / "me", **wrong), say=lambda _: None, tracker=finder())


def truth() -> tuple[Motion, Camera]:
    head = builtin_head()
    turning = Motion.rest(FRAMES, head.expressions, 25.0)
    turning.neck[:, 1] = 0.5 * np.sin(np.linspace(0, 6, FRAMES))
    turning.jaw[:, 0] = 0.1 + 0.1 * np.sin(np.linspace(0, 20, FRAMES))
    return turning, orbit_camera(head, yaw=0, width=SIDE, height=SIDE)


def filmed(path: Path, rows: Sequence[int] = range(FRAMES)) -> Path:
    """A built-in person in another colour before a wall; a .png is one picture."""
    person = open_avatar("person2-light")
    motion, camera = truth()
    scene, poser, shader = load_scene(person, open_rasterizer("cpu")), Poser(person.head), Shader(person)

    def draw(row: int) -> U8:
        still = motion[row : row + 1]
        frame = scene.render(camera, poser.transforms(still), shading_weights=shader.weights(still))[0]
        share = frame.alpha[..., None] / 255
        tinted = (frame.rgb - 255 * (1 - share)) * np.array([0.7, 0.8, 0.9]) + (1 - share) * np.array([90, 140, 90])
        return np.clip(tinted, 0, 255).round().astype(np.uint8)

    if path.suffix == ".png":
        cv2.imwrite(str(path), draw(0)[..., ::-1])
        return path
    with VideoWriter(path, width=SIDE, height=SIDE, fps=25, overwrite=True) as writer:
        for row in rows:
            writer.write(draw(row))
    return path


def solved(film: FaceFilm, *_: Any, **__: Any) -> Solution:
    """What is true of `filmed`."""
    motion, camera = truth()
    person, frames = open_avatar("person2-light"), len(film.times)
    head = replace(builtin_head(), v_template=person.head.v_template, joints=person.head.joints)
    every = np.ones(frames, bool)
    vertices = len(head.v_template)
    return Solution(
        camera, head, np.zeros(40), np.zeros((vertices, 3)), motion[:frames], every, every, np.full(frames, 0.5),
        np.arange(3), {"jitter_px": 0.1},
    )  # fmt: skip


def test_what_was_solved_is_kept_for_the_next_run_of_the_same_film(tmp_path: Path) -> None:
    rng, head = np.random.default_rng(0), builtin_head()
    film = FaceFilm(
        tmp_path / "film.mp4", SIDE, SIDE, np.arange(3) / 25, rng.normal(size=(3, LANDMARKS, 2)),
        rng.random((3, 52)), rng.random((3, 3, 3)), np.array([1, 0, 1]), rng.random(3),
    )  # fmt: skip
    film.points[1] = np.nan
    solution = solved(film)
    path = tmp_path / "solved.npz"
    save_solution(path, "abc", film, solution)
    found = load_solution(path, "abc", film.path, head)
    assert found is not None
    np.testing.assert_allclose(found[0].points, film.points, rtol=1e-6)
    np.testing.assert_array_equal(found[0].seen, film.seen)
    np.testing.assert_array_equal(found[1].motion.neck, solution.motion.neck)
    np.testing.assert_array_equal(found[1].head.v_template, solution.head.v_template)
    assert found[1].numbers == solution.numbers
    assert load_solution(path, "another film", film.path, head) is None
    path.write_bytes(path.read_bytes()[:100])
    assert load_solution(path, "abc", film.path, head) is None


def test_what_was_tracked_is_kept_until_it_is_solved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    films: list[FaceFilm] = []

    def stopped(film: FaceFilm, *_: Any, **__: Any) -> Solution:
        films.append(film)
        raise KeyboardInterrupt

    monkeypatch.setattr(captures, "solve_film", stopped)
    request, said = CaptureRequest(grey(tmp_path / "film.mp4", 100), tmp_path / "me"), []
    for faces in (1, 0, 0):  # nothing is found any more where it is tracked anew
        with pytest.raises(KeyboardInterrupt):
            capture(request, say=said.append, tracker=finder(count=faces))
        request = replace(request, focal=30.0)  # which the pictures do not know
    assert said.count("tracking is that of the last run") == 2
    for again in films[1:]:
        for name in ("times", "points", "weights", "poses", "faces", "sharpness"):
            np.testing.assert_array_equal(getattr(again, name), getattr(films[0], name))
    other = replace(request, source=grey(tmp_path / "other.mp4", 100, level=90))
    with pytest.raises(InputError, match="expected a face"):
        capture(other, say=said.append, tracker=finder(count=0))


def masks_of(folder: Path, frames: int, level: int) -> Path:
    folder.mkdir()
    for i in range(frames):
        cv2.imwrite(str(folder / f"{i}.png"), np.full((SIDE, SIDE), level, np.uint8))
    return folder


def test_pictures_of_an_earlier_run_are_those_of_the_same_film_masks_and_size_alone(tmp_path: Path) -> None:
    film, rows = grey(tmp_path / "film.mp4", 20), np.arange(6)
    white, black = masks_of(tmp_path / "white", 20, 255), masks_of(tmp_path / "black", 20, 0)
    nothing, one = np.zeros(20), np.ones(20, np.int64)
    solution = solved(FaceFilm(film, SIDE, SIDE, np.arange(20) / 25, nothing, nothing, nothing, one, nothing))
    chosen, work, cut = captures.Chosen(rows[:5], rows[5:]), tmp_path / "work", []

    def cut_out(**asked: Any) -> NDArray[Any]:
        request = CaptureRequest(**{"source": film, "out": tmp_path, "masks": white, "size": SIDE, **asked})
        data, _ = captures._cut_out(
            request, work, solution, chosen, lambda _: None, lambda stage, *_: cut.append(stage)
        )  # fmt: skip
        picture = cv2.imread(str(data.train[0].picture), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        return picture

    first = cut_out()
    (work / "checkpoint.safetensors").write_text("learned from these pictures")
    assert cut_out().tolist() == first.tolist()
    assert len(cut) == 1
    assert (work / "checkpoint.safetensors").exists()
    assert cut_out(masks=black)[..., 3].max() == 0
    assert not (work / "checkpoint.safetensors").exists()
    assert cut_out().tolist() == first.tolist()
    assert cut_out(size=64).shape[1] < first.shape[1]
    assert cut_out(source=grey(tmp_path / "other.mp4", 20, level=200), size=64)[..., 0].max() > first[..., 0].max() + 50
    assert len(cut) == 5


def test_an_avatar_is_not_replaced_by_that_of_another_film(tmp_path: Path) -> None:
    film, out = grey(tmp_path / "film.mp4", 10, level=0), tmp_path / "me"
    out.mkdir()
    (out / "avatar.npz").write_text("mine")
    with pytest.raises(InputError, match=r"avatar\.npz: already exists; choose another name, or allow it: --overwrite"):
        capture(CaptureRequest(film, out), say=lambda _: None, tracker=finder())
    with pytest.raises(InputError, match="expected a face"):
        capture(CaptureRequest(film, out, overwrite=True), say=lambda _: None, tracker=finder())
    assert (out / "avatar.npz").read_text() == "mine"


@pytest.mark.slow
def test_a_film_becomes_an_avatar_that_shows_the_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captures, "solve_film", solved)
    monkeypatch.setattr(captures, "open_avatar", lambda name: open_avatar(f"{name}-light"))  # a quarter of the work
    monkeypatch.setenv(HOME, str(tmp_path / "home"))
    film, out, said = filmed(tmp_path / "film.mp4"), tmp_path / "me", []
    request = CaptureRequest(film, out, prior="person2", iterations=12, size=SIDE, keep_frames=True)
    record = capture(request, say=said.append, tracker=finder())
    assert record["held_out"]["psnr"] > 22
    assert (out / "work" / "frames").is_dir()
    assert json.loads((out / "evaluation.json").read_text())["prior"] == "person2"
    assert cv2.imread(str(out / "report.png")) is not None
    played = load_motion(out / "motion.npz", expressions=76, fps=25)
    np.testing.assert_allclose(played.neck, truth()[0].neck, atol=0.01)
    avatar = open_avatar(str(out / "avatar.npz"))
    assert avatar.licence == LICENCE
    entry = import_avatar(out / "avatar.npz", "me", open_rasterizer("cpu"))
    assert read_record(entry)["licence"] == LICENCE

    # again: nothing is tracked anew, and without being asked the pictures go
    said.clear()
    again = capture(replace(request, keep_frames=False), say=said.append, tracker=finder(count=0))
    assert "tracking and head are those of the last run" in said
    assert again["held_out"] == record["held_out"]
    assert sorted(p.name for p in out.iterdir()) == [
        "avatar.json", "avatar.npz", "evaluation.json", "motion.npz", "report.png",
    ]  # fmt: skip
    assert "film.mp4" not in (out / "avatar.json").read_text()


@pytest.mark.slow
def test_a_photo_becomes_an_avatar_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captures, "solve_film", solved)
    out = tmp_path / "me"
    request = CaptureRequest(filmed(tmp_path / "photo.png"), out, prior="person2", iterations=12, size=SIDE)
    record = capture(request, say=lambda _: None, tracker=finder())
    assert record["train"]["psnr"] > 20
    assert "held_out" not in record
    assert not (out / "motion.npz").exists()
    assert (out / "avatar.npz").is_file()
