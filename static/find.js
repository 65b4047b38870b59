// Finds sessions of any age. What is typed is asked for after a pause, and only the answer to the last question is shown. Older ones are put
// below those that are there.
import { getHtml, query } from './api.js';
import { $, $$, fault } from './dom.js';
import { onAction } from './forms.js';
import { language } from './i18n.js';
import { parse, swap } from './work.js';
import { showTimes } from './when.js';

const SETTLE_MS = 200;
// What is made ready again is asked for this often.
const AGAIN_MS = 2000;

let on = false;
let timer = null;
let questions = 0;
// Whose departments are looked for; and whether there are more on the page than one answer had.
let planner = null;
let isLong = false;

const form = () => $('#find-form');
const list = (root) => $('[data-region="find"] ol', root);

// A day as somebody means it where the page is looked at; the server compares moments.
function midnight(day, later = 0) {
  if (!day) return null;
  const at = new Date(`${day}T00:00`);
  at.setDate(at.getDate() + later);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}

function wish() {
  const { q, file, department, since, until } = form().elements;
  return {
    q: q.value.trim(), file: file.value.trim(), department: department?.value,
    since: midnight(since.value), until: midnight(until.value, 1), planner, lang: language(),
  };
}

// What was found before is no answer to this question.
function complain(error, before) {
  fault($('#find-error'), error);
  if (before) return;
  isLong = false;
  for (const name of ['find-count', 'find', 'find-more']) $(`[data-region="${name}"]`).replaceChildren();
  if (error.code === 'history_not_ready') timer = setTimeout(refresh, AGAIN_MS);
}

// What is found by the newest question; nothing, when another one was asked meanwhile.
async function ask(before = null) {
  questions += 1;
  const mine = questions;
  clearTimeout(timer);
  timer = null;
  try {
    const fresh = parse(await getHtml(query('/ui/find', { ...wish(), before })));
    if (mine !== questions || !on) return null;
    fault($('#find-error'), null);
    return fresh;
  } catch (error) {
    if (mine === questions && on && error.status !== 401) complain(error, before);
    return null;
  }
}

export async function refresh() {
  const fresh = await ask();
  if (!fresh) return;
  isLong = false;
  swap(fresh);
}

onAction('find-older', async ({ dataset }) => {
  const fresh = await ask(dataset.before);
  const [more, rows] = [fresh && list(fresh), list($('#view-find'))];
  if (!more || !rows) return;
  isLong = true;
  showTimes(more);
  const added = [...more.children];
  rows.append(...added);
  $('[data-region="find-count"]', fresh).remove();
  $('[data-region="find"]', fresh).remove();
  swap(fresh);
  // The reading goes on where the new ones begin.
  $('a', added[0])?.focus({ preventScroll: true });
});

function typed() {
  clearTimeout(timer);
  timer = setTimeout(() => { timer = null; if (on) refresh(); }, SETTLE_MS);
}

// `of` is the planner whose departments are looked for. Who comes back finds the page as it was left, however far it was read.
export function enter(of = null) {
  const isSame = on && of === planner;
  if (isSame) return;
  on = true;
  if (of !== planner) {
    planner = of;
    isLong = false;
    if (of) forgetWords();
  }
  if (!isLong) refresh();
}

function forgetWords() {
  form().reset();
  for (const field of $$('[data-js-touched]', form())) field.removeAttribute('data-js-touched');
}

export function leave() { on = false; clearTimeout(timer); timer = null; }

// In another language everything is read anew.
export function reload() { isLong = false; if (on) refresh(); }

export function reset() {
  leave();
  planner = null;
  isLong = false;
  forgetWords();
}

export function focus() { form().elements.q.select(); }

export function wireFind() {
  form().addEventListener('input', typed);
  form().addEventListener('submit', (event) => { event.preventDefault(); refresh(); });
}
