// The button beside the composer that records, and what stands in the composer's place meanwhile.
import { h, icon, ICONS } from "./dom.js";
import { canRecord, hasMicrophone, LONGEST_SECONDS, Recorder } from "./recorder.js";
import { duration } from "./time.js";

const SHORTEST_SECONDS = 0.5;
const TICK_MS = 250;

export class Microphone {
  /** `onRecorded({content, seconds})` sends what was said; `onConsent(granted)` tells the server;
   * `onBusy(busy)`: the place of the field is needed, or is free again. */
  constructor({ t, onRecorded, onConsent, onBusy }) {
    Object.assign(this, { t, onRecorded, onConsent, onBusy });
    this.voice = "off"; // what the server makes of a recording: "on", "ask" for consent, "off"
    this.found = false;
    this.recorder = null;
    this.build();
    if (!canRecord()) return;
    this.look();
    navigator.mediaDevices.addEventListener?.("devicechange", () => this.look());
  }

  build() {
    const { t } = this;
    const button = (name, label, sign, onclick) =>
      h("button", { type: "button", class: name, "aria-label": t(label), onclick }, icon(...ICONS[sign]));
    const words = (name, label, onclick) => h("button", { type: "button", class: name, onclick }, t(label));
    this.button = button("qc-plain qc-mic", "record", "microphone", () => this.press());
    this.clock = h("span", { class: "qc-clock", role: "timer" });
    this.dot = h("span", { class: "qc-dot", "aria-hidden": "true" });
    this.send = button("qc-send", "sendRecording", "send", () => this.finish());
    this.bar = h(
      "div",
      { class: "qc-field qc-recording", role: "group", "aria-label": t("recording"), hidden: true },
      button("qc-plain", "cancelRecording", "close", () => this.cancel()),
      this.dot, this.clock,
      this.send,
    );
    this.agree = words("qc-small qc-strong", "voiceAgree", () => this.decide(true));
    this.question = h(
      "div",
      { class: "qc-question", role: "group", "aria-labelledby": "qc-voice-question", hidden: true },
      h("p", { id: "qc-voice-question" }, t("voiceQuestion")),
      this.agree,
      words("qc-small", "voiceRefuse", () => this.decide(false)),
    );
    this.said = h("p", { class: "qc-said", role: "status" });
    this.element = h("div", { onkeydown: (event) => this.key(event) }, this.bar, this.question, this.said);
    this.show();
  }

  /** What the server makes of a recording. */
  know(voice) {
    const waited = this.waiting && voice === "on";
    this.voice = voice || "off";
    this.waiting = false;
    this.show();
    if (this.voice === "off") this.cancel();
    else if (waited) this.record();
  }

  async look() {
    this.found = await hasMicrophone();
    this.show();
  }

  show() {
    this.button.hidden = !this.found || this.voice === "off";
  }

  press() {
    if (this.voice === "ask") this.ask();
    else this.record();
  }

  /** Ask whether a voice may go abroad. */
  ask() {
    this.question.hidden = false;
    this.say("");
    this.agree.focus();
  }

  decide(granted) {
    this.question.hidden = true;
    this.waiting = granted;
    this.button.focus();
    if (!granted) this.say(this.t("voiceRefused"));
    if (!this.onConsent(granted) && granted) this.fail("noAnswer");
  }

  async record() {
    if (this.recorder) return;
    const recorder = (this.recorder = new Recorder({ onLimit: () => this.stopped() }));
    this.tick();
    this.say("");
    this.place(true);
    this.send.focus();
    try {
      await recorder.start();
    } catch (error) {
      console.warn("chat.microphone.failed", error.name);
      if (recorder === this.recorder) this.fail(error.name === "NotAllowedError" ? "micDenied" : "micFailed");
      return;
    }
    if (recorder !== this.recorder) return;
    this.say(this.t("recordingNow"));
    this.bar.dataset.on = "";
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  tick() {
    const now = duration(this.recorder?.seconds || 0);
    if (this.clock.textContent !== now) this.clock.textContent = now;
  }

  /** A minute is full. */
  stopped() {
    this.end();
    this.tick();
    this.say(this.t("recordingFull", { count: LONGEST_SECONDS }));
  }

  async finish() {
    const { recorder } = this;
    if (!recorder?.context) return;
    recorder.stop();
    this.end();
    this.recorder = null;
    this.place(false);
    this.button.focus();
    const { seconds } = recorder;
    if (seconds < SHORTEST_SECONDS) return this.say(this.t("recordingShort"));
    this.say("");
    this.onRecorded({ content: await recorder.wav(), seconds });
  }

  /** Forget what was said, whether or not it still goes on. */
  cancel() {
    const { recorder } = this;
    this.question.hidden = true;
    if (!recorder) return;
    this.recorder = null;
    recorder.stop();
    this.end();
    const inside = this.bar.contains(document.activeElement);
    this.place(false);
    if (inside) this.button.focus();
    this.say(this.t("recordingGone"));
  }

  fail(words) {
    this.waiting = false;
    this.cancel();
    this.say(this.t(words));
  }

  end() {
    clearInterval(this.timer);
    delete this.bar.dataset.on;
  }

  place(busy) {
    this.bar.hidden = !busy;
    this.onBusy(busy);
  }

  say(text) {
    this.said.textContent = text;
  }

  key(event) {
    if (event.key !== "Escape" || (this.bar.hidden && this.question.hidden)) return;
    // Not the whole chat.
    event.preventDefault();
    event.stopPropagation();
    const asked = !this.question.hidden;
    this.cancel();
    if (asked) this.button.focus();
  }
}
