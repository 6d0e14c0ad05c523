// The course of a study: welcome, checks, questions, trials, thanks. The lists say what is shown; see saving.js for where
// answers go, around.js and checks.js for the pages around the trials, and trial.js for what a trial looks like.

import { Questions, button, consentGiven, instructions, pause, practiceIsOver, welcome } from "./around.js";
import { headphoneCheck, soundCheck } from "./checks.js";
import { Record, fetchJson, randomId, remember, remembered } from "./saving.js";
import { WatchAndAnswer } from "./trial.js";
import { escaped, paragraphs, say, setWords, shown } from "./words.js";

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const LONGEST_PARAMETER = 200;

const display = document.getElementById("study");
const url = new URLSearchParams(location.search);

/** Keep a participant from one visit to the next; portals give an id in the address. */
function whoIsThere(study) {
  const given = url.get("PROLIFIC_PID") ?? url.get("participant");
  if (given !== null) {
    if (!ID.test(given)) throw new Error(say("bad_id"));
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
    throw new Error(say("no_list", { list: wanted, last: study.lists - 1 }));
  }
  return Number(wanted);
}

/** What of the address is kept with the participant. */
function parametersOf(study) {
  const given = study.parameters.filter((name) => url.has(name));
  return Object.fromEntries(given.map((name) => [name, [...url.get(name)].slice(0, LONGEST_PARAMETER).join("")]));
}

/** Agree with the server, or with chance, on the list and on what is answered already. */
async function begin(study, record) {
  const wanted = record.list ?? wantedList(study);
  if (!study.server) {
    record.begin(wanted ?? Math.floor(Math.random() * study.lists));
    return new Set();
  }
  const { participant } = record;
  const body = { participant, parameters: parametersOf(study), ...(wanted === null ? {} : { list: wanted }) };
  const { list, answered, noted, ended } = await fetchJson("session", { body, keepTrying: true });
  record.begin(list, { answered, noted });
  if (ended) record.end();
  return new Set(answered);
}

function answeredHere(record) {
  return record.submissions.map(({ trial }) => trial);
}

function freshJsPsych(options) {
  display.replaceChildren();
  return initJsPsych({ display_element: display, ...options });
}

function loading(trials, advance) {
  const files = new Set(trials.flatMap(({ stimuli, reference }) => [...stimuli, ...(reference ? [reference] : [])]));
  const page = (title, text) => `<div class="page"><h1>${escaped(say(title))}</h1><p>${escaped(say(text))}</p></div>`;
  return {
    type: jsPsychPreload,
    video: [...files].map((file) => `stimuli/${file}`),
    message: page("loading", "loading_note"),
    error_message: page("load_failed", "load_failed_note"),
    max_load_time: null,
    on_start: advance,
  };
}

/** The trials in their order, with a page wherever something new begins. */
function course(study, trials, all, record, advance) {
  return trials.flatMap((page, i) => {
    const before = trials[i - 1];
    const step = {
      type: WatchAndAnswer,
      page,
      fps: study.fps,
      on_finish: ({ answers, timing }) => {
        record.add(page, answers, timing);
        advance();
      },
    };
    const resting = study.breaks && before && page.trial % study.breaks === 0 ? [pause(page.trial, all)] : [];
    const newTask = page.task !== before?.task;
    const intro = newTask ? [instructions(page, trials)] : page.phase === before.phase ? [] : [practiceIsOver()];
    return [...resting, ...intro, step, ...(page.right ? [feedback(page, record)] : [])];
  });
}

/** After a practice trial whose right answer is known. */
function feedback(page, record) {
  const text = () => {
    const given = record.submissions.findLast(({ trial }) => trial === page.trial).answers[0].response;
    const right = given === page.right;
    return `<h1>${escaped(right ? say("feedback_right") : say("feedback_wrong", { right: shown(page.right) }))}</h1>`;
  };
  return button(text, [say("next")]);
}

async function ask(study, record, event) {
  const questions = study.questions[event];
  if (!questions.length || record.noted(event)) return;
  const page = { type: Questions, title: say(`questions_${event}`), questions };
  await freshJsPsych().run([{ ...page, on_finish: ({ given }) => record.note(event, given) }]);
}

/** Listen through headphones, if the study asks for that; a participant who must stop is marked as such. */
async function checkHeadphones(study, record) {
  const check = study.headphones;
  if (!check || record.noted("headphones")) return;
  await freshJsPsych().run([headphoneCheck(check, (heard, right) => {
    record.note("headphones", heard);
    if (right < check.pass && check.fail === "end") record.end();
  })]);
}

/** The last page: thanks, once everything is saved. */
async function thank(study, record, anonymous) {
  const title = `<h1>${escaped(say("thanks"))}</h1>`;
  if (study.server) show(`${title}<p role="status">${escaped(say("saving"))}</p>`);
  await record.sent();
  const saved = study.server && !record.refused;
  const download = `<p>${escaped(say("download_note"))}</p>
    <p><a class="primary" id="download">${escaped(say("download"))}</a></p>`;
  const code = `<p class="hint">${escaped(say("code", { code: record.participant }))}</p>`;
  show(`${title}
    ${saved ? `<p id="saved">${escaped(say("saved"))}</p>` : download}
    ${study.debriefing ? `<div class="debriefing">${paragraphs(study.debriefing)}</div>` : ""}
    ${study.completion ? backTo(study.completion, record) : saved ? `<p>${escaped(say("close"))}</p>` : ""}
    ${saved ? code : ""}
    ${anonymous ? `<p><button type="button" class="quiet" id="other">${escaped(say("next_participant"))}</button></p>` : ""}`);
  document.getElementById("other")?.addEventListener("click", () => somebodyElse(study));
  const link = document.getElementById("download");
  if (link) {
    link.href = URL.createObjectURL(new Blob([record.csv()], { type: "text/csv" }));
    link.download = `answers_${record.participant}.csv`;
  }
}

function backTo({ name, link }, record) {
  const address = link.replace("{id}", encodeURIComponent(record.participant));
  return `<p><a class="primary" id="complete" href="${escaped(address)}">${escaped(say("return_to", { name }))}</a></p>`;
}

/** For somebody who needs headphones to go on. */
async function turnAway({ completion }, record) {
  await record.sent();
  const back = completion?.screen_out ? backTo({ ...completion, link: completion.screen_out }, record) : "";
  show(`<h1>${escaped(say("headphones_failed"))}</h1><p id="ended">${escaped(say("headphones_failed_note"))}</p>${back}`);
}

function show(html) {
  display.innerHTML = `<div class="page">${html}</div>`;
}

async function answerTrials(study, record, done) {
  for (const trial of answeredHere(record)) done.add(trial);
  const name = `list_${String(record.list).padStart(3, "0")}.json`;
  const { trials } = await fetchJson(`lists/${name}`, { keepTrying: true });
  const left = trials.filter(({ trial }) => !done.has(trial));
  if (!left.length) return;
  const jsPsych = freshJsPsych({ show_progress_bar: true, auto_update_progress_bar: false, message_progress_bar: "" });
  const advance = () => {
    jsPsych.progressBar.progress = new Set([...done, ...answeredHere(record)]).size / trials.length;
  };
  await jsPsych.run([
    loading(left, advance), soundCheck(), ...course(study, left, trials.length, record, advance),
  ]);
}

async function takePart(study, record, anonymous) {
  await freshJsPsych().run([welcome(study, record, anonymous, () => somebodyElse(study))]);
  const done = await begin(study, record);
  if (study.consent || study.consent_items.length) record.note("consent", consentGiven(study));
  if (!record.ended) await checkHeadphones(study, record);
  if (record.ended) return;
  await ask(study, record, "before");
  await answerTrials(study, record, done);
  await ask(study, record, "after");
  record.finish();
}

async function run() {
  const study = await fetchJson("study.json");
  setWords(study.words);
  document.title = study.title;
  document.documentElement.lang = study.language;
  const { participant, anonymous } = whoIsThere(study);
  wantedList(study);
  const record = new Record(study, participant);
  if (!record.finished && !record.ended) await takePart(study, record, anonymous);
  if (record.ended) await turnAway(study, record);
  else await thank(study, record, anonymous);
}

run().catch((error) => {
  console.warn(error);
  show(`<h1>${escaped(say("not_yet"))}</h1><p>${escaped(error.message)}</p><p>${escaped(say("not_yet_note"))}</p>`);
});
