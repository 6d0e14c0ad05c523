"""Film an invented person with a pretended phone, capture an avatar from the film, and hold it against the truth.

    python benchmarks/capture.py --make filmed
    render avatar capture filmed/film.mp4 -o me
    python benchmarks/capture.py filmed me
    python benchmarks/capture.py filmed --solve

The person is a built-in one with another face (identity modes at random) and other colours. The film is 720x960: the
head turns slowly, makes a few faces, then speaks. What is held against the truth: the face's shape, pictures from
cameras beside the phone at moments that were not trained on, and the lips at /p b m/. The last line trains nothing: it
holds focal length and face against the truth, solved from landmarks, and from the skin's own motion too, and says how
much of the error of views from the side is in them: the true person's Gaussians are put on what was solved.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import emosplat
from emosplat.avatars.avatar import Avatar, save_avatar
from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head, open_avatar
from emosplat.avatars.motion import Motion
from emosplat.avatars.motion_files import load_motion, save_motion
from emosplat.avatars.pose import Poser
from emosplat.avatars.scene import load_scene
from emosplat.avatars.shading import Shader
from emosplat.core.maths import smoothstep
from emosplat.core.rotation import rotation_matrices
from emosplat.pipeline.avatar.check import AvatarCheck
from emosplat.pipeline.capture.flow import covered
from emosplat.pipeline.capture.frames import grey_pictures
from emosplat.pipeline.capture.solve import Solution, solve_film
from emosplat.pipeline.capture.track import faces_of
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.media.film import pictures
from emosplat.pipeline.media.video import VideoWriter
from emosplat.pipeline.tracking.tracker import open_tracker
from emosplat.renderer import Camera, open_rasterizer

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

WIDTH, HEIGHT = 720, 960
DISTANCE, LENS = 0.50, 1.05  # usual metres from the head; usual focal length, of the picture's height
FPS = 25.0
TURNING = 10.0  # seconds before the person speaks
IDENTITY = 0.8  # standard deviations of the identity modes that are added
ANGLES = (-30, -20, 0, 20, 30)  # degrees around the person
PARTS = ("face", "hair", "shoulders")
MOMENTS, BLEND = 4, 0.02  # moments looked at from the sides; metres from the face over which a skull goes over into it
CLOSEST = 15  # steps towards the closest points
TRUTH, FILM = "truth.npz", "film.mp4"


def invented(base: str, seed: int) -> Avatar:
    """A built-in person with another face and other colours."""
    rng = np.random.default_rng(seed)
    person, generic = open_avatar(base), builtin_head()
    change = generic.shapedirs @ rng.normal(0, IDENTITY, generic.shapedirs.shape[2]).astype(np.float32)
    head = replace(
        person.head,
        v_template=person.head.v_template + change,
        joints=person.head.joints + generic.J_regressor @ change,
    )
    sh = person.gaussians.sh * np.float32(0.92)
    sh[:, 0] += np.array([0.05, -0.02, -0.09], np.float32) * rng.uniform(0.5, 1.5)
    return Avatar("invented", head, replace(person.gaussians, sh=sh), person.binding, shading=person.shading)


def performance(person: Avatar) -> Motion:
    """The head turns slowly to both sides, up and down, makes faces, then speaks."""
    head = person.head
    frames = round(TURNING * FPS)
    t = (np.arange(frames) + 0.5) / FPS
    turning = Motion.rest(frames, head.expressions, FPS)
    turning.neck[:, 1] = np.radians(42) * np.sin(2 * np.pi * t / 7) * smoothstep(t)
    turning.neck[:, 0] = np.radians(12) * np.sin(2 * np.pi * t / 4.3) * smoothstep(t)
    turning.neck[:, 2] = np.radians(4) * np.sin(2 * np.pi * t / 5.1) * smoothstep(t)
    faces = [("happy", 3.0), ("surprised", 5.0), ("sad", 7.0), ("angry", 9.0)]
    for name, when in faces:
        row = head.emotions.rows(name)[0]
        share = (0.8 * np.exp(-(((t - when) / 0.45) ** 2))).astype(np.float32)
        turning.expr[:] += share[:, None] * head.emotions.expr[row]
        turning.jaw[:, 0] += share * head.emotions.jaw[row]
    for when in (1.5, 4.1, 6.2, 8.4):  # blinks
        share = np.exp(-(((t - when) / 0.09) ** 2)).astype(np.float32)
        for side in ("Left", "Right"):
            turning.expr[:] += share[:, None] * head.arkit.expr[head.arkit.rows(f"eyeBlink{side}")[0]]
    spoken = emosplat.speak(emosplat.example_speech(), avatar="person1", emotion={"happy": 0.3}, seed=3).motion
    return Motion.concatenate([turning, spoken.resampled(FPS)])


def phone(distance: float, lens: float) -> Camera:
    """A phone so many metres away, as high as the eyes, a little aside; `lens` is its focal length, of the height."""
    a = np.radians(2)
    eye = (distance * np.sin(a), 0.06, distance * np.cos(a))
    return Camera.look_at(eye, (0, 0.055, 0), fov_y=2 * np.arctan(0.5 / lens), width=WIDTH, height=HEIGHT)


def room(seed: int = 0) -> U8:
    """A blurred wall with furniture, [H, W, 3]."""
    import cv2

    rng = np.random.default_rng(seed)
    picture = np.full((HEIGHT, WIDTH, 3), (176, 168, 150), np.float32)
    picture *= np.linspace(1.08, 0.8, HEIGHT, dtype=np.float32)[:, None, None]
    for _ in range(12):
        x, y = rng.integers(0, WIDTH), rng.integers(0, HEIGHT)
        w, h = rng.integers(40, 260), rng.integers(40, 360)
        picture[y : y + h, x : x + w] = rng.uniform(40, 230, 3)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 4), 0, 255).astype(np.uint8)


def draw(person: Avatar, motion: Motion, camera: Camera) -> Iterator[tuple[U8, U8]]:
    """Each moment's picture [H, W, 3] over white and its coverage [H, W]."""
    scene, poser, shader = load_scene(person, open_rasterizer("cpu")), Poser(person.head), Shader(person)
    for still in motion.chunks(1):
        frame = scene.render(camera, poser.transforms(still), shading_weights=shader.weights(still))[0]
        yield frame.rgb, frame.alpha


def make(folder: Path, base: str, seed: int, camera: Camera) -> None:
    """Write the film and what is true of it."""
    folder.mkdir(parents=True, exist_ok=True)
    person = invented(base, seed)
    motion, behind = performance(person), room(seed)
    rng = np.random.default_rng(seed)
    silence = np.zeros(round(TURNING * 16_000), np.float32)
    sound = _with_silence(silence, folder)
    with VideoWriter(
        folder / FILM, width=WIDTH, height=HEIGHT, fps=FPS, audio=open_audio(sound), overwrite=True
    ) as writer:
        for rgb, alpha in draw(person, motion, camera):
            # drawn over white: take that away, put the room behind, and a sensor's noise over all
            share = alpha[..., None].astype(np.float32) / 255
            picture = rgb - 255 * (1 - share) + behind * (1 - share)
            picture += rng.normal(0, 1.5, picture.shape)
            writer.write(np.clip(picture, 0, 255).round().astype(np.uint8))
    sound.unlink()
    save_avatar(folder / TRUTH, person, head=builtin_head())
    save_motion(folder / "motion.npz", motion, len(person.head.v_template))
    record = {"base": base, "seed": seed, "K": camera.K.tolist(), "view": camera.view.tolist()}
    (folder / "truth.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _with_silence(silence: F32, folder: Path) -> Path:
    import soundfile

    speech, rate = soundfile.read(emosplat.example_speech(), dtype="float32")
    path = folder / "sound.wav"
    soundfile.write(path, np.concatenate([np.zeros(round(len(silence) / 16_000 * rate), np.float32), speech]), rate)
    return path


def measure(folder: Path, captured: Path, poses: int) -> None:
    """Hold a capture against the truth."""
    truth, made = open_avatar(str(folder / TRUTH)), open_avatar(str(captured / "avatar.npz"))
    record = json.loads((captured / "evaluation.json").read_text(encoding="utf-8"))
    true_motion, made_motion = (
        load_motion(path, expressions=truth.head.expressions, fps=FPS)
        for path in (folder / "motion.npz", captured / "motion.npz")
    )
    print(
        f"shape: {shape_error(truth, made):.2f} mm from the true face on average, point by point, and "
        f"{surface_error(truth, made):.2f} mm from its surface, at its best size and place"
    )
    filmed = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    camera = Camera(np.array(filmed["view"]), np.array(filmed["K"]), WIDTH, HEIGHT)
    shown = cropped(camera, record)
    rows = record["held_out_frames"][::4]
    for degrees in ANGLES:
        found, shares = [], np.zeros(len(PARTS))
        for row in rows:
            moment = slice(row, row + 1)
            theirs, ours, view = pair_from(truth, true_motion[moment], made, made_motion[moment], shown, degrees)
            found.append(psnr(theirs, ours))
            where = parts(truth.head, true_motion[moment], view)
            lost = np.square(theirs.astype(np.float64) - ours).mean(axis=2)
            shares += [lost[where == part].sum() / lost.sum() / len(rows) for part in range(len(PARTS))]
        split = ", ".join(f"{name} {100 * share:.0f} %" for name, share in zip(PARTS, shares, strict=True))
        print(
            f"{degrees:+d} degrees: {np.mean(found):.2f} dB, of the error {split} ({len(rows)} moments not trained on)"
        )
    check = AvatarCheck(made, open_rasterizer("cpu"), poses=poses, seed=0).run()
    print("\n".join(check.lines()))
    print(f"training: {record['minutes_of_training']} min for {record['iterations']} pictures")


def solve(folder: Path) -> None:
    """Hold focal length and face, solved from landmarks alone and with the skin's own motion, against the truth."""
    truth, film = open_avatar(str(folder / TRUTH)), folder / FILM
    K = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["K"]
    with open_tracker() as finder:
        faces = faces_of(film, pictures(film), finder)
    for name, greys in (("landmarks", None), ("with the skin", lambda rows: grey_pictures(pictures(film), rows))):
        began = time.process_time()
        found = solve_film(faces, builtin_head(), greys=greys)
        took = time.process_time() - began
        made = replace(truth, head=found.head)
        print(
            f"{name}: focal length {100 * (found.numbers['focal_px'] / K[0][0] - 1):+.1f} %, "
            f"face {shape_error(truth, made):.2f} mm point by point, {surface_error(truth, made):.2f} mm from the "
            f"surface, {took:.0f} s of processor time"
        )
    bounds(folder, truth, found)


def bounds(folder: Path, truth: Avatar, found: Solution) -> None:
    """What a perfect training would make of a solution, and with the true skull, or the true head, instead of it."""
    motion = load_motion(folder / "motion.npz", expressions=truth.head.expressions, fps=FPS)
    record = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    camera = Camera(np.array(record["view"]), np.array(record["K"]), WIDTH, HEIGHT)
    moments = np.linspace(0, len(motion) - 1, MOMENTS + 2).round().astype(int)[1:-1]
    for name, head in (("solved", found.head), *true_parts(truth.head, found.head)):
        made = replace(truth, head=head)
        lost = np.zeros(len(PARTS) + 1)
        for degrees in (angle for angle in ANGLES if angle):
            for row in moments:
                true_still, still = motion[row : row + 1], found.motion[row : row + 1]
                theirs, ours, view = pair_from(truth, true_still, made, still, camera, degrees)
                square = np.square((theirs.astype(np.float64) - ours) / 255).mean(axis=2)
                where = parts(truth.head, true_still, view)
                each = [square[where == part].sum() / square.size for part in range(len(PARTS))]
                lost += np.array([square.mean(), *each]) / (len(moments) * (len(ANGLES) - 1))
        split = ", ".join(f"{part} {1e4 * share:.0f}" for part, share in zip(PARTS, lost[1:], strict=True))
        print(f"true Gaussians, {name}: {-10 * np.log10(lost[0]):.1f} dB from the sides; in 1/10,000: {split}")


def true_parts(truth: HeadModel, solved: HeadModel) -> list[tuple[str, HeadModel]]:
    """The solved head with the true skull, and the true head with its own face, laid on the solved face."""
    from scipy.spatial import KDTree

    skin = face(truth)
    scale, turn, move = similarity(
        truth.v_template[skin].astype(np.float64), solved.v_template[skin].astype(np.float64)
    )
    laid = scale * truth.v_template @ turn.T + move
    beside = smoothstep(KDTree(laid[skin]).query(laid)[0] / BLEND)[:, None] * (1 - truth.weights[:, :1])
    skull = beside * laid + (1 - beside) * solved.v_template
    joints = (scale * truth.joints @ turn.T + move).astype(np.float32)
    return [
        ("with the true skull", replace(solved, v_template=skull.astype(np.float32))),
        ("on the true head", replace(solved, v_template=laid.astype(np.float32), joints=joints)),
    ]


def face(head: HeadModel) -> NDArray[np.int32]:
    """The vertices of the face's front."""
    skin = head.regions["skin"]
    return skin[(head.v_template[skin, 2] > 0.03) & (head.v_template[skin, 1] > -0.06)]


def shape_error(truth: Avatar, made: Avatar) -> float:
    """Mean distance of the face's vertices, mm, after moving, turning and scaling."""
    skin = face(truth.head)
    a, b = (person.head.v_template[skin].astype(np.float64) for person in (made, truth))
    scale, turn, move = similarity(a, b)
    return 1000 * float(np.linalg.norm(scale * a @ turn.T + move - b, axis=1).mean())


def surface_error(truth: Avatar, made: Avatar) -> float:
    """Mean distance, mm, of the true face's vertices from the made surface, however it slid along it: how scans and
    fits are compared (NoW: Sanyal et al. 2019), by closest points (Besl & McKay 1992).
    """
    from scipy.spatial import KDTree

    skin = face(truth.head)
    places = made.head.v_template.astype(np.float64)
    triangles = places[made.head.faces[np.isin(made.head.faces, made.head.regions["skin"]).all(axis=1)]]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    corners = np.concatenate([np.eye(3), 0.5 - 0.5 * np.eye(3), 0.2 + 0.4 * np.eye(3), np.full((1, 3), 1 / 3)])
    surface, away = np.concatenate(np.einsum("kc,fca->kfa", corners, triangles)), np.tile(normals, (len(corners), 1))
    tree, points = KDTree(surface), truth.head.v_template[skin].astype(np.float64)
    scale, turn, move = similarity(points, places[skin])
    for _ in range(CLOSEST):
        index = tree.query(scale * points @ turn.T + move)[1]
        scale, turn, move = similarity(points, surface[index])
    moved = scale * points @ turn.T + move
    index = tree.query(moved)[1]
    off = np.abs(((moved - surface[index]) * away[index]).sum(axis=1))
    return 1000 * float(off.mean()) / scale


def similarity(a: F64, b: F64) -> tuple[float, F64, F64]:
    """Scale, rotation [3, 3] and translation [3] that carry points a [N, 3] next to b (Umeyama 1991)."""
    p, q = a - a.mean(axis=0), b - b.mean(axis=0)
    left, sizes, right = np.linalg.svd(q.T @ p)
    flip = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    turn = left @ np.diag(flip) @ right
    scale = float((sizes * flip).sum() / (p**2).sum())
    return scale, turn, b.mean(axis=0) - scale * turn @ a.mean(axis=0)


def cropped(camera: Camera, record: dict[str, Any]) -> Camera:
    """The true camera, for the part of the film and with the pixels that the capture learned from."""
    crop, K = record["camera"], camera.K.copy()
    scale = np.array(crop["K"])[0, 0] / record["focal_of_film"]
    K[:2] *= scale
    K[:2, 2] -= np.array([crop["x"], crop["y"]]) * scale
    return Camera(camera.view, K, crop["width"], crop["height"])


def parts(head: HeadModel, still: Motion, camera: Camera) -> NDArray[np.int64]:
    """Which of `PARTS` each pixel [H, W] shows of a head, or is nearest to."""
    from scipy.ndimage import distance_transform_edt

    vertices = Poser(head).vertices(still)[0].astype(np.float64)
    pixels, depth = camera.project(vertices)
    triangle, _, _ = covered(
        pixels.astype(np.float64), depth.astype(np.float64), head.faces, camera.height, camera.width
    )
    kind = np.ones(len(vertices), np.int64)
    kind[face(head)] = 0
    kind[head.weights[:, 0] > 0.5] = 2
    row, column = np.asarray(distance_transform_edt(triangle < 0, return_distances=False, return_indices=True))
    return np.median(kind[head.faces], axis=1).astype(np.int64)[triangle[row, column]]


def pair_from(
    truth: Avatar, true_still: Motion, made: Avatar, still: Motion, camera: Camera, degrees: float
) -> tuple[U8, U8, Camera]:
    """A moment of both as one camera sees them, carried by so many degrees around the true head, and that camera.

    One film cannot tell size and distance apart, so the made head is first moved, turned and scaled onto the true one.
    """
    skin = face(truth.head)
    true_face, made_face = (
        Poser(person.head).vertices(moment)[0, skin].astype(np.float64)
        for person, moment in ((truth, true_still), (made, still))
    )
    turn, there, back = np.eye(4), np.eye(4), np.eye(4)
    middle = true_face.mean(axis=0)
    turn[:3, :3] = rotation_matrices(np.array([0, -np.radians(degrees), 0], np.float32))
    there[:3, 3], back[:3, 3] = middle, -middle
    view = camera.view @ there @ turn @ back
    scale, rotation, move = similarity(made_face, true_face)
    theirs = np.eye(4)
    theirs[:3, :3] = view[:3, :3] @ rotation
    theirs[:3, 3] = (view[:3, :3] @ move + view[:3, 3]) / scale
    drawn = []
    for person, moment, seen in ((truth, true_still, view), (made, still, theirs)):
        ((rgb, _),) = draw(person, moment, Camera(seen, camera.K, camera.width, camera.height))
        drawn.append(rgb)
    return drawn[0], drawn[1], Camera(view, camera.K, camera.width, camera.height)


def psnr(a: U8, b: U8) -> float:
    """Decibels."""
    return float(-10 * np.log10(np.square(a.astype(np.float64) - b).mean() / 255**2 + 1e-12))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("captured", type=Path, nargs="?")
    parser.add_argument("--make", type=Path, help="write the film here, and stop")
    parser.add_argument("--person", default="person2", help="the built-in person that is changed")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--distance", type=float, default=DISTANCE, help="metres from the phone to the head")
    parser.add_argument("--lens", type=float, default=LENS, help="focal length of the phone, of the picture's height")
    parser.add_argument("--solve", action="store_true", help="hold what is solved against the truth, train nothing")
    parser.add_argument("--poses", type=int, default=100, help="in which faults of the avatar are looked for")
    options = parser.parse_args()
    if options.make:
        make(options.make, options.person, options.seed, phone(options.distance, options.lens))
    elif options.folder and options.solve:
        solve(options.folder)
    elif options.folder and options.captured:
        measure(options.folder, options.captured, options.poses)
    else:
        parser.error("expected FOLDER and CAPTURED, FOLDER --solve, or --make FOLDER")


if __name__ == "__main__":
    main()
