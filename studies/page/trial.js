// One trial as a jsPsych plugin: watch one or several videos, then answer by buttons or sliders.

const { ParameterType } = window.jsPsychModule;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

export class WatchAndAnswer {
  static info = {
    name: "watch-and-answer",
    version: "1.0.0",
    parameters: { page: { type: ParameterType.OBJECT, default: undefined } },
    data: { answers: { type: ParameterType.COMPLEX, array: true } },
  };

  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  /** Show a page of the participant's list; the trial's data are its answers `[{item, response, rt_ms}]`. */
  trial(display, { page }) {
    const screening = new Screening(page, (file) => this.jsPsych.pluginAPI.getVideoBuffer(`stimuli/${file}`));
    const form = new Form(page, screening.tiles, (answers) => {
      document.removeEventListener("keydown", onKey);
      screening.stop();
      this.jsPsych.finishTrial({ answers });
    });
    const onKey = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (event.key.toLowerCase() === "r") screening.button.click();
      else if (/^[1-9]$/.test(event.key)) form.press(Number(event.key) - 1);
    };
    document.addEventListener("keydown", onKey);
    screening.onSeen = () => form.enable();
    const question = element("h1", { textContent: page.question, tabIndex: -1 });
    const badge = page.phase === "practice" ? [element("p", { className: "badge", textContent: "Practice" })] : [];
    const trial = element("div", { className: `trial ${page.type}` });
    trial.append(...badge, question, screening.element, form.element, form.hint);
    display.replaceChildren(trial);
    question.focus({ preventScroll: true });
    screening.play();
  }
}

/** The videos of a page, played one after another; each can be played again.
 *
 * Some phones play a video only right after a tap: there the button plays the next one that was not seen.
 */
class Screening {
  #seen = new Set();
  #turn = 0; // a newer one ends an older one

  constructor(page, address) {
    const shown = page.type === "mushra" ? page.stimuli.map((file, i) => [file, LETTERS[i]]) : [[page.stimuli[0], ""]];
    if (page.reference) shown.unshift([page.reference, "Reference"]);
    this.tiles = shown.map(([file, label]) => this.#tile(file, label, address(file)));
    this.button = element("button", { type: "button", className: "play", textContent: "Play" });
    this.button.addEventListener("click", () => this.play());
    this.problem = element("p", { className: "problem", role: "alert" });
    const videos = element("div", { className: shown.length > 1 ? "tiles" : "single" });
    videos.append(...this.tiles.map((tile) => tile.element));
    this.element = element("section", { className: "screening", ariaLabel: "videos" });
    this.element.append(videos, this.button, this.problem);
  }

  /** Play these videos in turn; `onSeen` is called once all of the page have been seen to their end. */
  async play(tiles = this.#due()) {
    const turn = ++this.#turn;
    this.#halt();
    this.problem.textContent = "";
    this.button.disabled = true;
    this.button.textContent = "Playing…";
    for (const tile of tiles) {
      tile.element.classList.add("playing");
      const ended = await played(tile.video).then(() => true, (error) => this.#failed(error));
      if (turn !== this.#turn) return;
      tile.element.classList.remove("playing");
      if (!ended) break;
      this.#seen.add(tile);
    }
    const all = this.#seen.size === this.tiles.length;
    this.button.disabled = false;
    this.button.textContent = all ? "Play again" : "Play";
    if (all) this.onSeen();
  }

  /** Those not seen yet, or all of them once more. */
  #due() {
    const left = this.tiles.filter((tile) => !this.#seen.has(tile));
    return left.length ? left : this.tiles;
  }

  stop() {
    this.#turn++;
    this.#halt();
  }

  #halt() {
    for (const { video, element } of this.tiles) {
      video.pause();
      element.classList.remove("playing");
    }
  }

  #failed(error) {
    if (["NotAllowedError", "AbortError"].includes(error.name)) return false; // it wants a click first; interrupted
    this.problem.textContent = "This browser cannot play the video. Please try a current Chrome, Edge, Firefox or Safari.";
    return false;
  }

  #tile(file, label, address) {
    const video = element("video", { src: address, playsInline: true, preload: "auto", disablePictureInPicture: true });
    video.addEventListener("loadedmetadata", () => {
      figure.closest(".trial")?.style.setProperty("--aspect", video.videoWidth / video.videoHeight);
    });
    const figure = element("figure", { className: "tile" });
    figure.append(video);
    const tile = { file, label, video, element: figure };
    if (label) {
      const again = element("button", { type: "button", className: "again", textContent: label });
      again.ariaLabel = `Play ${label}`;
      again.addEventListener("click", () => this.play([tile]));
      figure.append(again);
    }
    return tile;
  }
}

/** Play a video from its beginning; resolves at its end. A call or another tab may pause it on a phone. */
function played(video) {
  return new Promise((resolve, reject) => {
    video.currentTime = 0;
    video.addEventListener("ended", resolve, { once: true });
    const interrupted = new DOMException("paused", "AbortError");
    video.addEventListener("pause", () => video.ended || reject(interrupted), { once: true });
    video.addEventListener("error", () => reject(video.error), { once: true });
    video.play().catch(reject);
  });
}

/** The answers of a page, out of reach until `enable` is called. */
class Form {
  #page;
  #finish;
  #enabledAt;
  #buttons = [];
  #sliders = [];
  #chosen = [];
  #next = element("button", { type: "button", className: "primary", textContent: "Next", disabled: true });

  constructor(page, tiles, finish) {
    this.#page = page;
    this.#finish = finish;
    this.element = element("fieldset", { className: "answers", disabled: true, ariaLabel: page.question });
    this.hint = element("p", { className: "hint", ariaLive: "polite", textContent: "Please watch to the end." });
    this.#next.addEventListener("click", () => this.#submit());
    if (page.type === "mushra") this.#addMushra(tiles);
    else if (page.choices.length) this.#addChoices();
    else this.#addSlider("answer", page.low, page.high, this.element);
    if (this.#sliders.length) this.element.append(this.#next);
  }

  enable() {
    if (this.#enabledAt !== undefined) return;
    this.#enabledAt = performance.now();
    this.element.disabled = false;
    for (const { input } of this.#sliders) input.disabled = false;
    const keys = Math.min(this.#buttons.length, 9);
    if (!keys) this.#askToMove();
    else {
      this.hint.textContent = `Keys: 1 ${keys > 2 ? "to" : "or"} ${keys} answer, R plays again.`;
      this.hint.classList.add("keys");
    }
  }

  #askToMove() {
    this.hint.textContent = `Move ${this.#sliders.length > 1 ? "every" : "the"} slider, then go on.`;
    this.hint.classList.remove("keys");
  }

  /** Press the button of a choice, if it may be pressed. */
  press(index) {
    this.#buttons[index]?.click();
  }

  #addChoices() {
    const { choices, type, low, high } = this.#page;
    const group = element("div", { className: type === "rating" ? "choices steps" : "choices" });
    this.#buttons = choices.map((choice) => {
      const button = element("button", { type: "button", textContent: choice });
      button.addEventListener("click", () => this.#choose(choice, button));
      return button;
    });
    group.append(...this.#buttons);
    this.element.append(group);
    if (low) this.element.append(ends(low, high));
  }

  #choose(choice, button) {
    this.#chosen = [{ item: "answer", response: choice, rt_ms: this.#elapsed() }];
    for (const one of this.#buttons) one.ariaPressed = String(one === button);
    if (!this.#page.ask_intensity) this.#submit();
    else if (!this.#sliders.length) this.#askIntensity();
  }

  #askIntensity() {
    const asked = element("div", { className: "intensity" });
    asked.append(element("h2", { textContent: "How strong is it?" }));
    this.element.append(asked, this.#next);
    this.#addSlider("intensity", "barely there", "very strong", asked).focus();
    this.#askToMove();
    this.hint.scrollIntoView({ block: "nearest" });
  }

  #addMushra(tiles) {
    for (const { file, label, element } of tiles) {
      if (label === "Reference") continue;
      this.#addSlider(file, "bad", "excellent", element, label).disabled = true;
    }
  }

  #addSlider(item, low, high, parent, name = "your answer") {
    const input = element("input", { type: "range", min: 0, max: 100, step: 1, value: 50, className: "untouched" });
    input.ariaLabel = `${name}, from 0, ${low}, to 100, ${high}`;
    const slider = { item, input, moved: null };
    const move = () => {
      slider.moved = this.#elapsed();
      input.classList.remove("untouched");
      this.#next.disabled = this.#sliders.some((one) => one.moved === null);
    };
    for (const event of ["input", "change", "click"]) input.addEventListener(event, move);
    this.#sliders.push(slider);
    parent.append(input, ends(low, high));
    return input;
  }

  #submit() {
    const moved = this.#sliders.map(({ item, input, moved }) => ({ item, response: input.value, rt_ms: moved }));
    this.element.disabled = true;
    this.#finish([...this.#chosen, ...moved]);
  }

  /** Whole milliseconds since answers were possible. */
  #elapsed() {
    return Math.round(performance.now() - this.#enabledAt);
  }
}

function ends(low, high) {
  const labels = element("div", { className: "ends" });
  labels.append(element("span", { textContent: low }), element("span", { textContent: high }));
  return labels;
}

function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
