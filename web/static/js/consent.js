// What the visitor allows, purpose by purpose, and the banner that asks. Without a choice: nothing.
// The choice itself is kept in this browser, so that it is not asked again on every page.
import { local } from "./safe_storage.js";

const KEY = "qudao.consent";
export const CONSENT = "qudao:consent";

let version = "";

/** {version, at, purposes: {purpose: boolean}} as chosen, or null if nothing (current) was. */
export function decision() {
  const kept = local.read(KEY);
  return kept?.purposes && kept.version === version ? kept : null;
}

/** Whether that purpose is allowed here. */
export function allowed(purpose) {
  return decision()?.purposes[purpose] === true;
}

/** Keep a choice and tell the page; `before` in the event's detail is the choice until now. */
export function decide(purposes) {
  const before = decision();
  local.write(KEY, { version, at: new Date().toISOString(), purposes });
  document.dispatchEvent(new CustomEvent(CONSENT, { detail: { before, purposes } }));
}

/** Take up a choice made elsewhere (on the page of one's data), for the purposes asked here. */
export function adopt(purposes) {
  const known = decision()?.purposes;
  if (!known) return;
  const next = { ...known };
  for (const name of Object.keys(known)) if (name in purposes) next[name] = purposes[name];
  if (JSON.stringify(next) !== JSON.stringify(known)) decide(next);
}

/** Bring the banner to life: shown until something was chosen, and again from the footer. */
export function watchConsent(banner) {
  if (!banner) return;
  version = banner.dataset.version;
  const boxes = [...banner.querySelectorAll("input[name=purpose]:not(:disabled)")];
  const details = banner.querySelector("details");
  const choose = (granted) => {
    decide(Object.fromEntries(boxes.map((box) => [box.value, granted(box)])));
    banner.hidden = true;
    say(document.getElementById("consent-said"), banner.dataset.saved);
  };
  banner.querySelector("[data-consent=all]").addEventListener("click", () => choose(() => true));
  banner.querySelector("[data-consent=none]").addEventListener("click", () => choose(() => false));
  banner.querySelector("[data-consent=save]").addEventListener("click", () => choose((box) => box.checked));
  document.getElementById("consent-open")?.addEventListener("click", () => {
    for (const box of boxes) box.checked = allowed(box.value);
    details.open = true;
    banner.hidden = false;
    banner.focus();
    banner.scrollIntoView({ block: "center" });
  });
  banner.hidden = decision() !== null;
}

function say(place, words) {
  if (!place) return;
  place.textContent = words;
  setTimeout(() => (place.textContent = ""), 6000);
}
