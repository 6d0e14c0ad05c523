"""The order in which the measures of a MusicXML score are played: repeats, endings, and a jump back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from ...core.errors import InputError
from .musicxml_elements import attribute, parse_number

MOST_MEASURES = 20_000  # played, repeats included
MOST_TIMES = 20  # that a passage is repeated


@dataclass
class _Signs:
    """What the signs of a measure say of all parts."""

    forward: bool = False  # a repeat begins here
    times: int = 0  # that the passage is played which ends here
    ending: frozenset[int] = frozenset()  # the times at which it is played, any if empty
    # jumps, by what a player is to do: name of the sign to jump to, "" where there is none
    segno: str = ""
    coda: str = ""
    da_capo: bool = False
    dal_segno: str = ""
    to_coda: str = ""
    fine: bool = False


def playing_order(parts: Sequence[Sequence[tuple[str, Element]]], count: int, source: str) -> list[tuple[int, int]]:
    """Of `count` measures the order in which they are played, and the how many-th time each is.

    `parts`: of each part the measures, with what they are called. A jump back is followed once, after all repeats, and
    from then on every passage is played once, with its last ending. Raises InputError, which `source` begins.
    """
    signs = _signs(parts, count, source)
    order = _repeated(signs, source)
    jumps = [i for i, (at, _) in enumerate(order) if signs[at].da_capo or signs[at].dal_segno]
    if not jumps:
        return order
    first = order[jumps[0]][0]
    order = order[: 1 + max(i for i in jumps if order[i][0] == first)]
    return order + _after_jump(signs, first, order)


def _signs(parts: Sequence[Sequence[tuple[str, Element]]], count: int, source: str) -> list[_Signs]:
    signs = [_Signs() for _ in range(count)]
    for part in parts:
        ending: frozenset[int] = frozenset()
        for (name, element), here in zip(part, signs, strict=False):
            over = False
            for mark in element.iterfind("barline/ending"):
                over = over or attribute(mark, "type") in ("stop", "discontinue")
                if attribute(mark, "type") == "start":
                    numbers = [int(n) for n in re.findall(r"(?<!\d)\d{1,2}(?!\d)", attribute(mark, "number"))]
                    ending = frozenset(n for n in numbers if 0 < n <= MOST_TIMES)
            here.ending = here.ending or ending
            ending = frozenset() if over else ending
            for repeat in element.iterfind("barline/repeat"):
                if attribute(repeat, "direction") == "forward":
                    here.forward = True
                else:
                    times = parse_number(attribute(repeat, "times") or "2", f"{source}: measure {name}: repeat times")
                    here.times = max(here.times, int(min(times, MOST_TIMES)))
            for sound in (*element.iterfind("sound"), *element.iterfind("direction/sound")):
                here.segno = here.segno or attribute(sound, "segno")
                here.coda = here.coda or attribute(sound, "coda")
                here.da_capo = here.da_capo or attribute(sound, "dacapo") == "yes"
                here.dal_segno = here.dal_segno or attribute(sound, "dalsegno")
                here.to_coda = here.to_coda or attribute(sound, "tocoda")
                here.fine = here.fine or bool(attribute(sound, "fine"))
    return signs


def _repeated(signs: Sequence[_Signs], source: str) -> list[tuple[int, int]]:
    """The order with repeats and endings alone."""
    order: list[tuple[int, int]] = []
    lasts = _last_times(signs)
    at = start = 0
    time = 1
    while at < len(signs):
        here = signs[at]
        over = time > 1 and not here.ending and at > 0 and signs[at - 1].ending  # beyond the endings of a repeat
        if (here.forward or over) and at != start:
            start, time = at, 1
        if here.ending and time not in here.ending:
            at += 1
            continue
        order.append((at, time))
        if len(order) > MOST_MEASURES:
            raise InputError(f"{source}: expected at most {MOST_MEASURES} measures with all repeats, found more")
        if here.times and time < lasts[at]:
            at, time = start, time + 1
            continue
        at += 1
        if here.times and not here.ending:
            start, time = at, 1
    return order


def _after_jump(signs: Sequence[_Signs], jump: int, before: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is played from a jump on; it takes place after the measure `jump`."""
    played = dict(before)  # the last time of each measure
    segnos = {sign.segno: i for i, sign in enumerate(signs) if sign.segno and i <= jump}
    codas = {sign.coda: i for i, sign in enumerate(signs) if sign.coda}
    order: list[tuple[int, int]] = []
    lasts = _last_times(signs)
    at = segnos.get(signs[jump].dal_segno, 0)
    while at < len(signs):
        here = signs[at]
        if here.ending and max(here.ending) < lasts[at]:
            at += 1
            continue
        order.append((at, played.get(at, 0) + 1))
        if here.fine:
            break
        at = max(at + 1, codas.get(here.to_coda, 0))
    return order


def _last_times(signs: Sequence[_Signs]) -> list[int]:
    """How often the passage is played that each measure would end, as its repeat or the endings about it say."""
    lasts: list[int] = []
    for i, here in enumerate(signs):
        last = max(here.ending, default=0)
        lasts.append(max(last, lasts[-1]) if i and signs[i - 1].ending and here.ending else last)
    for i in range(len(signs) - 2, -1, -1):
        if signs[i].ending and signs[i + 1].ending:
            lasts[i] = lasts[i + 1]
    return [max(last, 2) if here.ending else here.times for last, here in zip(lasts, signs, strict=True)]
