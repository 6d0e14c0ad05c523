// Pages of text and of questions: welcome and consent, questionnaires, breaks, what a task is about.

import { ends } from "./form.js";
import { element, escaped, paragraphs, say } from "./words.js";

const { ParameterType } = window.jsPsychModule;
const NUMBER = /^-?\d{1,9}([.,]\d{1,9})?$/;

/** A page of text with a row of buttons. */
export function button(stimulus, choices, more = {}) {
  return {
    type: jsPsychHtmlButtonResponse,
    stimulus: typeof stimulus === "function" ? () => `<div class="page">${stimulus()}</div>` : `<div class="page">${stimulus}</div>`,
    choices,
    button_layout: "flex",
    button_html: (choice) => `<button type="button" class="primary">${escaped(choice)}</button>`,
    ...more,
  };
}

export function welcome(study, record, anonymous, somebodyElse) {
  const agrees = study.consent || study.consent_items.length;
  const start = record.begun ? "continue" : agrees ? "agree" : "begin";
  const back = record.begun ? `<p><strong>${escaped(say("welcome_back"))}</strong></p>` : "";
  const quiet = `<p><button type="button" class="quiet" id="other">${escaped(say("somebody_else"))}</button></p>`;
  const items = record.begun ? [] : study.consent_items;
  const boxes = items.map((text) => `<label class="tick"><input type="checkbox"><span>${escaped(text)}</span></label>`);
  const text = `
    <h1>${escaped(study.title)}</h1>
    <p>${escaped(say("welcome"))}</p>
    <p>${escaped(say("stored"))}</p>
    ${study.consent ? `<div class="consent">${paragraphs(study.consent)}</div>` : ""}
    ${items.length ? `<div class="ticks">${boxes.join("")}<p class="hint">${escaped(say("consent_tick"))}</p></div>` : ""}
    ${back}`;
  return button(text, [say(start)], {
    prompt: record.begun && anonymous ? quiet : "",
    on_load: () => {
      document.getElementById("other")?.addEventListener("click", somebodyElse);
      waitForTicks();
    },
  });
}

/** The button that begins can be pressed once every box is ticked. */
function waitForTicks() {
  const boxes = [...document.querySelectorAll(".tick input")];
  if (!boxes.length) return;
  const begin = document.querySelector("button.primary");
  const look = () => { begin.disabled = !boxes.every((box) => box.checked); };
  for (const box of boxes) box.addEventListener("change", look);
  look();
}

/** What is kept of the consent. */
export function consentGiven(study) {
  return Object.fromEntries(study.consent_items.map((_, i) => [`consent_${i + 1}`, "yes"]));
}

export function instructions({ task, question, instructions, type }, trials) {
  const practice = trials.filter((page) => page.task === task && page.phase === "practice").length;
  const note = practice === 1 ? say("practice_one") : practice ? say("practice_many", { n: practice }) : "";
  const text = `<h1>${escaped(question)}</h1>${paragraphs(instructions || say(`how_${type}`))}`;
  return button(text + (note ? `<p>${escaped(note)}</p>` : ""), [say("start")]);
}

export function practiceIsOver() {
  return button(`<h1>${escaped(say("practice_done"))}</h1><p>${escaped(say("practice_over"))}</p>`, [say("next")]);
}

export function pause(done, all) {
  const text = `<h1>${escaped(say("break_title"))}</h1><p>${escaped(say("break_text", { done, all }))}</p>`;
  return button(text, [say("next")]);
}

/** A page of questions as a jsPsych plugin; the trial's data are `given`, a response by the question's id. */
export class Questions {
  static info = {
    name: "questions",
    version: "1.0.0",
    parameters: {
      title: { type: ParameterType.STRING, default: "" },
      questions: { type: ParameterType.COMPLEX, array: true, default: undefined },
    },
    data: { given: { type: ParameterType.COMPLEX } },
  };

  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  trial(display, { title, questions }) {
    const form = element("form", { className: "page questions", noValidate: true });
    const fields = questions.map((question) => new Field(question));
    form.append(element("h1", { textContent: title }), ...fields.map((field) => field.element));
    form.append(element("button", { type: "submit", className: "primary", textContent: say("next") }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const wrong = fields.filter((field) => !field.check());
      if (wrong.length) wrong[0].focus();
      else this.jsPsych.finishTrial({ given: Object.fromEntries(fields.map((one) => [one.question.id, one.response])) });
    });
    display.replaceChildren(form);
    scrollTo(0, 0);
  }
}

/** One question, its inputs and what is wrong with its answer. */
class Field {
  #inputs = [];
  #problem = element("p", { className: "problem", role: "alert" });

  constructor(question) {
    this.question = question;
    this.element = element("fieldset", { className: `question ${question.type}` });
    const legend = element("legend", { textContent: question.question });
    if (!question.required) legend.append(element("small", { textContent: ` (${say("optional")})` }));
    this.element.append(legend, this.#answer(question), this.#problem);
  }

  get response() {
    const { type } = this.question;
    if (type === "likert" || (type === "choice" && this.#inputs.length > 1)) {
      return this.#inputs.find((input) => input.checked)?.value ?? "";
    }
    return this.#inputs[0].value.trim();
  }

  focus() {
    this.#inputs[0].focus();
  }

  /** Whether the answer may stay as it is; says what is wrong with it. */
  check() {
    const { type, required, min, max } = this.question;
    const text = this.response;
    let problem = "";
    if (!text && required) problem = say("please_answer");
    const value = Number(text.replace(",", "."));
    if (text && type === "number" && !(NUMBER.test(text) && value >= min && value <= max)) {
      problem = say("number_between", { min, max });
    }
    this.#problem.textContent = problem;
    return !problem;
  }

  #answer({ id, type, options, points, low, high, question }) {
    if (type === "choice" && options.length > 7) return this.#menu(options, question);
    if (type === "choice") return this.#radios(id, options, "options");
    if (type === "likert") {
      const steps = Array.from({ length: points }, (_, i) => String(i + 1));
      const group = element("div");
      group.append(this.#radios(id, steps, "steps"), ends(low, high));
      return group;
    }
    const input = type === "text"
      ? element("textarea", { rows: 2, maxLength: 1000 })
      : element("input", { type: "text", inputMode: "decimal", maxLength: 20, autocomplete: "off" });
    input.ariaLabel = question;
    this.#inputs = [input];
    return input;
  }

  #menu(options, question) {
    const menu = element("select", { ariaLabel: question });
    menu.append(element("option", { value: "", textContent: say("please_choose") }));
    menu.append(...options.map((option) => element("option", { value: option, textContent: option })));
    this.#inputs = [menu];
    return menu;
  }

  #radios(name, values, className) {
    const group = element("div", { className });
    group.append(...values.map((value) => {
      const label = element("label");
      const input = element("input", { type: "radio", name, value });
      this.#inputs.push(input);
      label.append(input, element("span", { textContent: value }));
      return label;
    }));
    return group;
  }
}
