// The signed session that proves who asks: for the page of one's data and for buying.
import { openSession } from "../chat/api.js";
import { allowed, decision } from "./consent.js";
import { local } from "./safe_storage.js";
import { touches } from "./touch.js";
import { anonymousId } from "./visitor.js";

const ADDRESS = "/api/chat/session";

/** Where the widget keeps a shopper's session. */
export function keyOf(shopper) {
  return `qudao.chat.session.${shopper || ""}`;
}

/** What a session is asked for with: of where one came from only what is allowed. */
export function sessionRequest(shopper, token) {
  const known = allowed("analytics");
  return {
    shopper,
    token,
    touch: known ? touches() : {},
    anonymous_id: known ? anonymousId() : null,
    consent: decision()?.purposes || {},
  };
}

/** A fresh session of that shopper, in the conversation this browser has; throws if there is none. */
export async function freshToken(shopper) {
  const kept = local.read(keyOf(shopper));
  const other = local.read(`qudao.me.session.${shopper || ""}`);
  const held = kept?.token || other || null;
  const session = await openSession(ADDRESS, sessionRequest(shopper, held));
  if (!kept) local.write(`qudao.me.session.${shopper || ""}`, session.token);
  return session.token;
}

/** The session this browser holds already, or null. */
export function heldToken(shopper) {
  return local.read(keyOf(shopper))?.token || local.read(`qudao.me.session.${shopper || ""}`) || null;
}

/** POST JSON to our own API; the answer's JSON. Throws an Error with `status`. */
export async function ask(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    credentials: "same-origin",
  });
  if (answer.ok) return answer.json();
  const told = await answer.json().catch(() => ({}));
  const code = typeof told.detail === "string" ? told.detail.split(":")[0] : "";
  throw Object.assign(new Error(`${address} refused with ${answer.status}`), { status: answer.status, code });
}
