"""A Qualtrics survey (.qsf) of one list: a block for each run of trials, which goes through them by Loop & Merge.

Qualtrics publishes no description of the format. This is what exported surveys hold: `SurveyEntry`, and in
`SurveyElements` blocks (BL), flow (FL), options (SO), counts and a question each (SQ).
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from .asked import Page, Question, questions_of, runs, videos_of

NEVER = "0000-00-00 00:00:00"
PAGE_BREAK = "page break"  # in place of a question's id
FIELDS = ("trial", "question")  # of Loop & Merge before the videos
HIDE = """Qualtrics.SurveyEngine.addOnload(function () {
  var videos = this.getQuestionContainer().querySelectorAll("video"), left = videos.length, question = this;
  question.hideNextButton();
  videos.forEach(function (video) {
    video.addEventListener("ended", function () { if (--left === 0) question.showNextButton(); }, { once: true });
  });
});"""


def survey(
    title: str, pages: Sequence[Page], number: int, *, address: str, parameters: Sequence[str]
) -> dict[str, Any]:
    """The survey of list `number`; videos lie at `address`, `parameters` of the survey's own address are kept."""
    made = _Survey(f"SV_{number:015}")
    start = made.block("Welcome", [made.text(f"<h2>{html.escape(title)}</h2>")])
    flow = [made.embedded({"list": str(number), **dict.fromkeys(parameters, "")}), start]
    for run in runs(pages):
        flow += made.trials(run, address)
    return made.finished(f"{title}, list {number}", flow)


class _Survey:
    """Elements of a survey in the making."""

    def __init__(self, survey: str) -> None:
        self._id = survey
        self._questions: list[dict[str, Any]] = []
        self._blocks: list[dict[str, Any]] = []
        self._flows = 1  # FL_1 is the root

    def text(self, shown: str, *, script: str | None = None) -> str:
        """A question that asks nothing; its id."""
        more: dict[str, Any] = {"QuestionJS": script} if script else {}
        return self._question(shown, "DB", "TB", tag=f"T{len(self._questions) + 1}", **more)

    def trials(self, run: Sequence[Page], address: str) -> list[dict[str, Any]]:
        """Instructions, where there are some, and a block that goes through a run of trials."""
        first = run[0]
        videos = len(videos_of(first))
        shown = "".join(
            f'<video src="${{lm://Field/{len(FIELDS) + k}}}" controls playsinline preload="auto" '
            f'style="max-width: {min(100, 200 // (videos + 1))}%"></video>'
            for k in range(1, videos + 1)
        )
        prefix, told = f"{first['task']}_{first['phase']}", html.escape(first["instructions"]).replace("\n", "<br>")
        before = [self.block(f"{prefix} begins", [self.text(told)])] if told else []
        ids = [self.text(f"<p>{shown}</p>", script=HIDE), PAGE_BREAK]
        ids += [self._asked(question, f"{prefix}_{question.name}") for question in questions_of(first)]
        fields = [
            [f"t{page['trial']:03}", html.escape(page["question"]), *(f"{address}/{v}" for v in videos_of(page))]
            for page in run
        ]
        rows = {
            str(place): {str(field): value for field, value in enumerate(row, start=1)}
            for place, row in enumerate(fields, start=1)
        }
        looping = {"Looping": "Static", "LoopingOptions": {"Static": rows, "Randomization": "None"}}
        return [*before, self.block(prefix, ids, looping)]

    def _asked(self, question: Question, tag: str) -> str:
        shown = "${lm://Field/2}" if question.name in {"answer", "slider1"} else ""
        shown = "<br>".join(part for part in (shown, html.escape(question.text)) if part)
        if question.kind == "text":
            return self._question(shown, "TE", "SL", tag=tag, SearchSource={"AllowFreeResponse": "false"})
        if question.kind == "choice":
            low, high = question.ends
            labels = [*question.choices]
            labels[0], labels[-1] = _with(labels[0], low), _with(labels[-1], high)
            choices = {"Choices": _choices(labels), "ChoiceOrder": [str(k) for k in range(1, len(labels) + 1)]}
            more = {**choices, "NextChoiceId": len(labels) + 1}
            selector = "SAHR" if question.ends != ("", "") else "SAVR"
            return self._question(shown, "MC", selector, tag=tag, force=True, SubSelector="TX", **more)
        settings = {"CSSliderMin": 0, "CSSliderMax": 100, "GridLines": 10, "SnapToGrid": False, "NumDecimals": "0"}
        settings |= {"ShowValue": True, "CustomStart": False, "NotApplicable": False, "MobileFirst": True}
        ends = [end for end in question.ends if end]
        return self._question(
            shown,
            "Slider",
            "HSLIDER",
            tag=tag,
            force=True,
            configuration=settings,
            Choices=_choices([" "]),
            ChoiceOrder=["1"],
            Labels=_choices(ends) if ends else [],
            NextChoiceId=2,
        )

    def _question(
        self,
        shown: str,
        kind: str,
        selector: str,
        *,
        tag: str,
        force: bool = False,
        configuration: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> str:
        name = f"QID{len(self._questions) + 1}"
        required = "ON" if force else "OFF"
        payload = {
            "QuestionText": shown,
            "DataExportTag": tag,
            "QuestionType": kind,
            "Selector": selector,
            "Configuration": {"QuestionDescriptionOption": "UseText", **(configuration or {})},
            "QuestionDescription": shown[:100],
            "Validation": {"Settings": {"ForceResponse": required, "ForceResponseType": required, "Type": "None"}},
            "Language": [],
            "GradingData": [],
            "NextChoiceId": 1,
            "NextAnswerId": 1,
            "QuestionID": name,
            **more,
        }
        self._questions.append(self._element("SQ", name, payload, secondary=shown[:100]))
        return name

    def block(self, name: str, ids: Sequence[str], options: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A block of questions, as it stands in the flow."""
        key = f"BL_{len(self._blocks) + 1:015}"
        elements = [{"Type": "Page Break"} if i == PAGE_BREAK else {"Type": "Question", "QuestionID": i} for i in ids]
        fixed = {"BlockLocking": "false", "RandomizeQuestions": "false", "BlockVisibility": "Expanded"}
        self._blocks.append(
            {
                "Type": "Standard" if self._blocks else "Default",
                "SubType": "",
                "Description": name,
                "ID": key,
                "BlockElements": elements,
                "Options": fixed | dict(options or {}),
            }
        )
        return {"Type": "Block" if len(self._blocks) == 1 else "Standard", "ID": key, "FlowID": self._flow()}

    def embedded(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """Values that are kept with each response; those that are empty come from the survey's address."""
        data = [
            {"Description": field, "Type": "Custom" if value else "Recipient", "Field": field, "VariableType": "String"}
            | {"DataVisibility": [], "AnalyzeText": False}
            | ({"Value": value} if value else {})
            for field, value in fields.items()
        ]
        return {"Type": "EmbeddedData", "FlowID": self._flow(), "EmbeddedData": data}

    def finished(self, name: str, flow: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The whole file."""
        trash = {
            "Type": "Trash",
            "Description": "Trash / Unused Questions",
            "ID": "BL_" + 15 * "9",
            "BlockElements": [],
        }
        responses = "RS_" + 15 * "0"
        root = {"Flow": list(flow), "Properties": {"Count": self._flows}, "FlowID": "FL_1", "Type": "Root"}
        entry = dict.fromkeys(("SurveyDescription", "DivisionID", "Deleted"))
        entry |= dict.fromkeys(("SurveyStartDate", "SurveyExpirationDate", "LastAccessed", "LastActivated"), NEVER)
        entry |= dict.fromkeys(("SurveyCreationDate", "LastModified"), "2000-01-01 00:00:00")
        entry |= {"SurveyID": self._id, "SurveyName": name, "SurveyStatus": "Inactive", "SurveyLanguage": "EN"}
        entry |= {"SurveyOwnerID": "UR_" + 15 * "0", "SurveyBrandID": "", "CreatorID": "UR_" + 15 * "0"}
        entry |= {"SurveyActiveResponseSet": responses}
        elements = [
            self._element("BL", "Survey Blocks", [*self._blocks, trash]),
            self._element("FL", "Survey Flow", root),
            self._element("SO", "Survey Options", _OPTIONS),
            self._element("SCO", "Scoring", _SCORING),
            self._element("PROJ", "CORE", {"ProjectCategory": "CORE", "SchemaVersion": "1.1.0"}, tertiary="1.1.0"),
            self._element("STAT", "Survey Statistics", {"MobileCompatible": True, "ID": "Survey Statistics"}),
            self._element("QC", "Survey Question Count", None, secondary=str(len(self._questions))),
            *self._questions,
            self._element("RS", responses, None, secondary="Default Response Set"),
        ]
        return {"SurveyEntry": entry, "SurveyElements": elements}

    def _element(
        self, kind: str, primary: str, payload: Any, *, secondary: str | None = None, tertiary: str | None = None
    ) -> dict[str, Any]:
        attributes = {"PrimaryAttribute": primary, "SecondaryAttribute": secondary, "TertiaryAttribute": tertiary}
        return {"SurveyID": self._id, "Element": kind, **attributes, "Payload": payload}

    def _flow(self) -> str:
        self._flows += 1
        return f"FL_{self._flows}"


def _choices(labels: Sequence[str]) -> dict[str, dict[str, str]]:
    return {str(k): {"Display": html.escape(label)} for k, label in enumerate(labels, start=1)}


def _with(label: str, end: str) -> str:
    return f"{label} ({end})" if end else label


_OPTIONS = {
    "BackButton": "false",
    "SaveAndContinue": "true",
    "SurveyProtection": "PublicSurvey",
    "BallotBoxStuffingPrevention": "false",
    "NoIndex": "Yes",
    "SecureResponseFiles": "true",
    "SurveyExpiration": "None",
    "SurveyTermination": "DefaultMessage",
    "Header": "",
    "Footer": "",
    "ProgressBarDisplay": "None",
    "PartialData": "+1 week",
    "ValidationMessage": "",
    "PreviousButton": "",
    "NextButton": "",
    "SurveyTitle": "",
    "NewScoring": 1,
}
_SCORING = dict.fromkeys(("ScoringSummaryCategory", "DefaultScoringCategory", "AutoScoringCategory")) | {
    "ScoringCategories": [],
    "ScoringCategoryGroups": [],
    "ScoringSummaryAfterQuestions": 0,
    "ScoringSummaryAfterSurvey": 0,
}
