"""A methods section that a paper can start from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ...pipeline.clip.sidecar import package_versions
from ..design import AnyTask, Identification, Mushra, Preference, Rating, Study, Sync
from ..lists import choices
from .exclusions import Kept
from .markup import number, share, signed
from .sync import SLIPS

ANCHORS = {
    "frozen": "an anchor that did not speak",
    "shifted": "an anchor out of sync",
    "lowpass": "an anchor whose motion was low-pass filtered",
}
REFERENCES = (  # the kind of task that needs it, if only one does
    ("preference", "Bradley, R. A., & Terry, M. E. (1952). Rank analysis of incomplete block designs. Biometrika, 39."),
    (
        None,
        "Cameron, A. C., Gelbach, J. B., & Miller, D. L. (2011). Robust inference with multiway clustering. Journal of "
        "Business & Economic Statistics, 29(2).",
    ),
    (
        None,
        "Clark, H. H. (1973). The language-as-fixed-effect fallacy. Journal of Verbal Learning and Verbal Behavior, "
        "12(4).",
    ),
    (
        None,
        "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, "
        "6(2).",
    ),
    (
        None,
        "Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance components. Biometrics "
        "Bulletin, 2(6).",
    ),
    (
        "identification",
        "Wagner, H. L. (1993). On measuring performance in category judgment studies of nonverbal behavior. Journal of "
        "Nonverbal Behavior, 17(1).",
    ),
)
LIBRARIES = ("emosplat", "numpy", "scipy", "statsmodels", "choix", "krippendorff", "matplotlib")


def software() -> str:
    """The libraries that the analysis uses, with their versions."""
    found = package_versions(LIBRARIES, absent="not installed")
    return ", ".join(f"{name} {version}" for name, version in found.items())


def reasons(kept: Kept) -> Mapping[str, int]:
    """How many participants were left out for what; one may have several reasons."""
    return Counter(reason for person in kept.left_out for reason in person.reasons)


def methods_text(study: Study, kept: Kept, *, simulated: int) -> list[str]:
    """Paragraphs: who, what, and how it was tested."""
    look = study.stimuli
    recordings = f"{len(study.shown)} recording{'s' * (len(study.shown) > 1)} of speech"
    conditions = f"{len(study.conditions)} condition{'s' * (len(study.conditions) > 1)} ({', '.join(study.conditions)})"
    stimuli = (
        f"Stimuli were prepared with emosplat from {recordings} in {conditions}: {look.size[0]}×{look.size[1]} videos "
        f"at {look.fps:g} frames per second, with loudness normalised to {number(look.loudness, 0)} LUFS by gain "
        "alone. The order of conditions followed Williams designs, and the sides of pairs were balanced."
    )
    return [
        _people(study, kept, simulated),
        stimuli,
        *(f"Task “{task.id}”: {_task(study, task)}" for task in study.tasks),
        _tested(),
    ]


def references(study: Study) -> list[str]:
    """What the methods text cites."""
    kinds = {task.type for task in study.tasks}
    return [text for kind, text in REFERENCES if kind is None or kind in kinds]


def _people(study: Study, kept: Kept, simulated: int) -> str:
    rule, took_part, left_out = study.exclusion, len(kept.participants), len(kept.left_out)
    who = f"{took_part} {'simulated ' if simulated == took_part else ''}participant{'s' * (took_part > 1)} took part"
    invented = f" ({simulated} of them simulated)" if 0 < simulated < took_part else ""
    why = "; ".join(f"{n} {reason}" for reason, n in reasons(kept).items())
    return (
        f"{who}{invented}. As specified before data collection, participants were excluded if they failed "
        f"{rule.failed_catch} or more attention checks or answered less than {share(rule.min_share)} of the trials. "
        f"This applied to {left_out}{f' ({why})' if why else ''}, which left {len(kept.stayed)} for analysis."
    )


def _task(study: Study, task: AnyTask) -> str:
    asked = f"participants were asked “{task.question}”"
    match task:
        case Preference():
            n = len(study.pairs_of(task))
            equal = "; “no difference” was a third answer and counted as half a choice of each" if task.equal else ""
            return (
                f"{asked} about two synchronised videos, side by side ({n} pair{'s' * (n > 1)} of conditions{equal}). "
                "The share of choices was tested against 50 %. Exact binomial tests and Wilson intervals, which assume "
                "independent answers, and Bradley-Terry strengths (choix; intervals from 1000 bootstrap samples of "
                "participants) are reported in addition."
            )
        case Rating():
            scale = f"{task.scale.points} steps" if task.scale.points else "a slider from 0 to 100"
            return (
                f"{asked} and answered on a scale from “{task.scale.low}” to “{task.scale.high}” ({scale}). All pairs "
                "of conditions were compared. A linear mixed model (statsmodels) is reported in addition."
            )
        case Identification():
            n = len(choices(task))
            return (
                f"{asked} and chose one of {n} answers ({', '.join(choices(task))}). The share of correct answers was "
                f"tested against chance (1/{n}). Wagner's unbiased hit rate, Cohen's kappa between answers and "
                "intended emotions, and Krippendorff's alpha between participants are reported in addition."
            )
        case Sync():
            offsets = ", ".join(map(signed, task.offsets_ms))
            return (
                f"{asked} about videos in which the sound was offset from the picture by {offsets} ms (positive: sound "
                "later). A Gaussian curve was fitted to the share of “in sync” by maximum likelihood, with "
                f"{share(SLIPS)} of the answers taken as random. Tested were the change of that share with the size of "
                "the offset, and the centre of the curve against 0 ms. Intervals of its width at half height come from "
                "1000 bootstrap samples of participants."
            )
        case Mushra():
            hidden = "a hidden reference" if task.reference else ""
            parts = [hidden, ANCHORS[task.anchor.kind] if task.anchor else ""]
            among = " and ".join(part for part in parts if part)
            return (
                f"{asked} about all conditions of a clip on one page, with a slider from 0 to 100 for each"
                f"{f', {among} among them' if among else ''}. All pairs of conditions were compared. A linear mixed "
                "model (statsmodels) and Wilcoxon signed-rank tests over participants' means (scipy) are reported in "
                "addition."
            )


def _tested() -> str:
    return (
        "All tests were two-sided t tests whose variance was clustered by participants and by clips (Cameron et al., "
        "2011; in a complete crossing the quasi-F ratio of Clark, 1973), so that they generalise to new participants "
        "and new clips. Degrees of freedom were Satterthwaite's, bounded by the number of participants minus one and "
        "by 2 (clips − 1). p-values were corrected within each task by Holm's method; 95 % intervals are uncorrected. "
        f"Software: {software()}."
    )
