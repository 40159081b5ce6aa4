// The storefront's own tracker, in Segment's words. Nothing is kept or sent before consent.
import { allowed, CONSENT, decision } from "./consent.js";
import { clear, enqueue, watchQueue } from "./event_queue.js";
import { local } from "./safe_storage.js";
import { CHANGED, currentShopper } from "./shopper.js";
import { touches } from "./touch.js";
import { anonymousId, forget, keptId, newId, renew } from "./visitor.js";

const SENT = "qudao.touch.sent";
const KNOWN = "qudao.identified";
const LIBRARY = { name: "qudao-storefront", version: "1" };

/** Tell that something happened; nothing without consent to analytics. */
export function track(event, properties = {}) {
  return tell({ type: "track", event, properties });
}

function tell(message) {
  const id = anonymousId();
  return id ? enqueue(envelope(message, id, decision().purposes)) : null;
}

function envelope(message, id, purposes) {
  const shopper = currentShopper();
  const now = new Date().toISOString();
  return {
    messageId: newId(),
    timestamp: now,
    originalTimestamp: now,
    anonymousId: id,
    ...(shopper ? { userId: shopper } : {}),
    ...message,
    context: { ...surroundings(), ...message.context, consent: { categoryPreferences: purposes } },
  };
}

function surroundings() {
  return {
    library: LIBRARY,
    userAgent: navigator.userAgent,
    locale: document.documentElement.lang || navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    page: {
      path: location.pathname,
      title: document.title,
      url: location.origin + location.pathname,
      ...referrer(document.referrer),
    },
  };
}

function referrer(address) {
  try {
    const { origin, pathname } = new URL(address);
    return { referrer: origin + pathname };
  } catch {
    return {};
  }
}

/** Tell each kept arrival once, as of when it was; whether this page is one of them. */
function tellArrivals() {
  const { first, last } = touches();
  const told = local.read(SENT) || [];
  const fresh = [first, last].filter((touch) => touch?.at && !told.includes(touch.at));
  const unique = fresh.filter((touch, place) => fresh.findIndex((one) => one.at === touch.at) === place);
  let here = false;
  for (const touch of unique) {
    const now = touch.at === arrived;
    here ||= now;
    const then = { timestamp: touch.at, originalTimestamp: touch.at };
    tell({ type: "page", ...then, context: cameFrom(touch) });
    // What this page is about is told with what else is seen on it.
    if (touch.category && !now) tell({ ...listViewed(touch.category), ...then });
  }
  if (unique.length) local.write(SENT, [first?.at, last?.at]);
  return here;
}

function listViewed(category) {
  return { type: "track", event: "Product List Viewed", properties: { list_id: category, category } };
}

function cameFrom(touch) {
  const campaign = {};
  for (const [name, key] of [["source", "utm_source"], ["medium", "utm_medium"], ["name", "utm_campaign"], ["term", "utm_term"], ["content", "utm_content"]]) {
    if (touch[key]) campaign[name] = touch[key];
  }
  return {
    campaign,
    ...(touch.clickid ? { click: { id: touch.clickid, name: touch.clickid_name } } : {}),
    page: {
      path: touch.page,
      url: location.origin + touch.page,
      ...(touch.referrer ? { referrer: `https://${touch.referrer}/` } : {}),
    },
  };
}

/** Bind this browser to the shopper who is chosen, once for each of them. */
function identify() {
  const shopper = currentShopper();
  const id = anonymousId();
  if (!shopper || !id || local.read(KNOWN) === `${id} ${shopper}`) return;
  if (tell({ type: "identify", traits: {} })) local.write(KNOWN, `${id} ${shopper}`);
}

// What is seen and clicked.

let arrived = null;

function productOf({ trackProduct, trackName, trackCategory, trackBrand, trackPrice }) {
  const price = Number(trackPrice);
  return {
    product_id: trackProduct,
    name: trackName,
    category: trackCategory,
    brand: trackBrand,
    ...(price ? { price: (price / 100).toFixed(2), currency: "CNY" } : {}),
  };
}

function seen() {
  const place = document.getElementById("tracked");
  const { category, query, found } = place?.dataset || {};
  const product = document.getElementById("product");
  if (!tellArrivals()) tell({ type: "page", properties: {} });
  if (category && !product) tell(listViewed(category));
  if (query) track("Products Searched", { query, results: Number(found) || 0, ...(category ? { category } : {}) });
  if (product) track("Product Viewed", productOf(product.dataset));
}

function clicked(event) {
  const tile = event.target.closest(".tile[data-track-product]");
  if (tile && event.target.closest("a")) {
    const position = [...tile.parentElement.children].indexOf(tile) + 1;
    track("Product Clicked", { ...productOf(tile.dataset), position });
  }
  const promotion = event.target.closest("[data-track-promotion]");
  if (promotion && event.target.closest("a, button")) {
    track("Promotion Clicked", { promotion_id: promotion.dataset.trackPromotion, name: promotion.dataset.trackName });
  }
}

function consentChanged({ detail: { before, purposes } }) {
  const known = keptId();
  if (purposes.analytics) {
    if (before?.purposes.analytics) track("Consent Updated");
    else begin();
    return;
  }
  clear();
  local.remove(SENT);
  local.remove(KNOWN);
  forget();
  // The last that is told under the old id: that it is over.
  if (known) enqueue(envelope({ type: "track", event: "Consent Withdrawn" }, known, purposes));
}

function begin() {
  identify();
  seen();
}

/** Start: `touch` is this page's arrival, if it says where the visitor came from. */
export function watchVisit(touch) {
  arrived = touch?.at ?? null;
  let shopper = currentShopper();
  watchQueue();
  document.addEventListener(CONSENT, consentChanged);
  document.addEventListener(CHANGED, () => {
    // Another person at the same browser is another visitor.
    if (shopper && keptId()) renew();
    shopper = currentShopper();
    identify();
  });
  document.addEventListener("click", clicked, { capture: true });
  if (allowed("analytics")) begin();
}
