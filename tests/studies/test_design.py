"""Design files: the example builds, mistakes are named with line and field."""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.core.errors import InputError
from emosplat.studies.design import load_study
from emosplat.studies.example import TEMPLATE, write_example

EXAMPLE = TEMPLATE.read_text()


def test_the_example_is_a_design(tmp_path: Path) -> None:
    study = load_study(write_example(tmp_path / "new"))
    assert {task.type for task in study.tasks} == {"preference", "rating", "identification", "sync", "mushra"}
    with pytest.raises(InputError, match="already exists"):
        write_example(tmp_path / "new")


def test_words_and_examples_beside_the_design_are_emotions(tmp_path: Path) -> None:
    path = write_example(tmp_path / "new")
    (path.parent / "her.csv").write_text("time_s,sad\n0,1\n", encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    text = text.replace("emotion: happy", "emotion: a little nervous").replace("emotion: angry", "emotion: her.csv")
    path.write_text(text, encoding="utf-8")
    study = load_study(path)
    assert study.settings("happy", path.parent).emotion == "a little nervous"
    assert study.settings("angry", path.parent).emotion == str((path.parent / "her.csv").absolute())


@pytest.mark.parametrize(
    ("old", "new", "field", "problem"),
    [
        ("participants: 30 ", "participants: 0 ", "participants", "greater than or equal to 1"),
        ("participants: 30 ", "participant: 30 ", "participant", "no such field"),
        ("type: rating", "type: ratings", "tasks.1", "does not match"),
        ("emotion: angry}", "emoton: angry}", "conditions.angry.emoton", "no such field"),
        ("condition: neutral\n", "condition: neutrel\n", "tasks", "no condition 'neutrel'"),
        ("id: picture,", "id: welcome,", "clips", "'welcome' is there twice"),
        ("background: white", "background: transparent", "stimuli.background", "no transparency"),
        ("loudness: -23 ", "loudness: loud ", "stimuli.loudness", "valid number"),
        ("  happy: {", "  0: {", "conditions.0", "valid string"),
    ],
)
def test_mistakes_name_line_and_field(tmp_path: Path, old: str, new: str, field: str, problem: str) -> None:
    assert old in EXAMPLE
    design = tmp_path / "study.yaml"
    design.write_text(EXAMPLE.replace(old, new))
    with pytest.raises(InputError) as error:
        load_study(design)
    assert field in str(error.value)
    assert problem.lower() in str(error.value).lower()
    if field not in {"tasks", "clips"}:  # those are found when all lines have been read
        line = EXAMPLE[: EXAMPLE.index(old)].count("\n") + 1
        assert any(f"line {n}:" in str(error.value) for n in (line, line - 1))


AROUND = """
consent_items: [I agree.]
headphones: {kind: huggins, trials: 6, pass: 5}
questions:
  before:
    - {id: age, type: number, question: Your age, min: 18, max: 99}
  after:
    - {id: liked, type: likert, question: Liked it, points: 5}
parameters: [source]
"""
KINDS = """
tasks:
  - {id: line, type: rating, question: Where, scale: {points: 0, line: true}}
  - {id: order, type: sync, question: Which, condition: happy, offsets_ms: [-100, 100], direction: true, forced: true}
  - {id: abx, type: discrimination, question: Which, continuum: [neutral, happy, angry]}
  - {id: own, type: free, question: What}
  - {id: now, type: trace, question: How}
"""


@pytest.mark.parametrize(
    ("old", "new", "field", "problem"),
    [
        ("trials: 6, pass: 5", "trials: 6, pass: 7", "headphones", "at most 6, the number of trials"),
        ("min: 18, max", "min: 180, max", "questions.before.0", "min below max"),
        ("max: 99}", "max: 99, points: 4}", "questions.before.0.points", "no such field"),
        ("type: likert", "type: stars", "questions.after.0", "does not match"),
        ("points: 5", "points: 50", "questions.after.0.points", "less than or equal to 11"),
        ("[source]", "[list]", "parameters", "column of participants.csv"),
        ("points: 0, line", "points: 5, line", "tasks.0.scale", "line: true needs points: 0"),
        ("direction: true, forced", "forced", "tasks.1", "forced: true needs direction: true"),
        ("continuum: [", "method: abz, continuum: [", "tasks.2.method", "'abx' or 'same_different'"),
        ("continuum: [neutral, happy, angry]", "step: 1", "tasks.2", "either pairs or a continuum"),
        ("[neutral, happy, angry]", "[neutral, sleepy]", "tasks", "no condition 'sleepy'"),
        ("[neutral, happy, angry]", "[neutral, happy], step: 2", "tasks", "two different conditions"),
        ("type: trace", "type: trace, labels: [a]", "tasks.4.labels", "no such field"),
        ("[-100, 100]", "[100, 100]", "tasks.1.offsets_ms", "100 is there twice"),
        ("[source]", "[state]", "parameters", "column of participants.csv"),
    ],
)
def test_mistakes_in_other_parts_name_line_and_field(
    tmp_path: Path, old: str, new: str, field: str, problem: str
) -> None:
    text = EXAMPLE[: EXAMPLE.index("tasks:")] + AROUND + KINDS
    design = tmp_path / "study.yaml"
    design.write_text(text)
    load_study(design)
    at = text.rindex(old)
    design.write_text(text[:at] + new + text[at + len(old) :])
    with pytest.raises(InputError) as error:
        load_study(design)
    assert f"{field}: " in str(error.value)
    assert problem.lower() in str(error.value).lower()
    if field != "tasks":
        line = text[:at].count("\n") + 1
        assert f"line {line}:" in str(error.value)


def test_what_the_docs_show_is_a_design(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "studies.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"```yaml\n(language: .*?)```", text, re.DOTALL)
    design = tmp_path / "study.yaml"
    design.write_text(EXAMPLE + "\n" + shown)
    study = load_study(design)
    assert len(study.questions.after) == 2
    assert study.headphones is not None
    # and what the example leaves out by "#", once that is taken away
    lines = [line.removeprefix("# ") for line in EXAMPLE.splitlines() if line.startswith("# ")][2:]
    design.write_text(EXAMPLE + "\n" + "\n".join(lines))
    assert load_study(design).breaks == 20


def test_there_is_one_portal(tmp_path: Path) -> None:
    design = tmp_path / "study.yaml"
    text = "\nprolific: {completion_code: C1ABCDEF}\n"
    design.write_text(EXAMPLE + text)
    assert "STUDY_ID" in load_study(design).kept_parameters
    design.write_text(EXAMPLE + text + 'sona: {completion_link: "https://x.sona-systems.com/?survey_code={id}"}\n')
    with pytest.raises(InputError, match="one of the two"):
        load_study(design)
    for link in ("http://x/{id}", "https://x/", "javascript:alert({id})", 'https://x/"{id}'):
        design.write_text(EXAMPLE + f"\nsona: {{completion_link: {link!r}}}\n")
        with pytest.raises(InputError, match=r"sona\.completion_link"):
            load_study(design)


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        ("type: rating, conditions: [happy, happy]", "'happy' is there twice"),
        ("type: rating, conditions: [mix, mix_1]", "'mix_1' is there twice"),
        ("type: preference, pairs: [[happy, angry], [angry, happy]]", "is there twice"),
        ("type: discrimination, continuum: [happy, angry, happy]", "'happy' is there twice"),
        ("type: identification, labels: [sad, ' sad']", "'sad' is there twice"),
        ("type: identification, labels: [none of these, sad]", "'none of these' is there twice"),
        ("type: identification, labels: [other, sad], other: true", "'other' is there twice"),
        ("type: identification, labels: ['sad|glad', sad]", "pattern"),
        ("type: mushra, conditions: [mix]", "at most 26 videos on a page, found 30"),
        ("type: mushra, anchor: {kind: shifted, ms: 0}", "expected a shift"),
        ("type: sync, condition: mute, offsets_ms: [0, 100]", "a condition with sound, found mute"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, task: str, problem: str) -> None:
    more = "conditions:\n  mute: {sound: silent}\n  mix: {morph: {from: happy, to: angry, steps: 30}}"
    design = tmp_path / "study.yaml"
    text = EXAMPLE[: EXAMPLE.index("tasks:")].replace("conditions:", more, 1)
    design.write_text(f"{text}tasks: [{{id: x, question: What, {task}}}]")
    with pytest.raises(InputError, match=re.escape(problem)):
        load_study(design)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
def test_any_other_file_is_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    design = tmp_path_factory.mktemp("design") / "study.yaml"
    design.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(InputError) as error:
        load_study(design)
    assert "\n" not in str(error.value)


JUNK = ["", "{", "[", ":", "- x", "\t", "&a *a", "!!python/object:os.system x"]


@pytest.mark.slow
@given(cut=st.integers(0, len(EXAMPLE) - 1), junk=st.sampled_from(JUNK))
def test_damaged_examples_never_crash(tmp_path_factory: pytest.TempPathFactory, cut: int, junk: str) -> None:
    design = tmp_path_factory.mktemp("design") / "study.yaml"
    design.write_text(EXAMPLE[:cut] + junk + EXAMPLE[cut + 7 :])
    with contextlib.suppress(InputError):
        load_study(design)
