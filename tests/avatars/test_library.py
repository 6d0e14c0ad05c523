"""People by name: what is read of them is what they are, and damage in files of others is found."""

from pathlib import Path

import numpy as np
import pytest

from emosplat.avatars.avatar import save_avatar
from emosplat.avatars.library import builtin_avatars, find_avatar, open_avatar, open_person
from emosplat.core.errors import InputError


@pytest.mark.parametrize("name", [name for name in builtin_avatars() if name.endswith("-light")])
def test_a_person_is_the_head_of_their_avatar(name: str) -> None:
    person, whole = open_person(name), open_avatar(name).head
    for field in ("v_template", "joints", "exprdirs", "posedirs"):
        np.testing.assert_array_equal(getattr(person, field), getattr(whole, field))
    assert person.version == whole.version


def test_what_is_drawn_of_a_built_in_person_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr("emosplat.avatars.avatar._gaussians", never)
    assert len(open_person("person1").v_template)


def test_damage_in_the_gaussians_of_another_avatar_is_found(tmp_path: Path) -> None:
    save_avatar(tmp_path / "me.npz", open_avatar("person1-light"))
    with np.load(tmp_path / "me.npz") as file:
        arrays = dict(file)
    np.savez(tmp_path / "me.npz", **(arrays | {"means": arrays["means"][:, :2]}))
    with pytest.raises(InputError, match=r"me\.npz: means"):
        open_person(str(tmp_path / "me.npz"))
    with pytest.raises(InputError, match="did you mean person1"):
        open_person("persn1")
    assert find_avatar("person1").is_file()
