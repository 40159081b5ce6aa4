// Recordings on their way: POST to the chat channel, with the session's token. They are kept in this
// page alone, unlike what was written: a reload loses those that have not arrived.
import { newId } from "./outbox.js";

const PATIENCE_MS = 60_000;
// Sending the same again will not help with these.
const FINAL = new Set(["too_long", "bad_frame"]);

export class Recordings {
  /** `open()` gives {token, address} and may throw; `onKept(message)`, `onRefused(code)` and
   * `onChange()` tell what became of one. */
  constructor({ t, language, open, onKept, onRefused, onChange }) {
    Object.assign(this, { t, language, open, onKept, onRefused, onChange });
    this.items = [];
  }

  /** Items as of the outbox, with `content` (a Blob) and `seconds`. */
  list() {
    return this.items;
  }

  add({ content, seconds }) {
    const at = new Date().toISOString();
    const item = { id: newId(), kind: "voice", at, content, seconds, state: "pending" };
    this.items.push(item);
    this.send(item);
  }

  /** Whether there was one of that id, which is sent again. */
  retry(id) {
    const item = this.items.find((one) => one.id === id);
    if (!item) return false;
    Object.assign(item, { state: "pending", error: null });
    this.send(item);
    return true;
  }

  remove(id) {
    this.items = this.items.filter((one) => one.id !== id);
  }

  async send(item, again = true) {
    this.onChange();
    let status, told;
    try {
      const { token, address } = await this.open();
      const answer = await this.post(address, token, item);
      status = answer.status;
      told = await answer.json();
    } catch (error) {
      console.warn("chat.voice.failed", error.name);
      return this.fail(item, this.t("noAnswer"), true);
    }
    if (status === 200) {
      this.remove(item.id);
      this.onKept(told.message);
      return;
    }
    this.onRefused(told.code);
    // With a new session it may be taken.
    if (status === 401 && again) await this.send(item, false);
    else this.fail(item, status === 401 ? this.t("failed") : String(told.text || ""), !FINAL.has(told.code));
  }

  post(address, token, item) {
    const to = new URL(address);
    to.searchParams.set("id", item.id);
    to.searchParams.set("lang", this.language);
    return fetch(to, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "audio/wav" },
      body: item.content,
      credentials: "omit",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  }

  fail(item, error, again) {
    Object.assign(item, { state: "failed", error, again });
    this.onChange();
  }
}
