// The review: fetched when it is looked at, after each decision, and when a person asks; what they read is never replaced
// behind their back. News of the work behind it are shown beside the very same tree. A yes or no names the tree that the page was drawn from.
import { getHtml, getJson, post, query } from './api.js';
import { language, t } from './i18n.js';
import { $, fault } from './dom.js';
import { onAction, onSubmit } from './forms.js';
import { morph } from './morph.js';
import { parse, refresh, swap } from './work.js';

let loaded = false;
let round = 0;

const region = () => $('#view-review [data-region="review"]');
const visible = () => loaded && !$('#view-review').hidden && !document.hidden;

export function isLoaded() { return loaded; }
export function reset() { loaded = false; }
export function markStale() { if (loaded) $('#review-stale').hidden = false; }

// With `same`, only what is drawn of the very same tree is brought up to date.
export async function load({ same = false } = {}) {
  const button = $('#review-refresh');
  const mine = ++round;
  button.setAttribute('aria-busy', 'true');
  try {
    const fresh = parse(await getHtml(query('/ui/review', { lang: language() })));
    if (mine !== round) return;
    const next = $('[data-region="review"]', fresh);
    const { tree, digest } = region().dataset;
    if (same && (next.dataset.tree !== tree || next.dataset.digest !== digest)) { markStale(); return; }
    swap(fresh);
    for (const name of ['tree', 'digest']) region().dataset[name] = next.dataset[name];
    loaded = true;
    fault($('#review-error'), null);
    $('#review-stale').hidden = true;
  } catch (error) {
    if (mine === round && error.status !== 401) fault($('#review-error'), error);
  } finally {
    if (mine === round) button.removeAttribute('aria-busy');
  }
}

// Something about it was recorded: whoever looks at it sees that, whoever does not gets it fresh the next time.
export function follow(event) {
  const isDecision = /^(tree_approved|tree_rejected|commit_|head_|gate_)/.test(event.event);
  const isWork = /^(result_|changes_|verification_|session_closed|session_started|plan_)/.test(event.event);
  if (!loaded || !(isDecision || isWork)) return;
  if (visible()) load({ same: isWork });
  else loaded = false;
}

// A person comes back to the tab: perhaps they staged something meanwhile.
async function check() {
  if (!visible()) return;
  try {
    const now = await getJson('/api/review?brief=1');
    if ((now.tree ?? '') !== region().dataset.tree || now.report.digest !== region().dataset.digest) markStale();
  } catch { /* The next click says what is wrong. */ }
}

// The API's sentence is for scripts; here the page says it and offers to look again.
async function decide(path, body) {
  try {
    return await post(path, body);
  } catch (error) {
    if (error.code !== 'tree_changed') throw error;
    markStale();
    throw new Error(t('review.stale'));
  }
}

async function decided(form) {
  form.removeAttribute('data-js-dirty');
  await load();
}

onSubmit('approve', async (form) => {
  await decide('/api/reviews/approve', {
    tree: form.dataset.tree, report_digest: form.dataset.digest, note: form.elements.note.value,
  });
  await decided(form);
});

onSubmit('reject-tree', async (form) => {
  await decide('/api/reviews/reject', { tree: form.dataset.tree, reason: form.elements.reason.value });
  await decided(form);
});

onAction('accept-commit', async ({ dataset }) => {
  await post('/api/reviews/accept_commit', { commit: dataset.commit });
  await refresh();
  if (visible()) await load();
});

onAction('gate', async ({ dataset }) => {
  await post('/api/gate', { mode: dataset.mode, reason: t('gate.by_hand') });
  await load();
});

onAction('review-refresh', () => load());

onAction('review-file', async (button) => {
  const { file, tree } = button.dataset;
  try {
    const fresh = parse(await getHtml(query('/ui/review/file', { file, tree, lang: language() })));
    const place = button.closest('.diff-body');
    const next = $('.diff-body', fresh);
    if (place && next) morph(place, next);
  } catch (error) {
    if (error.code !== 'tree_changed') throw error;
    markStale();
    throw new Error(t('review.stale'));
  }
});

document.addEventListener('visibilitychange', check);
addEventListener('focus', check);
