"""From a film of one person's head to an avatar of that person: tracked, solved, cut out, trained, judged."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar, save_avatar
from ...avatars.fitting.dataset import DataSet, View, spread
from ...avatars.fitting.evaluate import Scores, evaluate
from ...avatars.fitting.painters import open_painter
from ...avatars.fitting.train import CHECKPOINT, CURVE, SAMPLES, Fit, FitConfig, FitProgress, train
from ...avatars.head import HeadModel
from ...avatars.library import builtin_head, open_avatar, write_record
from ...avatars.motion import CURVES, Motion
from ...avatars.motion_files import save_motion
from ...core.errors import InputError
from ...core.whole_files import check_free, whole_file, write_whole
from ...renderer import Camera, open_rasterizer
from ..clip.sidecar import file_sha256
from ..media.film import MOST_PIXELS, Picture, pictures, usual_rate
from ..tracking.tracker import Tracker, open_tracker
from .frames import Chosen, Crop, choose, crop_to_head, grey_pictures
from .lens import told_focal
from .masks import GivenMasks, cut_out, fitted, silhouettes, without_background
from .page import report_page
from .prior import as_person, closeness, completed, seen_colours, solid, toned
from .request import PEOPLE, CaptureRequest
from .solve import Solution, interpolated, solve_film
from .solved_files import load_faces, load_solution, save_faces, save_solution
from .torso import fitted_torso, small_torso
from .track import FaceFilm, faces_of

U8 = NDArray[np.uint8]
Say = Callable[[str], None]

AVATAR, MOTION, SCORES, REPORT, WORK = "avatar.npz", "motion.npz", "evaluation.json", "report.png", "work"
CUT_FROM = "cut_from.txt"  # a hash of all that the pictures without background hang on
DIAGONAL = 43.27  # millimetres of a picture on 35 mm film
SHORTEST, FEWEST = 3.0, 30  # seconds and pictures of a face
LEAST = 10  # pictures to learn from
SMALLEST = 90.0  # pixels of a face's width
CROWDED = 0.5  # share of the pictures with several faces from which on it is not said whose film it is
STILL = 20.0  # degrees that a head should turn at least
SLOW = 14.0  # frames per second below which it is said
GRIMACE = 6.0  # degrees that the jaw should open at least
COMPARED = 10  # pictures by which the nearest person is chosen
OUTLINED, OUTLINED_SIDE = 12, 384  # pictures whose outline tells of the shoulders, pixels of their longer side
LOOKED_AT = 32  # pictures by which it is decided what was seen

FILMED = FitConfig(
    iterations=1_200,
    densify_from=150,
    densify_every=150,
    densify_until=0.6,
    reset_every=1 << 30,
    sh_degree=0,
    report_every=200,
    means=(1e-3, 5e-5),
    log_scales=5e-3,
    dc=1e-2,
    hold=1e-4,
    eps=1e-8,
    backgrounds=True,
)
# one picture says nothing about what lies deeper: places stay, colours are learned
PHOTOGRAPHED = replace(FILMED, iterations=300, densify_from=1 << 30, means=(1e-4, 1e-5), log_scales=5e-4, hold=1e-2)


def capture(
    request: CaptureRequest,
    *,
    say: Say,
    report: Callable[[str, int, int], None] = lambda _stage, _done, _total: None,
    tracker: Callable[[Path | None], AbstractContextManager[Tracker]] = open_tracker,
) -> dict[str, Any]:
    """Write `avatar.npz` with its provenance, `motion.npz` of the film, `report.png` and `evaluation.json`; returns the
    last. `report` is told stage, how much is done and of how much. Raises InputError.

    Everything stays on this machine. Pictures of the film lie in `work/` while it runs, and are deleted at the end.
    """
    request.check()
    painter, _ = open_painter(request.device)
    work = request.out / WORK
    film, solution = _solved(request, work, say, report, tracker)
    chosen = _chosen(request, film, solution, say)
    if not request.photo:
        solution = _on_own_torso(request, solution, chosen.train, say)
    data, crop = _cut_out(request, work, solution, chosen, say, report)
    start, prior = _start(request, data, say)
    config = PHOTOGRAPHED if request.photo else FILMED
    if request.iterations is not None:
        every = max(1, min(config.report_every, request.iterations // 5))
        config = replace(config, iterations=request.iterations, report_every=every)
    fit = Fit(data, config, painter, start)
    train(fit, work, _Commentary(say, report))
    avatar, motion = fit.avatar(request.out.resolve().name)
    _, shown = seen_colours(avatar, motion, spread(data.train, LOOKED_AT))
    origin = fit.gaussians.origin.cpu().numpy()
    avatar = replace(completed(start, solid(start, avatar, origin), origin, shown), licence=request.licence)
    return _write(request, avatar, motion, data, film, solution, crop, prior, fit, say)


def _solved(
    request: CaptureRequest,
    work: Path,
    say: Say,
    report: Callable[[str, int, int], None],
    tracker: Callable[[Path | None], AbstractContextManager[Tracker]],
) -> tuple[FaceFilm, Solution]:
    """The face of each picture, and the camera, head and motion that explain them; from the last run if it is there."""
    source = file_sha256(request.source)
    sha256 = f"{source} {request.focal}"
    kept, tracked = work / "solved.npz", work / "tracked.npz"
    if (found := load_solution(kept, sha256, request.source, builtin_head())) is not None:
        say("tracking and head are those of the last run")
        return found
    check_free(request.out / AVATAR, overwrite=request.overwrite)
    if (film := load_faces(tracked, source, request.source)) is not None:
        say("tracking is that of the last run")
    else:
        with tracker(request.tracker) as finder:
            film = faces_of(
                request.source, _film(request), finder, report=lambda done: report("finding the face", done, 0)
            )
    _check(request, film, say)
    work.mkdir(parents=True, exist_ok=True)
    save_faces(tracked, source, film)
    lens = request.focal or told_focal(request.source, photo=request.photo)
    if lens is not None and request.focal is None:
        say(f"its lens is told to be one of {lens:g} mm, as on 35 mm film")
    focal = None if lens is None else lens / DIAGONAL * float(np.hypot(film.width, film.height))
    greys = None if request.photo else lambda rows: grey_pictures(_film(request), rows)
    solution = solve_film(film, builtin_head(), focal=focal, greys=greys, report=say)
    save_solution(kept, sha256, film, solution)
    tracked.unlink()  # the solution has them, too
    return film, solution


def _film(request: CaptureRequest) -> Iterable[Picture]:
    """The pictures of the film, or the photo as a film that stands still."""
    if not request.photo:
        return pictures(request.source)
    from PIL import Image, ImageOps

    try:
        with Image.open(request.source) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{request.source}: expected a picture, found something else ({error})") from error
    upright.thumbnail((MOST_PIXELS, MOST_PIXELS))
    pixels = np.ascontiguousarray(np.asarray(upright))
    return [Picture(i * 0.04, pixels) for i in range(2)]  # the solver wants two pictures


def _check(request: CaptureRequest, film: FaceFilm, say: Say) -> None:
    """Raise InputError for a film that nobody can be learned from; say what will be missing."""
    where, count, seen = request.source, len(film.times), film.seen
    if not seen.any():
        raise InputError(f"{where}: expected a face, found none in {count} pictures")
    if (crowd := int((film.faces > 1).sum())) > CROWDED * count:
        raise InputError(f"{where}: expected one person, found several faces in {crowd} of {count} pictures")
    if crowd:
        say(f"note: {crowd} pictures show several faces and are left out")
    width = float(np.nanmedian(np.ptp(film.points[seen, :, 0], axis=1)))
    if width < SMALLEST:
        raise InputError(
            f"{where}: expected a face at least {SMALLEST:.0f} pixels wide (pictures have {film.width}x{film.height}), "
            f"found {width:.0f}; come nearer to the camera"
        )
    if request.photo:
        return
    seconds = seen.sum() / film.fps
    if seconds < SHORTEST or seen.sum() < FEWEST:
        raise InputError(
            f"{where}: expected a face for at least {SHORTEST:.0f} s and {FEWEST} pictures, "
            f"found {seconds:.1f} s and {int(seen.sum())}"
        )
    if film.fps < SLOW:
        say(f"note: {film.fps:.3g} pictures a second are few; speech is sampled thinly")


def _chosen(request: CaptureRequest, film: FaceFilm, solution: Solution, say: Say) -> Chosen:
    """Which pictures are learned from; says what the film lacks."""
    if request.photo:
        return Chosen(np.zeros(1, np.int64), np.zeros(0, np.int64))
    chosen = choose(solution.motion, solution.sure & (film.faces == 1), np.nan_to_num(film.sharpness))
    if len(chosen.train) < LEAST:
        raise InputError(f"{request.source}: expected pictures to learn from, found {len(chosen.train)} usable ones")
    turned = np.degrees(np.ptp((solution.motion.rotation + solution.motion.neck)[chosen.train, 1]))
    if turned < STILL:
        say(f"note: the head turns by {turned:.0f} degrees only; what it hides is taken from a built-in person")
    opened = np.degrees(np.ptp(solution.motion.jaw[chosen.train, 0]))
    if opened < GRIMACE:
        say(f"note: the mouth opens by {opened:.0f} degrees only; its inside stays that of a built-in person")
    say(f"{len(chosen.train)} pictures to learn from, {len(chosen.held_out)} to judge by, of {len(film.times)}")
    return chosen


def _on_own_torso(request: CaptureRequest, solution: Solution, rows: NDArray[np.int64], say: Say) -> Solution:
    """The same with shoulders as large and as high as the film's outlines show them."""
    say("size and height of the shoulders, by their outline")
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, OUTLINED).round().astype(np.int64))]
    whole = solution.camera
    crop = Crop(0, 0, whole.width, whole.height, min(1.0, OUTLINED_SIDE / max(whole.width, whole.height)))
    masks = [mask for _, mask in _masked(request, solution, small_torso(solution.head), rows, crop)]
    head = fitted_torso(solution.head, crop.camera(whole), solution.motion[rows], masks)
    return replace(solution, head=head)


def _masked(
    request: CaptureRequest, solution: Solution, head: HeadModel, rows: NDArray[np.int64], crop: Crop
) -> list[tuple[U8, U8]]:
    """A part of some of the film's pictures [H, W, 3], and how much of each pixel is the person, [H, W] of 0..255.

    head: what of the solved head is certainly inside the outline
    """
    film_size, wanted, cut = (solution.camera.width, solution.camera.height), set(rows.tolist()), {}
    for i, picture in enumerate(_film(request)):
        if i in wanted:
            cut[i] = crop.cut(picture.pixels)
    parts = [cut[int(i)] for i in rows]
    if request.masks is not None:
        given = GivenMasks(request.masks).read(rows.tolist(), len(solution.seen))
        masks = [fitted(given[int(i)], crop, film_size) for i in rows]
    else:
        camera, moments = crop.camera(solution.camera), solution.motion[rows]
        width = _head_width(head, camera, moments)
        masks = cut_out(parts, list(silhouettes(head, camera, moments)), head_width=width)
    return list(zip(parts, masks, strict=True))


def _cut_out(
    request: CaptureRequest,
    work: Path,
    solution: Solution,
    chosen: Chosen,
    say: Say,
    report: Callable[[str, int, int], None],
) -> tuple[DataSet, Crop]:
    """The chosen pictures without their background, as a data set of one camera."""
    rows, head = chosen.all, solution.head
    moments = solution.motion[rows]
    crop = crop_to_head(head, solution.camera, moments, size=request.size)
    camera = crop.camera(solution.camera)
    folder = work / "frames"
    names = {int(i): folder / f"{i:06d}.png" for i in rows}
    origin = _cut_from(request, solution, rows, crop)
    if not _is_text(work / CUT_FROM, origin) or not all(path.is_file() for path in names.values()):
        report("cutting the person out", 0, len(rows))
        cut = _masked(request, solution, head, rows, crop)
        _forget_pictures(work)
        folder.mkdir(parents=True)
        for path, (picture, mask) in zip(names.values(), cut, strict=True):
            write_whole(path, _png(without_background(picture, mask)))
        write_whole(work / CUT_FROM, origin.encode())
    views = {i: View(path, camera, 0, i) for i, path in names.items()}
    train_views, judged = [views[int(i)] for i in chosen.train], [views[int(i)] for i in chosen.held_out]
    return DataSet(request.source, head, solution.motion, train_views, [], judged), crop


def _cut_from(request: CaptureRequest, solution: Solution, rows: NDArray[np.int64], crop: Crop) -> str:
    """A hash of film, masks, part of the picture and solved head: what the pictures without background hang on."""
    content = hashlib.sha256(f"{file_sha256(request.source)} {crop}".encode())
    for path in () if request.masks is None else GivenMasks(request.masks).files():
        content.update(f"{path.name} {file_sha256(path)}".encode())
    moved = [getattr(solution.motion[rows], curve) for curve in CURVES]
    for array in (rows, solution.camera.K, solution.camera.view, solution.head.v_template, *moved):
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def _is_text(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _forget_pictures(work: Path) -> None:
    """Delete pictures that were cut out otherwise, and what was learned from them."""
    for name in (CUT_FROM, CHECKPOINT, CURVE):
        (work / name).unlink(missing_ok=True)
    for name in ("frames", SAMPLES):
        shutil.rmtree(work / name, ignore_errors=True)


def _head_width(head: HeadModel, camera: Camera, motion: Motion) -> float:
    """Pixels from ear to ear, about."""
    eyes = float(np.linalg.norm(head.joints[3] - head.joints[4]))
    distance = float((camera.view[2, :3] @ motion.translation.mean(axis=0)) + camera.view[2, 3])
    return 2.6 * eyes * float(camera.K[0, 0]) / max(distance, 0.05)


def _png(rgba: U8) -> bytes:
    import cv2

    return cv2.imencode(".png", np.ascontiguousarray(rgba[..., [2, 1, 0, 3]]))[1].tobytes()


def _start(request: CaptureRequest, data: DataSet, say: Say) -> tuple[Avatar, str]:
    """The Gaussians of the built-in person that is nearest, or that was asked for, in the film's colours."""
    some = spread(data.train, COMPARED)
    name = request.prior
    if name == "auto":
        # the light ones are as near, and a quarter of the work
        apart = {n: closeness(_toned(f"{n}-light", data, some), data.motion, some) for n in PEOPLE}
        name = min(apart, key=lambda n: apart[n])
        say(f"nearest built-in person: {name} ({', '.join(f'{n} {d:.3f}' for n, d in apart.items())})")
    return _toned(name, data, some), name


def _toned(name: str, data: DataSet, views: Sequence[View]) -> Avatar:
    start = as_person(open_avatar(name), data.head, name)
    return toned(start, *seen_colours(start, data.motion, views))


class _Commentary:
    """Tells how training goes."""

    def __init__(self, say: Say, report: Callable[[str, int, int], None]) -> None:
        self._say, self._report = say, report

    def __call__(self, progress: FitProgress) -> None:
        if progress.milestone:
            self._say(
                f"{progress.step}/{progress.steps}: {progress.gaussians} Gaussians, PSNR {progress.psnr:.2f} dB, "
                f"{progress.seconds / progress.step * (progress.steps - progress.step) / 60:.0f} min left"
            )
        self._report("training", progress.step, progress.steps)


def _write(
    request: CaptureRequest,
    avatar: Avatar,
    motion: Motion,
    data: DataSet,
    film: FaceFilm,
    solution: Solution,
    crop: Crop,
    prior: str,
    fit: Fit,
    say: Say,
) -> dict[str, Any]:
    """Avatar, motion, report and scores; then the pictures are deleted."""
    out, rasterizer = request.out, open_rasterizer(request.device)
    scores: dict[str, Scores | None] = {
        "train": evaluate(avatar, motion, spread(data.train, 32), rasterizer),
        "held_out": evaluate(avatar, motion, data.test, rasterizer),
    }
    record = {
        "source": request.source.name,
        "pictures": 1 if request.photo else len(film.times),
        "trained_on": len(data.train),
        "prior": prior,
        "gaussians": len(avatar.gaussians),
        "iterations": fit.step,
        "minutes_of_training": round(fit.seconds / 60, 1),
        "reprojection_px": round(float(np.nanmedian(solution.error)), 3),
        "focal_of_film": float(solution.camera.K[0, 0]),
        "camera": _written(crop, solution.camera),
        "held_out_frames": [view.timestep for view in data.test],
        **solution.numbers,
        **{split: asdict(found) for split, found in scores.items() if found},
    }
    save_avatar(out / AVATAR, avatar)
    provenance = {
        "avatar": avatar.name,
        "head": avatar.head.version,
        "gaussians": len(avatar.gaussians),
        "licence": request.licence,
        "origin": "photo" if request.photo else "film",
        "captured": datetime.now(UTC).isoformat(timespec="seconds"),
        "unseen parts": f"built-in {prior} (CC0 sources)",
    }
    write_record(out / AVATAR, provenance)
    if not request.photo:
        save_motion(out / MOTION, _at_equal_steps(motion, film), len(avatar.head.v_template))
    write_whole(out / SCORES, (json.dumps(record, indent=1) + "\n").encode())
    with whole_file(out / REPORT, keep_suffix=True) as partial:
        report_page(partial, avatar, motion, data, record, rasterizer)
    if request.keep_frames:
        say(f"{out / WORK}: pictures of the film without background, kept")
    else:
        shutil.rmtree(out / WORK)
    return record


def _written(crop: Crop, film: Camera) -> dict[str, Any]:
    """The camera of the pictures that were learned from, and where they lie in the film's."""
    camera = crop.camera(film)
    place = {"x": crop.x, "y": crop.y, "width": camera.width, "height": camera.height}
    return {"view": camera.view.tolist(), "K": camera.K.tolist(), **place}


def _at_equal_steps(motion: Motion, film: FaceFilm) -> Motion:
    """The film's motion at its usual frame rate, whatever its pictures' own times are."""
    fps = usual_rate(film.times)
    frames = round((film.times[-1] - film.times[0]) * fps) + 1
    times = film.times[0] + np.arange(frames) / fps
    return replace(interpolated(motion, film.times, times), fps=fps)
