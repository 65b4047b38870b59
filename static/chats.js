// What a person does to a thread that is no session's: each button and form is one request of the harness API. What comes of it is told by the
// streams, and drawn by whoever follows them.
import { post, remove } from './api.js';
import { seen } from './dom.js';
import { onAction, onSubmit, say } from './forms.js';
import { t } from './i18n.js';
import { refresh } from './thread.js';
import { HARNESS } from './threads.js';

const place = ({ dataset }, act = '') => `${HARNESS}/sessions/${encodeURIComponent(dataset.threadId)}${act}`;

const act = (name, path, body = () => ({})) => onAction(name, async (button) => {
  await post(place(button, path), body(button));
  await refresh();
  if (button.isConnected) say(button, t('steer.done'));
});

act('chat-stop', '/interrupt');
act('chat-compact', '/compact');
act('chat-archive', '/archive');
act('chat-unarchive', '/unarchive');
act('chat-revert', '/rollback', ({ form }) => ({ numTurns: Number(form.elements.turns.value) }));

onAction('chat-fork', async (button) => {
  const { session } = await post(place(button, '/fork'));
  location.hash = `thread/${session.sessionId}`;
});

onAction('chat-delete', async (button) => {
  await remove(place(button));
  location.hash = 'threads';
});

const form = (name, path, body) => onSubmit(name, async (element) => {
  await post(place(element, path), body(Object.fromEntries(new FormData(element)), element));
  element.removeAttribute('data-js-dirty');
  for (const touched of element.querySelectorAll('[data-js-touched]')) touched.removeAttribute('data-js-touched');
  await refresh();
  const button = element.querySelector('button[type="submit"]');
  if (button?.isConnected) say(button, t('steer.done'));
});

form('chat-rename', '/rename', ({ title }) => ({ title: seen(title).trim() }));
form('chat-project', '/project', ({ project }) => ({ projectId: project || null }));
form('chat-controls', '/session-controls', ({ model, ...rest }, { dataset }) => ({
  scope: dataset.scope, source: 'dashboard', controls: { model: model || null, ...rest },
}));

// What is reviewed, and which field says more about it.
const REVIEWS = { uncommitted: ['uncommittedChanges'], base_branch: ['baseBranch', 'branch'], commit: ['commit', 'sha'], custom: ['custom', 'instructions'] };

form('chat-review', '/review', ({ target, subject }) => {
  const [targetType, field] = REVIEWS[target];
  return { targetType, ...(field && subject.trim() ? { [field]: subject.trim() } : {}) };
});

onSubmit('chat-message', async (element) => {
  const { text, model, effort } = Object.fromEntries(new FormData(element));
  const wish = Object.fromEntries(Object.entries({ model, effort }).filter(([, value]) => value !== ''));
  const { steered } = await post(place(element, '/messages'), { text, ...wish });
  element.removeAttribute('data-js-dirty');
  element.reset();
  await refresh();
  if (steered) say(element.querySelector('button[type="submit"]'), t('chat.steered'));
});
