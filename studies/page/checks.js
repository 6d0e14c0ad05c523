// What is checked before the trials: whether tones are heard, and whether through headphones.

import { button } from "./around.js";
import { escaped, say } from "./words.js";

const TONE_SECONDS = 0.25;

/** Count a few tones: whoever cannot, hears nothing. */
export function soundCheck() {
  let tones = 0;
  let tries = 0;
  const check = button(
    `<h1>${escaped(say("sound_title"))}</h1>
    <p>${escaped(say("sound_text"))}</p>
    <p><button type="button" class="play" id="tones">${escaped(say("sound_play"))}</button></p>
    <p class="problem" role="alert" id="again"></p>`,
    ["1", "2", "3", "4", "5"],
    {
      button_html: (choice) => `<button type="button" class="choice" disabled>${choice}</button>`,
      on_load: () => {
        tones = 2 + Math.floor(Math.random() * 3);
        if (tries++) document.getElementById("again").textContent = say("sound_again");
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
  allowChoices();
}

/** A sound per page, of three parts; `done` is called with `{sound_1: "2", ...}` and with how many were right. */
export function headphoneCheck({ kind, sounds }, done) {
  const heard = {};
  const pages = sounds.map(({ file }, i) =>
    button(
      `<h1>${escaped(say("headphones_title"))}</h1>
      <p>${escaped(say(`headphones_${kind}`))}</p>
      <p class="hint">${escaped(say("headphones_number", { n: i + 1, all: sounds.length }))}</p>
      <p><button type="button" class="play" id="sound">${escaped(say("play"))}</button></p>`,
      ["1", "2", "3"],
      {
        button_html: (choice) => `<button type="button" class="choice" disabled>${choice}</button>`,
        on_load: () => {
          const sound = new Audio(file);
          const play = document.getElementById("sound");
          play.addEventListener("click", () => {
            play.disabled = true;
            sound.play();
          });
          sound.addEventListener("error", () => { play.textContent = say("cannot_play"); });
          sound.addEventListener("ended", () => {
            play.disabled = false;
            play.textContent = say("play_again");
            allowChoices();
          });
        },
        on_finish: ({ response }) => {
          heard[`sound_${i + 1}`] = String(response + 1);
          if (i + 1 < sounds.length) return;
          done(heard, sounds.filter((one, k) => heard[`sound_${k + 1}`] === one.right).length);
        },
      },
    ));
  return { timeline: pages };
}

function allowChoices() {
  for (const choice of document.querySelectorAll("button.choice")) choice.disabled = false;
}
