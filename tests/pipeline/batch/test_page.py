"""The contact sheet in a real browser, and the display on a terminal."""

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emosplat.pipeline.batch.display import Board, LogBoard, duration
from emosplat.pipeline.batch.engines.base import Engine, Event
from emosplat.pipeline.batch.items import Item, Outcome
from emosplat.pipeline.batch.page import contact_sheet
from emosplat.pipeline.batch.plan import BatchRequest
from emosplat.pipeline.batch.run import run_batch
from emosplat.pipeline.settings import ClipSettings

SMALL = ClipSettings(size=(64, 64), device="cpu")
CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
EVIL = "</script><script>document.title='broken'</script>"

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None, reason="chromium or playwright is missing"
)


@pytest.fixture(scope="module")
def batch(babble: Callable[..., Path], here: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two emotions, one failure, and a name that tries to break out of the page."""
    folder = tmp_path_factory.mktemp("page")
    babble(folder / "a b#.wav", 0.5)
    rows = ["id,audio,emotion", "one,a b#.wav,angry", "two,a b#.wav,sad", "gone,gone.wav,sad"]
    (folder / "list.csv").write_text("\n".join(rows))
    request = BatchRequest(str(folder / "list.csv"), str(folder / "out"), settings=SMALL, name="{emotion} {id}#")
    run_batch(request, here)
    return folder / "out"


@pytest.fixture(scope="module")
def page(batch: Path) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 900, "height": 700})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto((batch / "contact_sheet.html").as_uri())
        yield page
        assert complaints == []
        browser.close()


@needs_browser
def test_all_items_are_shown(page: Any) -> None:
    assert page.locator("figure").count() == 3
    assert page.locator("figure.failed").count() == 1
    assert "no such audio file" in page.locator("figure.failed").inner_text()
    assert page.locator("#count").inner_text() == "3 of 3"
    assert page.locator("img").evaluate_all("images => images.every(i => i.complete && i.naturalWidth > 0)")


@needs_browser
def test_filters(page: Any) -> None:
    page.select_option("#status", "failed")
    assert page.locator("figure").count() == 1
    page.select_option("#status", "")
    page.select_option("#emotion", "sad")
    assert page.locator("figure").count() == 2
    page.fill("#search", "gone")
    assert page.locator("figure").count() == 1
    page.select_option("#emotion", "")
    page.fill("#search", "")
    assert page.locator("figure").count() == 3


@needs_browser
def test_hovering_plays_the_video(page: Any) -> None:
    card = page.locator("figure.done").first
    card.hover()
    page.wait_for_function("document.querySelector('figure.done video')?.currentTime > 0", timeout=20_000)
    assert card.locator("video").evaluate("v => [v.videoWidth, v.videoHeight]") == [64, 64]
    page.mouse.move(5, 5)
    assert page.locator("video").count() == 0
    page.keyboard.press("Tab")
    card.focus()  # a keyboard does what a mouse does
    assert page.locator("video").count() == 1


@needs_browser
def test_names_cannot_break_the_page(tmp_path: Path, page: Any) -> None:
    shown = ("id", "out", "status", "reason", "avatar", "emotion", "intensity", "style", "duration_s")
    row: dict[str, Any] = dict.fromkeys(shown, EVIL) | {"fps_achieved": None, "loudness_lufs": None, "duration_s": None}
    (tmp_path / "evil.html").write_text(contact_sheet([row], [""], items=1))
    other = page.context.browser.new_page()
    other.goto((tmp_path / "evil.html").as_uri())
    assert other.title() == "Contact sheet"
    assert EVIL in other.locator("figcaption").inner_text()
    other.close()


def test_the_data_can_be_read_back() -> None:
    row: dict[str, Any] = {"id": "x", "out": "a b/ü#.mp4", "status": "left", "reason": EVIL, "avatar": "p"}
    row |= {
        "emotion": "sad",
        "intensity": 1,
        "style": None,
        "duration_s": None,
        "fps_achieved": None,
        "loudness_lufs": None,
    }
    text = contact_sheet([row], ["p"], items=1)
    data = text.split('type="application/json">')[1].split("</script>")[0]
    (card,) = json.loads(data)
    assert card["reason"] == EVIL
    assert card["url"] == "a%20b/%C3%BC%23.mp4"


def test_the_board_counts_and_foresees() -> None:
    from rich.console import Console

    now = [0.0]
    board = Board(10, clock=lambda: now[0])
    items = [Item(f"i{n}", "a.wav", f"i{n}.mp4") for n in range(10)]
    assert board.seconds_left is None
    for n in range(4):
        now[0] += 3.0
        board.hear(Event("worker 1", items[n], 10, 75))
        board.hear(Event("worker 1", items[n], outcome=Outcome(items[n], "done", fresh=True)))
    board.hear(Event("worker 2", items[4], outcome=Outcome(items[4], "failed", reason="x")))
    assert (board.counts["done"], board.counts["failed"], board.left) == (4, 1, 5)
    assert board.clips_per_minute == pytest.approx(20)
    assert board.seconds_left == pytest.approx(15)
    console = Console(width=100, record=True, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    console.print(board)
    text = console.export_text()
    for word in ("4 done", "1 failed", "5 left", "20.0 clips/min", "worker 2", "i4.mp4"):
        assert word in text


@pytest.mark.parametrize(("seconds", "text"), [(3.2, "3.2 s"), (59.4, "59 s"), (125, "2:05"), (3725, "1:02:05")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_log_gets_a_line_now_and_then() -> None:
    now, lines = [0.0], []
    board = LogBoard(3, lines.append, clock=lambda: now[0])
    item = Item("i", "a.wav", "i.mp4")
    board.watch(Event("worker 1", item, outcome=Outcome(item, "done", fresh=True)))
    assert lines == []
    now[0] = 31.0
    board.watch(Event("worker 1", item, outcome=Outcome(item, "failed", reason="no such file")))
    assert lines[0] == "failed i.mp4: no such file"
    assert lines[1].startswith("1 done   1 failed   1 left")
