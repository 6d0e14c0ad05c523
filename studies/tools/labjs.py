"""A lab.js study (.study.json, as its builder opens and saves it) of one list: a loop over each run of trials."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from .asked import Page, Question, questions_of, runs, videos_of

VERSION = [20, 2, 4]  # of the builder whose files these are like; later ones bring them up to date
# Answers can be given when every video of the page has ended
ENDED = "if (![...this.closest('main').querySelectorAll('video')].some(v => !v.ended)) " + (
    "this.closest('main').querySelector('fieldset').disabled = false"
)


def study_file(title: str, pages: Sequence[Page], number: int, *, address: str) -> dict[str, Any]:
    """The study of list `number`; videos lie at `address`, which is a parameter of the whole study."""
    steps: list[dict[str, Any]] = [_screen("Welcome", f"<main><h1>{_text(title)}</h1>{_button('Begin')}</main>")]
    for run in runs(pages):
        steps += _trials(run)
    steps.append(_screen("Thanks", "<main><h1>Thank you</h1><p>You may close this page.</p></main>", end=True))
    components: dict[str, dict[str, Any]] = {}
    top = [_numbered(step, components) for step in steps]
    components["root"] = {
        **_component("lab.flow.Sequence", "root"),
        "id": "root",
        "children": top,
        "parameters": [_parameter("address", address), _parameter("list", str(number))],
        "metadata": {"title": f"{title}, list {number}", "description": "", "repository": "", "contributors": ""},
        "plugins": [{"type": "lab.plugins.Metadata"}, {"type": "lab.plugins.Download", "filePrefix": f"list{number}"}],
    }
    return {"components": components, "version": VERSION, "files": {"files": {}, "bundledFiles": {}}}


def _trials(run: Sequence[Page]) -> list[dict[str, Any]]:
    """Instructions, where there are some, and a loop over a run of trials."""
    first = run[0]
    name = f"{first['task']}, {first['phase']}"
    columns = ["trial", "question", *(f"video{k}" for k in range(1, len(videos_of(first)) + 1))]
    rows = [[f"t{page['trial']:03}", _text(page["question"]), *videos_of(page)] for page in run]
    loop = {
        **_component("lab.flow.Loop", name),
        "templateParameters": {"columns": [{"name": c, "type": "string"} for c in columns], "rows": rows},
        "sample": {"mode": "sequential"},
        "inside": [{**_component("lab.html.Form", name), "content": _form(first)}],
    }
    if not first["instructions"]:
        return [loop]
    told = "".join(f"<p>{_text(part)}</p>" for part in first["instructions"].split("\n") if part.strip())
    return [_screen(f"Instructions of {name}", f"<main>{told}{_button('Start')}</main>"), loop]


def _form(page: Page) -> str:
    videos = "".join(
        f'<video src="${{ this.parameters.address }}/${{ this.parameters.video{k} }}" controls playsinline '
        f'onended="{html.escape(ENDED)}" style="max-width: {min(100, 200 // (len(videos_of(page)) + 1))}%"></video>'
        for k in range(1, len(videos_of(page)) + 1)
    )
    asked = "".join(_asked(question) for question in questions_of(page))
    question = "<p><strong>${ this.parameters.question }</strong></p>"
    fields = f"<fieldset disabled>{question}{asked}{_button('Go on', 'submit')}</fieldset>"
    return f"<main><p>{videos}</p><form>{fields}</form></main>"


def _asked(question: Question) -> str:
    label = f"<p>{_text(question.text)}</p>" if question.text else ""
    low, high = (f" {_text(end)} " for end in question.ends)
    if question.kind == "text":
        return f'{label}<p><input type="text" name="{question.name}" maxlength="200"></p>'
    if question.kind == "slider":
        return f'{label}<p>{low}<input type="range" name="{question.name}" min="0" max="100" value="50">{high}</p>'
    radio = "".join(
        f'<label><input type="radio" name="{question.name}" value="{_text(choice)}" required> {_text(choice)}</label> '
        for choice in question.choices
    )
    return f"{label}<p>{low}{radio}{high}</p>"


def _screen(title: str, content: str, *, end: bool = False) -> dict[str, Any]:
    """A page with a button; the last one, without, ends by itself."""
    answers = [] if end else [{"label": "go on", "event": "click", "target": "button", "filter": ""}]
    more = {"timeout": "1"} if end else {}
    return {**_component("lab.html.Screen", title), "content": content, "responses": answers, **more}


def _component(kind: str, title: str) -> dict[str, Any]:
    return {"type": kind, "title": title, "parameters": [], "responses": [], "messageHandlers": [], "files": []}


def _parameter(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value, "type": "string"}


def _numbered(component: Mapping[str, Any], components: dict[str, dict[str, Any]]) -> str:
    """Put a component and those inside into the table of all; its id."""
    name = str(len(components) + 1)
    components[name] = {k: v for k, v in component.items() if k != "inside"} | {"id": name}
    if "inside" in component:
        components[name]["children"] = [_numbered(child, components) for child in component["inside"]]
    return name


def _button(label: str, kind: str = "button") -> str:
    return f'<p><button type="{kind}">{label}</button></p>'


def _text(text: str) -> str:
    """Text in a page, which lab.js takes for a template."""
    return html.escape(text).replace("$", "&#36;")
