"""What the report says about each task: headline tests, figures, and everything beside them."""

from __future__ import annotations

from collections.abc import Sequence

from ..design import AnyTask, Study
from ..lists import IN_STEP, OTHER, SOUND_EARLY, SOUND_LATE, choices
from ..targets import targets
from ..tasks import Discrimination, Free, Identification, Mushra, Preference, Rating, Sync, Trace
from . import discrimination, free, identification, mushra, order, preference, rating, sync, trace
from .calibration import FEW
from .clusters import Test
from .contrasts import Scored, means, mixed_model
from .factor_sections import LINES, evidence, evidence_head, factor_section
from .figures import (
    confusion_figure,
    course_figure,
    preference_figure,
    score_figure,
    strength_figure,
    sync_figure,
)
from .headlines import Results
from .markup import MINUS, Blocks, heading, interval, named, number, p_value, paragraph, picture, share, signed, table
from .psychometric import AtOffset, at_offsets, offsets_of, yes_of
from .responses import Answer

SYNC_CAPTION = "Share of “in sync” with Wilson intervals, the fitted curve, its centre (dotted) and its window (shaded)"
TITLES = {
    "preference": "Preference",
    "rating": "Rating",
    "identification": "Emotion identification",
    "sync": "Lip-sync judgement",
    "mushra": "Multi-stimulus rating",
    "discrimination": "Discrimination",
    "free": "Free labels",
    "trace": "Continuous rating",
}


def section(study: Study, task: AnyTask, answers: Sequence[Answer], found: Results) -> Blocks:
    """A task's part of the report; `answers` are the task's own."""
    people, clips = len({a.participant for a in answers}), len({a.shown.clip for a in answers})
    head = heading(f"{TITLES[task.type]} ({task.id})") + paragraph(f"“{task.question}”", kind="question")
    if not answers:
        return head + paragraph("No answers.")
    trials = len({(a.participant, a.shown.trial) for a in answers})
    head += paragraph(
        f"{trials} trials of {people} participant{'s' * (people > 1)} with {clips} clip{'s' * (clips > 1)}."
    )
    for factors in found.factorials:
        head += factor_section(study, task, factors)
    if found.tests and found.factorials:
        head += heading("Conditions", 3)
    if found.tests or not (found.factorials or isinstance(task, Free)):
        head += _headline(study, task, found.tests, clips)
    return head + _few(people, clips) + _details(study, task, answers, found.tests)


def _details(study: Study, task: AnyTask, answers: Sequence[Answer], tests: Sequence[Test]) -> Blocks:
    match task:
        case Preference():
            text = _preference(study, task, answers, tests)
        case Rating():
            text = _scores(rating.scored(study, task, answers), label="rating")
        case Identification():
            text = _identification(study, task, answers)
        case Sync():
            text = _order(answers) if task.forced else _sync(task, answers)
        case Mushra():
            text = _mushra(study, task, answers)
        case Discrimination():
            text = _discrimination(study, task, answers)
        case Free():
            text = _free(study, task, answers)
        case Trace():
            text = _trace(study, task, answers)
    return text


def _headline(study: Study, task: AnyTask, tests: Sequence[Test], clips: int) -> Blocks:
    if not tests:
        return paragraph("Too little was shown for a test.")
    rows = [
        (
            named(test.name),
            f"{number(test.estimate.value)} {test.unit}",
            interval(test.estimate.low, test.estimate.high),
            _t(test),
            f"{test.estimate.df:.1f}",
            p_value(test.estimate.p),
            p_value(test.p_holm),
            interval(test.estimate.low_these, test.estimate.high_these),
            p_value(test.estimate.p_these),
            *evidence(study, task, test.estimate, null=test.null),
        )
        for test in tests
    ]
    head = ("", "estimate", "95 % interval", "t", "df", "p", "p (Holm)", "these clips only", "p")
    new = "new participants and new clips" if clips > 1 else "new participants and this one clip"
    caption = f"Headline tests against {tests[0].null:g}, valid for {new}. Report “p (Holm)”"
    shown = table((*head, *evidence_head(study, task)), rows, caption=caption)
    alike = [named(test.name) for test in tests if test.estimate.se == 0]
    if alike:
        words = "answers do not vary, so there is no interval, and p is that of a sign test over participants"
        shown += paragraph(f"{', '.join(alike)}: {words}.", kind="note")
    return shown


def _few(people: int, clips: int) -> Blocks:
    """What too few participants or clips mean."""
    if people < 2:
        return paragraph("One participant says nothing about others: there are no tests.", kind="note")
    if clips >= FEW:
        return ()
    return paragraph(
        f"With {clips} clip{'s' * (clips > 1)} little can be said about new ones: more clips give more power than more "
        "participants do.",
        kind="note",
    )


def _t(test: Test) -> str:
    found = test.estimate
    return number((found.value - test.null) / found.se) if found.se > 0 else "–"


def _preference(study: Study, task: Preference, answers: Sequence[Answer], tests: Sequence[Test]) -> Blocks:
    pairs = preference.pairs(study, task, answers)
    rows = [
        (p.name, p.first, p.second, p.equal, interval(*p.wilson), p_value(p.p_binomial), number(p.inflation, 1))
        for p in pairs
    ]
    head = ("pair", "first", "second", "equal", "Wilson 95 %", "exact binomial p", "variance inflation")
    caption = "Counts. The binomial test takes all answers as independent; inflation above 1 says that they are not"
    counted = picture(preference_figure(tests), f"Share that chose the first. {LINES}")
    counted += table(head, rows, caption=caption)
    if len({name for p in pairs for name in p.name.split("/")}) < 3:
        return counted
    groups = preference.groups(answers)
    if len(groups) > 1:
        apart = "; ".join(", ".join(group) for group in groups)
        words = f"No Bradley-Terry strengths: of these sets of conditions one never lost against another: {apart}."
        return counted + paragraph(words, kind="note")
    strengths = sorted(preference.bradley_terry(answers), key=lambda s: -s.value)
    rows = [(s.condition, number(s.value), interval(s.low, s.high)) for s in strengths]
    caption = "Bradley-Terry strengths, with 95 % intervals from 1000 draws of participants (these clips)"
    scale = table(("condition", "logits", "95 % interval"), rows, caption="Bradley-Terry strengths")
    return counted + picture(strength_figure(strengths), caption) + scale


def _scores(scored: Scored, *, label: str) -> Blocks:
    found = means(scored)
    rows = [
        (m.condition, m.answers, number(m.estimate.value), interval(m.estimate.low, m.estimate.high)) for m in found
    ]
    low, high = scored.limits
    caption = f"Means, and beside them those of each participant. {LINES}"
    shown = picture(score_figure(scored, found, label=f"{label} ({low:g} to {high:g})"), caption)
    shown += table(("condition", "answers", "mean", "95 % interval"), rows, caption="Means")
    model = mixed_model(scored)
    if model is None:
        return shown + paragraph("A linear mixed model could not be fitted.", kind="note")
    trouble = "" if model.converged else " It did not converge: do not report it."
    rows = [
        (f"{name} {MINUS} {model.reference}", number(value), interval(low, high))
        for name, value, low, high in model.effects
    ]
    caption = f"{model.fitted}. Random intercepts alone make its intervals narrower than the headline's.{trouble}"
    return shown + table(("difference", "estimate", "95 % interval"), rows, caption=caption)


def _identification(study: Study, task: Identification, answers: Sequence[Answer]) -> Blocks:
    found, right = identification.confusion(study, task, answers), targets(study, task)
    rows = [
        (
            r.condition,
            r.target,
            f"{r.hits} of {r.shown}",
            share(r.hits / r.shown),
            interval(*r.wilson),
            p_value(r.p_binomial),
            f"{r.unbiased:.2f}",
            f"{r.unbiased_chance:.2f}",
        )
        for r in identification.recognition(found, right)
    ]
    head = ("condition", "target", "named", "share", "Wilson 95 %", "exact binomial p", "Hu", "Hu by chance")
    chance = share(1 / len(choices(task)))
    caption = f"Recognition; chance is {chance}. Hu is Wagner's unbiased hit rate"
    shown = picture(confusion_figure(found), "Answers to each condition, in % of its showings") + table(
        head, rows, caption=caption
    )
    agreed = identification.agreement(found, right, answers)
    words = [
        "no kappa (fewer than two conditions have a right answer)"
        if agreed.kappa is None
        else f"Cohen's kappa {agreed.kappa:.2f}",
        "no alpha (too few answers, or all alike)"
        if agreed.alpha is None
        else f"Krippendorff's alpha {agreed.alpha:.2f}",
    ]
    shown += paragraph(f"Agreement of answers with targets: {words[0]}; among participants: {words[1]}.")
    strong = identification.intensities(answers)
    if strong:
        rows = [(name, f"{strong[name][0]:.0f}", strong[name][1]) for name in found.conditions if name in strong]
        head = ("condition", "mean (0 to 100)", "answers")
        shown += table(head, rows, caption="How strong the emotion looked, whichever it was")
    own = [(condition, f"“{word}”", n) for condition, word, n in identification.own_words(answers)]
    if own:
        shown += table(("condition", "own word", "answers"), own, caption=f"Words of those who answered “{OTHER}”")
    return shown


def _sync(task: Sync, answers: Sequence[Answer]) -> Blocks:
    points = at_offsets(answers, IN_STEP)
    curve = sync.fit(offsets_of(answers), yes_of(answers, IN_STEP))
    shown = picture(sync_figure(points, curve), SYNC_CAPTION if curve else "Share of “in sync” with Wilson intervals")
    shown += _by_offset(points, IN_STEP)
    if task.direction:
        early, late = (sum(a.response == said for a in answers) for said in (SOUND_EARLY, SOUND_LATE))
        shown += paragraph(f"“{SOUND_EARLY}”: {early} answers; “{SOUND_LATE}”: {late}.")
    spread = None if curve is None else sync.intervals(answers)
    if curve is None or spread is None:
        return shown + paragraph("A curve could not be fitted: answers do not fall off on both sides.", kind="note")
    rows = [
        ("centre (point of subjective simultaneity)", number(curve.centre, 0), interval(*spread.centre, digits=0)),
        ("window of simultaneity (width at half height)", f"{curve.window:.0f}", interval(*spread.window, digits=0)),
    ]
    fitted = f"Gaussian curve by maximum likelihood, height {curve.height:.2f}"
    caption = f"{fitted}; intervals from {spread.draws} draws of participants (these clips)"
    return shown + table(("", "ms", "95 % interval"), rows, caption=caption)


def _order(answers: Sequence[Answer]) -> Blocks:
    points = at_offsets(answers, SOUND_LATE)
    found = order.fit(offsets_of(answers), yes_of(answers, SOUND_LATE))
    caption = "Share of “sound too late” with Wilson intervals, and the fitted function"
    shown = picture(sync_figure(points, found, label=f"share “{SOUND_LATE}”"), caption)
    shown += _by_offset(points, SOUND_LATE)
    spread = None if found is None else order.intervals(answers)
    if found is None or spread is None:
        return shown + paragraph("A function could not be fitted: answers do not rise within the offsets.", kind="note")
    rows = [
        ("centre (point of subjective simultaneity)", number(found.pss, 0), interval(*spread.pss, digits=0)),
        ("just noticeable difference (half to three quarters)", f"{found.jnd:.0f}", interval(*spread.jnd, digits=0)),
    ]
    caption = (
        f"Cumulative Gaussian by maximum likelihood; intervals from {spread.draws} draws of participants (these clips)"
    )
    return shown + table(("", "ms", "95 % interval"), rows, caption=caption)


def _by_offset(points: Sequence[AtOffset], said: str) -> Blocks:
    rows = [(signed(p.offset_ms), p.said, p.answers, share(p.said / p.answers), interval(*p.wilson)) for p in points]
    return table(("offset (ms)", said, "answers", "share", "Wilson 95 %"), rows, caption="Answers by offset")


def _discrimination(study: Study, task: Discrimination, answers: Sequence[Answer]) -> Blocks:
    told = discrimination.told_apart(study, task, answers)
    same = task.method == "same_different"
    rows = [
        (
            p.name,
            f"{p.right} of {p.answers}",
            share(p.right / p.answers),
            interval(*p.wilson),
            *([number(p.d_prime)] * same),
        )
        for p in told
    ]
    caption = "d' is z(hits) − z(false alarms) of “different”" if same else "Chance is 50 %"
    return table(("pair", "right", "share", "Wilson 95 %", *(["d'"] * same)), rows, caption=caption)


def _free(study: Study, task: Free, answers: Sequence[Answer]) -> Blocks:
    rows = [
        (
            found.condition,
            found.answers,
            found.different,
            "–" if found.agreement is None else f"{found.agreement:.2f}",
            ", ".join(f"“{word}” ({n})" for word, n in found.common),
        )
        for found in free.labels(study, task, answers)
    ]
    head = ("condition", "answers", "different words", "agreement", "most frequent")
    caption = "Words as they were written, upper case aside. Agreement: the chance that two answers are the same word"
    return table(head, rows, caption=caption)


def _trace(study: Study, task: Trace, answers: Sequence[Answer]) -> Blocks:
    courses = trace.courses(study, task, answers)
    caption = (
        "Mean trace of each condition over the time of the video; below, the mean of each whole trace is the score"
    )
    shown = picture(course_figure(courses), caption)
    return shown + _scores(trace.scored(study, task, answers), label="mean of the trace")


def _mushra(study: Study, task: Mushra, answers: Sequence[Answer]) -> Blocks:
    shown = _scores(mushra.scored(study, task, answers), label="score")
    ranks = mushra.signed_ranks(study, task, answers)
    rows = [(named(r.name), r.participants, p_value(r.p), p_value(r.p_holm)) for r in ranks]
    caption = "Wilcoxon's signed-rank test over participants' means; it says nothing about new clips"
    shown += table(("", "participants", "p", "p (Holm)"), rows, caption=caption)
    found = mushra.checks(task, answers)
    if found.reference_good is not None:
        shown += paragraph(
            f"Hidden reference at {mushra.GOOD:.0f} or more: {share(found.reference_good)} of the pages."
        )
    if found.anchor_lowest is not None:
        shown += paragraph(f"Nothing rated below the anchor: {share(found.anchor_lowest)} of the pages.")
    return shown
