// The study's page inside JATOS: what it would send to its own server becomes result data, a line of JSON each. Who
// comes next gets the next list, counted in the batch session. jatos.js and the page's own scripts are beside this file.

const ownFetch = window.fetch.bind(window);
const ownBeacon = navigator.sendBeacon.bind(navigator);
const OURS = ["session", "responses", "notes", "sign"]; // addresses of the study's own server
const TRIES = 50;

/** The next list; two people who come at once make one of them ask again. */
async function nextList(lists) {
  for (let n = 0; n < TRIES; n++) {
    const given = jatos.batchSession.get("listsGiven") ?? 0;
    try {
      await jatos.batchSession.set("listsGiven", given + 1);
      return given % lists;
    } catch {
      await new Promise((resume) => setTimeout(resume, 100 * (1 + Math.random())));
    }
  }
  return Math.floor(Math.random() * lists);
}

async function session(asked) {
  const known = jatos.studySessionData ?? {};
  const { lists } = await (await ownFetch("study.json")).json();
  const list = known.list ?? asked.list ?? await nextList(lists);
  const about = { answered: known.answered ?? [], noted: known.noted ?? [], ended: false };
  await jatos.setStudySessionData({ ...known, list, ...about });
  await keep("session", { ...asked, list });
  return { list, ...about };
}

async function keep(what, body) {
  await jatos.appendResultData(JSON.stringify({ what, ...body, received: new Date().toISOString() }) + "\n");
}

async function answer(address, body) {
  if (address === "session") return session(body);
  await keep(address, body);
  const known = jatos.studySessionData ?? {};
  if (address === "responses") known.answered = [...(known.answered ?? []), body.trial];
  if (body.event) known.noted = [...(known.noted ?? []), body.event];
  await jatos.setStudySessionData(known);
  return {};
}

window.fetch = async (address, options) => {
  if (options?.method !== "POST" || !OURS.includes(address)) return ownFetch(address, options);
  return new Response(JSON.stringify(await answer(address, JSON.parse(options.body))));
};
navigator.sendBeacon = (address, data) => OURS.includes(address) || ownBeacon(address, data); // JATOS has its own signs of life

/** The page says that all is saved when it is over. */
function endWhenSaved() {
  const watch = new MutationObserver(() => {
    if (document.getElementById("saved") === null) return;
    watch.disconnect();
    jatos.endStudy();
  });
  watch.observe(document.body, { childList: true, subtree: true });
}

jatos.onLoad(() => {
  const given = new URLSearchParams(jatos.urlQueryParameters);
  if (!given.has("participant") && !given.has("PROLIFIC_PID")) given.set("participant", `w${jatos.workerId}`);
  history.replaceState(null, "", `?${given}`);
  endWhenSaved();
  import("./study.js");
});
