// The part of the page that follows the journal. One way for data to flow: an event of the journal, or a session that
// looks different, marks it stale; the fragment is fetched again, and every region that differs is brought up to date. What
// a session says while it works is in what the stream sends, and is shown without a fetch (`sessions`).
import { getHtml, query } from './api.js';
import { language } from './i18n.js';
import { $, $$, fault } from './dom.js';
import { morph } from './morph.js';
import { forgetSessions, looksDifferent, showDoing, showWords } from './sessions.js';
import { showTimes } from './when.js';

// A burst of events is one fetch; whatever happened is seen within 100 ms.
const SETTLE_MS = 30;
// The app-server's state is no event; while it starts or is down, it is looked at this often.
const LOOK_MS = 3000;
// And everything this often, for what no stream tells (warnings about the configuration, say).
const REST_MS = 60_000;
const CHOSEN = 'zhongshu.planner';
// So many more planners that are over are listed each time that somebody asks.
const OLDER = 50;

let wanted = sessionStorage.getItem(CHOSEN);
let planners = null;
let running = null;
let again = false;
let timer = null;
let unsettled = false;
let due = Infinity;
let on = false;
let onShown = () => {};
const shown = { seq: 0, sessionId: null, readOnly: false, attention: 0, project: '' };

export function whenShown(handler) { onShown = handler; }
export function current() { return shown; }

export function choose(id) {
  wanted = id;
  sessionStorage.setItem(CHOSEN, id);
  return refresh();
}

export function listOlderPlanners() {
  planners = $$('[data-key="ended-planners"] li').length + OLDER;
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
  // A transcript begins at its end; from then on the reader decides.
  for (const tail of $$('[data-tail]:not([data-js-seen])')) {
    if (tail.clientHeight === 0) continue;
    tail.setAttribute('data-js-seen', '');
    tail.scrollTop = tail.scrollHeight;
  }
}

async function load() {
  const fresh = parse(await getHtml(query('/ui/work', { session_id: wanted, planners, lang: language() })));
  const root = $('#work', fresh);
  if (!root) return;
  shown.seq = Number(root.dataset.seq);
  shown.sessionId = root.dataset.sessionId || null;
  shown.readOnly = root.dataset.readOnly === 'true';
  shown.attention = Number(root.dataset.attention);
  shown.project = root.dataset.project;
  unsettled = root.dataset.unsettled === 'true';
  swap(fresh);
  onShown(shown);
}

// Fetches now; a call during a fetch is answered by one more fetch after it.
export function refresh() {
  if (running) { again = true; return running; }
  clearTimeout(timer);
  due = Infinity;
  running = (async () => {
    try {
      do { again = false; await load(); } while (again);
      fault($('#problem'), null);
    } catch (error) {
      if (error.status !== 401) fault($('#problem'), error);
      // What is made ready is there in a moment.
      if (error.status === 503) unsettled = true;
    } finally {
      running = null;
      later(unsettled ? LOOK_MS : REST_MS);
    }
  })();
  return running;
}

// The sooner of what was planned and this.
function later(ms) {
  if (!on) return;
  const at = Date.now() + ms;
  if (at >= due) return;
  due = at;
  clearTimeout(timer);
  timer = setTimeout(() => {
    due = Infinity;
    // A page that nobody sees catches up when somebody looks at it.
    if (!document.hidden) refresh();
  }, ms);
}

export function stale() {
  if (running) again = true;
  else later(SETTLE_MS);
}

// A session looks different from outside: it printed something, or became idle.
export function observed(session, name) {
  // How many things wait, and which: the fragment has them all. Somebody waits for each, so this waits for no burst.
  if (name === 'attention') { if (!document.hidden) refresh(); return; }
  showDoing(session);
  // What is being fetched may be older than this.
  if (looksDifferent(session, shown.sessionId) || running) stale();
  else showWords(session);
}

export function start() { on = true; return refresh(); }
export function stop() { on = false; due = Infinity; clearTimeout(timer); forgetSessions(); }

document.addEventListener('visibilitychange', () => { if (!document.hidden && on) stale(); });
