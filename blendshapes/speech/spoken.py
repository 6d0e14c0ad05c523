"""English as it is spoken: numbers, money, times and signs of a written text become words; accents go.

Where one spelling can be said in several ways, the usual one is taken: 1984 is a year, 10:30 a time, 3/4 a fraction.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
THOUSANDS = ("", "thousand", "million", "billion", "trillion")
IRREGULAR = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "th", "þ": "th", "ı": "i"}
MONEY = {  # one, several, and of the hundredths
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
    "¢": ("cent", "cents", "cent", "cents"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
SIGNS = {
    "&": "and",
    "%": "percent",
    "+": "plus",
    "=": "equals",
    "@": "at",
    "°": "degrees",
    "×": "times",
    "§": "section",
}
UNITS = {
    "km": "kilometers", "km/h": "kilometers an hour",
    "kg": "kilograms", "cm": "centimeters", "mm": "millimeters", "mph": "miles an hour",
    "ft": "feet", "lb": "pounds", "lbs": "pounds", "oz": "ounces", "hz": "hertz", "khz": "kilohertz",
    "gb": "gigabytes", "mb": "megabytes", "k": "thousand", "bn": "billion",
}  # fmt: skip
SCALES = {"k": "thousand", "m": "million", "bn": "billion"}  # of money
LONGEST_NUMBER = 15  # digits; a longer one is no quantity

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_SCALE = r"(?:\s?(?P<scale>million|billion|trillion|thousand|bn|k|m)(?![a-z]))?"
_COIN = "".join(MONEY)


def spoken(text: str) -> str:
    """The text in lower case, with everything that has a usual reading written out in words.

    >>> spoken("Café: $5.50 in 1984, 20% at 10:30")
    'cafe: five dollars fifty cents in nineteen eighty four, twenty percent at ten thirty'
    """
    text = _plain(text)
    for pattern, said in _RULES:
        text = pattern.sub(said, text)
    return " ".join(text.split())


def cardinal(number: int) -> str:
    """A number from 0 to 10^15 - 1 in words.

    >>> cardinal(1207)
    'one thousand two hundred seven'
    """
    if number < 20:
        return ONES[number]
    if number < 100:
        tens, one = divmod(number, 10)
        return f"{TENS[tens]} {ONES[one]}" if one else TENS[tens]
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{ONES[hundreds]} hundred{f' {cardinal(rest)}' if rest else ''}"
    power = (len(str(number)) - 1) // 3
    groups, rest = divmod(number, 1000**power)
    return f"{cardinal(groups)} {THOUSANDS[power]}{f' {cardinal(rest)}' if rest else ''}"


def ordinal(number: int) -> str:
    """The place of a number in a row: 22 is twenty second."""
    *before, last = cardinal(number).split()
    if last not in IRREGULAR:
        last = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return " ".join([*before, IRREGULAR.get(last, last)])


def _plain(text: str) -> str:
    """Lower case without accents, digits of all scripts as 0 to 9, quotes and dashes as on a typewriter."""
    text = unicodedata.normalize("NFKD", text.replace("\u2019", "'").replace("\u2018", "'")).lower()
    text = "".join(LETTERS.get(sign, sign) for sign in text if not unicodedata.combining(sign))
    digits = (str(unicodedata.digit(sign)) if sign.isdecimal() else sign for sign in text)
    return re.sub("[\u2010-\u2015\u2212]", "-", "".join(digits)).replace("\u2044", "/")


def _number(text: str) -> str:
    whole, point, decimals = text.replace(",", "").partition(".")
    if len(whole) > LONGEST_NUMBER or (len(whole) > 1 and whole[0] == "0"):
        said = _digits(whole)
    else:
        said = cardinal(int(whole)) if whole else ""
    return f"{said} point {_digits(decimals)}".strip() if point and decimals else said


def _digits(text: str) -> str:
    return " ".join(ONES[int(digit)] for digit in text)


def _money(match: re.Match[str]) -> str:
    one, several, hundredth, hundredths = MONEY[match["coin"]]
    amount, scale = match["amount"], match["scale"]
    if scale:
        return f" {_number(amount)} {SCALES.get(scale, scale)} {several} "
    whole, _, cents = amount.replace(",", "").partition(".")
    if len(cents) not in (0, 2):
        return f" {_number(amount)} {several} "
    parts = [f"{_number(whole)} {one if whole == '1' else several}"] if (whole and whole != "0") or not cents else []
    if cents and int(cents):
        parts.append(f"{cardinal(int(cents))} {hundredth if int(cents) == 1 else hundredths}")
    return f" {' '.join(parts) or f'zero {several}'} "


def _time(match: re.Match[str]) -> str:
    hour, minute = int(match[1]), int(match[2])
    if hour > 24 or minute > 59:
        return f" {cardinal(hour)} {cardinal(minute)} "
    half = f" {match[3]} m" if match[3] else ""
    if minute == 0:
        return f" {cardinal(hour)}{half} " if half else f" {cardinal(hour)} o'clock "
    return f" {cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}{half} "


def _fraction(match: re.Match[str]) -> str:
    above, below = int(match[1]), int(match[2])
    if not 0 < above < 100 or not 1 < below < 100:
        return f" {cardinal(above)} {cardinal(below)} "
    part = {2: "half", 4: "quarter"}.get(below) or ordinal(below)
    plural = "halves" if part == "half" else f"{part}s"
    return f" {cardinal(above)} {part if above == 1 else plural} "


def _year(match: re.Match[str]) -> str:
    """1984 and 1980s; a thousand more or less is no year."""
    number, several = int(match[1]), bool(match[2])
    century, rest = divmod(number, 100)
    if 2000 <= number < 2010:
        said = cardinal(number)
    elif rest == 0:
        said = f"{cardinal(century)} hundred"
    else:
        said = f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"
    return f" {_plural(said) if several else said} "


def _plural(said: str) -> str:
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"


_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (rf"(?<![\w.])-(?={_NUMBER})", " minus "),
        (rf"(?P<coin>[{_COIN}])\s?(?P<amount>{_NUMBER}){_SCALE}", _money),
        (rf"(?P<amount>{_NUMBER}){_SCALE}\s?(?P<coin>[{_COIN}])", _money),
        (r"\b(\d{1,2}):(\d{2})(?::\d{2})?\s?([ap])\.?m\b\.?", _time),
        (r"\b(\d{1,2}):(\d{2})(?::\d{2})?()(?!\d)", _time),
        (r"\b(\d{1,3}(?:,\d{3})*|\d+)(?:st|nd|rd|th)\b", lambda m: f" {_ordinal(m[1])} "),
        (r"\b24/7\b", " twenty four seven "),
        (r"\b(\d{1,2})/(\d{1,2})\b(?!/)", _fraction),
        (r"#\s?(?=\d)", " number "),
        (r"(?<![\d.,$£€¥₹#-])\b(1[1-9]\d\d|20\d\d)(s?)\b(?![.,]?\d)", _year),
        (r"\b([1-9]0)'?s\b", lambda m: f" {_plural(cardinal(int(m[1])))} "),
        (
            rf"(?<!\d)({_NUMBER})\s?({'|'.join(sorted(UNITS, key=len, reverse=True))})\b",
            lambda m: f" {_number(m[1])} {UNITS[m[2]]} ",
        ),
        (rf"({_NUMBER})", lambda m: f" {_number(m[1])} "),
        (f"([{re.escape(''.join(SIGNS))}])", lambda m: f" {SIGNS[m[1]]} "),
        (r"\s+([.,:;!?])", r"\1"),
    )
)


def _ordinal(digits: str) -> str:
    plain = digits.replace(",", "")
    return ordinal(int(plain)) if len(plain) <= LONGEST_NUMBER else _digits(plain)
