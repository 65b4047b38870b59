// The WebSocket to the sidecar: attach, frames, reconnecting at the byte where the picture stands. The protocol is
// described in src/wire.rs. Draws nothing.

const WINDOW = 512 * 1024; // in flight at most; the sidecar skips what a slow page cannot take
const TEXT = new TextEncoder();

export const CLOSE = { unauthorised: 4401, full: 4503, cut: 4000, goingAway: 1001, unattended: 4504 };
// Whoever opened this may not look any more; what runs goes on.
const OVER = { 4410: "loggedOut", 4411: "revoked", 4412: "restarted" };

/**
 * handler: hello, output(bytes, offset), snapshot(bytes, cols, rows, offset), gap, taken, busy, size, owner, exited,
 * refused, state(name, code)
 */
export class Connection {
  constructor(token, handler) {
    this.token = token;
    this.handler = handler;
    this.client = makeName();
    this.offset = null; // the next byte expected
    this.reported = 0; // consumed, as the sidecar knows it
    this.attempt = 0;
    this.socket = null;
    this.live = false;
    this.timer = 0;
    this.waiting = false; // for the next try
  }

  open() {
    clearTimeout(this.timer);
    this.waiting = false;
    const socket = new WebSocket(`ws://${location.host}/ws`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => this.sendText({
      type: "attach", token: this.token, offset: this.offset, client: this.client, window: WINDOW,
    });
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      if (typeof event.data === "string") this.text(JSON.parse(event.data));
      else this.binary(event.data);
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.closed(event.code);
    };
  }

  /** Another key (the dashboard gave a new address): begin again with it. */
  useToken(token) {
    this.token = token;
    this.attempt = 0;
    const old = this.socket;
    this.socket = null;
    old?.close();
    this.live = false;
    this.open();
  }

  text(message) {
    if (message.type === "hello") {
      this.live = true;
      this.attempt = 0;
      if (message.resumed) this.reported = this.offset;
      this.handler.state("live");
    }
    this.handler[message.type]?.(message);
  }

  binary(buffer) {
    const view = new DataView(buffer);
    const kind = view.getUint8(0);
    if (kind === 1) {
      const bytes = new Uint8Array(buffer, 9);
      const offset = Number(view.getBigUint64(1));
      this.offset = offset + bytes.length;
      this.handler.output(bytes, offset);
    } else if (kind === 2) {
      this.offset = Number(view.getBigUint64(1));
      this.reported = this.offset;
      this.handler.snapshot(new Uint8Array(buffer, 13), view.getUint16(9), view.getUint16(11), this.offset);
    } else if (kind === 3) {
      this.handler.gap(Number(view.getBigUint64(9)) - Number(view.getBigUint64(1)));
    } else if (kind === 4) {
      this.handler.taken(view.getUint32(1));
    } else if (kind === 5) {
      this.handler.busy(view.getUint32(1));
    }
  }

  /** Output up to `offset` is on the screen. */
  consumed(offset) {
    if (!this.live || offset - this.reported < WINDOW / 8) return;
    this.reported = offset;
    const frame = new DataView(new ArrayBuffer(9));
    frame.setUint8(0, 3);
    frame.setBigUint64(1, BigInt(offset));
    this.send(frame.buffer);
  }

  input(number, bytes) {
    const frame = new Uint8Array(5 + bytes.length);
    frame[0] = 1;
    new DataView(frame.buffer).setUint32(1, number);
    frame.set(bytes, 5);
    return this.send(frame);
  }

  reply(text) {
    const bytes = TEXT.encode(text);
    const frame = new Uint8Array(1 + bytes.length);
    frame[0] = 2;
    frame.set(bytes, 1);
    this.send(frame);
  }

  sendText(message) {
    this.send(JSON.stringify(message), true);
  }

  send(data, first = false) {
    if (this.socket?.readyState !== WebSocket.OPEN || !(this.live || first)) return false;
    this.socket.send(data);
    return true;
  }

  closed(code) {
    const wasLive = this.live;
    this.live = false;
    if (code === CLOSE.unauthorised || code in OVER) {
      this.handler.state(OVER[code] ?? "unauthorised", code);
      return;
    }
    // The sidecar said goodbye: the last picture stays.
    if (code === CLOSE.goingAway && wasLive) {
      this.handler.state("closed", code);
      return;
    }
    this.attempt += 1;
    const state = code === CLOSE.full ? "full" : code === CLOSE.cut ? "cut" : code === CLOSE.unattended ? "unattended"
      : this.attempt > 3 ? "unreachable" : "reconnecting";
    this.handler.state(state, code);
    const wait = Math.min(10000, 100 * 2 ** Math.min(this.attempt, 7)) * (0.75 + Math.random() / 2);
    this.timer = setTimeout(() => this.open(), wait);
    this.waiting = true;
  }

  /** Somebody looks again: no more waiting for the next try. */
  hurry() {
    if (this.waiting) this.open();
  }
}

function makeName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
