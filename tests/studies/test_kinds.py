"""Every kind of task, and all that surrounds the tasks, in real browsers: desk, phone and Firefox, with reloads."""

import csv
import importlib.util
import json
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from emosplat.studies.analysis.report import analyse_study
from emosplat.studies.build import build_study
from emosplat.studies.possible import items_of, trace_of

from .chromium import CHROMIUM, chromium
from .conftest import write_design
from .firefox import FIREFOX, firefox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("starlette") is None, reason="starlette is missing"),
]

DESIGN = """
title: Alle Arten
language: de
seed: 11
participants: 4
clips:
  - {id: hello, audio: hello.flac, duration: 0.85}
  - {id: name, audio: hello.flac, start: 1.7, duration: 0.6, practice: true}
conditions:
  plainface: {avatar: person1}
  gladface: {avatar: person1, emotion: happy}
stimuli: {size: 64x64, fps: 12, lead: 0.2, tail: 0.2, fade: 0.1}
tasks:
  - {id: t1, type: preference, question: "Which one?", catch: 1}
  - {id: t2, type: rating, question: "How good?", conditions: [plainface], scale: {low: gar nicht, high: sehr}}
  - id: t3
    type: rating
    question: Where?
    conditions: [plainface]
    scale: {points: 0, line: true, low: links, high: rechts}
    catch: 1
  - id: t4
    type: identification
    question: "Which emotion?"
    conditions: [gladface]
    labels: [happy, sad]
    other: true
    practice: 1
    feedback: true
  - {id: t5, type: sync, question: "What is early?", condition: plainface, offsets_ms: [-250, 250], direction: true,
     forced: true}
  - {id: t6, type: mushra, question: "How good is each?", reference: plainface}
  - {id: t7, type: discrimination, question: "Which is X?", pairs: [[plainface, gladface]]}
  - {id: t8, type: discrimination, question: "The same?", method: same_different, continuum: [plainface, gladface]}
  - {id: t9, type: free, question: "What is it?", conditions: [gladface], catch: 1}
  - {id: t10, type: trace, question: "How glad?", conditions: [gladface], catch: 1, low: gar nicht, high: sehr}
consent: |
  I take part of my own free will.
consent_items: [I am of age., I agree.]
headphones: {kind: huggins, trials: 3, pass: 3, fail: end}
questions:
  before:
    - {id: age, type: number, question: "How old are you?", min: 18, max: 99}
    - {id: hears, type: choice, question: "Do you hear well?", options: [well, not so well]}
    - {id: country, type: choice, question: "Where?", options: [a, b, c, d, e, f, g, h]}
    - {id: more, type: text, question: "Anything?", required: false}
  after:
    - {id: liked, type: likert, question: "Did you like it?", low: gar nicht, high: sehr}
breaks: 5
debriefing: |
  This was about faces.
sona: {completion_link: "https://lab.sona-systems.com/credit?survey_code={id}"}
parameters: [source]
"""
FASTEST = 4  # times faster than life are videos
FASTER = """
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
    this.playbackRate = this instanceof HTMLVideoElement ? 4 : 8;
    return play.call(this);
};
"""
STEP = """(() => {
    const one = (selector) => document.querySelector(selector);
    if (one("#ended")) return "ended";
    if (one("#saved")) return "saved";
    if (one("#download")) return "refused";
    if (one(".trial")) return one(".trial").className.split(" ")[1];
    if (one(".questions")) return "questions";
    if (one("#sound")) return "sound";
    if (one("#tones")) return "tones";
    if (one(".tick")) return "consent";
    return one("button.primary") ? "page" : "";
})()"""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built study; each browser takes part in the same one."""
    folder = tmp_path_factory.mktemp("kinds")
    return build_study(write_design(folder, DESIGN), folder / "built").folder


@pytest.fixture
def desk() -> Iterator[Any]:
    with chromium(phone=False) as tab:
        yield tab


@pytest.fixture
def phone() -> Iterator[Any]:
    with chromium(phone=True) as tab:
        yield tab


@pytest.fixture
def fox(tmp_path: Path) -> Iterator[Any]:
    with firefox(tmp_path) as tab:
        tab.viewport(1100, 800)
        yield tab


class Participant:
    """Goes through a study as the page asks, and reloads it once in the middle of some kinds of trial."""

    def __init__(
        self,
        tab: Any,
        study: Path,
        *,
        reloads: Collection[str] = (),
        deaf: bool = False,
        pictures: Path | None = None,
    ) -> None:
        self.tab = tab
        self.given: list[tuple[str, str]] = []  # kind of trial, the first response; not of those that a reload cut off
        self.steps: list[str] = []
        self._settings = json.loads((study / "public" / "study.json").read_text())
        self._deaf = deaf
        self._pictures = pictures
        self._to_reload = set(reloads)
        self._heard = 0
        tab.before_each_page(FASTER)

    def go_through(self, address: str) -> None:
        """From the first page to the last."""
        self.tab.goto(address)
        until = time.monotonic() + 300
        while time.monotonic() < until:
            step = self.tab.js(STEP)
            if step and (not self.steps or self.steps[-1] != step):
                self.steps.append(step)
                self._picture(step)
            if step in {"saved", "ended", "refused"}:
                return
            if step in {"page", "consent", "questions", "sound", "tones"}:
                getattr(self, f"_{step}")()
            elif step:
                self._trial(step, address)
            time.sleep(0.02)
        raise AssertionError(f"not at the end after {self.steps}")

    def _wait(self, condition: str) -> None:
        until = time.monotonic() + 60
        while not self.tab.js(condition):
            assert time.monotonic() < until, condition
            time.sleep(0.02)

    def _picture(self, step: str) -> None:
        if self._pictures is not None:
            self.tab.screenshot(self._pictures / f"{len(self.steps):02}_{step}.png")

    def _page(self) -> None:
        self.tab.click("button.primary")

    def _consent(self) -> None:
        assert self.tab.js("document.querySelector('button.primary').disabled")
        for box in range(2):
            self.tab.click(".tick input", box)
        self.tab.click("button.primary:enabled")

    def _questions(self) -> None:
        if self.tab.js("document.querySelectorAll('.question.likert').length"):
            self.tab.click(".steps input", 3)
        else:
            self.tab.click("button[type=submit]")  # not yet
            assert self.tab.js("document.querySelectorAll('.problem:not(:empty)').length") == 3
            self._picture("questions_incomplete")
            self.tab.click(".question.number input")
            self.tab.type("33")
            self.tab.click(".options input", 1)
            self.tab.js("Object.assign(document.querySelector('select'), { value: 'c' }).value")
        self.tab.click("button[type=submit]")

    def _sound(self) -> None:
        sound = self._settings["headphones"]["sounds"][self._heard]
        wrong = {"1": 1, "2": 2, "3": 0}[sound["right"]]
        self.tab.click("#sound")
        self._wait("!document.querySelector('button.choice').disabled")
        heading = self.tab.js("document.querySelector('.hint').textContent")
        self._heard += 1
        self.tab.click("button.choice", wrong if self._deaf else int(sound["right"]) - 1)
        self._wait(f"document.querySelector('.hint')?.textContent !== {json.dumps(heading)}")

    def _tones(self) -> None:
        self.tab.click("#tones")
        self.tab.click("button.choice:enabled", 2)

    def _trial(self, kind: str, address: str) -> None:
        if kind in self._to_reload:
            self._to_reload.remove(kind)
            self.tab.goto(address)
            return
        self.tab.js("(window.trial = document.querySelector('.trial'), 1)")
        asked = self.tab.js("document.querySelector('h1').textContent")
        if kind == "trace":
            self._trace(check="0" in asked)
        else:
            self._wait("!document.querySelector('fieldset').disabled")
            response = self._answer(kind, asked)
            self.given.append((kind, response))
        self._wait("document.querySelector('.trial') !== window.trial")

    def _answer(self, kind: str, asked: str) -> str:
        if kind == "free":
            word = asked.rsplit(": ", 1)[1].rstrip(".") if ": " in asked else "joy"
            self.tab.click("input.words")
            self.tab.type(word)
            self._picture(f"{kind}_answered")
            self.tab.press("Enter")
            return word
        choices = self.tab.js("[...document.querySelectorAll('.choices button')].map((b) => b.dataset.answer)")
        shown = self.tab.js("[...document.querySelectorAll('.choices button')].map((b) => b.textContent)")
        if choices:
            wanted = [place for place, text in enumerate(shown) if asked.endswith(f": {text}.")]
            place = wanted[0] if wanted else (choices.index("other") if "other" in choices else 1)
            self.tab.press(str(place + 1))
            if kind == "identification":
                self.tab.type("smug")
                self.tab.click("input[type=range]")
                self._picture(f"{kind}_answered")
                self.tab.click("fieldset .primary")
            return choices[place]
        for slider in range(self.tab.js("document.querySelectorAll('input[type=range]').length")):
            self.tab.click("input[type=range]", slider)
            if "0" in asked:
                self.tab.js(
                    f"(() => {{ const one = document.querySelectorAll('input[type=range]')[{slider}];"
                    "one.value = 0; one.dispatchEvent(new Event('input')); return 1; })()"
                )
        self._picture(f"{kind}_answered")
        response = self.tab.js("document.querySelector('input[type=range]').value")
        self.tab.click("fieldset .primary:enabled")
        return response

    def _trace(self, *, check: bool) -> None:
        assert not self.tab.js("document.querySelector('video').currentTime")
        self.tab.drag("fieldset input[type=range]", 0.0 if check else 0.9)
        self._wait("!document.querySelector('fieldset .primary').disabled")
        self._picture("trace_answered")
        self.tab.click("fieldset .primary")


def saved(study: Path, who: str) -> list[dict[str, Any]]:
    path = study / "responses" / "responses.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [row for row in rows if row["participant"] == who]


def files_of(page: dict[str, Any]) -> list[str]:
    """The videos of a trial."""
    return [*page["stimuli"], *([page["reference"]] if "reference" in page else [])]


ALL = ["preference", "rating", "identification", "sync", "mushra", "discrimination", "free", "trace"]
SOME = ["mushra", "trace"]


@pytest.mark.parametrize(
    ("browser", "who", "reloads"),
    [
        pytest.param("desk", "71", ALL, marks=pytest.mark.skipif(CHROMIUM is None, reason="no chromium")),
        pytest.param("phone", "72", SOME, marks=pytest.mark.skipif(CHROMIUM is None, reason="no chromium")),
        pytest.param("fox", "73", SOME, marks=pytest.mark.skipif(FIREFOX is None, reason="no firefox")),
    ],
)
def test_every_kind_of_task_with_reloads(
    kinds: Path,
    live: Callable[[Path], int],
    request: pytest.FixtureRequest,
    browser: str,
    who: str,
    reloads: list[str],
) -> None:
    tab = request.getfixturevalue(browser)
    participant = Participant(tab, kinds, reloads=reloads)
    number = int(who) - 71
    participant.go_through(f"http://127.0.0.1:{live(kinds)}/?participant={who}&list={number}&source=x&utm=y")
    assert tab.complaints == []
    link = tab.js("document.querySelector('#complete').href")
    assert link == f"https://lab.sona-systems.com/credit?survey_code={who}"
    rows = saved(kinds, who)
    trials = json.loads((kinds / "public" / "lists" / f"list_{number:03}.json").read_text())["trials"]
    with (kinds / "manifest.csv").open(newline="") as stream:
        found = list(csv.DictReader(stream))
    frames = {row["stimulus"]: int(row["frames"]) for row in found}
    shortest = min(float(row["duration_s"]) for row in found)
    asked = [(page["trial"], page["task"], item) for page in trials for item in items_of(page)]
    assert [(row["trial"], row["task"], row["item"]) for row in rows] == asked
    assert {row["response"] for row in rows if row["item"] == "other"} == {"smug"}
    assert all(row["onset_ms"] is not None and row["frames"] > 2 and row["plays"] >= 1 for row in rows)
    assert all(row["rt_onset_ms"] >= row["rt_ms"] for row in rows)
    for row in rows:
        of = sum(frames[file] for file in files_of(trials[row["trial"]]))
        assert -1 <= of - row["frames"] - row["dropped_frames"] <= 2 * len(files_of(trials[row["trial"]]))
        assert row["rt_onset_ms"] - row["rt_end_ms"] > 0.9 * 1000 * shortest / FASTEST
    traces = [trace_of(row["response"]) for row in rows if row["task"] == "t10"]
    assert all(trace[0][0] < 100 and trace[-1][0] > 800 for trace in traces)
    assert len({value for trace in traces for _, value in trace}) > 5
    with (kinds / "participants.jsonl").open() as stream:
        said = [one for one in map(json.loads, stream) if one["participant"] == who]
    assert [one["event"] for one in said] == ["arrived", "consent", "headphones", "before", "after"]
    assert said[0]["parameters"] == {"source": "x"}
    assert said[3]["answers"] == {"age": "33", "hears": "not so well", "country": "c", "more": ""}
    report = analyse_study(kinds, out=kinds / "report")
    assert not report.left_out
    with (kinds / "report" / "participants.csv").open(newline="") as stream:
        [person] = [row for row in csv.DictReader(stream) if row["participant"] == who]
    told = ["state", "source", "headphones_right", "before_age", "after_liked"]
    assert [person[name] for name in told] == ["finished", "x", "3", "33", "4"]
    with (kinds / "report" / "tidy.csv").open(newline="") as stream:
        assert sum(row["participant"] == who for row in csv.DictReader(stream)) == len(rows)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_who_hears_no_headphones_is_thanked(kinds: Path, live: Callable[[Path], int], desk: Any) -> None:
    participant = Participant(desk, kinds, deaf=True)
    address = f"http://127.0.0.1:{live(kinds)}/?participant=74"
    participant.go_through(address)
    assert participant.steps == ["consent", "sound", "ended"]
    desk.goto(address)  # and stays so
    participant.go_through(address)
    assert participant.steps == ["consent", "sound", "ended"]
    assert saved(kinds, "74") == []
