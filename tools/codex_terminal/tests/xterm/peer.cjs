// The page's terminal without a page: xterm.js with the options of static/screen.js. Each line of its input is a list
// of steps for a fresh terminal, each line of its answer the list of what was to be seen at the steps that looked, in
// the words of src/screen/picture.rs. Reads xterm.js' insides: much of what decides how a stream goes on is not public.
"use strict";

const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { createInterface } = require("node:readline");

const [modules, scrollback] = process.argv.slice(2);
const { Terminal } = require(`${modules}/@xterm/headless`);
const { Unicode11Addon } = require(`${modules}/@xterm/addon-unicode11`);

const PAGE = join(__dirname, "../../static/mends.js");
let mends; // the page's own

const COLOUR = 0x03ffffff;
const KIND = 0x03000000;
const UNDERLINE = 1 << 28; // of a foreground
const EXTENDED = 1 << 28; // of a background
const MOUSE = { NONE: 0, X10: 9, VT200: 1000, DRAG: 1002, ANY: 1003 };
const MOUSE_REPORT = { DEFAULT: 0, SGR: 1006, SGR_PIXELS: 1016 };
const STYLES = ["block", "underline", "bar"];
const TITLE = 256; // as long as src/signals.rs keeps it

function make(cols, rows) {
  const term = new Terminal({
    allowProposedApi: true, cols, rows, scrollback: Number(scrollback), cursorBlink: true, logLevel: "off",
  });
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11";
  mends.mendErasing(term);
  term.characters = new mends.Characters();
  term.seen = { title: null, colours: new Map(), links: new Map() };
  for (const code of [0, 1, 2, 52]) {
    term.parser.registerOscHandler(code, (data) => {
      const plain = [...data].filter((c) => !/\p{Cc}/u.test(c)).slice(0, TITLE);
      if (code === 0 || code === 2) term.seen.title = plain.join("");
      return true;
    });
  }
  // xterm.js forgets a link when the row where it began is cleared, although the link is still drawn in others.
  const links = term._core._oscLinkService;
  const register = links.registerLink.bind(links);
  links.registerLink = (data) => {
    const number = register(data);
    term.seen.links.set(number, data.uri);
    return number;
  };
  term._core._inputHandler.onColor((events) => {
    for (const { type, index, color } of events) {
      if (type === 1) term.seen.colours.set(index, color.join(","));
      else if (type === 2 && index === undefined) [...term.seen.colours.keys()].filter((key) => key < 256).forEach((key) => term.seen.colours.delete(key));
      else if (type === 2) term.seen.colours.delete(index);
    }
  });
  return term;
}

/** The character sets by the byte that designates them; xterm.js keeps only their tables. */
const charsets = new Map([[undefined, "B"]]);
async function learnCharsets() {
  const term = make(2, 1);
  for (const name of "0A4CRQKYEZH=") {
    await write(term, Buffer.from(`\x1b(${name}`));
    charsets.set(term._core._charsetService.charset, name);
  }
  term.dispose();
}

/** As the page does it. */
function write(term, bytes) {
  const pieces = term.characters.pieces(bytes);
  return Promise.all(pieces.map((piece) => new Promise((done) => term.write(piece, done))));
}

const hex = (number) => (number >>> 0).toString(16);

function colour(part) {
  const kind = part & KIND;
  return kind === 0 ? 0 : part & (kind === KIND ? COLOUR : KIND | 0xff);
}

function look(term, fg, bg, extended) {
  const extra = bg & EXTENDED ? extended : undefined;
  const underline = extra?.underlineStyle ?? 0;
  const front = underline === 0 ? fg & ~UNDERLINE : fg;
  const link = extra?.urlId ? term.seen.links.get(extra.urlId) : "";
  // Others are refused by the page when they are clicked.
  const address = link === "" || /^https?:\/\//i.test(link) ? link : "about:blank";
  const parts = [hex(colour(front) | front & ~COLOUR), hex(colour(bg) | bg & ~COLOUR & ~EXTENDED), underline,
    hex(colour(extra?.underlineColor ?? 0)), address];
  return `{${parts.join(".")}}`;
}

const PLAIN = "{0.0.0.0.}";

function cells(term, line, cols) {
  let out = "";
  let last = PLAIN;
  for (let x = 0; x < cols; x++) {
    const text = line.getString(x);
    const [fg, bg, width] = [line.getFg(x), line.getBg(x), line.getWidth(x)];
    if (text === "" && fg === 0 && bg === 0 && width === 1) continue;
    const own = look(term, fg, bg, line._extendedAttrs[x]);
    out += ` ${x}${own === last ? "" : own}/${width}${text}`;
    last = own;
  }
  return out;
}

/** `keep`: so many rows above the screen, as many as the server has. */
function* buffer(term, name, { lines, ybase, x, y, scrollTop, scrollBottom, tabs, ...saved }, keep) {
  const { cols, rows } = term;
  const base = Math.min(ybase, keep);
  yield `${name}: ${cols} columns, ${rows} rows, ${base} above`;
  yield `${name}: region ${scrollTop} to ${scrollBottom}`;
  const stops = Object.keys(tabs).map(Number).filter((stop) => tabs[stop] && stop < cols);
  yield `${name}: tabs [${stops.join(", ")}]`;
  const { savedX, savedY, savedCurAttrData: { fg, bg }, savedCharset } = saved;
  const row = Math.min(Math.max(savedY - ybase, 0), rows - 1);
  const underlineStyle = fg >>> 28 & 1;
  const pen = look(term, fg, bg & ~EXTENDED | (underlineStyle ? EXTENDED : 0), { underlineStyle });
  yield `${name}: saved ${Math.min(savedX, cols - 1)} ${row} ${pen} ${charsets.get(savedCharset)}`;
  for (let at = ybase - base; at < ybase + rows; at++) {
    const line = lines.get(at);
    yield `${name} ${at - ybase}${line.isWrapped ? "w" : ""}:${cells(term, line, cols)}`;
  }
}

function* picture(term, keep) {
  const core = term._core;
  const { normal, alt, active } = core._bufferService.buffers;
  yield* buffer(term, "main", normal, keep);
  if (active === alt) yield* buffer(term, "alternate", alt, keep);
  yield `cursor ${active.x} ${active.y}`;
  const { fg, bg, extended } = core._inputHandler._curAttrData;
  yield `pen ${look(term, fg, bg, extended)}`;
  yield `joins ${core._inputHandler._parser.precedingJoinState >> 1 & 3}`;
  const { _charsets: sets, glevel, charset } = core._charsetService;
  const names = [0, 1, 2, 3].map((at) => charsets.get(sets[at]));
  yield `charsets ${names.join("")} at ${glevel} with ${charsets.get(charset)}`;
  const { modes, decPrivateModes: modesOfDec, isCursorHidden } = core.coreService;
  const { cursorStyle, cursorBlink } = modesOfDec;
  const switches = {
    insert: modes.insertMode, origin: modesOfDec.origin, wraparound: modesOfDec.wraparound,
    reverse: modesOfDec.reverseWraparound, "cursor-keys": modesOfDec.applicationCursorKeys,
    keypad: modesOfDec.applicationKeypad, paste: modesOfDec.bracketedPasteMode, focus: modesOfDec.sendFocus,
    synchronized: modesOfDec.synchronizedOutput, hidden: isCursorHidden, newline: term.options.convertEol,
  };
  yield `modes ${Object.keys(switches).filter((name) => switches[name]).join(" ")}`;
  yield `cursor style ${cursorStyle === undefined ? 0 : 2 * STYLES.indexOf(cursorStyle) + (cursorBlink ? 1 : 2)}`;
  yield `mouse ${MOUSE[core.coreMouseService.activeProtocol]} ${MOUSE_REPORT[core.coreMouseService.activeEncoding]}`;
  yield `title ${term.seen.title ?? ""}`;
  yield `blinks ${term.options.cursorBlink}`;
  yield `colours ${[...term.seen.colours].sort().map(([index, rgb]) => `${index}=${rgb}`).join(" ")}`;
}

async function answer({ cols, rows, keep, steps }) {
  const term = make(cols, rows);
  const pictures = [];
  for (const [step, ...values] of steps) {
    if (step === "write") await write(term, Buffer.from(values[0], "base64"));
    else if (step === "resize") mends.resize(term, ...values);
    else if (step === "reset") term.reset();
    else pictures.push([...picture(term, keep)]);
  }
  term.dispose();
  return pictures;
}

async function main() {
  mends = await import(`data:text/javascript,${encodeURIComponent(readFileSync(PAGE, "utf8"))}`);
  await learnCharsets();
  for await (const line of createInterface({ input: process.stdin })) {
    const pictures = await answer(JSON.parse(line));
    process.stdout.write(`${JSON.stringify(pictures)}\n`);
  }
}

// An error of xterm.js comes from where nobody waits for it: it ends this process, and its sentence is the last line.
process.on("uncaughtException", (error) => {
  process.stdout.write(`${error.stack}\n`);
  process.exit(1);
});
main();
