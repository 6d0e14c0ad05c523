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


# Targets of the eight axes, 0..1. Jaw, lips and width (round, wide): four fifths as measured on a filmed speaker
# (`rules`), one fifth by hand from phonetics textbooks (Ladefoged & Johnson, A Course in Phonetics); all of it by hand,
# after their neighbours, for phones that he does not say (AX ER UH OY1 YY OE SH ZH NG X), and for tuck and tongue.
# Mostly ARPABET; AX schwa, YY and OE front rounded vowels, X back fricatives and glottal stops;
# OW1 OW2, A1, EY1, OY1, Y2 are the halves of diphthongs.
_TABLE = """
      jaw  close round wide upper lower tuck tongue
SIL   0    0     0     0    0     0     0    0
AA    .63  0     0     .10  .74   .74   0    0
AE    .54  0     0     .34  .78   .78   0    0
AH    .36  0     0     .04  .56   .56   0    0
AX    .32  0     0     .13  .51   .51   0    0
AO    .45  0     .50   0    .47   .47   0    0
EH    .48  0     0     .47  .86   .86   0    0
ER    .29  0     .31   0    .49   .49   0    0
IH    .37  0     0     .47  .67   .67   0    0
IY    .39  0     0     .81  .80   .80   0    .10
UH    .25  0     .39   0    .40   .40   0    0
UW    .15  0     .76   0    .22   .22   0    0
OW1   .40  0     .46   0    .47   .47   0    0
OW2   .16  0     .56   0    .22   .22   0    0
A1    .55  0     0     .37  .84   .84   0    0
Y2    .46  0     0     .75  .89   .89   0    0
EY1   .49  0     0     .86  .89   .89   0    0
OY1   .43  0     .52   0    .46   .46   0    0
YY    .20  0     .68   0    .32   .32   0    0
OE    .36  0     .47   0    .48   .48   0    0
P     .08  1     .15   0    0     0     0    0
B     .08  1     .15   0    0     0     0    0
M     .08  1     .15   0    0     0     0    0
F     .03  0     .20   0    .04   .04   1    0
V     .03  0     .23   0    0     0     1    0
TH    .04  0     .08   0    .10   .10   0    1
DH    .04  0     .13   0    .10   .10   0    1
T     .25  0     0     .18  .47   .47   0    .50
D     .21  0     0     .18  .43   .43   0    .50
N     .18  0     0     .19  .31   .31   0    .50
S     .29  0     0     .18  .73   .73   0    .30
Z     .16  0     0     .10  .46   .46   0    .30
SH    .21  0     .35   0    .84   .84   0    .20
ZH    .22  0     .35   0    .84   .84   0    .20
CH    .21  0     .35   0    .84   .84   0    .30
JH    .22  0     .35   0    .84   .84   0    .30
K     .34  0     0     .19  .63   .63   0    0
G     .28  0     0     .10  .52   .52   0    0
NG    .28  0     0     .10  .52   .52   0    0
L     .39  0     0     .17  .68   .68   0    .80
R     .04  0     .61   0    .09   .09   0    0
W     .04  0     .90   0    .04   .04   0    0
Y     .26  0     0     .37  .58   .58   0    .10
HH    .30  0     .03   0    .37   .37   0    0
X     .35  0     0     .19  .64   .64   0    0
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
    return _segments((start, end, label.upper().rstrip("012")) for start, end, label in labels)


def _segments(labels: Iterable[tuple[float, float, str]]) -> list[Segment]:
    """`from_arpabet` of names without stress; halves of diphthongs may stand alone."""
    segments: list[Segment] = []
    for start, end, label in labels:
        if end - start <= _SHORTEST:
            continue
        name = SILENCE if label in _SILENCES else _SAME_AS.get(label, label)
        if name in DIPHTHONGS:
            first, second, share = DIPHTHONGS[name]
            middle = start + share * (end - start)
            segments += [Segment(start, middle, first), Segment(middle, end, second)]
        elif name == SILENCE and segments and segments[-1].phone == SILENCE:
            segments[-1] = segments[-1]._replace(end=end)
        else:
            segments.append(Segment(start, end, name if name in TARGETS else "X"))
    return segments


IPA = {
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
    **{"æ": "AE", "o": "OW1", "ɛ": "EH", "e": "EY1", "i": "IY", "p": "P", "θ": "TH", "ð": "DH"},
    **dict.fromkeys("fɸ", "F"),
    **dict.fromkeys("tʈ", "T"),
    **dict.fromkeys("bβɓ", "B"),
    **dict.fromkeys("mɱ", "M"),
    **dict.fromkeys("vʋ", "V"),
    **dict.fromkeys("dɾɖɗ", "D"),
    **dict.fromkeys("nɲɳɴ", "N"),
    **{"s": "S", "z": "Z", "ŋ": "NG"},
    **dict.fromkeys("ʃɕʂ", "SH"),
    **dict.fromkeys("ʒʑʐ", "ZH"),
    **dict.fromkeys("kcq", "K"),
    **dict.fromkeys("ɡgɟɠ", "G"),
    **dict.fromkeys("lɫʎɭɬ", "L"),
    **dict.fromkeys("rɹɻɽ", "R"),
    **dict.fromkeys("hɦ", "HH"),
    **dict.fromkeys("wɥʍ", "W"),
    **dict.fromkeys("jçʝ", "Y"),
    **dict.fromkeys("ʁʀxχɣʔħʕ", "X"),
}
IPA_PAIRS = {
    "tʃ": "CH",
    "dʒ": "JH",
    **dict.fromkeys(["aɪ", "ɑɪ", "aj"], "AY"),
    **dict.fromkeys(["aʊ", "ɑʊ", "aw"], "AW"),
    **dict.fromkeys(["eɪ", "ej"], "EY"),
    **dict.fromkeys(["oʊ", "əʊ", "ow", "əw"], "OW"),
    **dict.fromkeys(["ɔɪ", "ɔj"], "OY"),
}


def from_ipa(labels: Iterable[tuple[float, float, str]]) -> list[Segment]:
    """Segments of (start, end, IPA string); stress and length marks are ignored, no known symbol means silence."""
    named: list[tuple[float, float, str]] = []
    for start, end, label in labels:
        symbols = "".join(symbol for symbol in label if symbol in IPA)
        if symbols[:2] in IPA_PAIRS:
            names = [IPA_PAIRS[symbols[:2]]]
        else:
            names = [IPA[symbol] for symbol in symbols] or [SILENCE]
        step = (end - start) / len(names)
        named += [(start + i * step, start + (i + 1) * step, name) for i, name in enumerate(names)]
    return _segments(named)
