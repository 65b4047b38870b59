// The transcript of one thread, a session's or none's: older turns on demand, the newest as they come. The stream says that something is new; the newest turns are
// fetched again and brought up to date in place, so that what is open, marked or half read stays.
import { getHtml, query, send } from './api.js';
import { $, $$, fault, saveText, shown } from './dom.js';
import { onAction } from './forms.js';
import { language, t } from './i18n.js';
import { morph } from './morph.js';
import { follow } from './stream.js';
import { showTimes } from './when.js';
import { parse, swap } from './work.js';

// What streams is drawn this often at most, and takes a fifth of the time at most.
const PACE_MS = 150;
const REST = 4;
// Turns that can have changed while this page looked away for a moment.
const FRESH = 3;
const PAGE = 20;

let session = null;
// `session` or `thread`: what the page of it is called.
let kind = 'session';
let stop = null;
let older = null;
let timer = null;
let loading = false;
let again = false;
let took = 0;
let round = 0;
let begun = false;
let onShown = () => {};

// Called when the parts of the page beside the turns are new.
export function whenShown(handler) { onShown = handler; }

const place = () => $('#thread-turns');
const turnsOf = (fresh) => $$('[data-turns] > [data-key]', fresh);
const known = (key) => $(`:scope > [data-key="${CSS.escape(key)}"]`, place());

async function fetchPage(values) {
  return parse(await getHtml(query('/ui/thread', { id: session, chat: kind === 'thread' || null, lang: language(), ...values })));
}

function atEnd() {
  const page = document.documentElement;
  return page.scrollTop + page.clientHeight >= page.scrollHeight - 40;
}

function toEnd() { document.documentElement.scrollTop = document.documentElement.scrollHeight; }

// Puts turns where they belong: each is named, and later ones stand behind earlier ones.
function put(fresh, before = null) {
  showTimes(fresh);
  for (const turn of turnsOf(fresh)) {
    const here = known(turn.dataset.key);
    // What somebody had shown whole stays so.
    for (const whole of here ? $$('[data-js-whole]', here) : []) {
      $(`[data-row="${CSS.escape(whole.dataset.row)}"]`, turn)?.replaceWith(document.importNode(whole, true));
    }
    if (here) morph(here, turn);
    else place().insertBefore(document.importNode(turn, true), before);
  }
  for (const tail of $$('[data-tail]:not([data-js-seen])', place())) {
    tail.setAttribute('data-js-seen', '');
    tail.scrollTop = tail.scrollHeight;
  }
  $('#thread-empty').hidden = place().children.length > 0 || !$('#thread-reason').hidden;
  search();
}

function say(fresh) {
  const reason = $('[data-reason]', fresh);
  $('#thread-reason').hidden = !reason;
  $('#thread-reason').textContent = reason?.textContent ?? '';
}

function setOlder(cursor) {
  older = cursor || null;
  $('#thread-older').hidden = older === null;
}

// Everything anew, from the newest page.
async function load() {
  const mine = ++round;
  try {
    const fresh = await fetchPage({ limit: PAGE });
    if (mine !== round) return;
    const root = $('#thread', fresh);
    swap(fresh);
    onShown();
    say(fresh);
    place().replaceChildren();
    put(fresh);
    setOlder(root.dataset.older);
    fault($('#thread-error'), null);
    showRow();
    // Who talks reads the end.
    if (kind === 'thread' && !begun && !wantedRow) toEnd();
    begun = true;
  } catch (error) {
    if (mine === round && error.status !== 401) fault($('#thread-error'), error);
  }
}

// The newest turns alone. If they do not join those that are here, too much happened: then everything.
export async function refresh() {
  if (session === null) return;
  if (loading) { again = true; return; }
  loading = true;
  const mine = round;
  const began = performance.now();
  try {
    const fresh = await fetchPage({ limit: FRESH });
    if (mine !== round) return;
    const turns = turnsOf(fresh);
    const joins = turns.some((turn) => known(turn.dataset.key)) || place().children.length === 0;
    const follows = atEnd();
    if (!joins) { await load(); return; }
    swap(fresh);
    onShown();
    say(fresh);
    put(fresh);
    if (follows) toEnd();
    fault($('#thread-error'), null);
    took = performance.now() - began;
  } catch (error) {
    if (mine === round && error.status !== 401) fault($('#thread-error'), error);
  } finally {
    loading = false;
    if (again) { again = false; soon(); }
  }
}

function soon() {
  if (timer !== null) return;
  timer = setTimeout(() => { timer = null; if (session !== null) refresh(); }, Math.max(PACE_MS, REST * took));
}

function heard(event) {
  // Turns that were taken back are here no more; what was lost with Codex has to be read anew.
  if (event.change && event.change !== 'turn_ended') load();
  else soon();
}

// What the journal says of this session: that it began or ended, what it asked, what was decided.
export function recorded(event) {
  if (session !== null && (event.session_id === session || /^ask_/.test(event.event))) soon();
}

// Something about threads that are no sessions is otherwise: their state, their controls.
export function threadsChanged() { if (session !== null && kind === 'thread') soon(); }

// `#session/<id>` or `#session/<id>/<row>`; `#thread/…` for a thread that is no session's.
export function ofUrl(hash) {
  const [name, id, ...row] = hash.split('/');
  const known = name === 'session' || name === 'thread';
  return known && id ? { kind: name, id: decodeURIComponent(id), row: row.map(decodeURIComponent).join('/') } : null;
}

let wantedRow = '';

function showRow() {
  if (!wantedRow) return;
  const row = $(`[data-row="${CSS.escape(wantedRow)}"]`, place());
  $('#thread-row').hidden = row !== null;
  if (!row) return;
  wantedRow = '';
  for (const marked of $$('.linked', place())) marked.classList.remove('linked');
  row.classList.add('linked');
  row.scrollIntoView({ block: 'center' });
}

export function enter(wanted) {
  wantedRow = wanted.row;
  if (session === wanted.id) { showRow(); return; }
  leave();
  session = wanted.id;
  kind = wanted.kind;
  for (const part of $$('#view-session [data-only]')) part.hidden = part.dataset.only !== kind;
  for (const button of $$('#view-session [data-of-session]')) button.dataset.sessionId = session;
  load();
  stop = follow(query('/api/thread_stream', { id: session }), null, heard, (state) => { if (state === 'live') soon(); });
}

export function leave() {
  stop?.();
  stop = null;
  session = null;
  begun = false;
  round += 1;
  clearTimeout(timer);
  timer = null;
  place().replaceChildren();
  // Nobody shall do to one session what they mean for another.
  for (const region of $$('#view-session [data-region]')) region.replaceChildren();
  setOlder(null);
  $('#thread-reason').hidden = true;
  $('#thread-row').hidden = true;
  fault($('#thread-error'), null);
}

// After a change of the language, say.
export function reload() { if (session !== null) load(); }
export function isOpen() { return session !== null; }

async function showOlder() {
  if (older === null) return;
  const first = place().firstElementChild;
  const from = first?.getBoundingClientRect().top ?? 0;
  const mine = round;
  const fresh = await fetchPage({ limit: PAGE, cursor: older });
  // Another session, or everything anew.
  if (mine !== round) return;
  put(fresh, first);
  setOlder($('#thread', fresh).dataset.older);
  // What was read stays where it was.
  if (first) document.documentElement.scrollTop += first.getBoundingClientRect().top - from;
  showRow();
}

onAction('thread-older', showOlder);

onAction('thread-link', async (button) => {
  const id = button.closest('[data-row]').dataset.row;
  const hash = `#${kind}/${encodeURIComponent(session)}/${id.split('/').map(encodeURIComponent).join('/')}`;
  history.replaceState(null, '', hash);
  wantedRow = id;
  showRow();
  await navigator.clipboard.writeText(new URL(hash, location.href).href);
  const before = button.textContent;
  button.textContent = t('act.copied');
  setTimeout(() => { button.textContent = before; }, 1500);
});

onAction('thread-whole', async (button) => {
  const row = button.closest('[data-row]');
  const mine = round;
  const fresh = parse(await getHtml(query('/ui/thread/item', { id: session, item: row.dataset.row, lang: language() })));
  if (mine !== round) return;
  showTimes(fresh);
  const whole = $('[data-row]', fresh);
  for (const fold of $$('details', whole)) fold.open = true;
  const here = document.importNode(whole, true);
  here.setAttribute('data-js-whole', '');
  row.replaceWith(here);
  search();
});

onAction('thread-markdown', async () => {
  const answer = await send('GET', query('/api/thread', { id: session, format: 'markdown', lang: language() }), { accept: 'text/markdown' });
  saveText(`transcript-${session}.md`, await answer.text());
});

// In what is loaded: rows without the words are hidden, and how many have them is said.
function search() {
  const text = $('#thread-search').value.trim().toLowerCase();
  const rows = $$('[data-row]', place());
  let hits = 0;
  for (const row of rows) {
    const hit = text === '' || row.textContent.toLowerCase().includes(shown(text));
    row.hidden = !hit;
    if (hit) hits += 1;
  }
  for (const turn of place().children) turn.hidden = text !== '' && $$('[data-row]:not([hidden])', turn).length === 0;
  $('#thread-hits').textContent = text === '' ? '' : t('thread.hits', hits);
}

export function wireThread() {
  $('#thread-search').addEventListener('input', search);
}
