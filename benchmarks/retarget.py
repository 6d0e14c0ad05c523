"""How much of a face's motion arrives on another head, and comes back: `python benchmarks/retarget.py`.

The other heads: one in FLAME's layout whose truth is known (tests/avatars/flame_like.py), whose expressions span all of
ours or only half of them, and the built-in head with fewer vertices.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emosplat.avatars.flame_head import bare_flame_head
from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.avatars.registration import register, seen_eye_area
from emosplat.avatars.retarget import Retargeter, with_expressions
from emosplat.blendshapes.solve.articulation import LipGap
from emosplat.pipeline.avatar.poses import plausible_poses

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.avatars.flame_like import flame_like
from tests.pipeline.avatar.test_second_topology import decimated

HEAD = builtin_head()
POSES, SEED = 60, 7
MOUTH = 0.02  # metres around the lips


def main() -> None:
    """Print one line per head."""
    motion = plausible_poses(HEAD, POSES, seed=SEED).motion
    still = {n: np.zeros_like(getattr(motion, n)) for n in ("neck", "eyes", "rotation", "translation")}
    motion = replace(motion, **still)
    print("| other head | registration, s | motion, ms/frame | there and back, mm: mean, 95 % | motion itself, mm |"
          " opening there, and back | lips at /p b m/, mm | eye seen in a blink |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for seed, modes in ((3, 76), (3, 38), (4, 76)):
        like = flame_like(seed, modes=modes)
        target = bare_flame_head(like.arrays, f"flame-like-{modes}")
        upper, lower = like.origin[target.lip_pairs[len(target.lip_pairs) // 2]]
        moved = Poser(HEAD).vertices(motion)[..., 1] - HEAD.v_template[:, 1]
        print(f"| FLAME-like {seed}, {modes} of our 76 modes | {_line(target, moved @ (upper - lower), motion)} |")
    print(f"| ours with fewer vertices | {_line(decimated(HEAD), _opening(HEAD, motion), motion)} |")


def _line(target: HeadModel, opening: NDArray[np.float64], motion: Motion) -> str:
    """Measures of one head; `opening` [T] is what its lips should open by on the midline, metres."""
    started = time.process_time()
    registration = register(HEAD, target)
    registered = time.process_time() - started
    head = with_expressions(target, HEAD, registration)
    started = time.process_time()
    there = Retargeter(HEAD, head, registration.forward).motion(motion)
    each = (time.process_time() - started) / len(motion)
    back = Retargeter(head, HEAD, registration.backward).motion(there)
    face = _mouth_region()
    before, after = Poser(HEAD).vertices(motion)[:, face], Poser(HEAD).vertices(back)[:, face]
    error = 1000 * np.linalg.norm(before - after, axis=2)
    moved = 1000 * np.linalg.norm(before - HEAD.v_template[face], axis=2)
    opened = np.polyfit(opening, _opening(head, there), 1)[0]
    returned = np.polyfit(_opening(HEAD, motion), _opening(HEAD, back), 1)[0]
    sealed = plausible_poses(head, POSES, seed=SEED)
    gap = LipGap(head)(sealed.motion.expr.astype(float), sealed.motion.jaw[:, 0].astype(float))[sealed.sealed]
    cells = (
        f"{registered:.1f}",
        f"{1000 * each:.1f}",
        f"{error.mean():.2f}, {np.percentile(error, 95):.2f}",
        f"{moved.mean():.2f}",
        f"{opened:.3f}, {returned:.3f}",
        f"at most {1000 * gap.max():.2f}",
        f"{_blink(head):.0%}",
    )
    return " | ".join(cells)


def _mouth_region() -> NDArray[np.integer]:
    from scipy.spatial import KDTree

    outside = np.setdiff1d(HEAD.regions["skin"], HEAD.regions["mouth_bag"])
    return outside[KDTree(HEAD.v_template[HEAD.regions["lips"]]).query(HEAD.v_template[outside])[0] < MOUTH]


def _opening(head: HeadModel, motion: Motion) -> NDArray[np.float64]:
    """Gap between the lips on the midline [T], metres."""
    gap = LipGap(head)(motion.expr.astype(np.float64), motion.jaw[:, 0].astype(np.float64))
    return gap[:, len(head.lip_pairs) // 2]


def _blink(head: HeadModel) -> float:
    """Share of the eyeballs that is still seen in a full blink."""
    rows = [head.arkit.rows(f"eyeBlink{side}")[0] for side in ("Left", "Right")]
    shut = replace(head, v_template=head.v_template + head.exprdirs @ head.arkit.expr[rows].sum(axis=0))
    seen = [sum(seen_eye_area(h, eye) for eye in ("left_eye", "right_eye")) for h in (shut, head)]
    return seen[0] / seen[1]


if __name__ == "__main__":
    main()
