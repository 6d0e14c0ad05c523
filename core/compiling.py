"""What numba makes of a function: an object file that needs nothing but the C library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import compiler, config, registry, sigutils

from .compiled import Source

C_LIBRARY = {"memset", "memcpy", "memmove", "exp2f", "log2f", "logf", "expf", "sqrtf", "log", "log2", "exp", "sqrt"}


def build(source: Source) -> tuple[str, bytes]:
    """The symbol of a source's function and its machine code; raises RuntimeError where that needs numba to run."""
    symbol, library = _compiled(source)
    module = library._final_module
    wanted = {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")}
    if missing := wanted - C_LIBRARY:
        raise RuntimeError(f"{source.function.__name__} needs {', '.join(sorted(missing))} when it runs")
    return symbol, library._codegen._tm.emit_object(module)


def build_for(source: Source, triple: str, *, processor: str = "generic") -> tuple[str, bytes]:
    """The same for another kind of computer, `aarch64-linux-gnu`: from code that knows this one's word size only.

    To see whether it can be done; a computer of that kind compiles its own.
    """
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=processor, opt=3, reloc="pic")
    symbol, library = _compiled(source)
    text = re.sub(r"^target .*\n", "", str(library._final_module), flags=re.MULTILINE)
    module = llvm.parse_assembly(re.sub(r'"target-(cpu|features)"="[^"]*"', "", text))
    module.triple, module.data_layout = triple, str(machine.target_data)
    return symbol, machine.emit_object(module)


def _compiled(source: Source) -> tuple[str, Any]:
    """The symbol of a source's function, and numba's library that holds it."""
    arguments, returned = sigutils.normalize_signature(source.signature)
    flags: Any = compiler.Flags()
    flags.no_cpython_wrapper = True
    flags.no_cfunc_wrapper = True
    flags.error_model = "numpy"
    target: Any = registry.cpu_target
    with always_compiled():
        result = compiler.compile_extra(
            target.typing_context, target.target_context, source.function, arguments, returned, flags, {}
        )
    result.library._ensure_finalized()
    return result.fndesc.llvm_func_name, result.library


@contextmanager
def always_compiled() -> Iterator[None]:
    """Whatever NUMBA_DISABLE_JIT says."""
    before = config.DISABLE_JIT  # pyright: ignore[reportAttributeAccessIssue]
    config.DISABLE_JIT = 0  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        config.DISABLE_JIT = before  # pyright: ignore[reportAttributeAccessIssue]
