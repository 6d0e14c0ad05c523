"""Recordings and results in an object store: against a real S3 server on this machine."""

import importlib.util
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emosplat.core.errors import InputError
from emosplat.pipeline.batch.claims import CLAIMS, Claims
from emosplat.pipeline.batch.engines.base import Engine
from emosplat.pipeline.batch.places import PRESENT
from emosplat.pipeline.batch.plan import BatchRequest, make_plan
from emosplat.pipeline.batch.remote import CloudPlace, listed_states, local_copy, recording_state
from emosplat.pipeline.batch.run import run_batch
from emosplat.pipeline.batch.states import MISSING
from emosplat.pipeline.batch.tables import publish_parquet
from emosplat.pipeline.batch.worker import Worker

Ask = Callable[..., BatchRequest]
Pictures = Callable[[Path], dict[str, list[bytes]]]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("s3fs") is None or importlib.util.find_spec("moto") is None,
    reason="the extra [cloud] or moto is not installed",
)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The URL of a bucket on a server of our own."""
    import fsspec
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        fsspec.filesystem("s3").mkdir("bucket")
        yield "s3://bucket"
    server.stop()


@pytest.mark.slow
def test_from_bucket_to_bucket(
    s3: str, clips: Path, tmp_path: Path, ask: Ask, here: Engine, pictures: Pictures
) -> None:
    import fsspec

    fs = fsspec.filesystem("s3")
    fs.put(f"{clips}/", "bucket/in/", recursive=True)
    request = ask(f"{s3}/in", f"{s3}/out")
    assert run_batch(request, here).rendered == 4
    again = run_batch(request, here)
    assert (again.rendered, again.found) == (0, 4)
    fs.get("bucket/out/", f"{tmp_path}/got/", recursive=True)
    run_batch(ask(clips, tmp_path / "local"), here)
    assert pictures(tmp_path / "got") == pictures(tmp_path / "local")
    for name in ("results.parquet", "results.csv", "summary.json", "contact_sheet.html", "clip0.mp4.json"):
        assert (tmp_path / "got" / name).stat().st_size
    assert fs.ls("bucket/out/.emosplat/claims") == [] if fs.exists("bucket/out/.emosplat/claims") else True


def test_a_clip_makes_few_requests(
    s3: str, clips: Path, ask: Ask, here: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listing is what stores charge most for; a clip lists nothing."""
    import fsspec
    from s3fs import S3FileSystem

    fs = fsspec.filesystem("s3")
    fs.put(f"{clips}/", "bucket/few/", recursive=True)
    asked: list[str] = []
    send = S3FileSystem._call_s3

    async def counted(self: S3FileSystem, method: str, *args: object, **options: object) -> object:
        asked.append(method)
        return await send(self, method, *args, **options)

    request = ask(f"{s3}/few", f"{s3}/few_out")
    place, items = CloudPlace(request.out), make_plan(request).items
    worker = Worker(make_plan(request).rules, request.out)
    worker.run(items[0])
    with monkeypatch.context() as patch:
        patch.setattr(S3FileSystem, "_call_s3", counted)
        outcome = worker.run(items[1])
    worker.close()
    assert outcome.status == "done"
    assert outcome.entry is not None
    assert outcome.entry.heard
    assert outcome.entry.record == place.state(f"{items[1].out}.json")  # as the reply to the upload told
    assert Counter(asked) == {"head_object": 1, "get_object": 5, "put_object": 3, "delete_object": 2}


def test_states_and_contents_in_a_bucket(s3: str) -> None:
    place = CloudPlace(f"{s3}/states")
    first = place.write("a/b.mp4.json", b"1")
    place.write("a/b.mp4", b"")
    place.write(".emosplat/claims/x", b"1")
    assert dict(place.states()) == {"a/b.mp4.json": first, "a/b.mp4": PRESENT}
    assert place.state("a/b.mp4.json") == first != place.write("a/b.mp4.json", b"2")
    assert place.state("nothing") == MISSING
    assert place.read_many(["a/b.mp4.json", "a/b.mp4", "nothing"]) == [b"2", b"", None]
    assert recording_state(f"{s3}/states/a/b.mp4.json") == place.state("a/b.mp4.json")
    assert dict(listed_states(f"{s3}/states/a"))["b.mp4.json"] == place.state("a/b.mp4.json")
    assert list(listed_states("zip://a.wav::memory://")) == []  # of zip://a.wav::memory://all.zip


def test_files_and_folders_of_one_name_in_a_bucket(s3: str) -> None:
    place = CloudPlace(f"{s3}/named")
    place.write("table.parquet", b"1")
    assert place.names("table.parquet") == place.names("table.parquet", "t") == []
    place.write("table.parquet/part-0", b"")
    assert place.names("table.parquet") == place.names("table.parquet", "p") == ["part-0"]
    place.write("videos/", b"")  # as a store's console makes a folder
    place.write("videos/a.mp4", b"")
    assert {name: state for name, state in place.states() if name.startswith("videos")} == {"videos/a.mp4": PRESENT}
    assert place.names("videos") == ["a.mp4"]


def test_a_short_table_becomes_a_long_one_in_a_bucket(s3: str, tmp_path: Path) -> None:
    place = CloudPlace(f"{s3}/tables")
    parts = [tmp_path / f"part-{number}.parquet" for number in range(2)]
    for part in parts:
        part.write_bytes(b"1")
    for some in (parts[:1], parts, parts[1:]):
        publish_parquet(place, some)
        assert (place.read("results.parquet") is None) == (len(some) > 1)
        assert place.names("results.parquet") == ([part.name for part in some] if len(some) > 1 else [])


def test_a_manifest_in_a_bucket(s3: str, clips: Path, tmp_path: Path, ask: Ask, here: Engine) -> None:
    import fsspec

    fs = fsspec.filesystem("s3")
    fs.put_file(str(clips / "clip0.wav"), "bucket/lists/sounds/a.wav")
    fs.pipe_file("bucket/lists/list.csv", b"audio,emotion\nsounds/a.wav,sad\nsounds/gone.wav,sad\n")
    result = run_batch(ask(f"{s3}/lists/list.csv", tmp_path), here)
    assert result.rendered == 1
    assert [failure.reason for failure in result.failures] == [f"{s3}/lists/sounds/gone.wav: no such audio file"]


def test_claims_are_exclusive_in_a_bucket(s3: str) -> None:
    place = CloudPlace(f"{s3}/claims")
    first, second = Claims(place), Claims(place)
    claim, _ = first.take("a")
    assert claim is not None
    assert second.take("a")[0] is None
    assert not place.create(claim.file, b"")
    first.release(claim)
    assert place.names(CLAIMS) == []
    assert second.take("a")[0] is not None


def test_a_missing_bucket_is_one_line(s3: str) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        CloudPlace("s3://nowhere/out").check_writable()
    with pytest.raises(InputError, match="no such audio file"), local_copy(f"{s3}/nothing.wav"):
        pass


def test_an_unknown_protocol_is_one_line(tmp_path: Path, ask: Ask, here: Engine) -> None:
    with pytest.raises(InputError, match="s3://"):
        run_batch(ask("zzz://bucket/in", tmp_path), here)
