"""Trials as they are served, of every kind."""

from typing import Any


def page(trial: int, kind: str = "rating", **more: Any) -> dict[str, Any]:
    plain = {"trial": trial, "phase": "main", "task": f"t_{kind}", "type": kind, "instructions": "", "question": "How?"}
    return plain | {"stimuli": [f"v{trial}.mp4"], "choices": []} | more


LIST = [
    page(0, "preference", phase="practice", choices=["left", "right"], instructions="Watch both.\n\nThen choose."),
    page(1, "preference", choices=["left", "right"]),
    page(2, "preference", choices=["left", "right"], question="Please answer: left. <Now> & ${here}"),
    page(3, "rating", choices=["1", "2", "3"], low="bad", high="good"),
    page(4, "rating", low="bad", high="good", task="slider"),
    page(5, "identification", choices=["happy", "none of these"], ask_intensity=True, ask_other=True),
    page(6, "trace", low="calm", high="excited"),
    page(7, "free"),
    page(8, "mushra", stimuli=["va.mp4", "vb.mp4"], reference="vr.mp4"),
]
ASKED = [trial for trial in LIST if trial["type"] != "trace"]
