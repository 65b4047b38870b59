// Faults of xterm.js 6.0.0 that its page can mend from outside. Each is in the tests of the model, which fail with the
// fault; when xterm.js has mended one itself, its part here can go.

const PIECE = 64 * 1024; // half of what xterm.js takes at once
const LONGEST = 4; // bytes of a character

/**
 * A character whose bytes come in two pieces can be lost (“—” after its second byte, for one), and long output is cut
 * by xterm.js itself. So the beginning of a character is kept back until its rest comes.
 */
export class Characters {
  constructor() {
    this.begun = new Uint8Array(0);
  }

  /** All that has come in whole characters, in pieces that xterm.js does not cut; at least one, which may be empty. */
  pieces(bytes) {
    const all = new Uint8Array(this.begun.length + bytes.length);
    all.set(this.begun);
    all.set(bytes, this.begun.length);
    const whole = all.length - unfinished(all);
    const pieces = [];
    let at = 0;
    do {
      const piece = all.subarray(at, at + PIECE);
      const end = at + piece.length - unfinished(piece);
      pieces.push(all.subarray(at, end));
      at = end;
    } while (at < whole);
    this.begun = all.slice(at);
    return pieces;
  }
}

/** How many bytes at the end are a character whose rest is missing. */
function unfinished(bytes) {
  for (let count = 1; count < LONGEST && count <= bytes.length; count++) {
    const byte = bytes[bytes.length - count];
    if (byte >= 0x80 && byte < 0xc0) continue;
    const length = byte < 0xc0 || byte > 0xf7 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > count ? count : 0;
  }
  return 0;
}

/**
 * Erasing up to the cursor (`CSI 1 J`) in the last column looks for a row below. Where there is none an error ends the
 * terminal: nothing is drawn any more. There it means the same as erasing the whole screen.
 */
export function mendErasing(term) {
  for (const prefix of [undefined, "?"]) {
    term._core.registerCsiHandler({ prefix, final: "J" }, (params) => {
      const { cursorX, cursorY, baseY } = term.buffer.active;
      const inCorner = cursorX >= term.cols - 1 && cursorY === term.rows - 1 && baseY === 0;
      if (params.params[0] === 1 && inCorner) params.params[0] = 2;
      return false;
    });
  }
}

/**
 * While it is not in use the alternate buffer keeps the room of the largest size that the terminal ever had. Used in a
 * smaller one it has a scrollback of that, which comes back into the picture when the terminal grows.
 */
export function resize(term, cols, rows) {
  term.resize(cols, rows);
  const { lines } = term._core.buffers.alt;
  if (lines.length === 0) lines.maxLength = term.rows;
}
