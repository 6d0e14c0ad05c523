"""Scripts that fit mixed models to `tidy.csv`, in R and in Python, with factors coded as the report's are.

Random effects are those that the report's tests stand on: participants and clips, each with their own deviation for
every level of every effect. They are left out where a participant meets a combination only once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ..design import AnyTask, Study
from ..tasks import Comparison, Discrimination, Identification, Mushra, Preference, Rating, Sync, Trace
from .csv_files import FACTOR
from .factors import layout_of

R_FILE, BAMBI_FILE = "analysis.R", "analysis_bambi.py"
CONDITION = "condition"


@dataclass(frozen=True)
class _Model:
    """One model of one task."""

    name: str
    task: str
    keep: str  # the answers that it is about: R and pandas.query understand the same words
    kind: str  # of the answers: gaussian, bernoulli, ordinal
    factors: dict[str, list[str]]  # column of tidy.csv -> levels
    deep: bool  # whether participants meet combinations more than once


def scripts(study: Study) -> dict[str, str]:
    """The text of both scripts, by the name of the file."""
    models = [model for task in study.tasks for model in _models(study, task)]
    return {R_FILE: _r(study, models), BAMBI_FILE: _bambi(study, models)}


def _models(study: Study, task: AnyTask) -> list[_Model]:  # noqa: PLR0911  (one per kind)
    match task:
        case Rating():
            both = [_model(study, task, "gaussian")]
            if task.scale.points:
                both.append(_model(study, task, "ordinal", suffix=", ordinal"))
            return both
        case Trace():
            return [_model(study, task, "gaussian")]
        case Mushra():
            return [_model(study, task, "gaussian", where="shown")]
        case Discrimination():
            return [
                _Model(f"{task.id}, {a} from {b}", task.id, f"condition == '{a}/{b}'", "bernoulli", {}, True)
                for a, b in study.pairs_of(task)
            ]
        case Identification():
            named = _model(study, task, "bernoulli", suffix=", named right", keep="item == 'answer'")
            strong = _model(study, task, "gaussian", suffix=", strength", keep="item == 'intensity'")
            return [named, strong] if task.intensity else [named]
        case Preference():
            return [
                _Model(f"{task.id}, {a} over {b}", task.id, f"condition == '{a}/{b}'", "bernoulli", {}, True)
                for a, b in study.pairs_of(task)
            ]
        case Sync():
            kind = "order" if task.forced else "offset"
            return [_Model(task.id, task.id, "condition != ''", kind, {}, True)]
        case _:
            return []


def _model(
    study: Study, task: Comparison, kind: str, *, suffix: str = "", keep: str = "", where: str = CONDITION
) -> _Model:
    names = study.conditions_of(task)
    layout = layout_of(study, names)
    factors = {FACTOR + name: list(levels) for name, levels in layout.factors.items()} if layout else {where: names}
    kept = [f"{column} != ''" for column in factors] if layout else [f"{where} != 'anchor'"]
    deep = task.assignment == "all" or len(study.shown) * task.repetitions >= 2 * len(names)
    return _Model(task.id + suffix, task.id, " & ".join([*kept, *([keep] if keep else [])]), kind, factors, deep)


def _effects(model: _Model) -> list[str]:
    """The groupings of random deviations beside intercepts: every effect that answers can tell from noise."""
    names = [column.removeprefix(FACTOR) for column in model.factors]
    found: list[str] = []
    for mask in range(1, 2 ** len(names)):
        some = [name for i, name in enumerate(names) if mask >> i & 1]
        if model.deep or len(some) < len(names):
            found.append(":".join(some))
    return sorted(found, key=lambda name: name.count(":"))


# ------------------------------------------------------------------------------------------------------------------- R

_R_HEAD = """# Mixed models of the answers in tidy.csv; factors are coded as in the report (sum-to-zero).
# Run it in this folder: Rscript analysis.R   It needs lme4, lmerTest and, for scales of steps, ordinal.
suppressPackageStartupMessages({ library(lme4); library(lmerTest) })
all <- read.csv("tidy.csv", colClasses = "character", check.names = FALSE, encoding = "UTF-8")
all <- all[all$kept == "1", ]
all$score <- as.numeric(all$score)
results <- data.frame()
coefficients <- data.frame()

# Prints a model and keeps its fixed effects.
show_model <- function(name, m) {
  print(summary(m))
  table <- coef(summary(m))
  coefficients <<- rbind(coefficients, data.frame(
    model = name, term = rownames(table), estimate = table[, "Estimate"], se = table[, "Std. Error"], row.names = NULL
  ))
}
# Wald tests of the effects in a formula, from coefficients and their covariance.
wald <- function(name, fixed, covariance, design) {
  assigned <- attr(design, "assign")
  labels <- attr(terms(design_formula), "term.labels")
  for (i in seq_along(labels)) {
    at <- colnames(design)[assigned == i]
    chi <- drop(t(fixed[at]) %*% solve(covariance[at, at, drop = FALSE], fixed[at]))
    keep(name, labels[i], chi / length(at), length(at), Inf, pchisq(chi, length(at), lower.tail = FALSE))
  }
}
keep <- function(name, effect, f, df1, df2, p) {
  results <<- rbind(results, data.frame(model = name, effect = effect, f = f, df1 = df1, df2 = df2, p = p))
}
"""


def _r(study: Study, models: Sequence[_Model]) -> str:
    body = "".join(_r_model(model) for model in models)
    title = study.title.replace("\n", " ").replace("\r", " ")
    end = (
        "print(results, digits = 4)\n"
        'write.csv(results, "r_effects.csv", row.names = FALSE)\n'
        'write.csv(coefficients, "r_coefficients.csv", row.names = FALSE)\n'
    )
    return f"# {title}\n{_R_HEAD}{body}\n{end}"


def _r_model(model: _Model) -> str:
    lines = [
        "",
        f"# {model.name}",
        f"d <- subset(all, task == '{model.task}' & {model.keep} & !is.na(score))",
        *_r_factors(model),
    ]
    name = json.dumps(model.name)
    names = [column.removeprefix(FACTOR) for column in model.factors]
    fixed = " * ".join(names) or "1"
    groups = _effects(model)
    random = [
        "(1 | participant)",
        "(1 | clip)",
        *(f"(1 | {who}:{g})" for g in groups for who in ("participant", "clip")),
    ]
    match model.kind:
        case "gaussian":
            lines += [
                f"m <- lmer(score ~ {' + '.join([fixed, *random])}, data = d)",
                f"show_model({name}, m)",
                "a <- anova(m, type = 3)",
                "for (e in rownames(a))",
                f'  keep({name}, e, a[e, "F value"], a[e, "NumDF"], a[e, "DenDF"], a[e, "Pr(>F)"])',
            ]
        case "ordinal":
            mixed = " + ".join([fixed, "(1 | participant)", "(1 | clip)", "(1 | participant_condition)"])
            lines += [
                "suppressPackageStartupMessages(library(ordinal))",
                "d$participant_condition <- interaction(d$participant, d$condition, drop = TRUE)",
                "d[c('participant', 'clip')] <- lapply(d[c('participant', 'clip')], factor)",
                f"m <- clmm(factor(score, ordered = TRUE) ~ {mixed}, data = d)",
                f"show_model({name}, m)",
                f"design_formula <- ~ {fixed}",
                f"wald({name}, coef(m), vcov(m), model.matrix(design_formula, d))",
            ]
        case "offset" | "order":
            offset = "as.numeric(d$condition)"
            lines += [
                f"d$away <- {f'abs({offset})' if model.kind == 'offset' else offset} / 100",
                "m <- glmer(score ~ away + (1 + away || participant) + (1 + away || clip), data = d,",
                '           family = binomial, control = glmerControl(optimizer = "bobyqa"))',
                f"show_model({name}, m)",
                "design_formula <- ~ away",
                f"wald({name}, fixef(m), as.matrix(vcov(m)), model.matrix(design_formula, d))",
            ]
        case _:
            lines += [
                "d <- d[d$score != 0.5, ]  # no difference",
                f"m <- glmer(score ~ {' + '.join([fixed, *random])}, data = d, family = binomial,",
                '           control = glmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 2e5)))',
                f"show_model({name}, m)",
            ]
            if names:
                lines += [
                    f"design_formula <- ~ {fixed}",
                    f"wald({name}, fixef(m), as.matrix(vcov(m)), model.matrix(design_formula, d))",
                ]
            else:
                lines += [
                    "z <- fixef(m)[[1]] / sqrt(vcov(m)[1, 1])  # of a share against one half",
                    f'keep({name}, "share", z^2, 1, Inf, 2 * pnorm(-abs(z)))',
                ]
    return "\n".join(lines) + "\n"


def _r_factors(model: _Model) -> list[str]:
    lines: list[str] = []
    for column, levels in model.factors.items():
        name = column.removeprefix(FACTOR)
        given = ", ".join(map(json.dumps, levels))
        lines += [
            f"d${name} <- factor(d$`{column}`, levels = c({given}))",
            f"d <- d[!is.na(d${name}), ]",
            f"d${name} <- droplevels(d${name}); contrasts(d${name}) <- contr.sum(nlevels(d${name}))",
        ]
    return lines


# --------------------------------------------------------------------------------------------------------------- bambi

_BAMBI_HEAD = '''"""Bayesian mixed models of the answers in tidy.csv; factors are coded as in the report (sum-to-zero).

Run it in this folder: python analysis_bambi.py   It needs bambi (pip install bambi).
"""

import arviz
import bambi
import pandas

ALL = pandas.read_csv("tidy.csv", dtype=str, keep_default_na=False)
ALL = ALL[(ALL["kept"] == "1") & (ALL["score"] != "")].astype({"score": float})


def fit(name, task, keep, formula, family, factors, groups):
    """Fit one model and print its common effects; `factors` are columns with their levels, `groups` joined columns."""
    d = ALL[ALL["task"] == task].query(keep).copy()
    for column, parts in groups.items():
        d[column] = d[parts].agg("|".join, axis=1)
    for column, levels in factors.items():
        d[column] = pandas.Categorical(d[column], categories=levels, ordered=True)
    d = d.dropna(subset=list(factors))
    if family == "cumulative":
        d["score"] = pandas.Categorical(d["score"], ordered=True)
    if "away" in formula or "offset" in formula:
        d["offset"] = d["condition"].astype(float) / 100
        d["away"] = d["offset"].abs()
    model = bambi.Model(formula, d, family=family, categorical=["participant", "clip"])
    found = model.fit(draws=1000, chains=4, random_seed=0, progressbar=False)
    print(f"\\n{name}: {formula}")
    common = list(model.components[model.family.likelihood.parent].common_terms)
    print(arviz.summary(found, var_names=common or ["Intercept"]).to_string())


'''


def _bambi(study: Study, models: Sequence[_Model]) -> str:
    body = "".join(_bambi_model(model) for model in models)
    return f'{_BAMBI_HEAD}if __name__ == "__main__":\n{body or "    pass" + chr(10)}'


def _bambi_model(model: _Model) -> str:
    fixed = " * ".join(f"C({column}, Sum)" for column in model.factors) or "1"
    family = {"gaussian": "gaussian", "ordinal": "cumulative"}.get(model.kind, "bernoulli")
    keep = f"{model.keep} & score != 0.5" if model.kind == "bernoulli" else model.keep
    deeper = _effects(model) if model.kind != "ordinal" else []
    groups = {
        f"{who}_{name.replace(':', '_')}": [
            who,
            *(c for c in model.factors if c.removeprefix(FACTOR) in name.split(":")),
        ]
        for name in deeper
        for who in ("participant", "clip")
    }
    common = {"offset": "away", "order": "offset"}.get(model.kind, fixed)
    formula = " + ".join([f"score ~ {common}", "(1|participant)", "(1|clip)", *(f"(1|{name})" for name in groups)])
    arguments = (model.name, model.task, keep, formula, family, model.factors, groups)
    return "    fit(\n" + "".join(f"        {one!r},\n" for one in arguments) + "    )\n"
