"""The client of docs/live.md against a real server."""

import threading
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="starlette is not installed (pip install emosplat[live])")
pytest.importorskip("uvicorn", reason="uvicorn is not installed (pip install emosplat[live])")

import uvicorn

from emosplat.pipeline.addresses import listener
from emosplat.pipeline.service.jobs import Jobs
from emosplat.pipeline.service.server import create_app
from emosplat.pipeline.service.streams import Streams

PAGE = Path(__file__).parents[3] / "docs" / "live.md"
TOKEN = "a-token-of-sixteen"


def client() -> str:
    """The page's last program."""
    return PAGE.read_text(encoding="utf-8").split("```python\n")[-1].split("```")[0]


def test_the_client_of_the_page_works(babble: Path, tmp_path: Path) -> None:
    names: dict = {}
    exec(compile(client(), str(PAGE), "exec"), names)
    with Jobs(tmp_path, device="cpu") as jobs, listener("127.0.0.1", 0) as listening:
        app = create_app(jobs, Streams(0), host="127.0.0.1", token=TOKEN)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            made = names["render"](address, babble.read_bytes(), TOKEN, emotion="happy", format="json", model="live")
            with pytest.raises(RuntimeError, match="expected an audio or video file"):
                names["render"](address, b"no sound", TOKEN)
        finally:
            server.should_exit = True
            thread.join()
    assert b"emosplat-face-motion-1" in made


def test_the_library_of_the_page_works() -> None:
    blocks = PAGE.read_text(encoding="utf-8").split("```python\n")[1:]
    assert len(blocks) == 2
    exec(compile(blocks[0].split("```")[0], str(PAGE), "exec"), {})
