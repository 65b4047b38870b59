// What the stream of sessions tells, held against what it told before: whether the page has to be drawn anew, or a session
// only said something, which is shown where it stands.
import { $, $$, shown } from './dom.js';

// By session, all that was told of it and is not shown in place.
const looks = new Map();

export function forgetSessions() { looks.clear(); }

// Whether a session looks different on the page of this planner.
export function looksDifferent(session, planner) {
  const { transcript_preview: words, idle_seconds: idle, last_activity_at: at, ...rest } = session;
  // Words and the clock change in place; whether there are any is how it looks.
  const look = JSON.stringify([rest, words === '', at === null]);
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
