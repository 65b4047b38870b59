// The suggested next message of a thread: asked for beside the field, put into it when it comes and the field is empty, and otherwise shown above
// it until the person takes it. Nothing is sent by itself.
import { post } from './api.js';
import { $, seen } from './dom.js';
import { onAction, say } from './forms.js';
import { t } from './i18n.js';
import { refresh, whenShown } from './thread.js';
import { HARNESS } from './threads.js';

// More of a draft is not taken.
const DRAFT = 4000;

// Jobs that were asked for here and whose text has not come; and those that the person is done with.
const asked = new Set();
const done = new Set();

const place = () => $('#view-session [data-region="thread-say"]');
const field = () => $('form[data-form="chat-message"] textarea', place());
const button = () => $('[data-do="chat-suggest"]', place());

function close(card) {
  done.add(card.dataset.jobId);
  card.setAttribute('data-js-closed', '');
}

// As if it were typed, so that the page knows of it and the person can undo it where they stand in the field.
function put(text, inField) {
  const area = field();
  if (inField) {
    area.focus();
    area.select();
    if (document.execCommand('insertText', false, text)) return;
  }
  area.value = text;
  area.dispatchEvent(new Event('input', { bubbles: true }));
}

function use(card) {
  const text = $('[data-suggested]', card).textContent;
  const kind = card.dataset.suggestion;
  // Whoever is elsewhere on the page stays there.
  const at = document.activeElement;
  const isHere = at === null || at === document.body || place().contains(at);
  close(card);
  put(text, isHere);
  say(button(), t(`suggest.put.${kind}`));
}

whenShown(() => {
  const card = $('[data-suggestion]', place());
  if (!card) return;
  if (done.has(card.dataset.jobId)) { card.setAttribute('data-js-closed', ''); return; }
  if (!$('[data-suggested]', card) || !asked.delete(card.dataset.jobId)) return;
  if (field().value.trim() === '') use(card);
});

onAction('chat-suggest', async ({ dataset }) => {
  const draft = [...seen(field().value).trim()].slice(0, DRAFT).join('');
  const { jobId } = await post(`${HARNESS}/sessions/${encodeURIComponent(dataset.threadId)}/suggested-request/jobs`, draft ? { draft } : {});
  asked.add(jobId);
  await refresh();
});

onAction('suggestion-use', (element) => use(element.closest('[data-suggestion]')));
onAction('suggestion-close', (element) => { close(element.closest('[data-suggestion]')); field().focus(); });
onAction('suggestion-cancel', async ({ dataset }) => {
  await post(`${HARNESS}/orchestrator/jobs/${encodeURIComponent(dataset.id)}/cancel`, {});
  await refresh();
});
