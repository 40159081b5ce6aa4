// Where the shopper writes: Enter sends, Shift+Enter breaks the line, input methods are left alone.
import { session } from "../js/safe_storage.js";
import { h, icon, ICONS } from "./dom.js";

const LONGEST = 1000;
const WARN_FROM = 900;
const TALLEST_PX = 132;
const DRAFT = "qudao.chat.draft";

export class Composer {
  /** `microphone`: its button stands in the field, and what it shows in the field's place. */
  constructor({ t, onSend, microphone }) {
    Object.assign(this, { t, onSend });
    this.input = h("textarea", {
      class: "qc-input", rows: "1", maxlength: String(LONGEST), placeholder: t("placeholder"),
      "aria-label": t("placeholder"), "aria-describedby": "qc-hint", enterkeyhint: "send",
      oninput: () => this.changed(), onkeydown: (event) => this.key(event),
    });
    this.button = h("button", { type: "submit", class: "qc-send", "aria-label": t("send") }, icon(...ICONS.send));
    this.left = h("span", { class: "qc-left", role: "status" });
    this.field = h("div", { class: "qc-field" }, this.input, microphone.button, this.button);
    this.element = h(
      "form",
      { class: "qc-composer", onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      this.field,
      microphone.element,
      h("div", { class: "qc-under" }, h("span", { id: "qc-hint" }, t("hint")), this.left),
    );
    this.input.value = session.read(DRAFT) || "";
    this.changed();
  }

  key(event) {
    // 229: the key belongs to an input method that is still composing (also in Safari).
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.submit();
  }

  submit() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = "";
    this.changed();
    this.onSend(text);
    this.input.focus();
  }

  changed() {
    const { input } = this;
    this.button.disabled = !input.value.trim();
    const left = LONGEST - input.value.length;
    this.left.textContent = input.value.length >= WARN_FROM ? this.t("left", { count: left }) : "";
    session.write(DRAFT, input.value);
    this.fit();
  }

  /** As tall as its text, up to a limit. */
  fit() {
    this.input.style.height = "auto";
    const tall = this.input.scrollHeight;
    if (tall) this.input.style.height = `${Math.min(tall, TALLEST_PX)}px`;
  }
}
