"""The registry of corpora."""

from pathlib import Path

from emosplat.blendshapes.data import CORPORA

PAGE = Path(__file__).parents[3] / "docs" / "datasets.md"


def test_the_document_tells_what_is_read_of_each_corpus() -> None:
    rows = [line.split("|")[1:-1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    told = {name.strip(" `"): tuple(bool(cell.strip()) for cell in read) for name, _, *read in rows}
    readers = {name: (corpus.recordings, corpus.meshes, corpus.fits) for name, corpus in CORPORA.items()}
    assert told == {name: tuple(reader is not None for reader in read) for name, read in readers.items()}
    assert all(any(read) for read in told.values())
