"""A participant's way through a study in a real browser: with the study's server, and from any web server."""

import csv
import functools
import importlib.util
import io
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from emosplat.studies.analysis.report import analyse_study
from emosplat.studies.design import Study, load_study
from emosplat.studies.messages import COLUMNS, TIMING
from emosplat.studies.page.page import write_page
from emosplat.studies.possible import items_of
from emosplat.studies.spreadsheets import as_text

from .conftest import KEY, write_design

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PROLIFIC = "https://app.prolific.com/submissions/complete?cc=C1ABCDEF"

SPEED = 5  # times faster than life, so that nobody waits for the tests
WATCH = (
    """
    window.seen = {};  // address of a video -> times of the frames that were drawn
    window.early = 0;  // how often an answer was possible while a video played, although nothing is played twice
    document.addEventListener("play", ({ target }) => {
        const times = (seen[target.src] ??= new Set());
        const look = (_now, { mediaTime }) => {
            times.add(mediaTime);
            if (!document.querySelector("fieldset").disabled && !target.ended) early += 1;
            target.requestVideoFrameCallback(look);
        };
        target.playbackRate = SPEED;
        target.requestVideoFrameCallback(look);
    }, true);
    """
).replace("SPEED", str(SPEED))

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None or importlib.util.find_spec("starlette") is None,
    reason="chromium, playwright or starlette is missing",
)


@pytest.fixture
def study(built: Path, tmp_path: Path) -> Path:
    """A copy that answers may be added to."""
    return Path(shutil.copytree(built, tmp_path / "copy"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A tab of its own; nothing may go wrong in it."""
    context = browser.new_context(viewport={"width": 900, "height": 700}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.add_init_script(WATCH)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def serve(live: Callable[[Path], int]) -> Callable[[Path], str]:
    """Serves a study with its own server; gives the address."""
    return lambda folder: f"http://127.0.0.1:{live(folder)}/"


@pytest.fixture
def static() -> Iterator[Callable[[Path], str]]:
    """Serves a folder with Python's own web server; gives the address."""
    servers: list[ThreadingHTTPServer] = []

    def start(folder: Path) -> str:
        handler = functools.partial(_Quiet, directory=str(folder))
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Participant:
    """Goes through a study and remembers what was answered."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.given: list[str] = []  # responses
        self.played: list[float] = []  # seconds that each video reached

    def begin(self, address: str, button: str = "Begin") -> None:
        """Welcome, loading and sound check."""
        self.page.goto(address)
        self.page.get_by_role("button", name=button).click()
        self.page.locator("#tones").wait_for()
        while self.page.locator("#tones").count():
            self.page.locator("#tones").click()
            self.page.get_by_role("button", name="3").click()

    def answer(self, most: int = 100) -> int:
        """Answer up to `most` trials; gives the number of those that came."""
        answered = 0
        while answered < most:
            self.page.locator(".trial fieldset, .page .primary, button.primary").first.wait_for()
            if self.page.locator("#saved, #download").count():
                break
            if self.page.locator(".trial").count():
                self._trial()
                answered += 1
            else:
                self.page.locator("button.primary").click()
        return answered

    def _trial(self) -> None:
        page = self.page
        heading = page.locator(".trial h1").element_handle()
        question = heading.inner_text()
        page.locator("fieldset:enabled").wait_for()
        self.played += page.evaluate("[...document.querySelectorAll('video')].map(v => v.currentTime / v.duration)")
        choices = page.locator(".choices button").all_text_contents()
        if choices:
            asked = [choice for choice in choices if question.endswith(f"Please answer: {choice}.")]
            choice = asked[0] if asked else choices[1]
            self.given.append(choice)
            page.keyboard.press(str(1 + choices.index(choice)))
        if page.locator("input[type=range]").count():
            assert page.get_by_role("button", name="Next").is_disabled()
            for slider in page.locator("input[type=range]").all():
                slider.press("ArrowRight")
                self.given.append("51")
            page.get_by_role("button", name="Next").click()
        page.wait_for_function("asked => document.querySelector('.trial h1') !== asked", arg=heading)


def expected(study: Path, number: int) -> list[tuple[int, str, str]]:
    """Trial, task and item of everything that a list asks."""
    trials = json.loads((study / "public" / "lists" / f"list_{number:03}.json").read_text())["trials"]
    return [(t["trial"], t["task"], item) for t in trials for item in items_of(t)]


def stimuli(study: Path, number: int) -> set[str]:
    """All files that a list shows."""
    trials = json.loads((study / "public" / "lists" / f"list_{number:03}.json").read_text())["trials"]
    return {file for t in trials for file in (*t["stimuli"], t.get("reference")) if file}


def saved(study: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (study / "responses" / "responses.jsonl").read_text().splitlines()]


def submission(trial: dict[str, Any], identity: str) -> dict[str, Any]:
    """An answer to a trial as the page keeps it before it is sent."""
    answers = [{"item": "answer", "response": trial["choices"][0], "rt_ms": 9}]
    more = {"timing": {}, "received": "2026-01-01T00:00:00Z", "state": "new"}
    return {"id": identity * 32, "trial": trial["trial"], "task": trial["task"], "answers": answers} | more


def keep(page: Any, record: dict[str, Any]) -> None:
    """What a browser remembers of the participant anna."""
    [study, text] = [page.evaluate("fetch('study.json').then((reply) => reply.json())")["study"], json.dumps(record)]
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [f"emosplat {study} anna", text])


def post(page: Any, place: str, **message: Any) -> None:
    reply = page.request.post(page.url.partition("?")[0] + place, data=message)
    assert reply.ok, reply.text()


@needs_browser
def test_a_participant_goes_through_the_whole_study(page: Any, study: Path, serve: Callable[[Path], str]) -> None:
    participant = Participant(page)
    participant.begin(serve(study) + "?PROLIFIC_PID=5f00c0ffee&list=2")
    participant.answer()
    assert "All your answers are saved" in page.locator("main").inner_text()
    assert page.locator("#complete").get_attribute("href") == PROLIFIC
    rows = saved(study)
    assert [(row["trial"], row["task"], row["item"]) for row in rows] == expected(study, 2)
    assert {(row["participant"], row["list"]) for row in rows} == {("5f00c0ffee", 2)}
    assert [row["response"] for row in rows] == participant.given
    assert min(participant.played) > 0.99
    assert page.evaluate("early") == 0
    frames = page.evaluate("Object.values(seen).map((times) => times.size)")
    assert len(frames) == len(stimuli(study, 2))
    assert min(frames) > 2
    page.reload()  # who is done stays done
    page.locator("#saved").wait_for()
    report = analyse_study(study)
    assert (report.participants, report.left_out) == (1, {})
    with (study / "report" / "tidy.csv").open(newline="") as stream:
        assert [row["response"] for row in csv.DictReader(stream)] == participant.given


@needs_browser
def test_who_closes_the_page_gives_the_list_back(page: Any, study: Path, serve: Callable[[Path], str]) -> None:
    address = serve(study)
    Participant(page).begin(address)
    state = f"{address}experimenter/state?key={KEY}"
    assert page.request.get(state).json()["states"]["active"] == 1
    page.goto("about:blank")
    for _ in range(500):
        if page.request.get(state).json()["states"]["gone"] == 1:
            return
        page.wait_for_timeout(20)
    pytest.fail("the server was not told")


@needs_browser
def test_a_reload_goes_on_where_it_stopped(page: Any, study: Path, serve: Callable[[Path], str]) -> None:
    participant = Participant(page)
    address = serve(study)
    participant.begin(address)
    assert participant.answer(2) == 2
    participant.begin(address, "Continue")
    participant.answer(1)
    page.wait_for_timeout(300)
    assert [row["trial"] for row in saved(study)] == [0, 1, 2]
    assert len({row["participant"] for row in saved(study)}) == 1


@needs_browser
def test_what_a_visit_could_not_send_is_sent_by_the_next(
    browser: Any, study: Path, serve: Callable[[Path], str]
) -> None:
    """Closed at the end while the server was away; answered in another tab meanwhile, which counts."""
    page = browser.new_page()
    address = serve(study) + "?participant=anna&list=0"
    page.goto(address)
    page.get_by_role("button", name="Begin").wait_for()
    post(page, "session", participant="anna")
    trials = json.loads((study / "public" / "lists" / "list_000.json").read_text())["trials"]
    own = [submission(trial, identity) for trial, identity in zip(trials[:2], "ab", strict=True)]
    elsewhere = {name: own[0][name] for name in ("trial", "answers", "timing")}
    post(page, "responses", **elsewhere, id="c" * 32, participant="anna", list=0)
    keep(page, {"list": 0, "submissions": own, "notes": [], "finished": True})
    page.reload()
    page.locator("#saved").wait_for()
    assert [(row["trial"], row["id"][0]) for row in saved(study)] == [(0, "c"), (1, "b")]
    page.close()


@needs_browser
def test_who_was_deleted_begins_anew(page: Any, study: Path, serve: Callable[[Path], str]) -> None:
    trials = json.loads((study / "public" / "lists" / "list_000.json").read_text())["trials"]
    gone = [submission(trials[0], "a") | {"state": "saved"}, submission(trials[1], "b") | {"state": "refused"}]
    page.goto(serve(study) + "?participant=anna&list=0")
    keep(page, {"list": 0, "submissions": gone, "notes": []})
    page.reload()
    page.get_by_role("button", name="Continue").click()
    page.locator("#tones").wait_for()
    assert page.evaluate("Object.values(localStorage).map(JSON.parse)[0].submissions") == []


@needs_browser
def test_an_interrupted_video_can_be_played_again(page: Any, study: Path, static: Callable[[Path], str]) -> None:
    pause = "document.addEventListener('playing', ({ target }) => target.pause(), { capture: true, once: true })"
    page.add_init_script(pause)
    Participant(page).begin(static(study / "public"))
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Play", exact=True).click()
    page.locator("fieldset:enabled").wait_for()
    assert page.get_by_role("button", name="Play again").is_enabled()


@needs_browser
def test_any_web_server_ends_with_a_download(page: Any, study: Path, static: Callable[[Path], str]) -> None:
    participant = Participant(page)
    participant.begin(static(study / "public") + "?participant=anna&list=1")
    participant.answer()
    with page.expect_download() as download:
        page.locator("#download").click()
    assert download.value.suggested_filename == "answers_anna.csv"
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert list(rows[0]) == [*COLUMNS, *TIMING]
    assert [(int(row["trial"]), row["task"], row["item"]) for row in rows] == expected(study, 1)
    assert [row["response"] for row in rows] == participant.given
    assert not (study / "responses").exists()


@needs_browser
def test_words_in_a_download_are_no_formulas(page: Any, study: Path, static: Callable[[Path], str]) -> None:
    words = ["calm", "-nothing", "-5", "'=1", '=HYPERLINK("http://x.example")', "\uff1d1", "\r@home", "+1,5"]
    page.goto(static(study / "public"))
    text = page.evaluate(
        """async (words) => {
            const { Record } = await import("./saving.js");
            const record = new Record({ study: "words", server: false }, "anna");
            record.begin(0);
            record.note("after", { remark: words[1] });
            record.add({ trial: 0, task: "t" }, words.map((response) => ({ item: "answer", response, rt_ms: 1 })), {});
            return record.csv();
        }""",
        words,
    )
    found = [row["response"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    assert found == [as_text(one) for one in (words[1], *words)]


@needs_browser
@pytest.mark.parametrize(("query", "message"), [("?list=99", "no list 99"), ("?participant=../x", "participant id")])
def test_a_wrong_address_is_explained(
    browser: Any, study: Path, static: Callable[[Path], str], query: str, message: str
) -> None:
    page = browser.new_page()
    page.goto(static(study / "public") + query)
    page.get_by_text("This does not work yet").wait_for()
    assert message in page.locator("main").inner_text()
    page.close()


@pytest.fixture
def design(tmp_path: Path) -> Study:
    return load_study(write_design(tmp_path / "design"))


def test_the_page_is_whole_and_needs_no_network(tmp_path: Path, design: Study) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "list_000.json").write_text("{}")
    write_page(design.model_copy(update={"consent": "I agree."}), tmp_path)
    settings = json.loads((tmp_path / "study.json").read_text())
    assert settings["consent"] == "I agree."
    completion = {"name": "Prolific", "link": PROLIFIC}
    assert (settings["lists"], settings["server"], settings["completion"]) == (1, False, completion)
    page = (tmp_path / "index.html").read_text()
    names = [part.split('"')[0] for part in page.replace('src="', 'href="').split('href="')[1:]]
    assert len(names) == 6
    for name in names:
        assert name.startswith("data:") or (tmp_path / name).is_file()
    for path in tmp_path.glob("*.js"):
        assert "://" not in path.read_text()


def test_another_build_has_another_name(tmp_path: Path, design: Study) -> None:
    (tmp_path / "lists").mkdir()
    names = set()
    for content in ("{}", "[]"):
        (tmp_path / "lists" / "list_000.json").write_text(content)
        write_page(design, tmp_path)
        names.add(json.loads((tmp_path / "study.json").read_text())["study"])
    assert len(names) == 2
