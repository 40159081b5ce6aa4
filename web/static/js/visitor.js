// The random id by which this browser is known: made only once analytics is allowed.
import { allowed } from "./consent.js";
import { local } from "./safe_storage.js";

const KEY = "qudao.anonymous_id";

/** The id, or null as long as (or as soon as) it may not be. */
export function anonymousId() {
  if (!allowed("analytics")) return null;
  return keptId() || renew();
}

/** The id that is kept, whatever is allowed now: for saying goodbye to it. */
export function keptId() {
  const kept = local.read(KEY);
  return typeof kept === "string" ? kept : null;
}

/** Somebody else uses this browser now. */
export function renew() {
  const id = newId();
  local.write(KEY, id);
  return id;
}

export function forget() {
  local.remove(KEY);
}

/** A random UUID (version 4), also where the page is not served by https. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
