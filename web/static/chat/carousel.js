// Several products beside one another, to be leafed through: by swipe, wheel, arrow keys or button.
import { h, icon, ICONS } from "./dom.js";

/** Fewer stand under one another. */
const FROM = 3;

/** The cards of a message: products as a carousel where there are several, else a list. */
export function cardRow(cards, products, t) {
  if (cards.length < FROM || !products) return h("div", { class: "qc-cards" }, ...cards);
  // A name and a stop for the keyboard, whose arrows scroll it.
  const name = t("products", { count: cards.length });
  const track = h("div", { class: "qc-track", role: "group", tabindex: "0", "aria-label": name }, ...cards);
  const step = (label, sign, paths) =>
    h(
      "button",
      { type: "button", class: "qc-step", "aria-label": t(label), onclick: () => leaf(track, sign) },
      icon(...paths),
    );
  const back = step("previousProduct", -1, ICONS.back);
  const on = step("nextProduct", 1, ICONS.on);
  const mark = () => {
    // Not `disabled`, which would take the focus away from who is pressing it.
    back.setAttribute("aria-disabled", track.scrollLeft < 1);
    on.setAttribute("aria-disabled", track.scrollLeft + track.clientWidth > track.scrollWidth - 1);
  };
  track.addEventListener("scroll", mark, { passive: true });
  // Its size is known once it stands on the page.
  new ResizeObserver(mark).observe(track);
  return h("div", { class: "qc-carousel" }, track, h("div", { class: "qc-steps" }, back, on));
}

function leaf(track, sign) {
  const [first, second] = track.children;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const width = second.offsetLeft - first.offsetLeft;
  track.scrollBy({ left: sign * width, behavior: still ? "instant" : "smooth" });
}
