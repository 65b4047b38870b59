// What the person types, on its way: numbered pieces that stay here until the sidecar has given them to the program.
// A reconnect or a program that does not read loses and repeats nothing.

const PIECE = 16 * 1024;
const IN_FLIGHT = 48 * 1024; // below the sidecar's own queue of 64 KiB
const MAX_WAITING = 4 * 1024 * 1024;
const RETRY_MS = 40;
const TEXT = new TextEncoder();

// What a terminal says by itself when a program asks: cursor position, attributes, modes, colours, focus.
const REPLY = /^\x1b(?:\[(?:[?>=]?[\d;]*c|\??\d+(?:;\d+)*[Rn]|\??\d+;\d+\$y|[IO]|[\d;]*t|\?\d*u)|\](?:4;\d+|1\d);[^\x07\x1b]*(?:\x07|\x1b\\)|P[^]*\x1b\\)$/;

export function isReply(data) {
  return data.charCodeAt(0) === 0x1b && REPLY.test(data);
}

/** Buttons, wheel and moves, in the encodings that are text. */
export function isMouse(data) {
  return data.startsWith("\x1b[<") || data.startsWith("\x1b[M");
}

export class InputQueue {
  constructor(connection, notices) {
    this.connection = connection;
    this.notices = notices; // waiting(bool), tooMuch()
    this.pieces = []; // {number, bytes, sent}
    this.next = 0;
    this.waiting = 0; // bytes in pieces
    this.timer = 0;
  }

  text(data) {
    this.bytes(TEXT.encode(data));
  }

  binary(data) {
    this.bytes(Uint8Array.from(data, (c) => c.charCodeAt(0) & 255));
  }

  bytes(bytes) {
    if (this.waiting + bytes.length > MAX_WAITING) {
      this.notices.tooMuch();
      return;
    }
    for (let at = 0; at < bytes.length; at += PIECE) {
      const piece = bytes.subarray(at, at + PIECE);
      this.pieces.push({ number: this.next, bytes: piece, sent: false });
      this.next = (this.next + 1) >>> 0;
      this.waiting += piece.length;
    }
    this.pump();
  }

  pump() {
    let inFlight = 0;
    for (const piece of this.pieces) {
      inFlight += piece.bytes.length;
      if (inFlight > IN_FLIGHT && inFlight > piece.bytes.length) return;
      if (!piece.sent) {
        if (!this.connection.input(piece.number, piece.bytes)) return;
        piece.sent = true;
      }
    }
  }

  taken(next) {
    while (this.pieces.length > 0 && before(this.pieces[0].number, next)) {
      this.waiting -= this.pieces.shift().bytes.length;
    }
    this.notices.waiting(false);
    this.pump();
  }

  busy(expected) {
    for (const piece of this.pieces) {
      if (!before(piece.number, expected)) piece.sent = false;
    }
    this.notices.waiting(true);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.pump(), RETRY_MS);
  }

  /** A new connection: what it knows is done, the rest goes again under the numbers it expects. */
  attached(next) {
    this.taken(next);
    for (const piece of this.pieces) {
      piece.number = next;
      piece.sent = false;
      next = (next + 1) >>> 0;
    }
    this.next = next;
    this.pump();
  }

  /** Nobody will read what waits. */
  drop() {
    this.pieces = [];
    this.waiting = 0;
    clearTimeout(this.timer);
    this.notices.waiting(false);
  }
}

function before(a, b) {
  const ahead = (b - a) >>> 0;
  return ahead !== 0 && ahead < 0x80000000;
}
