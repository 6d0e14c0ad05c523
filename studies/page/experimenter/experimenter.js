// The experimenter's page: asks the server how the study is doing, every few seconds.

const EVERY_MS = 3000;
const key = new URLSearchParams(location.search).get("key") ?? "";

const STATES = ["finished", "active", "gone", "turned away"];

async function ask(path, options = {}) {
  const reply = await fetch(`experimenter/${path}`, {
    cache: "no-store",
    ...options,
    headers: { Authorization: `Bearer ${key}`, ...options.headers },
  });
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
  return reply.json();
}

function show(state) {
  document.title = `${state.title}: experimenter`;
  byId("title").textContent = state.title;
  byId("clock").textContent = `${state.answers} answers · ${new Date(state.now).toLocaleTimeString()}`;
  byId("clock").className = "";
  const terms = STATES.flatMap((name) => [element("dt", name), element("dd", String(state.states[name]))]);
  byId("states").replaceChildren(...terms);
  fill("lists", ["list", ...STATES], state.lists.map((one) => [one.list, ...STATES.map((name) => one[name] || "")]));
  fill("tasks", ["task", "answers", "quarter", "median", "three quarters"], state.tasks.map((one) =>
    [one.task, one.answers, seconds(one.quarter), seconds(one.median), seconds(one.three_quarters)]));
  fill("people", ["participant", "list", "state", "trials", "last sign", "median", "problems", ""],
    state.people.map((one) => [
      one.participant,
      one.list,
      one.state,
      `${one.done} of ${one.of}`,
      ago(one.seconds),
      one.median_ms === null ? "" : seconds(one.median_ms),
      one.problems.join("; "),
      deleting(one.participant),
    ]));
}

function deleting(participant) {
  const button = element("button", "Delete…");
  button.addEventListener("click", async () => {
    if (!confirm(`Delete everything that ${participant} answered? This cannot be undone.`)) return;
    const body = JSON.stringify({ participant });
    await ask("delete", { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(complain);
    refresh();
  });
  return button;
}

function fill(id, head, rows) {
  const cells = (row, tag) => {
    const line = document.createElement("tr");
    line.append(...row.map((cell) => {
      const made = element(tag, "");
      made.append(cell instanceof Node ? cell : String(cell));
      return made;
    }));
    return line;
  };
  byId(id).replaceChildren(cells(head, "th"), ...rows.map((row) => cells(row, "td")));
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

function ago(s) {
  if (s < 90) return `${s} s ago`;
  return s < 5400 ? `${Math.round(s / 60)} min ago` : `${Math.round(s / 3600)} h ago`;
}

function byId(id) {
  return document.getElementById(id);
}

function element(tag, textContent) {
  return Object.assign(document.createElement(tag), { textContent });
}

function complain(error) {
  byId("clock").textContent = error.message;
  byId("clock").className = "problem";
}

async function refresh() {
  try {
    show(await ask("state"));
  } catch (error) {
    complain(error);
  }
}

for (const name of ["answers", "participants"]) {
  byId(name).href = `experimenter/${name}.csv?key=${encodeURIComponent(key)}`;
}
refresh();
setInterval(refresh, EVERY_MS);
