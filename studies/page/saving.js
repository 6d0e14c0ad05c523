// A participant's answers: kept in the browser against a reload, sent to the server where there is one.

const LONGEST_WAIT_MS = 20_000;
const HEADER = ["participant", "list", "trial", "task", "item", "response", "rt_ms", "received"];

/** An answer of the server that asking again will not change. */
export class Refused extends Error {}

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
      if (final || !keepTrying) throw new Refused(`${address}: ${reply.status} ${text}`);
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

  constructor(study, participant) {
    this.#key = `emosplat ${study.study} ${participant}`;
    const kept = JSON.parse(remembered(this.#key) ?? "{}");
    this.participant = participant;
    this.list = kept.list ?? null;
    this.submissions = kept.submissions ?? [];
    this.finished = kept.finished ?? false;
    this.sends = study.server;
  }

  get begun() {
    return this.list !== null;
  }

  /** Whether an answer was refused; that should not happen, and a download saves it. */
  get refused() {
    return this.submissions.some((one) => one.state === "refused");
  }

  begin(list) {
    this.list = list;
    this.#keep();
    this.#submit();
  }

  finish() {
    this.finished = true;
    this.#keep();
    this.#submit();
  }

  /** Keep the answers to one trial, `[{item, response, rt_ms}]`, and send them in the background. */
  add(page, answers) {
    const received = new Date().toISOString();
    this.submissions.push({ id: randomId(), trial: page.trial, task: page.task, answers, received, state: "new" });
    this.#keep();
    this.#submit();
  }

  /** Wait until the server has everything. */
  async sent() {
    await this.#sending;
  }

  /** All rows as the server would have written them. */
  csv() {
    const rows = this.submissions.flatMap(({ trial, task, answers, received }) =>
      answers.map(({ item, response, rt_ms }) =>
        [this.participant, this.list, trial, task, item, response, rt_ms, received]));
    return [HEADER, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
  }

  #submit() {
    if (this.sends) this.#sending = this.#sending.then(() => this.#sendAll());
  }

  async #sendAll() {
    for (const one of this.submissions.filter(({ state }) => state === "new")) {
      const { id, trial, answers } = one;
      const body = { id, participant: this.participant, list: this.list, trial, answers };
      try {
        await fetchJson("responses", { body, keepTrying: true });
        one.state = "saved";
      } catch (error) {
        console.warn(error.message);
        one.state = "refused";
      }
      this.#keep();
    }
  }

  #keep() {
    const { list, submissions, finished } = this;
    remember(this.#key, JSON.stringify({ list, submissions, finished }));
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

function cell(value) {
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
