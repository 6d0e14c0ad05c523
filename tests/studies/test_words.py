"""The page's words: every language has all of them, the page uses no other, and a study may bring its own."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from emosplat.core.errors import InputError
from emosplat.studies.build import build_study
from emosplat.studies.design import load_study
from emosplat.studies.lists import choices, make_list, served
from emosplat.studies.page.page import SOURCES
from emosplat.studies.page.words import TABLE, english, languages, words_of

from .conftest import DESIGN, write_design

NAMED = DESIGN.replace("[plainface, twinface]", "[plainface, twinface], scale: {low: gar nicht, high: sehr}")
USED = re.compile(r'(?<!["\w])(?:say|page)\(\s*"(\w+)"')


def test_every_language_has_every_word(tmp_path: Path) -> None:
    assert set(languages()) == {"en", "de", "fr", "es"}
    for language in languages():
        found = words_of(language, tmp_path)
        assert found.keys() == english().keys()
        for name, text in found.items():
            assert text.strip()
            assert re.findall(r"\{(\w+)\}", text) == re.findall(r"\{(\w+)\}", english()[name]) or language != "en"
            assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", english()[name]))


def test_the_page_says_nothing_that_is_not_in_the_table() -> None:
    sources = {path.name: path.read_text(encoding="utf-8") for path in SOURCES.glob("*.js")}
    used = {name for text in sources.values() for name in USED.findall(text)}
    assert len(used) > 40
    assert used <= english().keys()
    for text in sources.values():
        assert not re.findall(r"<(?:h1|p)>[A-Z][a-z]+ [a-z]", text)


def test_answers_of_ours_are_translated(tmp_path: Path) -> None:
    study = load_study(write_design(tmp_path))
    for task in study.tasks:
        for answer in choices(task):
            assert answer.isdigit() or f"answer_{answer}" in english() or answer in {"glad", "sad"}


def test_attention_checks_speak_the_language(tmp_path: Path) -> None:
    study = load_study(write_design(tmp_path, DESIGN + "language: de\n"))
    pages = served(make_list(study, 0), study, words_of("de", tmp_path))
    asked = [page["question"] for page in pages if "Aufmerksamkeit" in page["question"]]
    assert len(asked) == 2
    assert any(text.endswith((": links.", ": rechts.")) for text in asked)
    assert {"left", "right"} <= {choice for page in pages for choice in page["choices"]}  # what is saved stays


@pytest.mark.parametrize(
    ("design", "where"),
    [
        (DESIGN, "tasks: t2: scale"),
        (NAMED.replace("prolific:", "  - {id: t6, type: trace, question: Froh, low: wenig}\nprolific:"), "tasks: t6"),
        (NAMED + "questions: {after: [{id: liked, type: likert, question: Gut, high: sehr}]}\n", "questions: liked"),
    ],
)
def test_ends_of_scales_are_not_left_to_english(tmp_path: Path, design: str, where: str) -> None:
    path = write_design(tmp_path, f"{design}language: de\n")
    with pytest.raises(InputError, match=f"{where}: expected low and high, since the page is not in English"):
        build_study(path, tmp_path / "built")
    assert not (tmp_path / "built").exists()


def own(tmp_path: Path, **changes: str | None) -> Path:
    words = dict(english()) | changes
    path = tmp_path / "nl.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in words.items() if v is not None}), encoding="utf-8")
    return path


def test_a_study_brings_its_own_words(tmp_path: Path) -> None:
    own(tmp_path, begin="Begin maar")
    assert words_of("nl.yaml", tmp_path)["begin"] == "Begin maar"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"begin": None}, "begin: expected words for 'Begin'"),
        ({"beginn": "x"}, "beginn: there is no such word"),
        ({"no_list": "Nee"}, "no_list: expected the same words in braces"),
        ({"no_list": "{list} {last} {"}, "no_list: expected the same words in braces"),
    ],
)
def test_own_words_that_do_not_fit_are_named(tmp_path: Path, changes: dict[str, str | None], complaint: str) -> None:
    own(tmp_path, **changes)
    with pytest.raises(InputError, match=re.escape(complaint)):
        words_of("nl.yaml", tmp_path)


def test_an_unknown_language_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected en, de, fr, es, or a file of words, found 'xx'"):
        words_of("xx", tmp_path)
    assert TABLE.is_file()


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
def test_any_other_file_of_words_is_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("words")
    (folder / "x.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(InputError):
        words_of("x.yaml", folder)
