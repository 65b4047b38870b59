// What the stream of sessions tells, held against what it told before: whether the page has to be drawn anew, or a session
// only said something, which is shown where it stands.
import { $, $$, shown } from './dom.js';
import { t } from './i18n.js';
import { showTimes } from './when.js';

// By session, all that was told of it and is not shown in place.
const looks = new Map();

export function forgetSessions() { looks.clear(); }

// What goes by so fast that the page is not drawn anew for it: the word and the clock change in place.
const PASSING = new Set(['thinking', 'writing', 'tool', 'working']);

function doingText({ state, tool, times }) {
  if (tool === undefined) return t(`doing.${state}`);
  return times === undefined ? t('doing.tool', tool) : t('doing.loop', tool, times);
}

// Shows what a session is doing, wherever that stands.
export function showDoing({ id, doing }) {
  for (const badge of $$(`[data-doing="${CSS.escape(id)}"]`)) {
    badge.className = `badge doing d-${doing.state}${doing.needs_somebody ? ' needs' : ''}`;
    badge.textContent = doingText(doing);
    const clock = $('[data-for]', badge.nextElementSibling);
    if (clock && doing.since) clock.dataset.for = doing.since;
    badge.nextElementSibling.hidden = !doing.since;
    showTimes(badge.parentElement);
  }
}

// Whether a session looks different on the page of this planner.
export function looksDifferent(session, planner) {
  const { transcript_preview: words, idle_seconds: idle, last_activity_at: at, doing, ...rest } = session;
  // Words and the clock change in place; whether there are any is how it looks.
  const steady = PASSING.has(doing.state) && doing.reason === undefined ? null : doing;
  const look = JSON.stringify([rest, words === '', at === null, steady]);
  const known = looks.get(session.id);
  looks.set(session.id, look);
  return look !== known && (session.session_kind === 'zhongshu' || session.parent_session_id === planner);
}

// Shows what a session said last, and when.
export function showWords({ id, transcript_preview: words, last_activity_at: at }) {
  const key = CSS.escape(id);
  for (const part of $$(`[data-key="dep-${key}"], [data-key="planner-${key}"]`)) {
    const since = $('[data-since]', part);
    if (since) since.dataset.since = at;
    const tail = $('[data-tail]', part);
    if (!tail) continue;
    const atEnd = tail.scrollTop + tail.clientHeight >= tail.scrollHeight - 4;
    tail.firstChild.data = shown(words);
    if (atEnd) tail.scrollTop = tail.scrollHeight;
  }
}
