// The videos of a page, and when their pictures were on the screen.

import { element, say } from "./words.js";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** The videos of a page, played one after another; each can be played again.
 *
 * Some phones play a video only right after a tap: there the button plays the next one that was not seen.
 */
export class Screening {
  #seen = new Set();
  #plays = 0;
  #turn = 0; // a newer one ends an older one
  #fps;

  constructor(page, fps, address) {
    this.#fps = fps;
    const shown = page.stimuli.map((file, i) => [file, labels(page)[i]]);
    if (page.reference) shown.unshift([page.reference, say("reference")]);
    this.tiles = shown.map(([file, label]) => this.#tile(file, label, address(file)));
    if (page.reference) this.tiles[0].open = true;
    this.button = element("button", { type: "button", className: "play", textContent: say("play") });
    this.button.addEventListener("click", () => this.play());
    this.problem = element("p", { className: "problem", role: "alert" });
    const videos = element("div", { className: shown.length > 1 ? "tiles" : "single" });
    videos.append(...this.tiles.map((tile) => tile.element));
    this.element = element("section", { className: "screening", ariaLabel: say("videos") });
    this.element.append(videos, this.button, this.problem);
  }

  /** Play these videos in turn; `onSeen` is called once all of the page have been seen to their end. */
  async play(tiles = this.#due()) {
    const turn = ++this.#turn;
    this.#halt();
    this.problem.textContent = "";
    this.button.disabled = true;
    this.button.textContent = say("playing");
    for (const tile of tiles) {
      tile.element.classList.add("playing");
      const watch = new Watch(tile.video, this.#fps);
      const ended = await played(tile.video).then(() => true, (error) => this.#failed(error));
      if (turn !== this.#turn) return;
      tile.element.classList.remove("playing");
      if (!ended) break;
      this.#plays++;
      if (!this.#seen.has(tile)) tile.watch = watch; // timing is that of the first time
      watch.end();
      this.#seen.add(tile);
    }
    const all = this.#seen.size === this.tiles.length;
    this.button.disabled = false;
    this.button.textContent = say(all ? "play_again" : "play");
    if (all) this.onSeen();
  }

  /** When the first picture of the page was shown, and the last; undefined where the browser does not tell. */
  get onset() {
    return this.tiles[0].watch?.onset;
  }

  get end() {
    const ends = this.tiles.map(({ watch }) => watch?.last).filter((time) => time !== undefined);
    return ends.length ? Math.max(...ends) : undefined;
  }

  /** How the videos were shown the first time, all of the page together. */
  timing() {
    const watches = this.tiles.map(({ watch }) => watch).filter((watch) => watch?.onset !== undefined);
    const unknown = { onset_ms: null, frames: null, dropped_frames: null, stalled_ms: null, plays: this.#plays };
    if (watches.length < this.tiles.length) return unknown;
    const sum = (name) => watches.reduce((total, watch) => total + watch[name], 0);
    return {
      onset_ms: Math.max(0, Math.round(Math.max(...watches.map((watch) => watch.onset - watch.asked)))),
      frames: sum("frames"),
      dropped_frames: sum("dropped"),
      stalled_ms: Math.max(0, Math.round(Math.max(...watches.map((watch) => watch.stalled)))),
      plays: this.#plays,
    };
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
    this.problem.textContent = say("cannot_play");
    return false;
  }

  #tile(file, label, address) {
    const video = element("video", { src: address, playsInline: true, preload: "auto", disablePictureInPicture: true });
    video.addEventListener("loadedmetadata", () => {
      figure.closest(".trial")?.style.setProperty("--aspect", video.videoWidth / video.videoHeight);
    });
    const figure = element("figure", { className: "tile" });
    figure.append(video);
    const tile = { file, label, video, element: figure, open: false, watch: undefined };
    if (label) {
      const again = element("button", { type: "button", className: "again", textContent: label });
      again.ariaLabel = say("play_one", { name: label });
      again.addEventListener("click", () => this.play([tile]));
      figure.append(again);
    }
    return tile;
  }
}

/** What is written below the videos of a page; nothing where there is one. */
function labels({ type, stimuli }) {
  if (type === "mushra") return LETTERS;
  if (type === "discrimination") return stimuli.length === 3 ? "ABX" : "12";
  return [""];
}

/** Times (`performance.now`) of a video's pictures, from the browser's own count of those it has presented. */
class Watch {
  #video;
  #fps;
  #last;

  constructor(video, fps) {
    this.#video = video;
    this.#fps = fps;
    this.asked = performance.now();
    this.frames = 0;
    this.#listen();
  }

  /** The video has ended: what was shown of it? */
  end() {
    if (!this.#last) return;
    const { duration, playbackRate } = this.#video;
    const all = Math.max(this.#last.index + 1, Math.floor(duration * this.#fps) - 1); // sound may be a little longer
    this.frames = Math.min(this.frames, all);
    this.dropped = all - this.frames;
    this.stalled = performance.now() - this.onset - (1000 * duration) / playbackRate;
    this.last = this.#last.time + (1000 * (duration - this.#last.index / this.#fps)) / playbackRate;
  }

  #forget() {
    this.#last = undefined;
    this.onset = undefined;
    this.frames = 0;
  }

  #listen() {
    this.#video.requestVideoFrameCallback?.((now, picture) => this.#hear(now, picture));
  }

  /** A picture is on the screen. The first one may have stood there before: the first that moved tells when it began. */
  #hear(now, { mediaTime, presentedFrames, expectedDisplayTime }) {
    if (this.#video.paused && !this.#video.ended) return this.#listen();
    const time = expectedDisplayTime || now;
    const index = Math.round(mediaTime * this.#fps);
    if (this.#last && index < this.#last.index) this.#forget(); // what was heard before is of another time
    const before = this.#last ?? { index: -1, presentedFrames: presentedFrames - 1 - Math.min(1, index) };
    if (this.onset === undefined || !before.index) this.onset = time - (1000 * mediaTime) / this.#video.playbackRate;
    this.frames += Math.min(Math.max(1, presentedFrames - before.presentedFrames), Math.max(0, index - before.index));
    this.#last = { index, presentedFrames, time };
    if (!this.#video.ended) this.#listen();
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
