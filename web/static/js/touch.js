// First and last touch: the campaign leaves the address after the first page, so keep it here.
// It stays in this browser until analytics is allowed.
import { local } from "./safe_storage.js";

const KEY = "qudao.touch";
const UTM = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"];
const CLICK_IDS = ["clickid", "click_id", "gclid", "msclkid", "fbclid", "ttclid", "gdt_vid", "qz_gdt", "bd_vid"];
const LONGEST = 120;

/** {first, last} as kept, or {}. */
export function touches() {
  const kept = local.read(KEY);
  return kept && typeof kept === "object" ? kept : {};
}

/** Keep this arrival if the address, or another site that led here, says where it came from; what
 * was kept, or null. `category`: what the page it led to is about. */
export function noteArrival(address, referrer, category) {
  const touch = readTouch(address, referrer);
  const tells = ["referrer", "clickid", ...UTM].some((name) => name in touch);
  if (!tells) return null;
  if (category) touch.category = category;
  local.write(KEY, { first: touches().first || touch, last: touch });
  return touch;
}

function readTouch(address, referrer) {
  const touch = { page: address.pathname.slice(0, LONGEST), at: new Date().toISOString() };
  for (const name of UTM) {
    const value = address.searchParams.get(name);
    if (value) touch[name] = value.slice(0, LONGEST);
  }
  for (const name of CLICK_IDS) {
    const value = address.searchParams.get(name);
    if (value) {
      touch.clickid = value.slice(0, LONGEST);
      touch.clickid_name = name;
      break;
    }
  }
  const from = outsideHost(address, referrer);
  if (from) touch.referrer = from;
  return touch;
}

function outsideHost(address, referrer) {
  try {
    const host = new URL(referrer).host;
    return host === address.host ? "" : host.slice(0, LONGEST);
  } catch {
    return "";
  }
}
