// What the plan checks say about a plan while a person edits it: about the lines as they stand in the form, not as the
// planner reported them.
import { post } from './api.js';
import { language, t, word } from './i18n.js';
import { $, $$, make, pieces } from './dom.js';

// Somebody who types is asked about once.
const SETTLE_MS = 400;
const timers = new WeakMap();
// The number of each form's newest question: an answer to an older one is not shown.
const asked = new WeakMap();

// Checks what `rowsOf(form)` gives when the person pauses.
export function checkSoon(form, rowsOf) {
  clearTimeout(timers.get(form));
  timers.set(form, setTimeout(async () => {
    if (!form.isConnected) return;
    try {
      await check(form, rowsOf(form));
    } catch (error) {
      show(form, [line('warning', '', t('plan.unchecked', error.message))], false);
    }
  }, SETTLE_MS));
}

// Checks at once; true when something is found that was not on the screen before.
export async function checkNow(form, rowsOf) {
  clearTimeout(timers.get(form));
  const before = new Set(texts(form));
  await check(form, rowsOf(form));
  return texts(form).some((text) => !before.has(text));
}

export function overlapAllowed(form) {
  return !$('[data-overlap]', form).hidden && form.elements.allow_overlap.checked;
}

const texts = (form) => $$('.findings li', form).map((item) => item.textContent);

async function check(form, assignments) {
  const number = (asked.get(form) ?? 0) + 1;
  asked.set(form, number);
  const { findings } = await post('/api/check_plan', { assignments, language: language() });
  if (asked.get(form) !== number) return;
  const items = findings.map(({ level, assignments: at, message }) => {
    const numbers = at.map((index) => index + 1).join(language() === 'zh' ? '、' : ', ');
    return line(level, numbers && t('plan.finding_lines', numbers), message);
  });
  show(form, items, findings.some((finding) => finding.check === 'overlapping_files' && finding.level === 'warning'));
}

function line(level, place, message) {
  const text = make('span', { class: 'text' }, ...(place ? [make('span', { class: 'muted' }, place), ' '] : []), ...pieces(message));
  return make('li', {}, make('span', { class: `badge l-${level}` }, word('level', level)), ' ', text);
}

function show(form, items, overlaps) {
  const list = $('.findings', form);
  list.hidden = items.length === 0;
  list.replaceChildren(...items);
  $('[data-overlap]', form).hidden = !overlaps;
}
