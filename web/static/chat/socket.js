// One lasting connection: connects, says hello, keeps alive, comes back with growing pauses.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const HEARTBEAT_MS = 25_000;
const ANSWER_MS = 10_000;
// Only a connection that has lasted this long makes the pauses short again: one that breaks as soon
// as it stands must not be tried without end.
const STEADY_MS = 10_000;

/** The pause before the n-th try (from 0): exponential, with half of it left to chance. */
export function pause(tries, chance = Math.random()) {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 10));
  return full * (0.5 + chance / 2);
}

/**
 * `prepare()` gives {address, hello} before every try and may throw; `onFrame(frame)` gets what the
 * server says; `onState("connecting" | "online" | "lost")` tells how it stands.
 */
export class Connection {
  constructor({ prepare, onFrame, onState }) {
    Object.assign(this, { prepare, onFrame, onState });
    this.tries = 0;
    this.wanted = false;
    this.socket = null;
    this.online = false;
    this.wake = () => this.hurry();
  }

  open() {
    if (this.wanted) return;
    this.wanted = true;
    window.addEventListener("online", this.wake);
    document.addEventListener("visibilitychange", this.wake);
    this.connect();
  }

  close() {
    this.wanted = false;
    window.removeEventListener("online", this.wake);
    document.removeEventListener("visibilitychange", this.wake);
    clearTimeout(this.timer);
    this.drop();
  }

  /** Leave the connection that stands for a new one. */
  renew() {
    if (!this.wanted) return;
    this.drop();
    this.connect();
  }

  /** Send a frame if the connection stands; whether it was handed over. */
  send(frame) {
    if (!this.online) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  async connect() {
    clearTimeout(this.timer);
    this.timer = null;
    this.onState("connecting");
    const turn = (this.turn = {});
    let plan;
    try {
      plan = await this.prepare();
    } catch (error) {
      console.warn("chat.session.failed", error.message);
      if (turn === this.turn) this.lose();
      return;
    }
    if (turn === this.turn && this.wanted) this.join(plan);
  }

  join({ address, hello }) {
    let socket;
    try {
      socket = this.socket = new WebSocket(address);
    } catch (error) {
      console.warn("chat.socket.refused", error.message);
      this.lose();
      return;
    }
    this.expectAnswer();
    socket.onopen = () => socket.send(JSON.stringify(hello));
    socket.onclose = () => socket === this.socket && this.lose();
    socket.onmessage = (event) => socket === this.socket && this.receive(event.data);
  }

  receive(data) {
    clearTimeout(this.deadline);
    clearTimeout(this.heart);
    this.heart = setTimeout(() => this.beat(), HEARTBEAT_MS);
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      console.warn("chat.frame.unreadable");
      return;
    }
    if (frame.type === "ready") {
      this.online = true;
      this.steady = setTimeout(() => (this.tries = 0), STEADY_MS);
      this.onState("online");
    }
    this.onFrame(frame);
  }

  beat() {
    if (this.send({ type: "ping" })) this.expectAnswer();
  }

  /** A socket can look open long after the network is gone: give up on one that stays silent. */
  expectAnswer() {
    clearTimeout(this.deadline);
    this.deadline = setTimeout(() => this.lose(), ANSWER_MS);
  }

  lose() {
    this.drop();
    if (!this.wanted) return;
    this.onState("lost");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), pause(this.tries));
    this.tries += 1;
  }

  /** The network or the page is back: do not wait for the rest of the pause. */
  hurry() {
    if (document.visibilityState === "hidden") return;
    if (this.timer) this.connect();
    else if (this.online) this.beat();
  }

  drop() {
    this.turn = null;
    this.online = false;
    clearTimeout(this.deadline);
    clearTimeout(this.heart);
    clearTimeout(this.steady);
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.close();
  }
}
