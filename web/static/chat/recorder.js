// The microphone as a WAV (mono, 16 kHz, 16 bits): what the server reads without a converter.

const RATE = 16_000;
export const LONGEST_SECONDS = 60;

/** Whether this browser can record at all: a page without https, for one, may not. */
export function canRecord() {
  return Boolean(navigator.mediaDevices?.getUserMedia && window.AudioWorkletNode && window.OfflineAudioContext);
}

/** Whether there is a microphone, which can be told before it may be used. */
export async function hasMicrophone() {
  if (!canRecord()) return false;
  try {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.some((device) => device.kind === "audioinput");
  } catch {
    return false;
  }
}

/** One recording. `onLimit()` is called when it has stopped by itself. */
export class Recorder {
  constructor({ onLimit }) {
    Object.assign(this, { onLimit });
    this.blocks = [];
    this.count = 0;
    this.over = false;
  }

  /** Begin; throws the browser's DOMException where it may not or cannot. */
  async start() {
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    try {
      this.context = new AudioContext();
      await this.context.audioWorklet.addModule(new URL("tap.js", import.meta.url));
      await this.context.resume();
      const tap = new AudioWorkletNode(this.context, "qudao-tap", { numberOfOutputs: 0 });
      tap.port.onmessage = (event) => this.take(event.data);
      this.context.createMediaStreamSource(this.stream).connect(tap);
    } catch (error) {
      this.stop();
      throw error;
    }
    // It may have been called off while the browser asked.
    if (this.over) this.stop();
  }

  get seconds() {
    return this.context ? Math.min(LONGEST_SECONDS, this.count / this.context.sampleRate) : 0;
  }

  /** Let go of the microphone; what was said until now stays. */
  stop() {
    this.over = true;
    for (const track of this.stream?.getTracks() || []) track.stop();
    if (this.context && this.context.state !== "closed") this.context.close();
  }

  take(block) {
    if (this.over) return;
    this.blocks.push(block);
    this.count += block.length;
    if (this.count < LONGEST_SECONDS * this.context.sampleRate) return;
    this.stop();
    this.onLimit();
  }

  /** What was said, as a Blob. */
  async wav() {
    const { sampleRate } = this.context;
    const offline = new OfflineAudioContext(1, Math.floor(this.seconds * RATE), RATE);
    const buffer = offline.createBuffer(1, this.count, sampleRate);
    let at = 0;
    for (const block of this.blocks) {
      buffer.copyToChannel(block, 0, at);
      at += block.length;
    }
    const source = offline.createBufferSource();
    source.buffer = buffer;
    source.connect(offline.destination);
    source.start();
    return asWav((await offline.startRendering()).getChannelData(0));
  }
}

/** Samples from -1 to 1 as a RIFF file of PCM. */
function asWav(samples) {
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const write = (at, text) => [...text].forEach((sign, index) => view.setUint8(at + index, sign.charCodeAt(0)));
  write(0, "RIFF");
  view.setUint32(4, 36 + samples.length * 2, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // the length of this part
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // mono
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true); // bytes a second
  view.setUint16(32, 2, true); // bytes a sample
  view.setUint16(34, 16, true); // bits a sample
  write(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, index) => {
    view.setInt16(44 + index * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 0x7fff), true);
  });
  return new Blob([view], { type: "audio/wav" });
}
