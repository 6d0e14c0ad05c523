"""Read a FLAME model as it is downloaded: pickles of Python 2 and 3, with chumpy and scipy objects inside, or npz."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.npz import NpzFields
from .flame import EXPRESSIONS, FACES, SHAPES, VERTICES, FlameArrays
from .head import JAW, JOINTS, PARENTS, fingerprint
from .pickles import StandIn, read_pickle

F32 = NDArray[np.float32]

CHUMPY = ("chumpy Ch", "chumpy.ch Ch", "chumpy.reordering Select", "chumpy.reordering Reshape")
SPARSE = tuple(
    f"scipy.sparse.{module} {order}_{kind}"
    for order in ("csc", "csr")
    for module in (order, f"_{order}")
    for kind in ("matrix", "array")
)
NESTING = 4  # chumpy objects inside chumpy objects

MODES = SHAPES + EXPRESSIONS
SHAPE_OF = {
    "v_template": (VERTICES, 3),
    "f": (FACES, 3),
    "shapedirs": (VERTICES, 3, MODES),
    "posedirs": (VERTICES, 3, 36),
    "weights": (VERTICES, 5),
    "J_regressor": (5, VERTICES),
    "kintree_table": (2, 5),
}
SIZE = 0.15, 0.8  # metres: the tallest extent of a head with neck
LARGEST_MODE = 0.5  # metres that a mode at 1 may move a vertex
STILL = 1e-7  # metres
FRONT_ONLY = 0.1  # share of vertices that no expression moves, from which on the model is FLAME 2019's kind
LEAST_JAW = 0.5  # largest skinning weight of the jaw joint, at least

TERMS = "flame.is.tue.mpg.de/modellicense.html"
OPEN_LICENCE = f"CC BY 4.0, name its authors (Li, Bolkart, Black, Li, Romero 2017); further limits of use at {TERMS}"
LICENCE = f"non-commercial research only, not to be passed on; terms at {TERMS}"


@dataclass(frozen=True, eq=False)
class FlameModel:
    """A FLAME model as downloaded."""

    arrays: FlameArrays
    family: str  # flame2019, flame2020, flame2023, flame2023-open, flame2023-no-jaw or flame
    fingerprint: str  # of the arrays, so that two models are never taken for one another

    @property
    def version(self) -> str:
        """What heads and avatars of this model are marked with."""
        return f"{self.family}-{self.fingerprint}"

    @property
    def licence(self) -> str:
        """What its licence allows, in one line."""
        return OPEN_LICENCE if self.family == "flame2023-open" else LICENCE


def read_flame(path: Path) -> FlameModel:
    """Read `generic_model.pkl`, `flame2023.pkl`, `flame2023_Open.pkl` or the like; raises InputError."""
    raw = _npz(path) if path.suffix.lower() == ".npz" else _pickle(path)
    arrays = _checked(raw, path)
    family = _family(arrays, path)
    if family == "flame2023-no-jaw" or arrays.weights[:, JAW].max() < LEAST_JAW:
        raise InputError(
            f"{path}: expected a FLAME model whose jaw is a joint, found {family}; take flame2023.pkl instead"
        )
    return FlameModel(arrays, family, fingerprint(arrays))


def _npz(path: Path) -> dict[str, NDArray[Any]]:
    found = NpzFields(path)
    return {name: found.get(name, shape, "f") for name, shape in SHAPE_OF.items()}


def _pickle(path: Path) -> dict[str, NDArray[Any]]:
    found = read_pickle(path, classes=(*CHUMPY, *SPARSE))
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected a FLAME model (a dict of arrays), found a {type(found).__name__}")
    raw: dict[str, NDArray[Any]] = {}
    for name, shape in SHAPE_OF.items():
        if name not in found:
            raise InputError(f"{path}: {name}: expected an array {list(shape)}, found only {_listed(found)}")
        try:
            raw[name] = _array(found[name])
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise InputError(f"{path}: {name}: expected an array {list(shape)}, found {error}") from error
    return raw


def _listed(found: dict[Any, Any]) -> str:
    return ", ".join(sorted(str(key)[:30] for key in found)[:12]) or "nothing"


def _array(value: Any, depth: int = NESTING) -> NDArray[Any]:
    """The array that a numpy array, a chumpy object or a sparse matrix of scipy holds."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        return value
    if not isinstance(value, StandIn) or not depth:
        raise ValueError(f"a {type(value).__name__}")
    state = value.state
    if value.kind in SPARSE:
        return _dense(state, by_column="csc" in value.kind)
    if "x" in state:  # a chumpy leaf
        return _array(state["x"], depth - 1)
    inner = _array(state["a"], depth - 1)  # chumpy's Select and Reshape
    if "idxs" in state:
        inner = inner.ravel()[_array(state["idxs"]).ravel()]
    return inner.reshape(state["preferred_shape" if "idxs" in state else "newshape"])


def _dense(state: dict[str, Any], *, by_column: bool) -> F32:
    """The joint regressor [5, V] from scipy's compressed columns or rows."""
    data, indices, starts = (_array(state[name]) for name in ("data", "indices", "indptr"))
    shape = tuple(int(n) for n in state.get("_shape", state.get("shape", ())))
    lines = VERTICES if by_column else len(JOINTS)
    counts = np.diff(starts.astype(np.int64))
    others = len(JOINTS) if by_column else VERTICES
    if shape != SHAPE_OF["J_regressor"] or len(counts) != lines or counts.min() < 0 or starts[0] != 0:
        raise ValueError(f"a sparse matrix {list(shape)}")
    if not (counts.sum() == len(data) == len(indices) and indices.min() >= 0 and indices.max() < others):
        raise ValueError("a sparse matrix with wrong indices")
    line = np.repeat(np.arange(lines), counts)
    dense = np.zeros(shape, np.float32)
    np.add.at(dense, (indices, line) if by_column else (line, indices), data)
    return dense


def _checked(raw: dict[str, NDArray[Any]], path: Path) -> FlameArrays:
    """The arrays with shapes and ranges checked."""

    def expect(name: str, wanted: str, holds: bool, found: object) -> None:
        if not holds:
            raise InputError(f"{path}: {name}: expected {wanted}, found {found}")

    for name, shape in SHAPE_OF.items():
        found = raw[name]
        expect(name, f"an array {list(shape)}", found.shape == shape, f"{list(found.shape)}")
        expect(name, "finite numbers", bool(np.isfinite(found).all()), "NaN or infinity")
    height = float(np.ptp(raw["v_template"], axis=0).max())
    expect("v_template", f"a head of {SIZE[0]} to {SIZE[1]} m", SIZE[0] <= height <= SIZE[1], f"{height:.3g} m")
    faces = raw["f"]
    expect(
        "f", f"vertices 0..{VERTICES - 1}", faces.min() >= 0 and faces.max() < VERTICES, f"{faces.min()}..{faces.max()}"
    )
    parents = raw["kintree_table"][0].astype(np.int64)
    expect("kintree_table", f"the parents {list(PARENTS)}", tuple(parents[1:]) == PARENTS[1:], parents.tolist())
    for name, axis in (("weights", 1), ("J_regressor", 1)):
        sums = raw[name].sum(axis=axis)
        expect(name, "rows that sum to 1", bool(np.abs(sums - 1).max() < 0.01), f"{sums.min():.3g}..{sums.max():.3g}")
    expect("weights", "no negative weight", raw["weights"].min() >= -1e-6, f"{raw['weights'].min():.3g}")
    for name in ("shapedirs", "posedirs"):
        largest = float(np.abs(raw[name]).max())
        expect(name, f"motion below {LARGEST_MODE} m", largest < LARGEST_MODE, f"{largest:.3g} m")
    weights = np.maximum(raw["weights"], 0)
    modes = raw["shapedirs"].astype(np.float32)
    return FlameArrays(
        v_template=raw["v_template"].astype(np.float32),
        faces=faces.astype(np.int32),
        shapedirs=np.ascontiguousarray(modes[:, :, :SHAPES]),
        exprdirs=np.ascontiguousarray(modes[:, :, SHAPES:]),
        posedirs=raw["posedirs"].astype(np.float32),
        weights=(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
        J_regressor=raw["J_regressor"].astype(np.float32),
    )


def _family(arrays: FlameArrays, path: Path) -> str:
    """Which FLAME it is, by the name of the file and by what its expressions move.

    The models do not say their year. FLAME 2019 moves only the front of the face, 2020 and later every vertex.
    """
    name = re.sub(r"[\W_]", "", path.stem.lower())
    if "2023" in name:
        kinds = {"nojaw": "flame2023-no-jaw", "open": "flame2023-open"}
        return next((family for part, family in kinds.items() if part in name), "flame2023")
    moved = np.abs(arrays.exprdirs).max(axis=(1, 2)) > STILL
    if (~moved).mean() > FRONT_ONLY:
        return "flame2019"
    return "flame2020" if name.startswith(("genericmodel", "flame2020", "flameneutral", "male", "female")) else "flame"
