// What waits for the person: cards that the server draws, each with its actions as the requests that they are. Here they are sent, with what
// the person filled in; keys step through them; the count stands in the title and in the icon.
import { post } from './api.js';
import { t } from './i18n.js';
import { $, $$, seen } from './dom.js';
import { onAction, press, say } from './forms.js';
import { refresh as refreshThread } from './thread.js';
import { choose, current, refresh } from './work.js';

const SAID_MS = 8000;
// A key that was meant for the card before must not answer the next.
const STILL_MS = 600;
let saying = null;
let movedAt = -Infinity;
let icon = null;

// The page that is seen, where cards can stand: that of work, or a thread's.
const view = () => $$('.view').find((one) => !one.hidden && $('.attention', one));
const cards = () => (view() ? $$('[data-item].item', view()) : []);
const visible = () => !$('#app').hidden && view() !== undefined;
const refreshAll = () => Promise.all([refresh(), refreshThread()]);

// Says something that outlives the card it is about.
function tell(text, kind = 'good') {
  const place = $('.attention > [role]', view());
  place.hidden = false;
  place.className = `said ${kind}`;
  place.setAttribute('role', kind === 'bad' ? 'alert' : 'status');
  place.textContent = text;
  clearTimeout(saying);
  saying = setTimeout(() => { place.hidden = true; }, SAID_MS);
}

const title = (card) => $('h3', card)?.textContent ?? '';

// A failure that names the field, which is shown and looked at.
class Missing extends Error {
  constructor(message, field) { super(message); this.field = field; }
}

function words(form, field, required) {
  const area = form.elements[field];
  const text = seen(area?.value ?? '').trim();
  if (text || !required) return text || undefined;
  const label = area.closest('.need');
  label.hidden = false;
  throw new Missing(t('attention.fill', $('span', label).textContent), area);
}

function answers(form) {
  const all = {};
  for (const place of $$('[data-question]', form)) {
    const other = seen($('[data-other]', place)?.value ?? '').trim();
    const chosen = $$('[data-answer]:checked', place).map((one) => one.value);
    const given = other ? [other] : chosen;
    if (given.length === 0) throw new Missing(t('attention.choose'), $('input', place));
    all[place.dataset.question] = given;
  }
  return all;
}

function json(text, name, field) {
  try { return JSON.parse(text); } catch { throw new Missing(t('attention.no_json', name), field); }
}

function content(form) {
  const whole = $('[data-content-json]', form);
  if (whole) return json(whole.value, t('attention.as_json'), whole);
  const all = {};
  for (const place of $$('[data-field]', form)) {
    const { field: name, type } = place.dataset;
    const input = $('[data-value], [data-choice]', place);
    let value;
    if (type === 'flag') value = input.checked;
    else if (type === 'list') value = $$('[data-choice]:checked', place).map((one) => one.dataset.choice);
    else value = seen(input.value);
    if (value === '' || (type === 'list' && value.length === 0)) {
      if ('required' in place.dataset) throw new Missing(t('attention.fill', place.dataset.title), input);
      continue;
    }
    if (type === 'integer' || type === 'number') value = Number(value);
    if (type === 'json') value = json(value, name, input);
    all[name] = value;
  }
  return all;
}

// What is granted of what was asked; nothing when all of it is.
function permissions(form) {
  const boxes = $$('[data-permission]', form);
  if (boxes.every((box) => box.checked)) return undefined;
  const of = (name) => boxes.filter((box) => box.checked && box.dataset.permission === name);
  const granted = { read: of('read').map((box) => box.dataset.value), write: of('write').map((box) => box.dataset.value) };
  if (of('network').length > 0) granted.network = true;
  return granted;
}

function bodyOf(button) {
  const form = button.form;
  const body = JSON.parse(button.dataset.body);
  for (const need of (button.dataset.needs || '').split(' ').filter(Boolean)) {
    const [field, kind, required] = need.split(':');
    const value = kind === 'answers' ? answers(form) : kind === 'content' ? content(form)
      : kind === 'permissions' ? permissions(form) : words(form, field, required === 'true');
    if (value !== undefined) body[field] = value;
  }
  // A yes may be one for the next time as well.
  const scope = $('[data-rule-scope]', form)?.value;
  if (scope && button.dataset.action === 'accept') {
    body.rule = { scope };
    if ($('[data-rule-unsandboxed]', form)?.checked) body.rule.unsandboxed = true;
  }
  return body;
}

async function send(button) {
  const card = button.closest('.item');
  const what = `${button.textContent} — ${title(card)}`;
  try {
    await post(button.dataset.path, bodyOf(button));
  } catch (error) {
    if (error instanceof Missing) { error.field?.focus(); throw error; }
    // Somebody else was first, or it is gone: the list says what is so now, and this says why.
    if (error.status === 409 || error.status === 404) { tell(error.message, 'bad'); await refreshAll(); return; }
    throw error;
  }
  button.form.removeAttribute('data-js-dirty');
  return what;
}

// The focus goes on to what waits next.
async function goOn(at) {
  await refreshAll();
  const rest = cards();
  const next = rest[Math.min(at, rest.length - 1)];
  if (!next || (document.activeElement !== document.body && document.activeElement !== null)) return;
  next.focus({ preventScroll: true });
  movedAt = performance.now();
}

onAction('attend', async (button) => {
  const at = cards().indexOf(button.closest('.item'));
  const what = await send(button);
  if (what === undefined) return;
  tell(t('attention.done', what));
  // What was refused for the lack of it can be tried now.
  for (const line of $$('.said.bad[data-js-own]')) line.remove();
  await goOn(at);
});

// All that were there when the button was pressed: what came while a person thought about it was not meant.
const allOf = ({ dataset }) => cards().filter((card) => card.dataset.group === dataset.group).map((card) => card.dataset.item);

onAction('attend-all', async ({ dataset }, meant) => {
  const chosen = cards().filter((card) => card.dataset.group === dataset.group && meant.includes(card.dataset.item));
  const buttons = chosen.map((card) => $(`[data-do="attend"][data-action="${CSS.escape(dataset.action)}"]`, card)).filter(Boolean);
  for (const button of buttons) {
    const what = await send(button);
    if (what !== undefined) tell(t('attention.done', what));
  }
  await goOn(0);
}, allOf);

onAction('attention-go', async ({ dataset }) => {
  if (dataset.sessionId && dataset.sessionId !== current().sessionId) await choose(dataset.sessionId);
  const place = document.getElementById(dataset.place) ?? $(`#view-work [data-region="${CSS.escape(dataset.place)}"]`);
  if (!place) return;
  place.tabIndex = -1;
  place.scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  place.focus({ preventScroll: true });
});

onAction('attention-first', ({ dataset }) => {
  const first = cards().find((card) => card.dataset.group === dataset.group);
  if (first) lookAt(first.dataset.item);
});

onAction('attention-keys', () => { const line = $('#attention-keys'); line.hidden = !line.hidden; });

function focused() {
  return document.activeElement?.closest?.('[data-item].item') ?? null;
}

export function lookAt(id) {
  const card = cards().find((one) => one.dataset.item === id);
  if (!card) return false;
  card.scrollIntoView({ block: 'nearest' });
  card.focus({ preventScroll: true });
  return true;
}

function step(by) {
  const all = cards();
  if (all.length === 0) return;
  const at = all.indexOf(focused());
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length;
  lookAt(all[next].dataset.item);
}

function act(no) {
  const card = focused();
  if (!card) return;
  const buttons = $$('[data-do="attend"]', card);
  const button = no ? buttons.find((one) => 'no' in one.dataset) : buttons.find((one) => !('no' in one.dataset));
  if (button) { press(button); return; }
  const other = $('.actions button:not([data-do="attend"]), .actions a', card);
  if (!no && other) other.click();
  else say($('.actions', card), t('attention.nothing'), 'bad');
}

function open() {
  const card = focused();
  if (!card || document.activeElement !== card) return false;
  for (const fold of $$('details', card)) fold.open = true;
  const field = $('.need[hidden]', card);
  if (field) field.hidden = false;
  $('input:not([type="hidden"]), textarea, select', card)?.focus();
  return true;
}

// What the session has said and done so far, before one decides.
function read() {
  const link = $('a[href^="#session/"], a[href^="#thread/"]', focused() ?? document.createElement('div'));
  if (link) location.hash = link.getAttribute('href');
}

// Where a new task, or the next message, is written.
function write() {
  const field = $('form[data-form="start-planner"] textarea, form[data-form="chat-message"] textarea', view());
  const fold = field?.closest('details');
  if (fold) fold.open = true;
  field?.focus();
}

const VIEW_KEYS = { 1: 'work', 2: 'report', 3: 'review', 4: 'history', 5: 'threads', 6: 'extensions', 7: 'find' };
let onFind = () => {};
// Told where words to look for are written.
export function whenFinding(handler) { onFind = handler; }

const typing = (node) => node?.closest?.('input, textarea, select, [contenteditable], iframe');

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || $('#app').hidden) return;
  if (Object.hasOwn(VIEW_KEYS, event.key) && !typing(event.target)) { location.hash = VIEW_KEYS[event.key]; return; }
  if (event.key === '/' && !typing(event.target)) {
    event.preventDefault();
    if ($('#view-find').hidden) { location.hash = 'find'; addEventListener('hashchange', () => onFind(), { once: true }); } else onFind();
    return;
  }
  if (!visible()) return;
  if (event.key === 'Escape' && typing(event.target)) { const card = focused(); if (card) { card.focus(); event.preventDefault(); } return; }
  if (typing(event.target)) return;
  const keys = { j: () => step(1), k: () => step(-1), a: () => act(false), d: () => act(true), t: read, n: write, '?': () => press($('[data-do="attention-keys"]', view()) ?? document.body) };
  if (event.key === 'Enter') { if (open()) event.preventDefault(); return; }
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  const answers = event.key === 'a' || event.key === 'd';
  if (answers && (event.repeat || performance.now() - movedAt < STILL_MS)) return;
  keys[event.key]();
});

// How many wait, where a person sees it without looking at the page: in the title, in the icon, on the installed app, at the view's name.
export async function showCount(count, project) {
  document.title = `${count > 0 ? `(${count}) ` : ''}${project ? `${project} – ` : ''}zhongshu`;
  const badge = $('#attention-count');
  badge.hidden = count === 0;
  badge.textContent = String(count);
  navigator.setAppBadge?.(count).catch(() => {});
  icon ??= await fetch('/assets/icon.svg', { credentials: 'omit' }).then((answer) => answer.text());
  const text = count > 99 ? '99+' : String(count);
  const mark = count === 0 ? '' : `<circle cx="44" cy="20" r="20" fill="#14171a" stroke="#fff" stroke-width="3"/><text x="44" y="20" dy=".36em" font-size="${[30, 26, 19][text.length - 1]}" font-family="sans-serif" font-weight="700" text-anchor="middle" fill="#fff">${text}</text>`;
  const link = $('link[rel="icon"]');
  const drawn = count === 0 ? '/assets/icon.svg' : `data:image/svg+xml,${encodeURIComponent(icon.replace('</svg>', `${mark}</svg>`))}`;
  if (link.getAttribute('href') !== drawn) link.setAttribute('href', drawn);
}
