// Signing in: a one-time key from the URL's fragment becomes a secret that lives in this tab only, and a key that answers are held against. Another open tab of this page may
// pass them on, when it has just seen that the server is still the same: a page that asks may be somebody else's by now.
import { getJson, post, useLogin } from './api.js';

const NAME = 'zhongshu.session';
const ASK_MS = 500;
const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel('zhongshu.session') : null;

function keep(login) {
  useLogin(login);
  try {
    if (login === null) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, JSON.stringify(login));
  } catch {
    // No storage: the sign-in lasts as long as the page.
  }
}

const isLogin = (it) => typeof it?.session === 'string' && typeof it?.proof_key === 'string';

function stored() {
  try {
    const login = JSON.parse(sessionStorage.getItem(NAME));
    return isLogin(login) ? login : null;
  } catch { return null; }
}

let held = null;
let onForgotten = () => {};
export function whenForgotten(handler) { onForgotten = handler; }

function hold(login) { held = login; keep(login); return login !== null; }

async function tell() {
  const login = held;
  try { await getJson('/healthz'); } catch { return; }
  if (login !== null && held === login) channel.postMessage({ kind: 'tell', login });
}

channel?.addEventListener('message', ({ data }) => {
  if (data?.kind === 'ask' && held !== null) tell();
  if (data?.kind === 'forget' && held !== null && data.session === held.session) { hold(null); onForgotten(); }
});

function askOthers() {
  if (!channel) return Promise.resolve(null);
  return new Promise((done) => {
    const finish = (secret) => { clearTimeout(timer); channel.removeEventListener('message', hear); done(secret); };
    const hear = ({ data }) => { if (data?.kind === 'tell' && isLogin(data.login)) finish(data.login); };
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
    // Without what this page has: it may have ended, and would be refused in place of the key.
    useLogin(null);
    const { session, proof_key } = await post('/api/login', { key });
    return hold({ session, proof_key });
  }
  return hold(stored() ?? await askOthers());
}

export async function signOut() {
  const session = held?.session;
  try {
    await post('/api/logout', {});
  } finally {
    hold(null);
    channel?.postMessage({ kind: 'forget', session });
  }
}

export function forget() { hold(null); }
