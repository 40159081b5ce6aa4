// Product and order cards, and quick replies.
import { h, link, safeUrl } from "./dom.js";

/** A card; `onChoice(button)` is called for its buttons, which are off unless `active`. */
export function card(data, { t, active, onChoice }) {
  const kind = data.kind === "order" ? "order" : "product";
  const body = h(
    "span",
    { class: "qc-card-body" },
    h("span", { class: "qc-card-title" }, text(data.title)),
    data.subtitle ? h("span", { class: "qc-card-subtitle" }, text(data.subtitle)) : null,
    kind === "order" && data.id ? h("span", { class: "qc-card-subtitle" }, text(data.id)) : null,
    data.price ? h("span", { class: "qc-card-price" }, text(data.price)) : null,
  );
  const main = data.url ? link : (_, props, ...children) => h("span", props, ...children);
  return h(
    "div",
    { class: `qc-card qc-card-${kind}` },
    main(data.url, { class: "qc-card-main" }, picture(data.image), body),
    choices(data.buttons, { t, active, onChoice }),
  );
}

/** A row of quick replies, or null where there are none. */
export function choices(buttons, { t, active, onChoice }) {
  if (!Array.isArray(buttons) || !buttons.length) return null;
  const made = buttons.map((button) =>
    h(
      "button",
      { type: "button", class: "qc-choice", disabled: !active, onclick: () => onChoice(button) },
      text(button.title),
    ),
  );
  return h("div", { class: "qc-choices", role: "group", "aria-label": t("choices") }, ...made);
}

/** Links to other pages. */
export function links(list, t) {
  if (!Array.isArray(list) || !list.length) return null;
  const made = list.map((one) => {
    const anchor = link(one.url, { class: "qc-link" }, text(one.title || one.url));
    if (anchor.target) anchor.append(h("span", { class: "qc-hidden" }, t("newTab")));
    return anchor;
  });
  return h("div", { class: "qc-links" }, ...made);
}

function picture(address) {
  const url = safeUrl(address);
  // The page's policy lets in pictures of our own only.
  if (!url || url.origin !== location.origin) return null;
  return h("img", { src: url.pathname + url.search, alt: "", width: "72", height: "72", class: "qc-card-image" });
}

function text(value) {
  return value === null || value === undefined ? "" : String(value);
}
