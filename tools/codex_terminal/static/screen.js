// xterm.js and its add-ons: the picture, its colours and its size. Talks to nobody else.

import { Terminal } from "/assets/xterm.mjs";
import { FitAddon } from "/assets/addon-fit.mjs";
import { SearchAddon } from "/assets/addon-search.mjs";
import { Unicode11Addon } from "/assets/addon-unicode11.mjs";
import { WebLinksAddon } from "/assets/addon-web-links.mjs";
import { WebglAddon } from "/assets/addon-webgl.mjs";
import { Letterbox } from "/assets/letterbox.js";
import { Characters, mendErasing, resize } from "/assets/mends.js";

const FONTS = 'ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", "PingFang SC", monospace';

const THEMES = {
  dark: {
    background: "#14171c", foreground: "#d9dde4", cursor: "#e6e9ee", cursorAccent: "#14171c",
    selectionBackground: "#3b4f74", black: "#2b313b", red: "#ef7d75", green: "#7ccf9a", yellow: "#e0b055",
    blue: "#7fb0ff", magenta: "#cf9cf0", cyan: "#6fd0d8", white: "#c9ced6", brightBlack: "#7b8491",
    brightRed: "#ff9d96", brightGreen: "#9be3b4", brightYellow: "#f2c97c", brightBlue: "#a5c8ff",
    brightMagenta: "#e0bcf8", brightCyan: "#97e4ea", brightWhite: "#f4f6f9",
  },
  light: {
    background: "#fbfbfa", foreground: "#23262b", cursor: "#23262b", cursorAccent: "#fbfbfa",
    selectionBackground: "#bcd3fa", black: "#23262b", red: "#b3322c", green: "#217a46", yellow: "#8a5a00",
    blue: "#2159c0", magenta: "#8a3bb0", cyan: "#0e7480", white: "#6d7178", brightBlack: "#5b6068",
    brightRed: "#cc453e", brightGreen: "#2c9a5b", brightYellow: "#a87012", brightBlue: "#3a76e0",
    brightMagenta: "#a355cb", brightCyan: "#1b93a1", brightWhite: "#3a3e45",
  },
};
// The hit that is looked at stands out of the others, on either background.
const HITS = {
  dark: {
    matchBackground: "#4a4020", matchOverviewRuler: "#8a6d1f",
    activeMatchBackground: "#a8741a", activeMatchBorder: "#f2c97c", activeMatchColorOverviewRuler: "#f2c97c",
  },
  light: {
    matchBackground: "#f6e6b8", matchOverviewRuler: "#d8b860",
    activeMatchBackground: "#f0a92b", activeMatchBorder: "#8a5a00", activeMatchColorOverviewRuler: "#8a5a00",
  },
};
const MIN_FONT = 7;
const MAX_FONT = 32;
const FONT = 13;
const LINE_HEIGHT = 1.12;
// As the add-on's own, but Chinese punctuation and curly quotes end an address.
const LINK = /(https?|HTTPS?):[/]{2}[^\s"'!*(){}|\\^<>`\u2018-\u201f\u3000-\u303f\uff00-\uffef]*[^\s"':,.!?{}|\\^~[\]`()<>\u2018-\u201f\u3000-\u303f\uff00-\uffef]/;

export class Screen {
  /** `answersColours()`: whether this page is the one that tells the program its colours. */
  constructor(area, host, { fontSize, theme, openLink, answersColours }) {
    this.area = area;
    this.host = host;
    this.fontSize = fontSize ? clamp(fontSize) : FONT;
    this.zoomed = null; // chosen here while somebody else decides the size
    this.owner = false;
    this.theme = theme;
    this.term = new Terminal({
      allowProposedApi: true, // unicode versions and search decorations
      cursorBlink: true,
      fontFamily: FONTS,
      fontSize: this.fontSize,
      lineHeight: LINE_HEIGHT,
      macOptionIsMeta: true,
      macOptionClickForcesSelection: true,
      // A program that believes in another background than ours stays readable.
      minimumContrastRatio: 4.5,
      scrollback: 10000,
      theme: THEMES[theme],
      // Window operations stay off (the default); links of the program go through us.
      linkHandler: { activate: (_event, address) => openLink(address, true), allowNonHttpProtocols: false },
    });
    this.fit = new FitAddon();
    this.search = new SearchAddon();
    this.term.loadAddon(this.fit);
    this.term.loadAddon(this.search);
    this.term.loadAddon(new Unicode11Addon());
    this.term.loadAddon(new WebLinksAddon((_event, address) => openLink(address, false), { urlRegex: LINK }));
    this.term.unicode.activeVersion = "11";
    // The clipboard is the person's, and the title is ours: swallowed before any default could act.
    for (const code of [0, 1, 2, 52]) this.term.parser.registerOscHandler(code, () => true);
    for (const code of [10, 11]) {
      this.term.parser.registerOscHandler(code, (data) => data === "?" && !answersColours());
    }
    mendErasing(this.term);
    this.characters = new Characters();
    this.term.open(host);
    this.useWebgl();
    this.letterbox = new Letterbox(area, this.term, LINE_HEIGHT);
    this.selectWhileReading();
  }

  /** A program that uses the mouse leaves selecting to Shift; one that hears nothing from here need not be asked. */
  selectWhileReading() {
    this.host.addEventListener("mousedown", (event) => {
      if (!this.term.options.disableStdin || !event.isTrusted || event.button !== 0) return;
      if (this.term.modes.mouseTrackingMode === "none" || event.shiftKey || event.altKey) return;
      event.stopPropagation();
      const { bubbles, cancelable, view, detail, clientX, clientY, screenX, screenY, button, buttons } = event;
      const key = /^Mac/.test(navigator.platform) ? { altKey: true } : { shiftKey: true };
      const forced = { bubbles, cancelable, view, detail, clientX, clientY, screenX, screenY, button, buttons, ...key };
      event.target.dispatchEvent(new MouseEvent("mousedown", forced));
    }, true);
  }

  /** What draws: the graphics card where it can, else the document. */
  useWebgl() {
    this.renderer = "dom";
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => {
        webgl.dispose();
        this.renderer = "dom";
      });
      this.term.loadAddon(webgl);
      this.renderer = "webgl";
    } catch {
      // No WebGL here: xterm.js draws with the DOM.
    }
  }

  /** Shows a whole picture, of which a character that was begun before is no part. */
  redraw(bytes, drawn) {
    this.characters = new Characters();
    this.write(bytes, drawn);
  }

  /** Shows output; `drawn` is called when it is on the screen. */
  write(bytes, drawn) {
    const pieces = this.characters.pieces(bytes);
    const last = pieces.pop();
    for (const piece of pieces) this.term.write(piece);
    this.term.write(last, drawn);
  }

  /** Does something when all that was written before is on the screen: writing takes its time. */
  afterwards(step) {
    this.term.write("", step);
  }

  setTheme(theme) {
    this.theme = theme;
    this.term.options.theme = THEMES[theme];
  }

  /** Nothing stands at the cursor of a program that has ended. */
  hideCursor() {
    this.term.write("\x1b[?25l");
  }

  setReadOnly(readOnly) {
    this.term.options.disableStdin = readOnly;
    this.term.options.cursorBlink = !readOnly;
  }

  /** Larger or smaller letters; 0: as at first. */
  stepFont(step) {
    if (this.owner) this.fontSize = step === 0 ? FONT : clamp(this.fontSize + step);
    else this.zoomed = step === 0 ? null : clamp(this.term.options.fontSize + step);
    this.layout();
  }

  setOwner(owner) {
    this.owner = owner;
    this.layout();
  }

  /** The terminal has this size now, for everybody. */
  resize(cols, rows) {
    if (cols !== this.term.cols || rows !== this.term.rows) resize(this.term, cols, rows);
    this.layout();
  }

  /** The size that would fill the area, for the owner. */
  wanted() {
    return this.fit.proposeDimensions();
  }

  /** Owners fill the area; others keep the size, with the letters that suit their area. */
  layout() {
    if (this.letterbox.on === this.owner) this.letterbox.switch(!this.owner);
    const size = this.owner ? this.fontSize : this.zoomed ?? this.letterbox.fontSize(this.fontSize);
    if (size !== this.term.options.fontSize) this.term.options.fontSize = size;
  }

  /** Scrolls by lines: the letterbox's view first, then the scrollback. */
  scroll(lines) {
    if (!this.letterbox.scroll(lines)) this.term.scrollLines(lines);
  }

  toLatest() {
    this.term.scrollToBottom();
    this.letterbox.showCursor();
  }

  /** Whether the newest output is out of sight because the person looks elsewhere. */
  behind() {
    const buffer = this.term.buffer.active;
    return buffer.viewportY < buffer.baseY || (this.letterbox.on && !this.letterbox.following);
  }

  find(needle, backwards, options) {
    const settings = { ...options, decorations: HITS[this.theme] };
    // The add-on takes the same words for the same search, whatever else is wanted of them.
    const wanted = JSON.stringify([options.caseSensitive, options.regex]);
    if (wanted !== this.searched) this.search.clearDecorations();
    this.searched = wanted;
    return backwards ? this.search.findPrevious(needle, settings) : this.search.findNext(needle, settings);
  }
}

function clamp(size) {
  return Math.min(MAX_FONT, Math.max(MIN_FONT, size));
}
