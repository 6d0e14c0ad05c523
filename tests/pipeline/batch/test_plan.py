"""Sources, conditions and names become items; everything wrong is said before anything runs."""

import json
import os
import re
import shutil
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emosplat.avatars.library import open_avatar
from emosplat.blendshapes.acting.style_files import LearnedStyle, save_style
from emosplat.blendshapes.bundle import SPEECH
from emosplat.blendshapes.score import Style
from emosplat.blendshapes.speech.encoder import BUILT_IN
from emosplat.blendshapes.speech.transcript import read_transcript
from emosplat.core.errors import InputError
from emosplat.pipeline.batch.grid import parse_grid
from emosplat.pipeline.batch.item_list import ItemsMaker
from emosplat.pipeline.batch.items import (
    UNTOLD,
    FileHashes,
    Item,
    Parts,
    Rules,
    item_key,
    item_seed,
    own_settings,
    shard_of,
)
from emosplat.pipeline.batch.many_names import alike, folders_too, touches
from emosplat.pipeline.batch.names import (
    LONGEST,
    collisions,
    fill_template,
    folded,
    leads_out,
    portable,
    relative_name,
    safe_part,
)
from emosplat.pipeline.batch.plan import BatchRequest, make_plan, parse_shard
from emosplat.pipeline.batch.sources import read_folder, read_manifest
from emosplat.pipeline.camera.path import save_camera
from emosplat.pipeline.camera.views import named_camera
from emosplat.pipeline.settings import ClipSettings, read_settings
from emosplat.pipeline.style.library import new_style

Ask = Callable[..., BatchRequest]


def small(source: Path, out: Path) -> BatchRequest:
    return BatchRequest(str(source), str(out), settings=read_settings({"size": "64x64", "device": "cpu"}))


def test_a_folder_mirrors_its_structure(tmp_path: Path, ask: Ask) -> None:
    for name in ("a.wav", "sub/b.flac", "sub/notes.txt", ".hidden/c.wav"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    plan = make_plan(ask(tmp_path / "in", tmp_path / "out"))
    assert [item.out for item in plan.items] == ["a.mp4", "sub/b.mp4"]
    assert [skip.name for skip in plan.skipped] == [".hidden", "sub/notes.txt"]
    assert [i.out for i in make_plan(ask(tmp_path / "in", tmp_path, glob="**/*.flac")).items] == ["sub/b.mp4"]


def test_grid_crosses_clips_with_conditions(clips: Path, tmp_path: Path, ask: Ask) -> None:
    grid = "avatar=person1,person2 emotion=angry,happy:0.5+sad:0.2 intensity=0.5,1"
    plan = make_plan(ask(clips, tmp_path, grid=grid))
    assert (plan.clips, plan.conditions, len(plan.items)) == (4, 8, 32)
    assert plan.items[0].out == "clip0_person1_angry_0.5.mp4"
    assert "clip3_person2_happy0.5-sad0.2_1.mp4" in {item.out for item in plan.items}
    assert [item.settings.avatar for item in plan.mine] == ["person1"] * 16 + ["person2"] * 16  # models change once
    assert len({item.settings.seed for item in plan.items}) == 4  # the conditions of a clip share its seed


def test_words_stand_in_quotes_in_a_grid(clips: Path, tmp_path: Path, ask: Ask) -> None:
    grid = """emotion='a little sad, then calm',"can't stop smiling + auto:0.5",happy intensity=0.5,1"""
    assert [c["emotion"] for c in parse_grid(grid)[::2]] == [
        "a little sad, then calm",
        "can't stop smiling + auto:0.5",
        "happy",
    ]
    names = {item.out for item in make_plan(ask(clips, tmp_path, grid=grid)).items}
    assert {"clip0_a-little-sad-then-calm_0.5.mp4", "clip0_happy_1.mp4"} <= names
    for open_quote in ("emotion='a", "emotion=,", "emotion='' "):
        with pytest.raises(InputError):
            make_plan(ask(clips, tmp_path, grid=open_quote))


def test_an_example_lies_beside_the_manifest_and_shapes_the_clip(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "her.csv").write_text("time_s,sad\n0,1\n", encoding="utf-8")
    rows = [{"audio": "a.wav", "emotion": "her.csv"}, {"audio": "b.wav", "emotion": "auto:0.5 + her.csv:0.5"}]
    source = write_manifest(tmp_path / "m.csv", rows)
    items = make_plan(ask(source, tmp_path / "o")).items
    assert [item.out for item in items] == ["a.mp4", "b.mp4"]
    assert [item.settings.emotion for item in items] == [
        str(tmp_path / "her.csv"),
        f"auto:0.5 + {tmp_path / 'her.csv'}:0.5",
    ]

    def keys() -> list[str]:
        return [item_key(item, Rules(), audio="x", track=None, files=FileHashes()) for item in items]

    before = keys()
    (tmp_path / "her.csv").write_text("time_s,sad\n0,0.5\n", encoding="utf-8")
    assert not set(before) & set(keys())
    wrong = write_manifest(tmp_path / "n.csv", [{"audio": "a.wav"}, {"audio": "b.wav", "emotion": "nobody.mp4"}])
    plan = make_plan(ask(wrong, tmp_path / "o"))
    assert [item.out for item in plan.items] == ["a.mp4"]


MANIFEST_ROWS = [
    {"id": "one", "audio": "clip0.wav", "emotion": "ANG", "intensity": "0.5", "seed": "7", "speaker": "anna"},
    {"id": "two", "audio": "clip1.wav", "avatar": "person2", "out": "deep/two.webm", "speaker": "ben"},
]


def write_manifest(path: Path, rows: list[dict[str, str]]) -> Path:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if path.suffix in (".csv", ".tsv"):
        mark = "," if path.suffix == ".csv" else "\t"
        path.write_text(
            "\n".join(mark.join(r) for r in [columns, *([row.get(c, "") for c in columns] for row in rows)]),
            encoding="utf-8",
        )
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({c: [row.get(c) for row in rows] for c in columns}), path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl", ".parquet"])
def test_manifests_of_all_kinds_say_the_same(tmp_path: Path, ask: Ask, suffix: str) -> None:
    manifest = write_manifest(tmp_path / f"list{suffix}", MANIFEST_ROWS)
    deep, one = make_plan(ask(manifest, tmp_path / "out")).items
    assert (one.id, one.settings.emotion, one.settings.intensity, one.settings.seed, one.out) == (
        "one",
        "angry",
        0.5,
        7,
        "one.mp4",
    )
    assert one.audio == str(tmp_path / "clip0.wav")
    assert (deep.settings.avatar, deep.settings.emotion, deep.settings.intensity, deep.out) == (
        "person2",
        "neutral",
        1.0,
        "deep/two.webm",
    )
    assert (one.extra["speaker"], deep.extra["speaker"]) == ("anna", "ben")


def test_weights_are_a_column_and_an_axis(tmp_path: Path, ask: Ask) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        shutil.copyfile(BUILT_IN, tmp_path / name / SPEECH)
    (tmp_path / "m.csv").write_text("audio,weights\na.wav,first\nb.wav,\n")
    first, plain = make_plan(ask(tmp_path / "m.csv", tmp_path / "out")).items
    assert (first.settings.weights, plain.settings.weights) == (tmp_path / "first", None)
    (default,) = make_plan(
        ask(write_manifest(tmp_path / "n.csv", [{"audio": "b.wav"}]), tmp_path, weights=first.settings.weights)
    ).items
    assert default.settings.weights == first.settings.weights
    grid = f"weights={tmp_path}/first,{tmp_path}/second"
    crossed = make_plan(ask(tmp_path / "m.csv", tmp_path / "out", grid=grid)).items
    assert [item.out for item in crossed] == ["a_first.mp4", "a_second.mp4", "b_first.mp4", "b_second.mp4"]
    (tmp_path / "m.csv").write_text("audio,weights\na.wav,third\n")
    with pytest.raises(InputError, match=r"line 2: .*third: expected a folder with speech\.safetensors"):
        make_plan(ask(tmp_path / "m.csv", tmp_path / "out"))


def test_names_of_other_tools_are_understood(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "m.jsonl").write_text('{"audio_filepath": "a/b.wav", "duration": 1.5, "text": "hi"}\n')
    (item,) = make_plan(ask(tmp_path / "m.jsonl", tmp_path / "out")).items
    assert item.id == "b"
    assert item.extra == {"duration": "1.5", "text": "hi"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("audio,emotion\na.wav,hapy\n", "line 2.*did you mean happy"),
        ("audio,intensity\na.wav,3\n", "line 2: intensity"),
        ("audio,seed\na.wav,-1\n", "line 2: seed"),
        ("id,emotion\nx,sad\n", "line 2: audio"),
        ("audio,avatar\na.wav,nobody\n", "line 2: unknown avatar"),
        ("audio,out\na.wav,../a.mp4\n", "line 2: output"),
        ("audio,out\na.wav,sub/C:a.mp4\n", "expected a path inside"),
        ("audio,out\na.wav,/etc/a.mp4\n", "line 2: output"),
        ("audio,out\na.wav,.emosplat/a.mp4\n", "begins with a dot"),
        ("audio,emotion,emotion_track\na.wav,sad,t.csv\n", "line 2: expected emotion or emotion_track"),
        ("audio\na.wav,b\n", "line 2: expected 1 cells, found 2"),
        ("audio,audio\na.wav,b\n", "different column names"),
        ("audio\n", "at least one clip"),
        ("", "at least one clip"),
    ],
)
def test_a_wrong_manifest_is_one_line(tmp_path: Path, ask: Ask, text: str, message: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        make_plan(ask(tmp_path / "list.csv", tmp_path / "out"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": "colour=red"}, "--grid"),
        ({"grid": "avatar"}, "--grid"),
        ({"grid": "emotion=a,a"}, "different values"),
        ({"grid": "intensity=2"}, "intensity"),
        ({"grid": "emotion=glad,zzz"}, "neutral"),
        ({"grid": "emotion=sad,happy", "name": "{id}"}, "written twice"),
        ({"name": "{id.__class__}"}, "--name"),
        ({"name": "{id:>9999}"}, "--name"),
        ({"name": "{nothing}"}, "--name"),
        ({"name": "../{id}"}, "inside"),
        ({"name": "{id"}, "--name"),
        ({"format": "gif"}, "--format"),
        ({"size": "63x64"}, "64x64"),
        ({"background": "transparent"}, "transparent"),
        ({"encoder": "nvenc", "format": "webm"}, "--encoder nvenc: makes .mp4, found .webm"),
        ({"camera": "behind"}, "--camera"),
        ({"head_motion": "wild"}, "--head-motion"),
        ({"shard": "3/2"}, "--shard"),
        ({"dataset": "imagenet"}, "ravdess"),
        ({"glob": "*.ogg"}, "none"),
        ({"device": "tpu"}, "--device"),
        ({"max_duration": -1.0}, "--max-duration"),
    ],
)
def test_wrong_words_are_one_line(
    clips: Path, tmp_path: Path, ask: Ask, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message) as error:
        make_plan(ask(clips, tmp_path / "out", **changes))
    assert "\n" not in str(error.value)


def test_a_symbolic_link_must_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path)
    assert leads_out(tmp_path / "out", "sub")
    assert not leads_out(tmp_path / "out", "other/sub")


def test_a_file_must_not_be_a_folder_too() -> None:
    names = [("a.mp4", "one"), ("a.mp4/b.mp4", "two"), ("c/d.mp4", "three"), ("C", "four"), ("e.mp4", "five")]
    found = collisions(names)
    assert list(found) == [1, 3]
    assert all("also a folder" in reason for reason in found.values())


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=120).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 240
)


@pytest.mark.slow
@settings(max_examples=25)
@given(
    stems=st.sets(NAMES, min_size=1, max_size=6),
    suffixes=st.sets(st.sampled_from([".wav", ".mp4", ".FLAC"]), min_size=1),
)
def test_whatever_recordings_are_called_each_is_rendered_or_reported(
    tmp_path_factory: pytest.TempPathFactory, stems: set[str], suffixes: set[str]
) -> None:
    """Too long, equal after cleaning, equal but for case, hidden: none stops the others or vanishes."""
    folder = tmp_path_factory.mktemp("names")
    (folder / "good.wav").touch()
    for stem in stems:
        for suffix in suffixes:
            (folder / f"{stem}{suffix}").touch()
    plan = make_plan(small(folder, folder / "out"))
    outs = [item.out for item in plan.items]
    assert len({folded(out) for out in outs}) == len(outs)
    assert all(len(part.encode()) <= LONGEST for out in outs for part in out.split("/"))
    rendered = {Path(item.audio).name for item in plan.items}
    assert rendered | {skip.name for skip in plan.skipped} == {path.name for path in folder.iterdir()}
    assert "good.wav" in rendered


@given(
    st.text(max_size=12)
    | st.sampled_from(["con", "NUL.wav", "com1", "Lpt9.a.b", "aux ", "CONIN$", "com²", "a.", "..."])
)
def test_names_of_parts_are_ones_that_windows_has(part: str) -> None:
    name = portable(safe_part(part))
    assume(not name.startswith("."))  # is refused
    assert not PureWindowsPath(name + ".mp4").is_reserved()
    assert not PureWindowsPath(name).is_reserved()
    assert not name.endswith((".", " "))
    assert portable(name) == name


def test_recordings_named_like_devices_are_rendered_under_other_names(tmp_path: Path, ask: Ask) -> None:
    for name in ("CON.wav", "con_.wav", "aux.2.wav", "etc./nul.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    plan = make_plan(ask(tmp_path, tmp_path / "out"))
    outs = {item.id: item.out for item in plan.items}
    assert len({folded(out) for out in outs.values()}) == 4
    assert outs["aux.2"] == "aux_.2.mp4"
    assert outs["etc./nul"] == "etc/nul_.mp4"
    assert not any(PureWindowsPath(out).is_reserved() for out in outs.values())


LISTS = {  # what others call a list of a.wav and b.wav
    "names.txt": "a.wav\n\n# a note\nb.wav\n",
    "tts.lst": "a.wav|hello there\nb.wav|3|good bye\n",
    "play.m3u8": "#EXTM3U\n#EXTINF:1,first\na.wav\nb.wav\n",
    "wav.scp": "a a.wav\nb  b.wav\n",
    "object.json": '{"a": {"audio": "a.wav"}, "b": {"path": "b.wav"}}',
    "inside.json": '{"version": 1, "data": [{"audio": "a.wav"}, {"file": "b.wav"}]}',
    "hugging.jsonl": '{"audio": {"path": "a.wav", "bytes": null}}\n{"audio": {"path": "b.wav"}}\n',
    "one.json": '{"audio": "a.wav"}\n{"audio": "b.wav"}\n',
    "quoted.csv": "audio\n'a.wav'\n b.wav \n",
    "windows.csv": "audio\nsub\\..\\a.wav\n.\\b.wav\n",
    "excel.txt": "audio\temotion\na.wav\tneutral\nb.wav\t\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_others_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "sub").mkdir()
    for clip in ("a.wav", "b.wav"):
        (tmp_path / clip).touch()
    (tmp_path / name).write_text(LISTS[name], "utf-16" if name == "excel.txt" else "utf-8")
    listing = read_manifest(str(tmp_path / name))
    assert [clip.id for clip in listing.clips] == ["a", "b"]
    assert all(Path(clip.audio).is_file() for clip in listing.clips)
    assert not listing.skipped
    assert all(clip.settings.get("emotion") in (None, "neutral") for clip in listing.clips)


def test_addresses_of_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a ü.wav").touch()
    (tmp_path / "m.txt").write_text((tmp_path / "a ü.wav").as_uri())
    assert [Path(clip.audio).name for clip in read_manifest(str(tmp_path / "m.txt")).clips] == ["a ü.wav"]


def test_a_table_without_names_of_columns_and_commands_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("a.wav,happy\nb.wav,sad\n")
    with pytest.raises(InputError, match=r"m\.csv: line 1: expected names of columns"):
        read_manifest(str(tmp_path / "m.csv"))
    (tmp_path / "wav.scp").write_text("a sph2pipe -f wav a.sph |\n")
    with pytest.raises(InputError, match=r"wav\.scp: line 1: expected a recording, found a command"):
        read_manifest(str(tmp_path / "wav.scp"))
    (tmp_path / "m.xlsx").touch()
    with pytest.raises(InputError, match=r"or a list of them \(\.csv, .*found another file"):
        read_folder(str(tmp_path / "m.xlsx"), "**/*")


def test_names_that_are_no_unicode(tmp_path: Path, ask: Ask) -> None:
    """Bytes of another encoding in a folder, halves of signs in JSON: told apart, seeded, or refused alone."""
    for name in (b"gr\xfc\xdfe.wav", b"gr\xf6\xdfe.wav", "grüße.wav".encode()):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    plan = make_plan(ask(tmp_path, tmp_path / "out"))
    assert len({item.out for item in plan.items}) == len({item.token for item in plan.items}) == 3
    lines = ['{"audio": "\\ud800.wav"}', '{"audio": "b.wav", "out": "\\ud800"}', '{"audio": "c.wav"}']
    (tmp_path / "m.jsonl").write_text("\n".join(lines))
    plan = make_plan(ask(tmp_path / "m.jsonl", tmp_path / "out"))
    assert [item.out for item in plan.items] == ["c.mp4"]
    assert [skip.name[-6:] for skip in plan.skipped] == ["line 1", "line 2"]
    with pytest.raises(InputError, match="halves of signs"):
        relative_name("\ud800.mp4", source="x")


def test_names_that_clash_are_told_apart_by_what_differs(tmp_path: Path, ask: Ask) -> None:
    for name in ("a.wav", "a.m4a", "b c.wav", "b-c.wav", "d.wav"):
        (tmp_path / name).touch()
    outs = {Path(item.audio).name: item.out for item in make_plan(ask(tmp_path, tmp_path / "out")).items}
    assert (outs["a.wav"], outs["a.m4a"], outs["d.wav"]) == ("a-wav.mp4", "a-m4a.mp4", "d.mp4")
    assert len({outs["b c.wav"], outs["b-c.wav"]}) == 2
    (tmp_path / "m.csv").write_text("audio\nanna/x.wav\nben/x.wav\n")
    assert [i.out for i in make_plan(ask(tmp_path / "m.csv", tmp_path / "out")).items] == ["x-anna.mp4", "x-ben.mp4"]
    (tmp_path / "m.csv").write_text("audio,emotion\nx.wav,sad\nx.wav,happy\ny.wav,sad\ny.wav,sad\n")
    plan = make_plan(ask(tmp_path / "m.csv", tmp_path / "out"))
    assert [i.out for i in plan.items] == ["x-happy.mp4", "x-sad.mp4", "y.mp4"]
    assert ["written twice" in skip.reason for skip in plan.skipped] == [True]
    own = make_plan(ask(tmp_path, tmp_path / "out", glob="a.*", name="{suffix}/{id}"))
    assert [item.out for item in own.items] == ["m4a/a.mp4", "wav/a.mp4"]


def test_the_advice_for_a_template_works(tmp_path: Path, ask: Ask) -> None:
    for name in ("a.wav", "a.m4a"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="written twice") as error:
        make_plan(ask(tmp_path, tmp_path / "out", name="x"))
    fields = re.findall(r"\{\w+\}", str(error.value))
    assert fields
    for field in fields:
        assert len(make_plan(ask(tmp_path, tmp_path / "out", name=f"x-{field}")).items) == 2


BAD_ROWS = [
    {"audio": "a.wav", "intensity": "nan"}, {"audio": "a.wav", "intensity": "1e999"}, {"audio": "", "speaker": "x"},
    {"audio": "a.wav", "emotion": "hungry"}, {"audio": "a.wav", "avatar": "nobody"}, {"audio": "a.wav", "seed": "1.5"},
    {"audio": "a.wav", "out": "../x"}, {"audio": "a.wav", "out": "x" * 300}, {"audio": "a.wav", "weights": "none"},
    {"audio": "a.wav", "emotion": "sad", "emotion_track": "t.csv"}, {"audio": "b.wav", "out": "good.mp4"},
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
@settings(max_examples=15)
@given(bad=st.lists(st.sampled_from(BAD_ROWS), max_size=4))
def test_a_bad_row_stops_no_other(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, bad: list[dict[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    rows = [{"audio": "g.wav", "out": "good.mp4"}, *bad]
    plan = make_plan(small(write_manifest(folder / f"m{suffix}", rows), folder / "o"))
    assert [item.out for item in plan.items] == ["good.mp4"]
    assert len(plan.skipped) == len(bad)
    assert all(skip.fault and "line" in skip.name for skip in plan.skipped)


@settings(max_examples=30)
@given(text=st.text(max_size=30), separator=st.sampled_from(["\u2028", "\u2029", "\x85", "\x1c", "\x0b", "\x0c"]))
def test_no_sign_within_a_text_ends_a_line(tmp_path_factory: pytest.TempPathFactory, text: str, separator: str) -> None:
    said = text.encode(errors="ignore").decode() + separator + "end"
    folder = tmp_path_factory.mktemp("lines")
    lines = [json.dumps({"audio": f"{i}.wav", "text": said}, ensure_ascii=False) for i in range(2)]
    for end in ("\n", "\r\n"):
        (folder / "m.jsonl").write_bytes(end.join(lines).encode())
        assert [clip.extra["text"] for clip in read_manifest(str(folder / "m.jsonl")).clips] == [said, said]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_tables_of_any_country(tmp_path: Path, separator: str, encoding: str, suffix: str) -> None:
    rows = [["audio", "intensity", "speaker"], ["a.wav", '"0,5"', "Zoë"]]
    path = tmp_path / f"m{suffix}"
    path.write_text("\r\n".join(separator.join(row) for row in rows), encoding=encoding)
    (clip,) = read_manifest(str(path)).clips
    assert read_settings(clip.settings).intensity == 0.5
    assert clip.extra == {"speaker": "Zoë"}


def test_common_voice(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "common_voice_en_1.mp3").touch()
    head = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccents\tlocale\n"
    (tmp_path / "validated.tsv").write_text(head + 'abc\tcommon_voice_en_1.mp3\tIt is "so".\t2\t0\t\t\t\ten\n')
    (item,) = make_plan(ask(tmp_path / "validated.tsv", tmp_path / "out")).items
    assert item.audio == str(tmp_path / "clips" / "common_voice_en_1.mp3")
    assert item.extra["sentence"] == 'It is "so".'


@given(data=st.binary(max_size=200), suffix=st.sampled_from(["csv", "tsv", "json", "jsonl", "parquet"]))
def test_any_bytes_are_a_manifest_or_one_complaint(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    path.write_bytes(data)
    with suppress(InputError):
        read_manifest(str(path))


def test_what_lies_beside_a_recording_counts_by_its_content(tmp_path: Path, ask: Ask) -> None:
    for name in ("a.wav", "b.wav", "c.mp4", "frames/audio.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("a.wav.json", "frames.json", "c.mp4.json"):
        (tmp_path / name).write_text(
            '{"result": {"text": "a transcript"}}' if name[0] == "a" else '{"result": {"fps": 25}}'
        )
    plan = make_plan(ask(tmp_path, tmp_path / "out"))
    assert [item.id for item in plan.items] == ["a", "b"]
    assert {s.name for s in plan.skipped if "earlier" in s.reason} == {"c.mp4", "frames/audio.wav"}


def test_links_are_followed_and_nothing_vanishes(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (tmp_path / "disk" / "deep" / "a.wav").touch()
    (tmp_path / "disk" / "deep" / "up").symlink_to(tmp_path / "disk")  # a circle
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.wav").touch()
    (tmp_path / "in" / ".c.wav").touch()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "disk")
    (tmp_path / "in" / "gone.wav").symlink_to(tmp_path / "nowhere")
    plan = make_plan(ask(tmp_path / "in", tmp_path / "out"))
    assert [item.id for item in plan.items] == ["b", "gone", "linked/deep/a"]
    assert {skip.name for skip in plan.skipped} == {".c.wav", "linked/deep/up/"}


@given(st.text(max_size=40))
def test_any_id_stays_inside(text: str) -> None:
    try:
        name = relative_name(fill_template("{id}", {"id": text}) + ".mp4", source="x")
    except InputError:
        return
    assert ".." not in name.split("/")
    assert not name.startswith(("/", "."))
    assert not set(name) & set('\\:*?"<>|\0\n')


@given(st.text(max_size=60))
def test_grids_never_crash(text: str) -> None:
    try:
        conditions = parse_grid(text)
    except InputError:
        return
    assert conditions


@given(st.text(max_size=12))
def test_shards_never_crash(text: str) -> None:
    try:
        part, parts = parse_shard(text)
    except InputError:
        return
    assert 0 <= part < parts


def test_shards_part_the_whole_by_id(clips: Path, tmp_path: Path, ask: Ask) -> None:
    whole = make_plan(ask(clips, tmp_path, grid="emotion=sad,happy")).items
    parts = [make_plan(ask(clips, tmp_path, grid="emotion=sad,happy", shard=f"{i}/3")).mine for i in (1, 2, 3)]
    assert sorted(item.out for part in parts for item in part) == [item.out for item in whole]
    assert shard_of("clip0", 7) == 4  # stable for ever: other machines must agree
    assert item_seed(0, "clip0") == item_seed(0, "clip0") != item_seed(1, "clip0")


def test_cameras_and_locks_are_columns_and_axes(tmp_path: Path, ask: Ask) -> None:
    camera = tmp_path / "close.json"
    save_camera(camera, named_camera("front", open_avatar("person1").head, width=64, height=64))
    (tmp_path / "m.csv").write_text("audio,camera,camera_lock\na.wav,close.json,face\nb.wav,,\n")
    close, plain = make_plan(ask(tmp_path / "m.csv", tmp_path / "out", camera="profile")).items
    assert (close.settings.camera, close.settings.camera_lock) == (str(camera), "face")
    assert (plain.settings.camera, plain.settings.camera_lock) == ("profile", "world")
    grid = f"camera={camera},profile camera_lock=world,face"
    names = [item.out for item in make_plan(ask(tmp_path / "m.csv", tmp_path / "out", grid=grid)).items]
    assert names[:4] == ["a_close_face.mp4", "a_close_world.mp4", "a_profile_face.mp4", "a_profile_world.mp4"]


def test_transcripts_lie_in_the_manifest_or_beside_the_recordings(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        (tmp_path / "in" / f"{name}.wav").touch()
        (tmp_path / "in" / f"{name}.txt").write_text(f"what {name} says")
    rows = ["audio,transcript,text", "in/a.wav,in/a.txt,", "in/b.wav,plain words,", "in/c.wav,,aloud"]
    (tmp_path / "m.csv").write_text("\n".join(rows))
    told = [i.settings.transcript for i in make_plan(ask(tmp_path / "m.csv", tmp_path, transcript="{text}")).items]
    assert told == [str(tmp_path / "in" / "a.txt"), "plain words", "aloud"]
    items = make_plan(ask(tmp_path / "in", tmp_path / "out", transcript="{id}.txt")).items
    assert [item.settings.transcript for item in items] == [str(tmp_path / "in" / f"{n}.txt") for n in ("a", "b")]
    (tmp_path / "in" / "b.txt").unlink()  # says so when its turn comes, and stops nobody else
    b = make_plan(ask(tmp_path / "in", tmp_path / "out", transcript="{id}.txt")).items[1].settings.transcript
    with pytest.raises(InputError, match=r"b\.txt: no such file"):
        read_transcript(str(b))
    with pytest.raises(InputError, match=r"--transcript '\{nothing\}'"):
        make_plan(ask(tmp_path / "in", tmp_path / "out", transcript="{nothing}"))


@pytest.mark.parametrize("audio", [".", "..", "/", "a/..", "a\\0.wav"])
def test_a_path_that_names_nothing_stops_no_other(tmp_path: Path, ask: Ask, audio: str) -> None:
    rows = [json.dumps({"audio": name}) for name in ("a.wav", audio.replace("\\0", "\0"))]
    (tmp_path / "m.jsonl").write_text("\n".join(rows))
    plan = make_plan(ask(tmp_path / "m.jsonl", tmp_path / "out"))
    assert [item.id for item in plan.items] == ["a"]
    assert "audio: expected the path of a recording" in plan.skipped[0].reason


@pytest.mark.parametrize(
    "table",
    [
        "audio,emotion,\na.wav,happy,\nb.wav,,\n",  # Excel
        "Audio,Emotion\na.wav,happy\nb.wav,\n",
        "sep=;\naudio;emotion\na.wav;happy\nb.wav;\n",
        "# by hand\nfilename,emotion\na.wav,happy,\nb.wav,,\n",
        " audio , emotion \n a.wav , happy \n b.wav ,  \n",
        'audio,emotion,text\na.wav,happy,"never closed\nb.wav,,said\n',
        'audio\temotion\ttext\na.wav\thappy\t"one\nb.wav\t\ttwo" three\n',
    ],
)
def test_tables_as_people_write_them(tmp_path: Path, ask: Ask, table: str) -> None:
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).touch()
    (tmp_path / "m.csv").write_text(table)
    plan = make_plan(ask(tmp_path / "m.csv", tmp_path / "out"))
    assert plan.skipped == []
    assert [(Path(i.audio).name, i.settings.emotion) for i in plan.items] == [("a.wav", "happy"), ("b.wav", "neutral")]


@pytest.mark.parametrize(("name", "text"), [("m.csv", "a.wav\nb.wav\n"), ("m.json", '["a.wav", {"audio": "b.wav"}]')])
def test_a_list_of_names_is_a_manifest(tmp_path: Path, ask: Ask, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert [item.id for item in make_plan(ask(tmp_path / name, tmp_path / "out")).items] == ["a", "b"]


def test_the_language_of_a_transcript_is_told_by_the_manifest(tmp_path: Path, ask: Ask) -> None:
    rows = ["audio,language,lang,locale", "a.wav,de,fr,it", "b.wav,,fr,it", "c.wav,,,it", "d.wav,,,", "e.wav,?,,"]
    (tmp_path / "m.csv").write_text("\n".join(rows))
    items = make_plan(ask(tmp_path / "m.csv", tmp_path, language="es")).items
    assert [item.settings.language for item in items] == ["de", "fr", "it", "es", "?"]  # judged with a transcript only


def test_keys_follow_everything_that_shapes_the_frames(tmp_path: Path) -> None:
    picture = tmp_path / "back.png"
    picture.write_bytes(b"1")

    def key(**changes: object) -> str:
        item = Item("i", "a.wav", "i.mp4", read_settings({"background": str(picture), **changes}))
        return item_key(item, Rules(), audio="x", track=None, files=FileHashes())

    changes = {"emotion": "sad", "seed": 1, "camera_lock": "face", "transcript": "hi", "size": "64x64", "blink": False}
    keys = [key(), *(key(**{name: value}) for name, value in changes.items())]
    assert len(set(keys)) == len(keys)
    assert key(device="cuda") == keys[0]
    picture.write_bytes(b"22")
    assert key() != keys[0]


def test_styles_are_conditions(tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSPLAT_HOME", str(tmp_path / "home"))
    own, file = new_style("anna", overwrite=False), tmp_path / "calm.style.json"
    for path in (own, file):
        save_style(path, LearnedStyle(Style(path.name)))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wav").touch()
    grid = f"style=anna,{file} variety=0.5,1"
    items = make_plan(ask(tmp_path / "in", tmp_path / "out", grid=grid)).items
    assert [item.out for item in items] == [f"a_{s}_{v}.mp4" for s in ("anna", "calm") for v in ("0.5", "1")]
    assert [item.settings.style for item in items] == ["anna", "anna", str(file), str(file)]
    keys = [item_key(item, Rules(), audio="x", track=None, files=FileHashes()) for item in items]
    assert len(set(keys)) == 4
    save_style(own, LearnedStyle(Style("anna", {"head": 0.5})))
    again = [item_key(item, Rules(), audio="x", track=None, files=FileHashes()) for item in items]
    assert [a == b for a, b in zip(keys, again, strict=True)] == [False, False, True, True]
    with pytest.raises(InputError, match=r"unknown style 'ana'.*did you mean anna"):
        make_plan(ask(tmp_path / "in", tmp_path / "out", grid="style=ana,anna"))


def test_styles_and_accents_lie_beside_the_manifest(tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    save_style(tmp_path / "calm.style.json", LearnedStyle(Style("calm")))
    (tmp_path / "good.csv").write_text("time_s,kind,strength\n1,stress,1\n")
    (tmp_path / "bad.csv").write_text("time_s,kind,strength\n1,loud,1\n")
    (tmp_path / "bad.style.json").write_text("{}")
    rows = [
        "id,audio,style,accents,guidance,style_strength",
        "a,a.wav,calm.style.json,good.csv,style:2,0.5",
        "b,b.wav,,,,",
    ]
    rows += ["c,c.wav,,bad.csv,,", "d,d.wav,bad.style.json,,,", "e,e.wav,gone,,,", "f,f.wav,,,tone:1,"]
    (tmp_path / "m.csv").write_text("\n".join(rows))
    plan = make_plan(ask(tmp_path / "m.csv", tmp_path / "out"))
    a, b = (item.settings for item in plan.items)
    assert (a.style, a.accents, a.guided) == (str(tmp_path / "calm.style.json"), tmp_path / "good.csv", {"style": 2})
    assert (b.style, b.accents, b.guided, a.style_strength, b.style_strength) == (None, None, {}, 0.5, 1)
    reasons = " ".join(skip.reason for skip in plan.skipped)
    for words in ("bad.csv: line 2: kind", "bad.style.json: format", "unknown style 'gone'", "guidance 'tone:1'"):
        assert words in reasons


def test_recordings_of_ordinary_speech_lie_beside_the_manifest(
    tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    for name in ("anna.wav", "1.5", "auto"):  # two of them are no names of recordings
        (tmp_path / name).write_bytes(b"1")
    rows = [
        "id,audio,effort",
        "a,a.wav,anna.wav",
        "b,b.wav,auto",
        "c,c.wav,1.5",
        "d,d.wav,gone.wav",
        "e,e.wav,loud",
    ]
    (tmp_path / "m.csv").write_text("\n".join(rows))
    plan = make_plan(ask(tmp_path / "m.csv", tmp_path / "out"))
    assert [item.settings.effort for item in plan.items] == [str(tmp_path / "anna.wav"), None, 1.5]
    reasons = [skip.reason for skip in plan.skipped]
    assert any("effort: gone.wav: no such file" in reason for reason in reasons)
    assert any("effort 'loud': expected auto, a number from 0.5 to 2, or a recording" in reason for reason in reasons)
    key, *others = (item_key(item, Rules(), audio="x", track=None, files=FileHashes()) for item in plan.items)
    assert len({key, *others}) == 3
    (tmp_path / "anna.wav").write_bytes(b"22")
    assert item_key(plan.items[0], Rules(), audio="x", track=None, files=FileHashes()) != key
    crossed = make_plan(ask(tmp_path / "m.csv", tmp_path / "out", grid=f"effort=auto,0.7,{tmp_path}/anna.wav")).items
    assert [item.out for item in crossed[:3]] == ["a_0.7.mp4", "a_anna.mp4", "a_auto.mp4"]


def test_a_track_for_all_holds_where_no_emotion_is_told(tmp_path: Path, ask: Ask) -> None:
    usual, own = tmp_path / "usual.csv", tmp_path / "own.csv"
    for track in (usual, own):
        track.write_text("time_s,sad\n0,1\n", encoding="utf-8")
    rows = ["audio,emotion,emotion_track", "a.wav,,", "b.wav,happy,", "c.wav,,own.csv"]
    (tmp_path / "m.csv").write_text("\n".join(rows), encoding="utf-8")
    items = make_plan(ask(tmp_path / "m.csv", tmp_path / "out", emotion_track=usual)).items
    assert [item.emotion_track for item in items] == [str(usual), None, str(own)]
    crossed = make_plan(ask(tmp_path / "m.csv", tmp_path / "out", emotion_track=usual, grid="emotion=sad,angry")).items
    assert {item.emotion_track for item in crossed} == {None}


def test_a_long_manifest_is_planned_in_little_memory(tmp_path: Path, ask: Ask) -> None:
    """Of each further row a plan keeps its text and little else."""
    ours = [tracemalloc.Filter(True, "*/pipeline/batch/*")]

    def kept(rows: int) -> int:
        lines = [f"a.wav,clip{i:05d},{('happy', 'sad')[i % 2]},s{i % 7}" for i in range(rows)]
        (tmp_path / "list.csv").write_text("\n".join(["audio,id,emotion,speaker", *lines]))
        tracemalloc.start()
        try:
            plan = make_plan(ask(tmp_path / "list.csv", tmp_path / "out"))
            assert (len(plan.items), plan.items[-1].id) == (rows, f"clip{rows - 1:05d}")
            assert plan.mine[0].extra == {"speaker": "s0"}
            return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(ours).traces)
        finally:
            tracemalloc.stop()

    assert (kept(1200) - kept(200)) / 1000 < 300  # bytes; the paths of this test are long


@given(st.lists(st.sampled_from(["a", "A", "b", "a/b", "b/a", "a/b/c", "é", "e\u0301"]), max_size=6))
def test_names_that_might_collide_are_found_by_their_hashes(names: list[str]) -> None:
    taken = alike(names) | folders_too(names)
    some = [(name, str(index)) for index, name in enumerate(names) if touches(name, taken)]
    places = [index for index, name in enumerate(names) if touches(name, taken)]
    everything = collisions((name, str(index)) for index, name in enumerate(names))
    assert {places[index]: reason for index, reason in collisions(some).items()} == everything


@given(st.lists(st.text(max_size=5), min_size=1, max_size=5), st.integers(0, 99))
def test_items_come_out_as_they_went_in(words: list[str], seed: int) -> None:
    maker, items = ItemsMaker(), []
    for number, word in enumerate(words):
        settings = ClipSettings(seed=seed + number, transcript=word or None, subtitles=Path("a.vtt"), intensity=0.5)
        items.append(Item(word, f"{word}.wav", f"{number}.mp4", settings, word or None, {"text": word}))
        shared = settings.model_copy(update=UNTOLD)
        maker.add(
            Parts(word, f"{word}.wav", f"{number}.mp4", shared, own_settings(settings), word or None, {"text": word})
        )
    made = maker.items()
    assert list(made) == items
    assert list(made[1:]) == items[1:]
    assert list(made.only([0])) == items[:1]
