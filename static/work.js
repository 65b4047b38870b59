// The part of the page that follows the journal. One way for data to flow: an event (or the clock, while something
// runs) marks it stale, the fragment is fetched again, and every region that differs is brought up to date.
import { getHtml, query } from './api.js';
import { language } from './i18n.js';
import { $, $$, fault } from './dom.js';
import { morph } from './morph.js';
import { showTimes } from './when.js';

// A burst of events is one fetch.
const SETTLE_MS = 120;
// What is observed and not journalled (activity, transcripts) is looked at this often while something runs.
const LOOK_MS = 3000;
// And this often when nothing runs.
const REST_MS = 30_000;
const CHOSEN = 'zhongshu.planner';

let wanted = sessionStorage.getItem(CHOSEN);
let running = null;
let again = false;
let timer = null;
let live = false;
let on = false;
let onShown = () => {};
const shown = { seq: 0, sessionId: null, readOnly: false };

export function whenShown(handler) { onShown = handler; }
export function current() { return shown; }

export function choose(id) {
  wanted = id;
  sessionStorage.setItem(CHOSEN, id);
  return refresh();
}

export function parse(html) {
  return new DOMParser().parseFromString(html, 'text/html');
}

// Brings every region of a rendered fragment into the page.
export function swap(fresh) {
  showTimes(fresh);
  for (const source of $$('[data-region]', fresh)) {
    const target = document.querySelector(`body [data-region="${source.dataset.region}"]`);
    if (target) morph(target, source);
  }
}

async function load() {
  const fresh = parse(await getHtml(query('/ui/work', { session_id: wanted, lang: language() })));
  const root = $('#work', fresh);
  if (!root) return;
  shown.seq = Number(root.dataset.seq);
  shown.sessionId = root.dataset.sessionId || null;
  shown.readOnly = root.dataset.readOnly === 'true';
  live = root.dataset.live === 'true';
  swap(fresh);
  onShown(shown);
}

// Fetches now; a call during a fetch is answered by one more fetch after it.
export function refresh() {
  if (running) { again = true; return running; }
  clearTimeout(timer);
  running = (async () => {
    try {
      do { again = false; await load(); } while (again);
      fault($('#problem'), null);
    } catch (error) {
      if (error.status !== 401) fault($('#problem'), error);
    } finally {
      running = null;
      later(live ? LOOK_MS : REST_MS);
    }
  })();
  return running;
}

function later(ms) {
  clearTimeout(timer);
  if (on) timer = setTimeout(() => { if (document.hidden) later(LOOK_MS); else refresh(); }, ms);
}

export function stale() {
  if (running) again = true;
  else later(SETTLE_MS);
}

export function start() { on = true; return refresh(); }
export function stop() { on = false; clearTimeout(timer); }

document.addEventListener('visibilitychange', () => { if (!document.hidden && on) stale(); });
