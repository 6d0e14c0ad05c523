"""A preregistration written from the design file, in the order of the form of the Open Science Framework.

What the design fixes is filled in; what only its author can know is asked for in square brackets.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..balance import check_balance
from ..design import AnyTask, Study, load_study
from ..lists import SOUND_LATE, choices, make_list, make_lists
from ..targets import targets
from ..tasks import Comparison, Discrimination, Free, Identification, Mushra, Preference, Sync
from .factorial import tested_layout
from .factors import BY, pairs_to_test
from .methods import factors_text, software, task_text, tested_text


def preregistration(design: Path) -> str:
    """The text, as Markdown, for a design file; raises InputError."""
    study = load_study(design)
    parts = [
        ("Title", [study.title]),
        ("Hypotheses", _hypotheses(study)),
        ("Study type", ["Experiment, within participants: every participant judges all conditions."]),
        ("Blinding", [BLIND]),
        ("Study design", _design(study)),
        ("Randomisation", _randomisation(study)),
        ("Existing data", ["[Registration before the collection of data, or what has been seen of them.]"]),
        ("Sampling plan", _sampling(study)),
        ("Stopping rule", [STOPPING]),
        ("Measured variables", [f"{task.id}: {_measured(task)}" for task in study.tasks]),
        (
            "Statistical models",
            [
                *(f"{task.id}: {task_text(study, task)}{factors_text(study, task)}" for task in study.tasks),
                tested_text(study),
            ],
        ),
        ("Inference criteria", _criteria(study)),
        ("Data exclusion", _exclusion(study)),
        ("Missing data", [MISSING]),
        ("Exploratory analysis", ["[What will be looked at beside this; it will be called exploratory.]"]),
        ("Files", _files(design)),
    ]
    sections = ["\n\n".join([f"## {title}", *paragraphs]) for title, paragraphs in parts]
    return "\n\n".join([f"# Preregistration: {study.title}", *sections]) + "\n"


BLIND = (
    "Participants are not told which condition a video shows. File names, sizes and dates are the same for all or "
    "drawn at random; answers are joined with conditions by a key that is not on the server's public side."
)
STOPPING = (
    "Collection ends when every list has been finished by one participant who is not excluded. [Or another rule. No "
    "test is looked at before.]"
)
MISSING = "Trials without an answer are left out; variances are worked out for the trials that were answered."


def _hypotheses(study: Study) -> list[str]:
    """One per test that will be made, without its direction."""
    said = ["[For each of these, which direction is expected, if any. All tests are two-sided.]"]
    for task in study.tasks:
        said += [f"Task {task.id}:", "\n".join(f"- {what}" for what in _questions(study, task))]
    return said


def _questions(study: Study, task: AnyTask) -> list[str]:
    layout = tested_layout(study, task)
    found: list[str] = []
    if layout is not None:
        found += [
            f"{'a main effect' if len(effect) == 1 else 'an interaction'} of {BY.join(effect)}"
            for effect in layout.effects
        ]
    if layout is not None and isinstance(task, Identification) and task.intensity:
        found.append("the same effects on how strong the emotion looks")
    match task:
        case Preference():
            found += [
                f"{a} is chosen in more or less than half of the comparisons with {b}" for a, b in study.pairs_of(task)
            ]
        case Discrimination():
            found += [f"{a} is told from {b} more or less often than by chance" for a, b in study.pairs_of(task)]
        case Free():
            found += ["no test: the words are reported"]
        case Sync() if task.forced:
            found += [f"“{SOUND_LATE}” depends on the offset", "the centre is not at 0 ms"]
        case Sync():
            found += ["“in sync” depends on the size of the offset", "its centre is not at 0 ms"]
        case Identification():
            found += [
                f"{name} is named {label} more or less often than by chance (1 in {len(choices(task))})"
                for name, label in targets(study, task).items()
            ]
        case Comparison():
            found += [f"{a} and {b} differ" for a, b in pairs_to_test(study, study.conditions_of(task))]
        case _:
            pass
    return found


def _design(study: Study) -> list[str]:
    clips = ", ".join(clip.id for clip in study.shown)
    said = [
        f"{len(study.conditions)} conditions ({', '.join(study.conditions)}) of {len(study.shown)} recordings of "
        f"speech ({clips}). Participants and recordings are random factors, crossed."
    ]
    for task in study.tasks:
        layout = tested_layout(study, task)
        factors = (
            ""
            if layout is None
            else " Factors: "
            + "; ".join(f"{name} ({', '.join(levels)})" for name, levels in layout.factors.items())
            + "."
        )
        how = "each recording in one condition (Latin square)" if task.assignment == "latin" else "all combinations"
        trials = sum(t.task.id == task.id and t.phase == "main" for t in make_list(study, 0))
        said.append(f"{task.id} ({task.type}): each participant sees {how}, {trials} trials.{factors}")
    return said


def _randomisation(study: Study) -> list[str]:
    counts = [count.line() for count in check_balance(study, make_lists(study))]
    return [
        f"{study.participants} lists are drawn up from the seed {study.seed} by Williams and Latin squares; sides of "
        "pairs are balanced. Participants get the list that the fewest have answered. Counts over all lists:",
        "\n".join(["```", *counts, "```"]),
    ]


def _sampling(study: Study) -> list[str]:
    task = study.tasks[0].id
    return [
        f"{study.participants} participants. [Who they are, how they are found and paid.]",
        "[Why so many: the smallest effect of interest and the power by simulation of these lists and tests, for "
        f"instance from `render study power study.yaml --task {task} --effect CONDITION=SIZE`.]",
    ]


def _measured(task: AnyTask) -> str:
    offered = choices(task)
    kinds = {"free": "a word", "trace": "a slider from 0 to 100, followed over the time of the video"}
    answers = f"one of {', '.join(offered)}" if offered else kinds.get(task.type, "a slider from 0 to 100")
    shown = " for each video of a page" if isinstance(task, Mushra) else ""
    return f"“{task.question}” Answer: {answers}{shown}. Response times are kept."


def _criteria(study: Study) -> list[str]:
    said = [
        "p < .05, two-sided, corrected by Holm within each task; effects of factors, and comparisons of the levels of "
        "each factor, are families of their own. 95 % intervals are uncorrected."
    ]
    said += [
        f"{task}: a difference is called negligible when two one-sided tests (p < .05) reject ±{bound:g}."
        for task, bound in study.analysis.equivalence.items()
    ]
    if study.analysis.bayes:
        said.append("JZS Bayes factors (Cauchy prior, scale 0.707) are reported beside the tests.")
    return said


def _exclusion(study: Study) -> list[str]:
    rule = study.exclusion
    frames = (
        "" if rule.dropped_frames is None else f", or do not see {100 * rule.dropped_frames:g} % or more of the frames"
    )
    return [
        f"Participants are left out who fail {rule.failed_catch} or more attention checks, or answer less than "
        f"{100 * rule.min_share:.0f} % of the trials{frames}. Results without exclusions, and with each rule alone, "
        "are reported, too."
    ]


def _files(design: Path) -> list[str]:
    return [f"`{design.name}`, SHA-256 {hashlib.sha256(design.read_bytes()).hexdigest()}. Software: {software()}."]
