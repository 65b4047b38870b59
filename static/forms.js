// What a person does on the page: buttons, forms, questions in place. Every failure is shown beside what caused it, and
// nothing typed is lost before the launcher has said yes.
import { t } from './i18n.js';
import { make, pieces } from './dom.js';

const actions = new Map();
const submits = new Map();

// `handler(element)` answers a click on `data-do="name"`. What `note(element)` gives at the click, before any question, is its second argument.
export function onAction(name, handler, note = () => undefined) { actions.set(name, { handler, note }); }
// `handler(form)` answers the form `data-form="name"`; when it returns, the form is emptied, unless it returns false.
export function onSubmit(name, handler) { submits.set(name, handler); }

function placeOf(element) { return element.closest('.actions, .command') ?? element; }

export function clearMessages(element) {
  const place = placeOf(element);
  while (place.nextElementSibling?.matches('.said[data-js-own]')) place.nextElementSibling.remove();
}

// Says something right after the buttons.
export function say(element, text, kind = 'good') {
  clearMessages(element);
  const line = make('p', { class: `said ${kind}`, role: kind === 'bad' ? 'alert' : 'status', 'data-js-own': true }, ...pieces(text));
  placeOf(element).after(line);
  if (kind === 'good') setTimeout(() => line.remove(), 6000);
}

async function run(element, work) {
  if (element.hasAttribute('data-js-busy')) return;
  element.setAttribute('data-js-busy', '');
  element.setAttribute('aria-busy', 'true');
  clearMessages(element);
  try {
    await work();
  } catch (error) {
    if (element.isConnected) say(element, error.message, 'bad');
    else throw error;
  } finally {
    element.removeAttribute('data-js-busy');
    element.removeAttribute('aria-busy');
  }
}

// Asks in place of the button; answers true only for a clear yes.
function ask(button, question) {
  return new Promise((done) => {
    const yes = make('button', { type: 'button', class: 'danger' }, t('act.yes'));
    const no = make('button', { type: 'button' }, t('act.no'));
    const box = make('span', { class: 'sure', role: 'alertdialog', 'aria-label': question, 'data-js-own': true }, make('span', {}, question), yes, no);
    const finish = (answer) => { box.remove(); button.removeAttribute('data-js-armed'); if (button.isConnected) button.focus(); done(answer); };
    yes.addEventListener('click', () => finish(true));
    no.addEventListener('click', () => finish(false));
    box.addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.stopPropagation(); finish(false); } });
    button.setAttribute('data-js-armed', '');
    button.after(box);
    no.focus();
  });
}

export async function press(button) {
  const action = actions.get(button.dataset.do);
  if (!action || button.hasAttribute('data-js-armed')) return;
  const noted = action.note(button);
  if (button.dataset.sure && !await ask(button, t(button.dataset.sure))) return;
  await run(button, () => action.handler(button, noted));
}

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('[data-do]');
  if (button) press(button);
});

document.addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.target;
  const handler = submits.get(form.dataset.form);
  if (!handler) return;
  const button = form.querySelector('button[type="submit"]');
  run(button, async () => {
    if (await handler(form) === false) return;
    form.removeAttribute('data-js-dirty');
    for (const touched of form.querySelectorAll('[data-js-touched]')) touched.removeAttribute('data-js-touched');
    form.reset();
  });
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const form = event.target.closest?.('[data-submit-keys]')?.form;
  if (form) { event.preventDefault(); form.requestSubmit(); }
});

// What was typed decides whether a form is left alone; cleared fields make it an ordinary one again.
function isTouched(form) {
  return [...form.elements].some((field) => {
    if (field.type === 'checkbox' || field.type === 'radio') return field.checked !== field.defaultChecked;
    if (field.nodeName === 'SELECT') return field.hasAttribute('data-js-touched');
    return field.type !== 'hidden' && field.defaultValue !== undefined && field.value !== field.defaultValue;
  });
}

function noteInput(event) {
  const field = event.target;
  if (field.nodeName === 'SELECT') field.setAttribute('data-js-touched', '');
  const form = field.form;
  if (!form?.dataset.key) return;
  if (form.dataset.form !== 'plan' && !isTouched(form)) form.removeAttribute('data-js-dirty');
  else form.setAttribute('data-js-dirty', '');
}
document.addEventListener('input', noteInput);
document.addEventListener('change', noteInput);

// The browser asks before typed text goes with the page.
addEventListener('beforeunload', (event) => { if (document.querySelector('[data-js-dirty]')) event.preventDefault(); });

export const lines = (text) => text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
