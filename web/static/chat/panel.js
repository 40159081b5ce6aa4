// The launcher and the dialog: opening, closing, focus and unread messages.
import { h, icon, ICONS } from "./dom.js";

const PHONE = "(max-width: 600px)";
const FOCUSABLE = "a[href], button:not([disabled]), textarea, [tabindex='0']";

export class Panel {
  /** `parts`: elements of log, product bar and composer; `input` gets the focus on opening. */
  constructor({ t, parts, input, onToggle }) {
    Object.assign(this, { t, input, onToggle });
    this.phone = window.matchMedia(PHONE);
    this.badge = h("span", { class: "qc-badge", "aria-hidden": "true", hidden: true });
    this.launcher = h(
      "button",
      {
        type: "button", class: "qc-launcher", "aria-haspopup": "dialog", "aria-controls": "qc-panel",
        "aria-expanded": "false", "aria-label": t("open"), onclick: () => this.toggle(!this.isOpen),
      },
      h("span", { class: "qc-when-closed" }, icon(...ICONS.chat)),
      h("span", { class: "qc-when-open" }, icon(...ICONS.down)),
      this.badge,
    );
    this.banner = h("p", { class: "qc-banner", role: "status" });
    this.dialog = this.build(parts);
    this.root = h("div", { class: "qc-root" }, this.launcher, this.dialog);
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.phone.addEventListener("change", () => this.fitScreen());
  }

  build(parts) {
    const { t } = this;
    const close = h(
      "button",
      { type: "button", class: "qc-plain", "aria-label": t("close"), onclick: () => this.toggle(false) },
      icon(...ICONS.close),
    );
    return h(
      "section",
      { class: "qc-panel", id: "qc-panel", role: "dialog", "aria-labelledby": "qc-title", tabindex: "-1", hidden: true },
      h(
        "header",
        { class: "qc-header" },
        h("span", { class: "qc-avatar", "aria-hidden": "true" }, icon(...ICONS.chat)),
        h("div", { class: "qc-heading" }, h("h2", { id: "qc-title" }, t("title")), h("p", {}, t("subtitle"))),
        close,
      ),
      h("p", { class: "qc-notice" }, t("notice")),
      this.banner,
      ...parts,
    );
  }

  get isOpen() {
    return !this.dialog.hidden;
  }

  /** Open or close; `quietly` leaves the focus where it is (a page that loads with it open). */
  toggle(open, quietly = false) {
    if (open === this.isOpen) return;
    this.dialog.hidden = !open;
    this.launcher.setAttribute("aria-expanded", String(open));
    this.root.classList.toggle("qc-open", open);
    this.fitScreen();
    if (!quietly) this.moveFocus(open);
    this.onToggle(open);
  }

  moveFocus(open) {
    if (!open) this.launcher.focus();
    // On a phone the keyboard would cover half of the talk before it is read.
    else (this.phone.matches ? this.dialog : this.input).focus();
  }

  /** Full screen on a phone: nothing behind it can be reached. */
  fitScreen() {
    const full = this.isOpen && this.phone.matches;
    if (full) this.dialog.setAttribute("aria-modal", "true");
    else this.dialog.removeAttribute("aria-modal");
    this.launcher.inert = full;
    document.documentElement.classList.toggle("qc-full", full);
    for (const element of document.body.children) {
      if (!element.contains(this.root)) element.inert = full;
    }
  }

  key(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      this.toggle(false);
    } else if (event.key === "Tab" && this.phone.matches) {
      this.keepFocus(event);
    }
  }

  keepFocus(event) {
    const inside = [...this.dialog.querySelectorAll(FOCUSABLE)].filter((one) => one.offsetParent);
    const [first, last] = [inside[0], inside.at(-1)];
    const from = document.activeElement;
    if (event.shiftKey && (from === first || from === this.dialog)) {
      event.preventDefault();
      last.focus();
    } else if (!event.shiftKey && from === last) {
      event.preventDefault();
      first.focus();
    }
  }

  /** Show how the connection stands and how many messages are unread. */
  draw({ state, seen, unread }) {
    // A first connection is quick: only say so when one was lost.
    const words = state === "lost" ? "lost" : state === "connecting" && seen ? "connecting" : null;
    const text = words ? this.t(words) : "";
    if (this.banner.textContent !== text) this.banner.textContent = text;
    this.banner.dataset.state = words || "";
    this.badge.hidden = unread === 0;
    this.badge.textContent = unread > 99 ? "99+" : String(unread);
    const label = unread ? this.t("openUnread", { count: unread }) : this.t("open");
    this.launcher.setAttribute("aria-label", this.isOpen ? this.t("close") : label);
  }
}
