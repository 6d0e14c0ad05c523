// Draws the pictures of a live session when the sound of their time is heard: the sound's clock leads.

const PICTURE = 1, SOUND = 2;
const MOST_PICTURES = 60;  // that wait to be drawn
const SPARE = 0.02, ROOM = 0.15;  // seconds that pictures are early at least, and at most before the lag shrinks
const JUDGED = 40, NEARLY = 4;  // pictures by which that is judged, and those of them that may come later
const QUIET = 0.1;  // largest sample of a pause, of the usual loudness: there the lag may shrink

const token = new URLSearchParams(location.hash.slice(1)).get("token");
const canvas = document.getElementById("face"), brush = canvas.getContext("2d");
const told = document.getElementById("told");
const state = window.live = { pictures: 0, late: 0, skipped: 0, drawn: 0, heard: 0, lag: 0, off: [], time: 0 };

let audio = null;  // once somebody has pressed the button
let rate = 16000, base = null;  // base: reading of the clock at which the sound's second 0 is heard
let waiting = [];
let early = [];  // how many seconds before their time pictures came lately
let spare = 0;  // seconds by which nearly all came early: by so much more than SPARE the lag is too long
let loud = 0;  // largest sample, forgotten within seconds

const now = () => audio ? audio.currentTime : performance.now() / 1000;
const delay = () => audio ? (audio.outputLatency || audio.baseLatency || 0) : 0;  // of what is scheduled, to the ear
const position = () => now() - base - delay();

function opened(path, fields = {}) {
  const query = new URLSearchParams({ ...fields, ...(token ? { token } : {}) });
  return new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}?${query}`);
}

function connect() {
  const socket = opened("/watch");
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { base = null; waiting = []; told.textContent = ""; };
  socket.onmessage = (event) => {
    if (typeof event.data === "string") return hearWords(JSON.parse(event.data));
    const view = new DataView(event.data), time = view.getFloat64(8, true);
    if (view.getUint8(0) === SOUND) hearSound(time, new Int16Array(event.data, 16));
    else if (view.getUint8(0) === PICTURE) seePicture(time, new Blob([new Uint8Array(event.data, 16)], { type: "image/jpeg" }));
  };
  socket.onclose = () => { told.textContent = "not connected; trying again"; setTimeout(connect, 1000); };
}

function hearWords(words) {
  if (words.hello) {
    rate = words.hello.rate;
    state.lag = words.hello.lag;
    canvas.hidden = !words.hello.pictures;
    document.getElementById("speak").hidden = !words.hello.microphone;
    buildPanel(words.hello);
  }
  if (words.control) showControl(words.control);
}

// ---- sound

function hearSound(time, samples) {
  state.heard += 1;
  if (base === null) base = now() - time + state.lag;
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  loud = state.loud = Math.max(peak, 0.998 * loud);
  if (!audio || !samples.length) return;
  if (peak <= QUIET * loud && spare > ROOM) return shift(-samples.length / rate);  // a bit of a pause is not played
  const late = now() + 0.005 - (base + time);
  if (late > 0) shift(late + SPARE);
  const buffer = audio.createBuffer(1, samples.length, rate);
  buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32768), 0);
  const player = audio.createBufferSource();
  player.buffer = buffer;
  player.connect(audio.destination);
  player.start(Math.round((base + time) * rate) / rate);
}

function shift(seconds) {
  base += seconds;
  state.lag += seconds;
  spare += seconds;
}

document.getElementById("hear").onclick = async (event) => {
  if (audio) {
    const closing = audio;
    audio = null;
    base = null;
    await closing.close();
    event.target.textContent = "Hear it";
    return;
  }
  const begun = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
  await begun.resume();
  audio = begun;
  base = null;
  event.target.textContent = "Mute";
};

// ---- this machine's microphone, where the session takes samples

let speaking = null;

document.getElementById("speak").onclick = async (event) => {
  if (speaking) {
    speaking();
    return;
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    const hearing = new AudioContext({ latencyHint: "interactive" });
    await hearing.audioWorklet.addModule("mic.js");
    const microphone = new AudioWorkletNode(hearing, "microphone");
    const socket = opened("/sound", { rate: hearing.sampleRate });
    microphone.port.onmessage = ({ data }) => { if (socket.readyState === WebSocket.OPEN) socket.send(data); };
    hearing.createMediaStreamSource(stream).connect(microphone);
    speaking = () => {
      speaking = null;
      event.target.textContent = "Speak";
      for (const track of stream.getTracks()) track.stop();
      hearing.close();
      socket.close();
    };
    socket.onclose = () => speaking?.();
    event.target.textContent = "Stop";
  } catch (error) {  // refused, none there, or a page that came over plain HTTP from another machine
    told.textContent = `no microphone: ${error.message}`;
  }
};

// ---- pictures

async function seePicture(time, blob) {
  state.pictures += 1;
  const picture = await createImageBitmap(blob);
  if (base === null) {  // the sound tells when its time is
    picture.close();
    return;
  }
  early.push(time - position());
  state.late += early.at(-1) < 0;
  if (early.length >= JUDGED) {
    spare = early.sort((a, b) => a - b)[NEARLY];
    early = [];
    if (spare < 0) shift(SPARE - spare);
  }
  if (!audio && spare > ROOM) shift(-0.01);
  waiting.push({ time, picture });
  waiting.sort((a, b) => a.time - b.time);
  while (waiting.length > MOST_PICTURES) { waiting.shift().picture.close(); state.skipped += 1; }
}

function draw() {
  requestAnimationFrame(draw);
  if (base === null || !waiting.length || waiting[0].time > position()) return;
  let next = waiting.shift();
  while (waiting.length && waiting[0].time <= position()) {
    next.picture.close();
    next = waiting.shift();
    state.skipped += 1;
  }
  if (canvas.width !== next.picture.width || canvas.height !== next.picture.height) {
    canvas.width = next.picture.width;
    canvas.height = next.picture.height;
  }
  brush.drawImage(next.picture, 0, 0);
  next.picture.close();
  state.drawn += 1;
  state.time = next.time;
  state.off.push(position() - next.time);
  if (state.off.length > 300) state.off.shift();
}

// ---- steering

const sliders = {};
let wished = null;  // what is to be sent once the last change has been answered

function buildPanel(hello) {
  const box = document.getElementById("sliders");
  box.replaceChildren();
  for (const emotion of hello.emotions) {
    addSlider(box, emotion, 0, 1, 0.05, () => wish({
      emotion: Object.fromEntries(hello.emotions.map((name) => [name, Number(sliders[name].value)])),
    }));
  }
  addSlider(box, "intensity", 0, 1, 0.05, (value) => wish({ intensity: value }));
  addSlider(box, "look_left", -25, 25, 1, (value) => wish({ look_left: value }));
  addSlider(box, "look_up", -25, 25, 1, (value) => wish({ look_up: value }));
  const styles = document.getElementById("style");
  styles.replaceChildren(...hello.styles.map((name) => new Option(name, name)));
  styles.onchange = () => wish({ style: styles.value });
}

function addSlider(box, name, min, max, step, moved) {
  const label = document.createElement("label"), input = document.createElement("input");
  Object.assign(input, { type: "range", name, min, max, step, value: 0 });
  input.oninput = () => moved(Number(input.value));
  label.append(name.replace("_", " "), input);
  box.append(label);
  sliders[name] = input;
}

function showControl(control) {
  for (const [name, slider] of Object.entries(sliders)) {
    if (slider !== document.activeElement) slider.value = control[name] ?? control.emotion[name] ?? 0;
  }
  document.getElementById("style").value = control.style;
}

async function wish(change) {
  if (wished) { Object.assign(wished, change); return; }
  wished = {};
  await ask("control", { method: "POST", body: JSON.stringify(change) });
  const more = wished;
  wished = null;
  if (Object.keys(more).length) wish(more);
}

async function ask(path, options = {}) {
  const headers = { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const reply = await fetch(path, { ...options, headers });
  const found = await reply.json();
  if (!reply.ok) told.textContent = found.error;
  return found;
}

setInterval(async () => {
  try {
    const { algorithmic_ms, delays_ms } = await ask("latency");
    const shown = delays_ms.picture ?? delays_ms.curves;
    if (shown) told.textContent = `look-ahead ${algorithmic_ms} ms, pictures p50 ${shown.p50}, p95 ${shown.p95} ms, `
      + `here ${Math.round(1000 * (state.lag + delay()))} ms after the sound`;
  } catch { /* the socket tells that */ }
}, 2000);

connect();
draw();
