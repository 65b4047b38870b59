// xterm.js and its add-ons: the picture, its colours and its size. Talks to nobody else.

import { Terminal } from "/assets/xterm.mjs";
import { FitAddon } from "/assets/addon-fit.mjs";
import { SearchAddon } from "/assets/addon-search.mjs";
import { Unicode11Addon } from "/assets/addon-unicode11.mjs";
import { WebLinksAddon } from "/assets/addon-web-links.mjs";
import { WebglAddon } from "/assets/addon-webgl.mjs";

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
const MIN_FONT = 7;
const MAX_FONT = 32;

export class Screen {
  constructor(area, host, { fontSize, theme, openLink }) {
    this.area = area;
    this.host = host;
    this.fontSize = fontSize;
    this.owner = false;
    this.term = new Terminal({
      allowProposedApi: true, // unicode versions and search decorations
      cursorBlink: true,
      fontFamily: FONTS,
      fontSize,
      lineHeight: 1.12,
      macOptionIsMeta: true,
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
    this.term.loadAddon(new WebLinksAddon((_event, address) => openLink(address, false)));
    this.term.unicode.activeVersion = "11";
    // The clipboard is the person's, and the title is ours: swallowed before any default could act.
    for (const code of [0, 1, 2, 52]) this.term.parser.registerOscHandler(code, () => true);
    this.term.open(host);
    this.useWebgl();
  }

  useWebgl() {
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.term.loadAddon(webgl);
    } catch {
      // No WebGL here: xterm.js draws with the DOM.
    }
  }

  setTheme(theme) {
    this.term.options.theme = THEMES[theme];
  }

  setReadOnly(readOnly) {
    this.term.options.disableStdin = readOnly;
    this.term.options.cursorBlink = !readOnly;
  }

  setFontSize(size) {
    this.fontSize = Math.min(MAX_FONT, Math.max(MIN_FONT, size));
    this.layout();
    return this.fontSize;
  }

  setOwner(owner) {
    this.owner = owner;
    this.layout();
  }

  /** The terminal has this size now, for everybody. */
  resize(cols, rows) {
    if (cols !== this.term.cols || rows !== this.term.rows) this.term.resize(cols, rows);
    this.layout();
  }

  /** The size that would fill the area, for the owner. */
  wanted() {
    return this.fit.proposeDimensions();
  }

  /** Owners fill the area; others keep the size and get smaller letters when it does not fit. */
  layout() {
    this.area.classList.toggle("letterbox", !this.owner);
    if (this.owner) {
      this.term.options.fontSize = this.fontSize;
      return;
    }
    const screen = this.host.querySelector(".xterm-screen");
    if (!screen || screen.clientWidth === 0) return;
    const now = this.term.options.fontSize;
    const scale = Math.min((this.area.clientWidth - 32) / screen.clientWidth, (this.area.clientHeight - 28) / screen.clientHeight);
    const size = Math.min(this.fontSize, Math.max(MIN_FONT, Math.floor(now * scale)));
    if (size !== now) this.term.options.fontSize = size;
  }

  find(needle, backwards, options) {
    const settings = {
      ...options,
      decorations: {
        matchBackground: "#8a6d1f", activeMatchBackground: "#e0b055", matchOverviewRuler: "#8a6d1f",
        activeMatchColorOverviewRuler: "#e0b055",
      },
    };
    return backwards ? this.search.findPrevious(needle, settings) : this.search.findNext(needle, settings);
  }
}
