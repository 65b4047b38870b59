// The editable plan. What is confirmed is exactly what stands in the ticked rows, beside the digest of the plan that was
// on the screen. A newer version never touches what a person is editing.
import './entries.js';
import { post } from './api.js';
import { t } from './i18n.js';
import { $, $$, make, seen } from './dom.js';
import { lines, onAction, onSubmit } from './forms.js';
import { checkNow, checkSoon, overlapAllowed } from './checks.js';
import { takeStashed, whenDirtyMet } from './morph.js';
import { current, refresh } from './work.js';

function rowOf(tr) {
  const field = (name) => $(`[name="${name}"]`, tr);
  const text = (name) => seen(field(name)?.value ?? '');
  const row = {
    department: text('department'), task: text('task'), files: lines(text('files')), verify: lines(text('verify')),
    reason: text('reason'), model_reason: text('model_reason'), selected: field('selected').checked,
  };
  if (text('model')) row.model = text('model');
  if (text('line_id')) row.id = text('line_id');
  row.after = text('after').split(' ').filter(Boolean);
  return row;
}

// Every line as it stands in the form.
function rowsOf(form) {
  const rows = $$('tr.plan-row', form).map(rowOf);
  // What does not start cannot be waited for.
  const ids = new Set(rows.filter(({ selected }) => selected).map(({ id }) => id));
  for (const row of rows) row.after = row.after.filter((id) => ids.has(id));
  return rows;
}

const recheck = (form) => checkSoon(form, rowsOf);

// After a change of language: a form that is being edited keeps its own list.
export function recheckEdited() {
  $$('form[data-form="plan"][data-js-dirty]').forEach(recheck);
}

onSubmit('plan', async (form) => {
  // Until the answer is there it is this form, as it stands: no newer plan slips under it, and nothing is typed that would be lost.
  const focused = document.activeElement;
  form.setAttribute('data-js-dirty', '');
  form.inert = true;
  try {
    await confirmPlan(form);
  } finally {
    form.inert = false;
    if (focused?.isConnected) focused.focus();
  }
  await dropEdits(form);
  return false;
});

async function confirmPlan(form) {
  const ticked = rowsOf(form).filter(({ selected }) => selected);
  if (ticked.length === 0) throw new Error(t('plan.nothing_ticked'));
  // Nobody confirms what they have not been told.
  if (await checkNow(form, rowsOf)) throw new Error(t('plan.look_again'));
  const body = {
    parent_session_id: form.dataset.sessionId, plan_sha256: form.dataset.sha, assignments: ticked,
    run_verify: form.elements.run_verify.checked, allow_overlap: overlapAllowed(form),
  };
  const overriding = form.elements.override_reason?.value.trim();
  if (overriding) body.override_reason = overriding;
  try {
    await post('/api/start_assignments', body);
  } catch (error) {
    if (error.code === 'plan_changed') {
      refresh();
      throw new Error(`${error.message} ${t('plan.changed_hint')}`);
    }
    throw error;
  }
}

onAction('plan-add-row', (button) => {
  const form = button.closest('form');
  const row = document.importNode($('template[data-row]', form).content, true).querySelector('tr');
  row.dataset.key = `row-added-${Date.now()}`;
  $('tbody', form).append(row);
  form.setAttribute('data-js-dirty', '');
  $('[name="task"]', row).focus();
  recheck(form);
});

onAction('plan-drop-row', (button) => {
  const form = button.closest('form');
  const row = button.closest('tr');
  (row.nextElementSibling ?? row.previousElementSibling)?.querySelector('[name="task"]')?.focus();
  row.remove();
  form.setAttribute('data-js-dirty', '');
  recheck(form);
});

document.addEventListener('input', ({ target }) => {
  if (target.form?.dataset.form === 'plan') recheck(target.form);
});

// What a person pastes may hold what nobody sees; the field shows what will be sent. Not while they type: a joiner waits for
// the letter after it.
document.addEventListener('change', ({ target }) => {
  if (target.form?.dataset.form === 'plan' && target.matches('textarea') && target.value !== seen(target.value)) target.value = seen(target.value);
});

// Takes the form away, so that the fragment's own one comes in its place.
async function dropEdits(form) {
  form.removeAttribute('data-js-dirty');
  form.remove();
  await refresh();
}
onAction('plan-reset', (button) => dropEdits(button.closest('form')));

function banner(form, name, text, ...buttons) {
  if ($('.plan-news', form)?.dataset.news === name) return;
  $('.plan-news', form)?.remove();
  form.prepend(make('div', { class: 'notice ask plan-news', role: 'status', 'data-js-own': true, 'data-news': name },
    make('p', {}, text), make('div', { class: 'actions' }, ...buttons)));
}

function button(text, handler, kind = '') {
  const node = make('button', { type: 'button', class: kind }, text);
  node.addEventListener('click', handler);
  return node;
}

// A fresh rendering met a form that a person is editing.
function meet(form, fresh) {
  if (form.dataset.form !== 'plan') return;
  // It can come back from the side where it could not be confirmed any more.
  form.querySelector('button[type="submit"]').disabled = false;
  if (!fresh.dataset.sha || fresh.dataset.sha === form.dataset.sha) {
    $('.plan-news', form)?.remove();
    return;
  }
  const { sha, version } = fresh.dataset;
  banner(form, sha, t('plan.newer', version),
    button(t('plan.newer_show'), () => dropEdits(form)),
    button(t('plan.newer_keep'), () => {
      form.dataset.sha = sha;
      form.dataset.version = version;
      $('.plan-news', form).remove();
    }));
}
whenDirtyMet(meet);

// The plan was decided elsewhere, so its form has no place any more: keep what was typed where it can be seen.
export function rescueEdits() {
  const { sessionId } = current();
  const key = `plan-form-${sessionId}`;
  const section = document.querySelector(`[data-key="plan-${CSS.escape(String(sessionId))}"]`);
  if (!section) return;
  const [own, fresh] = [true, false].map((mine) => $$('form[data-form="plan"]', section).find((one) => one.hasAttribute('data-js-own') === mine));
  if (own && fresh) {
    // A new version opened the editor again: the rescued edits move back into it.
    own.removeAttribute('data-js-own');
    fresh.replaceWith(own);
    meet(own, fresh);
  }
  if (own || fresh) return;
  const form = takeStashed(key);
  if (!form) return;
  form.setAttribute('data-js-own', '');
  form.querySelector('button[type="submit"]').disabled = true;
  banner(form, 'gone', t('plan.gone'), button(t('plan.gone_drop'), () => dropEdits(form)));
  section.append(form);
}
