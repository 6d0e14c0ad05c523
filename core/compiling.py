"""What numba makes of a function: an object file that needs nothing but the C library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import compiler, config, registry, sigutils

from .compiled import Source

C_LIBRARY = {"memset", "memcpy", "memmove", "exp2f", "log2f", "logf", "expf", "sqrtf", "log", "log2", "exp", "sqrt"}


def build(source: Source) -> tuple[str, bytes]:
    """The symbol of a source's function and its machine code; raises RuntimeError where that needs numba to run."""
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
    library = result.library
    library._ensure_finalized()
    module = library._final_module
    wanted = {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")}
    if missing := wanted - C_LIBRARY:
        raise RuntimeError(f"{source.function.__name__} needs {', '.join(sorted(missing))} when it runs")
    return result.fndesc.llvm_func_name, library._codegen._tm.emit_object(module)


@contextmanager
def always_compiled() -> Iterator[None]:
    """Whatever NUMBA_DISABLE_JIT says."""
    before = config.DISABLE_JIT  # pyright: ignore[reportAttributeAccessIssue]
    config.DISABLE_JIT = 0  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        config.DISABLE_JIT = before  # pyright: ignore[reportAttributeAccessIssue]
