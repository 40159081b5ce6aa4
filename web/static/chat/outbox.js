// What was written but is not yet acknowledged: kept in localStorage until it is, so that neither a
// reload nor a lost connection loses it. The same id is sent again; the server keeps it once.
import { local } from "../js/safe_storage.js";

const PREFIX = "qudao.chat.outbox.";

/** Items: {id, kind: "message"|"choice", text, token, product, at, state: "pending"|"failed", …}. */
export class Outbox {
  constructor(conversation) {
    this.key = PREFIX + conversation;
    this.memory = [];
  }

  /** Read anew each time: other tabs of the same talk write here too. */
  list() {
    const kept = local.read(this.key);
    return Array.isArray(kept) ? kept : this.memory;
  }

  add(item) {
    this.save([...this.list(), item]);
  }

  /** Change the item of that id; whether there was one. */
  update(id, changes) {
    const items = this.list();
    const item = items.find((one) => one.id === id);
    if (!item) return false;
    Object.assign(item, changes);
    this.save(items);
    return true;
  }

  remove(id) {
    const items = this.list();
    const left = items.filter((one) => one.id !== id);
    if (left.length !== items.length) this.save(left);
  }

  /** Take over what another talk left unsent (its session ran out); its buttons mean nothing here. */
  adopt(other) {
    const messages = other.list().filter((one) => one.kind === "message");
    other.save([]);
    if (messages.length) this.save([...this.list(), ...messages]);
  }

  save(items) {
    this.memory = items;
    if (items.length) local.write(this.key, items);
    else local.remove(this.key);
  }
}

/** A random UUID, also on plain http where crypto.randomUUID is missing. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
