// A participant's answers: kept in the browser against a reload, sent to the server where there is one.

const LONGEST_WAIT_MS = 20_000;
const SIGN_EVERY_MS = 60_000;
const HEADER = ["participant", "list", "trial", "task", "item", "response", "rt_ms", "received"];
const TIMES = ["rt_onset_ms", "rt_end_ms"]; // of an answer
const TIMING = ["onset_ms", "frames", "dropped_frames", "stalled_ms", "plays"]; // of a trial

const CONFLICT = 409;

/** An answer of the server that asking again will not change. */
export class Refused extends Error {
  constructor(address, status, text) {
    super(`${address}: ${status} ${text}`);
    this.status = status;
  }
}

/** Fetch JSON; with `keepTrying`, until somebody answers: a server may be restarting, a phone in a tunnel. */
export async function fetchJson(address, { body, keepTrying = false } = {}) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  for (let wait = 500; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
    try {
      const reply = await fetch(address, { cache: "no-store", ...options });
      if (reply.ok) return await reply.json();
      const text = (await reply.text()).slice(0, 200);
      const final = reply.status >= 400 && reply.status < 500 && ![408, 429].includes(reply.status);
      if (final || !keepTrying) throw new Refused(address, reply.status, text);
    } catch (error) {
      if (error instanceof Refused || !keepTrying) throw error;
    }
    await new Promise((resume) => setTimeout(resume, wait * (0.5 + Math.random())));
  }
}

/** Random letters and digits; `crypto.randomUUID` is missing on pages without https. */
export function randomId(bytes = 16) {
  const numbers = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(numbers, (n) => n.toString(16).padStart(2, "0")).join("");
}

/** What one browser knows about one participant of one study. */
export class Record {
  #key;
  #sending = Promise.resolve();
  #noted = new Set();

  constructor(study, participant) {
    this.#key = `emosplat ${study.study} ${participant}`;
    const kept = JSON.parse(remembered(this.#key) ?? "{}");
    this.participant = participant;
    this.list = kept.list ?? null;
    this.submissions = kept.submissions ?? [];
    this.notes = kept.notes ?? [];
    this.finished = kept.finished ?? false;
    this.ended = kept.ended ?? false;
    this.sends = study.server;
  }

  get begun() {
    return this.list !== null;
  }

  /** Whether an answer was refused; that should not happen, and a download saves it. */
  get refused() {
    return [...this.submissions, ...this.notes].some((one) => one.state === "refused");
  }

  /** Start with a list, or go on; `known`: which trials the server has, and what was said around them. */
  begin(list, known) {
    this.list = list;
    if (known) this.#compare(known);
    this.#keep();
    this.#submit();
    if (this.sends) this.#showSigns();
  }

  /** Forget what the server does not have although it was sent, because it was deleted there: it is asked again. */
  #compare({ answered, noted }) {
    this.#noted = new Set(noted);
    this.submissions = this.submissions.filter(({ state, trial }) => state === "new" || answered.includes(trial));
    this.notes = this.notes.filter(({ state, event }) => state === "new" || noted.includes(event));
  }

  finish() {
    this.finished = true;
    this.#keep();
    this.#submit();
  }

  /** The study is over for somebody who may not go on. */
  end() {
    this.ended = true;
    this.#keep();
  }

  noted(event) {
    return this.#noted.has(event) || this.notes.some((note) => note.event === event);
  }

  /** Keep what was said around the trials, `{item: response}`, and send it in the background. */
  note(event, given) {
    if (this.noted(event)) return;
    const answers = Object.entries(given).map(([item, response]) => ({ item, response }));
    this.notes.push({ id: randomId(), event, answers, received: new Date().toISOString(), state: "new" });
    this.#keep();
    this.#submit();
  }

  /** Keep the answers to one trial, `[{item, response, rt_ms, ...}]`, and send them in the background. */
  add(page, answers, timing) {
    const received = new Date().toISOString();
    this.submissions.push({
      id: randomId(), trial: page.trial, task: page.task, answers, timing, received, state: "new",
    });
    this.#keep();
    this.#submit();
  }

  /** Wait until the server has everything. */
  async sent() {
    this.#submit(); // what an earlier visit could not send
    await this.#sending;
  }

  /** All rows as the server would have written them; what was said around the trials has no trial. */
  csv() {
    const trials = this.submissions.flatMap(({ trial, task, answers, timing, received }) =>
      answers.map((one) => [
        ...[this.participant, this.list, trial, task, one.item, asText(one.response), one.rt_ms, received],
        ...TIMES.map((name) => one[name] ?? ""),
        ...TIMING.map((name) => timing[name] ?? ""),
      ]));
    const notes = this.notes.flatMap(({ event, answers, received }) =>
      answers.map(({ item, response }) =>
        [this.participant, this.list, "", event, item, asText(response), "", received, ...[...TIMES, ...TIMING].map(() => "")]));
    const rows = [[...HEADER, ...TIMES, ...TIMING], ...notes, ...trials];
    return rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
  }

  #submit() {
    if (this.sends) this.#sending = this.#sending.then(() => this.#sendAll());
  }

  async #sendAll() {
    const { participant, list } = this;
    for (const one of this.notes.filter(({ state }) => state === "new")) {
      const { id, event, answers } = one;
      await this.#send("notes", { id, participant, event, answers }, one);
    }
    for (const one of this.submissions.filter(({ state }) => state === "new")) {
      const { id, trial, answers, timing } = one;
      await this.#send("responses", { id, participant, list, trial, answers, timing }, one);
    }
  }

  async #send(address, body, one) {
    try {
      await fetchJson(address, { body, keepTrying: true });
      one.state = "saved";
    } catch (error) {
      if (error.status === CONFLICT) one.state = "saved"; // from another tab: the first answer counts
      else {
        console.warn(error.message);
        one.state = "refused";
      }
    }
    this.#keep();
  }

  /** Let the server know that somebody is still here, or has left: it gives lists of those who left to others. */
  #showSigns() {
    const sign = (left) => new Blob([JSON.stringify({ participant: this.participant, left })], { type: "application/json" });
    setInterval(() => navigator.sendBeacon("sign", sign(false)), SIGN_EVERY_MS);
    addEventListener("pagehide", () => navigator.sendBeacon("sign", sign(true)));
  }

  #keep() {
    const { list, submissions, notes, finished, ended } = this;
    remember(this.#key, JSON.stringify({ list, submissions, notes, finished, ended }));
  }
}

/** Read something kept in this browser; null where nothing is kept, or nothing may be. */
export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Keep something in this browser, where that is allowed. */
export function remember(key, text) {
  try {
    localStorage.setItem(key, text);
  } catch {
    // A private window: the study works, but cannot go on after a reload.
  }
}

/** Words as a cell that a spreadsheet takes for no formula, as `spreadsheets.py` has it. */
function asText(words) {
  const formula = /^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(words) && !/^[+-]?[0-9., %]*$/.test(words);
  return formula ? `'${words}` : words;
}

function cell(value) {
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
