// One trial as a jsPsych plugin: watch one or several videos (screening.js), then answer (form.js).

import { Form } from "./form.js";
import { Screening } from "./screening.js";
import { TraceForm } from "./trace.js";
import { element, say } from "./words.js";

const { ParameterType } = window.jsPsychModule;

export class WatchAndAnswer {
  static info = {
    name: "watch-and-answer",
    version: "1.0.0",
    parameters: {
      page: { type: ParameterType.OBJECT, default: undefined },
      fps: { type: ParameterType.FLOAT, default: undefined },
    },
    data: { answers: { type: ParameterType.COMPLEX, array: true }, timing: { type: ParameterType.COMPLEX } },
  };

  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  /** Show a page of the participant's list; the trial's data are its answers `[{item, response, rt_ms, ...}]`. */
  trial(display, { page, fps }) {
    const screening = new Screening(page, fps, (file) => this.jsPsych.pluginAPI.getVideoBuffer(`stimuli/${file}`));
    const finish = (answers) => {
      document.removeEventListener("keydown", onKey);
      screening.stop();
      this.jsPsych.finishTrial({ answers, timing: screening.timing() });
    };
    const form = page.type === "trace" ? new TraceForm(page, screening, finish) : new Form(page, screening, finish);
    const onKey = (event) => {
      const writing = event.target.matches("input[type=text], textarea");
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || writing) return;
      if (event.key.toLowerCase() === "r") screening.button.click();
      else if (/^[1-9]$/.test(event.key)) {
        event.preventDefault(); // the choice may open a field, which would get this digit
        form.press(Number(event.key) - 1);
      }
    };
    document.addEventListener("keydown", onKey);
    screening.onSeen = () => form.enable();
    const question = element("h1", { textContent: page.question, tabIndex: -1 });
    const badge = page.phase === "practice" ? [element("p", { className: "badge", textContent: say("practice") })] : [];
    const trial = element("div", { className: `trial ${page.type}` });
    trial.append(...badge, question, screening.element, form.element, form.hint);
    display.replaceChildren(trial);
    question.focus({ preventScroll: true });
    form.begin();
  }
}
