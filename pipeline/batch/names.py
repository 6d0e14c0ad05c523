"""Names of the outputs: a template filled in per item, kept inside the batch's folder and apart from one another."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath

from ...core.errors import InputError
from ..media.outputs import video_formats

# what Windows takes for a device, with any suffix
RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(?= *(\.|$))", re.IGNORECASE)
DRIVE = re.compile(r"(^|/)[A-Za-z]:")  # with which Windows leaves a folder
LONGEST = 200  # bytes of one part of a path; leaves room for what is added to it


@cache
def suffixes() -> tuple[str, ...]:
    """Of the formats that a batch can write: one file with picture and sound, both of which it decodes again."""
    return tuple(format.suffix for format in video_formats() if format.audio_codec and not format.is_folder)


def portable(part: str) -> str:
    """A part of a path as Windows can have it: `CON` becomes `CON_`, dots and spaces at the end go.

    >>> portable("nul.take1"), portable("etc.")
    ('nul_.take1', 'etc')
    """
    kept = part.rstrip(". ") or part  # dots alone are refused elsewhere
    device = RESERVED.match(kept)
    return kept if device is None else f"{kept[: device.end()]}_{kept[device.end() :]}"


def shortened(part: str) -> str:
    """A part of a path, without suffix, that is not too long: where it is, its beginning and a hash of all of it."""
    data, most = part.encode(), LONGEST - max(map(len, suffixes()))
    if len(data) <= most:
        return part
    mark = f"-{sha256(data).hexdigest()[:8]}"
    return data[: most - len(mark)].decode(errors="ignore") + mark


def fill_template(template: str, values: Mapping[str, str], *, option: str = "--name", safe: bool = True) -> str:
    """`{id}_{avatar}` with its values, `safe` ones for names; raises InputError for anything but known plain fields."""
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise InputError(f"{option} {template!r}: {error}") from None
    name = ""
    for text, field, spec, conversion in pieces:
        name += text
        if field is None:
            continue
        if field not in values or spec or conversion:
            known = ", ".join(f"{{{v}}}" for v in values)
            raise InputError(f"{option} {template!r}: {{{field}}} is none of {known}")
        name += safe_part(values[field], slashes=field == "id") if safe else values[field]
    return name


def safe_part(value: str, *, slashes: bool = False) -> str:
    """`value` with everything that file systems, shells or URLs may trip over replaced by a hyphen."""
    value = unicodedata.normalize("NFC", value)
    kept = r"[^\w.,+=@/-]+" if slashes else r"[^\w.,+=@-]+"
    return re.sub(kept, "-", value).strip("-") or "-"


def relative_name(name: str, *, source: str) -> str:
    """The relative output path `name`, made canonical; raises InputError for one that no batch can have."""
    path = PurePosixPath(name)
    parts = path.parts
    if not parts or path.is_absolute() or "\\" in name or "\0" in name or ".." in parts or DRIVE.search(name):
        raise InputError(f"{source}: output {name!r}: expected a path inside the output folder")
    if hidden := next((p for p in parts if p.startswith(".")), None):
        raise InputError(f"{source}: output {name!r}: expected no part that begins with a dot, found {hidden!r}")
    if path.suffix.lower() not in suffixes():
        raise InputError(f"{source}: output {name!r}: expected a suffix of {', '.join(suffixes())}")
    if any("\ud800" <= sign <= "\udfff" for sign in name):
        raise InputError(f"{source}: output {name!r}: expected a name in Unicode, found halves of signs")
    if long := next((p for p in parts if len(p.encode()) > LONGEST), None):
        raise InputError(f"{source}: output {long[:40]!r}...: expected at most {LONGEST} bytes per name")
    return str(path)


def leads_out(folder: Path, below: str) -> bool:
    """Whether symbolic links lead out of a folder on the way to the one `below`. A link as a file is replaced."""
    root = folder.resolve()
    return not (root / below).resolve().is_relative_to(root)


def led_out(name: str, folder: Path, *, source: str) -> str:
    """What is wrong with a name on whose way a link `leads_out`."""
    return f"{source}: output {name!r}: a symbolic link leads out of {folder}"


def folded(name: str) -> str:
    """What names have in common that file systems may take for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def told_apart(name: str, *, by: Sequence[str]) -> str:
    """`clip.mp4` with further words before its suffix: `clip-wav.mp4`."""
    path = PurePosixPath(name)
    return str(path.with_name(shortened("-".join([path.stem, *map(safe_part, by)])) + path.suffix))


def collisions(names: Iterable[tuple[str, str]]) -> dict[int, str]:
    """What is wrong with those of the (name, origin) that an earlier one leaves no place for, by their index.

    Names collide also where only case differs, and where a file would be another's folder.
    """
    wrong: dict[int, str] = {}
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for index, (name, origin) in enumerate(names):
        key = folded(name)
        above = [str(parent) for parent in PurePosixPath(key).parents]
        if key in files:
            wrong[index] = f"output {name!r} would be written twice, for {files[key]} and for {origin}"
        elif taken := next((parent for parent in above if parent in files), None):
            wrong[index] = f"output {name!r} of {origin}: {taken!r} is also a folder, it is the file of {files[taken]}"
        elif key in folders:
            wrong[index] = f"output {name!r} of {origin} is also a folder, of {folders[key]}"
        else:
            files[key] = origin
            folders |= {parent: origin for parent in above}
    return wrong


def format_suffix(name: str) -> str:
    """The suffix of `--format mp4`; raises InputError."""
    suffix = "." + name.lower().lstrip(".")
    if suffix not in suffixes():
        raise InputError(f"--format {name!r}: expected one of {', '.join(s[1:] for s in suffixes())}")
    return suffix
