"""A methods section that a paper can start from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ...pipeline.clip.sidecar import package_versions
from ..design import AnyTask, Study
from ..lists import choices
from ..tasks import Comparison, Discrimination, Free, Identification, Mushra, Preference, Rating, Sync, Trace
from .exclusions import Kept
from .factorial import tested_layout
from .factors import pairs_to_test
from .markup import number, share, signed
from .psychometric import SLIPS

ANCHORS = {
    "frozen": "an anchor that did not speak",
    "shifted": "an anchor out of sync",
    "lowpass": "an anchor whose motion was low-pass filtered",
}
FACTORS, EQUIVALENCE, BAYES = "factors", "equivalence", "bayes"
REFERENCES = (  # what needs it: a kind of task or an analysis; None: all
    (
        None,
        "Barr, D. J., Levy, R., Scheepers, C., & Tily, H. J. (2013). Random effects structure for confirmatory "
        "hypothesis testing: Keep it maximal. Journal of Memory and Language, 68(3).",
    ),
    (
        None,
        "Beran, R. (1988). Prepivoting test statistics: A bootstrap view of asymptotic refinements. Journal of the "
        "American Statistical Association, 83(403).",
    ),
    ("preference", "Bradley, R. A., & Terry, M. E. (1952). Rank analysis of incomplete block designs. Biometrika, 39."),
    (
        None,
        "Clark, H. H. (1973). The language-as-fixed-effect fallacy. Journal of Verbal Learning and Verbal Behavior, "
        "12(4).",
    ),
    ("identification", "Firth, D. (1993). Bias reduction of maximum likelihood estimates. Biometrika, 80(1)."),
    (
        None,
        "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, "
        "6(2).",
    ),
    (
        FACTORS,
        "Huynh, H., & Feldt, L. S. (1976). Estimation of the Box correction for degrees of freedom from sample data in "
        "randomized block and split-plot designs. Journal of Educational Statistics, 1(1).",
    ),
    (
        BAYES,
        "Rouder, J. N., Speckman, P. L., Sun, D., Morey, R. D., & Iverson, G. (2009). Bayesian t tests for accepting "
        "and rejecting the null hypothesis. Psychonomic Bulletin & Review, 16(2).",
    ),
    (
        None,
        "Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance components. Biometrics "
        "Bulletin, 2(6).",
    ),
    (
        EQUIVALENCE,
        "Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power approach for "
        "assessing the equivalence of average bioavailability. Journal of Pharmacokinetics and Biopharmaceutics, "
        "15(6).",
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
        *(f"Task “{task.id}”: {task_text(study, task)}{factors_text(study, task)}" for task in study.tasks),
        tested_text(study),
    ]


def references(study: Study) -> list[str]:
    """What the methods text cites."""
    needed = {None, *(task.type for task in study.tasks)}
    needed |= {FACTORS} if any(tested_layout(study, task) for task in study.tasks) else set()
    needed |= {EQUIVALENCE} if study.analysis.equivalence else set()
    needed |= {BAYES} if study.analysis.bayes else set()
    return [text for kind, text in REFERENCES if kind in needed]


def factors_text(study: Study, task: AnyTask) -> str:
    """How the factors of a task are tested; nothing where it has none."""
    layout = tested_layout(study, task)
    if layout is None:
        return ""
    named = "; ".join(f"{name} ({', '.join(levels)})" for name, levels in layout.factors.items())
    binary = isinstance(task, Identification)
    how = "score tests of a logistic regression, odds ratios with Firth's penalty (1993)" if binary else "F tests"
    apart = f" {', '.join(layout.left_out)} stood beside the crossing." if layout.left_out else ""
    return (
        f" Factors were {named}.{apart} Main effects and interactions were tested by {how}, with degrees of freedom "
        "corrected by Huynh and Feldt's epsilon (1976), and then the levels of each factor were compared in pairs."
    )


def _people(study: Study, kept: Kept, simulated: int) -> str:
    rule, took_part, left_out = study.exclusion, len(kept.participants), len(kept.left_out)
    who = f"{took_part} {'simulated ' if simulated == took_part else ''}participant{'s' * (took_part > 1)} took part"
    invented = f" ({simulated} of them simulated)" if 0 < simulated < took_part else ""
    frames = (
        "" if rule.dropped_frames is None else f" or did not see {100 * rule.dropped_frames:g} % or more of the frames"
    )
    why = "; ".join(f"{n} {reason}" for reason, n in reasons(kept).items())
    return (
        f"{who}{invented}. As specified before data collection, participants were excluded if they failed "
        f"{rule.failed_catch} or more attention checks or answered less than {share(rule.min_share)} of the "
        f"trials{frames}. This applied to {left_out}{f' ({why})' if why else ''}, which left {len(kept.stayed)} for "
        "analysis."
    )


def task_text(study: Study, task: AnyTask) -> str:  # noqa: PLR0911  (one per kind)
    """What is asked in a task, and how it is tested."""
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
                f"{asked} and answered on a scale from “{task.scale.low}” to “{task.scale.high}” ({scale}). "
                f"{_pairs(study, task)}A linear mixed model (statsmodels) is reported in addition."
            )
        case Identification():
            n = len(choices(task))
            return (
                f"{asked} and chose one of {n} answers ({', '.join(choices(task))}). The share of correct answers was "
                f"tested against chance (1/{n}). Wagner's unbiased hit rate, Cohen's kappa between answers and "
                "intended emotions, and Krippendorff's alpha between participants are reported in addition."
            )
        case Sync() if task.forced:
            offsets = ", ".join(map(signed, task.offsets_ms))
            return (
                f"{asked} about videos in which the sound was offset from the picture by {offsets} ms (positive: sound "
                "later), and had to say which was early. A cumulative Gaussian was fitted to the share of “sound too "
                f"late” by maximum likelihood, with {share(SLIPS)} of the answers taken as random. Tested were the "
                "change of that share with the offset, and the centre of the function (point of subjective "
                "simultaneity) against 0 ms. Intervals of the just noticeable difference come from 1000 bootstrap "
                "samples of participants."
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
        case Discrimination():
            how = (
                "saw three videos and said whether the third was like the first or the second (ABX)"
                if task.method == "abx"
                else "saw two videos and said whether they were the same"
            )
            n = len(study.pairs_of(task))
            return (
                f"{asked}: participants {how} ({n} pair{'s' * (n > 1)} of conditions, in four balanced orders). The "
                "share of right answers was tested against 50 %."
            )
        case Free():
            return (
                f"{asked} and answered in their own words. Words were counted as they were written; nothing was tested."
            )
        case Trace():
            return (
                f"{asked} and moved a slider from “{task.low}” (0) to “{task.high}” (100) while the video played; its "
                "value was recorded ten times per second of the video. The means of whole traces were compared between "
                "all pairs of conditions."
            )
        case Mushra():
            hidden = "a hidden reference" if task.reference else ""
            parts = [hidden, ANCHORS[task.anchor.kind] if task.anchor else ""]
            among = " and ".join(part for part in parts if part)
            return (
                f"{asked} about all conditions of a clip on one page, with a slider from 0 to 100 for each"
                f"{f', {among} among them' if among else ''}. {_pairs(study, task)}A linear mixed "
                "model (statsmodels) and Wilcoxon signed-rank tests over participants' means (scipy) are reported in "
                "addition."
            )


def tested_text(study: Study) -> str:
    """What all tests have in common."""
    text = (
        "All tests were two-sided and stand on linear mixed models with random slopes of the tested effect by "
        "participants and by clips (Barr et al., 2013), so that they generalise to new participants and new clips. "
        "Variances were estimated from sums of squares, whose expected values were worked out for the trials that were "
        "answered (in a complete crossing the quasi-F ratio of Clark, 1973); a variance below 0 was set to 0. Degrees "
        "of freedom were Satterthwaite's. Standard errors were calibrated by a parametric bootstrap (Beran, 1988), so "
        "that a true null hypothesis is rejected in 5 % of the cases. p-values were corrected by Holm's method within "
        "each task, and separately for effects of factors and for the levels of each factor; 95 % intervals are "
        "uncorrected. "
    )
    if study.analysis.equivalence:
        text += "Equivalence was tested by two one-sided tests (Schuirmann, 1987). "
    if study.analysis.bayes:
        text += (
            "Bayes factors compare a Cauchy prior of scale 0.707 on the standardized difference with none (Rouder et "
            "al., 2009), the number of observations being the degrees of freedom plus one. "
        )
    return f"{text}Software: {software()}."


def _pairs(study: Study, task: Comparison) -> str:
    """Which conditions are compared."""
    names = study.conditions_of(task)
    pairs = pairs_to_test(study, names)
    if len(pairs) == len(names) * (len(names) - 1) // 2:
        return "All pairs of conditions were compared. "
    return "Pairs with a condition outside the crossing of factors were compared. " if pairs else ""
