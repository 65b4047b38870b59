// Talks to the launcher this page came from, and to nobody else: an answer without its proof is not looked at.
import { language, t } from './i18n.js';
import { importKey, isProven, newChallenge } from './proof.js';

// What a sign-in gave: the secret that is sent, and the key that answers are held against.
let login = null;
let onSignedOut = () => {};

export function useLogin(given) {
  login = given === null ? null : { secret: given.session, key: importKey(given.proof_key) };
}

// Is told why: the key of a sentence.
export function whenSignedOut(handler) { onSignedOut = handler; }

// A failure that can be shown as it is: `message` is the API's own sentence, `body` all that it said.
export class ApiError extends Error {
  constructor(status, code, message, body = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.body = body;
  }
}

// One request. Throws ApiError for everything but a 2xx answer.
export async function send(method, path, { body, key, signal, accept = 'application/json' } = {}) {
  const mine = login;
  const challenge = newChallenge();
  const init = { method, signal, headers: { Accept: accept, 'Accept-Language': language() }, cache: 'no-store', credentials: 'omit', redirect: 'error' };
  if (mine !== null) Object.assign(init.headers, { 'X-Zhongshu-Session': mine.secret, 'X-Zhongshu-Challenge': challenge });
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
  if (mine !== null && !await isProven(mine.key, challenge, method, path, answer)) {
    answer.body?.cancel();
    // A sign-in that has ended cannot prove anything: nobody can tell that from a stranger, and it does not matter.
    const reason = answer.status === 401 ? 'signin.expired' : 'signin.stranger';
    // Only for this very sign-in: an answer to an older one must not end a newer one.
    if (mine === login) onSignedOut(reason);
    throw new ApiError(401, 'unproven', t(reason));
  }
  if (answer.ok) return answer;
  let said = {};
  try { said = await answer.json(); } catch { /* Not our server's shape: the status has to do. */ }
  const message = typeof said.error === 'string' ? said.error : t('error.odd', answer.status);
  if (answer.status === 401 && mine !== null && mine === login) onSignedOut('signin.expired');
  throw new ApiError(answer.status, said.code ?? '', message, said);
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

export async function remove(path) { return (await send('DELETE', path, { body: {} })).json(); }

export function query(path, values) {
  const pairs = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '');
  return pairs.length ? `${path}?${new URLSearchParams(pairs)}` : path;
}
