"""Very many items in little memory: as columns, of which items are made anew whenever they are asked for."""

from __future__ import annotations

import hashlib
import json
import tempfile
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..settings import ClipSettings
from .arrow_files import as_bytes, as_numpy, binary_column, numbers
from .items import UNSHAPING, Item, Parts, shard_of

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 4096  # rows that are made at a time
NO_TEXT, ROOT = b"\xff", b"\xfe"  # are no part of any UTF-8
MOST = (2 << 30) - 1  # bytes of a column
KNOWN = 1000  # settings that are told by their identity, which is faster


_json = json.JSONEncoder(separators=(",", ":")).encode


class Record(NamedTuple):
    """An item as its columns tell it; texts are UTF-8, halves of signs as they are."""

    out: bytes
    id: bytes
    audio: bytes  # `ROOT` stands for the folder of most; after `NO_TEXT`, if need be, what was sought (see `Clip`)
    rest: bytes  # JSON of emotion track, further columns, own settings
    shared: int  # place of its settings


def schema() -> pa.Schema:
    """The columns of `Record`."""
    import pyarrow as pa

    return pa.schema([(name, pa.int32() if name == "shared" else pa.binary()) for name in Record._fields])


class Items(Sequence[Item]):
    """Items, 150 bytes each, in order of their outputs.

    `shared` are settings that many have in common, `root` how the paths of most begin, `extra` the names of further
    columns of the manifest.
    """

    def __init__(
        self,
        table: pa.Table,
        shared: list[ClipSettings],
        *,
        root: str,
        extra: tuple[str, ...],
        chosen: NDArray[np.int64] | None = None,
    ) -> None:
        self.shared, self.root, self.extra = shared, root, extra
        self._table = table
        self._chosen = chosen  # rows; None for all

    def __len__(self) -> int:
        return self._table.num_rows if self._chosen is None else len(self._chosen)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Items: ...
    def __getitem__(self, index: int | slice) -> Item | Items:
        if isinstance(index, slice):
            return self.only(range(len(self))[index])
        place = range(len(self))[index]
        row = place if self._chosen is None else int(self._chosen[place])
        return self.parts(Record(*(column[row].as_py() for column in self._table.columns))).item

    def __iter__(self) -> Iterator[Item]:
        return (self.parts(record).item for record in self.records())

    def records(self) -> Iterator[Record]:
        """All of them as they are kept, which is much faster than whole items."""
        for batch in self.batches():
            *texts, shared = batch.columns
            yield from map(Record, *map(as_bytes, texts), as_numpy(shared, np.int32).tolist())

    def outs(self) -> Iterator[bytes]:
        """The outputs of all of them."""
        return (out for batch in self.batches() for out in as_bytes(batch["out"]))

    def recordings(self) -> Iterator[tuple[str, str | None]]:
        """Of all of them the recording, and what was sought (see `Clip`)."""
        return (self._where(audio) for batch in self.batches() for audio in as_bytes(batch["audio"]))

    def digest(self) -> str:
        """A number that other items hardly have; on another device they are the same ones."""
        names = [name for name in ClipSettings.model_fields if name not in UNSHAPING]
        told = [str([settings.plain(name) for name in names]) for settings in self.shared]
        found = hashlib.sha256(json.dumps([self.root, *told]).encode())
        for record in self.records():
            found.update(repr(record).encode())
        return found.hexdigest()

    def audio(self, record: Record) -> str:
        """The recording of one of them."""
        return self._where(record.audio)[0]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All of them in pieces of `AT_ONCE` or a little less."""
        import pyarrow as pa
        import pyarrow.compute as pc

        for begin in range(0, len(self), AT_ONCE):
            if self._chosen is None:
                piece = self._table.slice(begin, AT_ONCE)
            else:
                rows = numbers(self._chosen[begin : begin + AT_ONCE], np.int64)
                piece = pc.take(self._table, rows, memory_pool=pa.system_memory_pool())  # the usual pool grows
            yield from piece.to_batches()

    def parts(self, record: Record) -> Parts:
        """What a record says."""
        track, extra, own = json.loads(record.rest)
        audio, sought = self._where(record.audio)
        return Parts(text(record.id), audio, text(record.out), self.shared[record.shared], own, track, extra, sought)

    def _where(self, audio: bytes) -> tuple[str, str | None]:
        audio, mark, sought = audio.partition(NO_TEXT)
        path = self.root + text(audio[1:]) if audio[:1] == ROOT else text(audio)
        return path, text(sought) if mark else None

    def only(self, indices: Sequence[int] | NDArray[np.int64]) -> Items:
        """Those at these places."""
        places = np.asarray(indices, np.int64)
        chosen = places if self._chosen is None else self._chosen[places]
        return Items(self._table, self.shared, root=self.root, extra=self.extra, chosen=chosen)

    def share(self, part: int, parts: int) -> Items:
        """Those of one part (see `shard_of`), grouped by avatar."""
        avatars = sorted({settings.avatar for settings in self.shared})
        rank = np.array([avatars.index(settings.avatar) for settings in self.shared], np.int32)
        order = None
        if len(avatars) > 1:
            shared = np.concatenate([as_numpy(batch["shared"], np.int32) for batch in self.batches()])
            order = np.argsort(rank[shared], kind="stable")
        if parts > 1:
            own = np.fromiter((shard_of(text(r.id), parts) == part for r in self.records()), np.bool_, len(self))
            order = np.flatnonzero(own) if order is None else order[own[order]]
        return self if order is None else self.only(order)


class ItemsMaker:
    """Collects items for `Items`: what many have in common is kept once. `root`: how the paths of most begin."""

    def __init__(self, root: str = "") -> None:
        self._root = root
        self._columns = {name: _Column() for name in Record._fields if name != "shared"}
        self._shared = array("i")
        self._settings: dict[ClipSettings, int] = {}
        self._known: dict[int, tuple[ClipSettings, int]] = {}  # by identity
        self._renamed: dict[int, bytes] = {}
        self._extra: Counter[str] = Counter()

    def add(self, parts: Parts) -> None:
        """Take in one more; its output must be a text that UTF-8 can tell."""
        self._columns["out"].add(parts.out.encode())
        self._columns["id"].add(_bytes(parts.id))
        sought = b"" if parts.sought is None else NO_TEXT + _bytes(parts.sought)
        below = bool(self._root) and parts.audio.startswith(self._root)
        audio = ROOT + _bytes(parts.audio[len(self._root) :]) if below else _bytes(parts.audio)
        self._columns["audio"].add(audio + sought)
        self._columns["rest"].add(_json([parts.emotion_track, parts.extra, parts.own]).encode())
        self._shared.append(self._number(parts.shared))
        self._extra.update(parts.extra.keys())

    def __len__(self) -> int:
        """How many came."""
        return len(self._shared)

    def outs(self) -> Iterator[str]:
        """The outputs of all in the order in which they came."""
        return (self._renamed.get(index, out).decode() for index, out in enumerate(self._columns["out"]))

    def rename(self, index: int, out: str) -> None:
        """Give the one that came at this place another output."""
        self._renamed[index] = out.encode()

    def items(self, *, without: Collection[int] = ()) -> Items:
        """All of them but those that came at some places, in order of their outputs."""
        import pyarrow as pa
        import pyarrow.compute as pc

        for index in without:
            self._extra.subtract(json.loads(self._columns["rest"][index])[1].keys())
        outs = self._columns["out"]
        if self._renamed:
            outs = _Column()
            for out in self.outs():
                outs.add(out.encode())
        columns = {name: column.array() for name, column in (self._columns | {"out": outs}).items()}
        table = pa.table(columns | {"shared": numbers(self._shared, np.int32)}, schema=schema())
        pool = pa.system_memory_pool()  # Arrow's own one keeps what was freed
        # as UTF-8 sorts, so do the signs that it stands for
        order = as_numpy(pc.call_function("sort_indices", [columns["out"]], memory_pool=pool), np.int64)
        if without:
            order = order[~np.isin(order, np.fromiter(without, np.int64, len(without)))]
        extra = tuple(name for name, count in self._extra.items() if count > 0)
        return Items(table, list(self._settings), root=self._root, extra=extra, chosen=order)

    def _number(self, shared: ClipSettings) -> int:
        known = self._known.get(id(shared))
        if known is None:
            if len(self._known) >= KNOWN:
                self._known.clear()
            known = shared, self._settings.setdefault(shared, len(self._settings))
            self._known[id(shared)] = known  # which keeps it, so that its identity stays its own
        return known[1]


class _Column:
    """Texts one behind the other, in a file until they are all there: what grows in memory leaves holes in it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._ends = array("i", [0])

    def add(self, value: bytes) -> None:
        end = self._ends[-1] + len(value)
        if end > MOST:
            raise InputError("expected at most 2 GB of texts in one batch; render the list in parts")
        self._file.write(value)
        self._ends.append(end)

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        return (self._file.read(end - begin) for begin, end in pairwise(self._ends))

    def __getitem__(self, index: int) -> bytes:
        self._file.seek(self._ends[index])
        return self._file.read(self._ends[index + 1] - self._ends[index])

    def array(self) -> pa.Array:
        """All of them; nothing may be added any more."""
        self._file.seek(0)
        data = self._file.read()
        self._file.close()
        return binary_column(data, np.frombuffer(self._ends, np.int32))


def text(data: bytes) -> str:
    """What a column's bytes say."""
    return data.decode(errors="surrogatepass")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
