// Hands on what a microphone hears, 10 ms at a time, as 16-bit samples.

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.samples = new Int16Array(Math.round(sampleRate / 100));
    this.count = 0;
  }

  process([[heard]]) {
    for (const sample of heard ?? []) {
      this.samples[this.count++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
      if (this.count === this.samples.length) {
        this.port.postMessage(this.samples.slice());
        this.count = 0;
      }
    }
    return true;
  }
}

registerProcessor("microphone", Microphone);
