// The message log: one element a message, changed in place, so that a screen reader says it once.
import { card, choices, links } from "./cards.js";
import { cardRow } from "./carousel.js";
import { h, icon, ICONS, place } from "./dom.js";
import { clock, dayKey, dayName, duration, moment } from "./time.js";

const NEAR_BOTTOM_PX = 120;
const SAME_GROUP_MS = 5 * 60_000;
// What the server puts before the words of a recording.
const HEARD = "[语音] ";

export class Log {
  /** `actions`: {choose(button), retry(id), discard(id)}. */
  constructor({ t, language, actions }) {
    Object.assign(this, { t, language, actions });
    this.nodes = new Map();
    this.element = h("div", {
      class: "qc-log", role: "log", "aria-live": "polite", "aria-label": t("log"), tabindex: "0",
    });
    this.typing = h(
      "div",
      { class: "qc-turn qc-bot", role: "status" },
      h("span", { class: "qc-bubble qc-typing", "aria-label": t("typing") }, h("i"), h("i"), h("i")),
    );
  }

  /** Show the talk as it stands. */
  draw(conversation) {
    const stick = this.nearBottom();
    const rows = this.rows(conversation);
    const seen = new Set();
    const wanted = rows.map((row) => {
      seen.add(row.key);
      return this.node(row);
    });
    for (const key of this.nodes.keys()) if (!seen.has(key)) this.nodes.delete(key);
    if (conversation.store.typing) wanted.push(this.typing);
    this.element.setAttribute("aria-busy", String(!conversation.loaded && conversation.known));
    place(this.element, wanted);
    if (stick) this.toBottom();
  }

  nearBottom() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
  }

  toBottom() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  rows(conversation) {
    const messages = conversation.store.list();
    const unsent = conversation.unsent();
    const asked = Math.max(0, ...messages.filter((one) => one.from === "user").map((one) => one.seq));
    // Only the newest answer's buttons work, and none once something else has been said.
    const waiting = unsent.some((item) => item.state === "pending");
    const entries = [
      ...messages.map((message) => ({
        key: message.from === "user" && message.id ? `u:${message.id}` : `s:${message.seq}`,
        ...message,
        active: message.from !== "user" && message.seq > asked && !waiting,
      })),
      ...unsent.map((item) => ({
        key: `u:${item.id}`, from: "user", at: item.at, id: item.id,
        text: item.kind === "voice" ? HEARD + duration(item.seconds) : item.text,
        state: item.state, error: item.error, again: item.again,
      })),
    ];
    if (!entries.length) return [{ key: "welcome", from: "bot", text: this.t("welcome"), head: true }];
    return this.withDays(entries);
  }

  withDays(entries) {
    const rows = [];
    entries.forEach((entry, index) => {
      const at = moment(entry.at);
      const [before, after] = [entries[index - 1], entries[index + 1]];
      if (!before || dayKey(moment(before.at)) !== dayKey(at)) {
        rows.push({ key: `d:${dayKey(at)}`, day: dayName(at, this.t, this.language) });
      }
      const head = !before || before.from !== entry.from || rows.at(-1).day !== undefined;
      const tail = !after || after.from !== entry.from || moment(after.at) - at > SAME_GROUP_MS;
      rows.push({ ...entry, head, time: tail ? clock(at, this.language) : "" });
    });
    return rows;
  }

  node(row) {
    const signature = JSON.stringify(row);
    const known = this.nodes.get(row.key);
    if (known?.signature === signature) return known.element;
    const element = known?.element || h("div");
    this.fill(element, row, known);
    this.nodes.set(row.key, { element, signature, body: bodyOf(row) });
    return element;
  }

  /** Text, cards and links are made once; only what can change is made again. */
  fill(element, row, known) {
    if (row.day !== undefined) {
      element.className = "qc-day";
      element.textContent = row.day;
      return;
    }
    element.className = `qc-turn qc-${row.from === "user" ? "user" : row.from === "agent" ? "agent" : "bot"}`;
    element.classList.toggle("qc-head", Boolean(row.head));
    element.dataset.state = row.state || "done";
    if (known?.body !== bodyOf(row)) element.replaceChildren(...this.body(row));
    for (const button of element.querySelectorAll(".qc-choice")) button.disabled = !row.active;
    element.querySelector(":scope > .qc-meta")?.remove();
    const meta = this.meta(row);
    if (meta) element.append(meta);
  }

  body(row) {
    const options = { t: this.t, active: row.active, onChoice: this.actions.choose };
    const name = this.t(row.from === "user" ? "you" : row.from === "agent" ? "agent" : "bot");
    const cards = Array.isArray(row.cards) ? row.cards : [];
    const products = cards.every((one) => one.kind !== "order");
    return [
      h("span", { class: row.from === "user" ? "qc-hidden" : "qc-name" }, name),
      row.text ? this.bubble(row) : null,
      cards.length ? cardRow(cards.map((one) => card(one, options)), products, this.t) : null,
      links(row.links, this.t),
      choices(row.buttons, options),
    ].filter(Boolean);
  }

  bubble(row) {
    const text = String(row.text);
    if (row.from !== "user" || !text.startsWith(HEARD)) return h("div", { class: "qc-bubble" }, text);
    const label = h("span", { class: "qc-hidden" }, this.t("spoken"));
    return h("div", { class: "qc-bubble qc-spoken" }, icon(...ICONS.microphone), label, text.slice(HEARD.length));
  }

  meta(row) {
    if (row.state === "failed") return this.failure(row);
    if (row.state === "pending") {
      const sign = h("span", { class: "qc-pending", role: "img", "aria-label": this.t("pending") });
      sign.append(icon(...ICONS.hourglass));
      return h("p", { class: "qc-meta" }, sign);
    }
    return row.time ? h("p", { class: "qc-meta" }, h("time", { datetime: row.at }, row.time)) : null;
  }

  failure(row) {
    const button = (label, action) =>
      h("button", { type: "button", class: "qc-small", onclick: action }, this.t(label));
    return h(
      "p",
      { class: "qc-meta qc-failed" },
      h("span", {}, row.error || this.t("failed")),
      row.again === false ? null : button("retry", () => this.actions.retry(row.id)),
      button("discard", () => this.actions.discard(row.id)),
    );
  }
}

/** What of a message never changes once it is shown. */
function bodyOf(row) {
  return JSON.stringify([row.from, row.text, row.buttons || [], row.cards || [], row.links || []]);
}
