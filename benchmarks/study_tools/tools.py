"""Do other people's tools open our studies? `python benchmarks/study_tools/tools.py BUILT [--labjs CHECKOUT] ...`.

BUILT is the folder of a built study. Each tool is asked where it is there, and the answer printed:

  PsychoPy      its importConditions reads every list; --psychopy FOLDER: `pip install --target FOLDER psychopy`
  lab.js        the builder's own code opens every list (--labjs: a checkout of its repository; node, and `npm install`
                in this folder), and two of its runtimes play one from beginning to end in Chromium
  JATOS         the archive has the fields of an archive that JATOS itself wrote (--jzip: one, for instance
                test/resources/potato_compass.jzip of its repository); JATOS is not run
  Qualtrics     `pip install --target FOLDER qualtrics` (--qualtrics FOLDER), a parser of others: Qualtrics is not asked
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PSYCHOPY = """
import sys
from psychopy import __version__
from psychopy.data.utils import importConditions
for path in sys.argv[1:]:
    rows, names = importConditions(path, returnFieldNames=True)
    print(__version__, len(rows), len(names))
"""
QUALTRICS = """
import sys, json
from importlib.metadata import version
from pathlib import Path
from qualtrics._common.parsers.qsf import _qsf
for path in sys.argv[1:]:
    entry, questions, blocks, sections = _qsf(Path(path))
    flow = json.loads(entry["flow_definition_json"])
    print(version("qualtrics"), len(questions), len(flow["blocks"]))
"""
RUNTIMES = {
    "lab.js 20.2.4": ("lab.js/dist/lab.js", "stable.js", "lab.util.fromObject(tree, lab)"),
    "lab.js 23.0.0-alpha4": ("labjs-next/dist/umd/lab.js", "next.js", "lab.core.deserialize(tree)"),
}
PAGE = """<!doctype html><meta charset="utf-8"><body><div data-labjs-section="main"></div>
<script src="lab.js"></script><script src="tree.js"></script><script>
tree.plugins = []  // nothing is downloaded
tree.parameters.address = "stimuli"
const study = {make}
study.run()
window.rows = () => (study.options.datastore ?? study.internals.controller.global.datastore).data
</script>"""
FASTER = """
document.addEventListener("play", ({ target }) => { target.playbackRate = 8 }, true);
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("built", type=Path)
    for name in ("psychopy", "labjs", "jzip", "qualtrics"):
        parser.add_argument(f"--{name}", type=Path)
    options = parser.parse_args()
    exports = options.built / "exports"
    if options.psychopy:
        ask_python("PsychoPy", PSYCHOPY, options.psychopy, sorted((exports / "psychopy").glob("list_*.csv")))
    if options.qualtrics:
        ask_python("Qualtrics' format by qualtrics", QUALTRICS, options.qualtrics, [*exports.glob("qualtrics/*.qsf")])
    if options.labjs:
        play_labjs(options.built, options.labjs)
    if options.jzip:
        compare_archives(exports / "jatos" / "study.jzip", options.jzip)


def ask_python(name: str, program: str, packages: Path, files: list[Path]) -> None:
    """Let a package read all files in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(packages)}
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, files)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"{name}: FAILED: {done.stderr.strip().splitlines()[-1]}")
        return
    lines = [line for line in done.stdout.splitlines() if line[:1].isdigit()]
    version, first, second = lines[0].split()
    print(f"{name} {version}: {len(lines)} files, the first with {first} and {second} entries")


def play_labjs(built: Path, checkout: Path) -> None:
    """The builder opens all lists; two runtimes play the first one."""
    modules = HERE / "node_modules"
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        bundle = work / "builder.cjs"
        command = [str(modules / ".bin" / "esbuild"), str(HERE / "builder.mjs"), "--bundle", "--platform=node"]
        command += ["--format=cjs", "--loader:.js=jsx", f"--alias:labjs-checkout={checkout}", f"--outfile={bundle}"]
        environment = os.environ | {"NODE_PATH": str(modules)}
        subprocess.run([*command, "--log-level=error"], check=True, env=environment)
        lists = sorted((built / "exports" / "labjs").glob("*.study.json"))
        for study in reversed(lists):  # the first remains
            outputs = [str(work / "stable.js"), str(work / "next.js")]
            subprocess.run(["node", str(bundle), str(study), *outputs], check=True)
        print(f"lab.js: the builder opened {len(lists)} lists")
        expected = count_answers(built)
        for runtime, (library, tree, make) in RUNTIMES.items():
            shutil.copyfile(modules / library, work / "lab.js")
            shutil.copyfile(work / tree, work / "tree.js")
            (work / "index.html").write_text(PAGE.replace("{make}", make), encoding="utf-8")
            if not (work / "stimuli").exists():
                (work / "stimuli").symlink_to((built / "public" / "stimuli").absolute())
            rows = answer_labjs(work)
            answered = Counter(
                row["trial"] for row in rows if "trial" in row and row.get("ended_on") == "form submission"
            )
            kind = "played" if sorted(answered) == expected else "FAILED"
            print(f"{runtime}: {kind}, {len(answered)} of {len(expected)} trials answered")


def count_answers(built: Path) -> list[str]:
    pages = json.loads((built / "public" / "lists" / "list_000.json").read_text(encoding="utf-8"))["trials"]
    return sorted(f"t{page['trial']:03}" for page in pages if page["type"] != "trace")


def answer_labjs(folder: Path) -> list[dict[str, Any]]:
    """Click through a study; the rows that it kept."""
    with browser(folder) as page:
        page.goto("index.html")
        while True:
            page.wait_for_selector("button, h1:has-text('Thank you')")
            if page.query_selector("h1:has-text('Thank you')"):
                page.wait_for_timeout(300)
                return page.evaluate("rows()")
            if page.query_selector("form") is None:
                page.click("button")
                continue
            page.evaluate("document.querySelectorAll('video').forEach(v => { v.muted = true; v.play() })")
            page.wait_for_selector("fieldset:not([disabled])", timeout=20_000)
            for radio in page.query_selector_all("label:first-of-type input[type=radio]"):
                radio.check()
            page.evaluate("window.answered = document.querySelector('form')")
            page.click("button[type=submit]")
            page.wait_for_function("!answered.isConnected")


def compare_archives(ours: Path, theirs: Path) -> None:
    """Which fields of an archive that JATOS wrote ours lacks or adds; both have one folder and one .jas."""
    both = [read_archive(path) for path in (ours, theirs)]
    for place in ("study", "componentList", "batchList"):
        mine, reference = (fields[place] for fields in both)
        print(f"JATOS archive, {place}: lacks {sorted(reference - mine) or 'nothing'}, adds {sorted(mine - reference)}")


def read_archive(path: Path) -> dict[str, set[str]]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.startswith("__MACOSX")]
        described = [name for name in names if name.endswith(".jas")]
        folders = {name.partition("/")[0] for name in names if "/" in name}
        whole = json.loads(archive.read(described[0]))
        study = whole["data"]
        assert (len(described), len(folders), whole["version"]) == (1, 1, "3")
        assert folders == {study["dirName"]}
        files = {f"{study['dirName']}/{component['htmlFilePath']}" for component in study["componentList"]}
        assert files <= set(names)
    parts = {place: {field for part in study[place] for field in part} for place in ("componentList", "batchList")}
    return {"study": set(study), **parts}


@contextmanager
def browser(folder: Path) -> Iterator[Any]:
    """A page of headless Chromium, and the folder served to it."""
    from playwright.sync_api import sync_playwright

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    arguments = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = chromium.new_page(base_url=f"http://127.0.0.1:{server.server_port}/")
        page.set_default_timeout(30_000)
        page.add_init_script(FASTER)
        page.on("pageerror", lambda error: print("error:", error))
        yield page
        chromium.close()
    server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


if __name__ == "__main__":
    main()
