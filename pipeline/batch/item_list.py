"""Very many items in little memory: as columns, of which items are made anew whenever they are asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from ..settings import ClipSettings
from .items import Item, Parts, shard_of

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 4096  # rows that are made at a time
KNOWN = 1000  # settings that are told by their identity, which is faster


class Record(NamedTuple):
    """An item as its columns tell it; texts are UTF-8, halves of signs as they are."""

    out: bytes
    id: bytes
    audio: bytes
    shared: int  # place of its settings
    rest: bytes  # JSON of emotion track, further columns, own settings
    sought: bytes | None


def schema() -> pa.Schema:
    """The columns of `Record`."""
    import pyarrow as pa

    kinds = {"shared": pa.int32()}
    return pa.schema([(name, kinds.get(name, pa.large_binary())) for name in Record._fields])


class Items(Sequence[Item]):
    """Items, 150 bytes each, in order of their outputs.

    `shared` are settings that many have in common, `extra` the names of further columns of the manifest.
    """

    def __init__(
        self,
        table: pa.Table,
        shared: list[ClipSettings],
        extra: tuple[str, ...],
        chosen: NDArray[np.int64] | None = None,
    ) -> None:
        self.shared, self.extra = shared, extra
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
        for batch in self.tables():
            yield from map(Record, *(column.to_pylist() for column in batch.columns))

    def tables(self) -> Iterator[pa.Table]:
        """All of them in pieces of `AT_ONCE`."""
        for begin in range(0, len(self), AT_ONCE):
            if self._chosen is None:
                yield self._table.slice(begin, AT_ONCE)
            else:
                yield self._table.take(self._chosen[begin : begin + AT_ONCE])

    def parts(self, record: Record) -> Parts:
        """What a record says."""
        track, extra, own = json.loads(record.rest)
        sought = None if record.sought is None else _text(record.sought)
        shared = self.shared[record.shared]
        return Parts(_text(record.id), _text(record.audio), _text(record.out), shared, own, track, extra, sought)

    def only(self, indices: Sequence[int] | NDArray[np.int64]) -> Items:
        """Those at these places."""
        places = np.asarray(indices, np.int64)
        return Items(self._table, self.shared, self.extra, places if self._chosen is None else self._chosen[places])

    def share(self, part: int, parts: int) -> Items:
        """Those of one part (see `shard_of`), grouped by avatar."""
        avatars = sorted({settings.avatar for settings in self.shared})
        rank = np.array([avatars.index(settings.avatar) for settings in self.shared], np.int32)
        numbers = np.concatenate([np.zeros(0, np.int64), *(t["shared"].to_numpy() for t in self.tables())])
        order = np.argsort(rank[numbers.astype(np.int64)], kind="stable") if len(avatars) > 1 else None
        if parts > 1:
            own = np.fromiter((shard_of(_text(r.id), parts) == part for r in self.records()), np.bool_, len(self))
            order = np.flatnonzero(own) if order is None else order[own[order]]
        return self if order is None else self.only(order)


class ItemsMaker:
    """Collects items for `Items`: what many have in common is kept once."""

    def __init__(self) -> None:
        self._waiting: list[Record] = []
        self._columns: list[list[pa.Array]] = [[] for _ in Record._fields]  # in pieces of `AT_ONCE`
        self._renamed: dict[int, bytes] = {}
        self._shared: dict[ClipSettings, int] = {}
        self._numbers: dict[int, tuple[ClipSettings, int]] = {}  # by identity
        self._extra: Counter[str] = Counter()

    def add(self, parts: Parts) -> None:
        """Take in one more; its output must be a text that UTF-8 can tell."""
        rest = json.dumps([parts.emotion_track, parts.extra, parts.own]).encode()
        sought = None if parts.sought is None else _bytes(parts.sought)
        number = self._number(parts.shared)
        self._waiting.append(Record(parts.out.encode(), _bytes(parts.id), _bytes(parts.audio), number, rest, sought))
        self._extra.update(parts.extra.keys())
        if len(self._waiting) == AT_ONCE:
            self._pack()

    def out(self, index: int) -> str:
        """The output of the one that came at this place."""
        return (self._renamed.get(index) or self._value("out", index)).decode()

    def rename(self, index: int, out: str) -> None:
        """Give the one that came at this place another output."""
        self._renamed[index] = out.encode()

    def items(self, *, without: Collection[int] = ()) -> Items:
        """All of them but those that came at some places, in order of their outputs; the maker is empty afterwards."""
        import pyarrow as pa
        import pyarrow.compute as pc

        for index in without:
            self._extra.subtract(json.loads(self._value("rest", index))[1].keys())
        self._pack()
        fields = schema()
        whole: list[pa.Array] = []
        for number, (field, pieces) in enumerate(zip(fields, self._columns, strict=True)):
            if number == 0:
                self._rename(pieces)
            whole.append(pa.concat_arrays(pieces) if pieces else pa.array([], field.type))
            pieces.clear()  # so that no column is there twice for long
        order = pc.sort_indices(whole[0]).to_numpy().astype(np.int64)  # as UTF-8 sorts, so do the signs it stands for
        if without:
            order = order[~np.isin(order, np.fromiter(without, np.int64, len(without)))]
        extra = tuple(name for name, count in self._extra.items() if count > 0)
        return Items(pa.Table.from_arrays(whole, schema=fields), list(self._shared), extra, order)

    def _number(self, shared: ClipSettings) -> int:
        known = self._numbers.get(id(shared))
        if known is None:
            if len(self._numbers) >= KNOWN:
                self._numbers.clear()
            known = shared, self._shared.setdefault(shared, len(self._shared))
            self._numbers[id(shared)] = known  # which keeps it, so that its identity stays its own
        return known[1]

    def _pack(self) -> None:
        import pyarrow as pa

        if self._waiting:
            values = zip(*self._waiting, strict=True)
            for pieces, field, column in zip(self._columns, schema(), values, strict=True):
                pieces.append(pa.array(column, field.type))
            self._waiting = []

    def _rename(self, pieces: list[pa.Array]) -> None:
        import pyarrow as pa

        for piece in {index // AT_ONCE for index in self._renamed}:
            outs = enumerate(pieces[piece].to_pylist(), start=piece * AT_ONCE)
            pieces[piece] = pa.array([self._renamed.get(i, out) for i, out in outs], pieces[piece].type)

    def _value(self, name: str, index: int) -> bytes:
        piece, place = divmod(index, AT_ONCE)
        pieces = self._columns[Record._fields.index(name)]
        return pieces[piece][place].as_py() if piece < len(pieces) else getattr(self._waiting[place], name)


def _text(data: bytes) -> str:
    return data.decode(errors="surrogatepass")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
