"""Studies for lab.js: components that belong together, loops in the list's order, forms that ask for every answer."""

from html.parser import HTMLParser
from typing import Any

import pytest

from emosplat.studies.tools.labjs import study_file

from .pages import ASKED, LIST


@pytest.fixture(scope="module")
def components() -> dict[str, dict[str, Any]]:
    made = study_file("A <study> for ${you}", LIST, 3, address="https://YOUR-SERVER/stimuli")
    assert made["version"] == [20, 2, 4]
    assert made["files"] == {"files": {}, "bundledFiles": {}}
    return made["components"]


class Inputs(HTMLParser):
    """Names of a page's fields, and how many videos it has."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.videos = 0
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.videos += tag == "video"
        if tag == "input" and given["name"] not in self.names:
            self.names.append(str(given["name"]))


def test_components_form_one_tree(components: dict[str, dict[str, Any]]) -> None:
    assert all(key == component["id"] for key, component in components.items())
    inside = [child for component in components.values() for child in component.get("children", [])]
    assert sorted(inside) == sorted(set(components) - {"root"})
    assert {component["type"] for component in components.values()} == {
        "lab.flow.Sequence",
        "lab.flow.Loop",
        "lab.html.Form",
        "lab.html.Screen",
    }


def test_loops_go_through_all_trials_in_order(components: dict[str, dict[str, Any]]) -> None:
    trials: list[str] = []
    for child in components["root"]["children"]:
        loop = components[child]
        if loop["type"] != "lab.flow.Loop":
            continue
        assert loop["sample"] == {"mode": "sequential"}
        columns = [column["name"] for column in loop["templateParameters"]["columns"]]
        trials += [row[0] for row in loop["templateParameters"]["rows"]]
        form = components[loop["children"][0]]
        for name in columns[1:]:
            assert f"${{ this.parameters.{name} }}" in form["content"]
        page = next(page for page in ASKED if f"t{page['trial']:03}" == trials[-1])
        inputs = Inputs(form["content"])
        assert inputs.videos == len(columns) - 2
        expected = {"mushra": ["slider1", "slider2"], "identification": ["answer", "other", "intensity"]}
        assert inputs.names == expected.get(page["type"], ["answer"])
    assert trials == [f"t{page['trial']:03}" for page in ASKED]


def test_texts_are_neither_markup_nor_templates(components: dict[str, dict[str, Any]]) -> None:
    welcome = components[components["root"]["children"][0]]["content"]
    assert "A &lt;study&gt; for &#36;{you}" in welcome
    rows = [row for c in components.values() for row in c.get("templateParameters", {}).get("rows", [])]
    assert any("&lt;Now&gt; &amp; &#36;{here}" in row[1] for row in rows)
