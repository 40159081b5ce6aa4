// One talk: session, connection, messages and outbox kept in step with the server's protocol.
import { local } from "../js/safe_storage.js";
import { keyOf, sessionRequest } from "../js/session.js";
import { openSession } from "./api.js";
import { newId, Outbox } from "./outbox.js";
import { Recordings } from "./recordings.js";
import { Connection } from "./socket.js";
import { Store } from "./store.js";

const RECEIPT_MS = 15_000;
const TYPING_MS = 20_000;
// Sending the same again will not help with these.
const FINAL = new Set(["too_long", "bad_choice", "bad_frame"]);

export class Conversation {
  /** `onChange()` is called, at most once a frame, after anything that is shown has changed;
   * `onVoice(state)` when it is known whether recordings are understood ("on", "ask" or "off"). */
  constructor({ sessionUrl, shopper, t, language, onChange, onVoice }) {
    Object.assign(this, { sessionUrl, shopper, t, onChange, onVoice });
    this.key = keyOf(shopper);
    this.state = "idle";
    this.loaded = false;
    this.session = null;
    this.store = new Store();
    this.receipts = new Map();
    const kept = local.read(this.key);
    this.token = typeof kept?.token === "string" ? kept.token : null;
    this.id = typeof kept?.conversation === "string" ? kept.conversation : "";
    this.outbox = new Outbox(this.id || `new.${shopper || ""}`);
    this.recordings = new Recordings({
      t,
      language,
      open: () => this.openVoice(),
      onKept: (message) => this.take([message]),
      onRefused: (code) => this.refusedVoice(code),
      onChange: () => this.changed(),
    });
    this.connection = new Connection({
      prepare: () => this.prepare(),
      onFrame: (frame) => this.receive(frame),
      onState: (state) => this.setState(state),
    });
    this.otherTab = (event) => event.key === this.outbox.key && this.changed();
  }

  /** Whether this browser has talked before, so that there may be news. */
  get known() {
    return this.token !== null;
  }

  start() {
    if (this.state !== "idle") return;
    window.addEventListener("storage", this.otherTab);
    this.connection.open();
  }

  stop() {
    window.removeEventListener("storage", this.otherTab);
    for (const timer of this.receipts.values()) clearTimeout(timer);
    clearTimeout(this.typingTimer);
    this.connection.close();
    this.onChange = this.onVoice = () => {};
  }

  /** What may be known of the visitor has changed: go on with a session that says so. */
  renew() {
    this.session = null;
    this.connection.renew();
  }

  // What the shopper does.

  say(text, product) {
    this.post({ kind: "message", text, product: product || undefined });
  }

  choose(button) {
    this.post({ kind: "choice", text: button.title, token: button.token });
  }

  /** Send a recording: {content, seconds}. */
  sayAloud(recording) {
    this.recordings.add(recording);
  }

  /** Tell whether a voice may go abroad; whether the server could be told. */
  allowVoice(granted) {
    return this.connection.send({ type: "consent", id: newId(), granted });
  }

  retry(id) {
    if (this.recordings.retry(id)) return;
    this.outbox.update(id, { state: "pending", error: null });
    this.deliver(id);
    this.changed();
  }

  discard(id) {
    this.recordings.remove(id);
    this.outbox.remove(id);
    this.changed();
  }

  // What is still on its way, in the order it was written.
  unsent() {
    const done = this.store.acknowledged();
    const items = [...this.outbox.list(), ...this.recordings.list()];
    return items.filter((item) => !done.has(item.id)).sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  post(item) {
    const full = { ...item, id: newId(), at: new Date().toISOString(), state: "pending" };
    this.outbox.add(full);
    this.start();
    this.deliver(full.id);
    this.changed();
  }

  deliver(id) {
    const item = this.outbox.list().find((one) => one.id === id);
    if (!item || item.state !== "pending") return;
    const content =
      item.kind === "choice" ? { token: item.token } : { text: item.text, product: item.product };
    if (!this.connection.send({ type: item.kind, id, ...content })) return;
    clearTimeout(this.receipts.get(id));
    this.receipts.set(id, setTimeout(() => this.noReceipt(id), RECEIPT_MS));
  }

  noReceipt(id) {
    this.receipts.delete(id);
    // Without a connection it stays pending: it is sent again as soon as there is one.
    if (this.state === "online") this.fail(id, this.t("noAnswer"), true);
  }

  fail(id, error, again) {
    clearTimeout(this.receipts.get(id));
    this.receipts.delete(id);
    if (this.outbox.update(id, { state: "failed", error, again })) this.changed();
  }

  // What the server says.

  async prepare() {
    await this.needSession();
    const hello = { type: "hello", token: this.session.token, after: this.store.last };
    return { address: this.session.socket, hello };
  }

  async needSession() {
    if (this.session) return;
    const request = sessionRequest(this.shopper, this.token);
    this.adoptSession(await openSession(this.sessionUrl, request));
  }

  async openVoice() {
    await this.needSession();
    return { token: this.session.token, address: this.session.voice };
  }

  refusedVoice(code) {
    if (code === "bad_token" || code === "expired") this.forgetSession(code);
    else if (code === "consent") this.onVoice("ask");
  }

  adoptSession(session) {
    this.session = session;
    this.token = session.token;
    if (session.conversation !== this.id) {
      const outbox = new Outbox(session.conversation);
      outbox.adopt(this.outbox);
      this.outbox = outbox;
      this.id = session.conversation;
      this.store.clear();
    }
    local.write(this.key, { token: this.token, conversation: this.id });
  }

  receive(frame) {
    const handlers = {
      ready: () => this.ready(frame),
      history: () => this.take(frame.messages, true),
      message: () => this.take([frame.message]),
      ack: () => this.acknowledge(frame),
      typing: () => this.setTyping(frame.on === true),
      voice: () => this.onVoice(frame.voice),
      error: () => this.error(frame),
    };
    handlers[frame.type]?.();
    this.changed();
  }

  ready(frame) {
    this.loaded = true;
    this.onVoice(this.session?.voice ? frame.voice : "off");
    this.take(frame.messages, true);
    for (const item of this.outbox.list()) this.deliver(item.id);
  }

  /** `asked`: these answer a request for what was missing, so what is still missing is gone. */
  take(messages, asked = false) {
    const before = this.store.last;
    this.store.add(Array.isArray(messages) ? messages : []);
    for (const id of this.store.acknowledged()) this.settle(id);
    if (!this.store.gap) return;
    if (asked && this.store.last === before) this.store.skipGap();
    else this.connection.send({ type: "fetch", after: this.store.last });
  }

  acknowledge(frame) {
    this.settle(frame.id);
    this.take([frame.message]);
  }

  settle(id) {
    clearTimeout(this.receipts.get(id));
    this.receipts.delete(id);
    this.outbox.remove(id);
  }

  error(frame) {
    if (frame.code === "bad_token" || frame.code === "expired") {
      // The server closes the socket; the next try asks for a new session.
      this.forgetSession(frame.code);
    } else if (frame.id) {
      this.fail(frame.id, String(frame.text || ""), !FINAL.has(frame.code));
    } else {
      console.warn("chat.error", frame.code);
    }
  }

  forgetSession(code) {
    this.session = null;
    if (code === "bad_token") this.token = null;
  }

  setTyping(on) {
    clearTimeout(this.typingTimer);
    this.store.typing = on;
    if (on) {
      this.typingTimer = setTimeout(() => {
        this.store.typing = false;
        this.changed();
      }, TYPING_MS);
    }
  }

  setState(state) {
    this.state = state;
    if (state !== "online") this.store.typing = false;
    this.changed();
  }

  changed() {
    if (this.drawing) return;
    this.drawing = true;
    // Not requestAnimationFrame: a hidden tab must still count its unread messages.
    setTimeout(() => {
      this.drawing = false;
      this.onChange();
    }, 0);
  }
}
