// Talks to the launcher this page came from, and to nobody else.
import { t } from './i18n.js';

let secret = null;
let onSignedOut = () => {};

export function useSecret(value) { secret = value; }
export function hasSecret() { return secret !== null; }
export function whenSignedOut(handler) { onSignedOut = handler; }

// A failure that can be shown as it is: `message` is the API's own sentence.
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

function headers(extra) {
  return secret === null ? extra : { ...extra, 'X-Zhongshu-Session': secret };
}

// One request. Throws ApiError for everything but a 2xx answer.
export async function send(method, path, { body, key, signal, accept = 'application/json' } = {}) {
  const mine = secret;
  const init = { method, signal, headers: headers({ Accept: accept }), cache: 'no-store', credentials: 'omit', redirect: 'error' };
  if (body !== undefined) {
    init.headers['Content-Type'] = 'application/json';
    init.body = JSON.stringify(body);
  }
  if (key !== undefined) init.headers['Idempotency-Key'] = key;
  let answer;
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'network', t('error.network'));
  }
  if (answer.ok) return answer;
  let said = {};
  try { said = await answer.json(); } catch { /* Not our server's shape: the status has to do. */ }
  const message = typeof said.error === 'string' ? said.error : t('error.odd', answer.status);
  // Only when this very secret was refused: an answer to an older one must not end a newer sign-in.
  if (answer.status === 401 && mine !== null && mine === secret) onSignedOut();
  throw new ApiError(answer.status, said.code ?? '', message);
}

export async function getJson(path, options) { return (await send('GET', path, options)).json(); }
export async function getHtml(path, options) { return (await send('GET', path, { ...options, accept: 'text/html' })).text(); }

// Requests whose answer is not there yet. Who tries again after a broken connection sends the same key, so that it happens once.
const unanswered = new Map();

export async function post(path, body = {}) {
  const wish = `${path} ${JSON.stringify(body)}`;
  const key = unanswered.get(wish) ?? crypto.randomUUID();
  unanswered.set(wish, key);
  try {
    const answer = await (await send('POST', path, { body, key })).json();
    unanswered.delete(wish);
    return answer;
  } catch (error) {
    // An answer, if only a refusal.
    if (error.status) unanswered.delete(wish);
    throw error;
  }
}

export function query(path, values) {
  const pairs = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '');
  return pairs.length ? `${path}?${new URLSearchParams(pairs)}` : path;
}
