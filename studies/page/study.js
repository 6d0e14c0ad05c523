// The course of a study: welcome, loading, sound check, trials, thanks. The lists say what is shown; see saving.js
// for where answers go and trial.js for what a trial looks like.

import { Record, fetchJson, randomId, remember, remembered } from "./saving.js";
import { WatchAndAnswer } from "./trial.js";

const HOW = {
  preference: "You will see two videos side by side that play at the same time. Watch both, then choose one.",
  rating: "You will see one video at a time. Watch it, then give your rating.",
  identification: "You will see one video at a time. Watch the face, then say which emotion it shows.",
  sync: "You will see one video at a time. Watch the lips and listen, then answer.",
  mushra: "You will see several videos on one page. They play one after another; play any of them again by its "
    + "button. Then rate each of them by its slider.",
};
const DOWNLOAD = `<p>Please download your answers and send the file to those who invited you.</p>
  <p><a class="primary" id="download">Download your answers</a></p>`;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const TONE_SECONDS = 0.25;

const display = document.getElementById("study");
const url = new URLSearchParams(location.search);

/** Keep a participant from one visit to the next; Prolific and other portals give an id in the address. */
function whoIsThere(study) {
  const given = url.get("PROLIFIC_PID") ?? url.get("participant");
  if (given !== null) {
    if (!ID.test(given)) throw new Error("The participant id in the address may hold letters, digits, _ and - only.");
    return { participant: given, anonymous: false };
  }
  const key = `emosplat ${study.study}`;
  const participant = remembered(key) ?? `p${randomId(8)}`;
  remember(key, participant);
  return { participant, anonymous: true };
}

/** On a shared computer: the next person is somebody else. */
function somebodyElse(study) {
  remember(`emosplat ${study.study}`, `p${randomId(8)}`);
  location.reload();
}

/** The list that the address asks for; null where it does not. */
function wantedList(study) {
  const wanted = url.get("list");
  if (wanted === null) return null;
  if (!/^\d{1,5}$/.test(wanted) || Number(wanted) >= study.lists) {
    throw new Error(`There is no list ${wanted}; this study has lists 0 to ${study.lists - 1}.`);
  }
  return Number(wanted);
}

/** Agree with the server, or with chance, on the list and on what is answered already. */
async function begin(study, record) {
  const wanted = record.list ?? wantedList(study);
  if (!study.server) {
    record.begin(wanted ?? Math.floor(Math.random() * study.lists));
    return new Set();
  }
  const body = { participant: record.participant, ...(wanted === null ? {} : { list: wanted }) };
  const { list, answered } = await fetchJson("session", { body, keepTrying: true });
  record.begin(list);
  return new Set(answered);
}

function answeredHere(record) {
  return record.submissions.map(({ trial }) => trial);
}

function freshJsPsych(options) {
  display.replaceChildren();
  return initJsPsych({ display_element: display, ...options });
}

function button(stimulus, choices, more = {}) {
  return {
    type: jsPsychHtmlButtonResponse,
    stimulus: `<div class="page">${stimulus}</div>`,
    choices,
    button_layout: "flex",
    button_html: (choice) => `<button type="button" class="primary">${choice}</button>`,
    ...more,
  };
}

function welcome(study, record, anonymous) {
  const start = record.begun ? "Continue" : study.consent ? "I agree, begin" : "Begin";
  const back = record.begun ? "<p><strong>Welcome back.</strong> You go on where you stopped.</p>" : "";
  const quiet = '<p><button type="button" class="quiet" id="other">I am somebody else</button></p>';
  const text = `
    <h1>${escaped(study.title)}</h1>
    <p>You will watch short videos with sound and answer a question about each. Please sit in a quiet place and use
    headphones if you can. You may stop at any time by closing this page.</p>
    <p>Your answers are stored under a code, without your name.</p>
    ${study.consent ? `<div class="consent">${paragraphs(study.consent)}</div>` : ""}${back}`;
  return button(text, [start], {
    prompt: record.begun && anonymous ? quiet : "",
    on_load: () => document.getElementById("other")?.addEventListener("click", () => somebodyElse(study)),
  });
}

/** Count a few tones: whoever cannot, hears nothing. */
function soundCheck() {
  let tones = 0;
  let tries = 0;
  const check = button(
    `<h1>Can you hear it?</h1>
    <p>Set your volume so that the tones are pleasantly loud. How many tones do you hear?</p>
    <p><button type="button" class="play" id="tones">Play the tones</button></p>
    <p class="problem" role="alert" id="again"></p>`,
    ["1", "2", "3", "4", "5"],
    {
      button_html: (choice) => `<button type="button" class="choice" disabled>${choice}</button>`,
      on_load: () => {
        tones = 2 + Math.floor(Math.random() * 3);
        if (tries++) document.getElementById("again").textContent = "It was another number. Please listen again.";
        document.getElementById("tones").addEventListener("click", () => playTones(tones));
      },
    },
  );
  return { timeline: [check], loop_function: (data) => data.values()[0].response !== tones - 1 };
}

function playTones(count) {
  const context = new AudioContext();
  for (let i = 0; i < count; i++) {
    const start = context.currentTime + 0.1 + 2 * TONE_SECONDS * i;
    const gain = new GainNode(context, { gain: 0 });
    const tone = new OscillatorNode(context, { frequency: 520 });
    gain.gain.setTargetAtTime(0.12, start, 0.01);
    gain.gain.setTargetAtTime(0, start + TONE_SECONDS - 0.05, 0.01);
    tone.connect(gain).connect(context.destination);
    tone.start(start);
    tone.stop(start + TONE_SECONDS);
  }
  for (const choice of document.querySelectorAll("button.choice")) choice.disabled = false;
}

function loading(trials, advance) {
  const files = new Set(trials.flatMap(({ stimuli, reference }) => [...stimuli, ...(reference ? [reference] : [])]));
  return {
    type: jsPsychPreload,
    video: [...files].map((file) => `stimuli/${file}`),
    message: '<div class="page"><h1>Loading the videos</h1><p>This can take a minute.</p></div>',
    error_message: '<div class="page"><h1>A video did not load</h1><p>Please check your connection, then reload this '
      + "page. Nothing is lost.</p></div>",
    max_load_time: null,
    on_start: advance,
  };
}

/** The trials in their order, with a page of instructions wherever something new begins. */
function course(trials, record, advance) {
  return trials.flatMap((page, i) => {
    const step = {
      type: WatchAndAnswer,
      page,
      on_finish: ({ answers }) => {
        record.add(page, answers);
        advance();
      },
    };
    if (page.task !== trials[i - 1]?.task) return [instructions(page, trials), step];
    return page.phase === trials[i - 1].phase ? [step] : [practiceIsOver(), step];
  });
}

function instructions({ task, question, instructions, type }, trials) {
  const practice = trials.filter((page) => page.task === task && page.phase === "practice").length;
  const first = practice === 1 ? "The first one is" : `The first ${practice} are`;
  const note = practice ? `<p>${first} for practice.</p>` : "";
  return button(`<h1>${escaped(question)}</h1>${paragraphs(instructions || HOW[type])}${note}`, ["Start"]);
}

function practiceIsOver() {
  return button("<h1>Well done</h1><p>That was practice. From now on your answers count.</p>", ["Go on"]);
}

/** The last page: thanks, once everything is saved. */
async function thank(study, record, anonymous) {
  if (study.server) show('<h1>Thank you</h1><p role="status">Saving your answers…</p>');
  await record.sent();
  const saved = study.server && !record.refused;
  show(`<h1>Thank you</h1>
    ${saved ? '<p id="saved">All your answers are saved.</p>' : DOWNLOAD}
    ${study.completion ? backTo(study.completion) : saved ? "<p>You may close this page.</p>" : ""}
    ${anonymous ? '<p><button type="button" class="quiet" id="other">Next participant</button></p>' : ""}`);
  document.getElementById("other")?.addEventListener("click", () => somebodyElse(study));
  const link = document.getElementById("download");
  if (link) {
    link.href = URL.createObjectURL(new Blob([record.csv()], { type: "text/csv" }));
    link.download = `answers_${record.participant}.csv`;
  }
}

function backTo(address) {
  return `<p><a class="primary" id="complete" href="${escaped(address)}">Return to Prolific</a></p>`;
}

function show(html) {
  display.innerHTML = `<div class="page">${html}</div>`;
}

function escaped(text) {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function paragraphs(text) {
  return text.trim().split(/\n\s*\n/).map((part) => `<p>${escaped(part)}</p>`).join("");
}

async function run() {
  const study = await fetchJson("study.json");
  document.title = study.title;
  const { participant, anonymous } = whoIsThere(study);
  wantedList(study);
  const record = new Record(study, participant);
  if (!record.finished) {
    await freshJsPsych().run([welcome(study, record, anonymous)]);
    const done = await begin(study, record);
    for (const trial of answeredHere(record)) done.add(trial);
    const name = `list_${String(record.list).padStart(3, "0")}.json`;
    const { trials } = await fetchJson(`lists/${name}`, { keepTrying: true });
    const left = trials.filter(({ trial }) => !done.has(trial));
    const jsPsych = freshJsPsych({ show_progress_bar: true, auto_update_progress_bar: false, message_progress_bar: "" });
    const advance = () => {
      jsPsych.progressBar.progress = new Set([...done, ...answeredHere(record)]).size / trials.length;
    };
    const steps = [loading(left, advance), soundCheck(), ...course(left, record, advance)];
    if (left.length) await jsPsych.run(steps);
    record.finish();
  }
  await thank(study, record, anonymous);
}

run().catch((error) => {
  console.warn(error);
  show(`<h1>This does not work yet</h1><p>${escaped(error.message)}</p>
    <p>Please reload this page, or tell those who invited you.</p>`);
});
