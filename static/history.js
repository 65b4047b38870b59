// The audit timeline: journal lines as sentences, newest first. New lines come from the event stream, older ones from
// the API.
import { getJson, query } from './api.js';
import { said, t, word } from './i18n.js';
import { $, fault, make, shown } from './dom.js';
import { local } from './when.js';

const PAGE = 200;
// Beyond this the page would grow without end on a long day; older lines are one click away.
const MOST = 2000;

const GROUPS = {
  plan: /^(zhongshu_plan_|plan_)/,
  session: /^(sessions?_|zhongshu_replaced|reminder_|turn_used|terminal_|thread_|ask_|codex_review_)/,
  queue: /^(assignment_|dispatch_|queue_|budget_)/,
  result: /^(result|mailbox_|tree_recorded$|changes_|verification_)/,
  message: /^message_/,
  review: /^(tree_approved|tree_rejected|commit_|head_|gate_)/,
  access: /^(server_|access_|repository_|powers_|task_)/,
};

const lines = new Map();
const titles = new Map();
let titleOf = (key) => key;
let oldest = null;
let pending = false;
let visible = false;

export function useDepartments(lookup) { titleOf = lookup; }

const tail = (id) => String(id ?? '').slice(-6);
const cut = (text, most = 240) => { const all = String(text ?? ''); return all.length > most ? `${all.slice(0, most)}…` : all; };

function sessionName(id) {
  if (!id) return '';
  const key = titles.get(id) ?? String(id).replace(/-[^-]*$/, '');
  return `${key === 'zhongshu' ? t('planner.title') : titleOf(key)} ${tail(id)}`;
}

function outcomeWords(outcome) {
  if (!outcome) return '';
  const detail = outcome.reason ? said(outcome.reason) : (outcome.by ? sessionName(outcome.by) : outcome.signal ?? outcome.code);
  const words = word('outcome', outcome.how);
  return detail === null || detail === undefined ? words : `${words} (${cut(detail)})`;
}

function departmentWords(line) {
  const key = line.department ?? '';
  return key === 'zhongshu' ? t('planner.title') : titleOf(key);
}

// What a message begins with; the whole of it is in the raw entry. The launcher's own end in data for the agent.
function gist(line) {
  const [first] = String(line.text ?? '').split('\n');
  return cut(line.purpose === 'input' ? first : /^.*?[.。](?=\s|$)/.exec(first)?.[0] ?? first, 160);
}

const tokens = (number) => new Intl.NumberFormat(document.documentElement.lang, { notation: 'compact', maximumFractionDigits: 2 }).format(number);

// What was asked, by the part of it that tells most.
function askWords(what) {
  const files = (what.files ?? []).map((file) => file.path).join(', ');
  const question = (what.questions ?? []).map((one) => one.question).join(' ');
  return what.command || files || question || what.message || what.tool || what.method || word('ask.kind', what.kind);
}

// What is in force in a thread, shortly.
function settingsWords(line) {
  if (line.event !== 'thread_settings_changed') return '';
  const wider = (line.wider ?? []).map((name) => word('steer.wider', name));
  const parts = [line.model, line.effort, word('approval', line.approval), word('sandbox', line.sandbox), ...wider];
  return parts.filter(Boolean).join(', ');
}

// A session by its name, a script by its token's name, everybody else by a word.
function actorWords(actor) {
  if (titles.has(actor)) return sessionName(actor);
  return word('actor', actor);
}

// What a person or an agent gave as the reason is theirs; the rest are sentences of the dictionary.
const THEIRS = new Set(['plan_rejected', 'plan_review_overruled', 'changes_accepted', 'tree_rejected', 'commit_accepted']);
const ours = (line) => !THEIRS.has(line.event);

function sentence(line) {
  // One line for many commits says how many.
  const many = line.older?.more ? '_more' : '_many';
  const key = `event.${line.event}${line.older ? many : ''}`;
  const known = t(key, {
    ...line,
    session: sessionName(line.session_id),
    by_session: sessionName(line.by),
    department: departmentWords(line),
    task: cut(line.task),
    summary: cut(line.source === 'launcher_fallback' ? said(line.summary ?? '') : line.summary),
    first_line: gist(line),
    reason: cut(ours(line) ? said(line.reason ?? '') : line.reason),
    reasons: cut((line.reasons ?? []).join(' ')),
    outcome: outcomeWords(line.outcome),
    purpose: word('purpose', line.purpose),
    assignment: tail(line.assignment_id),
    report: tail(line.report_id),
    late: line.look?.reason ? '?' : (line.look?.files ?? []).length,
    count: line.older?.count ?? (line.assignments ?? line.report_ids ?? []).length,
    oldest: String(line.older?.oldest ?? '').slice(0, 10),
    path: cut(line.path),
    file: cut(line.file),
    title: cut(line.title),
    short_tree: String(line.tree ?? '').slice(0, 12),
    short_commit: String(line.commit ?? '—').slice(0, 10),
    subject: cut(line.subject),
    note: cut(line.note),
    files: line.files ?? 0,
    to: word('access.to', line.to),
    scope: word('access.scope', line.scope),
    asked: cut(askWords(line.what ?? {})),
    did: word('steer.did', line.act),
    name: cut(line.name),
    settings: settingsWords(line),
    decision: word('thread.decision', line.decision),
    how: word('ask.how', line.how),
    tokens: line.tokens ? tokens(line.tokens.input + line.tokens.output) : '',
    limit: word('usage.limit', line.limit ?? line.reason),
    retry_at: line.retry_at ? local(line.retry_at) : '',
    allowed: line.budget ? t('usage.tokens_count', { count: tokens(line.budget.tokens) }) : t('usage.by_default'),
    budget_of: line.of === 'plan' ? t('usage.of_plan', { version: line.version, session: sessionName(line.session_id) }) : sessionName(line.session_id),
    decided: line.reply ? `: ${word('thread.decision', line.reply.decision)}` : '',
    rule: cut(line.prefix ? line.prefix.join(' ') : `${line.server} · ${line.tool}`),
  });
  // An event of a newer launcher: its own name says more than nothing.
  return known === key ? String(line.event) : known;
}

function wanted(line, group, text) {
  if (group && !GROUPS[group].test(line.event)) return false;
  return !text || JSON.stringify(line).toLowerCase().includes(text) || sentence(line).toLowerCase().includes(text);
}

function entry(line) {
  const raw = make('pre', {});
  const fold = make('details', {}, make('summary', { title: t('history.raw') }, `#${line.seq} · ${t('history.by', actorWords(line.actor ?? '?'))}`), raw);
  fold.addEventListener('toggle', () => { if (fold.open && !raw.textContent) raw.textContent = shown(JSON.stringify(line, null, 2)); });
  return make('li', { class: `entry e-${String(line.event).replace(/\W/g, '')}`, 'data-seq': line.seq },
    make('time', { datetime: line.ts, title: line.ts }, local(line.ts)),
    make('div', { class: 'entry-text' }, make('p', { class: 'text' }, sentence(line)), fold));
}

function learn(line) {
  lines.set(line.seq, line);
  if (line.event === 'session_registered') titles.set(line.id, line.department);
  if (line.event === 'session_started') titles.set(line.session_id, line.department);
  if (oldest === null || line.seq < oldest) oldest = line.seq;
}

export function show() {
  const form = $('#history-form');
  const group = form.elements.group.value;
  const text = form.elements.text.value.trim().toLowerCase();
  const hits = [...lines.values()].filter((line) => wanted(line, group, text)).sort((a, b) => b.seq - a.seq);
  $('#timeline').replaceChildren(...hits.map(entry));
  $('#history-count').textContent = t('history.count', hits.length);
  $('#history-empty').hidden = hits.length > 0;
  $('#history-more').hidden = oldest === null || oldest <= 1;
}

// One new line on top, so that an open raw entry or a selection below survives.
function showOne(line) {
  const form = $('#history-form');
  if (!wanted(line, form.elements.group.value, form.elements.text.value.trim().toLowerCase())) return;
  $('#timeline').prepend(entry(line));
  $('#history-count').textContent = t('history.count', $('#timeline').children.length);
  $('#history-empty').hidden = true;
}

export function add(line) {
  if (typeof line.seq !== 'number' || lines.has(line.seq)) return;
  if (oldest === null) oldest = line.seq + 1;
  learn(line);
  if (visible) showOne(line);
  if (lines.size > MOST) {
    for (const seq of [...lines.keys()].sort((a, b) => a - b).slice(0, lines.size - MOST)) lines.delete(seq);
    oldest = Math.min(...lines.keys());
    if (visible) show();
  }
}

async function older() {
  if (pending) return;
  pending = true;
  try {
    const before = oldest;
    const from = Math.max(0, before - 1 - PAGE);
    const { events } = await getJson(query('/api/audit', { after: from, limit: before - 1 - from }));
    events.filter((line) => line.seq < before).forEach(learn);
    oldest = from + 1;
    fault($('#history-error'), null);
  } catch (error) {
    fault($('#history-error'), error);
  } finally {
    pending = false;
  }
  show();
}

// `seq` is the newest event that is in the page; what comes after it comes by the stream.
export async function enter(seq) {
  visible = true;
  if (oldest === null) oldest = seq + 1;
  show();
  if (lines.size < PAGE && oldest > 1) await older();
}
export function leave() { visible = false; }
export function reset() { lines.clear(); oldest = null; }

export function wireHistory() {
  const form = $('#history-form');
  form.addEventListener('input', show);
  form.addEventListener('submit', (event) => event.preventDefault());
  $('#history-more').addEventListener('click', older);
}
