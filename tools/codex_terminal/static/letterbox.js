// How a terminal whose size somebody else decides stands in this page: as large as fits but never too small to read,
// and scrolled so that the cursor stays in sight until the person looks elsewhere. Talks to nobody else.

const READABLE = 11; // px; smaller letters are scrolled to instead
const FRAME = 10; // border and padding of the terminal, both sides together
const ROWS_BELOW = 4; // shown below the cursor where there is room: agents keep their status there
const COLUMNS_BESIDE = 4;

export class Letterbox {
  constructor(area, term, lineHeight) {
    this.area = area;
    this.term = term;
    this.lineHeight = lineHeight;
    this.on = false;
    this.following = true;
    this.placed = { top: 0, left: 0 };
    this.pen = document.createElement("canvas").getContext("2d");
    this.onFollow = () => {};
    term.onRender(() => this.follow());
    area.addEventListener("scroll", () => this.scrolled());
    area.addEventListener("wheel", (event) => this.wheel(event), { capture: true, passive: true });
  }

  switch(on) {
    this.on = on;
    this.area.classList.toggle("letterbox", on);
    if (on) this.showCursor();
  }

  /** The largest size up to `most` at which the whole terminal fits, or the smallest that can be read. */
  fontSize(most) {
    const style = getComputedStyle(this.area);
    const width = this.area.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - FRAME;
    const height = this.area.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom) - FRAME;
    for (let size = most; size > READABLE; size -= 1) {
      const cell = this.cellAt(size);
      if (cell.width * this.term.cols <= width && cell.height * this.term.rows <= height) return size;
    }
    return Math.min(most, READABLE);
  }

  /** What a cell measures with letters of `size`, as xterm.js reckons it. */
  cellAt(size) {
    this.pen.font = `${size}px ${this.term.options.fontFamily}`;
    const letter = this.pen.measureText("W");
    const scale = window.devicePixelRatio || 1;
    const height = Math.ceil((letter.fontBoundingBoxAscent + letter.fontBoundingBoxDescent) * scale);
    return { width: letter.width, height: Math.floor(height * this.lineHeight) / scale };
  }

  /** Where the cursor is drawn and how large a cell is, beside the part of the area that is in sight. */
  geometry() {
    const screen = this.area.querySelector(".xterm-screen")?.getBoundingClientRect();
    if (!screen?.width) return null;
    const buffer = this.term.buffer.active;
    const cell = { width: screen.width / this.term.cols, height: screen.height / this.term.rows };
    const row = buffer.baseY - buffer.viewportY + buffer.cursorY;
    const area = this.area.getBoundingClientRect();
    const top = screen.top - area.top + row * cell.height;
    const left = screen.left - area.left + Math.min(buffer.cursorX, this.term.cols - 1) * cell.width;
    return { cell, top, left, width: this.area.clientWidth, height: this.area.clientHeight };
  }

  inSight({ cell, top, left, width, height }) {
    return top >= 0 && top + cell.height <= height + 1 && left >= 0 && left + cell.width <= width + 1;
  }

  follow() {
    if (!this.on || !this.following || !this.overflows()) return;
    const at = this.geometry();
    if (!at || this.inSight(at)) return;
    this.place(at);
  }

  /** Looks at the cursor again, also after the person had looked elsewhere. */
  showCursor() {
    this.setFollowing(true);
    const at = this.on && this.overflows() && this.geometry();
    if (at) this.place(at);
  }

  place({ cell, top, left, width, height }) {
    const { area } = this;
    const below = Math.min(ROWS_BELOW * cell.height, Math.max(0, (height - cell.height) / 2));
    const beside = COLUMNS_BESIDE * cell.width;
    const bottom = area.scrollTop + top + cell.height + below;
    const right = area.scrollLeft + left + cell.width + beside;
    area.scrollTop = Math.max(0, bottom - height);
    area.scrollLeft = Math.max(0, right - width);
    this.placed = { top: area.scrollTop, left: area.scrollLeft };
  }

  overflows() {
    return this.area.scrollHeight > this.area.clientHeight || this.area.scrollWidth > this.area.clientWidth;
  }

  scrolled() {
    const { scrollTop, scrollLeft } = this.area;
    if (!this.on || (scrollTop === this.placed.top && scrollLeft === this.placed.left)) return;
    const at = this.geometry();
    if (at) this.setFollowing(this.inSight(at));
  }

  setFollowing(yes) {
    if (this.following === yes) return;
    this.following = yes;
    this.onFollow();
  }

  /** Whether the frame itself can move that way; what is beyond its edges is the scrollback. */
  movable(direction) {
    const { area } = this;
    const buffer = this.term.buffer.active;
    if (!this.on) return false;
    if (direction < 0) return area.scrollTop > 0;
    return buffer.viewportY >= buffer.baseY && area.scrollTop + area.clientHeight < area.scrollHeight - 1;
  }

  /** Moves by lines if there is anything to move. */
  scroll(lines) {
    const cell = this.movable(lines) && this.geometry()?.cell;
    if (cell) this.area.scrollTop += lines * cell.height;
    return Boolean(cell);
  }

  wheel(event) {
    if (!this.on || event.ctrlKey) return;
    const aside = (event.deltaX !== 0 || event.shiftKey) && this.area.scrollWidth > this.area.clientWidth;
    // The browser scrolls the area; the terminal would take the event for itself.
    if (aside || (event.deltaY !== 0 && this.movable(event.deltaY))) event.stopPropagation();
  }
}
