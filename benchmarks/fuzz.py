"""Millions of mutated files for every parser of files from outside, by coverage-guided fuzzing (needs `atheris`).

    python benchmarks/fuzz.py pickle --runs 1000000

A parser may refuse a file (InputError, one line) or read it. Anything else counts as a find: another exception, more
than 5 s, more than 2 GiB of memory, a process started or a connection made by what was read.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

import atheris  # pyright: ignore[reportMissingImports]
from fuzz_parsers import FOLDER, PARSERS, InputError, one_line
from fuzz_seeds import seeds

FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove", "subprocess", "socket.connect")
watching = False


def forbid(event: str, arguments: tuple[Any, ...]) -> None:
    """End the program when what is read makes it do something."""
    if watching and event.startswith(FORBIDDEN):
        print(f"find: {event} {arguments}", file=sys.stderr)
        os._exit(77)


def main() -> None:
    """Fuzz one parser."""
    parser = argparse.ArgumentParser(description="Fuzz one parser.")
    parser.add_argument("parser", choices=PARSERS)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=0, help="End earlier, after so long.")
    options = parser.parse_args()
    read, name = PARSERS[options.parser]
    path, corpus = FOLDER / name, FOLDER / "corpus"
    corpus.mkdir()
    for i, data in enumerate(seeds(options.parser, FOLDER)):
        (corpus / f"{i}").write_bytes(data)

    def one(data: bytes) -> None:
        global watching  # noqa: PLW0603  # the audit hook cannot be taken off again
        path.write_bytes(data)
        watching = True
        try:
            read(path)
        except InputError as error:
            one_line(error)
        finally:
            watching = False

    sys.addaudithook(forbid)
    limits = [
        "-max_len=4096",
        f"-max_total_time={options.seconds}",
        "-timeout=5",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]
    os.chdir(FOLDER)  # finds are written here
    print(f"finds and corpus: {FOLDER}")
    atheris.Setup([sys.argv[0], f"-runs={options.runs}", *limits, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
