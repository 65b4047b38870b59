// Puts the page together: reads the address, joins connection, input, screen and toolbar.

import { catchPastes, copy } from "/assets/clipboard.js";
import { keepOrder } from "/assets/compose.js";
import { Connection } from "/assets/connection.js";
import { InputQueue, isMouse, isReply } from "/assets/input.js";
import { Screen } from "/assets/screen.js";
import { pickLanguage, textsFor } from "/assets/texts.js";
import { Toolbar } from "/assets/toolbar.js";

const stored = {
  // Storage may be forbidden in a frame; the page works without.
  get(store, key) { try { return store().getItem(key); } catch { return null; } },
  set(store, key, value) { try { store().setItem(key, value); return true; } catch { return false; } },
};
const session = () => sessionStorage;
const local = () => localStorage;

const address = readAddress();
let texts = textsFor(address.language);
let mode = null; // "read" or "write", once the sidecar has said which
let owner = false;
let ended = false; // the program: nothing hears what is typed
let paused = false;
let held = []; // what came while paused, in order; the connection's window bounds it
let drawn = 0; // all output before this byte is on the screen
let answersFrom = 0; // queries of the program's before this byte have been answered already
let asked = null; // the size asked for last, while it is not the terminal's yet
const dark = matchMedia("(prefers-color-scheme: dark)");

/** The token leaves the address bar; theme and language may change at any time. */
function readAddress() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  let token = fragment.get("token");
  if (token) {
    if (stored.set(session, "token", token)) {
      fragment.delete("token");
      const rest = fragment.toString();
      history.replaceState(null, "", rest ? `#${rest}` : location.pathname);
    }
  } else {
    token = stored.get(session, "token");
  }
  return { token, theme: fragment.get("theme"), language: pickLanguage(fragment.get("lang")) };
}

function currentTheme() {
  if (address.theme === "light" || address.theme === "dark") return address.theme;
  return dark.matches ? "dark" : "light";
}

const screen = new Screen(document.getElementById("area"), document.getElementById("screen"), {
  fontSize: Number(stored.get(local, "font-size")),
  theme: currentTheme(),
  openLink,
  answersColours: () => owner && drawn >= answersFrom,
});
const term = screen.term;

const toolbar = new Toolbar(texts, {
  pause: () => setPaused(!paused),
  latest: () => {
    screen.toLatest();
    showWhetherBehind();
  },
  copy: copySelection,
  download,
  font,
  search: (needle, backwards, options) => {
    if (needle === "") screen.search.clearDecorations();
    toolbar.goodRegex();
    try { screen.find(needle, backwards, options); } catch { toolbar.badRegex(); }
  },
  searchEnd: () => screen.search.clearDecorations(),
  focusScreen: () => term.focus(),
});

const connection = new Connection(address.token, {
  state: (name) => toolbar.state(name),
  hello(message) {
    mode = message.mode;
    asked = null;
    answersFrom = message.answers_from;
    toolbar.title(message.title);
    toolbar.readOnly(mode === "read", message.file);
    screen.setReadOnly(mode === "read");
    if (message.state !== "running") hasEnded(message.state.exited);
    // A resumed picture goes on with the size at its byte; otherwise a snapshot follows with its own.
    if (message.resumed) {
      draw(() => screen.afterwards(() => screen.resize(message.cols, message.rows)));
    }
    if (mode === "read") input.drop();
    input.attached(message.next_input);
    setOwner(message.owner);
    if (mode === "write" && document.hasFocus()) connection.sendText({ type: "focus" });
  },
  snapshot(bytes, cols, rows, offset) {
    draw(() => {
      screen.afterwards(() => {
        term.reset();
        screen.resize(cols, rows);
      });
      screen.redraw(bytes, () => { drawn = offset; });
      if (ended) screen.hideCursor();
    });
  },
  output(bytes, offset) {
    // In two pieces where the one begins whose queries this page answers.
    const end = offset + bytes.length;
    const cut = offset < answersFrom && answersFrom < end ? answersFrom - offset : 0;
    for (const piece of cut ? [bytes.subarray(0, cut), bytes.subarray(cut)] : [bytes]) {
      offset += piece.length;
      const upTo = offset;
      draw(() => screen.write(piece, () => {
        drawn = upTo;
        if (upTo === end) connection.consumed(end);
      }));
    }
  },
  size: ({ cols, rows }) => draw(() => screen.afterwards(() => {
    asked = null;
    screen.resize(cols, rows);
  })),
  gap: (bytes) => toolbar.notice(texts.gap(bytes)),
  taken: (next) => input.taken(next),
  busy: (expected) => input.busy(expected),
  owner: (message) => setOwner(message.owner),
  exited: (exit) => draw(() => screen.afterwards(() => hasEnded(exit))),
  refused({ reason }) {
    if (reason === "closed") nobodyListens();
  },
});

const input = new InputQueue(connection, {
  waiting: (yes) => {
    if (yes) toolbar.notice(texts.waiting, 0);
    else if (document.getElementById("notice").textContent === texts.waiting) toolbar.notice("");
  },
  tooMuch: () => toolbar.notice(texts.tooMuch),
});

function hasEnded(exit) {
  ended = true;
  input.drop();
  toolbar.exited(exit);
  screen.hideCursor();
}

function nobodyListens() {
  ended = true;
  input.drop();
  toolbar.notice(texts.inputClosed);
}

function draw(step) {
  if (paused) held.push(step);
  else step();
}

function setPaused(yes) {
  paused = yes;
  toolbar.paused(yes);
  if (!yes) {
    const steps = held;
    held = [];
    for (const step of steps) step();
  }
}

function setOwner(yes) {
  owner = yes;
  screen.setOwner(yes);
  toolbar.foreignSize(mode === "write" && !yes);
  if (yes) askForSize();
}

/** Asks for the size that fills the area, if it is another one than the terminal has or was asked for. */
function askForSize() {
  if (!owner || mode !== "write") return;
  const size = screen.wanted();
  if (!(size?.cols > 0 && size?.rows > 0)) return;
  const last = asked ?? { cols: term.cols, rows: term.rows };
  if (last.cols === size.cols && last.rows === size.rows) return;
  asked = { cols: size.cols, rows: size.rows };
  connection.sendText({ type: "resize", ...asked });
}

function font(step) {
  screen.stepFont(step);
  if (!owner) return;
  stored.set(local, "font-size", String(screen.fontSize));
  askForSize();
}

term.onData((data) => {
  if (mode === "read") return;
  if (isReply(data)) {
    if (owner) connection.reply(data);
    return;
  }
  // A mouse that only passes over this window does not take the size away from another one.
  if (isMouse(data) && (!owner || ended)) return;
  if (ended) {
    nobodyListens();
    return;
  }
  if (paused) setPaused(false);
  input.text(data);
});
term.onBinary((data) => {
  // Mouse positions in the old encoding.
  if (mode === "write" && owner && !ended) input.binary(data);
});
keepOrder(document.getElementById("screen"), term.textarea, (text) => term.input(text));
catchPastes(document.getElementById("screen"), (text) => {
  if (mode !== "read") term.paste(text);
});
term.onScroll(showWhetherBehind);
term.onWriteParsed(showWhetherBehind);
screen.letterbox.onFollow = showWhetherBehind;
screen.search.onDidChangeResults(({ resultIndex, resultCount }) => toolbar.hits(resultIndex, resultCount));

function showWhetherBehind() {
  toolbar.behind(screen.behind());
}

const tookFocus = () => {
  if (mode === "write") connection.sendText({ type: "focus" });
};
term.textarea.addEventListener("focus", tookFocus);
window.addEventListener("focus", tookFocus);
// Two windows may have the focus, one in each browser: a click says which one is meant.
document.getElementById("area").addEventListener("mousedown", () => {
  if (!owner) tookFocus();
}, true);

let resizeTimer = 0;
new ResizeObserver(() => {
  clearTimeout(resizeTimer);
  resizeTimer = setTimeout(() => {
    screen.layout();
    screen.letterbox.follow();
    askForSize();
  }, 60);
}).observe(document.getElementById("area"));

// Keys of the page, before the terminal sees them. Everything else belongs to the program, if it gets any.
term.attachCustomKeyEventHandler((event) => {
  const run = pageKey(event) ?? readingKey(event);
  if (!run) return mode !== "read";
  event.preventDefault();
  if (event.type === "keydown") run();
  return false;
});
document.addEventListener("keydown", (event) => {
  if (event.target === term.textarea) return;
  const run = pageKey(event);
  if (run) {
    event.preventDefault();
    run();
  }
});

function pageKey(event) {
  if (event.ctrlKey && event.shiftKey && !event.altKey) {
    if (event.code === "KeyF") return () => toolbar.toggleSearch();
    if (event.code === "KeyC") return copySelection;
    if (event.code === "KeyE") {
      return () => (document.activeElement === term.textarea ? toolbar.focus() : term.focus());
    }
  }
  if (event.ctrlKey && event.altKey && !event.shiftKey) {
    if (event.code === "Equal") return () => font(1);
    if (event.code === "Minus") return () => font(-1);
    if (event.code === "Digit0") return () => font(0);
  }
  return null;
}

/** Who only looks needs no Shift to scroll. */
function readingKey(event) {
  if (mode !== "read" || event.ctrlKey || event.altKey || event.metaKey) return null;
  const page = term.rows - 1;
  const lines = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page }[event.key];
  if (lines) return () => screen.scroll(lines);
  if (event.key === "Home") return () => term.scrollToTop();
  if (event.key === "End") return () => screen.toLatest();
  return null;
}

async function copySelection() {
  const text = term.getSelection();
  if (text === "") {
    toolbar.notice(texts.nothingSelected, 2000);
    return;
  }
  toolbar.notice(await copy(text) ? texts.copied : texts.notCopied, 2000);
}

/** Only http and https; where the program chose the text that is shown, the person sees the real address first. */
async function openLink(text, ask) {
  let link;
  try { link = new URL(text); } catch { return; }
  if (link.protocol !== "http:" && link.protocol !== "https:") return;
  if (ask && !(await toolbar.confirmLink(link.href))) return;
  window.open(link.href, "_blank", "noopener,noreferrer");
}

async function download() {
  try {
    const answer = await fetch("/transcript", { headers: { Authorization: `Bearer ${connection.token}` } });
    if (!answer.ok) throw new Error(String(answer.status));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    const name = document.title.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "");
    link.download = `${name.slice(0, 80) || "terminal"}.log`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  } catch {
    toolbar.notice(texts.downloadFailed);
  }
}

function applyLook() {
  document.documentElement.dataset.theme = currentTheme();
  document.documentElement.lang = address.language;
  screen.setTheme(currentTheme());
}

dark.addEventListener("change", applyLook);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") connection.hurry();
});
window.addEventListener("hashchange", () => {
  const before = connection.token;
  Object.assign(address, readAddress());
  texts = textsFor(address.language);
  toolbar.translate(texts);
  applyLook();
  if (address.token && address.token !== before) connection.useToken(address.token);
});

applyLook();
toolbar.state(address.token ? "connecting" : "noToken");
if (address.token) connection.open();
term.focus();

// For tests and the browser's console.
globalThis.codexTerminal = { screen, connection, input };
