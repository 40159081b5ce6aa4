// The product whose page is open, above the composer: one tap sends it into the talk.
import { session } from "../js/safe_storage.js";
import { h, icon, ICONS } from "./dom.js";

const PREFIX = "qudao.chat.product.";

export class ProductBar {
  /** `product`: {id, name, image, price} or null; `onSend(text)` sends it. */
  constructor({ t, product, onSend }) {
    Object.assign(this, { t, product });
    this.element = h("div", { class: "qc-about", hidden: true });
    if (!product) return;
    this.element.append(
      h("img", { src: product.image, alt: "", width: "44", height: "44" }),
      h("span", { class: "qc-about-text" },
        h("span", { class: "qc-about-name" }, product.name),
        h("span", { class: "qc-about-price" }, product.price)),
      h("button", {
        type: "button", class: "qc-small qc-strong",
        onclick: () => { onSend(t("askProduct", product)); this.dismiss(); },
      }, t("sendProduct")),
      h("button", {
        type: "button", class: "qc-plain", "aria-label": t("dismiss"), onclick: () => this.dismiss(),
      }, icon(...ICONS.close)),
    );
    this.element.hidden = session.read(PREFIX + product.id) === "done";
  }

  /** The product to mention with a message, or null where there is none or it was put away. */
  get current() {
    return this.product && !this.element.hidden ? this.product.id : null;
  }

  show() {
    if (this.product) this.element.hidden = false;
  }

  dismiss() {
    this.element.hidden = true;
    session.write(PREFIX + this.product.id, "done");
  }
}
