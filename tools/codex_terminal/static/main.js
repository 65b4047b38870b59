// Puts the page together: reads the address, joins connection, input, screen and toolbar.

import { Connection } from "/assets/connection.js";
import { InputQueue, isReply } from "/assets/input.js";
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
let mode = "read";
let owner = false;
let paused = false;
let held = []; // what came while paused, in order; the connection's window bounds it
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
  fontSize: Number(stored.get(local, "font-size")) || 13,
  theme: currentTheme(),
  openLink,
});
const term = screen.term;

const toolbar = new Toolbar(texts, {
  pause: () => setPaused(!paused),
  latest: () => term.scrollToBottom(),
  copy: copySelection,
  download,
  font: (step) => {
    stored.set(local, "font-size", String(screen.setFontSize(screen.fontSize + step)));
    askForSize();
  },
  search: (needle, backwards, options) => {
    if (needle === "") screen.search.clearDecorations();
    try { screen.find(needle, backwards, options); } catch { toolbar.hits(-1, 0); }
  },
  searchEnd: () => screen.search.clearDecorations(),
  focusScreen: () => term.focus(),
});

const connection = new Connection(address.token, {
  state: (name) => toolbar.state(name),
  hello(message) {
    mode = message.mode;
    toolbar.title(message.title);
    toolbar.readOnly(mode === "read");
    screen.setReadOnly(mode === "read");
    if (message.state !== "running") toolbar.exited(message.state.exited);
    // A resumed picture goes on with the size at its byte; otherwise a snapshot follows with its own.
    if (message.resumed) draw(() => screen.resize(message.cols, message.rows));
    input.attached(message.next_input);
    setOwner(message.owner);
    if (mode === "write" && document.hasFocus()) connection.sendText({ type: "focus" });
  },
  snapshot(bytes, cols, rows) {
    draw(() => {
      term.reset();
      screen.resize(cols, rows);
      term.write(bytes);
    });
  },
  output(bytes, offset) {
    draw(() => term.write(bytes, () => connection.consumed(offset)));
  },
  size: ({ cols, rows }) => draw(() => {
    // Writes are asynchronous; the size belongs after all that came before it.
    term.write("", () => screen.resize(cols, rows));
  }),
  gap: (bytes) => toolbar.notice(texts.gap(bytes)),
  taken: (next) => input.taken(next),
  busy: (expected) => input.busy(expected),
  owner: (message) => setOwner(message.owner),
  exited: (exit) => draw(() => term.write("", () => toolbar.exited(exit))),
  refused({ reason }) {
    if (reason === "closed") {
      input.drop();
      toolbar.notice(texts.inputClosed);
    }
  },
});

const input = new InputQueue(connection, {
  waiting: (yes) => {
    if (yes) toolbar.notice(texts.waiting, 0);
    else if (document.getElementById("notice").textContent === texts.waiting) toolbar.notice("");
  },
  tooMuch: () => toolbar.notice(texts.tooMuch),
});

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

function askForSize() {
  if (!owner || mode !== "write") return;
  const size = screen.wanted();
  if (size?.cols > 0 && size?.rows > 0) connection.sendText({ type: "resize", cols: size.cols, rows: size.rows });
}

term.onData((data) => {
  if (mode !== "write") return;
  if (isReply(data)) {
    if (owner) connection.reply(data);
    return;
  }
  if (paused) setPaused(false);
  input.text(data);
});
term.onBinary((data) => {
  if (mode === "write") input.binary(data);
});
term.onScroll(showWhetherBehind);
term.onWriteParsed(showWhetherBehind);
screen.search.onDidChangeResults(({ resultIndex, resultCount }) => toolbar.hits(resultIndex, resultCount));

function showWhetherBehind() {
  const buffer = term.buffer.active;
  toolbar.behind(buffer.viewportY < buffer.baseY);
}

const tookFocus = () => {
  if (mode === "write") connection.sendText({ type: "focus" });
};
term.textarea.addEventListener("focus", tookFocus);
window.addEventListener("focus", tookFocus);

let resizeTimer = 0;
new ResizeObserver(() => {
  clearTimeout(resizeTimer);
  resizeTimer = setTimeout(() => {
    screen.layout();
    askForSize();
  }, 60);
}).observe(document.getElementById("area"));

// Keys of the page, before the terminal sees them. Everything else belongs to the program.
term.attachCustomKeyEventHandler((event) => {
  const run = pageKey(event);
  if (!run) return true;
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
    if (event.code === "Equal") return () => toolbar.actions.font(1);
    if (event.code === "Minus") return () => toolbar.actions.font(-1);
  }
  return null;
}

async function copySelection() {
  const text = term.getSelection();
  if (text === "") return;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // In a frame without the permission: the old way works on a selection of the terminal.
    document.execCommand("copy");
  }
  term.focus();
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
    link.download = `${(document.title || "terminal").replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 80)}.log`;
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
