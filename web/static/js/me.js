// The page of one's data: tags, consents, traits, a copy, deletion.
import { h } from "../chat/dom.js";
import { adopt, decide, decision } from "./consent.js";
import { yuan } from "./money.js";
import { ask, freshToken, heldToken, keyOf } from "./session.js";
import { local } from "./safe_storage.js";
import { CHANGED, currentShopper } from "./shopper.js";

const TRAITS = ["name", "gender", "age_band", "shoe_size", "foot_length", "height", "weight"];
// What the banner asks about.
const ASKED = ["analytics", "personalisation", "marketing"];
const RECEIPT_MS = 3000;

/** Bring the page to life. */
export function watchMe(root) {
  if (!root) return;
  const page = new Page(root, JSON.parse(root.dataset.words));
  document.addEventListener(CHANGED, () => page.load());
  page.load();
}

class Page {
  constructor(root, words) {
    Object.assign(this, { root, words, token: null });
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.said = root.querySelector("[data-said]");
    this.part("copy").querySelector("button").addEventListener("click", () => this.copy());
    this.watchErasure();
  }

  t(key, values = {}) {
    const text = this.words[key] ?? key;
    return Object.entries(values).reduce((filled, [name, value]) => filled.replace(`{${name}}`, value), text);
  }

  async load() {
    this.say(this.t("me.loading"));
    try {
      this.token = await freshToken(currentShopper());
      this.show(await ask("/api/me", { token: this.token }));
      this.say("");
    } catch (error) {
      this.failed(error);
    }
  }

  async change(address, body, words) {
    try {
      this.show(await ask(address, { token: this.token, ...body }));
      this.say(words);
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  failed(error) {
    console.warn("me.failed", error.message);
    this.say(this.t("me.failed"));
  }

  say(words) {
    this.said.textContent = words;
  }

  show(found) {
    for (const part of this.root.querySelectorAll("[data-known]")) part.hidden = !found.known;
    this.part("nothing").hidden = found.known;
    this.showConsents(found.consents);
    this.root.dataset.state = "ready";
    if (!found.known) return;
    this.showTags(found.tags);
    this.showTraits(found.traits);
    this.showOverview(found.overview, found.identifiers);
  }

  showTags(tags) {
    const list = this.part("tags").querySelector("ul");
    list.replaceChildren(...tags.map((tag) => this.tag(tag)));
    if (!tags.length) list.append(h("li", { class: "quiet" }, this.t("me.tags.none")));
  }

  tag({ tag, name, reason, expires }) {
    const until = expires ? this.t("me.tag.until", { day: expires }) : "";
    return h("li", { class: "my-tag" },
      h("div", {}, h("p", { class: "my-tag-name" }, name), h("p", {}, reason), h("p", { class: "quiet" }, until)),
      h("button", {
        type: "button", class: "button ghost small", "aria-label": this.t("me.tag.delete", { tag: name }),
        onclick: async (event) => {
          event.currentTarget.disabled = true;
          await this.change("/api/me/tags/delete", { tag }, this.t("me.tag.deleted"));
          this.said.focus();
        },
      }, this.t("me.delete")));
  }

  showConsents(consents) {
    this.consents = consents;
    for (const box of this.part("consents").querySelectorAll("input")) {
      box.checked = consents[box.value] === true;
      box.onchange = () => this.decide(box);
    }
  }

  async decide(box) {
    const purposes = { [box.value]: box.checked };
    if (!(await this.change("/api/me/consent", { purposes }, this.t("me.consent.saved")))) {
      box.checked = !box.checked;
      return;
    }
    if (decision()) adopt(purposes);
    else decide(Object.fromEntries(ASKED.map((name) => [name, this.consents[name]])));
    const banner = document.getElementById("consent");
    if (banner) banner.hidden = decision() !== null;
  }

  showTraits(traits) {
    const rows = this.part("traits").querySelector("dl");
    const names = [...new Set([...TRAITS.filter((name) => name in traits), ...Object.keys(traits)])];
    rows.replaceChildren(...names.map((name) => this.trait(name, traits[name])));
    if (!names.length) rows.append(h("p", { class: "quiet" }, this.t("me.traits.none")));
    const missing = TRAITS.filter((name) => !(name in traits));
    const form = this.part("traits").querySelector("form");
    form.hidden = missing.length === 0;
    form.elements.trait.replaceChildren(
      ...missing.map((name) => h("option", { value: name }, this.t(`trait.${name}`))),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      const value = form.elements.value.value.trim();
      if (value) this.setTrait(form.elements.trait.value, value).then(() => form.reset());
    };
  }

  trait(name, value) {
    const label = this.words[`trait.${name}`] ?? name;
    const input = h("input", { value: String(value), maxlength: "255", "aria-label": label });
    return h("div", {},
      h("dt", {}, label),
      h("dd", {}, input,
        h("button", { type: "button", class: "button ghost small", onclick: () => this.setTrait(name, input.value.trim() || null) }, this.t("me.save")),
        h("button", { type: "button", class: "button ghost small", "aria-label": `${this.t("me.delete")} ${label}`, onclick: () => this.setTrait(name, null) }, this.t("me.delete"))));
  }

  setTrait(trait, text) {
    const number = text !== null && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
    return this.change("/api/me/traits", { trait, value: number }, this.t("me.trait.saved"));
  }

  showOverview(about, identifiers) {
    const value = yuan(about.orders_cents);
    const rows = [
      ["about.first_touch", about.first_touch],
      ["about.last_touch", about.last_touch],
      ["about.first_seen", about.first_seen],
      ["about.orders", about.orders ? this.t("about.orders.value", { count: about.orders, value }) : null],
      ["about.viewed", about.viewed.join(" · ")],
      ["about.language", about.language],
      ["about.city", about.city],
      ["about.identifiers", identifiers.map(({ kind, shown }) => `${this.t(`identifier.${kind}`)} ${shown}`).join(" · ")],
    ];
    this.part("overview").querySelector("dl").replaceChildren(
      ...rows.filter(([, told]) => told).map(([key, told]) => h("div", {}, h("dt", {}, this.t(key)), h("dd", {}, told))),
    );
  }

  async copy() {
    try {
      const { html, json } = await ask("/api/me/export", { token: this.token });
      this.part("copy").querySelector("p[data-links]").replaceChildren(
        h("a", { class: "button ghost", href: html, target: "_blank", rel: "noopener" }, this.t("me.copy.html")),
        h("a", { class: "button ghost", href: json, download: "" }, this.t("me.copy.json")),
      );
    } catch (error) {
      this.failed(error);
    }
  }

  watchErasure() {
    const part = this.part("erase");
    const [asking, confirm, keep] = part.querySelectorAll("button");
    const sure = (open) => {
      asking.hidden = open;
      part.querySelector("[data-sure]").hidden = !open;
      (open ? keep : asking).focus();
    };
    asking.addEventListener("click", () => sure(true));
    keep.addEventListener("click", () => sure(false));
    confirm.addEventListener("click", () => this.erase(confirm));
  }

  async erase(button) {
    button.disabled = true;
    try {
      const { receipt } = await ask("/api/me/erase", { token: this.token, confirmed: true });
      this.forget();
      this.part("erase").querySelector("[data-sure]").hidden = true;
      for (const part of this.root.querySelectorAll("[data-known]")) part.hidden = true;
      this.said.textContent = this.t("me.erase.done", { number: receipt });
      this.follow(receipt);
    } catch (error) {
      button.disabled = false;
      this.failed(error);
    }
  }

  /** Nothing that tells of the shopper is left in this browser. */
  forget() {
    const shopper = currentShopper();
    if (decision()) decide(Object.fromEntries(ASKED.map((name) => [name, false])));
    for (const key of [keyOf(shopper), `qudao.me.session.${shopper || ""}`, "qudao.touch"]) local.remove(key);
    this.token = heldToken(shopper);
  }

  async follow(number) {
    const state = this.part("receipt");
    state.hidden = false;
    try {
      const found = await ask("/api/me/receipt", { number });
      state.textContent = this.t(`me.receipt.${found.state === "done" ? "done" : "open"}`);
      if (found.state === "done") return;
    } catch (error) {
      console.info("me.receipt.waits", error.message);
    }
    setTimeout(() => this.follow(number), RECEIPT_MS);
  }
}
