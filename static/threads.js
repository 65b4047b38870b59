// The list of threads that are no sessions: by project, more of each on demand, brought up to date in place.
import { getHtml, post, query, remove } from './api.js';
import { $, seen } from './dom.js';
import { onAction, onSubmit } from './forms.js';
import { fragment } from './fragment.js';
import { language, t } from './i18n.js';
import { parse } from './work.js';

export const HARNESS = '/harness/api';

const shown = new Map();

const form = () => $('#threads-form');

async function load() {
  const { words, archived, launchers } = form().elements;
  const wish = { words: words.value.trim(), archived: archived.checked || null, launchers: launchers.checked || null };
  const groups = [...shown].map(([group, count]) => `${group}:${count}`).join(',');
  return parse(await getHtml(query('/ui/threads', { ...wish, shown: groups, lang: language() })));
}

export const { refresh, stale, enter, leave } = fragment(load, () => $('#threads-error'));

onAction('threads-more', ({ dataset }) => {
  shown.set(dataset.group, Number(dataset.shown));
  return refresh();
});

const text = (field) => seen(field?.value ?? '').trim();

// What the page asks first stands on the page of work.
async function begin(body) {
  try {
    const { session } = await post(`${HARNESS}/sessions`, body);
    return session.sessionId;
  } catch (error) {
    throw error.code === 'trust_required' ? new Error(t('chat.trust')) : error;
  }
}

onSubmit('thread-new', async (element) => {
  const { text: words, folder, model, project } = element.elements;
  const cwd = text(folder) || project?.selectedOptions[0]?.dataset.folder || '';
  // Where something after the beginning fails, trying again goes on with the thread that was begun.
  element.dataset.jsBegun ||= await begin({ ...(cwd ? { cwd } : {}), ...(model.value ? { model: model.value } : {}) });
  const id = element.dataset.jsBegun;
  const place = `${HARNESS}/sessions/${encodeURIComponent(id)}`;
  if (project?.value) await post(`${place}/project`, { projectId: project.value });
  if (words.value.trim()) await post(`${place}/messages`, { text: words.value });
  delete element.dataset.jsBegun;
  element.removeAttribute('data-js-dirty');
  element.closest('details')?.removeAttribute('open');
  location.hash = `thread/${id}`;
});

const project = ({ elements }) => ({ name: text(elements.name), workingDirectory: text(elements.folder) || null });

onSubmit('project-new', async (element) => {
  await post(`${HARNESS}/projects`, project(element));
  element.removeAttribute('data-js-dirty');
  element.closest('details')?.removeAttribute('open');
  await refresh();
});

onSubmit('project-rename', async (element) => {
  await post(`${HARNESS}/projects/${element.dataset.projectId}/rename`, project(element));
  element.removeAttribute('data-js-dirty');
  await refresh();
});

onAction('project-delete', async ({ dataset }) => {
  await remove(`${HARNESS}/projects/${dataset.projectId}`);
  await refresh();
});

const job = (action) => async ({ dataset }) => {
  await post(`${HARNESS}/orchestrator/jobs/${encodeURIComponent(dataset.id)}/${action}`, {});
  await refresh();
};
onAction('job-cancel', job('cancel'));
onAction('job-retry', job('retry'));

export function wireThreads() {
  form().addEventListener('submit', (event) => event.preventDefault());
  form().addEventListener('input', () => { shown.clear(); stale(); });
}
