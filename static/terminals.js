// The terminals' dock. A frame is made once and stays until its tab is closed: nothing else on the page ever makes it
// again, because that would cost its screen.
import { post } from './api.js';
import { language, t } from './i18n.js';
import { $, $$, fault, make } from './dom.js';
import { onAction, press } from './forms.js';
import { stale } from './work.js';

const SIZES = ['small', 'medium', 'large'];
const open = new Map();
let shown = null;

const isDark = () => getComputedStyle(document.documentElement).colorScheme.startsWith('dark')
  || (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
export const theme = () => (isDark() ? 'dark' : 'light');

// Only terminals of this machine are shown; the fragment never leaves the browser.
function frameUrl(address) {
  const url = new URL(address);
  if (url.protocol !== 'http:' || url.hostname !== '127.0.0.1' || url.port === location.port || url.username || url.password) throw new Error(t('terminals.bad_url'));
  const hash = url.hash.replace(/^#/, '');
  url.hash = `${hash}${hash ? '&' : ''}theme=${theme()}&lang=${language()}`;
  return url.href;
}

function checked(address) {
  try { return frameUrl(address); } catch { throw new Error(t('terminals.bad_url')); }
}

export function showDock(visible = true) {
  $('#dock').hidden = !visible;
  document.body.classList.toggle('with-dock', visible);
  $('#terminals-toggle').setAttribute('aria-expanded', String(visible));
}

function update() {
  const count = $('#terminals-count');
  count.hidden = open.size === 0;
  count.textContent = String(open.size);
  $('#dock-empty').hidden = open.size > 0;
  markShown();
}

// What is a tab here needs no button that makes one; the button knows whether its program has ended, and the tab says it.
export function markShown() {
  for (const chip of $$('[data-do="attach-terminal"]')) {
    const tab = open.get(chip.dataset.id);
    chip.toggleAttribute('data-js-shown', tab !== undefined);
    if (!tab) continue;
    tab.button.textContent = chip.textContent;
    tab.button.classList.toggle('ended', chip.classList.contains('ended'));
  }
}

// More tabs than there is room for are scrolled.
function showTab() {
  const tab = open.get(shown)?.button.parentElement;
  if (tab && !$('#dock').hidden) tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

function select(id, focus = false) {
  shown = id;
  for (const tab of open.values()) {
    const on = tab.id === id;
    tab.button.setAttribute('aria-selected', String(on));
    tab.button.tabIndex = on ? 0 : -1;
    tab.panel.hidden = !on;
    tab.tools.hidden = !on;
    if (on && focus) tab.button.focus();
  }
  showTab();
}

// Who may type stands in the terminal's own bar; here stands what can be changed about it.
function setMode(tab, mode) {
  tab.mode = mode;
  const say = (node, key) => { node.textContent = t(key); node.dataset.i18n = key; };
  say(tab.state, 'terminals.writing');
  tab.state.hidden = mode !== 'write' || tab.sessionId === null;
  say(tab.control, mode === 'write' ? 'terminals.release' : 'terminals.control');
  // A transcript has nobody to talk to.
  tab.control.hidden = tab.sessionId === null || tab.transcript;
}

function frameFor(address, title) {
  return make('iframe', {
    src: address, title, referrerpolicy: 'no-referrer', allow: 'clipboard-write',
    sandbox: 'allow-scripts allow-same-origin allow-downloads allow-popups allow-popups-to-escape-sandbox',
  });
}

// A new fragment alone does not load the frame anew: its page hears of it and keeps its screen. `replace`, so that the
// browser's way back is not filled with it.
function tellFrame(tab, address) {
  tab.frame.contentWindow?.location.replace(address);
}

async function ticket(tab, mode) {
  const { url } = await post('/api/terminal_ticket', { id: tab.id, mode });
  const address = checked(url);
  tab.origin = new URL(address).origin;
  tellFrame(tab, address);
  setMode(tab, mode);
  tab.frame.focus();
}

function forget(tab) {
  tab.button.parentElement.remove();
  tab.panel.remove();
  tab.tools.remove();
  open.delete(tab.id);
  if (shown === tab.id) select([...open.keys()].at(-1) ?? null);
  update();
}

// For a session, `sessionId` says whose terminal it is; of one that ended it is a `transcript`.
function add({ id, title, address, mode, sessionId, transcript = false }) {
  const frame = frameFor(address, title);
  const state = make('span', { class: 'badge warn', role: 'status' });
  const control = make('button', { type: 'button', 'data-do': 'terminal-control', 'data-id': id });
  const end = sessionId ? null : make('button', { type: 'button', class: 'danger', 'data-do': 'terminal-end', 'data-sure': 'sure.close_terminal', 'data-id': id, 'data-i18n': 'terminals.end' }, t('terminals.end'));
  const tools = make('div', { class: 'actions' }, state, control, end);
  const panel = make('div', { class: 'dock-panel', role: 'tabpanel', id: `panel-${id}`, 'aria-labelledby': `tab-${id}` }, frame);
  const button = make('button', { type: 'button', role: 'tab', id: `tab-${id}`, 'aria-controls': `panel-${id}`, 'aria-keyshortcuts': 'Delete', title }, title);
  // For the mouse alone: a list of tabs holds nothing but tabs, and keyboards have the Delete key.
  const close = make('button', {
    type: 'button', class: 'quiet', 'data-do': 'terminal-leave', 'data-id': id, tabindex: '-1', 'aria-hidden': 'true',
    'data-i18n-title': 'terminals.close', title: t('terminals.close'),
  }, '✕');
  $('#dock-tabs').append(make('div', { class: 'dock-tab', role: 'presentation' }, button, close));
  $('#dock-shown').append(tools);
  $('#dock-body').append(panel);
  const tab = { id, title, sessionId: sessionId ?? null, transcript, origin: new URL(address).origin, frame, state, control, tools, panel, button };
  open.set(id, tab);
  setMode(tab, mode);
  button.addEventListener('click', () => select(id));
  button.addEventListener('keydown', (event) => {
    const ids = [...open.keys()];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) { event.preventDefault(); select(ids[(ids.indexOf(id) + step + ids.length) % ids.length], true); }
    if (event.key === 'Delete') press(close);
  });
  update();
  select(id);
}

const tabOf = (element) => open.get(element.dataset.id);

onAction('terminal-control', (button) => { const tab = tabOf(button); return ticket(tab, tab.mode === 'write' ? 'read' : 'write'); });
onAction('terminal-leave', async (button) => {
  const tab = tabOf(button);
  forget(tab);
  // Nothing runs in a transcript's terminal; without a viewer it has no purpose.
  if (tab.transcript) await post('/api/browser_terminal/close', { id: tab.id });
});
onAction('terminal-end', async (button) => {
  const tab = tabOf(button);
  await post('/api/browser_terminal/close', { id: tab.id });
  forget(tab);
  stale();
});

onAction('open-terminal', async (button) => {
  const { sessionId, title, ended } = button.dataset;
  const known = [...open.values()].find((tab) => tab.sessionId === sessionId);
  if (known) { showDock(); select(known.id, true); return; }
  const { terminal } = await post('/api/session_browser_terminal/start', { session_id: sessionId });
  const address = checked(terminal.url);
  showDock();
  // A session's old transcript and its new terminal have different ids; the same id is the same frame.
  if (open.has(terminal.id)) select(terminal.id, true);
  else add({ id: terminal.id, title: title || terminal.title, address, mode: 'read', sessionId, transcript: ended !== undefined });
  // The dock takes room from the page; what was pressed stays in sight.
  button.scrollIntoView({ block: 'nearest' });
});

// A terminal that a person has just had opened, to type in.
export function showTerminal({ id, title, url, session_id: sessionId }) {
  if (!open.has(id)) add({ id, title, address: checked(url), mode: 'write', sessionId });
  showDock();
  select(id, true);
}

onAction('attach-terminal', async (button) => {
  const { id, title } = button.dataset;
  if (!open.has(id)) {
    const { url } = await post('/api/terminal_ticket', { id, mode: 'write' });
    add({ id, title, address: checked(url), mode: 'write', sessionId: null });
  }
  showDock();
  select(id, true);
});

async function startShell() {
  const { terminal } = await post('/api/browser_terminal/start', {});
  add({ id: terminal.id, title: terminal.title, address: checked(terminal.url), mode: 'write', sessionId: null });
  stale();
}

// Terminals learn of a new theme or language; their key stays with their own page.
export function tellTerminals() {
  for (const tab of open.values()) tellFrame(tab, `${tab.origin}/#theme=${theme()}&lang=${language()}`);
}

// What the person chose about the page goes with the repository: the next start has another origin, and the browser forgets with the old one.
export function prefer(choice) {
  // A failure costs the choice at the next start, nothing else.
  post('/api/preferences', choice).catch(() => {});
}

// Programs ask for a terminal's colours once, when they start and nobody looks yet: the launcher answers for this page.
export function sayTheme() {
  // A failure costs nice colours in the next terminal, nothing else.
  post('/api/terminal_theme', { theme: theme() }).catch(() => {});
}

export function closeAll() {
  for (const tab of [...open.values()]) forget(tab);
  showDock(false);
}

export function wireDock() {
  const dock = $('#dock');
  new ResizeObserver(showTab).observe($('#dock-tabs'));
  let size = document.documentElement.dataset.dockSize;
  const apply = () => {
    dock.dataset.size = size;
    document.body.dataset.dock = size;
    // The button says what it does.
    const key = size === SIZES.at(-1) ? 'terminals.smaller' : 'terminals.larger';
    $('#dock-size').dataset.i18n = key;
    $('#dock-size').textContent = t(key);
  };
  apply();
  $('#dock-size').addEventListener('click', () => { size = SIZES[(SIZES.indexOf(size) + 1) % SIZES.length]; prefer({ dock: size }); apply(); });
  $('#dock-hide').addEventListener('click', () => { showDock(false); $('#terminals-toggle').focus(); });
  $('#terminals-toggle').addEventListener('click', () => showDock(dock.hidden));
  $('#terminal-new').addEventListener('click', async () => {
    fault($('#dock-error'), null);
    try { await startShell(); } catch (error) { fault($('#dock-error'), error); }
  });
}
