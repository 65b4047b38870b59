// Signing in: a one-time key from the URL's fragment becomes a secret that lives in this tab only. Another open tab of
// this page may pass it on.
import { post, useSecret } from './api.js';

const NAME = 'zhongshu.session';
const ASK_MS = 250;
const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('zhongshu.session') : null;

function keep(secret) {
  useSecret(secret);
  try {
    if (secret === null) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, secret);
  } catch {
    // No storage: the sign-in lasts as long as the page.
  }
}

function stored() {
  try { return sessionStorage.getItem(NAME); } catch { return null; }
}

let held = null;
let onForgotten = () => {};
export function whenForgotten(handler) { onForgotten = handler; }

function hold(secret) { held = secret; keep(secret); return secret !== null; }

channel?.addEventListener('message', ({ data }) => {
  if (data?.kind === 'ask' && held !== null) channel.postMessage({ kind: 'tell', secret: held });
  if (data?.kind === 'forget' && held !== null && data.secret === held) { hold(null); onForgotten(); }
});

function askOthers() {
  if (!channel) return Promise.resolve(null);
  return new Promise((done) => {
    const finish = (secret) => { clearTimeout(timer); channel.removeEventListener('message', hear); done(secret); };
    const hear = ({ data }) => { if (data?.kind === 'tell' && typeof data.secret === 'string') finish(data.secret); };
    const timer = setTimeout(() => finish(null), ASK_MS);
    channel.addEventListener('message', hear);
    channel.postMessage({ kind: 'ask' });
  });
}

// Takes the key out of the address bar at once, whatever becomes of it.
export function keyFromUrl() {
  const key = /^#key=(.+)$/.exec(location.hash)?.[1];
  if (!key) return null;
  history.replaceState(null, '', location.pathname);
  try { return decodeURIComponent(key); } catch { return key; }
}

// Whether this tab has a secret now. A wrong key throws the API's sentence.
export async function signIn(key) {
  if (key !== null) {
    const { session } = await post('/api/login', { key });
    return hold(session);
  }
  return hold(stored() ?? await askOthers());
}

export async function signOut() {
  const secret = held;
  try {
    await post('/api/logout', {});
  } finally {
    hold(null);
    channel?.postMessage({ kind: 'forget', secret });
  }
}

export function forget() { hold(null); }
