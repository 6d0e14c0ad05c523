"""The CPU rasterizer's kernels on 64-bit ARM, without such a computer: is the picture the one that is drawn here?

    apt install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    python benchmarks/arm_check.py
    python benchmarks/arm_check.py --avatar person1 --size 256 --processor cortex-a76

A frame is drawn here and every call of a kernel written down: its arguments, and what lies in their arrays before. The
same code is compiled for ARM and linked into a small C program that makes the same calls, with arguments as
core/compiled.py passes them, and runs under qemu. Compared are what the calls return and the picture.

Two things differ from an ARM computer: numba's own loops are not made into vectors for ARM, because the code is that
for the plainest x86 (ours are vectors anyway); and macOS puts arguments closer together on the stack.
"""

from __future__ import annotations

import argparse
import os

os.environ |= {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}  # no instruction that x86 alone has

import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from raster import avatar, camera_before, head

from emosplat.core.compiled import Compiled, Source, _Array, _parsed
from emosplat.core.compiling import build_for
from emosplat.renderer import cpu, kernels

TRIPLE = "aarch64-linux-gnu"
CALLS = {  # as renderer/cpu.py names them
    "project_gaussians": ("project", "project"),
    "sort_keys": ("sort", "sort"),
    "fill_lists": ("sort", "fill"),
    "blend_tiles": ("blend", "blend"),
}
LINE = 64  # bytes: arrays keep their place relative to it
C_TYPES = {"c_int": "int32_t", "c_long": "int64_t", "c_float": "float", "c_double": "double", "c_void_p": "void *"}


@dataclass
class Memory:
    """Arrays that share memory, as they were before a kernel saw them first."""

    array: np.ndarray
    address: int
    before: bytes

    @property
    def name(self) -> str:
        return f"m{self.address:x}"


@dataclass
class Tape:
    """The calls of a frame, as C, and the memory that they work on."""

    calls: list[str] = field(default_factory=list)
    memories: dict[int, Memory] = field(default_factory=dict)
    returned: list[list[int]] = field(default_factory=list)

    def listen(self, name: str, source: Source, call: Compiled) -> Any:
        """`call`, which writes down what it is called with."""
        result, kinds = _parsed(source.signature)

        def called(*arguments: Any) -> Any:
            words: list[str] = []
            for kind, argument in zip(kinds, arguments, strict=True):
                flat = kind.flat(argument)
                if isinstance(kind, _Array):
                    memory = self._memory(argument)
                    place = f"{memory.name} + {flat[4] - memory.address}"
                    words += ["0", "0", str(flat[2]), str(flat[3]), place, *map(str, flat[5:])]
                else:
                    words += [float(n).hex() if isinstance(n, float) else str(n) for n in flat]
            self.calls.append(f"{name}(result, &failure, {', '.join(words)})")
            found = call(*arguments)
            numbers = found if isinstance(found, tuple) else (found,)
            self.returned.append([] if found is None else [int(n) for n in numbers])
            assert len(numbers) == result.count
            return found

        return called

    def _memory(self, array: np.ndarray) -> Memory:
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        address = owner.ctypes.data
        if address not in self.memories:
            self.memories[address] = Memory(owner, address, owner.tobytes())
        return self.memories[address]


def record(subject: Any, camera: Any) -> tuple[Tape, np.ndarray, Sequence[Memory]]:
    """Draw a frame here; returns its tape, the picture [H, W, 4] and the memory that holds it."""
    scene = cpu.CpuRasterizer("to be compared").load(subject.gaussians, subject.parents)
    tape = Tape()
    for name, (module, function) in CALLS.items():
        source = getattr(import_module(f"{kernels.__name__}.{module}"), function)
        setattr(cpu, name, tape.listen(name, source, getattr(cpu, name)))
    image = scene.render_float(camera, subject.transforms)[0]
    return tape, image, [m for m in tape.memories.values() if np.shares_memory(m.array, image)]


def program(tape: Tape, symbols: dict[str, str], results: Sequence[Memory]) -> str:
    """The C program: memory from files, the calls, what they return on stdout, `results` into files."""
    lines = ["#include <stdint.h>", "#include <stdio.h>", "#include <stdlib.h>", "#include <string.h>"]
    for name, (module, function) in CALLS.items():
        source = getattr(import_module(f"{kernels.__name__}.{module}"), function)
        types = [C_TYPES[kind.__name__] for argument in _parsed(source.signature)[1] for kind in argument.types]
        told = ", ".join(["int64_t *", "void **", *types])
        lines.append(f'int32_t {name}({told}) __asm__("{symbols[name]}");')
    lines += [
        "static char *load(const char *name, long size, long place) {",
        f"  char *memory = (char *)aligned_alloc({LINE}, (size + place + {2 * LINE}) / {LINE} * {LINE}) + place;",
        '  FILE *file = fopen(name, "rb"); if (!file || fread(memory, 1, size, file) != size) abort();',
        "  fclose(file); return memory;",
        "}",
        "int main(void) {",
        "  int64_t result[8]; void *failure = 0; int32_t status; FILE *file;",
    ]
    for memory in tape.memories.values():
        lines.append(f'  char *{memory.name} = load("{memory.name}", {len(memory.before)}, {memory.address % LINE});')
    for call, returned in zip(tape.calls, tape.returned, strict=True):
        lines += ["  memset(result, 0, sizeof result);", f"  status = {call};", '  printf("%d", status);']
        lines += [f'  printf(" %ld", (long)result[{k}]);' for k in range(len(returned))] + ['  printf("\\n");']
    for memory in results:
        lines.append(f'  file = fopen("{memory.name}.after", "wb");')
        lines.append(f"  fwrite({memory.name}, 1, {len(memory.before)}, file); fclose(file);")
    return "\n".join([*lines, "  return 0;", "}", ""])


def run(tape: Tape, results: Sequence[Memory], folder: Path, processor: str) -> list[list[int]]:
    """Compile, link and run under qemu; returns status and result of every call."""
    symbols, objects = {}, []
    for name, (module, function) in CALLS.items():
        source = getattr(import_module(f"{kernels.__name__}.{module}"), function)
        symbols[name], code = build_for(source, TRIPLE, processor=processor)
        objects.append(folder / f"{name}.o")
        objects[-1].write_bytes(code)
        print(f"{name}: {len(code)} bytes for {TRIPLE}, {processor}")
    for memory in tape.memories.values():
        (folder / memory.name).write_bytes(memory.before)
    (folder / "main.c").write_text(program(tape, symbols, results), encoding="ascii")
    link = [f"{TRIPLE}-gcc", "-O1", "-static", "-o", "main", "main.c", *map(str, objects), "-lm"]
    subprocess.run(link, cwd=folder, check=True)
    begin = time.perf_counter()
    said = subprocess.run(["qemu-aarch64", "./main"], cwd=folder, check=True, capture_output=True, text=True).stdout
    print(f"ran under qemu in {time.perf_counter() - begin:.1f} s")
    return [[int(word) for word in line.split()] for line in said.splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="Gaussians of the synthetic head")
    parser.add_argument("--avatar", help="a built-in avatar instead")
    parser.add_argument("--size", type=int, default=128, help="pixels a side")
    parser.add_argument("--processor", default="generic", help="as LLVM names it, for instance cortex-a76 or apple-m1")
    options = parser.parse_args()
    subject = avatar(options.avatar) if options.avatar else head(options.count)
    tape, image, results = record(subject, camera_before(subject, options.size, options.size))
    here = image.copy()
    with tempfile.TemporaryDirectory() as folder:
        found = run(tape, results, Path(folder), options.processor)
        (memory,) = results
        there = np.frombuffer((Path(folder) / f"{memory.name}.after").read_bytes(), np.float32).reshape(here.shape)
    for call, returned, answer in zip(CALLS, tape.returned, found, strict=True):
        same = answer[0] in (0, -2) and answer[1:] == returned
        print(f"{call}: status {answer[0]}, returned {answer[1:]}, here {returned}{'' if same else ': NOT THE SAME'}")
    difference = np.abs(there - here)
    psnr = -10 * np.log10(max(1e-30, np.mean(difference.astype(np.float64) ** 2)))
    print(f"picture {here.shape[1]}x{here.shape[0]}: {psnr:.0f} dB, largest difference {difference.max():.1e}")


if __name__ == "__main__":
    main()
