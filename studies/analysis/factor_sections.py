"""What the report says about factors: effects, means, and what lies between levels."""

from __future__ import annotations

from collections.abc import Sequence

from ..design import AnyTask, Study
from .clusters import Estimate
from .contrasts import means, mixed_effects
from .evidence import bayes_factor, equivalence
from .factorial import Contrast, Factorial
from .factors import BY
from .figures import factorial_figure
from .markup import Blocks, heading, interval, named, number, p_value, paragraph, picture, table

LINES = "Lines are 95 % intervals: thick for these clips, thin for new ones"


def factor_section(study: Study, task: AnyTask, found: Factorial) -> Blocks:
    """One measure's part of the report."""
    names = " × ".join(f"{name} ({len(levels)})" for name, levels in found.layout.factors.items())
    shown = heading(f"Factors: {names}, {found.measure.name}", 3)
    if found.layout.left_out:
        shown += paragraph(f"Not part of the crossing: {', '.join(found.layout.left_out)}.", kind="note")
    shown += _alike(found) + _effects(found)
    shown += picture(factorial_figure(found, means(found.measure.scored)), f"Means of {found.measure.name}. {LINES}")
    return shown + _contrasts(study, task, found) + _beside(found)


def evidence_head(study: Study, task: AnyTask) -> list[str]:
    """Further columns of a table of tests, where the design asks for them."""
    bound = study.analysis.equivalence.get(task.id)
    return [
        *([] if bound is None else [f"p (within ±{bound:g})"]),
        *(["BF₁₀"] if study.analysis.bayes else []),
    ]


def evidence(study: Study, task: AnyTask, found: Estimate, *, null: float = 0.0) -> list[str]:
    """The cells of an estimate in these columns."""
    bound = study.analysis.equivalence.get(task.id)
    return [
        *([] if bound is None else [p_value(equivalence(found, bound, null=null))]),
        *([_bayes(bayes_factor(found, null=null))] if study.analysis.bayes else []),
    ]


def _bayes(value: float | None) -> str:
    """A Bayes factor as papers write it."""
    if value is None:
        return "–"
    if value >= 1000:
        return "> 1000"
    return "< 0.001" if value < 0.001 else f"{value:.3g}"


def _alike(found: Factorial) -> Blocks:
    if not found.alike:
        return ()
    return paragraph(
        f"All answers to {', '.join(found.alike)} are alike: their odds, and so odds ratios, have no estimate. Shares "
        "are tested in place of log odds.",
        kind="note",
    )


def _effects(found: Factorial) -> Blocks:
    rows = [
        (
            named(e.name),
            number(e.f),
            f"{e.df1:.1f}",
            number(e.df2, 1),
            p_value(e.p),
            p_value(e.p_holm),
            *([] if found.measure.binary else [number(e.size if e.size is not None else float("nan"))]),
        )
        for e in found.effects
    ]
    head = ("effect", "F", "df₁", "df₂", "p", "p (Holm)", *([] if found.measure.binary else ["Cohen's f"]))
    kind = "logistic" if found.measure.binary and not found.alike else "linear"
    caption = f"Main effects and interactions ({kind}), valid for new participants and new clips. Report “p (Holm)”"
    return table(head, rows, caption=caption)


def _contrasts(study: Study, task: AnyTask, found: Factorial) -> Blocks:
    size = "odds ratio" if found.measure.binary else "Cohen's d"
    rows = [(*_contrast(c, found), *evidence(study, task, c.difference)) for c in found.contrasts]
    head = ("", "difference", "95 % interval", size, "95 % interval", "df", "p", "p (Holm)")
    unit = "share" if found.measure.binary else found.measure.unit
    caption = f"Levels of each factor, over those of the others (difference in {unit}); p (Holm) within each factor"
    return table((*head, *evidence_head(study, task)), rows, caption=caption)


def _contrast(one: Contrast, found: Factorial) -> tuple[str, ...]:
    value, low, high = one.size
    test = one.test.estimate
    digits = 3 if found.measure.binary else 2
    return (
        named(one.test.name),
        number(one.difference.value, digits),
        interval(one.difference.low, one.difference.high, digits),
        number(value),
        interval(low, high),
        f"{test.df:.1f}",
        p_value(test.p),
        p_value(one.test.p_holm),
    )


def _beside(found: Factorial) -> Blocks:
    """The mixed model of statsmodels, for scores."""
    if found.measure.binary:
        return ()
    scored = found.measure.scored
    columns = {BY.join(e): found.layout.columns(e, scored.conditions) for e in found.layout.effects}
    model = mixed_effects(scored, columns)
    if model is None:
        return paragraph("A linear mixed model could not be fitted beside it.", kind="note")
    rows: Sequence[tuple[str, ...]] = [
        (named(name), number(chi), str(df), p_value(p)) for name, chi, df, p in model.effects
    ]
    trouble = "" if model.converged else " It did not converge: do not report it."
    caption = (
        f"{model.fitted}: Wald tests. Random intercepts alone find more than there is; see the tests above.{trouble}"
    )
    return table(("effect", "χ²", "df", "p"), rows, caption=caption)
