"""The phones the teacher knows, and the way from ARPABET (flite, pocketsphinx) and IPA (espeak-ng) to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

SILENCE = "SIL"


class Segment(NamedTuple):
    """A phone and the time it sounds, in seconds."""

    start: float
    end: float
    phone: str


# Targets of the eight axes, 0..1, chosen by hand from phonetics textbooks (Ladefoged & Johnson, A Course in Phonetics).
# Mostly ARPABET; AX schwa, YY and OE front rounded vowels, X back fricatives and glottal stops;
# OW1 OW2, A1, EY1, OY1, Y2 are the halves of diphthongs.
_TABLE = """
      jaw  close round wide upper lower tuck tongue
SIL   0    0     0     0    0     0     0    0
AA    1.0  0     0     .15  .20   .45   0    0
AE    .85  0     0     .45  .30   .50   0    0
AH    .60  0     0     .20  .15   .35   0    0
AX    .42  0     0     .15  .10   .25   0    0
AO    .75  0     .55   0    .10   .35   0    0
EH    .60  0     0     .45  .25   .45   0    0
ER    .35  0     .45   0    .20   .30   0    0
IH    .38  0     0     .50  .20   .40   0    0
IY    .25  0     0     .85  .25   .45   0    .1
UH    .35  0     .60   0    .10   .30   0    0
UW    .22  0     1.0   0    .10   .20   0    0
OW1   .55  0     .70   0    .10   .30   0    0
OW2   .30  0     .95   0    .10   .20   0    0
A1    .90  0     0     .20  .20   .45   0    0
Y2    .30  0     0     .70  .25   .40   0    0
EY1   .50  0     0     .55  .25   .45   0    0
OY1   .60  0     .75   0    .10   .30   0    0
YY    .25  0     .90   0    .15   .25   0    0
OE    .45  0     .70   0    .15   .30   0    0
P     .14  1     0     0    0     0     0    0
B     .14  1     0     0    0     0     0    0
M     .14  1     0     0    0     0     0    0
F     .16  0     0     .10  .45   0     1    0
V     .16  0     0     .10  .40   0     1    0
TH    .24  0     0     .15  .20   .35   0    1
DH    .24  0     0     .15  .20   .35   0    1
T     .18  0     0     .25  .15   .35   0    .5
D     .20  0     0     .25  .15   .35   0    .5
N     .22  0     0     .25  .15   .35   0    .5
S     .08  0     0     .40  .30   .55   0    .3
Z     .08  0     0     .40  .30   .55   0    .3
SH    .12  0     .55   0    .40   .60   0    .2
ZH    .12  0     .55   0    .40   .60   0    .2
CH    .12  0     .55   0    .40   .60   0    .3
JH    .12  0     .55   0    .40   .60   0    .3
K     .32  0     0     .20  .15   .30   0    0
G     .32  0     0     .20  .15   .30   0    0
NG    .32  0     0     .20  .15   .30   0    0
L     .35  0     0     .20  .15   .35   0    .8
R     .26  0     .60   0    .20   .30   0    0
W     .20  0     1.0   0    .05   .10   0    0
Y     .25  0     0     .70  .20   .40   0    .1
HH    .45  0     0     .20  .15   .35   0    0
X     .40  0     0     .20  .15   .35   0    0
"""
TARGETS: dict[str, tuple[float, ...]] = {
    name: tuple(float(value) for value in values) for name, *values in map(str.split, _TABLE.strip().split("\n")[1:])
}
PHONES = tuple(TARGETS)  # silence is phone 0
INDEX = {phone: index for index, phone in enumerate(PHONES)}
VOWELS = frozenset(
    {
        "AA",
        "AE",
        "AH",
        "AX",
        "AO",
        "EH",
        "ER",
        "IH",
        "IY",
        "UH",
        "UW",
        "OW1",
        "OW2",
        "A1",
        "Y2",
        "EY1",
        "OY1",
        "YY",
        "OE",
    }
)
BILABIALS = frozenset({"P", "B", "M"})
LABIODENTALS = frozenset({"F", "V"})

# First half, second half, share of the first half.
DIPHTHONGS = {
    "AY": ("A1", "Y2", 0.55),
    "AW": ("A1", "OW2", 0.55),
    "EY": ("EY1", "Y2", 0.5),
    "OW": ("OW1", "OW2", 0.5),
    "OY": ("OY1", "Y2", 0.5),
}
_SAME_AS = {"DX": "D", "NX": "N", "EN": "N", "EM": "M", "EL": "L", "AXR": "ER", "IX": "IH", "UX": "UW", "HV": "HH"}
_SILENCES = frozenset(["", "SP", "SIL", "PAU", "SSIL", "<SIL>", "<S>", "</S>", "+SPN+", "+NSN+", "[SPEECH]"])
_SHORTEST = 1e-4  # seconds


def from_arpabet(labels: Iterable[tuple[float, float, str]]) -> list[Segment]:
    """Segments of (start, end, ARPABET label): diphthongs split, silences joined, unknown labels become X."""
    segments: list[Segment] = []
    for start, end, label in labels:
        if end - start <= _SHORTEST:
            continue
        name = label.upper().rstrip("012")
        name = SILENCE if name in _SILENCES else _SAME_AS.get(name, name)
        if name in DIPHTHONGS:
            first, second, share = DIPHTHONGS[name]
            middle = start + share * (end - start)
            segments += [Segment(start, middle, first), Segment(middle, end, second)]
        elif name == SILENCE and segments and segments[-1].phone == SILENCE:
            segments[-1] = segments[-1]._replace(end=end)
        else:
            segments.append(Segment(start, end, name if name in TARGETS else "X"))
    return segments


_IPA = {
    **dict.fromkeys("ɑa", "AA"),
    **dict.fromkeys("ɐəɘ", "AX"),
    **dict.fromkeys("ʌɤ", "AH"),
    **dict.fromkeys("ɚɜɝ", "ER"),
    **dict.fromkeys("ɔɒ", "AO"),
    **dict.fromkeys("ɪᵻɨ", "IH"),
    **dict.fromkeys("ʊɵ", "UH"),
    **dict.fromkeys("uʉɯ", "UW"),
    **dict.fromkeys("yʏ", "YY"),
    **dict.fromkeys("øœ", "OE"),
    **{"æ": "AE", "o": "OW1", "ɛ": "EH", "e": "EY1", "i": "IY", "p": "P", "f": "F", "θ": "TH", "ð": "DH", "t": "T"},
    **dict.fromkeys("bβ", "B"),
    **dict.fromkeys("mɱ", "M"),
    **dict.fromkeys("vʋ", "V"),
    **dict.fromkeys("dɾ", "D"),
    **dict.fromkeys("nɲ", "N"),
    **{"s": "S", "z": "Z", "ŋ": "NG"},
    **dict.fromkeys("ʃɕʂ", "SH"),
    **dict.fromkeys("ʒʑʐ", "ZH"),
    **dict.fromkeys("kcq", "K"),
    **dict.fromkeys("ɡgɟ", "G"),
    **dict.fromkeys("lɫʎɭ", "L"),
    **dict.fromkeys("rɹ", "R"),
    **dict.fromkeys("hɦ", "HH"),
    **dict.fromkeys("wɥʍ", "W"),
    **dict.fromkeys("jç", "Y"),
    **dict.fromkeys("ʁʀxχɣʔ", "X"),
}
_IPA_PAIRS = {
    "tʃ": "CH",
    "dʒ": "JH",
    **dict.fromkeys(["aɪ", "ɑɪ", "aj"], "AY"),
    **dict.fromkeys(["aʊ", "ɑʊ"], "AW"),
    "eɪ": "EY",
    **dict.fromkeys(["oʊ", "əʊ"], "OW"),
    "ɔɪ": "OY",
}


def from_ipa(labels: Iterable[tuple[float, float, str]]) -> list[Segment]:
    """Segments of (start, end, IPA string); stress and length marks are ignored, no known symbol means silence."""
    arpabet: list[tuple[float, float, str]] = []
    for start, end, label in labels:
        symbols = "".join(symbol for symbol in label if symbol in _IPA)
        if symbols[:2] in _IPA_PAIRS:
            names = [_IPA_PAIRS[symbols[:2]]]
        else:
            names = [_IPA[symbol] for symbol in symbols] or [SILENCE]
        step = (end - start) / len(names)
        arpabet += [(start + i * step, start + (i + 1) * step, name) for i, name in enumerate(names)]
    return from_arpabet(arpabet)
