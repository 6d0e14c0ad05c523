"""Kana and romaji: two spellings of one song sound alike."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.singing.kana import (
    CLOSURE,
    MORAIC_N,
    has_kana,
    is_mora,
    kana_of,
    phones_of_kana,
    phones_of_romaji,
    settled,
)
from emosplat.blendshapes.speech.phones import TARGETS

HIRAGANA = [chr(code) for code in range(0x3041, 0x3097)]


@pytest.mark.parametrize(
    ("kana", "hepburn", "kunrei", "phones"),
    [
        ("さくら", "sakura", "sakura", "S AA K UW D AA"),
        ("しゅうちゅう", "shūchū", "syûtyû", "SH UW CH UW"),
        ("ふじさん", "fujisan", "huzisan", "F UW JH IY S AA N"),
        ("きっと", "kitto", "kitto", "K IY T T OW1"),
        ("りょうり", "ryori", "ryori", "D Y OW1 D IY"),
        ("しんぱい", "shinpai", "sinpai", "SH IY M P AA IY"),
        ("てんき", "tenki", "tenki", "T EH NG K IY"),
        ("つづく", "tsuduku", "tuduku", "T S UW Z UW K UW"),
        ("こんにちは", "konnichiha", "konnitiha", "K OW1 N N IY CH IY HH AA"),
        ("けっちゃく", "ketchaku", "kettyaku", "K EH CH CH AA K UW"),
        ("きんえん", "kin'en", "kin'en", "K IY N EH N"),
    ],
)
def test_a_word_in_three_spellings(kana: str, hepburn: str, kunrei: str, phones: str) -> None:
    """Long vowels are one sound in romaji with marks; kana writes them out."""
    written = kana.replace("ゅう", "ゅ").replace("ょう", "ょ")
    for found in (phones_of_kana(written), phones_of_romaji(hepburn), phones_of_romaji(kunrei)):
        assert found is not None
        assert " ".join(settled(found)) == phones


@pytest.mark.parametrize(
    ("kana", "phones"),
    [
        ("ファ", "F AA"), ("ティ", "T IY"), ("トゥ", "T UW"), ("デュ", "D Y UW"), ("ウィ", "W IY"), ("シェ", "SH EH"),
        ("ツァ", "T S AA"), ("ヴァ", "V AA"), ("ヴ", "V UW"), ("クヮ", "K W AA"), ("イェ", "Y EH"), ("ジェ", "JH EH"),
        ("ねぇ", "N EH"), ("まぃ", "M AA IY"), ("カー", "K AA"), ("ぁ", "AA"), ("を", "OW1"), ("ヵ", "K AA"),
        ("ー", ""), ("あっ", "AA X"), ("っあ", "X AA"),
    ],
)  # fmt: skip
def test_small_kana(kana: str, phones: str) -> None:
    assert " ".join(settled(phones_of_kana(kana))) == phones


@pytest.mark.parametrize("sign", HIRAGANA)
def test_katakana_and_half_width_sound_like_hiragana(sign: str) -> None:
    katakana = chr(ord(sign) + 0x60)
    assert phones_of_kana(katakana) == phones_of_kana(sign)
    assert has_kana(sign)
    assert has_kana(katakana)
    name = unicodedata.name(sign).split()[-1]
    if "SMALL" not in unicodedata.name(sign):
        assert phones_of_romaji(name) == phones_of_kana(sign)
        assert is_mora(name)


@pytest.mark.parametrize(
    ("alias", "kana"),
    [
        ("a か", "か"),
        ("- ハ", "ハ"),
        ("か_C4", "か"),
        ("かG4", "か"),
        ("* きゃ", "きゃ"),
        ("ｶﾞ", "ガ"),
        ("か強", "か"),
        ("ka", ""),
    ],
)
def test_kana_of_aliases(alias: str, kana: str) -> None:
    assert kana_of(alias) == kana


@given(st.text(st.sampled_from([*HIRAGANA, "ー", "ア", "ヴ"]), max_size=8))
def test_any_kana_are_known_sounds(text: str) -> None:
    assert set(phones_of_kana(text)) <= TARGETS.keys() | {CLOSURE, MORAIC_N}
    found = list(settled(phones_of_kana(text)))
    assert len(found) == len(phones_of_kana(text))
    assert set(found) <= TARGETS.keys()


@given(st.text(max_size=12))
def test_any_text(text: str) -> None:
    assert set(phones_of_kana(text)) <= TARGETS.keys() | {CLOSURE, MORAIC_N}
    assert set(phones_of_romaji(text) or []) <= TARGETS.keys() | {CLOSURE, MORAIC_N}
    assert has_kana(kana_of(text)) == has_kana(text)


def test_english_is_no_romaji() -> None:
    assert not any(map(phones_of_romaji, ("hello", "the", "la", "star", "thing")))
