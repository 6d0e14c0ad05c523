"""The right answer of an identification: the label that names what a condition was meant to show."""

from __future__ import annotations

from .design import Study
from .tasks import Identification


def targets(study: Study, task: Identification) -> dict[str, str]:
    """The label that is right for each condition; none for other systems' videos that tell none, mixes, and
    unlisted emotions.
    """
    labels = {label.casefold(): label for label in task.labels}
    found = {name: study.conditions[name] for name in study.conditions_of(task)}
    told = {name: c for name, c in found.items() if c.videos is None or "emotion" in c.model_fields_set}
    return {
        name: labels[condition.emotion.casefold()]
        for name, condition in told.items()
        if condition.emotion.casefold() in labels
    }
