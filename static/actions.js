// What each button and form of the work page asks of the API.
import { getJson, post, query } from './api.js';
import { language, t } from './i18n.js';
import { make, saveText } from './dom.js';
import { lines, onAction, onSubmit, say } from './forms.js';
import { choose, listOlderPlanners, refresh } from './work.js';

const simple = (name, path, body) => onAction(name, async (button) => { await post(path, body(button.dataset)); await refresh(); });

simple('stop', '/api/stop_session', ({ sessionId }) => ({ session_id: sessionId }));
simple('resume', '/api/resume_session', ({ sessionId }) => ({ session_id: sessionId }));
simple('queue-pause', '/api/queue/pause', () => ({}));
simple('queue-resume', '/api/queue/resume', () => ({}));
simple('queue-cancel', '/api/queue/cancel', ({ id }) => ({ assignment_id: id }));
simple('queue-force', '/api/queue/force', ({ id }) => ({ assignment_id: id }));
simple('rule-remove', '/api/rules/remove', ({ id }) => ({ rule_id: id }));
simple('queue-move', '/api/queue/move', ({ id, before }) => ({ assignment_id: id, before: before || null }));
simple('verify', '/api/verify_result', ({ id }) => ({ report_id: id }));
simple('plan-review', '/api/review_plan', ({ sessionId, version, sha }) => ({ session_id: sessionId, version: Number(version), plan_sha256: sha }));
simple('plan-file-take', '/api/take_plan_file', ({ sessionId, sha }) => ({ session_id: sessionId, plan_sha256: sha }));
simple('plan-file-discard', '/api/discard_plan_file', ({ sessionId, sha }) => ({ session_id: sessionId, plan_sha256: sha }));
simple('ack', '/api/ack_result', ({ id, revision }) => ({ report_id: id, revision: Number(revision) }));

onAction('go', ({ dataset }) => {
  const place = document.getElementById(dataset.place);
  if (!place) return;
  for (let fold = place.closest('details:not([open])'); fold; fold = fold.parentElement.closest('details:not([open])')) fold.open = true;
  place.tabIndex = -1;
  place.scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  place.focus({ preventScroll: true });
});
onAction('choose', ({ dataset }) => choose(dataset.sessionId));
onAction('older-planners', () => listOlderPlanners());
onAction('read-all', async ({ dataset }) => {
  await post('/api/zhongshu_inbox', { session_id: dataset.sessionId });
  await refresh();
});

onAction('dossier', async ({ dataset }) => {
  const { markdown, session_id } = await getJson(query('/api/dossier', { id: dataset.sessionId }));
  saveText(`dossier-${session_id}.md`, markdown);
});

onAction('copy', async (button) => {
  await navigator.clipboard.writeText(button.dataset.copy);
  const before = button.textContent;
  button.textContent = t('act.copied');
  setTimeout(() => { button.textContent = before; }, 1500);
});

const value = (form, name) => form.elements[name]?.value ?? '';
const withModel = (form, body) => (value(form, 'model') ? { ...body, model: value(form, 'model') } : body);

// The API's sentence about the permission is for scripts; here the question stands on the page.
async function start(path, body) {
  try {
    return await post(path, body);
  } catch (error) {
    if (!['trust_required', 'powers_required'].includes(error.code)) throw error;
    refresh();
    throw new Error(error.code === 'trust_required' ? t('trust.first') : t('powers.first'));
  }
}

onSubmit('start-planner', async (form) => {
  const { session } = await start('/api/start_zhongshu_session', withModel(form, { task: value(form, 'task') }));
  form.removeAttribute('data-js-dirty');
  await choose(session.id);
  // The page may have moved the form meanwhile, into the fold that this first planner brought.
  form.closest('details')?.removeAttribute('open');
});

onSubmit('restart', async (form) => {
  const { session } = await post('/api/restart_zhongshu_session', withModel(form, { session_id: form.dataset.sessionId }));
  await choose(session.id);
});

onSubmit('message', async (form) => {
  await post('/api/session_input', { session_id: form.dataset.sessionId, input: value(form, 'text') });
  say(form.querySelector('button'), t('act.sent'));
});

onSubmit('decide', async (form) => {
  const input = value(form, 'text');
  if (input.trim()) await post('/api/session_input', { session_id: form.dataset.sessionId, input });
  // Said once, even if the next step fails and the person tries again.
  form.reset();
  await post('/api/ack_result', { report_id: form.dataset.id, revision: Number(form.dataset.revision) });
  form.removeAttribute('data-js-dirty');
  await refresh();
});

onSubmit('accept-changes', async (form) => {
  await post('/api/accept_changes', { report_id: form.dataset.id, revision: Number(form.dataset.revision), reason: value(form, 'reason') });
  form.removeAttribute('data-js-dirty');
  await refresh();
});

onSubmit('reject', async (form) => {
  await post('/api/reject_plan', { session_id: form.dataset.sessionId, plan_sha256: form.dataset.planSha256, reason: value(form, 'reason') });
  form.removeAttribute('data-js-dirty');
  await refresh();
});

onSubmit('start-department', async (form) => {
  const body = withModel(form, {
    parent_session_id: form.dataset.sessionId, department: value(form, 'department'), task: value(form, 'task'),
    files: lines(value(form, 'files')), verify: lines(value(form, 'verify')),
  });
  const { queued } = await start('/api/start_department', body);
  if (queued) say(form.querySelector('button[type="submit"]'), t('manual.queued'));
  await refresh();
});

// A handoff packet is fetched when its fold is opened, and shown as the plain text it is.
document.addEventListener('toggle', async ({ target }) => {
  const place = target.dataset?.handoff && target.open ? target.querySelector('[data-keep]') : null;
  if (!place || place.dataset.jsLoaded) return;
  place.dataset.jsLoaded = 'yes';
  try {
    const { markdown, report_id } = await getJson(query('/api/handoff', { id: target.dataset.handoff }));
    const download = make('button', { type: 'button', 'data-i18n': 'inbox.download' }, t('inbox.download'));
    download.addEventListener('click', () => saveText(`handoff-${report_id ?? target.dataset.handoff}.md`, markdown));
    place.replaceChildren(make('pre', { class: 'packet', tabindex: '0' }, markdown), make('div', { class: 'actions' }, download));
  } catch (error) {
    delete place.dataset.jsLoaded;
    place.replaceChildren(make('p', { class: 'error', role: 'alert' }, error.message));
  }
}, true);
