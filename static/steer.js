// What a person does to the session whose transcript is open: each button and form is one request of the API. What comes of it is told by the
// journal, and drawn by whoever follows that.
import { post } from './api.js';
import { onAction, onSubmit, say } from './forms.js';
import { t } from './i18n.js';
import { showTerminal } from './terminals.js';

const act = (name, path, body = () => ({})) => onAction(name, async (button) => {
  await post(path, { session_id: button.dataset.sessionId, ...body(button.dataset) });
  if (button.isConnected) say(button, t('steer.done'));
});

act('steer-interrupt', '/api/interrupt_session', ({ background }) => ({ background: background === 'true' }));
act('steer-compact', '/api/compact_session');
act('steer-revert', '/api/revert_session', ({ turnId }) => ({ turn_id: turnId }));
act('steer-take-back', '/api/take_back_message', ({ messageId }) => ({ message_id: messageId }));
act('steer-fork', '/api/fork_session');
act('steer-archive', '/api/archive_session');
act('steer-delete', '/api/delete_session', ({ forkId }) => (forkId ? { fork_id: forkId } : {}));

const open = (name, path, body = () => ({})) => onAction(name, async (button) => {
  const { terminal } = await post(path, { session_id: button.dataset.sessionId, ...body(button.dataset) });
  showTerminal(terminal);
});

open('steer-back', '/api/session_browser_terminal/back');
open('steer-open-fork', '/api/session_browser_terminal/fork', ({ forkId }) => ({ fork_id: forkId }));

const form = (name, path, body) => onSubmit(name, async (element) => {
  const values = Object.fromEntries(new FormData(element));
  await post(path, { session_id: element.dataset.sessionId, ...body(values) });
  say(element.querySelector('button[type="submit"]'), t('steer.done'));
});

form('steer-message', '/api/session_input', ({ text, when }) => ({ input: text, when }));
form('steer-rename', '/api/rename_session', ({ title }) => ({ title }));
form('steer-settings', '/api/session_settings', ({ wider, ...wish }) => {
  const chosen = Object.entries(wish).filter(([, value]) => value !== '');
  return { ...Object.fromEntries(chosen), ...(wider ? { confirm: 'wider' } : {}) };
});

// What else a review has to know, by what it is about.
const SUBJECT = { base_branch: 'branch', commit: 'commit', custom: 'instructions' };

form('steer-review', '/api/review_session', ({ target, subject }) => ({ target, ...(SUBJECT[target] ? { [SUBJECT[target]]: subject } : {}) }));
