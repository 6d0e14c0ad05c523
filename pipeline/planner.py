"""Motion subtitles by a language model behind an OpenAI-compatible address that the user names.

Nothing is sent anywhere unless `--planner` names an address; then the words with their times and the moments that stand
out are, never the sound. The answer is data: it is read as a subtitle file, what is wrong in it is told and left out.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..blendshapes.singing.song import HELD, Song
from ..blendshapes.speech.accents import Accent
from ..blendshapes.subtitles.vocabulary import DEGREES, FACE, VOCABULARY
from ..blendshapes.subtitles.webvtt import Subtitle, parse_subtitles
from ..core.errors import InputError

KEY = "EMOSPLAT_PLANNER_KEY"  # environment variable with the key that is sent, if the address wants one
TIMEOUT = 120.0  # seconds
MOST_BYTES = 4 << 20  # of an answer
MOST_CUES = 2000
LONGEST_CUE = 30.0  # seconds

TASK = """You write motion subtitles: what regions of a talking face do while it says the given words.
Answer with a WebVTT file and nothing else. Times as 00:00:01.200 --> 00:00:02.000; each line of a cue is
`REGION: ACTION INTENSITY`, intensity 0 to 1. Only these regions and actions exist:
{vocabulary}
{face}: words for a feeling, such as `{face}: a little sad 0.5`.
People move sparingly: brows and head mark what matters, eyes rest on the listener and wander in pauses, lips are
busy speaking. Explain nothing."""


@dataclass(frozen=True)
class Planner:
    """Who is asked: the address up to and without `/chat/completions`, and the name of the model there."""

    url: str
    model: str = "default"

    def __post_init__(self) -> None:
        """Raises InputError for an address that is none of the web."""
        if not self.url.startswith(("http://", "https://")):
            raise InputError(f"--planner {self.url[:80]!r}: expected an address that begins with http:// or https://")

    def plan(
        self,
        moments: Sequence[Accent],
        words: Sequence[tuple[float, float, str]],
        song: Song | None = None,
        *,
        duration: float,
        note: Callable[[str], None] = lambda _: None,
    ) -> list[Subtitle]:
        """The cues of the answer that lie within the clip; `note` is told what was left out.

        Raises InputError where nobody answers, or with something that is no subtitle file.
        """
        answer = self._ask(_scene(moments, words, song, duration))
        start = answer.find("WEBVTT")
        if start < 0:
            raise InputError(f"--planner: expected a WebVTT file in the answer, found {answer.strip()[:80]!r}")
        text = answer[start:].partition("```")[0]
        refused: list[InputError] = []
        cues = parse_subtitles(text, source="the planner's answer", refused=refused.append)
        kept = list(_within(cues, duration))[:MOST_CUES]
        for error in refused[:20]:
            note(f"left out: {error}")
        if left := len(cues) - len(kept):
            note(f"left out: {left} cues beyond the clip, or without an action")
        return kept

    def _ask(self, scene: str) -> str:
        vocabulary = "\n".join(f"{region}: {', '.join(actions)}" for region, actions in VOCABULARY.items())
        messages = [
            {"role": "system", "content": TASK.format(vocabulary=vocabulary, face=FACE)},
            {"role": "user", "content": scene},
        ]
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(KEY):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(
            f"{self.url.rstrip('/')}/chat/completions",
            json.dumps({"model": self.model, "messages": messages, "temperature": 0.4}).encode(),
            headers,
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                data = response.read(MOST_BYTES + 1)
        except (urllib.error.URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise InputError(f"--planner {self.url}: expected an answer, found {str(reason)[:120]}") from None
        if len(data) > MOST_BYTES:
            raise InputError(f"--planner {self.url}: expected an answer of at most {MOST_BYTES} bytes, found more")
        return _content(data, self.url)


def _content(data: bytes, url: str) -> str:
    """The text of the first choice."""
    try:
        found: Any = json.loads(data)
        content = found["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        content = None
    if not isinstance(content, str):
        raise InputError(f"--planner {url}: expected JSON with choices[0].message.content, found {data[:60]!r}")
    return content


def _scene(
    moments: Sequence[Accent], words: Sequence[tuple[float, float, str]], song: Song | None, duration: float
) -> str:
    lines = [f"The clip lasts {duration:.2f} s."]
    if song is not None:
        lines.append("It is sung. Long notes, and how many semitones they lie above the song's middle:")
        lines += [f"{n.start:.2f}-{n.end:.2f} {n.pitch - song.middle:+.0f}" for n in song.notes if n.length >= HELD][
            :MOST_CUES
        ]
    lines += ["Words:", *(f"{start:.2f}-{end:.2f} {text}" for start, end, text in words)] if words else []
    lines += ["Moments that stand out:", *(f"{m.time:.2f} {m.kind} {m.strength:.1f}" for m in moments)]
    lines.append(f"Intensities in words: {', '.join(f'{word} = {value:g}' for word, value in DEGREES.items())}.")
    return "\n".join(lines)


def _within(cues: Sequence[Subtitle], duration: float) -> Iterator[Subtitle]:
    for cue in cues:
        if cue.wishes and cue.start < duration:
            lines = tuple(wish.written for wish in cue.wishes)  # nothing but what was understood
            yield Subtitle(cue.start, min(cue.end, cue.start + LONGEST_CUE, duration), lines, cue.wishes)
