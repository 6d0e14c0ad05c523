// A slider that is moved while a video plays: its value ten times a second of the video.

import { ends, times } from "./form.js";
import { element, say } from "./words.js";

const STEP_S = 0.1;

/** The answer of a page whose slider follows what is seen; the video begins when the slider is touched. */
export class TraceForm {
  #screening;
  #finish;
  #enabledAt;
  #begun = false;
  #turn = 0;
  #samples = [];
  #input;
  #next = element("button", { type: "button", className: "primary", textContent: say("next"), disabled: true });

  constructor({ question, low, high }, screening, finish) {
    this.#screening = screening;
    this.#finish = finish;
    this.element = element("fieldset", { className: "answers", ariaLabel: question });
    this.hint = element("p", { className: "hint", ariaLive: "polite", textContent: say("trace_hint") });
    this.#input = element("input", { type: "range", min: 0, max: 100, step: 1, value: 50 });
    this.#input.ariaLabel = say("slider_label", { name: say("your_answer"), low, high });
    for (const event of ["pointerdown", "keydown"]) this.#input.addEventListener(event, () => this.#touch());
    const { video } = screening.tiles[0];
    video.addEventListener("playing", () => this.#record(video));
    this.#next.addEventListener("click", (event) => this.#submit(event.timeStamp));
    this.element.append(this.#input, ends(low, high), this.#next);
  }

  begin() {
    this.#screening.button.addEventListener("click", () => this.#input.focus());
  }

  /** The video was seen to its end: the trace is complete, and there is only one. */
  enable() {
    this.#enabledAt = performance.now();
    this.#input.classList.add("over"); // not disabled: a phone loses a finger that is still on it, and the next tap, too
    this.#screening.button.disabled = true;
    this.#screening.button.textContent = say("trace_done");
    this.#next.disabled = false;
    this.#next.focus();
    this.hint.textContent = "";
  }

  press() {
    // no choices
  }

  #touch() {
    if (this.#begun || this.#screening.button.disabled) return;
    this.#begun = true;
    this.#screening.play();
  }

  /** A sample whenever a tenth of a second of the video has passed, until it pauses or ends. */
  #record(video) {
    const turn = ++this.#turn; // some browsers say twice that they play
    if (video.currentTime < STEP_S) this.#samples = [];
    const look = () => {
      if (turn !== this.#turn || this.#enabledAt !== undefined) return;
      const time = video.currentTime;
      const last = this.#samples.at(-1)?.time ?? -1;
      if (this.#step(time) > this.#step(last)) this.#samples.push({ time, value: this.#input.value });
      if (!video.paused) requestAnimationFrame(look);
      else this.#begun = video.ended;
    };
    look();
  }

  #step(time) {
    return Math.floor(time / STEP_S + 1e-6);
  }

  #submit(time) {
    const response = this.#samples.map((one) => `${Math.round(1000 * one.time)}:${one.value}`).join(" ");
    this.#finish([{ item: "answer", response, ...times(time, this.#enabledAt, this.#screening) }]);
  }
}
