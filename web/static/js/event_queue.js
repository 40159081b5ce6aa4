// Events on their way to /v1/batch: kept here until the server has them, sent again if it had not.
// Each has an id of its own, so that one sent twice counts once.
import { local, session } from "./safe_storage.js";

const KEY = "qudao.events";
const WRITE_KEY = "qudao.write_key";
const MOST = 200;
const AT_ONCE = 20;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
// Sending the same again will not help with these.
const HOPELESS = new Set([400, 413]);

let sending = null;
let pause = FIRST_PAUSE_MS;
let timer = null;

function waiting() {
  const kept = local.read(KEY);
  return Array.isArray(kept) ? kept : [];
}

/** Keep an event and send what waits. Returns a promise for tests and for the curious. */
export function enqueue(event) {
  local.write(KEY, [...waiting(), event].slice(-MOST));
  return flush();
}

/** Forget what waits, for instance because it is allowed no longer. */
export function clear() {
  local.remove(KEY);
}

/** Send what waits; one request at a time. */
export function flush() {
  clearTimeout(timer);
  sending ||= send().finally(() => (sending = null));
  return sending;
}

async function send() {
  for (let batch = next(); batch.length; batch = next()) {
    const wait = await post(batch);
    if (wait) {
      timer = setTimeout(flush, wait);
      return;
    }
    pause = FIRST_PAUSE_MS;
    drop(batch);
  }
}

const next = () => waiting().slice(0, AT_ONCE);

function drop(batch) {
  const sent = new Set(batch.map((event) => event.messageId));
  const left = waiting().filter((event) => !sent.has(event.messageId));
  if (left.length) local.write(KEY, left);
  else clear();
}

/** Send a batch; how long to wait before the next try, or 0 if there is nothing more to do. */
async function post(batch) {
  try {
    const answer = await fetch("/v1/batch", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: payload(batch, await writeKey()),
      // The page may be left at any moment: the request goes on without it.
      keepalive: true,
      credentials: "omit",
    });
    if (answer.ok) return 0;
    if (answer.status === 401) session.remove(WRITE_KEY);
    if (HOPELESS.has(answer.status)) {
      console.warn("tracking.refused", answer.status);
      return 0;
    }
    return Math.max(longer(), Number(answer.headers.get("Retry-After")) * 1000 || 0);
  } catch (error) {
    console.info("tracking.waits", error.message);
    return longer();
  }
}

function longer() {
  const now = pause * (0.5 + Math.random() / 2);
  pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
  return now;
}

function payload(batch, key) {
  return JSON.stringify({ writeKey: key, batch, sentAt: new Date().toISOString() });
}

async function writeKey() {
  const known = session.read(WRITE_KEY);
  if (typeof known === "string") return known;
  const answer = await fetch("/api/tracking", { credentials: "omit" });
  if (!answer.ok) throw new Error(`no write key: ${answer.status}`);
  const { write_key } = await answer.json();
  session.write(WRITE_KEY, write_key);
  return write_key;
}

/** The page goes: hand what still waits to the browser, and keep it until the next page is sure. */
export function watchQueue() {
  addEventListener("pagehide", () => {
    const key = session.read(WRITE_KEY);
    const batch = next();
    // As text: a beacon in JSON would ask for leave first.
    if (key && batch.length && !sending) navigator.sendBeacon("/v1/batch", payload(batch, key));
  });
  addEventListener("online", flush);
  if (waiting().length) flush();
}
