// Event streams, read with `fetch` because an EventSource cannot send our header. One comes back by itself and says from
// where, so nothing is missed. A page that nobody sees lets go of its streams: a browser has six connections to one
// server, and a few forgotten tabs must not take them all.
import { query, send } from './api.js';

// Longer than any pause of a healthy stream is likely to be; a half-open connection is noticed after this long.
const SILENCE_MS = 75_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
// Looking at another tab for a moment costs no reconnect.
const HIDDEN_MS = 20_000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function untilVisible(keeps) {
  if (!document.hidden || keeps()) return Promise.resolve();
  return new Promise((done) => {
    const look = () => { if (!document.hidden) { document.removeEventListener('visibilitychange', look); done(); } };
    document.addEventListener('visibilitychange', look);
  });
}

// Calls `onEvent(event, name)` for every event of the stream at `path` (after `after`, where its events are numbered) and `onState`
// with 'live' or 'reconnecting', until `stop()`. While `keeps()` says so the stream stays although nobody sees the page.
export function follow(path, after, onEvent, onState = () => {}, keeps = () => false) {
  let stopped = false;
  let control = null;
  let hiding = null;

  const onVisibility = () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(() => { if (!keeps()) control?.abort(); }, HIDDEN_MS);
  };
  document.addEventListener('visibilitychange', onVisibility);

  async function once() {
    control = new AbortController();
    let timer = null;
    const alive = () => { clearTimeout(timer); timer = setTimeout(() => control.abort(), SILENCE_MS); };
    try {
      alive();
      const answer = await send('GET', query(path, { after }), { signal: control.signal, accept: 'text/event-stream' });
      onState('live');
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        alive();
        rest = (rest + value).replace(/\r\n?/g, '\n');
        let end;
        while ((end = rest.indexOf('\n\n')) >= 0) {
          take(rest.slice(0, end));
          rest = rest.slice(end + 2);
        }
      }
    } finally {
      clearTimeout(timer);
      control.abort();
    }
  }

  function take(block) {
    const data = block.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, '')).join('\n');
    if (!data) return;
    const name = block.split('\n').find((line) => line.startsWith('event:'))?.slice(6).trim();
    let event;
    try { event = JSON.parse(data); } catch { return; }
    if (typeof event.seq === 'number') {
      if (event.seq <= after) return;
      after = event.seq;
    }
    onEvent(event, name);
  }

  (async () => {
    let wait = FIRST_RETRY_MS;
    while (!stopped) {
      await untilVisible(keeps);
      if (stopped) return;
      const began = Date.now();
      try {
        await once();
      } catch (error) {
        if (stopped || error.status === 401) return;
      }
      if (stopped) return;
      if (document.hidden && !keeps()) continue;
      onState('reconnecting');
      if (Date.now() - began > 5000) wait = FIRST_RETRY_MS;
      await pause(wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LAST_RETRY_MS);
    }
  })();

  return () => {
    stopped = true;
    clearTimeout(hiding);
    document.removeEventListener('visibilitychange', onVisibility);
    control?.abort();
  };
}
