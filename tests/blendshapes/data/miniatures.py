"""Generated miniature copies of every data set's layout: true names and shapes, synthetic content."""

import struct
import wave
from pathlib import Path

import numpy as np

from emosplat.avatars.head import ExpressionTable, HeadModel

from ...avatars.python2 import python2_pickle

V = 5023
BIWI_V = 23370


def write_wav(path: Path, seconds: float, rate: int = 16_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(int(seconds * rate)) / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((tone * 32767).astype("<i2").tobytes())


def write_ply(path: Path, vertices: np.ndarray, *, kind: str = "binary_little_endian") -> None:
    """A mesh with a normal, a colour and one face, so that there is something to skip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = [
        "ply",
        f"format {kind} 1.0",
        "comment synthetic",
        f"element vertex {len(vertices)}",
        *(f"property float {axis}" for axis in "xyz"),
        "property float nx",
        "property uchar red",
        "element face 1",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    if kind == "ascii":
        rows = "".join(f"{x:.9g} {y:.9g} {z:.9g} 0.5 7\n" for x, y, z in vertices)
        body = (rows + "3 0 1 2\n").encode()
    else:
        order = "<" if kind == "binary_little_endian" else ">"
        rows = np.zeros(len(vertices), [("p", order + "f4", 3), ("n", order + "f4"), ("c", "u1")])
        rows["p"] = vertices
        body = rows.tobytes() + struct.pack(f"{order}Biii", 3, 0, 1, 2)
    path.write_bytes("\n".join(header).encode() + body)


def template(seed: int = 0, vertices: int = V) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal((vertices, 3))


def write_pickle(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(python2_pickle(value))


VOCA_SPEAKERS = ("FaceTalk_170728_03272_TA", "FaceTalk_170811_03275_TA", "FaceTalk_170809_00138_TA")  # train, val, test
FRAMES = 4


def write_vocaset(folder: Path) -> np.ndarray:
    """As distributed: two sentences of three speakers; one has a gap and one has no sound. Returns all frames."""
    folder.mkdir(parents=True, exist_ok=True)
    index, sound, row = {}, {}, 0
    for subject in VOCA_SPEAKERS:
        index[subject], sound[subject] = {}, {}
        for name in ("sentence01", "sentence21"):
            index[subject][name] = {frame: row + frame for frame in range(FRAMES)}
            sound[subject][name] = {"audio": np.full(2200, 1000, "<i2"), "sample_rate": 22_000}
            row += FRAMES
    index[VOCA_SPEAKERS[0]]["sentence02"] = {0: 0, 2: 1}
    index[VOCA_SPEAKERS[0]]["sentence03"] = {0: 0, 1: 1}
    verts = np.random.default_rng(1).standard_normal((row, V, 3)).astype(np.float32)
    np.save(folder / "data_verts.npy", verts)
    write_pickle(folder / "subj_seq_to_idx.pkl", index)
    write_pickle(folder / "raw_audio_fixed.pkl", sound)
    write_pickle(folder / "templates.pkl", {s: template(i) for i, s in enumerate(VOCA_SPEAKERS)})
    return verts


def write_prepared_vocaset(folder: Path) -> None:
    """As FaceFormer prepares it."""
    write_pickle(folder / "templates.pkl", {s: template(i) for i, s in enumerate(VOCA_SPEAKERS)})
    (folder / "vertices_npy").mkdir()
    for subject in VOCA_SPEAKERS:
        stem = f"{subject}_sentence21"
        np.save(folder / "vertices_npy" / f"{stem}.npy", np.ones((FRAMES, 3 * V), np.float32))
        write_wav(folder / "wav" / f"{stem}.wav", FRAMES / 60, 22_000)
    np.save(folder / "vertices_npy" / "notes.npy", np.ones((FRAMES, 3 * V), np.float32))


def write_biwi(folder: Path) -> None:
    write_pickle(folder / "templates.pkl", {s: template(i, BIWI_V) for i, s in enumerate(("F2", "F1"))})
    (folder / "vertices_npy").mkdir()
    for stem in ("F2_e01", "F2_e33", "F2_e37", "F1_e01", "F1_e40", "F2_01"):
        np.save(folder / "vertices_npy" / f"{stem}.npy", np.ones((2, 3 * BIWI_V), np.float32))
        write_wav(folder / "wav" / f"{stem}.wav", 0.1)


FLORENCE = {"COMA_CH02": ("Happy", "Sad1", "Ill"), "COMA_CH04": ("Irritated1",), "FLO_17": ("Smile2",)}
FLORENCE_CURVE = np.array([0, 0.5, 1, 0.5, 0])


def write_florence4d(folder: Path) -> None:
    """Rises to the third of five frames and falls back; numbers without leading zeros; one folder without frames."""
    for seed, (actor, expressions) in enumerate(FLORENCE.items()):
        neutral = template(seed)
        for n, expression in enumerate(expressions):
            change = 0.01 * template(100 + n)
            for frame, share in enumerate(FLORENCE_CURVE):
                name = f"{expression}_{8 + frame}.ply"  # 8, 9, 10, 11, 12: sorted as numbers, not as texts
                write_ply(folder / actor / expression / name, neutral + share * change)
    (folder / "COMA_CH02" / "textures").mkdir()


def write_emovoca(folder: Path) -> None:
    write_pickle(folder / "templates.pkl", {s: template(i) for i, s in enumerate(VOCA_SPEAKERS)})
    (folder / "sequences").mkdir()
    for subject, ending in zip(VOCA_SPEAKERS, ("Irritated1_1", "Smile2_3", "Ill_2"), strict=True):
        stem = f"{subject}_sentence21_{ending}"
        np.save(folder / "sequences" / f"{stem}.npy", np.ones((FRAMES, V, 3)))
        write_wav(folder / "wav" / f"{stem}.wav", FRAMES / 60)


def write_beat2(folder: Path, expressions: int) -> None:
    (folder / "smplxflame_30").mkdir(parents=True)
    stems = ("2_scott_0_1_1", "2_scott_0_2_2", "3_solomon_0_1_1")
    for stem in stems:
        poses = np.zeros((FRAMES, 165))
        poses[:, 66] = 0.2  # the jaw opens
        poses[:, 0] = 1.0  # the body turns: of no interest
        arrays = {"poses": poses, "expressions": np.ones((FRAMES, expressions)), "betas": np.ones(300)}
        np.savez(folder / "smplxflame_30" / f"{stem}.npz", **arrays, gender=np.array("neutral"))
        write_wav(folder / "wave16k" / f"{stem}.wav", 0.1)
    rows = "".join(f"{stem},{part}\n" for stem, part in zip(stems, ("train", "additional", "test"), strict=True))
    (folder / "train_test_split.csv").write_text("id,type\n" + rows)


def write_voca_fits(folder: Path, expressions: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pose = np.zeros((FRAMES, 15))
    pose[:, 6] = np.linspace(0, 0.3, FRAMES)
    fit = {"shape": np.array([0.5, -0.5]), "pose": pose, "expression": np.ones((FRAMES, expressions))}
    for subject in VOCA_SPEAKERS:
        np.save(folder / f"{subject}_sentence21.npy", fit, allow_pickle=True)  # pyright: ignore[reportArgumentType]


def flame_head(expressions: int = 3, identities: int = 2) -> HeadModel:
    """A head with FLAME's number of vertices and synthetic modes."""
    rng = np.random.default_rng(7)

    def normal(*shape: int) -> np.ndarray:
        return (0.01 * rng.standard_normal(shape)).astype(np.float32)

    points = template(9).astype(np.float32)
    weights = rng.random((V, 5)).astype(np.float32)
    regressor = rng.random((5, V)).astype(np.float32)
    regressor /= regressor.sum(axis=1, keepdims=True)
    table = ExpressionTable.empty(expressions)
    return HeadModel(
        version="synthetic-flame",
        v_template=points,
        faces=np.array([[0, 1, 2]], np.int32),
        shapedirs=normal(V, 3, identities),
        exprdirs=normal(V, 3, expressions),
        posedirs=np.zeros((V, 3, 36), np.float32),
        weights=weights / weights.sum(axis=1, keepdims=True),
        joints=regressor @ points,
        J_regressor=regressor,
        arkit=table,
        emotions=table,
        visemes=table,
        regions={"lips": np.arange(10, dtype=np.int32)},
        lip_pairs=np.array([[0, 1]], np.int32),
        mouth_corners=np.array([2, 3], np.int32),
    )
