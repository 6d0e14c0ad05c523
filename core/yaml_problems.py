"""What is wrong with a YAML file, its syntax or the values that pydantic refuses: the line, the field, and why."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    from pydantic import ValidationError


class Misplaced(ValueError):
    """What a check of a whole finds wrong with a part: `location` says where the part stands."""

    def __init__(self, problem: str, *location: int | str) -> None:
        super().__init__(problem)
        self.location = location


def yaml_values(text: str, *, source: str) -> Any:
    """The plain values that a YAML text holds; raises InputError, which `source` begins."""
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{source}: {syntax_problem(error)}") from None


def syntax_problem(error: Exception) -> str:
    """What `yaml` found, with the line where it tells one."""
    from yaml import MarkedYAMLError

    if isinstance(error, MarkedYAMLError):
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return f"line {line}: {error.problem or 'is no YAML'}"
    return f"is no YAML: {' '.join(str(error).split())[:200]}"


def first_problem(error: ValidationError, root: Any, *, tags: Collection[str], whole: str) -> str:
    """Line, field and what is wrong with it: a misspelt field before the one that is missing for it.

    root: the composed YAML node; None where there is no text, and no line is named
    tags: what pydantic adds to a location to name the kind of a part; whole: what to call the file as a whole
    """
    errors = error.errors()
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    found_by = first.get("ctx", {}).get("error")
    told = found_by.location if isinstance(found_by, Misplaced) else ()
    location = [part for part in (*first["loc"], *told) if part not in tags]
    line = "" if root is None else f"line {_line(root, location)}: "
    field = " ".join(".".join(map(str, location)).split())[:200] or whole  # keys may be anything
    if first["type"] == "extra_forbidden":
        return f"{line}{field}: there is no such field"
    problem = first["msg"].removeprefix("Value error, ")
    scalar = isinstance(first["input"], str | int | float | bool)
    found = f", found {str(first['input'])[:60]!r}" if scalar else ""
    return f"{line}{field}: {problem[:1].lower()}{problem[1:]}{found}"


def _line(node: Any, location: list[int | str]) -> int:
    """The line on which the deepest part of `location` that exists begins."""
    line = node.start_mark.line + 1
    for part in location:
        children = node.value if isinstance(node.value, list) else []
        keys = [pair for pair in children if isinstance(pair, tuple) and pair[0].value == str(part)]
        if keys:
            line, node = keys[0][0].start_mark.line + 1, keys[0][1]
        elif isinstance(part, int) and part < len(children) and not isinstance(children[part], tuple):
            node = children[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line
