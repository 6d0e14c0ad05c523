// The answers of a page: buttons, sliders, a line, words.

import { element, say, shown } from "./words.js";

const OTHER = "other";

/** The answers of a page, out of reach until `enable` is called. */
export class Form {
  #page;
  #screening;
  #finish;
  #enabledAt;
  #buttons = [];
  #sliders = [];
  #chosen = []; // the answer of a button
  #own; // the field for a word of one's own
  #more; // what is asked after a choice
  #next = element("button", { type: "button", className: "primary", textContent: say("next"), disabled: true });

  constructor(page, screening, finish) {
    this.#page = page;
    this.#screening = screening;
    this.#finish = finish;
    this.element = element("fieldset", { className: "answers", disabled: true, ariaLabel: page.question });
    this.hint = element("p", { className: "hint", ariaLive: "polite", textContent: say("watch_to_end") });
    this.#next.addEventListener("click", (event) => this.#submit(event.timeStamp));
    if (page.type === "mushra") this.#addMushra(screening.tiles);
    else if (page.type === "free") this.#addWords(page.question, this.element);
    else if (page.choices.length) this.#addChoices();
    else this.#addSlider("answer", page.low, page.high, this.element, { line: page.line });
    if (this.#sliders.length || this.#own) this.element.append(this.#next);
  }

  begin() {
    this.#screening.play();
  }

  enable() {
    if (this.#enabledAt !== undefined) return;
    this.#enabledAt = performance.now();
    this.element.disabled = false;
    for (const { input } of this.#sliders) input.disabled = false;
    const keys = Math.min(this.#buttons.length, 9);
    if (!keys) this.#askToGoOn();
    else {
      this.hint.textContent = say("keys", { n: keys });
      this.hint.classList.add("keys");
    }
  }

  /** Press the button of a choice, if it may be pressed. */
  press(index) {
    this.#buttons[index]?.click();
  }

  #askToGoOn() {
    const wanted = this.#own && !this.#own.hidden ? "write_word"
      : this.#page.line ? "mark_line" : this.#sliders.length > 1 ? "move_sliders" : "move_slider";
    this.hint.textContent = say(wanted);
    this.hint.classList.remove("keys");
  }

  #addChoices() {
    const { choices, type, low, high } = this.#page;
    const group = element("div", { className: type === "rating" ? "choices steps" : "choices" });
    this.#buttons = choices.map((choice) => {
      const button = element("button", { type: "button", textContent: shown(choice) });
      button.dataset.answer = choice;
      button.addEventListener("click", (event) => this.#choose(choice, button, event.timeStamp));
      return button;
    });
    group.append(...this.#buttons);
    this.element.append(group);
    if (low) this.element.append(ends(low, high));
  }

  #choose(choice, button, time) {
    this.#chosen = [this.#answer("answer", choice, time)];
    for (const one of this.#buttons) one.ariaPressed = String(one === button);
    if (!this.#page.ask_intensity && choice !== OTHER) this.#submit(time);
    else this.#askMore(choice);
  }

  /** After a choice: one's own word, if it was "other", and how strong it is, if that is asked. */
  #askMore(choice) {
    if (!this.#more) {
      this.#more = element("div", { className: "more" });
      this.element.append(this.#more, this.#next);
      if (this.#page.ask_other) this.#addWords(say("own_word"), this.#more);
      if (this.#page.ask_intensity) {
        this.#more.append(element("h2", { textContent: say("how_strong") }));
        this.#addSlider("intensity", say("barely_there"), say("very_strong"), this.#more);
      }
    }
    if (this.#own) this.#own.hidden = choice !== OTHER;
    this.#look();
    this.#askToGoOn();
    (this.#own?.hidden === false ? this.#own : this.#sliders[0].input).focus();
    this.hint.scrollIntoView({ block: "nearest" });
  }

  #addWords(label, parent) {
    this.#own = element("input", { type: "text", className: "words", maxLength: 200, autocomplete: "off", ariaLabel: label });
    this.#own.placeholder = parent === this.#more ? label : "";
    this.#own.addEventListener("input", () => this.#look());
    this.#own.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#next.click();
    });
    parent.append(this.#own);
  }

  #addMushra(tiles) {
    for (const { file, label, element, open } of tiles) {
      if (!open) this.#addSlider(file, say("bad"), say("excellent"), element, { name: label }).disabled = true;
    }
  }

  #addSlider(item, low, high, parent, { name = say("your_answer"), line = false } = {}) {
    const input = element("input", { type: "range", min: 0, max: 100, step: 1, value: 50, className: "untouched" });
    input.classList.toggle("line", line);
    input.ariaLabel = say("slider_label", { name, low, high });
    const slider = { item, input, moved: null };
    const move = (event) => {
      slider.moved = this.#answer(item, "", event.timeStamp);
      input.classList.remove("untouched");
      this.#look();
    };
    // a tap right where the slider stands changes nothing, and on a phone it is no click
    for (const event of ["input", "change", "click", "pointerup"]) input.addEventListener(event, move);
    this.#sliders.push(slider);
    parent.append(input, ends(low, high));
    return input;
  }

  /** Whether everything is answered. */
  #look() {
    const word = this.#own && !this.#own.hidden && !this.#own.value.trim();
    this.#next.disabled = Boolean(word) || this.#sliders.some((one) => one.moved === null);
  }

  #submit(time) {
    if (this.element.disabled) return;
    this.element.disabled = true;
    const moved = this.#sliders.map(({ input, moved }) => ({ ...moved, response: input.value }));
    this.#finish([...this.#chosen, ...this.#words(time), ...moved]);
  }

  #words(time) {
    if (this.#page.type === "free") return [this.#answer("answer", plain(this.#own.value), time)];
    if (!this.#page.ask_other) return [];
    return [this.#answer("other", this.#own && !this.#own.hidden ? plain(this.#own.value) : "", time)];
  }

  /** An answer that was given at a time, against when it was possible and when the pictures were shown. */
  #answer(item, response, time) {
    return { item, response, ...times(time, this.#enabledAt, this.#screening) };
  }
}

/** A word as it is kept: a tab may have been pasted with it. */
function plain(text) {
  return text.replace(/[\x00-\x1f\x7f]/g, " ").trim();
}

/** Whole milliseconds: since answers were possible, since the first picture, since the last. */
export function times(time, enabledAt, { onset, end }) {
  const since = (moment) => (moment === undefined ? null : Math.round(time - moment));
  return {
    rt_ms: Math.max(0, since(enabledAt)),
    rt_onset_ms: onset === undefined ? null : Math.max(0, since(onset)),
    rt_end_ms: since(end),
  };
}

export function ends(low, high) {
  const labels = element("div", { className: "ends" });
  labels.append(element("span", { textContent: low }), element("span", { textContent: high }));
  return labels;
}
