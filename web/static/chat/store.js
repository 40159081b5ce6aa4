// The messages of one talk, by their sequence numbers, and whether any is missing.

export class Store {
  constructor() {
    this.clear();
  }

  clear() {
    this.bySeq = new Map();
    this.last = 0; // up to here nothing is missing
    this.typing = false;
  }

  /** Take messages in; unreadable ones are left out. */
  add(messages) {
    for (const message of messages) {
      if (!Number.isInteger(message?.seq) || message.seq < 1) continue;
      this.bySeq.set(message.seq, message);
      if (message.from !== "user") this.typing = false;
    }
    while (this.bySeq.has(this.last + 1)) this.last += 1;
  }

  /** Whether a message between `last` and the newest known is missing. */
  get gap() {
    return this.newest > this.last;
  }

  get newest() {
    return Math.max(this.last, ...this.bySeq.keys());
  }

  /** Give up on what the server no longer has: go on from the newest. */
  skipGap() {
    this.last = this.newest;
  }

  /** All messages, oldest first. */
  list() {
    return [...this.bySeq.values()].sort((a, b) => a.seq - b.seq);
  }

  /** The ids of the user's own messages that the server keeps. */
  acknowledged() {
    return new Set(this.list().filter((one) => one.from === "user" && one.id).map((one) => one.id));
  }

  /** How many messages of the other side came after `seq`. */
  unread(seq) {
    return this.list().filter((one) => one.from !== "user" && one.seq > seq).length;
  }
}
