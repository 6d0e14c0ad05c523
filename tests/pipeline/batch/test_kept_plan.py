"""A plan that is kept: it equals a fresh one, and whatever a fresh one would see, it sees."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.acting.style_files import LearnedStyle, save_style
from emosplat.blendshapes.bundle import SPEECH
from emosplat.blendshapes.score import Style
from emosplat.blendshapes.speech.encoder import BUILT_IN
from emosplat.core.errors import InputError
from emosplat.pipeline.batch import kept_plan
from emosplat.pipeline.batch.answers import Answers
from emosplat.pipeline.batch.arrow_files import SEAL, read_sealed
from emosplat.pipeline.batch.drafts import BatchRequest, Draft, Drafting
from emosplat.pipeline.batch.item_list import ItemsMaker, Record
from emosplat.pipeline.batch.items import Parts
from emosplat.pipeline.batch.kept_plan import FILE, keep_plan, load_plan
from emosplat.pipeline.batch.places import LocalPlace, open_place
from emosplat.pipeline.batch.plan import Plan, make_plan
from emosplat.pipeline.settings import read_settings

Ask = Callable[..., BatchRequest]
ROWS = """audio,emotion,intensity,transcript,emotion_track,speaker,style
a.wav,angry,0.5,a.txt,,Zoë,
b.wav,,,,track.csv,ben,anna
sub\\c.wav,happy,,said aloud,,,
gone.wav,sad,,,,,
d.wav,nobody.mp4,,,,,
e.wav,sad,7,,,,
"""


@pytest.fixture
def request_of_rows(tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> BatchRequest:
    """A manifest with a bit of everything, and what it names."""
    monkeypatch.setenv("EMOSPLAT_HOME", str(tmp_path / "home"))
    for name in ("a.wav", "b.wav", "sub/c.wav", "d.wav"):
        made(tmp_path / "in" / name)
    (tmp_path / "in" / "a.txt").write_text("what a says")
    (tmp_path / "in" / "track.csv").write_text("time_s,sad\n0,1\n")
    (tmp_path / "in" / "list.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "home" / "styles").mkdir(parents=True)
    save_style(tmp_path / "home" / "styles" / "anna.style.json", LearnedStyle(Style("anna")))
    return ask(tmp_path / "in" / "list.csv", tmp_path / "out")


def kept(request: BatchRequest) -> Plan:
    """The plan as a second run reads it."""
    place = open_place(request.out)
    place.check_writable()
    keep_plan(load_plan(request), request, place)
    return load_plan(request)


def assert_equal(plan: Plan, fresh: Plan) -> None:
    assert list(plan.items) == list(fresh.items)
    assert list(plan.mine) == list(fresh.mine)
    assert (plan.items.extra, plan.skipped) == (fresh.items.extra, fresh.skipped)
    assert (plan.rules, plan.clips, plan.conditions) == (fresh.rules, fresh.clips, fresh.conditions)


def test_a_kept_plan_equals_a_fresh_one(request_of_rows: BatchRequest) -> None:
    plan = kept(request_of_rows)
    assert plan.kept
    assert len(plan.items) == 4
    assert len(plan.skipped) == 2
    assert_equal(plan, make_plan(request_of_rows))
    part = load_plan(replace(request_of_rows, shard="2/3", retry_failed=True, command="it"))
    assert part.kept
    assert_equal(part, make_plan(replace(request_of_rows, shard="2/3", retry_failed=True, command="it")))


def made(path: Path) -> None:
    """An empty file where there was none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(exist_ok=False)


CHANGES: dict[str, Callable[[Path], object]] = {
    "the manifest": lambda folder: (folder / "in/list.csv").write_text(ROWS.replace("angry", "fear"), encoding="utf-8"),
    "a recording appears elsewhere": lambda folder: made(folder / "in/clips/gone.wav"),
    "a recording vanishes": lambda folder: (folder / "in/sub/c.wav").unlink(),
    "a recording appears where it was sought first": lambda folder: made(folder / "in/sub\\c.wav"),
    "a transcript vanishes": lambda folder: (folder / "in/a.txt").unlink(),
    "a file is called like an emotion": lambda folder: made(folder / "in/happy"),
    "an example appears": lambda folder: made(folder / "in/nobody.mp4"),
    "a file is called like a style": lambda folder: made(folder / "in/anna"),
    "a style breaks": lambda folder: (folder / "home/styles/anna.style.json").write_text("{}"),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_a_fresh_plan_is_made(request_of_rows: BatchRequest, tmp_path: Path, change: str) -> None:
    assert kept(request_of_rows).kept
    CHANGES[change](tmp_path)
    after = load_plan(request_of_rows)
    assert not after.kept
    assert_equal(after, make_plan(request_of_rows))


def test_an_example_of_an_emotion_that_appears_where_one_stands_is_seen(
    tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`mine` is no emotion until there is a file of that name; the words of all rows are read as soon as planned."""
    monkeypatch.chdir(tmp_path)
    made(tmp_path / "in/a.wav")
    (tmp_path / "in/list.csv").write_text("audio,emotion\na.wav,mine\na.wav,sad\n")
    request = ask(tmp_path / "in/list.csv", tmp_path / "out")
    assert (len(kept(request).items), kept(request).kept) == (1, True)
    made(tmp_path / "mine")
    assert len(load_plan(request).items) == 2
    assert not load_plan(request).kept


def test_a_link_that_leads_out_is_seen(request_of_rows: BatchRequest, tmp_path: Path) -> None:
    request = replace(request_of_rows, name="sub/{id}")
    assert kept(request).kept
    (tmp_path / "out" / "sub").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leads out"):
        load_plan(request)


@pytest.mark.parametrize(
    "out", ["../a.mp4", "/a.mp4", "a/../../a.mp4", "a//b.mp4", ".a.mp4", "a\\b.mp4", "C:a.mp4", "link/a.mp4"]
)
def test_a_plan_whose_outputs_leave_the_folder_is_thrown_away(tmp_path: Path, ask: Ask, out: str) -> None:
    (tmp_path / "list.csv").write_text("audio\na.wav\n")
    request, place, maker = ask(tmp_path / "list.csv", tmp_path / "out"), LocalPlace(tmp_path / "out"), ItemsMaker()
    place.check_writable()
    (tmp_path / "out" / "link").symlink_to(tmp_path)
    plan = load_plan(request)
    for name in (out, "z.mp4"):
        maker.add(Parts("a", str(tmp_path / "a.wav"), name, plan.items.shared[0], {}, None, {}, "a.wav"))
    keep_plan(replace(plan, items=maker.items()), request, place)
    assert place.read(FILE) is not None
    assert_equal(load_plan(request), plan)


def test_shards_on_different_devices_are_of_one_batch(request_of_rows: BatchRequest) -> None:
    def digest(**settings: str) -> str:
        changed = read_settings(settings, base=request_of_rows.settings)
        return make_plan(replace(request_of_rows, settings=changed)).items.digest()

    assert digest(device="cpu") == digest(device="auto") != digest(size="80x64")


def test_other_options_are_another_plan(request_of_rows: BatchRequest) -> None:
    assert kept(request_of_rows).kept
    others = [replace(request_of_rows, **change) for change in ({"name": "x/{id}"}, {"format": "webm"})]
    for told in ({"seed": 1}, {"emotion": "happy"}, {"size": "80x64"}):
        others.append(replace(request_of_rows, settings=read_settings(told, base=request_of_rows.settings)))
    assert [load_plan(other).kept for other in others] == [False] * 5
    assert not load_plan(replace(request_of_rows, grid="emotion=sad")).kept


def test_another_version_or_folder_is_another_plan(
    request_of_rows: BatchRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept(request_of_rows).kept
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)  # which paths of options are relative to
        assert not load_plan(request_of_rows).kept
    monkeypatch.setattr(kept_plan, "__version__", "99")
    assert not load_plan(request_of_rows).kept


def test_weights_that_vanish_are_told(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "weights").mkdir()
    shutil.copyfile(BUILT_IN, tmp_path / "weights" / SPEECH)
    (tmp_path / "list.csv").write_text("audio,weights\na.wav,\nb.wav,weights\n")
    request = ask(tmp_path / "list.csv", tmp_path / "out")
    assert [item.id for item in kept(request).items] == ["a", "b"]
    shutil.rmtree(tmp_path / "weights")
    plan = load_plan(request)
    assert [item.id for item in plan.items] == ["a"]
    assert "expected a folder with" in plan.skipped[0].reason


def test_a_manifest_that_changes_meanwhile_is_not_kept(request_of_rows: BatchRequest) -> None:
    place = open_place(request_of_rows.out)
    place.check_writable()
    plan = load_plan(request_of_rows)
    Path(request_of_rows.source).write_text(ROWS + "b.wav,,,,,,\n", encoding="utf-8")
    keep_plan(plan, request_of_rows, place)
    assert place.read(FILE) is None


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("sealed")
    (folder / "list.csv").write_text("audio\na.wav\nb.wav\n")
    (folder / "a.wav").touch()
    request = BatchRequest(str(folder / "list.csv"), str(folder / "out"))
    assert kept(request).kept
    return (folder / "out" / FILE).read_bytes()


@given(place=st.floats(0, 1, exclude_max=True), sign=st.integers(1, 255))
def test_a_damaged_file_is_thrown_away(sealed: bytes, place: float, sign: int) -> None:
    assert read_sealed(sealed, Record._fields) is not None
    at = int(place * len(sealed))
    spoilt = bytearray(sealed)
    spoilt[at] ^= sign
    assert read_sealed(bytes(spoilt), Record._fields) is None
    assert read_sealed(sealed[:at], Record._fields) is None
    assert read_sealed(sealed, Record._fields[:-1]) is None


@given(st.binary(max_size=100))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    import hashlib

    assert read_sealed(data, Record._fields) is None
    assert read_sealed(data + hashlib.sha256(data).digest(), Record._fields) is None
    assert len(hashlib.sha256(data).digest()) == SEAL


def test_what_a_killed_run_left_of_a_plan_goes(request_of_rows: BatchRequest, tmp_path: Path) -> None:
    place = LocalPlace(tmp_path / "out")
    with place.staging(FILE, kept_plan.MAKER) as folder:
        left = folder
    left.mkdir(parents=True)
    (left / "plan.arrow").write_bytes(b"half")
    assert kept(request_of_rows).kept
    assert not left.exists()


@pytest.mark.parametrize("grows", [True, False])
def test_a_manifest_that_somebody_writes_to_is_planned_as_it_was(
    request_of_rows: BatchRequest, monkeypatch: pytest.MonkeyPatch, grows: bool
) -> None:
    request = replace(request_of_rows, name="{id}")
    path = Path(request.source)
    rows = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*rows, rows[1]]), "utf-8")  # two of a name, for which everything is looked through again
    fresh = make_plan(request)
    again = Drafting.again

    def meanwhile(drafting: Drafting) -> Iterator[Draft]:
        path.write_text("\n".join([*rows, *rows[1:2] * 3] if grows else rows[:-1]), "utf-8")
        return again(drafting)

    monkeypatch.setattr(Drafting, "again", meanwhile)
    if grows:
        assert_equal(make_plan(request), fresh)
    else:
        with pytest.raises(InputError, match=rf"{path.name}: expected \d+ items as a moment ago, found \d+"):
            make_plan(request)


def test_a_damaged_plan_is_made_again(request_of_rows: BatchRequest, tmp_path: Path) -> None:
    assert kept(request_of_rows).kept
    path = tmp_path / "out" / FILE
    path.write_bytes(path.read_bytes()[:-1])
    plan = load_plan(request_of_rows)
    assert not plan.kept
    assert_equal(plan, make_plan(request_of_rows))


def test_too_many_answers_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emosplat.pipeline.batch.answers.MOST", 2)
    asked: list[str | None] = []
    answers = Answers({"file": lambda name: asked.append(name) or True})
    for name in ("a", "b", "a", "b"):
        answers.of("file", name)
    assert asked == ["a", "b"]
    assert answers.complete
    answers.of("file", "c")
    answers.of("file", "c")
    assert asked == ["a", "b", "c", "c"]
    assert not answers.complete
